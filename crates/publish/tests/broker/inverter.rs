//! Settings, and the topics of pv-inverter-monitor, at a real broker.

use std::collections::BTreeMap;

use ohmstead_model::{Metric, Observation, Online, Unknown, Value};
use ohmstead_publish::{Compat, Settings};
use ohmstead_units::Timespan;

use crate::json;
use crate::support::{Broker, House, Seen, Watcher, retained};

const P: &str = "homeassistant/inverter";
const RESULT: &str = "homeassistant/inverter/set_mode/result";
const SET_MODE: &str = "homeassistant/inverter/set_mode";

fn monitored(broker: &Broker) -> Settings {
    Settings { compat: vec![Compat::PvInverterMonitor], ..broker.settings() }
}

fn reading(metric: Metric, number: f64) -> (Metric, Observation) {
    (metric, Ok(Value::Number(number)))
}

/// The values below the old topics, by metric.
fn values(all: &[Seen], prefix: &str) -> BTreeMap<String, String> {
    all.iter()
        .filter_map(|seen| {
            let metric = seen.topic.strip_prefix(prefix)?.strip_prefix('/')?;
            assert!(!seen.retained, "{seen:?}");
            (metric != "availability").then(|| (metric.to_owned(), seen.payload.clone()))
        })
        .collect()
}

#[tokio::test]
async fn the_old_topics_carry_the_old_formats_with_every_reading() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&[]);
    house.add_inverter("axpert");
    // A heartbeat says nothing in these topics: users take the time of a message for the time of a reading.
    let publisher = house.publish(Settings { heartbeat: Timespan::from_secs(1), ..monitored(&broker) });
    watcher.until_says("homeassistant/inverter/availability", "online").await;
    house.tells(
        "axpert",
        vec![
            reading(Metric::GridVoltage, 230.0),
            reading(Metric::InverterFrequency, 49.98),
            reading(Metric::InverterBusVoltage, 380.0),
            reading(Metric::LoadPower, 119.0),
            reading(Metric::BatteryVoltage, 52.4),
            reading(Metric::BatteryCurrent, 7.0),
            (Metric::BatterySoc, Err(Unknown::NotReported)),
            reading(Metric::PvPower, 856.0),
            (Metric::InverterModeNative, Ok(Value::text("B"))),
            (Metric::OutputPriority, Ok(Value::State("solar_battery_utility"))),
        ],
    );
    let last = format!("{P}/desired_mode");
    let all = watcher.until("the last value", |seen| seen.topic == last).await;
    let expected = [
        ("actual_mode", "B"),
        ("battery_charge_current", "0"),
        ("battery_current", "-7"),
        ("battery_discharge_current", "7"),
        ("battery_voltage", "52.4"),
        ("bus_voltage", "380.0"),
        ("desired_mode", "B"),
        ("load_w", "119"),
        ("mode", "B"),
        ("output_frequency", "49.98"),
        ("solar_power", "856.0"),
        ("utility_voltage", "230.0"),
    ];
    let expected: BTreeMap<_, _> =
        expected.into_iter().map(|(metric, value)| (metric.to_owned(), value.to_owned())).collect();
    assert_eq!(values(&all, P), expected);

    // Two heartbeats.
    for _ in 0..2 {
        let all = watcher.until("a heartbeat", |seen| seen.topic == "ohmstead/axpert/state").await;
        assert!(values(&all, P).is_empty(), "{all:?}");
    }
    // Nothing changed, and yet it is a reading.
    house.tells("axpert", vec![reading(Metric::LoadPower, 119.0)]);
    watcher.until_says("homeassistant/inverter/load_w", "119").await;
    house.tells("axpert", vec![(Metric::LoadPower, Err(Unknown::NotReported))]);
    house.tells("axpert", vec![reading(Metric::GridVoltage, 231.5)]);
    let all = watcher.until_says("homeassistant/inverter/utility_voltage", "231.5").await;
    assert_eq!(values(&all, P), BTreeMap::from([("utility_voltage".to_owned(), "231.5".to_owned())]));
    let kept = retained(broker.port).await;
    let kept: Vec<_> = kept.keys().filter(|topic| topic.starts_with(&format!("{P}/"))).collect();
    assert_eq!(kept, ["homeassistant/inverter/availability"]);
    publisher.stop().await;
}

