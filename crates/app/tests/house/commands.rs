//! Commands from every side: what reaches a battery, and what is said of it.

use serde_json::Value;

use crate::broker::Broker;
use crate::plant::{Batteries, Unit};
use crate::program::{Place, text};

fn one() -> Batteries {
    Batteries::start(&[Unit("garage", "e3-150", &[], 50.0)])
}

fn json(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(output)))
}

#[test]
fn nothing_is_written_while_read_only_is_true() {
    let (place, batteries) = (Place::new(), one());
    let broker = Broker::start(place.path());
    let mut subscriber = broker.subscribe();
    place.configure(&[batteries.device("garage", "")], &format!("mqtt: {{ port: {} }}", broker.port));
    let _daemon = place.run();
    subscriber.wait_for("ohmstead/garage/availability", "online");
    let verb = place.verb(&["set", "garage", "charge", "500 W"]);
    assert_eq!(verb.status.code(), Some(5), "{}", text(&verb));
    let address = format!("marstek://{}", batteries.address("garage"));
    assert_eq!(place.verb(&["set", &address, "native:ai"]).status.code(), Some(5));
    broker.publish("ohmstead/garage/mode/set", "discharge 700 W", &[]);
    let result = subscriber.wait("a result", |message| message.topic == "ohmstead/garage/mode/result");
    assert_eq!(result.json()["outcome"], "dry_run");
    let ledger = json(&place.verb(&["ledger", "--json"]));
    assert_eq!(ledger.as_array().unwrap().len(), 3, "{ledger}");
    assert_eq!(batteries.writes("garage"), 0, "a write went out");
}

#[test]
fn a_charge_is_confirmed_by_what_the_battery_does() {
    let (place, batteries) = (Place::new(), one());
    let broker = Broker::start(place.path());
    let mut subscriber = broker.subscribe();
    let more = format!("mqtt: {{ port: {} }}\nread_only: false", broker.port);
    place.configure(&[batteries.device("garage", "")], &more);
    let _daemon = place.run();
    subscriber.wait_for("ohmstead/garage/availability", "online");
    let verb = place.verb(&["set", "garage", "charge", "500 W", "--json"]);
    assert_eq!(json(&verb)["outcome"], "confirmed", "{}", text(&verb));
    assert_eq!(batteries.writes("garage"), 1);
    broker.publish("ohmstead/garage/mode/set", "auto", &[]);
    let result = subscriber.wait("a result", |message| message.topic == "ohmstead/garage/mode/result");
    assert_eq!(result.json()["outcome"], "accepted_unmeasured", "{result:?}");
    let ledger = json(&place.verb(&["ledger", "--json"]));
    let requests: Vec<_> =
        ledger.as_array().unwrap().iter().map(|row| row["request"].as_str().unwrap()).collect();
    assert_eq!(requests, ["auto", "charge 500 W"]);
}

#[test]
fn a_retained_command_is_ignored() {
    let (place, batteries) = (Place::new(), one());
    let broker = Broker::start(place.path());
    broker.publish("ohmstead/garage/mode/set", "discharge 700 W", &["-r"]);
    let mut subscriber = broker.subscribe();
    let more = format!("mqtt: {{ port: {} }}\nread_only: false", broker.port);
    place.configure(&[batteries.device("garage", "")], &more);
    let daemon = place.run();
    daemon.wait_for_log("retained");
    subscriber.wait_for("ohmstead/garage/availability", "online");
    assert_eq!(batteries.writes("garage"), 0, "{}", daemon.log());
}

#[test]
fn a_battery_that_acknowledges_and_does_nothing_is_ineffective() {
    let place = Place::new();
    let batteries = Batteries::start(&[Unit("garage", "e3-150", &["swallow-writes=9"], 50.0)]);
    place.configure(&[batteries.device("garage", "")], "read_only: false");
    // Without a daemon the verb does it itself.
    let verb = place.verb(&["set", "garage", "discharge", "900 W", "--json"]);
    assert_eq!(json(&verb)["outcome"], "ineffective", "{}", text(&verb));
    assert_ne!(verb.status.code(), Some(0));
}

#[test]
fn units_are_found_and_read_without_any_configuration() {
    let place = Place::new();
    let batteries = Batteries::start(&[Unit("a", "e3-150", &[], 40.0), Unit("b", "hmg50-155", &[], 70.0)]);
    let ports: Vec<_> = ["a", "b"].map(|name| batteries.address(name).port().to_string()).into();
    let search = [
        "discover",
        "--broadcast",
        "127.255.255.255",
        "--port",
        &ports[0],
        "--port",
        &ports[1],
        "--wait",
        "3 s",
    ];
    let binary = || std::process::Command::new(env!("CARGO_BIN_EXE_ohmstead"));
    let found = binary().args(search).arg("--json").current_dir(place.path()).output().unwrap();
    assert_eq!(json(&found).as_array().unwrap().len(), 2, "{}", text(&found));
    let yaml = binary().args(search).arg("--yaml").current_dir(place.path()).output().unwrap();
    std::fs::write(place.path().join("ohmstead.yaml"), &yaml.stdout).unwrap();
    let check = place.verb(&["check", "--live"]);
    assert_eq!(check.status.code(), Some(0), "{}", text(&check));
    // The simulated house lives on: a point more or less.
    for (name, soc) in [("venuse30_4102", ["40", "39"]), ("venuse_4103", ["70", "69"])] {
        let told = text(&check);
        assert!(told.contains(&format!("Testing {name} ")), "{told}");
        assert!(soc.iter().any(|soc| told.contains(&format!("SOC: {soc}%, Mode: Auto"))), "{told}");
    }
    let address = format!("marstek://{}", batteries.address("a"));
    let read = json(&place.verb(&["read", &address, "--json"]));
    let soc = read["values"]["battery_soc"]["value"].as_f64().unwrap();
    assert!((soc - 40.0).abs() <= 2.0, "{read}");
    assert_eq!(read["serial"], "020000004102");
}
