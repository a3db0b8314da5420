//! The `rotation:` section of the configuration: groups of batteries by name. The numbers where nothing is said are those
//! of the automation that this policy comes from.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::civil::Time;
use ohmstead_model::DeviceId;
use ohmstead_units::{Percent, Timespan, WattHours, Watts};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Unexpected};

use crate::schedule::{devices, time};

/// Batteries of which one at a time follows the meter.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Group {
    /// The batteries, in the order in which equals have their turn.
    #[serde(deserialize_with = "devices")]
    pub batteries: Vec<DeviceId>,
    /// The device whose grid power counts; the site's where absent.
    #[serde(deserialize_with = "meter")]
    pub meter: Option<DeviceId>,
    /// One at a time, or all with a share each.
    pub mode: Mode,
    /// From so much export on a full battery hands over; a magnitude.
    #[serde(deserialize_with = "magnitude")]
    pub export: Watts,
    /// From so much import on an emptier battery hands over; a magnitude.
    #[serde(deserialize_with = "magnitude")]
    pub import: Watts,
    /// For how long it must export or import so much.
    #[serde(rename = "for")]
    pub lasting: Timespan,
    /// From here on a battery counts as full.
    #[serde(deserialize_with = "share")]
    pub full: Percent,
    /// Below this the active battery hands over at once.
    #[serde(deserialize_with = "share")]
    pub low: Percent,
    /// Above this a battery is worth switching to when power is needed.
    #[serde(deserialize_with = "share")]
    pub useful: Percent,
    /// How much fuller the other one must be when power is needed: states of charge are whole numbers that jitter.
    #[serde(deserialize_with = "share")]
    pub difference: Percent,
    /// The least time between two switches that the meter causes.
    #[serde(deserialize_with = "lock")]
    pub lock: Timespan,
    /// How long both may be active while one hands over to the other.
    #[serde(deserialize_with = "overlap")]
    pub overlap: Timespan,
    /// Within which time the new one must have got there.
    pub within: Timespan,
    /// After how long a battery that does something else than it should is worth an alarm.
    pub mismatch: Timespan,
    /// When all are sent to rest.
    pub stop: Stop,
    /// When they begin again.
    pub start: Start,
    /// When a second one charges.
    pub overflow: Overflow,
    /// What is charged at night; nothing where absent.
    pub night: Option<Night>,
    /// How `mode: share` splits.
    pub share: Share,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            batteries: Vec::new(),
            meter: None,
            mode: Mode::Rotate,
            export: Watts(200.0),
            import: Watts(200.0),
            lasting: Timespan::from_secs(120),
            full: Percent(96.0),
            low: Percent(13.0),
            useful: Percent(15.0),
            difference: Percent(5.0),
            lock: Timespan::from_secs(300),
            overlap: Timespan::from_secs(5),
            within: Timespan::from_secs(60),
            mismatch: Timespan::from_secs(300),
            stop: Stop::default(),
            start: Start::default(),
            overflow: Overflow::default(),
            night: None,
            share: Share::default(),
        }
    }
}

impl Group {
    /// What cannot be meant though each value alone can: the key, what is wrong with it, and what to write instead.
    pub fn wrong(&self) -> Option<(&'static str, String, &'static str)> {
        if self.batteries.is_empty() {
            let help = "name the devices: `batteries: [fase_a, fase_b]`";
            return Some(("batteries", "names no battery".to_owned(), help));
        }
        if self.low.0 >= self.useful.0 {
            let text = format!("has `low` {} at or above `useful` {}", self.low, self.useful);
            return Some((
                "low",
                text,
                "a battery that has just handed over would be switched back to at once",
            ));
        }
        if self.useful.0 >= self.full.0 {
            let text = format!("has `useful` {} at or above `full` {}", self.useful, self.full);
            return Some(("useful", text, "no battery would ever be worth switching to"));
        }
        let rested = self.stop.soc.0 - self.difference.0;
        (self.start.soc.0 >= rested).then(|| {
            let text = format!("starts above {}, though it stops at {}", self.start.soc, self.stop.soc);
            ("start", text, "give `start.soc` a value well below `stop.soc`")
        })
    }
}

/// How the batteries of a group live with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One is active, the others rest.
    Rotate,
    /// What is needed is split among all of them by their state of charge.
    Share,
}

/// All full and still exporting: rest.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stop {
    /// From here on a battery counts as full for this.
    #[serde(deserialize_with = "share")]
    pub soc: Percent,
    /// From so much export on; a magnitude.
    #[serde(deserialize_with = "magnitude")]
    pub export: Watts,
}

