//! The binary as a service manager and its owner meet it: starting, refusing, reloading, stopping.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// How long something may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(40);

struct Place {
    folder: tempfile::TempDir,
    notify: UnixDatagram,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let notify = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        notify.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { folder, notify }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self, text: &str) -> PathBuf {
        let path = self.path("ohmstead.yaml");
        let devices = "devices: { a: { marstek: { host: 127.0.0.9, port: 9 } } }";
        std::fs::write(&path, format!("site: {{ timezone: Europe/Paris }}\n{devices}\n{text}\n")).unwrap();
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ohmstead"));
        command
            .args(arguments)
            .arg("--config")
            .arg(self.path("ohmstead.yaml"))
            .arg("--data-dir")
            .arg(self.path("data"))
            .env("NOTIFY_SOCKET", self.path("notify"))
            .env_remove("JOURNAL_STREAM")
            .env_remove("WATCHDOG_USEC")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts the daemon and waits until it is ready.
    fn daemon(&self) -> Daemon {
        let log = std::fs::File::create(self.path("log")).unwrap();
        let child = self.command(&["run"]).stderr(log).spawn().unwrap();
        let daemon = Daemon { child, log: self.path("log") };
        self.await_notice("READY=1");
        daemon
    }

    fn verb(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn await_notice(&self, wanted: &str) {
        let mut message = [0; 512];
        loop {
            let length =
                self.notify.recv(&mut message).unwrap_or_else(|error| panic!("no {wanted}: {error}"));
            if String::from_utf8_lossy(&message[..length]).lines().any(|line| line == wanted) {
                return;
            }
        }
    }
}

struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    fn stop(mut self) -> (Option<i32>, String) {
        self.signal(Signal::TERM);
        let status = self.child.wait().unwrap();
        (status.code(), self.log())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn get(port: u16, path: &str) -> String {
    use std::io::Write as _;
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn web(port: u16) -> String {
    format!("web: {{ listen: \"127.0.0.1:{port}\" }}")
}

#[test]
fn it_starts_serves_and_stops_in_order() {
    let (place, port) = (Place::new(), free_port());
    place.config(&web(port));
    let daemon = place.daemon();
    assert!(get(port, "/healthz").starts_with("HTTP/1.1 200"));
    assert!(get(port, "/api/v1/site").contains("Europe/Paris"));
    let read = place.verb(&["read", "a", "--json"]);
    let device: serde_json::Value = serde_json::from_slice(&read.stdout).unwrap();
    assert_eq!(device["device"], "a");
    assert!(device["online"] != true, "nobody listens on that port");
    assert_eq!(read.status.code(), Some(4), "{}", text(&read.stderr));
    let (code, log) = daemon.stop();
    assert_eq!(code, Some(0), "{log}");
    place.await_notice("STOPPING=1");
    assert!(log.contains("stopped"), "{log}");
    assert!(!place.path("data/ohmstead.sock").exists());
    assert!(place.path("data/history.sqlite").exists());
}

#[test]
fn a_start_waits_for_a_verb_that_has_the_data() {
    use std::io::{BufRead as _, BufReader};
    let (place, port) = (Place::new(), free_port());
    place.config(&web(port));
    std::fs::create_dir(place.path("data")).unwrap();
    std::fs::write(place.path("data/ohmstead.lock"), "1 verb\n").unwrap();
    let lock = std::fs::File::open(place.path("data/ohmstead.lock")).unwrap();
    lock.lock().unwrap();
    let mut child = place.command(&["run"]).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = log.next().unwrap().unwrap();
    assert!(first.contains("waits for a verb") && first.contains("pid=1"), "{first}");
    drop(lock);
    place.await_notice("READY=1");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let rest: Vec<_> = log.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest:#?}");
}

#[test]
fn a_start_that_waits_for_a_verb_can_be_stopped() {
    let place = Place::new();
    place.config("web: off");
    std::fs::create_dir(place.path("data")).unwrap();
    std::fs::write(place.path("data/ohmstead.lock"), "1 verb\n").unwrap();
    let lock = std::fs::File::open(place.path("data/ohmstead.lock")).unwrap();
    lock.lock().unwrap();
    let mut child = place.command(&["run"]).spawn().unwrap();
    let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    std::io::BufRead::read_line(&mut log, &mut first).unwrap();
    assert!(first.contains("waits for a verb"), "{first}");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_second_instance_is_refused() {
    let (place, port) = (Place::new(), free_port());
    place.config(&web(port));
    let daemon = place.daemon();
    let second = place.verb(&["run"]);
    assert_eq!(second.status.code(), Some(6));
    let pid = format!("another ohmstead (pid {})", daemon.child.id());
    assert!(text(&second.stderr).contains(&pid), "{}", text(&second.stderr));
    let other = Place::new();
    other.config(&web(port));
    let third = other.verb(&["run"]);
    assert_eq!(third.status.code(), Some(6));
    assert!(text(&third.stderr).contains("is in use"), "{}", text(&third.stderr));
}

#[test]
fn a_reload_takes_over_what_is_right_and_refuses_what_is_wrong() {
    let (place, first, second) = (Place::new(), free_port(), free_port());
    place.config(&web(first));
    let daemon = place.daemon();
    place.config("web: { lisen: x }");
    daemon.signal(Signal::HUP);
    place.await_notice("READY=1");
    assert!(get(first, "/healthz").starts_with("HTTP/1.1 200"));
    assert!(daemon.log().contains("lisen"), "{}", daemon.log());
    place.config(&format!("{}\nread_only: false", web(second)));
    daemon.signal(Signal::HUP);
    place.await_notice("READY=1");
    assert!(get(second, "/api/v1/site").contains("\"read_only\":false"));
    assert!(std::net::TcpStream::connect(("127.0.0.1", first)).is_err(), "the old port is free");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    place.config(&web(taken.local_addr().unwrap().port()));
    daemon.signal(Signal::HUP);
    place.await_notice("READY=1");
    assert!(get(second, "/healthz").starts_with("HTTP/1.1 200"), "the page stays where it was");
    assert_eq!(daemon.stop().0, Some(0));
}

#[test]
fn a_second_signal_ends_at_once() {
    let place = Place::new();
    place.config("web: off");
    let mut daemon = place.daemon();
    daemon.signal(Signal::TERM);
    daemon.signal(Signal::INT);
    assert!(daemon.child.wait().unwrap().code().is_some(), "it ends by itself");
}

#[test]
fn a_wrong_configuration_is_told_with_its_line() {
    let place = Place::new();
    place.config("mqtt: { hots: x }");
    for verb in [&["run"][..], &["check"], &["read", "a"]] {
        let output = place.verb(verb);
        assert_eq!(output.status.code(), Some(3), "{verb:?}");
        let message = text(&output.stderr);
        assert!(message.contains("ohmstead.yaml:3:9") && message.contains("`host`"), "{message}");
    }
}

#[test]
fn a_place_that_cannot_hold_data_stops_nothing() {
    let (place, port) = (Place::new(), free_port());
    place.config(&web(port));
    std::fs::write(place.path("data"), "in the way").unwrap();
    let daemon = place.daemon();
    assert!(get(port, "/readyz").starts_with("HTTP/1.1 503"));
    assert!(get(port, "/healthz").starts_with("HTTP/1.1 200"));
    let (code, log) = daemon.stop();
    assert_eq!(code, Some(0));
    assert!(log.contains("cannot create the data directory"), "{log}");
}

#[test]
fn nothing_is_made_by_looking() {
    let place = Place::new();
    place.config("web: off");
    for verb in [&["check"][..], &["ledger"]] {
        assert_eq!(place.verb(verb).status.code(), Some(0), "{verb:?}");
    }
    assert!(!Path::new(&place.path("data")).exists());
}

#[test]
fn the_watchdog_is_fed() {
    let place = Place::new();
    place.config("web: off");
    let child = place.command(&["run"]).env("WATCHDOG_USEC", "400000").spawn().unwrap();
    let daemon = Daemon { child, log: place.path("ohmstead.yaml") };
    place.await_notice("READY=1");
    place.await_notice("WATCHDOG=1");
    place.await_notice("WATCHDOG=1");
    assert_eq!(daemon.stop().0, Some(0));
}
