//! The publisher against a real broker (mosquitto) on loopback.

mod control;
mod inverter;
mod support;

use std::time::Duration;

use ohmstead_model::{BatteryMode, Metric, Online};
use ohmstead_publish::{Compat, Discovery, Secret, Settings, Tls};
use ohmstead_units::Timespan;
use serde_json::Value as Json;
use support::{Broker, House, Seen, Watcher, free_port, id, retained, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const SET: &str = "ohmstead/a/mode/set";
const LIMIT_SET: &str = "ohmstead/site/feed_in/set";
const RESULT: &str = "ohmstead/a/mode/result";
const STATE: &str = "ohmstead/a/state";

fn json(payload: &str) -> Json {
    serde_json::from_str(payload).expect("JSON")
}

fn soc(seen: &Seen) -> Option<f64> {
    (seen.topic == STATE).then(|| json(&seen.payload)["battery_soc"].as_f64()).flatten()
}

#[tokio::test]
async fn on_connection_come_announcements_then_availability_then_states() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&["a", "b"]);
    let publisher = house.publish(broker.settings());
    let all = watcher.until("the last information", |seen| seen.topic == "ohmstead/site/info").await;
    let topics: Vec<&str> = all.iter().map(|seen| seen.topic.as_str()).collect();
    assert_eq!(
        topics,
        [
            "homeassistant/device/ohmstead_a/config",
            "homeassistant/device/ohmstead_b/config",
            "homeassistant/device/ohmstead_site/config",
            "ohmstead/status",
            "ohmstead/a/availability",
            "ohmstead/b/availability",
            "ohmstead/site/availability",
            "ohmstead/a/state",
            "ohmstead/a/control",
            "ohmstead/a/info",
            "ohmstead/b/state",
            "ohmstead/b/control",
            "ohmstead/b/info",
            "ohmstead/site/state",
            "ohmstead/site/info",
        ]
    );
    let kept = retained(broker.port).await;
    assert_eq!(
        kept.keys().map(String::as_str).collect::<std::collections::BTreeSet<_>>(),
        topics.into_iter().collect()
    );
    assert_eq!(json(&kept[STATE])["battery_soc"], 50.0);
    publisher.stop().await;
}

#[tokio::test]
async fn only_what_changed_at_the_metrics_resolution_is_sent() {
    let broker = Broker::start();
    let house = House::new(&["a"]);
    let mut watcher = Watcher::new(broker.port).await;
    let publisher = house.publish(broker.settings());
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    for unchanged in [50.01, 49.99, 50.04] {
        house.reads("a", unchanged);
    }
    house.reads("a", 51.0);
    let seen = watcher.next().await;
    assert_eq!(soc(&seen), Some(51.0), "{seen:?}");
    publisher.stop().await;
}

#[tokio::test]
async fn everything_is_announced_again_when_home_assistant_has_started() {
    let broker = Broker::start();
    let house = House::new(&["a"]);
    let mut watcher = Watcher::new(broker.port).await;
    let publisher = house.publish(Settings { discovery_prefix: "ha".to_owned(), ..broker.settings() });
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    watcher.publish("ha/status", "online", false).await;
    let again = watcher.until("everything again", |seen| seen.topic == "ohmstead/site/info").await;
    let position = |topic: &str| again.iter().position(|seen| seen.topic == topic).expect(topic);
    assert!(position("ha/device/ohmstead_a/config") < position("ohmstead/a/availability"));
    assert!(position("ohmstead/a/availability") < position(STATE));
    publisher.stop().await;
}

#[tokio::test]
async fn after_a_restart_of_the_broker_everything_is_back_within_five_seconds() {
    let mut broker = Broker::start();
    let house = House::new(&["a"]);
    let mut publisher = house.publish(broker.settings());
    publisher.connected().await;
    broker.stop();
    publisher.until("the loss", |status| status.connected_since.is_none()).await;
    // Down for so long that the longest pause between two attempts is reached.
    publisher
        .until("the refusal", |status| {
            status.trouble.as_deref().is_some_and(|why| why.contains("nothing listens"))
        })
        .await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    broker.restart();
    let back = async {
        let mut watcher = Watcher::new(broker.port).await;
        watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    };
    tokio::time::timeout(Duration::from_secs(5), back).await.expect("back within 5 s");
    let kept = retained(broker.port).await;
    assert_eq!(
        (kept["ohmstead/status"].as_str(), kept["ohmstead/a/availability"].as_str()),
        ("online", "online")
    );
    assert_eq!(json(&kept[STATE])["battery_soc"], 50.0);
    publisher.stop().await;
}

