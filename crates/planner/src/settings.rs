//! The `planner:` section of the configuration: whether there is a plan, what it may do, and what it has to keep to.
//!
//! ```yaml
//! planner: { mode: act, devices: [garage], batteries: { garage: { capacity: 5.12 kWh, efficiency: 88 % } } }
//! ```

mod battery;
mod range;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ohmstead_model::DeviceId;
use ohmstead_units::{Currency, Money, Percent, Timespan, Watts};
use serde::Deserialize;

use crate::Tuning;
pub use battery::BatterySettings;

/// What is planned, for whom, and within which bounds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether there are plans, and whether they are carried out.
    pub mode: Mode,
    /// The batteries that a plan may steer.
    #[serde(deserialize_with = "range::devices")]
    pub devices: Vec<DeviceId>,
    /// How far ahead is planned.
    #[serde(deserialize_with = "range::horizon")]
    pub horizon: Timespan,
    /// How often.
    #[serde(deserialize_with = "range::every")]
    pub every: Timespan,
    /// What every battery keeps for a blackout, of its capacity.
    #[serde(deserialize_with = "range::share")]
    pub reserve: Percent,
    /// The most that comes out of the grid.
    #[serde(deserialize_with = "range::power")]
    pub import_max: Option<Watts>,
    /// The most that goes into the grid; 0 for a site that must not feed in.
    #[serde(deserialize_with = "range::power")]
    pub export_max: Option<Watts>,
    /// The most that sun and batteries together carry through one inverter, in either direction.
    #[serde(deserialize_with = "range::power_above_0")]
    pub inverter_max: Option<Watts>,
    /// Whether batteries may feed into the grid.
    pub battery_export: bool,
    /// Whether the sun's power can be reduced.
    pub curtail: bool,
    /// An earlier plan is kept unless a new one is better by so much.
    #[serde(deserialize_with = "range::sum")]
    pub keep_within: Money,
    /// What single batteries do not tell of themselves.
    #[serde(deserialize_with = "range::by_device")]
    pub batteries: BTreeMap<DeviceId, BatterySettings>,
}

/// Whether there are plans, and whether they are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing is planned.
    Off,
    /// Plans are made and shown.
    #[default]
    Advise,
    /// Plans are carried out by the batteries that are named.
    Act,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Advise,
            devices: Vec::new(),
            horizon: Timespan::from_secs(48 * 3600),
            every: Timespan::from_secs(15 * 60),
            reserve: Percent(10.0),
            import_max: None,
            export_max: None,
            inverter_max: None,
            battery_export: false,
            curtail: false,
            keep_within: Money::of(0.02),
            batteries: BTreeMap::new(),
        }
    }
}

/// What is wrong although each value alone can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The keys below `planner` to the place.
    pub path: Vec<String>,
    /// What is wrong.
    pub text: String,
    /// What to do.
    pub help: &'static str,
}

impl Settings {
    /// Whether plans are carried out.
    pub fn acts(&self) -> bool {
        self.mode == Mode::Act && !self.devices.is_empty()
    }

    /// What is said of a battery; the defaults where nothing is.
    pub fn battery(&self, id: &DeviceId) -> BatterySettings {
        self.batteries.get(id).copied().unwrap_or_default()
    }

    /// What the optimiser is told besides the problem.
    pub fn tuning(&self) -> Tuning {
        Tuning { keep_within_eur: self.keep_within.amount, ..Tuning::default() }
    }

    /// The currencies that are named, with the keys below `planner` to each.
    pub fn currencies(&self) -> Vec<(Vec<String>, Currency)> {
        let keep_within = self.keep_within.currency.map(|named| (vec!["keep_within".to_owned()], named));
        let of_battery = |(id, battery): (&DeviceId, &BatterySettings)| {
            Some((path_of(id, "wear"), battery.wear.currency?))
        };
        keep_within.into_iter().chain(self.batteries.iter().filter_map(of_battery)).collect()
    }

    /// What contradicts itself.
    pub fn wrong(&self) -> Vec<Wrong> {
        let nobody = (self.mode == Mode::Act && self.devices.is_empty()).then(|| Wrong {
            path: vec!["mode".to_owned()],
            text: "`mode: act` names no battery that a plan may steer".to_owned(),
            help: "name at least one, such as `devices: [garage]`, or write `mode: advise`",
        });
        let band = |(id, battery): (&DeviceId, &BatterySettings)| {
            let (key, text) = battery.wrong()?;
            let help = "a battery is used between `min` and `max`, shares of its capacity";
            Some(Wrong { path: path_of(id, key), text: format!("battery `{id}` has {text}"), help })
        };
        nobody.into_iter().chain(self.batteries.iter().filter_map(band)).collect()
    }
}

fn path_of(battery: &DeviceId, key: &str) -> Vec<String> {
    vec!["batteries".to_owned(), battery.to_string(), key.to_owned()]
}
