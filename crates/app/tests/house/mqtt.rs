//! What a broker and Home Assistant see, whatever goes wrong.

use std::time::Duration;

use serde_json::Value;

use crate::broker::{Broker, Message, Subscriber, now};
use crate::plant::{Batteries, Unit, device};
use crate::program::Place;

/// A house of three batteries with very different states of charge, and an address where nobody is. Units tell whole percents:
/// from the middle of one a moment of discharge shows nothing.
fn trouble() -> Batteries {
    Batteries::start(&[
        // Answers come after the time limit of 300 ms.
        Unit("slow", "e3-150", &["latency-ms=400", "jitter-ms=0"], 81.5),
        Unit("quick", "e3-150", &[], 31.5),
        Unit("mute", "e3-150", &["mute"], 61.5),
    ])
}

fn devices(batteries: &Batteries) -> Vec<String> {
    let names = ["slow", "quick", "mute"];
    let dead = device("dead", "127.0.41.99:9".parse().unwrap(), ", methods: [ES.GetMode]");
    names.iter().map(|name| batteries.device(name, ", methods: [ES.GetMode]")).chain([dead]).collect()
}

fn soc_of(message: &Message, key: &str) -> Option<f64> {
    message.json()[key].as_f64()
}

#[test]
fn no_value_is_ever_attributed_to_the_wrong_battery() {
    let (place, batteries) = (Place::new(), trouble());
    let broker = Broker::start(place.path());
    let mut subscriber = broker.subscribe();
    let mqtt = format!("mqtt: {{ port: {}, compat: [marstek-poller] }}", broker.port);
    place.configure(&devices(&batteries), &mqtt);
    let _daemon = place.run();
    subscriber.wait_for("ohmstead/dead/availability", "offline");
    subscriber.wait_for("ohmstead/mute/availability", "offline");
    subscriber.wait_for("ohmstead/slow/availability", "online");
    subscriber.wait_for("ohmstead/quick/availability", "online");
    let (mut slow, mut quick) = (0, 0);
    let end = now() + Duration::from_secs(15);
    while now() < end {
        let Some(message) = subscriber.next(Duration::from_secs(1)) else { continue };
        let (own, key) = match message.topic.as_str() {
            "ohmstead/slow/state"
            | "ohmstead/quick/state"
            | "ohmstead/mute/state"
            | "ohmstead/dead/state" => (true, "battery_soc"),
            "marstek/slow/state" | "marstek/quick/state" | "marstek/mute/state" | "marstek/dead/state" => {
                (false, "soc")
            }
            _ => continue,
        };
        let expected = if message.topic.contains("slow") {
            Some(81.0)
        } else {
            message.topic.contains("quick").then_some(31.0)
        };
        match (soc_of(&message, key), expected) {
            (Some(soc), Some(expected)) => assert!((soc - expected).abs() <= 3.0, "{message:?}"),
            (Some(_), None) => panic!("a value of a battery that never answered: {message:?}"),
            (None, _) => {}
        }
        slow += usize::from(own && message.topic.contains("slow"));
        quick += usize::from(own && message.topic.contains("quick"));
    }
    assert!(slow > 3 && quick > 3, "{slow} and {quick} states in 15 s");
    for name in ["dead", "mute"] {
        assert_eq!(subscriber.last[&format!("marstek/{name}/availability")].payload, "offline");
    }
}

/// Every availability topic of every entity that is announced, with the entity.
fn availability(subscriber: &Subscriber) -> Vec<(String, Vec<String>, String)> {
    let mut entities = Vec::new();
    for message in subscriber.last.values().filter(|message| message.topic.ends_with("/config")) {
        let payload = message.json();
        let topics = |value: &Value| -> Vec<String> {
            let list = value["availability"].as_array().cloned().unwrap_or_default();
            list.iter().filter_map(|item| item["topic"].as_str().map(str::to_owned)).collect()
        };
        let mode = payload["availability_mode"].as_str().unwrap_or_default().to_owned();
        let components = payload["components"].as_object().cloned().unwrap_or_default();
        if components.is_empty() {
            entities.push((message.topic.clone(), topics(&payload), mode));
            continue;
        }
        for (name, component) in components {
            let own = topics(&component);
            let topics = if own.is_empty() { topics(&payload) } else { own };
            entities.push((format!("{} {name}", message.topic), topics, mode.clone()));
        }
    }
    entities
}

