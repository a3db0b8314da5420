//! Control at a real broker: switches, the release button, a selection that does not run ahead, visible rejections, the
//! payloads of scripts.

use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{ControlPhase, ControlState, LimitName, Metric, Outcome, SiteLimit, Switches, Value};
use ohmstead_units::Watts;
use serde_json::Value as Json;

use crate::support::{Broker, House, Seen, Watcher, id, retained};
use crate::{RESULT, SET, STATE, json};

const CONTROL: &str = "ohmstead/a/control";
const SITE: &str = "homeassistant/device/ohmstead_site/config";
const LIMITS: &str = "ohmstead/site/limits/state";
const LIMITS_SET: &str = "ohmstead/site/limits/set";
const LIMITS_RESULT: &str = "ohmstead/site/limits/result";
const SCHEDULE: &str = "ohmstead/site/schedule/state";

const SWITCHES: Switches =
    Switches { limits: Some(true), plan: None, tempo: None, schedule: Some(false), rotation: None };

fn last(all: &[Seen], topic: &str) -> Json {
    let seen = all.iter().rfind(|seen| seen.topic == topic).unwrap_or_else(|| panic!("nothing on {topic}"));
    json(&seen.payload)
}

/// Waits for what `T/a/control` says under these keys.
async fn until_control(watcher: &mut Watcher, path: &str, value: &str) -> Json {
    let fits = |seen: &Seen| {
        seen.topic == CONTROL && json(&seen.payload).pointer(path).and_then(Json::as_str) == Some(value)
    };
    let all = watcher.until(&format!("{value} at {path}"), fits).await;
    last(&all, CONTROL)
}

fn with_switches(switches: Option<Switches>) -> House {
    let house = House::new(&["a"]);
    house.commands.switches.send_replace(switches);
    house
}

#[tokio::test]
async fn a_switch_is_switched_from_both_sides() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = with_switches(Some(SWITCHES));
    let publisher = house.publish(broker.settings());
    let all = watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    let components = &last(&all, SITE)["components"];
    assert_eq!(components["limits_switch"]["command_topic"], LIMITS_SET);
    assert_eq!(components["limits_switch"]["state_topic"], LIMITS);
    assert!(components.get("schedule_switch").is_some() && components.get("rotation_switch").is_none());
    let kept = retained(broker.port).await;
    assert_eq!((kept[LIMITS].as_str(), kept[SCHEDULE].as_str()), ("ON", "OFF"));

    watcher.publish(LIMITS_SET, "OFF", false).await;
    let all = watcher.until("the answer", |seen| seen.topic == LIMITS_RESULT).await;
    // State and answer come in any order.
    if !all.iter().any(|seen| seen.topic == LIMITS && seen.payload == "OFF") {
        watcher.until_says(LIMITS, "OFF").await;
    }
    assert_eq!(house.commands.switches.borrow().and_then(|switches| switches.limits), Some(false));
    let answer = last(&all, LIMITS_RESULT);
    assert_eq!((&answer["request"], &answer["outcome"]), (&"limits=OFF".into(), &"switched".into()));
    watcher.publish(LIMITS_SET, "ON", false).await;
    watcher.until_says(LIMITS, "ON").await;

    // Somebody switches on the page: told at once, without a heartbeat or news of a device.
    house.commands.switches.send_replace(Some(Switches { schedule: Some(true), ..SWITCHES }));
    watcher.until_says(SCHEDULE, "ON").await;
    publisher.stop().await;
}

