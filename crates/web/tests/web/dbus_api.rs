//! The port-8088 interface, asked as programs that know the original ask it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use expect_test::{Expect, expect};
use ohmstead_model::{
    Allowed, DeviceInfo, DeviceState, Metric, NativeKind, NativeLimits, NativeRow, NativeView, Natives,
    Online, Setting, Unknown, Value,
};
use ohmstead_web::{DbusApi, Settings, dbus_api};
use rstest::rstest;
use serde_json::{Value as Json, json};

use crate::client::{Answer, send};
use crate::fake::{House, ago, id};

/// The house of the tests makes dry runs of what is asked of the device of this name.
const GX: &str = "axpert";
const SETTINGS: &str = "com.victronenergy.settings";
const SETPOINT: &str = "/Settings/CGwacs/AcPowerSetPoint";

/// Values as `(service, path, kind, value, text)`; no value is `Nothing`.
struct Table(Vec<NativeRow>);

impl Natives for Table {
    fn rows(&self, of: Option<&str>) -> Vec<NativeRow> {
        self.0.iter().filter(|row| of.is_none_or(|of| of == &*row.service)).cloned().collect()
    }

    fn setting(&self, service: &str, path: &str) -> Option<Metric> {
        // Any metric does: the interface looks it up among the device's settings.
        (service == SETTINGS && path == SETPOINT).then_some(Metric::GridPower)
    }
}

fn row(service: &str, path: &str, kind: NativeKind, value: Option<Value>, text: Option<&str>) -> NativeRow {
    let limits = NativeLimits { min: Some(0.0), max: Some(300_000.0), default: Some(Value::Number(50.0)) };
    NativeRow {
        part: service.rsplit('.').next().unwrap_or_default().into(),
        service: service.into(),
        path: path.into(),
        observation: value.ok_or(Unknown::NotReported),
        kind,
        text: text.map(Arc::from),
        unit: Some("W").filter(|_| path.ends_with("Power")),
        meaning: "",
        word: None,
        limits: (path == SETPOINT).then(|| Arc::new(limits)),
        at: ago(1),
    }
}