impl Default for Stop {
    fn default() -> Self {
        Self { soc: Percent(95.0), export: Watts(200.0) }
    }
}

/// Power is needed and there is some: begin.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Start {
    /// Some battery must have more than this.
    #[serde(deserialize_with = "share")]
    pub soc: Percent,
    /// From so much import on; a magnitude.
    #[serde(deserialize_with = "magnitude")]
    pub import: Watts,
    /// For how long.
    #[serde(rename = "for")]
    pub lasting: Timespan,
}

impl Default for Start {
    fn default() -> Self {
        Self { soc: Percent(20.0), import: Watts(200.0), lasting: Timespan::from_secs(120) }
    }
}

/// A second battery takes what the active one leaves.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overflow {
    /// Whether it may.
    pub enabled: bool,
    /// After how long of export.
    pub after: Timespan,
    /// With which power it charges.
    #[serde(deserialize_with = "magnitude")]
    pub power: Watts,
    /// For how long at most.
    #[serde(rename = "for")]
    pub lasting: Timespan,
    /// It ends when so much is imported or taken from the active battery; a magnitude ...
    #[serde(deserialize_with = "magnitude")]
    pub stop_import: Watts,
    /// ... for so long.
    pub stop_after: Timespan,
}

impl Default for Overflow {
    fn default() -> Self {
        Self {
            enabled: true,
            after: Timespan::from_secs(60),
            power: Watts(1_000.0),
            lasting: Timespan::from_secs(1_800),
            stop_import: Watts(100.0),
            stop_after: Timespan::from_secs(60),
        }
    }
}

/// The hours in which the batteries rest or charge from the grid.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Night {
    /// When it begins, civil time of the site.
    #[serde(deserialize_with = "time")]
    pub from: Time,
    /// When it ends.
    #[serde(deserialize_with = "time")]
    pub to: Time,
    /// Other hours for nights that begin on a Saturday, a Sunday or a holiday.
    pub weekend: Option<Hours>,
    /// What the batteries should hold together when it ends, what the sun is expected to give included.
    pub energy: WattHours,
    /// The most that one battery charges with.
    #[serde(deserialize_with = "magnitude")]
    pub power_max: Watts,
    /// What the sun is expected to give on the next day.
    pub expected_pv: Option<WattHours>,
    /// What a battery holds that does not tell it.
    pub capacity: WattHours,
}

impl Default for Night {
    fn default() -> Self {
        Self {
            from: Time::constant(1, 0, 0, 0),
            to: Time::constant(7, 0, 0, 0),
            weekend: None,
            energy: WattHours(10_000.0),
            power_max: Watts(2_500.0),
            expected_pv: None,
            capacity: WattHours(5_000.0),
        }
    }
}

/// A beginning and an end, civil times of the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// When it begins.
    #[serde(deserialize_with = "time")]
    pub from: Time,
    /// When it ends; before `from` is on the next day.
    #[serde(deserialize_with = "time")]
    pub to: Time,
}

/// How a load or a surplus is split.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Share {
    /// So little grid power is left as it is, and so small a set point is none; a magnitude.
    #[serde(deserialize_with = "magnitude")]
    pub dead_band: Watts,
    /// The most by which a set point changes at once.
    #[serde(deserialize_with = "magnitude")]
    pub ramp: Watts,
    /// The least time between two set points of one battery.
    pub every: Timespan,
    /// The most that is asked of one battery.
    #[serde(deserialize_with = "magnitude")]
    pub power_max: Watts,
    /// When the batteries swing instead of following.
    pub oscillation: Oscillation,
    /// For how long they rotate instead, once they swing.
    pub back_off: Timespan,
}

impl Default for Share {
    fn default() -> Self {
        Self {
            dead_band: Watts(50.0),
            ramp: Watts(500.0),
            every: Timespan::from_secs(10),
            power_max: Watts(2_500.0),
            oscillation: Oscillation::default(),
            back_off: Timespan::from_secs(1_800),
        }
    }
}

/// What counts as swinging.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oscillation {
    /// Import and export of less than this do not count; a magnitude.
    #[serde(deserialize_with = "magnitude")]
    pub power: Watts,
    /// So many changes between import and export ...
    pub changes: u32,
    /// ... within this time.
    pub within: Timespan,
}

