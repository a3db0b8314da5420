//! The verbs of the history as a person uses them, without a daemon.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

const HEAD: &str = "time,device,metric,value,unit\n";

fn history(folder: &Path, data: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ohmstead"))
        .arg("history")
        .args(arguments)
        .arg("--data-dir")
        .arg(folder.join(data))
        .current_dir(folder)
        .output()
        .unwrap()
}

fn done(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refused(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Numbers, states and texts of two devices, in the order of an export.
fn values() -> String {
    let mut text = HEAD.to_owned();
    for minute in 0..600 {
        let at = format!("2026-10-25T{:02}:{:02}:00.{:03}Z", minute / 60, minute % 60, minute);
        let _ = writeln!(text, "{at},gx,battery_soc,{}.{},%", 20 + minute / 10, minute % 10);
    }
    text += "2026-10-25T00:00:00.000Z,gx,device_model,\"Cerbo, \"\"GX\"\"\",\n";
    for (hour, energy) in [(0, "8.00"), (1, "9.50"), (2, "0.25")] {
        let _ = writeln!(text, "2026-10-25T{hour:02}:00:00.000Z,gx,grid_import_energy,{energy},kWh");
    }
    text += "2026-10-25T00:00:00.000Z,site,battery_mode,auto,\n";
    text
}

#[test]
fn what_is_exported_imported_and_exported_is_the_same_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("in.csv"), values()).unwrap();
    let said = done(&history(folder, "one", &["import", "csv", "in.csv"]));
    assert_eq!(said, "605 values of gx, site imported\n");
    done(&history(folder, "one", &["export", "one.csv"]));
    done(&history(folder, "two", &["import", "csv", "one.csv"]));
    let two = done(&history(folder, "two", &["export"]));
    assert_eq!(two, values());
    let again = refused(&history(folder, "one", &["export", "one.csv"]), 2);
    assert!(again.contains("is not overwritten"), "{again}");
    done(&history(folder, "one", &["export", "one.parquet", "--format", "parquet"]));
    assert!(std::fs::read(folder.join("one.parquet")).unwrap().ends_with(b"PAR1"));
    let line = done(&history(folder, "two", &["export", "--format", "line", "--metrics", "site.*"]));
    assert_eq!(line, "battery_mode,device=site value=\"auto\" 1792886400000\n");
}

#[test]
fn a_wrong_file_imports_nothing_and_names_every_place() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = format!("{HEAD}0,gx,battery_soc,50,%\n0,gx,batery_soc,1,%\n1,gx,battery_soc,NaN,%\n");
    std::fs::write(folder.join("bad.csv"), text).unwrap();
    let said = refused(&history(folder, "data", &["import", "csv", "bad.csv"]), 1);
    assert!(said.contains("nothing was imported from bad.csv\nbad.csv:3:6: no metric is named"), "{said}");
    assert!(said.contains("did you mean \"battery_soc\"?\nbad.csv:4:18: \"NaN\" is no number"), "{said}");
    assert!(done(&history(folder, "data", &["stats"])).starts_with("no values yet"));
}

#[test]
fn questions_are_answered_and_near_names_offered() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("in.csv"), values()).unwrap();
    done(&history(folder, "data", &["import", "csv", "in.csv"]));
    let span = ["--from", "2026-10-25T00:00:00Z", "--to", "2026-10-25T03:00:00Z", "--json"];
    let ask = |more: &[&str]| {
        let output = history(folder, "data", &[&["query"], more, &span[..]].concat());
        serde_json::from_str::<serde_json::Value>(&done(&output)).unwrap()
    };
    let stored = ask(&["gx.battery_soc"]);
    assert_eq!((&stored["metric"], &stored["unit"]), (&"battery_soc".into(), &"%".into()));
    assert_eq!(stored["points"].as_array().unwrap().len(), 180);
    assert_eq!(stored["points"][1], serde_json::json!([1_792_886_460_001_i64, 20.1]));
    let hours = ask(&["battery_soc", "--step", "1h"]);
    assert_eq!(hours["points"].as_array().unwrap().len(), 3);
    assert_eq!(hours["points"][0][1][2], 25.9);
    let counter = ask(&["grid_import_energy"]);
    assert_eq!((&counter["increase"], &counter["resets"]), (&1.75.into(), &1.into()));
    let said = refused(&history(folder, "data", &["query", "gx.batery_soc"]), 2);
    assert!(said.contains("did you mean \"battery_soc\"?"), "{said}");
    let said = refused(&history(folder, "none", &["query", "gx.battery_soc"]), 1);
    assert!(said.contains("no history is in"), "{said}");
}

#[test]
fn a_backup_takes_the_place_of_the_history_and_what_was_there_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("in.csv"), values()).unwrap();
    done(&history(folder, "data", &["import", "csv", "in.csv"]));
    done(&history(folder, "data", &["backup", "backup.sqlite"]));
    std::fs::write(folder.join("more.csv"), format!("{HEAD}2026-10-26,gx,battery_soc,1,%\n")).unwrap();
    done(&history(folder, "data", &["import", "csv", "more.csv"]));
    std::fs::write(folder.join("junk.sqlite"), "junk").unwrap();
    let said = refused(&history(folder, "data", &["restore", "junk.sqlite"]), 1);
    assert!(said.contains("no backup that can be restored; nothing was changed"), "{said}");
    done(&history(folder, "data", &["restore", "backup.sqlite"]));
    assert_eq!(done(&history(folder, "data", &["export"])), values());
    let names = std::fs::read_dir(folder.join("data")).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().any(|name| name.starts_with("history.sqlite.2")), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("restore-")), "{names:?}");
    assert!(done(&history(folder, "data", &["verify"])).ends_with("no damage\n"));
}
