//! The bus, as a client of zbus and strangers (dbus-send, busctl) see it.

use crate::common::{PATIENCE, Running, bus, start};
use futures_util::StreamExt as _;
use ohmstead_plant::venus::{Setup, StartError, Venus, tree::Service};
use rstest::rstest;
use std::{collections::HashMap, process::Command};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use zbus::{Array, Connection, MessageStream, Signature, Variant, connection::Builder, message::Message};

const ITEM: &str = "com.victronenergy.BusItem";
const VEBUS: &str = "com.victronenergy.vebus.ttyS4";
const BATTERY: &str = "com.victronenergy.battery.socketcan_can1";
const SETTINGS: &str = "com.victronenergy.settings";
const MODE: &str = "/Settings/CGwacs/Hub4Mode";
const SETPOINT: &str = "/Settings/CGwacs/AcPowerSetPoint";

/// A client on the same bus.
struct Client(Connection);

impl Client {
    async fn new(address: &str) -> Self {
        Self(Builder::address(address).build().await.unwrap())
    }

    async fn call<B>(&self, service: &str, path: &str, method: &str, body: &B) -> zbus::Result<Message>
    where
        B: serde::Serialize + zbus::DynamicType + Sync,
    {
        let call = self.0.call_method(Some(service), path, Some(ITEM), method, body);
        tokio::time::timeout(PATIENCE, call).await.unwrap()
    }

    async fn number(&self, service: &str, path: &str) -> Option<f64> {
        let reply = self.call(service, path, "GetValue", &()).await.unwrap();
        match reply.body().deserialize::<Variant<'_>>().unwrap() {
            Variant::F64(number) => Some(number),
            Variant::I32(number) => Some(f64::from(number)),
            Variant::U32(number) => Some(f64::from(number)),
            Variant::U8(number) => Some(f64::from(number)),
            Variant::Array(array) if array.is_empty() => None,
            other => panic!("{other:?}"),
        }
    }

    async fn set(&self, service: &str, path: &str, value: Variant<'_>) -> i32 {
        let reply = self.call(service, path, "SetValue", &value).await.unwrap();
        reply.body().deserialize().unwrap()
    }

    async fn error(&self, service: &str, path: &str, method: &str) -> String {
        format!("{:?}", self.call(service, path, method, &()).await.unwrap_err())
    }

    async fn owner(&self, service: &str) -> Option<String> {
        let reply = self
            .0
            .call_method(
                Some("org.freedesktop.DBus"),
                "/org/freedesktop/DBus",
                Some("org.freedesktop.DBus"),
                "GetNameOwner",
                &service,
            )
            .await;
        reply.ok().map(|reply| reply.body().deserialize::<String>().unwrap())
    }

    /// Signals that fit a rule.
    async fn signals(&self, rule: &str) -> MessageStream {
        let stream = MessageStream::from(&self.0);
        self.0
            .call_method(
                Some("org.freedesktop.DBus"),
                "/org/freedesktop/DBus",
                Some("org.freedesktop.DBus"),
                "AddMatch",
                &rule,
            )
            .await
            .unwrap();
        stream
    }
}

