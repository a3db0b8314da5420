//! The device's broker: a real one (Debian package mosquitto), and a device of a few lines behind it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ohmstead_drivers::Device;
use ohmstead_model::Metric;
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, PublishOptions, QoS};
use serde_json::{Value as Json, json};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::support::{Broker, Unit, tls};

const PORTAL: &str = "c0619ab9929a";

type House = Arc<Mutex<BTreeMap<String, Json>>>;

/// A device as its MQTT bridge shows it.
struct Bridge {
    client: AsyncClient,
    house: House,
    /// What it was told on `R/` and `W/`.
    told: Arc<Mutex<Vec<String>>>,
    _stop: DropGuard,
}

impl Bridge {
    fn start(broker: &Broker) -> Self {
        let mut options = MqttOptions::new("bridge", ("127.0.0.1", broker.port));
        options.set_keep_alive(5);
        let (client, mut events) = AsyncClient::builder(options).capacity(64).build();
        let (stop, told, house) =
            (CancellationToken::new(), Arc::<Mutex<Vec<String>>>::default(), House::default());
        house.lock().unwrap().extend(
            [
                ("system/0/Serial", json!("02fc00000001")),
                ("system/0/Dc/Battery/Soc", json!(81)),
                ("system/0/Dc/Battery/Power", json!(-537.6)),
                ("system/0/Dc/Battery/Temperature", json!(null)),
                ("vebus/276/Hub4/AssistantId", json!(5)),
                ("settings/0/Settings/CGwacs/Hub4Mode", json!(1)),
                ("hub4/0/Overrides/Setpoint", json!(null)),
                ("tank/3/Level", json!(40)),
            ]
            .map(|(topic, value)| (topic.to_owned(), value)),
        );
        let serving = {
            let (client, house, told) = (client.clone(), Arc::clone(&house), Arc::clone(&told));
            async move {
                loop {
                    match events.poll().await {
                        Ok(Event::Incoming(Packet::ConnAck(_))) => {
                            for filter in ["R/#", "W/#"] {
                                client.try_subscribe(filter, QoS::AtMostOnce).unwrap();
                            }
                            // The only thing that is published, and retained, without being asked for.
                            say(&client, "system/0/Serial", r#"{"value":"02fc00000001"}"#, true);
                        }
                        Ok(Event::Incoming(Packet::Publish(publish))) => {
                            let topic = String::from_utf8_lossy(&publish.topic).into_owned();
                            let payload = String::from_utf8_lossy(&publish.payload).into_owned();
                            told.lock().unwrap().push(format!("{topic} {payload}"));
                            hear(&client, &house, &topic, &payload);
                        }
                        Ok(_) => {}
                        Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                    }
                }
            }
        };
        TaskTracker::new().spawn({
            let stop = stop.clone();
            async move { stop.run_until_cancelled(serving).await }
        });
        Self { client, house, told, _stop: stop.drop_guard() }
    }

    fn change(&self, topic: &str, value: Json) {
        say(&self.client, topic, &json!({ "value": value }).to_string(), false);
        self.house.lock().unwrap().insert(topic.to_owned(), value);
    }

    fn remove(&self, topic: &str) {
        say(&self.client, topic, "", false);
        self.house.lock().unwrap().remove(topic);
    }
}

fn say(client: &AsyncClient, topic: &str, payload: &str, retain: bool) {
    let options = PublishOptions::new(QoS::AtMostOnce).retain(retain);
    client.try_publish(format!("N/{PORTAL}/{topic}"), payload.to_owned(), options).unwrap();
}

/// Another GX device, of which the broker keeps the one message that comes without being asked for.
async fn stranger(broker: &Broker) {
    let options = MqttOptions::new("stranger", ("127.0.0.1", broker.port));
    let (client, mut events) = AsyncClient::builder(options).capacity(4).build();
    let retained = PublishOptions::new(QoS::AtLeastOnce).retain(true);
    client.try_publish("N/aabbccddeeff/system/0/Serial", r#"{"value":"stranger"}"#, retained).unwrap();
    while !matches!(events.poll().await, Ok(Event::Incoming(Packet::PubAck(_)))) {}
}

fn hear(client: &AsyncClient, house: &House, topic: &str, payload: &str) {
    let Some((direction, rest)) = topic.split_once(&format!("/{PORTAL}/")) else { return };
    let mut house = house.lock().unwrap();
    match (direction, rest) {
        ("R", "keepalive") if payload.contains("suppress-republish") => {}
        ("R", "keepalive") => {
            for (topic, value) in house.iter() {
                say(client, topic, &json!({ "value": value }).to_string(), false);
            }
            let options: Json = serde_json::from_str(payload).unwrap();
            let token = &options["keepalive-options"][0]["full-publish-completed-echo"];
            say(
                client,
                "full_publish_completed",
                &json!({"full-publish-completed-echo": token, "value": 1_795_248_000}).to_string(),
                false,
            );
        }
        ("R", topic) => {
            if let Some(value) = house.get(topic) {
                say(client, topic, &json!({ "value": value }).to_string(), false);
            }
        }
        (_, topic) => {
            let value: Json = serde_json::from_str(payload).unwrap();
            if let Some(known) = house.get_mut(topic) {
                known.clone_from(&value["value"]);
            }
        }
    }
}

#[tokio::test]
async fn everything_comes_after_a_keepalive() {
    let broker = Broker::start();
    let bridge = Bridge::start(&broker);
    let mut unit = Unit::of(json!({ "mqtt": { "host": "127.0.0.1", "port": broker.port } }), 1);
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(81.0)).await;
    assert_eq!(unit.number(Metric::BatteryPower), Some(538.0));
    assert_eq!(unit.number(Metric::BatteryTemperature), None);
    assert_eq!(unit.row("vebus/276", "/Hub4/AssistantId").as_deref(), Some("5"));
    bridge.change("system/0/Dc/Battery/Soc", json!(80));
    unit.until("a change", |unit| unit.number(Metric::BatterySoc) == Some(80.0)).await;
    bridge.change("system/0/Dc/Battery/Soc", json!(null));
    unit.until("no value", |unit| unit.number(Metric::BatterySoc).is_none()).await;
    bridge.remove("tank/3/Level");
    unit.until("a service left", |unit| {
        unit.row("tank/3", "/Level").as_deref() == Some("the device does not answer")
    })
    .await;
    bridge.change("tank/4/Level", json!(60));
    unit.until("a new service", |unit| unit.row("tank/4", "/Level").as_deref() == Some("60")).await;
}

#[tokio::test]
async fn a_write_has_no_answer_and_is_read_back() {
    let broker = Broker::start();
    let bridge = Bridge::start(&broker);
    let mut unit = Unit::of(json!({ "mqtt": format!("127.0.0.1:{}", broker.port) }), 1);
    unit.until("everything is known", |unit| !unit.device.info().settings.is_empty()).await;
    let setpoint = "grid_setpoint=-800".parse().unwrap();
    let plan = unit.device.plan(&setpoint, None).expect("possible");
    let reply = unit.device.write(&plan).await.expect("it is sent");
    assert_eq!((reply.accepted, reply.reply.as_str()), (true, "sent (no answer on this way)"));
    assert_eq!(unit.device.read_back(&setpoint).await.expect("it answers").native, "-800 W");
    let told = bridge.told.lock().unwrap().clone();
    assert!(told.contains(&format!("W/{PORTAL}/hub4/0/Overrides/Setpoint {{\"value\":-800}}")), "{told:?}");
}

#[tokio::test]
async fn a_device_that_comes_after_us_is_asked_again() {
    let broker = Broker::start();
    let settings = json!({ "mqtt": { "host": "127.0.0.1", "port": broker.port, "portal": PORTAL } });
    let mut unit = Unit::of(settings, 5);
    // It asks, and nobody is there.
    let later = unit.now() + std::time::Duration::from_secs(4);
    unit.until("it has asked", |unit| unit.now() > later).await;
    let bridge = Bridge::start(&broker);
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(81.0)).await;
    let asked = |bridge: &Bridge| {
        bridge.told.lock().unwrap().iter().filter(|told| told.contains("full-publish-completed-echo")).count()
    };
    let before = asked(&bridge);
    // The publisher restarts: it has forgotten us, and a value has changed meanwhile.
    bridge.house.lock().unwrap().insert("system/0/Dc/Battery/Soc".into(), json!(79));
    let later = unit.now() + std::time::Duration::from_secs(6);
    unit.until("time passes", |unit| unit.now() > later).await;
    say(&bridge.client, "keepalive", "1", false);
    unit.until("everything anew", |unit| unit.number(Metric::BatterySoc) == Some(79.0)).await;
    assert_eq!(asked(&bridge), before + 1);
    assert_eq!(unit.told().online, [true]);
}

