//! The binary with a GX device: the simulated one behind the port-8088 interface, read, watched and served again.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::collections::BTreeSet;
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

/// The simulated device, once it says that it listens. Its virtual switch lets others write.
fn simulated(folder: &Path, port: u16) -> Program {
    let arguments = ["sim", "venus", "--api", &port.to_string(), "--switch", "ai-write=on"];
    let mut child = ohmstead(folder, &arguments).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("gx"), "it did not start: {line:?}");
    Program(child)
}

/// The body of an answer with its status.
fn ask(port: u16, request: &str, body: &str) -> Option<(u16, Value)> {
    let (head, body) = exchange(port, request, body)?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body))
}

/// An answer: status line and headers, and the body.
fn exchange(port: u16, request: &str, body: &str) -> Option<(String, Value)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let length = body.len();
    write!(stream, "{request} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.to_ascii_lowercase(), serde_json::from_str(body).ok()?))
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
        Value::Bool(_) => "flag",
        Value::Number(number) if number.is_f64() => "decimal",
        Value::Number(_) => "whole number",
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

/// A daemon that serves what it reads from port `original` at port `served`, once it has every service.
fn serving(folder: &Path, original: u16, served: u16, read_only: bool) -> (Program, Value) {
    let config = json!({
        "site": { "timezone": "Europe/Paris" },
        "read_only": read_only,
        "devices": { "gx": { "victron": {
            "http": format!("http://127.0.0.1:{original}"),
            "interval": "1 s",
            "serve_dbus_api": { "listen": format!("127.0.0.1:{served}"), "write": true },
            "watch": [{ "path": "vebus/Ac/ActiveIn/L1/F", "name": "mains_frequency", "interval": "1 s" }],
        } } },
        "web": "off",
        "data_dir": "data",
    });
    std::fs::write(folder.join("ohmstead.yaml"), config.to_string()).unwrap();
    let daemon = Program(ohmstead(folder, &["run"]).stderr(Stdio::null()).spawn().unwrap());
    let names = get(original, "/services")["services"].clone();
    // Every try is a program of its own: that is pause enough.
    let device = (0..600).map(|_| verb(folder, &["read", "gx", "--json"])).find_map(|read| {
        let device: Value = serde_json::from_slice(&read.stdout).ok()?;
        let is_there = device["online"] == true && ask(served, "GET /services", "")?.1["services"] == names;
        is_there.then_some(device)
    });
    (daemon, device.expect("it is there with every service"))
}

/// The values of a service, by path.
fn batch(port: u16, service: &str) -> serde_json::Map<String, Value> {
    let answer = get(port, &format!("/value?service={service}&path=/"));
    answer["value"].as_object().unwrap().clone()
}

/// The kind that a value of the original is to have here: a number that stands for "not set" is no value.
fn kind_here(path: &str, value: &Value) -> &'static str {
    let is_sentinel = path.ends_with("/MaxFeedInPower") && *value == json!(32_766.0);
    if is_sentinel { "nothing" } else { kind(value) }
}

/// Where what is served is of another kind than the original, after a while too: a value may come or go between the two.
fn differing(folder: &Path, original: u16, served: u16, service: &str) -> Vec<String> {
    let mut looks = 0;
    let mut look = || {
        // Another program is pause enough.
        let _ = (looks > 0).then(|| verb(folder, &["read", "gx"]));
        looks += 1;
        let (theirs, ours) = (batch(original, service), batch(served, service));
        assert!(theirs.keys().eq(ours.keys()), "{service}");
        let differ = theirs.iter().filter(|(path, value)| kind_here(path, value) != kind(&ours[*path]));
        differ.map(|(path, value)| format!("{service} {path}: {value} is {}", ours[path])).collect::<Vec<_>>()
    };
    let mut differ = look();
    for _ in 0..40 {
        if differ.is_empty() {
            break;
        }
        differ = look();
    }
    differ
}