#[test]
fn a_killed_daemon_leaves_every_entity_unavailable() {
    let (place, batteries) = (Place::new(), trouble());
    let broker = Broker::start(place.path());
    let mut subscriber = broker.subscribe();
    let mqtt = format!("mqtt: {{ port: {}, compat: [marstek-poller] }}", broker.port);
    place.configure(&devices(&batteries), &mqtt);
    let mut daemon = place.run();
    subscriber.wait_for("ohmstead/quick/availability", "online");
    subscriber.wait_for("ohmstead/status", "online");
    subscriber.settle();
    daemon.kill();
    subscriber.wait_for("ohmstead/status", "offline");
    let entities = availability(&subscriber);
    assert!(entities.len() > 30, "{} entities", entities.len());
    for (entity, topics, mode) in entities {
        assert_eq!(mode, "all", "{entity}");
        let unavailable = topics
            .iter()
            .any(|topic| subscriber.last.get(topic).is_some_and(|last| last.payload == "offline"));
        assert!(unavailable, "{entity} stays available: {topics:?}");
    }
}

#[test]
fn a_restarted_broker_has_everything_back_within_5_s() {
    let (place, batteries) = (Place::new(), trouble());
    let mut broker = Broker::start(place.path());
    let mut subscriber = broker.subscribe();
    place.configure(&devices(&batteries), &format!("mqtt: {{ port: {} }}", broker.port));
    let _daemon = place.run();
    subscriber.wait_for("ohmstead/quick/availability", "online");
    subscriber.settle();
    let before: Vec<String> = subscriber.last.keys().cloned().collect();
    drop(subscriber);
    broker.stop();
    broker.start_again();
    let mut subscriber = broker.subscribe();
    let end = now() + Duration::from_secs(5);
    while let Some(left) = end.checked_duration_since(now()) {
        subscriber.next(left);
        if before.iter().all(|topic| subscriber.last.contains_key(topic)) {
            assert_eq!(subscriber.last["ohmstead/quick/availability"].payload, "online");
            return;
        }
    }
    let missing: Vec<_> = before.iter().filter(|topic| !subscriber.last.contains_key(*topic)).collect();
    panic!("not back within 5 s: {missing:?}");
}

#[test]
fn after_a_clean_stop_a_late_subscriber_finds_discovery_and_offline() {
    let (place, batteries) = (Place::new(), trouble());
    let broker = Broker::start(place.path());
    let mut subscriber = broker.subscribe();
    place.configure(&devices(&batteries), &format!("mqtt: {{ port: {} }}", broker.port));
    let mut daemon = place.run();
    subscriber.wait_for("ohmstead/quick/availability", "online");
    assert_eq!(daemon.terminate(), Some(0), "{}", daemon.log());
    let mut late = broker.subscribe();
    late.settle();
    assert!(late.last.values().all(|message| message.retained));
    assert_eq!(late.last["ohmstead/status"].payload, "offline");
    for name in ["slow", "quick", "mute", "dead", "site"] {
        assert_eq!(late.last[&format!("ohmstead/{name}/availability")].payload, "offline", "{name}");
    }
    let announced = late.last.keys().filter(|topic| topic.starts_with("homeassistant/device/")).count();
    assert_eq!(announced, 5, "{:?}", late.last.keys());
}

#[test]
fn the_poller_prefixes_may_be_changed() {
    let (place, batteries) = (Place::new(), trouble());
    let broker = Broker::start(place.path());
    let mut subscriber = broker.subscribe();
    let ids = ", methods: [ES.GetMode], name: Fase A, entity_id: marstek_venuse_d828_state_of_charge, device_id: marstek_fasea_d828";
    place.configure(
        &[batteries.device("quick", ids)],
        &format!(
            "mqtt: {{ port: {}, compat: [marstek-poller], discovery: off, discovery_prefix: ha, state_topic_prefix: home/energy/batteries }}",
            broker.port
        ),
    );
    let _daemon = place.run();
    let state = subscriber.wait("a state", |message| {
        message.topic == "home/energy/batteries/marstek_fasea_d828/state" && !message.json()["soc"].is_null()
    });
    let state = state.json();
    let keys: Vec<_> = state.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["soc", "mode", "ongrid_power", "offgrid_power", "timestamp"]);
    assert_eq!((state["soc"].as_f64(), state["mode"].as_str()), (Some(31.0), Some("Auto")));
    subscriber.settle();
    for part in ["soc", "mode", "power"] {
        let topic = format!("ha/sensor/marstek_fasea_d828_{part}/config");
        let id = subscriber.last[&topic].json()["unique_id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("marstek_venuse_d828_"), "{id}");
    }
}