fn rows() -> Vec<NativeRow> {
    let number = |number: f64| Some(Value::Number(number));
    let system = "com.victronenergy.system";
    vec![
        row(system, "/Ac/Grid/L1/Power", NativeKind::Int, number(-167.0), Some("-167W")),
        row(system, "/Dc/Battery/Soc", NativeKind::Float, number(81.0), Some("81%")),
        row(system, "/Dc/Battery/Power", NativeKind::Float, number(-45.5), None),
        row(system, "/Dc/Battery/Temperature", NativeKind::Nothing, None, Some("---")),
        row(system, "/Batteries", NativeKind::Json, Some(Value::text(r#"[{"id":"x","soc":81}]"#)), None),
        row(system, "/AvailableBatteries", NativeKind::Text, Some(Value::text("{}")), None),
        row(system, "/Hub", NativeKind::Bool, number(1.0), None),
        row(SETTINGS, SETPOINT, NativeKind::Float, number(50.0), Some("50W")),
    ]
}

fn house(rows: Vec<NativeRow>) -> Arc<House> {
    let house = House::new();
    let mut info = DeviceInfo::new(id(GX), "victron", "system");
    let allowed = Allowed::Range { min: -1000.0, max: 1000.0, step: 1.0 };
    info.settings = vec![Setting { metric: Metric::GridPower, allowed }];
    let mut state = DeviceState::new(Arc::new(info));
    state.online = Online::Yes(ago(60));
    state.last_success = Some(ago(1));
    state.native = Some(NativeView(Arc::new(Table(rows))));
    house.snapshot.lock().unwrap().insert(state);
    house
}

fn api(house: &Arc<House>, change: impl FnOnce(&mut DbusApi)) -> Router {
    let access = Settings { listen: "127.0.0.1:8088".parse().unwrap(), ..Settings::default() };
    let mut api = DbusApi { device: id(GX), access, empty_lists: false, writes: false };
    change(&mut api);
    dbus_api(Arc::clone(house) as _, api)
}

async fn get(router: &Router, target: &str) -> Answer {
    let request = Request::get(target).header("host", "127.0.0.1:8088").body(Body::empty()).unwrap();
    send(router, request).await
}

async fn post(router: &Router, body: &str) -> Answer {
    let request = Request::post("/value")
        .header("host", "127.0.0.1:8088")
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap();
    send(router, request).await
}

/// One line: status and body.
fn line(answer: &Answer) -> String {
    let json: Json = serde_json::from_str(&answer.body).unwrap();
    format!("{} {json}", answer.status.as_u16())
}

#[rstest]
#[case("/services", expect![[r#"200 {"services":["com.victronenergy.settings","com.victronenergy.system"],"count":2,"success":true}"#]])]
#[case("/health", expect![[r#"200 {"status":"healthy","service":"victron-dbus-api","version":"1.0.0","started_at":"2026-11-21T07:43:20.000Z","uptime_seconds":1000,"success":true}"#]])]
#[case("/settings", expect![[r#"200 {"settings":{"/Settings/CGwacs/AcPowerSetPoint":{"Value":50.0,"Text":"50W","Min":0.0,"Max":300000.0,"Default":50.0}},"success":true}"#]])]
#[case("/value?service=com.victronenergy.system&path=/", expect![[r#"200 {"service":"com.victronenergy.system","path":"/","value":{"Ac/Grid/L1/Power":-167,"Dc/Battery/Soc":81.0,"Dc/Battery/Power":-45.5,"Dc/Battery/Temperature":null,"Batteries":[{"id":"x","soc":81}],"AvailableBatteries":"{}","Hub":true},"success":true}"#]])]
#[case("/value?service=com.victronenergy.system&path=/Dc/Battery", expect![[r#"200 {"service":"com.victronenergy.system","path":"/Dc/Battery","value":{"Soc":81.0,"Power":-45.5,"Temperature":null},"success":true}"#]])]
#[case("/value?service=com.victronenergy.system&path=/Dc/Battery/Soc", expect![[r#"200 {"service":"com.victronenergy.system","path":"/Dc/Battery/Soc","value":81.0,"success":true}"#]])]
#[case("/text?service=com.victronenergy.system&path=%2FDc%2FBattery", expect![[r#"200 {"service":"com.victronenergy.system","path":"/Dc/Battery","text":{"Soc":"81%","Power":"-45.5W","Temperature":"---"},"success":true}"#]])]
#[case("/text?service=com.victronenergy.system&path=/Ac/Grid/L1/Power", expect![[r#"200 {"service":"com.victronenergy.system","path":"/Ac/Grid/L1/Power","text":"-167W","success":true}"#]])]
#[case("/value?service=com.victronenergy.system&path=/Nothing", expect![[r#"404 {"service":"com.victronenergy.system","path":"/Nothing","value":null,"success":false,"error":"the service has no such path"}"#]])]
#[case("/value?service=com.victronenergy.vebus.ttyS4&path=/", expect![[r#"404 {"service":"com.victronenergy.vebus.ttyS4","path":"/","value":null,"success":false,"error":"the service is not there"}"#]])]
#[case("/value?service=system", expect![[r#"400 {"error":"the parameters service and path are needed","success":false}"#]])]
#[case("/logs", expect![[r#"404 {"error":"there is nothing here; see / for what there is","success":false}"#]])]
#[tokio::test]
async fn it_answers_as_the_original(#[case] target: &str, #[case] expected: Expect) {
    let house = house(rows());
    expected.assert_eq(&line(&get(&api(&house, |_| {}), target).await));
}

#[tokio::test]
async fn no_value_is_a_list_for_programs_that_expect_one() {
    let house = house(rows());
    let router = api(&house, |api| api.empty_lists = true);
    let answer = get(&router, "/value?service=com.victronenergy.system&path=/Dc/Battery/Temperature").await;
    assert_eq!(serde_json::from_str::<Json>(&answer.body).unwrap()["value"], json!([]));
}

#[tokio::test]
async fn a_device_that_is_not_there_has_no_values() {
    let mut gone = rows();
    for row in &mut gone {
        row.observation = Err(Unknown::Offline);
    }
    let house = house(gone);
    let router = api(&house, |_| {});
    assert_eq!(line(&get(&router, "/services").await), r#"200 {"services":[],"count":0,"success":true}"#);
    assert_eq!(get(&router, "/value?service=com.victronenergy.system&path=/").await.status.as_u16(), 404);
    assert_eq!(get(&router, "/settings").await.status.as_u16(), 503);
    house.snapshot.lock().unwrap().device_mut(GX).unwrap().online = Online::No(ago(1));
    assert_eq!(get(&router, "/health").await.status.as_u16(), 503);
}

fn wish(path: &str, value: &str) -> String {
    format!(r#"{{"service":"{SETTINGS}","path":"{path}","value":{value}}}"#)
}

#[rstest]
#[case::only_reads(false, wish(SETPOINT, "-300"), 403, "this interface only reads")]
#[case::dry_run(true, wish(SETPOINT, "-300"), 403, "the installation is read-only")]
#[case::no_setting(true, wish("/Settings/System/Reboot", "1"), 403, "is not written by this program")]
#[case::out_of_range(true, wish(SETPOINT, "-100000"), 400, "rejected")]
#[case::no_number(true, wish(SETPOINT, "[]"), 400, "must be a number")]
#[case::no_json(true, "value=1".to_owned(), 400, "must be JSON")]
#[case::no_path(true, "{}".to_owned(), 400, "must be JSON")]
#[tokio::test]
async fn a_write_passes_the_gate_or_is_refused(
    #[case] writes: bool,
    #[case] body: String,
    #[case] status: u16,
    #[case] why: &str,
) {
    let house = house(rows());
    let answer = post(&api(&house, |api| api.writes = writes), &body).await;
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert!(answer.body.contains(why) && answer.body.contains(r#""success":false"#), "{}", answer.body);
    let asked: Vec<_> = house.asked.lock().unwrap().iter().map(|request| request.wish.to_string()).collect();
    let expected: &[&str] = if why.contains("installation") { &["grid_power=-300"] } else { &[] };
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn strangers_are_refused() {
    let house = house(rows());
    let token = "0123456789abcdef0123456789abcdef";
    let router = api(&house, |api| api.access.token = Some(token.to_owned().into()));
    assert_eq!(get(&router, "/value?service=com.victronenergy.system&path=/").await.status.as_u16(), 401);
    assert_eq!(post(&router, &wish(SETPOINT, "1")).await.status.as_u16(), 401);
    let request = Request::get("/services").header("host", "127.0.0.1:8088");
    let request = request.header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap();
    assert_eq!(send(&router, request).await.status.as_u16(), 200);
    // A page of a stranger that points its own name here.
    let request = Request::get("/services").header("host", "evil.example").body(Body::empty()).unwrap();
    assert_eq!(send(&router, request).await.status.as_u16(), 403);
}

#[tokio::test]
async fn a_batch_has_every_value() {
    let number = |index: i32| Some(Value::Number(f64::from(index)));
    let service = "com.victronenergy.vebus.ttyS4";
    let rows = (0..300).map(|i| row(service, &format!("/Some/Path/{i}"), NativeKind::Int, number(i), None));
    let house = house(rows.collect());
    let router = api(&house, |_| {});
    let target = format!("/value?service={service}&path=/");
    let answer = get(&router, &target).await;
    let json: Json = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(json["value"].as_object().map(serde_json::Map::len), Some(300));
}
