//! The port-8088 interface, asked as programs that know the original ask it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use expect_test::{Expect, expect};
use ohmstead_model::{
    Allowed, DeviceInfo, DeviceState, Metric, NativeKind, NativeLimits, NativeRow, NativeSetting, NativeView,
    Natives, Online, Outcome, Setting, Unknown, Value,
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
const HUB4: &str = "com.victronenergy.hub4";
const OVERRIDE: &str = "/Overrides/Setpoint";
const MODE: &str = "/Settings/CGwacs/Hub4Mode";

/// Values as `(service, path, kind, value, text)`; no value is `Nothing`.
struct Table(Vec<NativeRow>);

impl Natives for Table {
    fn rows(&self, of: Option<&str>) -> Vec<NativeRow> {
        let class = |row: &NativeRow| row.part.split('/').next().map(str::to_owned);
        let is_it = |row: &NativeRow, of: &str| {
            of == &*row.service || of == &*row.part || class(row).as_deref() == Some(of)
        };
        self.0.iter().filter(|row| of.is_none_or(|of| is_it(row, of))).cloned().collect()
    }

    /// Where the override is there, it is what is written.
    fn setting(&self, service: &str, path: &str) -> Option<NativeSetting> {
        let place = if self.0.iter().any(|row| *row.path == *OVERRIDE) {
            (HUB4, OVERRIDE)
        } else {
            (SETTINGS, SETPOINT)
        };
        let is_one = (service, path) == (SETTINGS, SETPOINT) || (service, path) == (HUB4, OVERRIDE);
        // Any metric does: the interface looks it up among the device's settings.
        is_one.then(|| NativeSetting {
            metric: Metric::GridPower,
            service: place.0.into(),
            path: place.1.into(),
        })
    }
}

/// As the driver names it: the instance stands in the connection here.
fn part(service: &str) -> String {
    let name = service.strip_prefix("com.victronenergy.").unwrap_or(service);
    let (class, connection) = name.split_once('.').unwrap_or((name, "0"));
    format!("{class}/{}", connection.trim_start_matches(|c: char| !c.is_ascii_digit()))
}

fn row(service: &str, path: &str, kind: NativeKind, value: Option<Value>, text: Option<&str>) -> NativeRow {
    let limits = NativeLimits { min: Some(0.0), max: Some(300_000.0), default: Some(Value::Number(50.0)) };
    NativeRow {
        part: part(service).into(),
        service: service.into(),
        path: path.into(),
        observation: value.ok_or(Unknown::NotReported),
        kind,
        text: text.map(Arc::from),
        unit: Some("W").filter(|_| path.ends_with("Power")),
        meaning: "",
        word: (path == "/Dc/Battery/State").then_some("Discharging"),
        limits: match path {
            SETPOINT => Some(Arc::new(limits)),
            MODE => Some(Arc::new(NativeLimits { min: Some(1.0), max: None, default: None })),
            _ => None,
        },
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
        row(system, "/Dc/Battery/State", NativeKind::Int, number(2.0), None),
        row(SETTINGS, SETPOINT, NativeKind::Float, number(50.0), Some("50W")),
        row(SETTINGS, MODE, NativeKind::Int, number(1.0), Some("1")),
    ]
}

fn house(rows: Vec<NativeRow>) -> Arc<House> {
    let house = House::new();
    let mut info = DeviceInfo::new(id(GX), "victron", "system");
    let allowed = Allowed::RangeOrNone { min: -1000.0, max: 1000.0, step: 1.0 };
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
    let mut api = DbusApi { device: id(GX), access, empty_lists: false, writes: false, read_only: None };
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
#[case("/settings", expect![[r#"200 {"settings":{"/Settings/CGwacs/AcPowerSetPoint":{"Value":50.0,"Text":"50W","Min":0.0,"Max":300000.0,"Default":50.0},"/Settings/CGwacs/Hub4Mode":{"Value":1,"Text":"1","Min":1}},"success":true}"#]])]
#[case("/value?service=com.victronenergy.system&path=/", expect![[r#"200 {"service":"com.victronenergy.system","path":"/","value":{"Ac/Grid/L1/Power":-167,"Dc/Battery/Soc":81.0,"Dc/Battery/Power":-45.5,"Dc/Battery/Temperature":null,"Batteries":[{"id":"x","soc":81}],"AvailableBatteries":"{}","Hub":true,"Dc/Battery/State":2},"success":true}"#]])]
#[case("/value?service=com.victronenergy.system&path=/Dc/Battery", expect![[r#"200 {"service":"com.victronenergy.system","path":"/Dc/Battery","value":{"Soc":81.0,"Power":-45.5,"Temperature":null,"State":2},"success":true}"#]])]
#[case("/value?service=com.victronenergy.system&path=/Dc/Battery/Soc", expect![[r#"200 {"service":"com.victronenergy.system","path":"/Dc/Battery/Soc","value":81.0,"success":true}"#]])]
#[case("/text?service=com.victronenergy.system&path=%2FDc%2FBattery", expect![[r#"200 {"service":"com.victronenergy.system","path":"/Dc/Battery","text":{"Soc":"81%","Power":"-45.5W","Temperature":"---","State":"Discharging"},"success":true}"#]])]
#[case("/text?service=com.victronenergy.system&path=/Ac/Grid/L1/Power", expect![[r#"200 {"service":"com.victronenergy.system","path":"/Ac/Grid/L1/Power","text":"-167W","success":true}"#]])]
#[case("/value?service=com.victronenergy.system&path=/Nothing", expect![[r#"404 {"service":"com.victronenergy.system","path":"/Nothing","value":null,"success":false,"error":"the service has no such path"}"#]])]
#[case("/value?service=com.victronenergy.vebus.ttyS4&path=/", expect![[r#"404 {"service":"com.victronenergy.vebus.ttyS4","path":"/","value":null,"success":false,"error":"the service is not there"}"#]])]
#[case("/text?service=com.victronenergy.system&path=/Hub", expect![[r#"200 {"service":"com.victronenergy.system","path":"/Hub","text":"1","success":true}"#]])]
#[case("/value?service=com.victronenergy.system&path=", expect![[r#"400 {"error":"the parameters service and path are needed","success":false}"#]])]
#[case("/value?service=&path=/", expect![[r#"400 {"error":"the parameters service and path are needed","success":false}"#]])]
#[case("/value?service=a&service=b&path=/", expect![[r#"400 {"error":"the query cannot be read; the parameters are service and path","success":false}"#]])]
#[case("/ai-write-status", expect![[r#"200 {"enabled":false,"message":"This interface only reads: set `write: true` under serve_dbus_api in the configuration.","switch_service":null,"details":{"write_enabled":false,"read_only":true,"device_online":true,"device_controllable":true},"success":true}"#]])]
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
#[case::only_reads(false, wish(SETPOINT, "-300"), 403, "This interface only reads")]
#[case::dry_run(true, wish(SETPOINT, "-300"), 403, "the installation is read-only")]
#[case::no_setting(true, wish("/Settings/System/Reboot", "1"), 403, "is not written by this program")]
#[case::out_of_range(true, wish(SETPOINT, "-100000"), 400, "Failed to set value")]
#[case::out_of_range_in_words(true, wish(SETPOINT, "-100000"), 400, "expected -1000 to 1000 W")]
#[case::no_number(true, wish(SETPOINT, "[1]"), 400, "must be a number")]
#[case::no_value(true, format!(r#"{{"service":"{SETTINGS}","path":"{SETPOINT}"}}"#), 400, "must be a number")]
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

/// The house with the override there.
fn with_override() -> Arc<House> {
    let mut rows = rows();
    rows.push(row(HUB4, OVERRIDE, NativeKind::Float, Some(Value::Number(-120.0)), None));
    house(rows)
}

fn json_of(answer: &Answer) -> Json {
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn a_write_reaches_the_path_that_was_named_or_none() {
    let house = with_override();
    *house.verdict.lock().unwrap() = Some((Outcome::AcceptedUnmeasured, "it reads -300 W".to_owned()));
    let router = api(&house, |api| api.writes = true);
    let answer = post(&router, &wish(SETPOINT, "-300")).await;
    let json = json_of(&answer);
    assert_eq!((answer.status.as_u16(), &json["success"]), (403, &json!(false)), "{json}");
    assert_eq!(json["details"]["use_service"], json!(HUB4));
    assert_eq!(json["details"]["use_path"], json!(OVERRIDE));
    assert!(json["message"].as_str().unwrap().contains(OVERRIDE), "{json}");
    assert!(house.asked.lock().unwrap().is_empty());
    let wish = json!({ "service": HUB4, "path": OVERRIDE, "value": -300 }).to_string();
    let answer = post(&router, &wish).await;
    // The fake device does not move: what is told is what is there, not what was asked.
    assert_eq!(
        line(&answer),
        format!(
            r#"200 {{"service":"{HUB4}","path":"{OVERRIDE}","value":-120.0,"previous_value":-120.0,"outcome":"accepted_unmeasured","success":true}}"#
        )
    );
}

#[rstest]
#[case("[]")]
#[case("null")]
#[case(r#""none""#)]
#[tokio::test]
async fn no_value_takes_an_override_back(#[case] value: &str) {
    let house = with_override();
    let body = format!(r#"{{"service":"{HUB4}","path":"{OVERRIDE}","value":{value}}}"#);
    post(&api(&house, |api| api.writes = true), &body).await;
    let asked: Vec<_> = house.asked.lock().unwrap().iter().map(|request| request.wish.to_string()).collect();
    assert_eq!(asked, ["grid_power=none"]);
}

#[rstest]
#[case("x is kept in memory that wears out: one write in 1 min, 24 in 24 h; ask again in 11 s", "11")]
#[case(
    "x is kept in memory that wears out: one write in 1 min, 24 in 24 h; today's writes are spent",
    "3600"
)]
#[tokio::test]
async fn a_spent_budget_says_when_to_ask_again(#[case] reason: &str, #[case] seconds: &str) {
    let house = house(rows());
    *house.verdict.lock().unwrap() = Some((Outcome::Rejected, reason.to_owned()));
    let answer = post(&api(&house, |api| api.writes = true), &wish(SETPOINT, "-300")).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, seconds), "{}", answer.body);
    assert_eq!(json_of(&answer)["reason"], json!(reason));
}