#[tokio::test]
async fn an_absent_broker_is_waited_for() {
    let mut broker = Broker::prepared("allow_anonymous true");
    let house = House::new(&["a"]);
    let mut publisher = house.publish(broker.settings());
    let status = publisher.until("a trouble", |status| status.trouble.is_some()).await;
    assert_eq!(
        status.trouble.as_deref(),
        Some(&*format!(
            "nothing listens at the broker 127.0.0.1:{}; is it running? check mqtt.host and mqtt.port",
            broker.port
        ))
    );
    broker.restart();
    publisher.connected().await;
    assert_eq!(publisher.status.borrow().trouble, None);
    publisher.stop().await;
}

#[tokio::test]
async fn a_killed_publisher_is_offline_by_its_last_will() {
    let broker = Broker::start();
    let house = House::new(&["a"]);
    let mut watcher = Watcher::new(broker.port).await;
    let publisher = house.publish(Settings { compat: vec![Compat::MarstekPoller], ..broker.settings() });
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    publisher.kill().await;
    watcher.until_says("ohmstead/status", "offline").await;
    let kept = retained(broker.port).await;
    assert_eq!(kept["ohmstead/status"], "offline");
    // Each entity depends on that topic, those of the earlier program as well.
    for config in [
        "homeassistant/device/ohmstead_a/config",
        "homeassistant/sensor/a_mode/config",
        "homeassistant/sensor/a_power/config",
    ] {
        let config = json(&kept[config]);
        assert_eq!(
            (&config["availability"][0]["topic"], &config["availability_mode"]),
            (&"ohmstead/status".into(), &"all".into())
        );
    }
}

#[tokio::test]
async fn a_clean_stop_says_offline_for_everything() {
    let broker = Broker::start();
    let house = House::new(&["a", "b"]);
    let mut publisher = house.publish(Settings { compat: vec![Compat::MarstekPoller], ..broker.settings() });
    publisher.connected().await;
    publisher.stop().await;
    let kept = retained(broker.port).await;
    for topic in [
        "ohmstead/status",
        "ohmstead/a/availability",
        "ohmstead/b/availability",
        "ohmstead/site/availability",
        "marstek/a/availability",
        "marstek/b/availability",
    ] {
        assert_eq!(kept[topic], "offline", "{topic}");
    }
}

#[tokio::test]
async fn stopping_without_a_broker_does_not_wait() {
    let house = House::new(&["a"]);
    let settings = Settings { host: "127.0.0.1".to_owned(), port: Some(free_port()), ..Settings::default() };
    let mut publisher = house.publish(settings);
    publisher.until("a trouble", |status| status.trouble.is_some()).await;
    tokio::time::timeout(Duration::from_secs(2), publisher.stop()).await.expect("at once");
}

