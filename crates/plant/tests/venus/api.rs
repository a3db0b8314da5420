//! The port-8088 HTTP API and Modbus TCP over real sockets.

use crate::common::{PATIENCE, Running, any, launch, start};
use ohmstead_plant::venus::{Api, Recording, Setup, Venus};
use rstest::rstest;
use serde_json::{Value as Json, json};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Sends bytes and reads until the server closes.
async fn raw(address: SocketAddr, request: &[u8]) -> String {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    };
    tokio::time::timeout(PATIENCE, exchange).await.unwrap()
}

async fn ask(running: &Running, method: &str, target: &str, body: &str) -> (u16, Json) {
    let address = running.handle.api().unwrap();
    let request =
        format!("{method} {target} HTTP/1.1\r\nHost: gx\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let answer = raw(address, request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 ") && head.contains("Access-Control-Allow-Origin: *"), "{head}");
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or(Json::Null))
}

async fn get(running: &Running, target: &str) -> (u16, Json) {
    ask(running, "GET", target, "").await
}

async fn v1() -> Running {
    start(|venus| venus.api(any(), Api::V1)).await
}

async fn v3() -> Running {
    start(|venus| venus.api(any(), Api::V3)).await
}

const BATTERY: &str = "com.victronenergy.battery.socketcan_can1";

#[tokio::test]
async fn version_1_reads() {
    let running = v1().await;
    let (status, root) = get(&running, "/").await;
    assert_eq!((status, &root["version"], &root["mode"]), (200, &json!("1.0.0"), &json!("read-only")));
    assert_eq!(get(&running, "/health").await, (200, json!({ "status": "healthy", "success": true })));
    let (_, services) = get(&running, "/services").await;
    let names = services["services"].as_array().unwrap();
    assert!(names.len() >= 20 && services["count"] == names.len() && services["success"] == true);
    assert!(names.is_sorted_by_key(|name| name.as_str().unwrap()));
    let (_, value) = get(&running, &format!("/value?service={BATTERY}&path=/Soc")).await;
    assert_eq!(value, json!({ "service": BATTERY, "path": "/Soc", "value": 62, "success": true }));
    let (_, node) = get(&running, &format!("/text?service={BATTERY}&path=%2FSystem")).await;
    let picture = node["text"].as_str().unwrap();
    assert!(
        picture.starts_with("dbus.Dictionary({dbus.String('MaxCellTemperature'): dbus.String('"),
        "{picture}"
    );
    assert!(picture.ends_with("}, signature=dbus.Signature('sv'))"), "{picture}");
    let (_, text) = get(&running, &format!("/text?service={BATTERY}&path=%2FSoc")).await;
    assert_eq!(text["text"], "62%");
    let (_, none) = get(&running, &format!("/value?service={BATTERY}&path=/Capacity")).await;
    assert_eq!((&none["value"], &none["success"]), (&json!([]), &json!(true)));
    let (_, batch) = get(&running, &format!("/value?service={BATTERY}&path=/")).await;
    let batch = batch["value"].as_object().unwrap();
    assert!(batch.len() > 100 && batch["Dc/0/Voltage"].is_f64() && batch["Capacity"] == json!([]));
    let (_, node) = get(&running, &format!("/value?service={BATTERY}&path=/Dc/0")).await;
    assert!(node["value"].as_object().unwrap().contains_key("Current"));
    let (_, settings) = get(&running, "/settings").await;
    let setpoint = &settings["settings"]["/Settings/CGwacs/AcPowerSetPoint"];
    assert_eq!(
        setpoint,
        &json!({ "Value": 50.0, "Text": "50.0", "Min": -300_000.0, "Max": 300_000.0, "Default": 50.0 })
    );
}

#[rstest]
#[case("/value", 400, "Missing service or path parameter")]
#[case("/value?service=a", 400, "Missing service or path parameter")]
#[case("/nothing", 404, "Not found")]
#[case("/config", 404, "Not found")]
#[case("/value?service=com.victronenergy.x&path=/A", 500, "ServiceUnknown")]
#[case("/value?service=com.victronenergy.hub4&path=/A", 500, "UnknownObject")]
#[case("/value?service=com.victronenergy.hub4&path=A%20b", 500, "Invalid object path")]
#[tokio::test]
async fn errors_of_version_1(#[case] target: &str, #[case] status: u16, #[case] words: &str) {
    let (got, json) = get(&v1().await, target).await;
    assert_eq!((got, &json["success"]), (status, &json!(false)));
    assert!(json["error"].as_str().unwrap().contains(words), "{json}");
}