#[tokio::test]
async fn what_is_no_switch_is_refused() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    watcher.publish(LIMITS_SET, "OFF", true).await;
    watcher.until("the retained command", |seen| seen.topic == LIMITS_SET).await;
    let house = with_switches(Some(SWITCHES));
    let publisher = house.publish(broker.settings());
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    for (topic, payload, why) in [
        ("limits", "maybe", "a switch takes ON or OFF, and nothing else"),
        ("rotation", "ON", "the configuration has no rotation: there is nothing to switch"),
        ("heating", "ON", "site offers no setting \"heating\"; it offers: none"),
    ] {
        watcher.publish(&format!("ohmstead/site/{topic}/set"), payload, false).await;
        let result = format!("ohmstead/site/{topic}/result");
        let answer = last(&watcher.until("the answer", |seen| seen.topic == result).await, &result);
        assert_eq!((&answer["outcome"], &answer["reason"]), (&"refused".into(), &why.into()));
    }
    // The retained command came before all of these.
    assert_eq!(*house.commands.switches.borrow(), Some(SWITCHES));
    publisher.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_switches_and_their_states() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = with_switches(Some(SWITCHES));
    let publisher = house.publish(broker.settings());
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    publisher.stop().await;

    // The publisher is there before control has looked for the first time.
    house.commands.switches.send_replace(None);
    let mut watcher = Watcher::new(broker.port).await;
    let publisher = house.publish(broker.settings());
    let all = watcher.until("everything", |seen| seen.topic == "ohmstead/site/info" && !seen.retained).await;
    let removed = |seen: &&Seen| !seen.retained && (seen.topic == SITE || seen.topic == SCHEDULE);
    for seen in all.iter().filter(removed) {
        assert!(json(&seen.payload)["components"]["schedule_switch"]["unique_id"].is_string(), "{seen:?}");
    }
    let kept = retained(broker.port).await;
    assert_eq!((kept[LIMITS].as_str(), kept[SCHEDULE].as_str()), ("ON", "OFF"));
    house.commands.switches.send_replace(Some(Switches { limits: Some(false), ..SWITCHES }));
    watcher.until_says(LIMITS, "OFF").await;

    // A configuration without a schedule: its switch goes, by its platform, and its state with it.
    house.commands.switches.send_replace(Some(Switches { schedule: None, ..SWITCHES }));
    let all = watcher.until_says(SCHEDULE, "").await;
    let switches: Vec<_> = all
        .iter()
        .filter(|seen| seen.topic == SITE)
        .map(|seen| json(&seen.payload)["components"]["schedule_switch"].to_string())
        .collect();
    assert_eq!(switches, [r#"{"platform":"switch"}"#, "null"]);
    publisher.stop().await;
}

const OUTPUT: &str = "ohmstead/site/multi_output/state";
const OUTPUT_SET: &str = "ohmstead/site/multi_output/set";
const OUTPUT_RESULT: &str = "ohmstead/site/multi_output/result";
const SITE_CONTROL: &str = "ohmstead/site/control";

/// A house with one limit of 30 kW, not lowered.
fn with_limit() -> House {
    let house = with_switches(Some(SWITCHES));
    let (name, max, lowest) = (LimitName::MultiOutput, Watts(30_000.0), Watts(1000.0));
    house.commands.limits.send_replace(Some(vec![SiteLimit { name, max, lowest, asked: None }]));
    house
}

#[tokio::test]
async fn a_limit_is_lowered_from_both_sides() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = with_limit();
    let publisher = house.publish(broker.settings());
    let all = watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    let number = &last(&all, SITE)["components"]["multi_output_limit"];
    assert_eq!((&number["platform"], &number["device_class"]), (&"number".into(), &"power".into()));
    assert_eq!((&number["min"], &number["max"]), (&1000.into(), &30_000.into()));
    assert_eq!(retained(broker.port).await[OUTPUT].as_str(), "30000");

    watcher.publish(OUTPUT_SET, "20000", false).await;
    let all = watcher.until("the answer", |seen| seen.topic == OUTPUT_RESULT).await;
    let answer = last(&all, OUTPUT_RESULT);
    assert_eq!((&answer["request"], &answer["outcome"]), (&"multi_output=20000 W".into(), &"limited".into()));
    if !all.iter().any(|seen| seen.topic == OUTPUT && seen.payload == "20000") {
        watcher.until_says(OUTPUT, "20000").await;
    }
    watcher.publish(OUTPUT_SET, "none", false).await;
    watcher.until_says(OUTPUT, "30000").await;

    // The configuration is read again: another range, and what was asked for does not go over it.
    let (name, lowest, asked) = (LimitName::MultiOutput, Watts(1000.0), Some(Watts(20_000.0)));
    house.commands.limits.send_replace(Some(vec![SiteLimit { name, max: Watts(9000.0), lowest, asked }]));
    let all = watcher.until_says(OUTPUT, "9000").await;
    assert_eq!(last(&all, SITE)["components"]["multi_output_limit"]["max"], 9000);
    publisher.stop().await;
}