#[tokio::test]
async fn a_wrong_password_is_told_and_a_corrected_file_is_noticed() {
    let mut broker = Broker::prepared("allow_anonymous false\npassword_file DIR/users");
    let made = std::process::Command::new("mosquitto_passwd")
        .args(["-b", "-c"])
        .arg(broker.dir().join("users"))
        .args(["ohm", "right"])
        .status()
        .expect("this test needs mosquitto_passwd: install the package \"mosquitto\"");
    assert!(made.success());
    broker.restart();
    let password = broker.dir().join("password");
    std::fs::write(&password, "wrong\n").expect("written");
    let house = House::new(&["a"]);
    let anonymous = house.publish(broker.settings());
    let mut publisher = house.publish(Settings {
        username: Some("ohm".to_owned()),
        password_file: Some(password.clone()),
        client_id: Some("other".to_owned()),
        ..broker.settings()
    });
    let at = format!("the broker 127.0.0.1:{}", broker.port);
    let refused = |status: &ohmstead_publish::Status| {
        status.trouble.as_deref().is_some_and(|why| why.contains("refuses") || why.contains("wants"))
    };
    assert_eq!(
        publisher.until("a refusal", refused).await.trouble,
        Some(format!(
            "{at} refuses user \"ohm\" or its password; check mqtt.username and mqtt.password_file"
        ))
    );
    let mut anonymous = anonymous;
    assert_eq!(
        anonymous.until("a refusal", refused).await.trouble,
        Some(format!("{at} wants a user; set mqtt.username and mqtt.password_file"))
    );
    std::fs::write(&password, "right\n").expect("written");
    publisher.connected().await;
    publisher.stop().await;
    anonymous.stop().await;
}

#[tokio::test]
async fn a_command_is_carried_out_and_answered_with_its_ledger_row() {
    let broker = Broker::start();
    let house = House::new(&["a"]);
    let mut watcher = Watcher::new(broker.port).await;
    let publisher = house.publish(broker.settings());
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    watcher.publish(SET, r#"{"mode":"charge","power_w":800,"for_s":60}"#, false).await;
    let answer = watcher.until("the answer", |seen| seen.topic == RESULT).await.pop().expect("it came");
    assert!(!answer.retained);
    expect_test::expect![[r#"{"id":7,"at":"2026-11-21T12:00:00Z","device":"a","asked_by":"mqtt","request":"charge 800 W","old":"Manual","new":"ES.SetMode","reply":"true","read_back":"Auto","effect":null,"outcome":"accepted_unmeasured","reason":"read back"}"#]].assert_eq(&answer.payload);
    let requests = house.commands.requests.lock().expect("no panic").clone();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].lease, Some(Duration::from_secs(60)));
    watcher.publish(SET, "chrage", false).await;
    let answer = watcher.until("the answer", |seen| seen.topic == RESULT).await.pop().expect("it came");
    assert_eq!(json(&answer.payload)["outcome"], "refused");
    publisher.stop().await;
}

#[tokio::test]
async fn a_retained_command_is_never_carried_out() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    watcher.publish(SET, "charge 800 W", true).await;
    watcher.until("the command", |seen| seen.topic == SET).await;
    let house = House::new(&["a"]);
    let publisher = house.publish(broker.settings());
    // The broker delivers the retained command before this one.
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    watcher.publish(SET, "auto", false).await;
    watcher.until("the answer", |seen| seen.topic == RESULT).await;
    let modes: Vec<_> = house
        .commands
        .requests
        .lock()
        .expect("no panic")
        .iter()
        .map(|request| request.wish.clone())
        .collect();
    assert_eq!(modes, [BatteryMode::Auto.into()]);
    publisher.stop().await;
}

#[tokio::test]
async fn without_commands_nothing_is_listened_to() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&["a"]);
    let publisher = house.publish(Settings { commands: false, ..broker.settings() });
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    watcher.publish(SET, "auto", false).await;
    // The birth is handled after the command would have been.
    watcher.publish("homeassistant/status", "online", false).await;
    let all = watcher.until("everything again", |seen| seen.topic == "ohmstead/site/info").await;
    assert!(house.commands.requests.lock().expect("no panic").is_empty());
    assert!(all.iter().all(|seen| !seen.payload.contains("battery_mode_set")));
    publisher.stop().await;
}

#[tokio::test]
async fn hostile_messages_do_no_harm() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&["a"]);
    let mut publisher = house.publish(broker.settings());
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    for i in 0..50u8 {
        watcher.publish(SET, vec![0xff, i], false).await;
        watcher.publish(SET, vec![b'{'; 2000], false).await;
        watcher.publish("ohmstead/nobody/mode/set", "auto", false).await;
        watcher.publish("homeassistant/status", vec![0xff, 0xfe], false).await;
    }
    watcher.publish(SET, "auto", false).await;
    watcher
        .until("the answer", |seen| seen.topic == RESULT && seen.payload.contains("accepted_unmeasured"))
        .await;
    assert_eq!(house.commands.requests.lock().expect("no panic").len(), 1);
    assert_eq!(publisher.until("its status", |_| true).await.connections, 1);
    publisher.stop().await;
}