#[tokio::test]
async fn a_second_gx_on_the_broker_is_told_and_kept_out() {
    let mut broker = Broker::start();
    let bridge = Bridge::start(&broker);
    let mut unit = Unit::of(json!({ "mqtt": format!("127.0.0.1:{}", broker.port) }), 5);
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(81.0)).await;
    let serial = |unit: &Unit| unit.row("system/0", "/Serial");
    let memory = unit.device.memory().expect("it is worth remembering");
    assert!(memory.contains(PORTAL), "{memory}");
    assert!(unit.told().notices.iter().all(|notice| notice.code != "gx_several"));
    stranger(&broker).await;
    let is_told = |unit: &Unit| {
        let told = unit.told();
        let notice = told.notices.iter().find(|notice| notice.code == "gx_several");
        notice.is_some_and(|notice| notice.text.contains(PORTAL) && notice.text.contains("aabbccddeeff"))
    };
    unit.until("both are named", is_told).await;
    assert_eq!(serial(&unit).as_deref(), Some("02fc00000001"));
    // The broker forgets everything, and the other one is there first.
    broker.kill();
    unit.until("offline", |unit| unit.told().online.last() == Some(&false)).await;
    drop(bridge);
    broker.restart();
    stranger(&broker).await;
    let _bridge = Bridge::start(&broker);
    unit.until("back", |unit| unit.told().online.last() == Some(&true)).await;
    assert_eq!(serial(&unit).as_deref(), Some("02fc00000001"));
}