#[test]
fn what_is_served_has_the_shapes_of_the_original() {
    let (folder, original, served) = (tempfile::tempdir().unwrap(), free_port(), free_port());
    let _gx = simulated(folder.path(), original);
    let (_daemon, device) = serving(folder.path(), original, served, true);
    assert!(
        device["values"]["mains_frequency"]["value"]
            .as_f64()
            .is_some_and(|hertz| (45.0..55.0).contains(&hertz))
    );
    let mut compared = 0;
    for name in get(original, "/services")["services"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        let target = format!("/value?service={name}&path=/");
        let keys = |answer: Value| answer.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(keys(get(original, &target)), keys(get(served, &target)), "{name}");
        assert_eq!(differing(folder.path(), original, served, name), Vec::<String>::new());
        compared += batch(served, name).len();
    }
    assert!(compared > 1000, "{compared}");
    // The installation is read-only: the gate makes a dry run of it, and the device is left alone.
    let (status, answer) = post(served, HUB4, SETPOINT, &json!(-300));
    assert_eq!((status, answer["success"].as_bool()), (403, Some(false)), "{answer}");
    assert_eq!(at(original, HUB4, SETPOINT), json!([]));
    let ledger = json_of(&verb(folder.path(), &["ledger", "--json"]));
    assert_eq!(ledger[0]["outcome"], "dry_run", "{ledger}");
}

const HUB4: &str = "com.victronenergy.hub4";
const SETPOINT: &str = "/Overrides/Setpoint";
const SETTINGS: &str = "com.victronenergy.settings";
const MINIMUM_SOC: &str = "/Settings/CGwacs/BatteryLife/MinimumSocLimit";

/// What stands at a path.
fn at(port: u16, service: &str, path: &str) -> Value {
    get(port, &format!("/value?service={service}&path={path}"))["value"].clone()
}

fn post(port: u16, service: &str, path: &str, value: &Value) -> (u16, Value) {
    let body = json!({ "service": service, "path": path, "value": value }).to_string();
    ask(port, "POST /value", &body).unwrap()
}

/// The status and these members of an answer to a write.
fn told(answer: &(u16, Value), members: [&str; 3]) -> (u16, [Value; 3]) {
    (answer.0, members.map(|member| answer.1[member].clone()))
}

#[test]
fn what_is_posted_is_written_there_and_nowhere_else() {
    let (folder, original, served) = (tempfile::tempdir().unwrap(), free_port(), free_port());
    let _gx = simulated(folder.path(), original);
    let (_daemon, _) = serving(folder.path(), original, served, false);
    let may = get(served, "/");
    assert_eq!((&may["ai_write_enabled"], &may["version"]), (&json!(true), &json!("3.2.0")), "{may}");
    // An override is set, and taken back.
    let members = ["value", "previous_value", "success"];
    let set = told(&post(served, HUB4, SETPOINT, &json!(-300)), members);
    assert_eq!(set, (200, [json!(-300.0), json!(null), json!(true)]));
    assert_eq!(at(original, HUB4, SETPOINT), json!(-300.0));
    // The setting behind it is another path: it is refused, and neither changes.
    let path = "/Settings/CGwacs/AcPowerSetPoint";
    let (status, answer) = post(served, SETTINGS, path, &json!(-500));
    assert_eq!((status, &answer["details"]["use_path"]), (403, &json!(SETPOINT)), "{answer}");
    assert_eq!((at(original, SETTINGS, path), at(original, HUB4, SETPOINT)), (json!(50.0), json!(-300.0)));
    let ended = told(&post(served, HUB4, SETPOINT, &json!([])), members);
    assert_eq!(ended, (200, [json!(null), json!(-300.0), json!(true)]));
    assert_eq!(at(original, HUB4, SETPOINT), json!([]));
    // A setting is written once in a while, and never to what it cannot be.
    let members = ["requested_value", "success", "previous_value"];
    let wrong = told(&post(served, SETTINGS, MINIMUM_SOC, &json!(120)), members);
    assert_eq!(wrong, (400, [json!(120), json!(false), json!(null)]));
    let (status, answer) = post(served, SETTINGS, MINIMUM_SOC, &json!(25));
    assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
    assert_eq!(at(original, SETTINGS, MINIMUM_SOC).as_f64(), Some(25.0));
    let body = json!({ "service": SETTINGS, "path": MINIMUM_SOC, "value": 30 }).to_string();
    let (head, answer) = exchange(served, "POST /value", &body).unwrap();
    assert!(head.starts_with("http/1.1 429") && head.contains("retry-after: "), "{head}: {answer}");
    assert_eq!(at(original, SETTINGS, MINIMUM_SOC).as_f64(), Some(25.0));
}

