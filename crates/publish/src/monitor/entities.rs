//! The entities that pv-inverter-monitor's `configuration.yaml` had, announced under the same unique ids, names and states,
//! so that what was built on them goes on: sums of energy, the sensor that compares desired and actual mode. Pure.
//!
//! They belong to no device, as those of `configuration.yaml` did: Home Assistant puts the name of a device before the names of
//! its entities, and "Inverter output power" would become "inverter Inverter output power".
//!
//! For the inverter with the configured topics only: those unique ids are the same in every house.

use ohmstead_model::{DeviceState, Metric};
use serde_json::{Map, Value as Json, json};

use super::Prefix;
use crate::discovery::{self, Announcement};
use crate::scheme::{Scheme, entity_slug};

/// What all of its unique ids begin with.
const UNIQUE: &str = "mp_omega_5600_v4";

/// Unique id (behind [`UNIQUE`]), topic, metric behind it, name, unit, device class.
const NUMBERS: &[(&str, &str, Metric, &str, &str, &str)] = &[
    ("1", "load_w", Metric::LoadPower, "Inverter output power", "W", "power"),
    ("2", "solar_power", Metric::PvPower, "Inverter solar power", "W", "power"),
    ("3", "battery_capacity", Metric::BatterySoc, "Inverter battery state", "%", "battery"),
    ("4", "battery_current", Metric::BatteryCurrent, "Inverter battery current", "A", "current"),
    ("5", "battery_voltage", Metric::BatteryVoltage, "Inverter battery voltage", "V", "voltage"),
    (
        "charge_current",
        "battery_charge_current",
        Metric::BatteryCurrent,
        "Inverter Battery Charge Current",
        "A",
        "current",
    ),
    (
        "discharge_current",
        "battery_discharge_current",
        Metric::BatteryCurrent,
        "Inverter Battery Discharge Current",
        "A",
        "current",
    ),
];

/// The words that its templates made of the letters, which other templates compare with; the last four are new.
const MODE_WORDS: &str = "{'L': 'Line', 'B': 'Battery', 'P': 'Power On', 'S': 'Standby', 'F': 'Fault', \
                          'H': 'Hibernate', 'D': 'Shutdown', 'C': 'Charge', 'Y': 'Bypass', 'E': 'Eco'}";
/// The same for the output priority, where `S` is new.
const PRIORITY_WORDS: &str = "{'L': 'Line', 'B': 'Battery', 'S': 'Solar'}";

/// What a sensor of a letter shows where the letter is none of these.
const NO_WORD: &str = "Unknown";

/// The entities of an inverter.
pub(crate) fn announcements(scheme: &Scheme, device: &DeviceState, prefix: &Prefix) -> Vec<Announcement> {
    if prefix.renamed {
        return Vec::new();
    }
    let desk = Desk { scheme, device, prefix };
    let mut all: Vec<_> = NUMBERS
        .iter()
        .map(|(suffix, topic, metric, name, unit, class)| {
            let particular =
                json!({ "unit_of_measurement": unit, "device_class": class, "state_class": "measurement" });
            desk.sensor(suffix, topic, *metric, name, particular)
        })
        .collect();
    let words =
        |words: &str| json!({ "value_template": format!("{{{{ {words}.get(value, '{NO_WORD}') }}}}") });
    let native = Metric::InverterModeNative;
    let desired = Metric::OutputPriority;
    all.push(desk.sensor("actual_mode", "actual_mode", native, "Inverter Actual Mode", words(MODE_WORDS)));
    all.push(desk.sensor(
        "desired_mode",
        "desired_mode",
        desired,
        "Inverter Desired Mode",
        words(PRIORITY_WORDS),
    ));
    // Its later versions had `actual_mode` in the place of this one.
    let mut mode = words(MODE_WORDS);
    mode["icon"] = json!("mdi:power");
    mode["enabled_by_default"] = json!(false);
    all.push(desk.sensor("mode", "mode", native, "Inverter Mode", mode));
    all.extend(scheme.commands.then(|| desk.switch()));
    all
}

/// What all of them have in common.
struct Desk<'a> {
    scheme: &'a Scheme,
    device: &'a DeviceState,
    prefix: &'a Prefix,
}

impl Desk<'_> {
    fn sensor(
        &self,
        suffix: &str,
        topic: &str,
        metric: Metric,
        name: &str,
        mut particular: Json,
    ) -> Announcement {
        // Without it a value that the inverter no longer tells would stand for ever.
        if let Some(seconds) = self.scheme.expire_after_s(&self.device.info, metric) {
            particular["expire_after"] = json!(seconds);
        }
        self.entity("sensor", suffix, topic, name, particular)
    }

    /// Between grid first and battery first; neither on nor off while the inverter has the third priority.
    ///
    /// In `configuration.yaml` it had no unique id; the suggested entity id is the one that it got there from its name.
    fn switch(&self) -> Announcement {
        let particular = json!({
            "command_topic": self.prefix.at("set_mode"),
            "payload_on": "B",
            "payload_off": "L",
            "state_on": "B",
            "state_off": "L",
            "value_template": "{{ value if value in ['B', 'L'] else none }}",
        });
        self.entity("switch", "switch", "desired_mode", "Inverter Desired Mode", particular)
    }

    fn entity(
        &self,
        platform: &'static str,
        suffix: &str,
        topic: &str,
        name: &str,
        particular: Json,
    ) -> Announcement {
        let unique = format!("{UNIQUE}_{suffix}");
        let mut payload = Map::new();
        payload.insert("name".to_owned(), json!(name));
        payload.insert("unique_id".to_owned(), json!(unique));
        payload.insert("default_entity_id".to_owned(), json!(format!("{platform}.{}", entity_slug(name))));
        payload.insert("state_topic".to_owned(), json!(self.prefix.at(topic)));
        if let Json::Object(particular) = particular {
            payload.extend(particular);
        }
        payload.extend(discovery::availability(&[self.scheme.status(), self.prefix.availability()]));
        payload.insert("origin".to_owned(), discovery::origin(self.scheme));
        Announcement {
            topic: self.scheme.discovery_topic(platform, &unique),
            owner: format!("pv-inverter-monitor {}", self.prefix.topic),
            components: vec![(unique, platform)],
            payload: Json::Object(payload),
        }
    }
}