#[rstest]
#[case(Outcome::Rejected, "the device refused: -1")]
#[case(Outcome::Ineffective, "the device said yes, but it reads 50 W instead of -300 W")]
#[tokio::test]
async fn what_did_not_come_about_is_no_success(#[case] outcome: Outcome, #[case] reason: &str) {
    let house = house(rows());
    *house.verdict.lock().unwrap() = Some((outcome, reason.to_owned()));
    let answer = post(&api(&house, |api| api.writes = true), &wish(SETPOINT, "-300")).await;
    let json = json_of(&answer);
    assert_eq!((answer.status.as_u16(), &json["success"]), (400, &json!(false)), "{json}");
    assert_eq!(
        (&json["reason"], &json["value"], &json["requested_value"]),
        (&json!(reason), &json!(50.0), &json!(-300))
    );
}

#[tokio::test]
async fn programs_find_out_whether_they_may_write() {
    let house = house(rows());
    let may = |answer: &Answer| {
        let json = json_of(answer);
        (
            json["ai_write_enabled"].clone(),
            json["ai_write_status"].as_str().map(str::to_owned),
            json["control_port"].clone(),
        )
    };
    let told = may(&get(&api(&house, |api| api.writes = true), "/").await);
    let words = "Nothing is written while the configuration says `read_only: true`.".to_owned();
    assert_eq!(told, (json!(false), Some(words), Json::Null));
    let router = api(&house, |api| (api.writes, api.read_only) = (true, Some(false)));
    assert_eq!(may(&get(&router, "/").await).0, json!(true));
    assert_eq!(json_of(&get(&router, "/ai-write-status").await)["enabled"], json!(true));
    house.snapshot.lock().unwrap().device_mut(GX).unwrap().online = Online::No(ago(1));
    assert_eq!(json_of(&get(&router, "/ai-write-status").await)["enabled"], json!(false));
    assert_eq!(get(&router, "/config").await.status.as_u16(), 404);
}

