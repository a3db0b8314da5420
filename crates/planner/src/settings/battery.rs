//! What the owner says of one battery.

use ohmstead_units::{EnergyPrice, Percent, WattHours, Watts};
use serde::Deserialize;

use super::range;

/// One battery, as a plan is to see it. Where there is nothing, what the device tells counts.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatterySettings {
    /// Usable energy when full.
    #[serde(deserialize_with = "range::energy_above_0")]
    pub capacity: Option<WattHours>,
    /// How empty it may become, of its capacity.
    #[serde(deserialize_with = "range::some_share")]
    pub min: Option<Percent>,
    /// How full it may become, of its capacity.
    #[serde(deserialize_with = "range::some_share")]
    pub max: Option<Percent>,
    /// The most it takes.
    #[serde(deserialize_with = "range::power")]
    pub charge_max: Option<Watts>,
    /// The most it gives.
    #[serde(deserialize_with = "range::power")]
    pub discharge_max: Option<Watts>,
    /// What comes out of what goes in, AC to AC.
    #[serde(deserialize_with = "range::efficiency")]
    pub efficiency: Percent,
    /// What a kilowatt hour through the battery costs in wear.
    #[serde(deserialize_with = "range::not_negative")]
    pub wear: EnergyPrice,
    /// Whether it may be charged with more than the sun leaves over.
    pub grid_charge: bool,
}

impl Default for BatterySettings {
    fn default() -> Self {
        Self {
            capacity: None,
            min: None,
            max: None,
            charge_max: None,
            discharge_max: None,
            efficiency: Percent(88.0),
            wear: EnergyPrice::per_kwh(0.03),
            grid_charge: true,
        }
    }
}

impl BatterySettings {
    /// The key whose value contradicts another one, and how.
    pub(super) fn wrong(&self) -> Option<(&'static str, String)> {
        let (min, max) = (self.min.unwrap_or(Percent(0.0)), self.max.unwrap_or(Percent(100.0)));
        if min.0 < max.0 {
            return None;
        }
        let key = if self.min.is_some() { "min" } else { "max" };
        Some((key, format!("`min` {min} at or above `max` {max}")))
    }
}
