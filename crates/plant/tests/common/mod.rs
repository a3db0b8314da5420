//! One device before a house, and the client's side of the wire.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which may fail loudly")]
#![allow(dead_code, reason = "each test file uses a part of it, so expect would fail in some")]

use ohmstead_plant::house::{BatterySettings, House, Settings};
use ohmstead_plant::marstek::{Answer, Device, Mac, Profile};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// 2025-06-02T00:00Z, a Monday.
pub(crate) const MONDAY_MS: i64 = 1_748_822_400_000;
pub(crate) const CLIENT: &str = "127.0.0.1:40000";

/// A device, its house, and a clock that the test moves.
pub(crate) struct Bench {
    pub(crate) house: House,
    pub(crate) device: Device,
    pub(crate) now_ms: i64,
    next_id: u16,
}

pub(crate) fn bench(profile: &str, switches: &str) -> Bench {
    let settings = Settings { start_unix_ms: MONDAY_MS, ..Settings::default() };
    let mut house = House::new(settings).unwrap();
    let profile: Profile = profile.parse().unwrap();
    let pv_peak_w = matches!(profile.name().get(..2), Some("va" | "vd")).then_some(1_600.0);
    let battery = house.add_battery(BatterySettings { pv_peak_w, ..BatterySettings::default() }).unwrap();
    let address: SocketAddr = "192.168.1.50:30000".parse().unwrap();
    let mac = Mac::parse("02:00:00:00:00:01").unwrap();
    let mut device = Device::new(profile, address, mac, battery, 42, MONDAY_MS);
    device.switches = switches.parse().unwrap();
    Bench { house, device, now_ms: MONDAY_MS, next_id: 1 }
}

impl Bench {
    /// Lets the house live for a while.
    pub(crate) fn wait(&mut self, ms: i64) {
        let until_ms = self.now_ms + ms;
        while self.now_ms < until_ms {
            self.now_ms = (self.now_ms + 1_000).min(until_ms);
            self.house.step(self.now_ms);
            self.device.tick(self.now_ms, &mut self.house);
        }
    }

    pub(crate) fn send_from(&mut self, from: &str, bytes: &[u8]) -> Vec<Answer> {
        self.device.receive(self.now_ms, from.parse().unwrap(), bytes, &mut self.house)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Vec<Answer> {
        self.send_from(CLIENT, bytes)
    }

    /// Sends a request and gives all answers.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Vec<Answer> {
        self.next_id += 1;
        let request = json!({"id": self.next_id, "method": method, "params": params});
        self.send(request.to_string().as_bytes())
    }

    /// Sends a reading request and gives the first answer's body, `None` if nobody answers.
    pub(crate) fn get(&mut self, method: &str) -> Option<Value> {
        let answers = self.request(method, &json!({"id": 0}));
        answers.first().map(|answer| serde_json::from_slice(&answer.bytes).unwrap())
    }

    pub(crate) fn result(&mut self, method: &str) -> Value {
        self.get(method).unwrap_or_else(|| panic!("{method}: no answer"))["result"].clone()
    }

    /// Sends ES.SetMode and gives `set_result`.
    pub(crate) fn set_mode(&mut self, config: &Value) -> bool {
        let answers = self.request("ES.SetMode", &json!({"id": 0, "config": config}));
        let reply: Value = serde_json::from_slice(&answers[0].bytes).unwrap();
        reply["result"]["set_result"].as_bool().unwrap_or_else(|| panic!("{reply}"))
    }

    pub(crate) fn ac_power_w(&self) -> f64 {
        self.house.truth().batteries[0].ac_power_w
    }
}

pub(crate) fn passive(power: i64, cd_time: i64) -> Value {
    json!({"mode": "Passive", "passive_cfg": {"power": power, "cd_time": cd_time}})
}

pub(crate) fn auto() -> Value {
    json!({"mode": "Auto", "auto_cfg": {"enable": 1}})
}

pub(crate) fn slot(time_num: u8, start: &str, end: &str, power: i64) -> Value {
    json!({"mode": "Manual", "manual_cfg": {
        "time_num": time_num, "start_time": start, "end_time": end, "week_set": 127, "power": power, "enable": 1}})
}

/// The firmware's text of a JSON value, written from the description of the wire format: not the plant's own printer.
pub(crate) fn pretty(value: &Value, depth: usize) -> String {
    match value {
        Value::Object(fields) => {
            let tabs = "\t".repeat(depth + 1);
            let lines: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("{tabs}\"{name}\":\t{}", pretty(value, depth + 1)))
                .collect();
            format!("{{\n{}\n{}}}", lines.join(",\n"), "\t".repeat(depth))
        }
        other => other.to_string(),
    }
}
