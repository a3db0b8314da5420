//! The port-8088 interface: a minimal server with the documented shapes, and servers that lie.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ohmstead_drivers::{Device, DeviceError};
use ohmstead_model::Metric;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::support::{Daemon, Service, Unit, leaf};

/// What the server has, by service and path without its first slash.
type House = Arc<Mutex<Json>>;

/// A server on loopback; it ends with the value.
struct Server {
    port: u16,
    house: House,
    asked: Arc<Mutex<Vec<String>>>,
    _stop: DropGuard,
}

fn house() -> Json {
    json!({
        "com.victronenergy.system": {"Dc/Battery/Soc": 81, "Dc/Battery/Power": -537.6, "Ac/Grid/NumberOfPhases": 1, "Ac/Grid/L1/Power": 250, "Dc/Battery/Temperature": []},
        "com.victronenergy.vebus.ttyS4": {"DeviceInstance": 276, "Hub4/AssistantId": 5},
        "com.victronenergy.settings": {"Settings/CGwacs/Hub4Mode": 1},
        "com.victronenergy.hub4": {"Overrides/Setpoint": [], "Overrides/MaxDischargePower": -1.0, "Overrides/ForceCharge": 0},
    })
}

impl Server {
    /// Answers as the real one does; with `writable` as its version 3.
    async fn start(writable: bool) -> Self {
        let house: House = Arc::new(Mutex::new(house()));
        Self::with(Arc::clone(&house), move |request, body| answer(&house, request, body, writable)).await
    }

    async fn with(house: House, answer: impl Fn(&str, &str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, asked) = (CancellationToken::new(), Arc::new(Mutex::new(Vec::new())));
        let seen = Arc::clone(&asked);
        let serving = async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let mut length = 0;
                while !is_whole(&request[..length]) {
                    match stream.read(&mut request[length..]).await {
                        Ok(read) if read > 0 => length += read,
                        _ => break,
                    }
                }
                let text = String::from_utf8_lossy(&request[..length]).into_owned();
                let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
                let line = head.lines().next().unwrap_or_default().to_owned();
                let answer = answer(&line, body);
                seen.lock().unwrap().push(line);
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        };
        TaskTracker::new().spawn({
            let stop = stop.clone();
            async move { stop.run_until_cancelled(serving).await }
        });
        Self { port, house, asked, _stop: stop.drop_guard() }
    }

    fn settings(&self) -> Json {
        json!({ "http": format!("http://127.0.0.1:{}", self.port), "interval": "1 s" })
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    body.len() >= length
}

fn reply(status: &str, body: &Json) -> String {
    let body = serde_json::to_string_pretty(body).unwrap();
    format!(
        "HTTP/1.0 {status}\r\nServer: BaseHTTP/0.6 Python/3.8.13\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn answer(house: &House, request: &str, body: &str, writable: bool) -> String {
    let mut house = house.lock().unwrap();
    let target = request.split(' ').nth(1).unwrap_or_default();
    let parameter = |name: &str| {
        target.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)).unwrap_or_default().to_owned()
    };
    if request.starts_with("POST /value") {
        if !writable {
            return reply("501 Unsupported method ('POST')", &json!({}));
        }
        let body: Json = serde_json::from_str(body).unwrap();
        let (service, path) = (
            body["service"].as_str().unwrap().to_owned(),
            body["path"].as_str().unwrap().trim_start_matches('/').to_owned(),
        );
        if path.ends_with("ForceCharge") {
            return reply(
                "400 Bad Request",
                &json!({"service": service, "path": path, "reason": "SetValue returned 2", "success": false}),
            );
        }
        house[&service][&path] = body["value"].clone();
        return reply(
            "200 OK",
            &json!({"service": service, "path": path, "value": body["value"], "success": true}),
        );
    }
    if target == "/services" {
        let names: Vec<_> = house.as_object().unwrap().keys().cloned().collect();
        return reply("200 OK", &json!({"services": names, "count": names.len(), "success": true}));
    }
    let (service, path) = (parameter("service="), parameter("path="));
    let values = &house[&service];
    let value = if path == "/" { values.clone() } else { values[path.trim_start_matches('/')].clone() };
    if value.is_null() {
        return reply(
            "404 Not Found",
            &json!({"service": service, "path": path, "value": null, "success": false}),
        );
    }
    reply("200 OK", &json!({"service": service, "path": path, "value": value, "success": true}))
}

