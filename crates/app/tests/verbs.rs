//! The verbs against simulated devices on real sockets, as a person without a daemon uses them.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

struct Sim {
    child: Child,
    address: String,
}

impl Sim {
    /// One healthy battery on a free port.
    fn start() -> Self {
        let mut child = ohmstead()
            .args(["sim", "marstek", "--listen", "127.0.0.31:0", "--profile", "e3-150"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit_once("marstek://").unwrap().1.to_owned();
        Self { child, address }
    }

    fn url(&self) -> String {
        format!("marstek://{}", self.address)
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ohmstead() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ohmstead"))
}

/// Runs a verb in `folder`, which is also where data go.
fn verb(folder: &Path, arguments: &[&str]) -> Output {
    ohmstead()
        .args(arguments)
        .arg("--data-dir")
        .arg(folder.join("data"))
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn config(folder: &Path, sim: &Sim, more: &str) {
    let port = sim.address.rsplit_once(':').unwrap().1;
    let devices =
        format!("devices: {{ a: {{ marstek: {{ host: 127.0.0.31, port: {port}, name: Fase A }} }} }}");
    let text = format!("site: {{ timezone: Europe/Paris }}\n{devices}\nweb: off\n{more}\n");
    std::fs::write(folder.join("ohmstead.yaml"), text).unwrap();
}

#[test]
fn a_device_is_tested_like_the_old_poller_did() {
    let (folder, sim) = (tempfile::tempdir().unwrap(), Sim::start());
    config(folder.path(), &sim, "");
    let output = verb(folder.path(), &["check", "--live"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}{}", text(&output.stderr));
    assert!(printed.starts_with("Testing Fase A (127.0.0.31)...\n  ✅ SOC: "), "{printed}");
    assert!(printed.contains("Mode: Auto"), "{printed}");
}

#[test]
fn an_address_alone_is_written_to_and_a_read_only_configuration_is_not() {
    let (folder, sim) = (tempfile::tempdir().unwrap(), Sim::start());
    let written = verb(folder.path(), &["set", &sim.url(), "charge", "--power", "500 W", "--json"]);
    let row: serde_json::Value = serde_json::from_slice(&written.stdout).unwrap();
    assert_eq!((row["outcome"].as_str(), written.status.code()), (Some("confirmed"), Some(0)), "{row}");
    config(folder.path(), &sim, "");
    let dry = verb(folder.path(), &["set", "a", "auto"]);
    assert_eq!(dry.status.code(), Some(5));
    assert!(text(&dry.stdout).starts_with("a: auto: dry_run"), "{}", text(&dry.stdout));
    assert!(text(&dry.stderr).contains("read_only: false"), "{}", text(&dry.stderr));
    let ledger = verb(folder.path(), &["ledger", "--json"]);
    let rows: serde_json::Value = serde_json::from_slice(&ledger.stdout).unwrap();
    let outcomes: Vec<_> =
        rows.as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["dry_run", "confirmed"], "newest first, and nothing is missing");
}

#[test]
fn a_silent_address_has_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let silent = std::net::UdpSocket::bind("127.0.0.32:0").unwrap();
    let url = format!("marstek://{}", silent.local_addr().unwrap());
    let output = verb(folder.path(), &["read", &url, "--json"]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    let device: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(device["online"].as_bool(), Some(false));
    assert!(device["values"]["battery_soc"]["value"].is_null(), "unknown, not 0");
}

#[test]
fn the_demo_takes_a_folder_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = ohmstead()
        .args(["demo", "--data-dir", "demo", "--days", "0", "--port", "0"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut all = Vec::new();
    for line in lines {
        let is_last = line.starts_with("data_dir: ");
        all.push(line);
        if is_last {
            break;
        }
    }
    let _ = (child.kill(), child.wait());
    let here = folder.path().canonicalize().unwrap().join("demo");
    let here = [folder.path().join("demo"), here].map(|path| path.display().to_string());
    let told = all.join("\n");
    assert!(told.starts_with("The page: http://"), "{told}");
    assert!(here.iter().any(|here| told.contains(&format!("unixpacket:{here}/workshop.usb"))), "{told}");
}

/// A configuration without devices, and two days of a house as a file.
fn past(folder: &Path, tariffs: &str) {
    let text = format!("site: {{ timezone: Europe/Paris }}\ndevices: {{}}\nweb: off\ntariffs: {tariffs}\n");
    std::fs::write(folder.join("ohmstead.yaml"), text).unwrap();
    let rows = (0..48).map(|hour| {
        let (day, hour, pv_w) =
            (1 + hour / 24, hour % 24, if (9..15).contains(&(hour % 24)) { 2000 } else { 0 });
        format!("2025-06-{day:02}T{hour:02}:00:00Z,400,{pv_w}\n")
    });
    let text =
        format!("\u{feff}utc_start,load_w,pv_w\n{}2025-06-03T00:00:00Z,400,0\n", rows.collect::<String>());
    std::fs::write(folder.join("home.csv"), text).unwrap();
}

#[test]
fn a_file_is_replayed_whole_and_with_what_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    past(folder.path(), "{ import: { fixed: 0.25 } }");
    let replay = ["backtest", "--csv", "home.csv", "--capacity", "5 kWh", "--strategy", "self-consumption"];
    let output = verb(folder.path(), &[&replay[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let near = |row: usize, key: &str, expected: f64| {
        let found = answer["rows"][row][key].as_f64().unwrap();
        assert!((found - expected).abs() < 1e-6, "{row} {key}: {found} for {expected}");
    };
    // Two days of 400 W with six hours of sun each.
    near(0, "import_kwh", 2.0 * 18.0 * 0.4);
    near(0, "unknown_h", 0.0);
    // From 10 % up to the full at 88 %, emptied by the night, and filled once more.
    near(1, "charged_kwh", 2.0 * 4.5 / 0.88f64.sqrt());
    assert_eq!(answer["prices"], "contract");
}

#[test]
fn what_cannot_be_replayed_is_said_with_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    past(folder.path(), "{ import: { tempo: {} } }");
    std::fs::write(folder.path().join("broken.csv"), "load,pv\n").unwrap();
    for (arguments, code, why) in [
        (&["--efficiency", "0 %"][..], 2, "expected 50 % to 100 %"),
        (&["--efficiency", "0.88"], 2, "did you mean \"88 %\"?"),
        (&["--capacity", "5"], 2, "did you mean \"5 kWh\"?"),
        (&["--from", "0000-01-01"], 2, "10 at most are replayed at once"),
        (
            &["--from", "2025-06-03", "--to", "2025-06-02"],
            2,
            "--from 2025-06-03 is not before --to 2025-06-02",
        ),
        (
            &["--from", "2024-06-01", "--to", "2024-06-02"],
            1,
            "- load: none of that time; there is some of 2025-06-01 to 2025-06-03",
        ),
        (&[], 1, "no colour of Tempo is known"),
        (&["--csv", "broken.csv"], 1, "broken.csv: line 1: expected `utc_start,load_w,pv_w`"),
        (&["--colours", "broken.csv"], 1, "no colour of Tempo is known"),
    ] {
        let mut line = vec!["backtest"];
        if !arguments.contains(&"--csv") {
            line.extend(["--csv", "home.csv"]);
        }
        if !arguments.contains(&"--capacity") {
            line.extend(["--capacity", "5 kWh"]);
        }
        let output = verb(folder.path(), &[&line[..], arguments].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}{}", text(&output.stdout));
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
}