#[rstest]
#[case("com.victronenergy.battery.ttyO512", 200)]
#[case("battery/512", 200)]
#[case("com.victronenergy.battery/512", 200)]
#[case("com.victronenergy.battery", 404)]
#[case("battery", 404)]
#[case("com.victronenergy.vebus", 200)]
#[case("vebus", 200)]
#[case("com.victronenergy.vebus.ttyS4", 404)]
#[tokio::test]
async fn a_service_has_more_than_one_name(#[case] name: &str, #[case] status: u16) {
    let soc = |service| row(service, "/Soc", NativeKind::Int, Some(Value::Number(81.0)), None);
    let names = [
        "com.victronenergy.battery.ttyO512",
        "com.victronenergy.battery.can7",
        "com.victronenergy.vebus.ttyO1",
    ];
    let house = house(names.into_iter().map(soc).collect());
    let answer = get(&api(&house, |_| {}), &format!("/value?service={name}&path=/Soc")).await;
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
}

/// The guards of all interfaces refuse in the shape of this one.
#[tokio::test]
async fn every_refusal_has_one_shape() {
    let house = house(rows());
    let token = "0123456789abcdef0123456789abcdef";
    let router = api(&house, |api| api.access.token = Some(token.to_owned().into()));
    let here = ("host", "127.0.0.1:8088");
    for (method, headers, status, hint) in [
        ("GET", &[here][..], 401, "send the header Authorization: Bearer TOKEN"),
        ("GET", &[here, ("authorization", "Bearer x")], 401, "serve_dbus_api.token_file"),
        ("GET", &[("host", "evil.example")], 403, "serve_dbus_api.allowed_hosts"),
        ("POST", &[here, ("origin", "http://evil.example")], 403, "may not write"),
        ("DELETE", &[here], 405, ""),
    ] {
        let mut request = Request::builder().method(method).uri("/services");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = send(&router, request.body(Body::empty()).unwrap()).await;
        let json = json_of(&answer);
        assert_eq!((answer.status.as_u16(), &json["success"]), (status, &json!(false)), "{json}");
        assert!(
            json["error"].is_string() && json["hint"].as_str().unwrap_or_default().contains(hint),
            "{json}"
        );
        assert_eq!(!answer.header("www-authenticate").is_empty(), status == 401, "{json}");
        assert!(!answer.body.contains("/login"), "{json}");
    }
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