#[tokio::test]
async fn the_old_command_goes_the_one_way_and_nothing_else_is_obeyed() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    // From before this program was started.
    watcher.publish(SET_MODE, "L", true).await;
    watcher.until("the command", |seen| seen.topic == SET_MODE).await;
    let house = House::new(&[]);
    house.add_inverter("axpert");
    house.tells("axpert", vec![(Metric::OutputPriority, Ok(Value::State("utility_first")))]);
    let publisher = house.publish(monitored(&broker));
    watcher.until_says("homeassistant/inverter/desired_mode", "L").await;
    watcher.publish(SET_MODE, "B", false).await;
    let all = watcher.until("the answer", |seen| seen.topic == RESULT).await;
    let answer = all.last().expect("it came");
    assert!(!answer.retained);
    assert_eq!(json(&answer.payload)["request"], "output_priority=solar_battery_utility");
    for wrong in ["X", "b", "POP02", "B ", "charge 800 W"] {
        watcher.publish(SET_MODE, wrong, false).await;
        let all = watcher.until("the answer", |seen| seen.topic == RESULT).await;
        assert_eq!(json(&all.last().expect("it came").payload)["outcome"], "refused", "{wrong}");
    }
    // Somebody takes the retained command back; that is no command.
    watcher.publish(SET_MODE, "", true).await;
    watcher.publish(SET_MODE, "S", false).await;
    let all = watcher.until("the answer", |seen| seen.topic == RESULT).await;
    assert_eq!(json(&all.last().expect("it came").payload)["request"], "output_priority=solar_first");
    assert_eq!(
        house.asked(),
        ["axpert output_priority=solar_battery_utility", "axpert output_priority=solar_first"]
    );
    // What was asked is not what is: only the inverter's own word changes it.
    assert!(all.iter().all(|seen| seen.topic != format!("{P}/desired_mode")), "{all:?}");
    house.tells("axpert", vec![(Metric::OutputPriority, Ok(Value::State("solar_first")))]);
    watcher.until_says("homeassistant/inverter/desired_mode", "S").await;
    publisher.stop().await;
}

#[tokio::test]
async fn a_second_inverter_has_topics_of_its_own() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&["a"]);
    house.add_inverter("axpert");
    house.add_inverter("shed");
    let publisher = house.publish(monitored(&broker));
    watcher.until_says("homeassistant/inverter_shed/availability", "online").await;
    house.tells("axpert", vec![reading(Metric::LoadPower, 100.0)]);
    house.tells("shed", vec![reading(Metric::LoadPower, 200.0)]);
    let all = watcher.until_says("homeassistant/inverter_shed/load_w", "200").await;
    assert_eq!(values(&all, P).get("load_w").map(String::as_str), Some("100"));
    watcher.publish("homeassistant/inverter_shed/set_mode", "L", false).await;
    watcher.until("the answer", |seen| seen.topic == "homeassistant/inverter_shed/set_mode/result").await;
    assert_eq!(house.asked(), ["shed output_priority=utility_first"]);
    let kept = retained(broker.port).await;
    let announced = kept.keys().filter(|topic| topic.contains("mp_omega_5600_v4")).count();
    assert_eq!(announced, 11, "one inverter's ten sensors and its switch: {kept:#?}");

    // The first one goes: the other one takes its place, and what it had is taken back without a last word.
    house.change(|snapshot| snapshot.remove("axpert"));
    watcher.until_says("homeassistant/inverter_shed/availability", "").await;
    house.tells("shed", vec![reading(Metric::LoadPower, 300.0)]);
    watcher.until_says("homeassistant/inverter/load_w", "300").await;
    let kept = retained(broker.port).await;
    assert_eq!(kept.get("homeassistant/inverter/availability").map(String::as_str), Some("online"));
    publisher.stop().await;
    let kept = retained(broker.port).await;
    assert_eq!(kept.get("homeassistant/inverter/availability").map(String::as_str), Some("offline"));
    assert!(!kept.contains_key("homeassistant/inverter_shed/availability"), "{kept:#?}");
}