/// The answer passes; what became of the last command stays to be seen.
#[tokio::test]
async fn a_limit_that_the_configuration_does_not_allow_is_refused_for_all_to_see() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    watcher.publish(OUTPUT_SET, "5000", true).await;
    watcher.until("the retained command", |seen| seen.topic == OUTPUT_SET).await;
    let house = with_limit();
    let publisher = house.publish(broker.settings());
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    for (topic, payload, why) in [
        (
            "multi_output",
            "40 kW",
            "40000 W is not between 1000 W and 30000 W, which the configuration allows",
        ),
        ("multi_output", "500", "500 W is not between 1000 W and 30000 W, which the configuration allows"),
        ("multi_output", "much", "a limit takes a power such as 20000 or 20 kW, or none"),
        ("feed_in", "500", "the configuration has no limit feed_in"),
    ] {
        watcher.publish(&format!("ohmstead/site/{topic}/set"), payload, false).await;
        let refused = |seen: &Seen| {
            seen.topic == SITE_CONTROL
                && json(&seen.payload)["last"]["reason"] == why
                && !seen.payload.is_empty()
        };
        let all = watcher.until(why, refused).await;
        assert_eq!(last(&all, SITE_CONTROL)["last"]["outcome"], "refused");
    }
    // The retained command came before all of these.
    assert_eq!(retained(broker.port).await[OUTPUT].as_str(), "30000");
    publisher.stop().await;
}

/// The publisher is there before control has looked: the range of the number is not known yet, and it stays.
#[tokio::test]
async fn a_restart_keeps_the_number_of_a_limit() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = with_limit();
    let publisher = house.publish(broker.settings());
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    publisher.stop().await;

    let known = house.commands.limits.send_replace(None);
    let mut watcher = Watcher::new(broker.port).await;
    let publisher = house.publish(broker.settings());
    let mut all =
        watcher.until("everything", |seen| seen.topic == "ohmstead/site/info" && !seen.retained).await;
    house.commands.limits.send_replace(known);
    all.extend(watcher.until("the announcement", |seen| seen.topic == SITE && !seen.retained).await);
    for seen in all.iter().filter(|seen| seen.topic == SITE) {
        let number = &json(&seen.payload)["components"]["multi_output_limit"];
        assert!(number["unique_id"].is_string(), "{seen:?}");
    }
    publisher.stop().await;
}

#[tokio::test]
async fn the_button_ends_what_was_asked_by_hand() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&["a"]);
    let publisher = house.publish(broker.settings());
    let all = watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    let config = last(&all, "homeassistant/device/ohmstead_a/config");
    let button = &config["components"]["release"];
    assert_eq!((&button["platform"], &button["command_topic"]), (&"button".into(), &SET.into()));
    let press = button["payload_press"].as_str().expect("a payload").to_owned();
    watcher.publish(SET, press, false).await;
    let answer = last(&watcher.until("the answer", |seen| seen.topic == RESULT).await, RESULT);
    assert_eq!((&answer["asked_by"], &answer["request"]), (&"mqtt".into(), &"give back: auto".into()));
    assert_eq!(*house.commands.released.lock().expect("no panic"), [id("a")]);
    assert!(house.asked().is_empty());
    publisher.stop().await;
}

