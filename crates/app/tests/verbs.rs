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