impl Default for Oscillation {
    fn default() -> Self {
        Self { power: Watts(200.0), changes: 4, within: Timespan::from_secs(120) }
    }
}

fn meter<'de, D: Deserializer<'de>>(source: D) -> Result<Option<DeviceId>, D::Error> {
    let name = Option::<String>::deserialize(source)?;
    name.map(|name| name.parse().map_err(D::Error::custom)).transpose()
}

/// The automation wrote exports as negative numbers; the key says the direction, so both are taken.
fn magnitude<'de, D: Deserializer<'de>>(source: D) -> Result<Watts, D::Error> {
    Watts::deserialize(source).map(Watts::abs)
}

fn share<'de, D: Deserializer<'de>>(source: D) -> Result<Percent, D::Error> {
    let share = Percent::deserialize(source)?;
    let within = (0.0..=100.0).contains(&share.0);
    within.then_some(share).ok_or_else(|| out_of_range(&share, "a percentage from 0 to 100 %"))
}

fn lock<'de, D: Deserializer<'de>>(source: D) -> Result<Timespan, D::Error> {
    between(source, 60..=1_800, "a span from 1 min to 30 min")
}

/// Both follow the same meter meanwhile and work against each other, so it is short.
fn overlap<'de, D: Deserializer<'de>>(source: D) -> Result<Timespan, D::Error> {
    between(source, 0..=60, "a span of at most 1 min")
}

fn between<'de, D: Deserializer<'de>>(
    source: D,
    seconds: RangeInclusive<u64>,
    expected: &'static str,
) -> Result<Timespan, D::Error> {
    let span = Timespan::deserialize(source)?;
    let range = Duration::from_secs(*seconds.start())..=Duration::from_secs(*seconds.end());
    range.contains(&span.0).then_some(span).ok_or_else(|| out_of_range(&span, expected))
}

fn out_of_range<E: serde::de::Error>(value: &impl ToString, expected: &'static str) -> E {
    E::invalid_value(Unexpected::Str(&value.to_string()), &expected)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn group(yaml: &str) -> Group {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn the_shortest_one_has_the_numbers_of_the_automation() {
        let group = group("{ batteries: [fase_a], meter: gx }");
        assert_eq!(group.batteries.len(), 1);
        assert_eq!(group.meter.as_ref().map(DeviceId::as_str), Some("gx"));
        let expected =
            Group { batteries: group.batteries.clone(), meter: group.meter.clone(), ..Group::default() };
        assert_eq!(group, expected);
        assert_eq!(group.wrong(), None);
    }

    #[test]
    fn a_whole_one() {
        let group = group(
            r#"{ batteries: [a, b], mode: share, export: -300 W, for: 1 min, lock: 30 min, overlap: 2 s,
                stop: { soc: 98 % }, start: { for: 5 min }, overflow: { enabled: false },
                night: { from: "23:00", to: "06:00", weekend: { from: "11:00", to: "17:00" }, energy: 8 kWh },
                share: { oscillation: { changes: 6 } } }"#,
        );
        assert_eq!(group.export, Watts(300.0), "the key says the direction");
        assert_eq!((group.stop.export, group.start.import), (Watts(200.0), Watts(200.0)));
        let night = group.night.unwrap();
        assert_eq!((night.power_max, night.expected_pv), (Watts(2_500.0), None));
        assert_eq!(group.share.oscillation.within, Timespan::from_secs(120));
    }

    #[rstest]
    #[case::too_short("{ lock: 30 s }", "expected a span from 1 min to 30 min")]
    #[case::too_long("{ overlap: 2 min }", "expected a span of at most 1 min")]
    #[case::no_share("{ full: 101 % }", "expected a percentage from 0 to 100 %")]
    #[case::no_mode("{ mode: both }", "both")]
    #[case::no_key("{ battery: a }", "battery")]
    #[case::no_time("{ night: { from: 1 } }", "is no time of day")]
    fn wrong_ones_say_why(#[case] yaml: &str, #[case] why: &str) {
        let error = serde_saphyr::from_str::<Group>(yaml).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[rstest]
    #[case("{}", "batteries")]
    #[case("{ batteries: [a], low: 15 % }", "low")]
    #[case("{ batteries: [a], useful: 96 % }", "useful")]
    #[case("{ batteries: [a], start: { soc: 90 % } }", "start")]
    fn what_cannot_be_meant(#[case] yaml: &str, #[case] key: &str) {
        assert_eq!(group(yaml).wrong().map(|(key, _, _)| key), Some(key));
    }
}