#[tokio::test]
async fn version_3_says_404_for_what_is_not_there() {
    let running = v3().await;
    let (status, json) = get(&running, "/value?service=com.victronenergy.hub4&path=/A").await;
    assert_eq!((status, &json["value"], &json["success"]), (404, &Json::Null, &json!(false)));
    let (_, root) = get(&running, "/").await;
    assert_eq!(
        (&root["version"], &root["control_port"], &root["ai_write_enabled"]),
        (&json!("3.2.0"), &json!(8089), &json!(false))
    );
    let (_, health) = get(&running, "/health").await;
    assert_eq!(health["started_at"], "2026-09-10T00:26:40");
    assert_eq!(ask(&running, "OPTIONS", "/value", "").await.0, 204);
    assert_eq!(ask(&running, "PUT", "/value", "").await.0, 501);
    assert_eq!(ask(&v1().await, "POST", "/value", "{}").await.0, 501);
}

#[tokio::test]
async fn version_3_writes_while_the_switch_is_on() {
    let running = v3().await;
    let body = |value: &str| {
        format!(
            r#"{{"service": "com.victronenergy.settings", "path": "/Settings/CGwacs/AcPowerSetPoint", "value": {value}}}"#
        )
    };
    let (status, refused) = ask(&running, "POST", "/value", &body("70")).await;
    assert_eq!((status, &refused["details"]["switch_state"]), (403, &json!(0)));
    assert!(refused["message"].as_str().unwrap().contains("OFF"));
    running.handle.set_switch("ai-write").unwrap();
    let (status, done) = ask(&running, "POST", "/value", &body("70")).await;
    assert_eq!((status, &done["value"], &done["previous_value"]), (200, &json!(70.0), &json!(50.0)));
    let (status, refused) = ask(&running, "POST", "/value", &body("400000")).await;
    assert_eq!((status, &refused["requested_value"]), (400, &json!(400_000)));
    assert!(refused["reason"].is_string());
    for (bad, words) in [
        ("", "Request body is required"),
        ("{", "Invalid JSON"),
        ("{}", "Missing service or path"),
        (&body("null"), "Missing value"),
    ] {
        let (status, json) = ask(&running, "POST", "/value", bad).await;
        assert_eq!(status, 400);
        assert!(json["error"].as_str().unwrap().starts_with(words), "{json}");
    }
    assert_eq!(ask(&running, "POST", "/config", r#"{"config": {"a": 1}}"#).await.0, 200);
    assert_eq!(get(&running, "/config").await.1["config"], json!({ "a": 1 }));
}

#[rstest]
#[case(b"nonsense\r\n\r\n")]
#[case(b"GET / HTTP/2\r\n\r\n")]
#[case(b"POST /value HTTP/1.1\r\nContent-Length: -1\r\n\r\n")]
#[case(b"POST /value HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n")]
#[tokio::test]
async fn what_is_no_request_gets_400(#[case] request: &[u8]) {
    let running = v3().await;
    assert!(raw(running.handle.api().unwrap(), request).await.starts_with("HTTP/1.0 400 "));
    assert_eq!(get(&running, "/health").await.0, 200, "and the next client is served");
}

/// The real server prints non-ASCII letters as escapes, and its own indent.
#[tokio::test]
async fn pages_look_as_python_prints_them() {
    let running = v1().await;
    let request = b"GET /value?service=com.victronenergy.tank.adc_builtin0_1&path=/RawUnit HTTP/1.1\r\n\r\n";
    let page = raw(running.handle.api().unwrap(), request).await;
    assert!(page.contains("{\n  \"service\": \"com.victronenergy.tank.adc_builtin0_1\",\n"), "{page}");
    assert!(page.contains("\"value\": \"\\u03a9\""), "{page}");
    assert!(!page.to_lowercase().contains("content-length"));
}

#[tokio::test]
async fn modbus_answers_on_a_socket() {
    let running = start(|venus| venus.modbus(any())).await;
    let mut stream = TcpStream::connect(running.handle.modbus().unwrap()).await.unwrap();
    stream.write_all(&[0, 1, 0, 0, 0, 6, 100, 3, 0x03, 0x4B, 0, 1]).await.unwrap();
    let mut answer = [0; 11];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, [0, 1, 0, 0, 0, 5, 100, 3, 2, 0, 62]);
    // Something else than Modbus: the connection ends, the server lives.
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(stream.read(&mut [0; 64]).await.unwrap_or(0), 0);
    let mut second = TcpStream::connect(running.handle.modbus().unwrap()).await.unwrap();
    second.write_all(&[0, 2, 0, 0, 0, 6, 100, 6, 0x0B, 0x56, 0, 3]).await.unwrap();
    let mut echo = [0; 12];
    second.read_exact(&mut echo).await.unwrap();
    assert_eq!(echo[7..], [6, 0x0B, 0x56, 0, 3]);
    assert_eq!(
        running.handle.with(|gx| gx.tree().service("settings").unwrap().number("/Settings/CGwacs/Hub4Mode")),
        Some(3.0)
    );
}

/// What a real server said of this very recording, key by key.
#[tokio::test]
async fn a_recording_is_served_as_a_real_server_serves_it() {
    let Some(shared) = shared() else { return };
    let running = replay(&shared, "dbus-recorder_vebus.jsonl.gz").await;
    let (_, ours) = get(&running, "/value?service=com.victronenergy.vebus.ttyO1&path=/").await;
    let theirs =
        std::fs::read_to_string(shared.join("data/victron/fixtures/batch.vebus.ttyO1.json")).unwrap();
    let theirs: Json = serde_json::from_str(&theirs).unwrap();
    let (ours, theirs) = (ours["value"].as_object().unwrap(), theirs["value"].as_object().unwrap());
    let mut kinds = Vec::new();
    for (key, value) in theirs {
        let own = ours.get(key).unwrap_or_else(|| panic!("{key} is missing"));
        // A value may come and go in the recording; one that is there has its type.
        let is_alike = own.is_array()
            || value.is_array()
            || std::mem::discriminant(own) == std::mem::discriminant(value);
        assert!(is_alike, "{key}: {own} instead of {value}");
        kinds.push(own.is_array() == value.is_array());
    }
    let alike = kinds.iter().filter(|alike| **alike).count();
    assert!(alike * 20 >= kinds.len() * 19, "{alike} of {}", kinds.len());
}

fn shared() -> Option<std::path::PathBuf> {
    let found = std::env::var_os("OHMSTEAD_SHARED").map(std::path::PathBuf::from);
    if found.is_none() {
        say("skipped: OHMSTEAD_SHARED does not say where the recordings are");
    }
    found
}

#[expect(clippy::print_stderr, reason = "says that a test did nothing")]
fn say(words: &str) {
    eprintln!("{words}");
}

async fn replay(shared: &std::path::Path, name: &str) -> Running {
    let recordings = Recording::load(&shared.join("data/victron/recordings").join(name)).unwrap();
    let venus = Venus::new(Setup { recordings, ..Setup::default() }).api(any(), Api::V1);
    launch(venus).await
}

/// A slow bus holds up the whole server: one client after the other.
#[tokio::test]
async fn a_slow_bus_is_slow_for_everybody() {
    let running = v1().await;
    running.handle.set_switch("slow-ms=60").unwrap();
    let before = std::time::Duration::from_millis(120);
    let started = tokio::time::Instant::now();
    tokio::join!(get(&running, "/services"), get(&running, "/services"));
    assert!(started.elapsed() >= before, "{:?}", started.elapsed());
}

/// While a GX restarts its ports are closed; then they answer again.
#[tokio::test]
async fn a_restarting_gx_says_nothing() {
    let running = v1().await;
    assert_eq!(get(&running, "/health").await.0, 200);
    running.handle.reboot();
    let silent = async {
        let mut stream = TcpStream::connect(running.handle.api().unwrap()).await.unwrap();
        let _ = stream.write_all(b"GET /health HTTP/1.1\r\n\r\n").await;
        stream.read(&mut [0; 16]).await.unwrap_or(0)
    };
    assert_eq!(tokio::time::timeout(PATIENCE, silent).await.unwrap(), 0);
    running.handle.with(|gx| gx.advance(gx.now_ms() + 81_000));
    assert_eq!(get(&running, "/health").await.0, 200);
}