async fn until<T>(stream: &mut MessageStream, mut wanted: impl FnMut(&Message) -> Option<T>) -> T {
    let waiting = async {
        loop {
            let message = stream.next().await.unwrap().unwrap();
            if let Some(found) = wanted(&message) {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap()
}

fn member(message: &Message) -> String {
    message.header().member().map(ToString::to_string).unwrap_or_default()
}

async fn running(address: &str) -> (Running, Client) {
    let running = start(|venus| venus.bus(address)).await;
    let client = Client::new(address).await;
    (running, client)
}

#[tokio::test]
async fn every_service_gives_its_items_at_once() {
    let Some((_bus, address)) = bus() else { return };
    let (running, client) = running(&address).await;
    let names: Vec<String> =
        running.handle.with(|gx| gx.tree().services().iter().map(Service::bus_name).collect());
    assert!(names.len() >= 20);
    let mut owners = Vec::new();
    let mut all = 0;
    for name in &names {
        let reply = client.call(name, "/", "GetItems", &()).await.unwrap();
        let body = reply.body();
        let items: HashMap<&str, HashMap<&str, Variant<'_>>> = body.deserialize().unwrap();
        assert!(items.iter().all(|(path, item)| path.starts_with('/')
            && item.contains_key("Value")
            && item.contains_key("Text")));
        assert_eq!(items.contains_key("/Mgmt/Connection"), name != SETTINGS, "{name}");
        all += items.len();
        owners.push(client.owner(name).await.unwrap());
        if name == SETTINGS {
            let setpoint = &items[SETPOINT];
            assert_eq!(
                (&setpoint["Min"], &setpoint["Max"]),
                (&Variant::F64(-300_000.0), &Variant::F64(300_000.0))
            );
            assert_eq!(setpoint["Default"], Variant::F64(50.0));
        }
    }
    assert!(all > 1_000, "{all}");
    owners.sort();
    owners.dedup();
    assert_eq!(owners.len(), names.len(), "each service has a connection of its own");
}

#[tokio::test]
async fn leaves_nodes_and_texts() {
    let Some((_bus, address)) = bus() else { return };
    let (_running, client) = running(&address).await;
    assert_eq!(client.number(BATTERY, "/Soc").await, Some(62.0));
    assert_eq!(client.number(BATTERY, "/Capacity").await, None);
    let text: String =
        client.call(VEBUS, "/Mode", "GetText", &()).await.unwrap().body().deserialize().unwrap();
    assert_eq!(text, "on");
    let reply = client.call(BATTERY, "/Dc", "GetValue", &()).await.unwrap();
    let body = reply.body();
    let Variant::Dict(below) = body.deserialize::<Variant<'_>>().unwrap() else { panic!("no dictionary") };
    let keys: Vec<String> = below.iter().map(|(key, _)| format!("{key:?}")).collect();
    assert!(keys.iter().any(|key| key.contains("\"0/Voltage\"")), "{keys:?}");
    let reply = client.call(BATTERY, "/", "GetText", &()).await.unwrap();
    let body = reply.body();
    let Variant::Dict(all) = body.deserialize::<Variant<'_>>().unwrap() else { panic!("no dictionary") };
    assert!(all.iter().count() > 100);
    assert_eq!(client.number(SETTINGS, MODE).await, Some(1.0));
    for (method, value) in [("GetMin", 1), ("GetMax", 3), ("GetDefault", 1)] {
        let reply = client.call(SETTINGS, MODE, method, &()).await.unwrap();
        assert_eq!(reply.body().deserialize::<Variant<'_>>().unwrap(), Variant::I32(value));
    }
}

#[rstest]
#[case(VEBUS, "/Ac/PowerLimit", "GetValue", "UnknownObject")]
#[case(VEBUS, "/Mode", "GetMin", "UnknownMethod")]
#[case(VEBUS, "/Mode", "GetItems", "UnknownMethod")]
#[case(VEBUS, "/", "SetValue", "UnknownMethod")]
#[case(VEBUS, "/Mode", "Nonsense", "UnknownMethod")]
#[case(VEBUS, "/Mode", "SetValue", "InvalidArgs")]
#[case("com.victronenergy.multi.x", "/Mode", "GetValue", "ServiceUnknown")]
#[tokio::test]
async fn what_is_not_there_is_an_error(
    #[case] service: &str,
    #[case] path: &str,
    #[case] method: &str,
    #[case] error: &str,
) {
    let Some((_bus, address)) = bus() else { return };
    let (_running, client) = running(&address).await;
    let said = client.error(service, path, method).await;
    assert!(said.contains(error), "{said}");
}

#[tokio::test]
async fn writes_are_answered_with_their_codes() {
    let Some((_bus, address)) = bus() else { return };
    let (running, client) = running(&address).await;
    let none = || Variant::Array(Array::new(&Signature::I32));
    assert_eq!(client.set(VEBUS, "/Ac/Out/P", Variant::F64(1.0)).await, 1);
    assert_eq!(client.set(VEBUS, "/Mode", Variant::I32(7)).await, 2);
    assert_eq!(client.set(SETTINGS, SETPOINT, Variant::I32(400_000)).await, -1);
    assert_eq!(client.set(SETTINGS, SETPOINT, none()).await, -1);
    assert_eq!(client.set(SETTINGS, SETPOINT, Variant::Str("1234".into())).await, 0);
    assert_eq!(client.number(SETTINGS, SETPOINT).await, Some(1_234.0));
    assert_eq!(client.set(SETTINGS, MODE, Variant::F64(2.7)).await, 0);
    assert_eq!(client.number(SETTINGS, MODE).await, Some(2.0));
    assert_eq!(client.set("com.victronenergy.hub4", "/Overrides/Setpoint", Variant::U8(9)).await, 0);
    assert_eq!(client.set("com.victronenergy.hub4", "/Overrides/Setpoint", none()).await, 0);
    assert_eq!(client.number("com.victronenergy.hub4", "/Overrides/Setpoint").await, None);
    assert_eq!(running.handle.wear().changes, 2);
    let asked = running.handle.requests();
    assert_eq!((asked.dbus, asked.all()), (8, 8), "each counts, whatever became of it");
}

#[tokio::test]
async fn changes_are_told() {
    let Some((_bus, address)) = bus() else { return };
    let (_running, client) = running(&address).await;
    let mut signals = client.signals("type='signal',interface='com.victronenergy.BusItem'").await;
    let changed = until(&mut signals, |message| {
        (member(message) == "ItemsChanged").then(|| {
            assert_eq!(message.header().path().unwrap().as_str(), "/");
            let body = message.body();
            body.deserialize::<HashMap<&str, HashMap<&str, Variant<'_>>>>().unwrap().len()
        })
    })
    .await;
    assert!(changed > 0);
    assert_eq!(client.set(SETTINGS, SETPOINT, Variant::I32(77)).await, 0);
    let told = until(&mut signals, |message| {
        (member(message) == "PropertiesChanged").then(|| message.header().path().unwrap().to_string())
    })
    .await;
    assert_eq!(told, SETPOINT);
}

#[tokio::test]
async fn a_crashed_driver_leaves_its_name_and_returns_with_another_owner() {
    let Some((_bus, address)) = bus() else { return };
    let (running, client) = running(&address).await;
    let before = client.owner(VEBUS).await.unwrap();
    let mut signals = client.signals("type='signal',member='NameOwnerChanged'").await;
    assert!(running.handle.kill("vebus"));
    let gone = |message: &Message| {
        let body = message.body();
        let (name, old, new): (String, String, String) = body.deserialize().ok()?;
        (name.starts_with("com.victronenergy.vebus.")).then_some((name, old, new))
    };
    assert_eq!(until(&mut signals, gone).await, (VEBUS.to_owned(), before.clone(), String::new()));
    assert!(running.handle.revive("vebus", Some("ttyUSB0")));
    let (name, old, new) = until(&mut signals, gone).await;
    assert_eq!((name.as_str(), old.as_str()), ("com.victronenergy.vebus.ttyUSB0", ""));
    assert_ne!(new, before);
    assert_eq!(client.number("com.victronenergy.vebus.ttyUSB0", "/Mode").await, Some(3.0));
}

#[tokio::test]
async fn settings_can_be_added() {
    let Some((_bus, address)) = bus() else { return };
    let (_running, client) = running(&address).await;
    let wanted = vec![
        HashMap::from([
            ("path", Variant::Str("Ohmstead/Limit".into())),
            ("default", Variant::F64(5.5)),
            ("min", Variant::F64(0.0)),
            ("max", Variant::F64(10.0)),
        ]),
        HashMap::from([("path", Variant::Str("_x".into())), ("default", Variant::I32(1))]),
    ];
    let reply = client
        .0
        .call_method(Some(SETTINGS), "/", Some("com.victronenergy.Settings"), "AddSettings", &wanted)
        .await
        .unwrap();
    let body = reply.body();
    let added: Vec<HashMap<&str, Variant<'_>>> = body.deserialize().unwrap();
    assert_eq!(added[0]["error"], Variant::I32(0));
    assert_eq!(added[0]["value"], Variant::F64(5.5));
    assert_eq!(added[1]["error"], Variant::I32(-2));
    assert_eq!(client.set(SETTINGS, "/Settings/Ohmstead/Limit", Variant::I32(11)).await, -1);
    assert_eq!(client.set(SETTINGS, "/Settings/Ohmstead/Limit", Variant::I32(7)).await, 0);
    assert_eq!(client.number(SETTINGS, "/Settings/Ohmstead/Limit").await, Some(7.0));
}

fn whole(value: &Variant<'_>) -> Option<i32> {
    match value {
        Variant::I32(number) => Some(*number),
        _ => None,
    }
}

#[tokio::test]
async fn settings_tell_their_attributes_and_can_be_removed() {
    let Some((_bus, address)) = bus() else { return };
    let (_running, client) = running(&address).await;
    let mut signals = client.signals("type='signal',member='PropertiesChanged'").await;
    let wanted = vec![HashMap::from([
        ("path", Variant::Str("CGwacs/Hub4Mode".into())),
        ("default", Variant::I32(2)),
        ("min", Variant::I32(1)),
        ("max", Variant::I32(3)),
    ])];
    let settings = Some("com.victronenergy.Settings");
    client.0.call_method(Some(SETTINGS), "/", settings, "AddSettings", &wanted).await.unwrap();
    let told = until(&mut signals, |message| {
        let is_it = message.header().path().is_some_and(|path| path.as_str() == MODE);
        is_it.then(|| {
            let body = message.body();
            let told: HashMap<&str, Variant<'_>> = body.deserialize().unwrap();
            ["Value", "Min", "Max", "Default"].map(|name| whole(&told[name]))
        })
    })
    .await;
    assert_eq!(told, [1, 1, 3, 2].map(Some));
    let reply = client.0.call_method(Some(SETTINGS), MODE, settings, "GetAttributes", &()).await.unwrap();
    let body = reply.body();
    assert_eq!(body.signature().to_string_no_parens(), "vvvi");
    let (default, _, max, silent): (Variant<'_>, Variant<'_>, Variant<'_>, i32) = body.deserialize().unwrap();
    assert_eq!((default, max, silent), (Variant::I32(2), Variant::I32(3), 0));
    let paths = vec!["/Settings/CGwacs/Hub4Mode", "Settings/Nothing"];
    let reply = client.0.call_method(Some(SETTINGS), "/", settings, "RemoveSettings", &paths).await.unwrap();
    assert_eq!(reply.body().deserialize::<Vec<i32>>().unwrap(), [0, -1]);
    assert!(client.error(SETTINGS, MODE, "GetValue").await.contains("UnknownObject"));
}

#[tokio::test]
async fn a_name_that_is_taken_is_an_error() {
    let Some((_bus, address)) = bus() else { return };
    let (_running, _client) = running(&address).await;
    let second = Venus::new(Setup::default()).bus(&address);
    let error = second.start(&TaskTracker::new(), CancellationToken::new()).await.unwrap_err();
    let StartError::Bus { source, .. } = &error else { panic!("{error:?}") };
    assert!(source.to_string().contains("taken by another program"), "{source}");
    let nowhere = Venus::new(Setup::default()).bus("unix:path=/nonexistent/bus");
    assert!(nowhere.start(&TaskTracker::new(), CancellationToken::new()).await.is_err());
    let without = Venus::new(Setup::default());
    let error = without.start(&TaskTracker::new(), CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, StartError::NoFront));
}

/// What a program prints; `None` where this machine does not have it.
async fn said(program: &'static str, arguments: &[&str]) -> Option<String> {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let run = move || Command::new(program).args(arguments).output();
    let output = tokio::task::spawn_blocking(run).await.unwrap().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(text + &String::from_utf8_lossy(&output.stderr))
}

/// Programs that know nothing of us.
#[tokio::test]
async fn strangers_understand_it() {
    let Some((_bus, address)) = bus() else { return };
    let (_running, _client) = running(&address).await;
    let bus = format!("--bus={address}");
    let destination = format!("--dest={BATTERY}");
    let method = format!("{ITEM}.GetValue");
    if let Some(text) = said("dbus-send", &[&bus, "--print-reply", &destination, "/Soc", &method]).await {
        assert!(text.contains("variant") && text.contains("byte 62"), "{text}");
    }
    if let Some(text) = said("dbus-send", &[&bus, "--print-reply", &destination, "/Capacity", &method]).await
    {
        assert!(text.contains("array [") && !text.contains("Error"), "{text}");
    }
    let at = format!("--address={address}");
    let write = [at.as_str(), "call", SETTINGS, SETPOINT, ITEM, "SetValue", "v", "i", "999999"];
    if let Some(text) = said("busctl", &write).await {
        assert_eq!(text.trim(), "i -1");
    }
    if let Some(text) = said("busctl", &[&at, "tree", "--list", "com.victronenergy.hub4"]).await {
        assert!(text.contains("/Overrides/Setpoint"), "{text}");
    }
}