#[tokio::test]
async fn an_oversized_retained_message_does_not_end_every_connection() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    watcher.publish(SET, vec![b'x'; 100_000], true).await;
    // This one cannot be taken back by emptying the topics of known devices.
    watcher.publish("ohmstead/nobody/mode/set", vec![b'x'; 100_000], true).await;
    watcher.until("both", |seen| seen.topic == "ohmstead/nobody/mode/set").await;
    let house = House::new(&["a"]);
    let mut publisher = house.publish(broker.settings());
    publisher
        .until("the third connection", |status| status.connections == 3 && status.connected_since.is_some())
        .await;
    house.reads("a", 60.0);
    watcher.until("the new state", |seen| soc(seen) == Some(60.0)).await;
    let status = publisher.until("its status", |_| true).await;
    assert_eq!((status.connections, status.trouble), (3, None));
    assert!(!retained(broker.port).await.contains_key(SET));
    publisher.stop().await;
}

#[tokio::test]
async fn an_oversized_retained_command_is_taken_back_and_commands_go_on() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    for topic in [SET, LIMIT_SET] {
        watcher.publish(topic, vec![b'x'; 100_000], true).await;
        watcher.until("the command", |seen| seen.topic == topic).await;
    }
    let house = House::new(&["a"]);
    let mut publisher = house.publish(broker.settings());
    publisher
        .until("the second connection", |status| status.connections == 2 && status.connected_since.is_some())
        .await;
    watcher.until_says(SET, "").await;
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    watcher.publish(SET, "auto", false).await;
    watcher.until("the answer", |seen| seen.topic == RESULT).await;
    assert_eq!(publisher.until("its status", |_| true).await.connections, 2);
    assert_eq!(retained(broker.port).await.get(LIMIT_SET), None, "taken back too");
    publisher.stop().await;
}

/// A broker that accepts and then never reads: what waits must not grow with the updates.
#[tokio::test]
async fn a_stalled_broker_costs_intermediate_states_and_no_memory() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let house = House::new(&["a", "b"]);
    let settings = Settings { host: "127.0.0.1".to_owned(), port: Some(port), ..Settings::default() };
    let mut publisher = house.publish(settings);
    let (mut socket, _) = within(listener.accept(), "the connection").await.expect("accepted");
    let mut connect = [0; 64];
    within(socket.read(&mut connect), "CONNECT").await.expect("readable");
    socket.write_all(&[0x20, 2, 0, 0]).await.expect("CONNACK");
    publisher.until("the connection", |status| status.connected_since.is_some()).await;
    let mut most = 0;
    for i in 0..60_000u32 {
        house.reads(if i % 2 == 0 { "a" } else { "b" }, f64::from(i % 1000) / 10.0);
        tokio::task::yield_now().await;
        most = most.max(publisher.status.borrow().waiting);
        if publisher.status.borrow().dropped > 1000 {
            break;
        }
    }
    let status = publisher.until("its status", |_| true).await;
    assert!(status.dropped > 1000, "{status:?}");
    assert!(most <= 64, "{most} messages waited");
}

#[tokio::test]
async fn a_value_that_is_too_old_is_taken_back_without_news() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&["a"]);
    house.change(|snapshot| {
        let device = snapshot.device_mut("a").expect("configured");
        let mut info = ohmstead_model::DeviceInfo::clone(&device.info);
        info.ttl.fast = Duration::from_millis(1500);
        device.info = info.into();
    });
    house.reads("a", 55.0);
    let publisher = house.publish(broker.settings());
    watcher.until("the state", |seen| soc(seen) == Some(55.0)).await;
    let unknown = |seen: &Seen| seen.topic == STATE && json(&seen.payload)["battery_soc"].is_null();
    watcher.until("the unknown state", unknown).await;
    publisher.stop().await;
}

