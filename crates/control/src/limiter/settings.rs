//! The `limits:` section of the configuration.

use ohmstead_model::DeviceId;
pub use ohmstead_model::LimitName as Name;
use ohmstead_units::Watts;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// The limits of the site; none unless the owner sets one.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What the inverters make AC.
    pub multi_output: Option<Limit>,
    /// What the batteries supply.
    pub battery_discharge: Option<Limit>,
    /// What goes into the grid.
    pub feed_in: Option<Limit>,
    /// What comes from the grid.
    pub grid_import: Option<Limit>,
}

/// One limit. All powers are magnitudes in the direction that its name says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// What may not be exceeded.
    pub max: Watts,
    /// What the devices are left with at least, whatever is measured. Where absent 1 kW for `multi_output`, else 0.
    #[serde(default)]
    pub floor: Option<Watts>,
    /// How much the bound may go down in a second. It goes up a tenth as fast.
    #[serde(default = "step")]
    pub step: Watts,
    /// On how many phases the devices are; compared with what they show.
    #[serde(default, deserialize_with = "phases")]
    pub phases: Option<u8>,
    /// Whether `max` is for each phase, not for their sum.
    #[serde(default)]
    pub per_phase: bool,
    /// How far below `max` the measured power must be for the bound to be lifted.
    #[serde(default = "hysteresis")]
    pub hysteresis: Watts,
    /// Which devices are bounded, and with the first two limits measured; all that can be where absent.
    #[serde(default, deserialize_with = "devices")]
    pub devices: Option<Vec<DeviceId>>,
}

/// A limit that cannot be meant.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("limits: {limit}: {what}")]
pub struct LimitError {
    /// Which limit.
    pub limit: Name,
    /// The key that is wrong.
    pub key: &'static str,
    /// What is wrong with it.
    pub what: String,
}

impl Settings {
    /// The limits that are set, in a fixed order.
    pub fn limits(&self) -> impl Iterator<Item = (Name, &Limit)> {
        [
            (Name::MultiOutput, &self.multi_output),
            (Name::BatteryDischarge, &self.battery_discharge),
            (Name::FeedIn, &self.feed_in),
            (Name::GridImport, &self.grid_import),
        ]
        .into_iter()
        .filter_map(|(name, limit)| Some((name, limit.as_ref()?)))
    }

    /// Everything that cannot be meant.
    pub fn errors(&self) -> Vec<LimitError> {
        let of = |(name, limit): (Name, &Limit)| {
            let wrong = |(key, what)| LimitError { limit: name, key, what };
            limit.wrong(name).into_iter().map(wrong).collect::<Vec<_>>()
        };
        self.limits().flat_map(of).collect()
    }
}

impl Limit {
    /// A limit with nothing but its greatest power.
    pub fn of(max: Watts) -> Self {
        Self {
            max,
            floor: None,
            step: step(),
            phases: None,
            per_phase: false,
            hysteresis: hysteresis(),
            devices: None,
        }
    }

    /// What the devices are left with at least.
    pub fn floor_of(&self, name: Name) -> Watts {
        self.floor.unwrap_or(match name {
            Name::MultiOutput => Watts(1000.0),
            Name::BatteryDischarge | Name::FeedIn | Name::GridImport => Watts(0.0),
        })
    }

    fn wrong(&self, name: Name) -> Vec<(&'static str, String)> {
        let floor = self.floor_of(name);
        let checks = [
            ("max", self.max.0 < 0.0, "`max` is below 0: the direction is in the limit's name".to_owned()),
            ("floor", floor.0 < 0.0, "`floor` is below 0".to_owned()),
            // What enters the grid or leaves it can be 0 while a device makes as much as the house takes.
            (
                "floor",
                floor > self.max && matches!(name, Name::MultiOutput | Name::BatteryDischarge),
                format!("`floor` ({floor}) is above `max` ({})", self.max),
            ),
            ("step", self.step.0 <= 0.0, "`step` is not above 0: the bound could never move".to_owned()),
            ("hysteresis", self.hysteresis.0 < 0.0, "`hysteresis` is below 0".to_owned()),
            (
                "devices",
                self.devices.as_ref().is_some_and(Vec::is_empty),
                "`devices` is empty: leave it out for all of them".to_owned(),
            ),
        ];
        checks.into_iter().filter(|(_, is_wrong, _)| *is_wrong).map(|(key, _, what)| (key, what)).collect()
    }
}

fn step() -> Watts {
    Watts(1000.0)
}

fn hysteresis() -> Watts {
    Watts(500.0)
}

fn phases<'de, D: Deserializer<'de>>(source: D) -> Result<Option<u8>, D::Error> {
    match Option::<u8>::deserialize(source)? {
        None => Ok(None),
        Some(count @ (1 | 3)) => Ok(Some(count)),
        Some(count) => Err(D::Error::custom(format!("{count} phases: expected 1 or 3"))),
    }
}

fn devices<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Vec<DeviceId>>, D::Error> {
    let names = Option::<Vec<String>>::deserialize(source)?;
    let ids = |names: Vec<String>| names.iter().map(|name| name.parse().map_err(D::Error::custom)).collect();
    names.map(ids).transpose()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_limit_as_it_is_written() {
        let settings = read("multi_output: { max: 30 kW, floor: 1 kW, step: 1 kW, phases: 3 }").unwrap();
        let limit = Limit { floor: Some(Watts(1000.0)), phases: Some(3), ..Limit::of(Watts(30_000.0)) };
        assert_eq!(settings, Settings { multi_output: Some(limit), ..Settings::default() });
        assert_eq!(settings.errors(), vec![]);
    }

    #[test]
    fn the_floor_of_a_multi_is_not_0() {
        let limit = Limit::of(Watts(5000.0));
        assert_eq!(limit.floor_of(Name::MultiOutput), Watts(1000.0));
        assert_eq!(limit.floor_of(Name::FeedIn), Watts(0.0));
    }

    #[rstest]
    #[case("multi_output: { floor: 1 kW }", "missing field `max`")]
    #[case("multi_output: { max: 3 kW, phases: 2 }", "2 phases: expected 1 or 3")]
    #[case("multi_output: { max: 3 kW, stp: 1 }", "unknown field `stp`")]
    #[case("export: { max: 3 kW }", "unknown field `export`")]
    #[case("feed_in: { max: 3 kW, devices: [\"a b\"] }", "is no device name")]
    fn refused(#[case] text: &str, #[case] message: &str) {
        let error = read(text).unwrap_err();
        assert!(error.contains(message), "{error}");
    }

    #[rstest]
    #[case("multi_output: { max: 500 W }", "`floor` (1000 W) is above `max` (500 W)")]
    #[case("feed_in: { max: -1 }", "`max` is below 0: the direction is in the limit's name")]
    #[case("feed_in: { max: 0, step: 0 }", "`step` is not above 0: the bound could never move")]
    #[case("grid_import: { max: 9 kW, devices: [] }", "`devices` is empty: leave it out for all of them")]
    fn not_meant(#[case] text: &str, #[case] what: &str) {
        let errors: Vec<_> = read(text).unwrap().errors().into_iter().map(|error| error.what).collect();
        assert_eq!(errors, [what]);
    }
}