/// A simulated device with its two ends, and the port of its interface.
struct Talking {
    program: Program,
    said: BufReader<std::process::ChildStdout>,
    told: Option<std::process::ChildStdin>,
}

impl Talking {
    fn start(folder: &Path, port: u16, more: &[&str]) -> Self {
        let mut command = ohmstead(folder, &["sim", "venus", "--api", &port.to_string()]);
        let mut child = command.args(more).stdin(Stdio::piped()).spawn().unwrap();
        let (said, told) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        Self { program: Program(child), said: BufReader::new(said), told: Some(told) }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn tell(&mut self, order: &str) -> String {
        writeln!(self.told.as_mut().unwrap(), "{order}").unwrap();
        self.line()
    }

    /// Asks it to end; what it still says.
    fn end(mut self) -> (String, bool) {
        let id = rustix::process::Pid::from_child(&self.program.0);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        (rest, self.program.0.wait().unwrap().success())
    }
}

#[test]
fn a_simulated_device_obeys_lines_while_it_runs() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let mut gx = Talking::start(folder.path(), port, &["--switch", "ai-write=on"]);
    assert!(gx.line().contains("gx (") && gx.line().contains("Ctrl-C"));
    let vebus = "com.victronenergy.vebus.ttyS4";
    assert_eq!(gx.tell("switch pin=battery/512:/Soc:7"), "done");
    assert_eq!(at(port, "com.victronenergy.battery.socketcan_can1", "/Soc").as_f64(), Some(7.0));
    assert_eq!(gx.tell("kill vebus"), "done");
    let names = |port| get(port, "/services")["services"].to_string();
    assert!(!names(port).contains(vebus));
    assert_eq!(gx.tell("revive vebus ttyUSB0"), "done");
    assert!(names(port).contains("com.victronenergy.vebus.ttyUSB0"));
    assert_eq!(gx.tell("revive vebus"), "error: no service vebus is away");
    assert!(gx.tell("switch deaf=on").starts_with("error: no switch of a GX is called"));
    assert_eq!(gx.tell("dance"), "error: \"dance\" is no order; `help` lists them");
    assert_eq!(gx.tell("wear"), "settings: 0 changes, 0 writes of the file");
    assert_eq!(post(port, SETTINGS, MINIMUM_SOC, &json!(25)).0, 200);
    let (rest, ended_well) = gx.end();
    assert!(rest.starts_with("settings: 1 change, ") && ended_well, "{rest}");
}

#[test]
fn a_simulated_device_that_is_told_no_more_runs_on() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let mut gx = Talking::start(folder.path(), port, &["--json"]);
    let mut head = gx.line();
    while serde_json::from_str::<Value>(&head).is_err() {
        head += &gx.line();
    }
    let head: Value = serde_json::from_str(&head).unwrap();
    assert_eq!(head["wear"], json!({ "setting_changes": 0, "file_writes": 0 }));
    let answer: Value = serde_json::from_str(&gx.tell("kill nobody")).unwrap();
    assert_eq!((&answer["ok"], &answer["wear"]["file_writes"]), (&json!(false), &json!(0)), "{answer}");
    // The end of the input is not the end of the program.
    gx.told = None;
    assert_eq!(get(port, "/health")["status"], "healthy");
    let (rest, ended_well) = gx.end();
    let wear: Value = serde_json::from_str(&rest).unwrap();
    assert!(ended_well && wear["wear"]["file_writes"] == 0, "{rest}");
}