/// Whether values come over TLS, or why not.
async fn over_tls(port: u16, trust: Json) -> Result<(), String> {
    let mut unit = Unit::of(json!({ "mqtt": { "host": "127.0.0.1", "port": port, "tls": trust } }), 10);
    unit.until("values, or a reason", |unit| {
        unit.number(Metric::BatterySoc) == Some(81.0) || !unit.told().notices.is_empty()
    })
    .await;
    let told = unit.told();
    told.notices.first().map_or(Ok(()), |notice| Err(notice.text.clone()))
}

#[tokio::test]
async fn tls_believes_the_one_certificate() {
    let (broker, port) = Broker::with_tls(tls::OWN);
    let _bridge = Bridge::start(&broker);
    over_tls(port, json!({ "fingerprint_sha256": tls::OWN_SHA256 })).await.expect("it is the one");
    let other = "00".repeat(32);
    let why = over_tls(port, json!({ "fingerprint_sha256": other })).await.expect_err("another one");
    assert!(why.contains(tls::OWN_SHA256) && why.contains("tls.fingerprint_sha256"), "{why}");
}

#[tokio::test]
async fn tls_believes_the_authority_for_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let trust = json!({ "ca_file": file });
    let (broker, port) = Broker::with_tls(tls::ISSUED);
    let _bridge = Bridge::start(&broker);
    let why = over_tls(port, trust.clone()).await.expect_err("no file");
    assert!(why.contains("ca.pem: No such file"), "{why}");
    std::fs::write(&file, "nothing").unwrap();
    let why = over_tls(port, trust.clone()).await.expect_err("an empty file");
    assert!(why.contains("no certificate in PEM form"), "{why}");
    std::fs::write(&file, tls::AUTHORITY).unwrap();
    over_tls(port, trust.clone()).await.expect("its authority is trusted");
    let (broker, port) = Broker::with_tls(tls::OWN);
    let _bridge = Bridge::start(&broker);
    let why = over_tls(port, trust).await.expect_err("somebody else's certificate");
    assert!(why.contains("certificate"), "{why}");
}

#[tokio::test]
async fn a_broker_without_a_gx_device_is_told() {
    let broker = Broker::start();
    let mut unit = Unit::of(json!({ "mqtt": format!("127.0.0.1:{}", broker.port) }), 20);
    unit.until("the reason", |unit| {
        unit.told().notices.iter().any(|notice| notice.text.contains("no GX device publishes"))
    })
    .await;
}