#[tokio::test]
async fn values_come_and_change_and_go() {
    let server = Server::start(true).await;
    let mut unit = Unit::of(server.settings(), 10);
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(81.0)).await;
    assert_eq!(unit.number(Metric::BatteryPower), Some(538.0));
    assert_eq!(unit.number(Metric::BatteryTemperature), None);
    assert_eq!(unit.row("vebus/276", "/Hub4/AssistantId").as_deref(), Some("5"));
    server.house.lock().unwrap()["com.victronenergy.system"]["Dc/Battery/Soc"] = json!(80);
    unit.until("a change", |unit| unit.number(Metric::BatterySoc) == Some(80.0)).await;
    server.house.lock().unwrap().as_object_mut().unwrap().remove("com.victronenergy.vebus.ttyS4");
    unit.until("a service left", |unit| {
        unit.row("vebus/276", "/Hub4/AssistantId").as_deref() == Some("the device does not answer")
    })
    .await;
    let asked = server.asked.lock().unwrap().clone();
    assert!(asked.iter().all(|line| line.contains("/services") || line.contains("&path=/ ")), "{asked:?}");
}

#[tokio::test]
async fn a_value_is_as_old_as_its_reading() {
    let server = Server::start(false).await;
    let mut settings = server.settings();
    settings["interval"] = json!("60 s");
    let mut unit = Unit::of(settings, 20);
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(81.0)).await;
    unit.pass(Duration::from_secs(40)).await;
    let age = unit.age(Metric::BatterySoc);
    assert!(age >= Duration::from_secs(38), "it was not read since, and is said to be {age:?} old");
    unit.pass(Duration::from_secs(35)).await;
    let age = unit.age(Metric::BatterySoc);
    assert!(age < Duration::from_secs(36), "it was read again and did not change: {age:?}");
}

#[tokio::test]
async fn after_failures_everything_is_read_before_anything_counts() {
    let house: House = Arc::new(Mutex::new(house()));
    let (answering, fails) = (Arc::clone(&house), Arc::new(AtomicBool::new(false)));
    let failing = Arc::clone(&fails);
    let server = Server::with(house, move |request, body| {
        if failing.load(Ordering::Relaxed) { "?".into() } else { answer(&answering, request, body, false) }
    })
    .await;
    let mut unit = Unit::of(server.settings(), 10);
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(81.0)).await;
    let is_whole = |unit: &Unit| {
        unit.row("settings/0", "/Settings/CGwacs/Hub4Mode").as_deref() == Some("1")
            && unit.row("vebus/276", "/Hub4/AssistantId").as_deref() == Some("5")
    };
    unit.until("everything", is_whole).await;
    fails.store(true, Ordering::Relaxed);
    unit.until("it is lost", |unit| !is_whole(unit)).await;
    let online = unit.told().online.len();
    fails.store(false, Ordering::Relaxed);
    let told = unit.told().at[&Metric::BatterySoc];
    unit.until("it is told again", |unit| unit.told().at[&Metric::BatterySoc] > told).await;
    assert!(is_whole(&unit), "{:?}", unit.rows(Some("settings")));
    assert!(unit.told().online.len() <= online + 1);
}

#[tokio::test]
async fn writes_go_through_version_3_only() {
    let server = Server::start(true).await;
    let mut unit = Unit::of(server.settings(), 10);
    unit.until("everything is known", |unit| !unit.device.info().modes.is_empty()).await;
    let setpoint = "grid_setpoint=-800".parse().unwrap();
    let plan = unit.device.plan(&setpoint, None).expect("possible");
    assert!(unit.device.write(&plan).await.expect("it answers").accepted);
    assert_eq!(unit.device.read_back(&setpoint).await.expect("it answers").native, "-800 W");
    let plan = unit.device.plan(&"hold".parse().unwrap(), None).expect("possible");
    let reply = unit.device.write(&plan).await.expect("it answers");
    assert_eq!((reply.accepted, reply.reply.as_str()), (false, "0 400: SetValue returned 2"));
    assert_eq!(server.house.lock().unwrap()["com.victronenergy.hub4"]["Overrides/Setpoint"], json!(-800));

    let server = Server::start(false).await;
    let mut unit = Unit::of(server.settings(), 10);
    unit.until("everything is known", |unit| !unit.device.info().modes.is_empty()).await;
    let plan = unit.device.plan(&setpoint, None).expect("possible");
    let refused = unit.device.write(&plan).await.expect_err("version 1 only reads");
    assert!(
        matches!(&refused, DeviceError::Refused { answer, .. } if answer.contains("only reads")),
        "{refused}"
    );
}