/// That program's users watch this topic alone; its last will was on it.
#[tokio::test]
async fn a_killed_publisher_leaves_no_inverter_online() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&[]);
    house.add_inverter("axpert");
    let publisher = house.publish(monitored(&broker));
    watcher.until_says("homeassistant/inverter/availability", "online").await;
    // Said again once its own connection is there.
    watcher.until_says("homeassistant/inverter/availability", "online").await;
    publisher.kill().await;
    watcher.until_says("homeassistant/inverter/availability", "offline").await;
    // Back again.
    let mut publisher = house.publish(monitored(&broker));
    watcher.until_says("homeassistant/inverter/availability", "online").await;
    let status = publisher.until("its status", |_| true).await;
    assert_eq!((status.connections, status.trouble), (1, None));
    publisher.stop().await;
    let kept = retained(broker.port).await;
    assert_eq!(kept["homeassistant/inverter/availability"], "offline");
}

/// Somebody else comes with the name of the guarding connection: the broker says `offline` though the inverter is there.
#[tokio::test]
async fn a_guard_that_loses_its_connection_comes_back_and_the_truth_is_said_again() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&[]);
    house.add_inverter("axpert");
    let publisher = house.publish(monitored(&broker));
    watcher.until_says("homeassistant/inverter/availability", "online").await;
    watcher.until_says("homeassistant/inverter/availability", "online").await;
    let intruder = Watcher::named(broker.port, "ohmstead-home-homeassistant_inverter_availability").await;
    watcher.until_says("homeassistant/inverter/availability", "offline").await;
    drop(intruder);
    watcher.until_says("homeassistant/inverter/availability", "online").await;
    publisher.stop().await;
}

#[tokio::test]
async fn an_inverter_that_does_not_answer_is_offline() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&[]);
    house.add_inverter("axpert");
    let publisher = house.publish(monitored(&broker));
    watcher.until_says("homeassistant/inverter/availability", "online").await;
    house.change(|snapshot| {
        let device = snapshot.device_mut("axpert").expect("configured");
        let Online::Yes(at) = device.online else { panic!("it answered") };
        device.online = Online::No(at);
    });
    watcher.until_says("homeassistant/inverter/availability", "offline").await;
    publisher.stop().await;
}

#[tokio::test]
async fn a_setting_is_set_and_what_is_no_setting_is_refused() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    watcher.publish("ohmstead/axpert/output_priority/set", "utility_first", true).await;
    let house = House::new(&[]);
    house.add_inverter("axpert");
    let publisher = house.publish(broker.settings());
    let all = watcher.until("everything", |seen| seen.topic == "ohmstead/axpert/info").await;
    let config = all.iter().find(|seen| seen.topic == "homeassistant/device/ohmstead_axpert/config");
    let config = json(&config.expect("announced").payload);
    let select = &config["components"]["output_priority_set"];
    assert_eq!(select["command_topic"], "ohmstead/axpert/output_priority/set");
    let topic = |setting: &str, leaf: &str| format!("ohmstead/axpert/{setting}/{leaf}");
    for (setting, value, outcome) in [
        ("output_priority", "solar_first", "accepted_unmeasured"),
        ("output_priority", "sbu", "refused"),
        ("charge_current_max", "30", "refused"),
        ("anything", "1", "refused"),
    ] {
        watcher.publish(&topic(setting, "set"), value, false).await;
        let result = topic(setting, "result");
        let all = watcher.until("the answer", |seen| seen.topic == result).await;
        let answer = all.last().expect("it came");
        assert_eq!(json(&answer.payload)["outcome"], outcome, "{answer:?}");
    }
    assert_eq!(house.asked(), ["axpert output_priority=solar_first"]);
    publisher.stop().await;
}

#[tokio::test]
async fn without_commands_the_old_command_is_not_listened_to() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&[]);
    house.add_inverter("axpert");
    let publisher = house.publish(Settings { commands: false, ..monitored(&broker) });
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    watcher.publish(SET_MODE, "B", false).await;
    watcher.publish("ohmstead/axpert/output_priority/set", "solar_first", false).await;
    // The birth is handled after the commands would have been.
    watcher.publish("homeassistant/status", "online", false).await;
    let all = watcher.until("everything again", |seen| seen.topic == "ohmstead/site/info").await;
    assert!(all.iter().all(|seen| !seen.topic.ends_with("/result")), "{all:?}");
    assert!(house.asked().is_empty());
    publisher.stop().await;
}