/// A battery reports a mode as soon as it is written, long before it is known whether it follows.
#[tokio::test]
async fn the_selection_does_not_run_ahead_of_what_is_certain() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&["a"]);
    let publisher = house.publish(broker.settings());
    let all = watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    assert_eq!(last(&all, CONTROL)["mode"], "auto");

    house.commands.go.send_replace(false);
    watcher.publish(SET, "hold", false).await;
    let control = until_control(&mut watcher, "/last/outcome", "pending").await;
    assert_eq!((&control["mode"], &control["last"]["request"]), (&"auto".into(), &"hold".into()));
    house.tells("a", vec![(Metric::BatteryMode, Ok(Value::State("hold")))]);
    let all = watcher
        .until("the reported mode", |seen| {
            seen.topic == STATE && json(&seen.payload)["battery_mode"] == "hold"
        })
        .await;
    assert!(all.iter().all(|seen| seen.topic != CONTROL), "{all:?}");
    assert_eq!(json(&retained(broker.port).await[CONTROL])["mode"], "auto");

    house.commands.go.send_replace(true);
    let control = until_control(&mut watcher, "/mode", "hold").await;
    assert_eq!(control["last"]["outcome"], "accepted_unmeasured");
    publisher.stop().await;
}

#[tokio::test]
async fn a_rejection_is_there_to_be_seen() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&["a"]);
    let publisher = house.publish(broker.settings());
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    *house.commands.outcome.lock().expect("no panic") = Outcome::Rejected;
    watcher.publish(SET, "hold", false).await;
    let control = until_control(&mut watcher, "/last/outcome", "rejected").await;
    assert_eq!((&control["mode"], &control["last"]["reason"]), (&"auto".into(), &"read back".into()));

    // What control shows of it.
    house.change(|snapshot| {
        let state = ControlState {
            wants: Some("hold".to_owned()),
            by: Some("override"),
            phase: ControlPhase::NotControllable,
            code: "asked",
            reason: "asked by hand (mqtt)".to_owned(),
            ends: None,
        };
        snapshot.device_mut("a").expect("configured").control = Some(Arc::new(state));
    });
    let control = until_control(&mut watcher, "/phase", "not_controllable").await;
    assert_eq!((&control["wants"], &control["reason"]), (&"hold".into(), &"asked by hand (mqtt)".into()));

    // What is not even a command, beside the answer that nobody retains.
    watcher.publish(SET, "sleep", false).await;
    until_control(&mut watcher, "/last/outcome", "refused").await;
    let kept = json(&retained(broker.port).await[CONTROL]);
    let reason = kept["last"]["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.starts_with("\"sleep\" is no battery mode"), "{reason}");
    publisher.stop().await;
}

/// The shell commands of battery-rotation.yaml as they are written with `mosquitto_pub`; docs/from-marstek-poller.md has
/// the same payloads.
#[tokio::test]
async fn the_payloads_of_a_rotation_script_are_understood() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&["fase_a", "fase_b"]);
    let publisher = house.publish(broker.settings());
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    let half_an_hour = Some(Duration::from_secs(1800));
    for (device, payload, wish, lease) in [
        ("fase_b", "auto", "auto", None),
        ("fase_a", "idle", "idle", None),
        ("fase_a", "native:manual", "native:manual", None),
        ("fase_a", r#"{"mode":"charge","power_w":1000,"for_s":1800}"#, "charge 1000 W", half_an_hour),
        ("fase_b", r#"{"mode":"discharge","power_w":800,"for_s":1800}"#, "discharge 800 W", half_an_hour),
        ("fase_b", "native:ai\n", "native:ai", None),
    ] {
        watcher.publish(&format!("ohmstead/{device}/mode/set"), payload, false).await;
        let result = format!("ohmstead/{device}/mode/result");
        let answer = last(&watcher.until("the answer", |seen| seen.topic == result).await, &result);
        assert_eq!(answer["outcome"], "accepted_unmeasured");
        let asked = house.commands.requests.lock().expect("no panic").last().cloned().expect("asked");
        assert_eq!((asked.device, asked.wish.to_string(), asked.lease), (id(device), wish.to_owned(), lease));
    }
    publisher.stop().await;
}
