//! A day in memory, in well under a second: a client that polls each minute and keeps a Passive order alive.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which may fail loudly")]

use ohmstead_plant::house::{House, Settings};
use ohmstead_plant::{BatterySetup, Plant, Profile};
use serde_json::{Value, json};
use std::net::SocketAddr;

const DAY_MS: i64 = 86_400_000;

fn client() -> SocketAddr {
    "127.0.0.1:40000".parse().unwrap()
}

fn setup(name: &str, ip: &str, profile: Profile, switches: &str) -> BatterySetup {
    let listen = SocketAddr::new(ip.parse().unwrap(), 30_000);
    BatterySetup { switches: switches.parse().unwrap(), ..BatterySetup::new(name, listen, profile) }
}

#[test]
fn a_day_with_three_batteries_and_their_faults() {
    let settings = Settings::default();
    let start_ms = settings.start_unix_ms;
    let mut plant = Plant::builder(settings)
        .battery(setup("a", "127.0.0.2", Profile::E3V150, "loss-pct=15"))
        .battery(setup("b", "127.0.0.3", Profile::VaV149, "late-pct=5 duplicate-pct=10"))
        .battery(setup("c", "127.0.0.4", Profile::Hmg50V155, "parse-error-pct=3 quiet-gap-ms=2500"))
        .in_memory()
        .unwrap();
    let addresses: Vec<_> = ["a", "b", "c"].map(|name| plant.address(name).unwrap()).to_vec();
    let (mut answered, mut worst_soc_error) = (0, 0.0_f64);
    for minute in 1..=1_440 {
        let now_ms = start_ms + minute * 60_000;
        for (index, to) in addresses.iter().enumerate() {
            let request = json!({"id": minute, "method": "ES.GetMode", "params": {"id": 0}});
            let deliveries = plant.deliver(now_ms, client(), *to, request.to_string().as_bytes());
            let Some(delivery) = deliveries.first() else { continue };
            assert_eq!((delivery.from, delivery.to), (*to, client()));
            let reply: Value = serde_json::from_slice(&delivery.bytes).unwrap();
            if let Some(soc) = reply["result"]["bat_soc"].as_f64() {
                answered += 1;
                worst_soc_error = worst_soc_error.max((soc - plant.truth().batteries[index].soc_pct).abs());
            }
        }
    }
    let truth = plant.truth();
    assert_eq!(truth.unix_ms, start_ms + DAY_MS);
    assert!((3_800..4_320).contains(&answered), "{answered} of 4320 answered");
    assert!(worst_soc_error <= 1.0, "{worst_soc_error}");
    let given: f64 = truth.batteries.iter().map(|b| b.ac_out_wh - b.ac_in_wh).sum();
    let balance = truth.load_wh - (truth.import_wh - truth.export_wh) - truth.pv_wh - given;
    assert!(balance.abs() < 1e-3, "{balance} Wh are missing over the day");
    assert!(
        truth.load_wh > 5_000.0 && truth.pv_wh > 3_000.0 && truth.batteries[1].pv_wh > 500.0,
        "{truth:?}"
    );
}

#[test]
fn broadcasts_and_moves_in_memory() {
    let mut plant = Plant::builder(Settings::default())
        .battery(setup("a", "127.0.0.2", Profile::E3V150, ""))
        .battery(setup("b", "127.0.0.3", Profile::E3V148, ""))
        .in_memory()
        .unwrap();
    let now_ms = plant.now_ms();
    let search = br#"{"id":1,"method":"Marstek.GetDevice","params":{"ble_mac":"0"}}"#;
    let everyone: SocketAddr = "255.255.255.255:30000".parse().unwrap();
    let from: Vec<_> = plant.deliver(now_ms, client(), everyone, search).iter().map(|d| d.from).collect();
    assert_eq!(from, ["127.0.0.2:30000", "127.0.0.3:30000"].map(|a| a.parse::<SocketAddr>().unwrap()));
    plant.set_switch("a", "move-to=127.0.0.9:30005").unwrap();
    assert!(plant.deliver(now_ms, client(), from[0], search).is_empty(), "nobody is at the old address");
    assert_eq!(
        plant.deliver(now_ms, client(), everyone, search).len(),
        1,
        "a search on one port misses the other"
    );
    let found = plant.deliver(now_ms, client(), "127.0.0.9:30005".parse().unwrap(), search);
    assert!(String::from_utf8_lossy(&found[0].bytes).contains("127.00.00.09"));
}

#[test]
fn a_week_is_filled_in_quickly() {
    let settings = Settings::default();
    let start_ms = settings.start_unix_ms;
    let mut house = House::new(settings).unwrap();
    for _ in 0..3 {
        house.add_battery(ohmstead_plant::house::BatterySettings::default()).unwrap();
    }
    let mut points = 0;
    for minute in 1..=(7 * 1_440) {
        house.step(start_ms + minute * 60_000);
        points += house.truth().batteries.len();
    }
    assert_eq!(points, 30_240);
}