#[tokio::test]
async fn a_stranger_is_told_apart_from_a_gx_device() {
    for text in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        "HTTP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        "",
    ] {
        let server = Server::with(House::default(), move |_, _| text.to_owned()).await;
        let mut unit = Unit::of(server.settings(), 20);
        unit.until("offline", |unit| unit.told().online == [false]).await;
        unit.until("a notice", |unit| {
            unit.told().notices.iter().any(|notice| notice.code == "gx_unreachable")
        })
        .await;
    }
}

#[tokio::test]
async fn it_falls_over_to_the_next_way_and_back() {
    let mut daemon = Daemon::start();
    let soc = |soc: i64| [("/Dc/Battery/Soc".to_owned(), leaf("i", soc))].into();
    let _system = Service::start(&daemon.address(), "com.victronenergy.system", soc(50)).await;
    let server = Server::start(true).await;
    let mut settings = server.settings();
    settings["dbus"] = daemon.address().into();
    let mut unit = Unit::of(settings, 20);
    unit.until("over the bus", |unit| unit.number(Metric::BatterySoc) == Some(50.0)).await;
    assert!(server.asked.lock().unwrap().is_empty(), "the second way rests");
    daemon.kill();
    unit.until("over HTTP", |unit| unit.number(Metric::BatterySoc) == Some(81.0)).await;
    assert!(unit.device.info().address.starts_with("http://127.0.0.1"));
    unit.until("it is told", |unit| unit.told().notices.iter().any(|notice| notice.code == "gx_second_way"))
        .await;
    daemon.restart();
    let _system = Service::start(&daemon.address(), "com.victronenergy.system", soc(51)).await;
    unit.until("over the bus again", |unit| unit.number(Metric::BatterySoc) == Some(51.0)).await;
    assert!(unit.device.info().address.starts_with("unix:path="));
}

/// A machine that is no GX device has a bus as well.
#[tokio::test]
async fn a_bus_without_a_gx_device_is_left_for_the_next_way() {
    let daemon = Daemon::start();
    let server = Server::start(true).await;
    let mut settings = server.settings();
    settings["dbus"] = daemon.address().into();
    let mut unit = Unit::of(settings, 20);
    unit.until("over HTTP", |unit| unit.number(Metric::BatterySoc) == Some(81.0)).await;
    assert_eq!(unit.told().online.last(), Some(&true));
    unit.until("it is told", |unit| {
        unit.told().notices.iter().any(|notice| notice.text.contains("no service of a GX device"))
    })
    .await;
    let soc = [("/Dc/Battery/Soc".to_owned(), leaf("i", 50))].into();
    let _system = Service::start(&daemon.address(), "com.victronenergy.system", soc).await;
    unit.until("over the bus after all", |unit| unit.number(Metric::BatterySoc) == Some(50.0)).await;
}

/// A captured batch answer, where the shared folder is there.
fn captured(name: &str) -> Option<Json> {
    let folder = std::env::var_os("OHMSTEAD_SHARED").map(std::path::PathBuf::from);
    let text = folder.and_then(|folder| std::fs::read(folder.join("data/victron/fixtures").join(name)).ok());
    if text.is_none() {
        println!("skipped: OHMSTEAD_SHARED does not lead to {name}");
    }
    text.map(|text| serde_json::from_slice(&text).expect("a captured answer is JSON"))
}

#[tokio::test]
async fn captured_answers_are_read_whole() {
    let (Some(system), Some(vebus)) = (captured("batch.system.json"), captured("batch.vebus.ttyO1.json"))
    else {
        return;
    };
    let house = json!({
        "com.victronenergy.system": system["value"],
        "com.victronenergy.vebus.ttyO1": vebus["value"],
    });
    let house = Arc::new(Mutex::new(house));
    let answering = Arc::clone(&house);
    let server = Server::with(house, move |request, body| answer(&answering, request, body, false)).await;
    let mut unit = Unit::of(server.settings(), 10);
    unit.until("both services", |unit| !unit.rows(Some("com.victronenergy.vebus.ttyO1")).is_empty()).await;
    for captured in [&system, &vebus] {
        let (service, values) =
            (captured["service"].as_str().unwrap(), captured["value"].as_object().unwrap());
        let rows = unit.rows(Some(service));
        assert_eq!(rows.len(), values.len(), "{service}");
        for row in rows {
            let value = &values[row.path.trim_start_matches('/')];
            let is_empty = *value == json!([]);
            assert_eq!(row.observation.is_err(), is_empty, "{service} {} = {value}", row.path);
            if let (Ok(shown), Some(number)) = (&row.observation, value.as_f64()) {
                let read = shown.number().expect("a number");
                assert!((read - number).abs() <= number.abs() * 2e-7, "{} {read} {number}", row.path);
            }
        }
        println!("{service}: {} values", values.len());
    }
}
