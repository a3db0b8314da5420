//! Recorded answers, byte for byte, with the unit put in the recorded state.
//!
//! The recordings are not part of this repository: the folder that holds them is named by `OHMSTEAD_SHARED`. The state is
//! read back from the recorded text itself, field by field, so the test proves widths, order, units and checks of what the
//! unit says. What no profile can say is listed with the reason.

use crate::common::{bench, crc};
use crate::state::put;
use serde_json::Value;
use std::path::Path;

/// Recorded answers that no profile gives, and why.
const BEYOND: &[(&str, &str)] = &[
    ("v040", "Daxtromn's own three fields at the end of QPIRI"),
    ("v041", "of the same unit, without panels and grid: no profile is it"),
    ("v054", "Q1 with four temperatures that the power stage does not tell apart"),
    ("v094", "a fixture without the ^ at its start"),
    ("v095", "a right question refused: that is the cable's doing"),
    ("v111", "INGS of PI17 is not simulated"),
    ("v112", "EMINFO of PI17 is not simulated"),
    ("v114", "GS of PI17 with three voltages: the house's grid has one"),
    ("v115", "WS of PI17 with warnings that no state brings about"),
    ("v117", "BATS of PI17 with an installed charger's own figures"),
    ("v118", "BATS of 23 fields: another generation of PI17"),
    ("v119", "BATS of 23 fields: another generation of PI17"),
    ("v120", "HECS with everything off: not even the sun charges"),
    ("v121", "a fixture whose length does not count its own digits"),
    ("v123", "energy by the hour is not counted"),
    ("v136", "QP2GS0 with currents of its own that no state of one unit has"),
    ("v138", "limits of a BMS that are not settings"),
    ("v139", "limits of a BMS that are not settings"),
];

/// The profile that a recording is played on.
fn profile(family: &str, command: &str, fields: &[&str]) -> Option<&'static str> {
    Some(match (family, command) {
        (_, "QPGS0") if fields.len() == 1 => "ups",
        ("PI30MAX" | "PI30", "QPIGS") if fields[4].len() == 5 => "pi30-max",
        ("PI30MAX" | "PI30", "QPIGS") if fields[12].contains('.') => "pi30-max21",
        ("PI30", "QPIGS") if fields[14] != "00.00" => "pi30-21",
        ("PI30", "QPIGS") => "pi30-mk",
        ("PI30MAX" | "PI30", "QPGS0") if fields.len() == 29 => "pi30-max21",
        ("PI30MAX", _) => "pi30-max21",
        ("PI30", "QFLAG" | "QBMS") => "pi30-max",
        ("PI30", "QPIWS") if fields[0].len() == 36 => "pi30-mk",
        ("PI30", _) => "pi30-21",
        ("PI34", _) => "charger",
        ("PI41", _) => "pi41",
        ("PI30REVO", _) => "revo",
        ("PI18", _) => "pi18-lv5048",
        ("PI17", _) => "pi17",
        _ => return None,
    })
}

/// What the recorded client asked, in the form that the profile expects.
fn request(entry: &Value, profile: &str, command: &str) -> Vec<u8> {
    match (profile, entry["request_hex"].as_str()) {
        // Fixtures of other families, asked as PI18 asks.
        ("pi18-lv5048", _) if command == "POP02" => crate::common::caret("S", "POP0"),
        ("pi18-lv5048", _) => crate::common::caret("P", command),
        (_, Some(hex)) => bytes(hex),
        (_, None) => [command.as_bytes(), &crc(command.as_bytes()), b"\r"].concat(),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn recorded_answers_are_given_byte_for_byte() {
    let Some(shared) = std::env::var_os("OHMSTEAD_SHARED") else {
        println!("skipped: OHMSTEAD_SHARED names no folder with the recordings");
        return;
    };
    let path = Path::new(&shared).join("data/voltronic/vectors.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is absent", path.display());
        return;
    };
    let file: Value = serde_json::from_str(&text).unwrap();
    let (mut same, mut wrong, mut corrupt, mut foreign) = (0, Vec::new(), 0, 0);
    for entry in file["responses"].as_array().unwrap() {
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        let (id, family) = (text("id"), text("family"));
        match (text("kind"), family) {
            ("corrupt", _) => corrupt += 1,
            (_, "PI16") => foreign += 1,
            _ if BEYOND.iter().any(|(beyond, _)| *beyond == id) => {}
            _ => match differs(entry) {
                None => same += 1,
                Some(how) => wrong.push(format!("{id} {family} {how}")),
            },
        }
    }
    println!(
        "{same} recorded answers given byte for byte, {} beyond the profiles, {foreign} of PI16, {corrupt} corrupt",
        BEYOND.len()
    );
    assert!(wrong.is_empty(), "{} answers differ\n{}", wrong.len(), wrong.join("\n"));
    assert!(same >= 100, "only {same} were compared");
}

/// Plays one recording; says how the answer differs, if it does.
fn differs(entry: &Value) -> Option<String> {
    let text = |key: &str| entry[key].as_str().unwrap_or_default();
    let command = text("command");
    let theirs = bytes(text("response_hex"));
    let payload = text("payload").trim_start_matches('(');
    let payload = if payload.starts_with("^D") { &payload[5..] } else { payload };
    let fields: Vec<&str> = payload.split([' ', ',']).collect();
    let Some(profile) = profile(text("family"), command, &fields) else {
        return Some(format!("{command}: no profile is known for it"));
    };
    let mut bench = bench(profile, "think-ms=0");
    if theirs.ends_with(b"\n") {
        bench.switch("terminator=lf");
    }
    if text("kind") == "valid" {
        put(&mut bench, command, &fields);
    }
    let ours = bench.exchange(&request(entry, profile, command));
    let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
    (ours != theirs)
        .then(|| format!("{command} on {profile}\n  ours   {}\n  theirs {}", shown(&ours), shown(&theirs)))
}
