//! The `tempo:` section of the configuration.

use ohmstead_model::DeviceId;
use ohmstead_units::{EnergyPrice, Percent, Watts};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// What the batteries do before dear days: `tempo: { batteries: [garage], red: 100 % }`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Which batteries; all where none is named.
    #[serde(deserialize_with = "crate::schedule::devices")]
    pub batteries: Vec<DeviceId>,
    /// How full they are before a red day.
    #[serde(deserialize_with = "share")]
    pub red: Percent,
    /// How full they are at most before a white day, or one whose colour is not told, where the difference of the prices pays
    /// for it; 0 is never.
    #[serde(deserialize_with = "share")]
    pub white: Percent,
    /// With what power each is charged; as the device likes where absent.
    #[serde(deserialize_with = "power")]
    pub power: Option<Watts>,
    /// What comes out of what goes in, AC to AC.
    #[serde(deserialize_with = "efficiency")]
    pub efficiency: Percent,
    /// What a kilowatt hour through the battery costs in wear.
    pub wear: EnergyPrice,
    /// Whether a day that may be red counts as red where nobody has told its colour by 21:45.
    pub unknown_is_red: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batteries: Vec::new(),
            red: Percent(100.0),
            white: Percent(100.0),
            power: None,
            efficiency: Percent(88.0),
            wear: EnergyPrice::per_kwh(0.03),
            unknown_is_red: true,
        }
    }
}

impl Settings {
    /// Whether a battery is one of those.
    pub(super) fn means(&self, battery: &DeviceId) -> bool {
        self.batteries.is_empty() || self.batteries.contains(battery)
    }

    /// As a factor.
    pub(super) fn efficiency(&self) -> f64 {
        self.efficiency.0 / 100.0
    }
}

fn share<'de, D: Deserializer<'de>>(source: D) -> Result<Percent, D::Error> {
    let share = Percent::deserialize(source)?;
    if share.0 > 0.0 && share.0 < 1.0 {
        let text = format!(
            "{} is less than one per cent: expected 0 % to 100 %, such as {:.0} %",
            share.0,
            share.0 * 100.0
        );
        return Err(D::Error::custom(text));
    }
    if (0.0..=100.0).contains(&share.0) { Ok(share) } else { Err(D::Error::custom("expected 0 % to 100 %")) }
}

/// A battery of a house is charged with no less.
const POWER_MIN_W: f64 = 50.0;

fn power<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Watts>, D::Error> {
    let power = Option::<Watts>::deserialize(source)?;
    if power.is_some_and(|power| power.0 < POWER_MIN_W) {
        return Err(D::Error::custom("expected a power to charge with, 50 W or more, such as 2.5 kW"));
    }
    Ok(power)
}

fn efficiency<'de, D: Deserializer<'de>>(source: D) -> Result<Percent, D::Error> {
    let share = Percent::deserialize(source)?;
    if (50.0..=100.0).contains(&share.0) {
        return Ok(share);
    }
    Err(D::Error::custom("expected 50 % to 100 %: what comes out of a battery of what goes in"))
}