#[tokio::test]
async fn states_are_repeated_at_every_heartbeat() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&["a"]);
    let publisher = house.publish(Settings { heartbeat: Timespan::from_secs(1), ..broker.settings() });
    for _ in 0..3 {
        watcher.until("the state", |seen| soc(seen) == Some(50.0)).await;
    }
    // Another client has overwritten it.
    watcher.publish("ohmstead/status", "offline", true).await;
    watcher.until_says("ohmstead/status", "offline").await;
    watcher.until_says("ohmstead/status", "online").await;
    publisher.stop().await;
}

#[tokio::test]
async fn a_device_that_goes_and_comes_back_is_told() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&["a"]);
    let publisher = house.publish(broker.settings());
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    let now = house
        .snapshot
        .borrow()
        .device("a")
        .and_then(|device| device.values.values().next().map(|value| value.at))
        .expect("read");
    house.change(|snapshot| snapshot.device_mut("a").expect("configured").online = Online::No(now));
    watcher.until_says("ohmstead/a/availability", "offline").await;
    house.change(|snapshot| snapshot.device_mut("a").expect("configured").online = Online::Yes(now));
    watcher.until_says("ohmstead/a/availability", "online").await;
    publisher.stop().await;
}

#[tokio::test]
async fn a_new_metric_is_announced_while_running() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&["a"]);
    let publisher = house.publish(broker.settings());
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    let reading = ohmstead_model::Reading {
        device: id("a"),
        at: house
            .snapshot
            .borrow()
            .device("a")
            .and_then(|device| device.values.values().next().map(|value| value.at))
            .expect("read"),
        values: vec![(Metric::GridPower, Ok(ohmstead_model::Value::Number(230.4)))],
    };
    house.change(|snapshot| assert!(snapshot.apply(&reading)));
    let all = watcher.until("the state with it", |seen| seen.topic == STATE).await;
    assert_eq!(json(&all.last().expect("some").payload)["grid_power"], 230);
    let announced: Vec<_> = all.iter().filter(|seen| seen.topic.starts_with("homeassistant/")).collect();
    assert_eq!(announced.len(), 1);
    assert!(json(&announced[0].payload)["components"]["grid_power"].is_object());
    publisher.stop().await;
}

#[tokio::test]
async fn what_is_no_longer_configured_is_taken_back_while_running_and_after_a_restart() {
    let broker = Broker::start();
    let house = House::new(&["a", "b", "c"]);
    let settings = || Settings { compat: vec![Compat::MarstekPoller], ..broker.settings() };
    let mut watcher = Watcher::new(broker.port).await;
    let publisher = house.publish(settings());
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    house.change(|snapshot| snapshot.remove("b"));
    watcher.until_says("homeassistant/sensor/b_soc/config", "").await;
    watcher.until_says("ohmstead/status", "online").await;
    publisher.stop().await;
    let of = |kept: &std::collections::BTreeMap<String, String>, name: &str| {
        kept.keys()
            .filter(|topic| {
                topic.contains(&format!("/{name}/"))
                    || topic.contains(&format!("_{name}/"))
                    || topic.contains(&format!("/{name}_"))
            })
            .count()
    };
    let kept = retained(broker.port).await;
    assert_eq!((of(&kept, "a"), of(&kept, "b"), of(&kept, "c")), (10, 0, 10), "{kept:#?}");

    house.change(|snapshot| snapshot.remove("c"));
    let mut publisher = house.publish(settings());
    publisher.connected().await;
    watcher.until_says("homeassistant/sensor/c_soc/config", "").await;
    // The fence: what stops before it is sent cannot know that the rest has arrived.
    watcher.until_says("ohmstead/status", "online").await;
    publisher.stop().await;
    let kept = retained(broker.port).await;
    assert_eq!((of(&kept, "a"), of(&kept, "c")), (10, 0), "{kept:#?}");
    assert!(!house.memory.0.lock().expect("no panic").as_deref().unwrap_or_default().contains("/c/"));

    // Another kind of discovery: the entities move, and the old announcement is gone.
    let mut watcher = Watcher::new(broker.port).await;
    let publisher = house.publish(Settings { discovery: Discovery::Entity, ..settings() });
    let old = "homeassistant/device/ohmstead_a/config";
    let all = watcher
        .until("the emptied announcement", |seen| {
            seen.topic == old && seen.payload.is_empty() && !seen.retained
        })
        .await;
    let position = |payload: &str, topic: &str| {
        all.iter().rposition(|seen| seen.topic == topic && seen.payload.contains(payload)).expect(topic)
    };
    let entity = "homeassistant/sensor/ohmstead_a/battery_soc/config";
    assert!(position("migrate_discovery", old) < position("unique_id", entity));
    publisher.stop().await;
}

