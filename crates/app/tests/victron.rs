//! The binary with a GX device: the simulated one behind the port-8088 interface, read, watched and served again.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// How long something may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(40);

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ohmstead(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ohmstead"));
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.env_remove("NOTIFY_SOCKET").env_remove("DBUS_SESSION_BUS_ADDRESS");
    command
}

fn verb(folder: &Path, arguments: &[&str]) -> Output {
    ohmstead(folder, arguments).output().unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The simulated device, once it says that it listens.
fn simulated(folder: &Path, port: u16) -> Program {
    let mut child = ohmstead(folder, &["sim", "venus", "--api", &port.to_string()]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("gx"), "it did not start: {line:?}");
    Program(child)
}

/// The body of an answer with its status.
fn ask(port: u16, request: &str, body: &str) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let length = body.len();
    write!(stream, "{request} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, serde_json::from_str(body).ok()?))
}

fn get(port: u16, target: &str) -> Value {
    let (status, body) =
        ask(port, &format!("GET {target}"), "").unwrap_or_else(|| panic!("no answer to {target}"));
    assert_eq!(status, 200, "{target}: {body}");
    body
}

/// The kind of a value; one that is not there is `null` or `[]`.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Array(items) if items.is_empty() => "nothing",
        Value::Bool(_) | Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}

#[test]
fn a_gx_device_is_read_by_its_address() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let _gx = simulated(folder.path(), port);
    let address = format!("victron+http://127.0.0.1:{port}");
    let device = json_of(&verb(folder.path(), &["read", &address, "--native", "--json"]));
    assert_eq!((device["driver"].as_str(), device["online"].as_bool()), (Some("victron"), Some(true)));
    assert!(device["values"]["battery_soc"]["value"].is_number(), "{}", device["values"]["battery_soc"]);
    let native = device["native"].as_object().unwrap();
    assert!(native.len() > 300, "{}", native.len());
    let soc = &native["system/0/Dc/Battery/Soc"];
    assert_eq!(
        (soc["unit"].as_str(), soc["meaning"].as_str().map(str::is_empty)),
        (Some("%"), Some(false)),
        "{soc}"
    );
    let text = verb(folder.path(), &["read", &address, "--native"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("In its own words") && text.contains("system/0/Dc/Battery/Soc"), "{text}");
}

#[test]
fn what_is_served_has_the_shapes_of_the_original() {
    let (folder, original, served) = (tempfile::tempdir().unwrap(), free_port(), free_port());
    let _gx = simulated(folder.path(), original);
    let config = json!({
        "site": { "timezone": "Europe/Paris" },
        "devices": { "gx": { "victron": {
            "http": format!("http://127.0.0.1:{original}"),
            "interval": "1 s",
            "serve_dbus_api": { "listen": format!("127.0.0.1:{served}"), "write": true },
            "watch": [{ "path": "vebus/Ac/ActiveIn/L1/F", "name": "mains_frequency", "interval": "1 s" }],
        } } },
        "web": "off",
        "data_dir": "data",
    });
    std::fs::write(folder.path().join("ohmstead.yaml"), config.to_string()).unwrap();
    let _daemon = Program(ohmstead(folder.path(), &["run"]).stderr(Stdio::null()).spawn().unwrap());
    let names = get(original, "/services")["services"].clone();
    // Every try is a program of its own: that is pause enough.
    let device = (0..200).map(|_| verb(folder.path(), &["read", "gx", "--json"])).find_map(|read| {
        let device: Value = serde_json::from_slice(&read.stdout).ok()?;
        let is_there = device["online"] == true && ask(served, "GET /services", "")?.1["services"] == names;
        is_there.then_some(device)
    });
    let device = device.expect("it is there with every service");
    assert!(
        device["values"]["mains_frequency"]["value"]
            .as_f64()
            .is_some_and(|hertz| (45.0..55.0).contains(&hertz))
    );
    let mut compared = 0;
    for name in names.as_array().unwrap() {
        let target = format!("/value?service={}&path=/", name.as_str().unwrap());
        let (theirs, ours) = (get(original, &target), get(served, &target));
        let keys = |value: &Value| {
            value.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(keys(&theirs), keys(&ours), "{name}");
        assert_eq!(keys(&theirs["value"]), keys(&ours["value"]), "{name}");
        for (path, value) in theirs["value"].as_object().unwrap() {
            // What stands for "not set" is no value here; and a value may have come or gone between the two.
            let (theirs, ours) = (kind(value), kind(&ours["value"][path]));
            assert!(
                theirs == ours || "nothing" == ours || "nothing" == theirs,
                "{name} {path}: {value} is {ours}"
            );
            compared += usize::from(theirs == ours);
        }
    }
    assert!(compared > 1000, "{compared}");
    // The installation is read-only: the gate makes a dry run of it, and the device is left alone.
    let path = "/Settings/CGwacs/AcPowerSetPoint";
    let body = json!({ "service": "com.victronenergy.settings", "path": path, "value": -300 }).to_string();
    let (status, answer) = ask(served, "POST /value", &body).unwrap();
    assert_eq!((status, answer["success"].as_bool()), (403, Some(false)), "{answer}");
    let target = format!("/value?service=com.victronenergy.settings&path={path}");
    assert_ne!(get(original, &target)["value"], json!(-300));
    let ledger = json_of(&verb(folder.path(), &["ledger", "--json"]));
    assert_eq!(ledger[0]["outcome"], "dry_run", "{ledger}");
}