#[tokio::test]
async fn a_device_that_is_configured_again_is_whole_again() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&["a"]);
    let publisher = house.publish(broker.settings());
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    let device = house.snapshot.borrow().device("a").map(|device| (**device).clone()).expect("configured");
    house.change(|snapshot| snapshot.remove("a"));
    watcher.until_says(STATE, "").await;
    house.change(|snapshot| snapshot.insert(device));
    watcher
        .until("the announcement", |seen| seen.topic.ends_with("_a/config") && !seen.payload.is_empty())
        .await;
    watcher.until_says("ohmstead/a/availability", "online").await;
    watcher.until("the state", |seen| soc(seen) == Some(50.0)).await;
    publisher.stop().await;
}

#[tokio::test]
async fn a_component_that_goes_is_told_by_its_platform_and_then_dropped() {
    let broker = Broker::start();
    let mut watcher = Watcher::new(broker.port).await;
    let house = House::new(&["a"]);
    let publisher = house.publish(broker.settings());
    watcher.until("everything", |seen| seen.topic == "ohmstead/site/info").await;
    house.change(|snapshot| {
        let device = snapshot.device_mut("a").expect("configured");
        let mut info = ohmstead_model::DeviceInfo::clone(&device.info);
        info.modes.clear();
        device.info = info.into();
    });
    let all = watcher.until("the new information", |seen| seen.topic == "ohmstead/a/info").await;
    let config = "homeassistant/device/ohmstead_a/config";
    let selects: Vec<_> = all
        .iter()
        .filter(|seen| seen.topic == config)
        .map(|seen| json(&seen.payload)["components"]["battery_mode_set"].to_string())
        .collect();
    assert_eq!(selects, [r#"{"platform":"select"}"#, "null"]);
    publisher.stop().await;
}

#[tokio::test]
async fn instances_live_side_by_side_at_one_broker() {
    let broker = Broker::start();
    let (first, second) = (House::new(&["a"]), House::new(&["a"]));
    second.reads("a", 77.0);
    let mut one = first.publish(broker.settings());
    let mut two = second.publish(Settings { topic: "second".to_owned(), ..broker.settings() });
    one.connected().await;
    two.connected().await;
    let mut watcher = Watcher::new(broker.port).await;
    watcher.publish("second/a/mode/set", "auto", false).await;
    watcher.until("the answer", |seen| seen.topic == "second/a/mode/result").await;
    assert!(first.commands.requests.lock().expect("no panic").is_empty());
    let kept = retained(broker.port).await;
    assert_eq!(
        (&json(&kept[STATE])["battery_soc"], &json(&kept["second/a/state"])["battery_soc"]),
        (&50.0.into(), &77.0.into())
    );
    two.stop().await;
    let kept = retained(broker.port).await;
    assert_eq!((kept["ohmstead/status"].as_str(), kept["second/status"].as_str()), ("online", "offline"));
    assert_eq!(one.until("its status", |_| true).await.connections, 1);
    one.stop().await;
}

#[tokio::test]
async fn two_clients_of_the_same_id_are_told_what_to_look_for() {
    let broker = Broker::start();
    let (first, second) = (House::new(&["a"]), House::new(&["a"]));
    let mut one = first.publish(broker.settings());
    one.connected().await;
    let two = second.publish(Settings {
        topic: "second".to_owned(),
        client_id: Some("ohmstead-home".to_owned()),
        ..broker.settings()
    });
    let status = one.until("a trouble", |status| status.trouble.is_some()).await;
    let why = status.trouble.unwrap_or_default();
    assert!(why.contains("does another client use the id \"ohmstead-home\""), "{why}");
    two.kill().await;
    one.connected().await;
    one.stop().await;
}

/// Makes an authority and a certificate for `localhost` in the broker's folder.
fn make_certificates(dir: &std::path::Path) {
    let openssl = |arguments: &str| {
        let done = std::process::Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(dir)
            .output()
            .expect("this test needs openssl: install the package \"openssl\"");
        assert!(done.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&done.stderr));
    };
    std::fs::write(dir.join("client"), "basicConstraints=CA:FALSE\n").expect("written");
    std::fs::write(dir.join("san"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
        .expect("written");
    openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=Authority -keyout ca.key -out ca.pem");
    for (name, extensions) in [("server", "san"), ("client", "client")] {
        openssl(&format!(
            "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout {name}.key -out {name}.csr"
        ));
        openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile {extensions} -out {name}.pem"
        ));
    }
}

const TLS: &str = "allow_anonymous true\ncafile DIR/ca.pem\ncertfile DIR/server.pem\nkeyfile DIR/server.key";

#[tokio::test]
async fn a_broker_that_asks_for_a_certificate_gets_it() {
    let mut broker = Broker::prepared(&format!("{TLS}\nrequire_certificate true"));
    make_certificates(broker.dir());
    broker.restart();
    let file = |name: &str| Some(broker.dir().join(name));
    let tls = Tls { ca_file: file("ca.pem"), cert_file: file("client.pem"), key_file: file("client.key") };
    let house = House::new(&["a"]);
    let mut without = house.publish(Settings {
        host: "localhost".to_owned(),
        client_id: Some("without".to_owned()),
        tls: Some(Tls { ca_file: file("ca.pem"), ..Tls::default() }),
        ..broker.settings()
    });
    without
        .until("a trouble", |status| {
            status.trouble.as_deref().is_some_and(|why| !why.contains("nothing listens"))
        })
        .await;
    assert_eq!(without.status.borrow().connections, 0);
    without.stop().await;
    let mut with =
        house.publish(Settings { host: "localhost".to_owned(), tls: Some(tls), ..broker.settings() });
    with.connected().await;
    with.stop().await;
}

#[tokio::test]
async fn tls_needs_the_right_authority_and_name() {
    let mut broker = Broker::prepared(TLS);
    make_certificates(broker.dir());
    broker.restart();
    let house = House::new(&["a"]);
    let with = |host: &str, id: &str, tls: Option<&str>| {
        let tls = tls.map(|file| Tls { ca_file: Some(broker.dir().join(file)), ..Tls::default() });
        house.publish(Settings {
            host: host.to_owned(),
            client_id: Some(id.to_owned()),
            tls,
            ..broker.settings()
        })
    };
    let mut right = with("localhost", "right", Some("ca.pem"));
    right.connected().await;
    right.stop().await;
    for (host, tls, needle) in [
        ("localhost", Some("server.pem"), "mqtt.tls.ca_file must hold the authority"),
        ("127.0.0.1", Some("ca.pem"), "mqtt.host must be a name in it"),
        ("localhost", None, "does it expect TLS (mqtt.tls)"),
    ] {
        let mut wrong = with(host, "wrong", tls);
        let told = |status: &ohmstead_publish::Status| {
            status.trouble.as_deref().is_some_and(|why| !why.contains("nothing listens"))
        };
        let status = wrong.until("a trouble", told).await;
        assert!(status.trouble.as_deref().is_some_and(|why| why.contains(needle)), "{status:?}");
        wrong.stop().await;
    }
}

#[tokio::test]
async fn settings_that_cannot_work_end_the_publisher_at_once() {
    let house = House::new(&["a"]);
    let settings = Settings { password: Some(Secret::new("x")), ..Settings::default() };
    let mut publisher = house.publish(settings);
    assert!(
        within(publisher.status.changed(), "the end").await.is_err(),
        "it ended without a change of status"
    );
}
