//! Modes by the clock on the wall: `night: { from: "22:00", to: "06:00", mode: hold }`.
//!
//! What a rule wants follows from the clock at every cycle, so a start that was missed does not matter. Times are civil
//! times of the site: on the day the clock is set forward a window from 02:00 to 03:00 does not open, and on the day it is
//! set back one from 02:00 to 03:00 is open for two hours. A window over midnight belongs to the day on which it opens.

mod change;
mod timetable;

use std::fmt;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use ohmstead_model::{BatteryMode, DeviceId, DeviceState, Metric, Moment, Snapshot};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::step::is_battery;
use crate::{Proposal, Reason, Who};

pub use change::{Change, ChangeError, Edit};
pub(crate) use change::{can, offered};
pub use timetable::{Added, Entry, FIRST_ID, Source, Timetable, WINDOWS_MAX};

/// One window of the schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name in the configuration.
    pub name: String,
    /// What it says.
    pub window: Window,
}

/// A rule as it stands in the configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// When it opens, civil time.
    #[serde(deserialize_with = "time")]
    pub from: Time,
    /// When it closes; the same as `from` is a whole day, before `from` is on the next day.
    #[serde(deserialize_with = "time")]
    pub to: Time,
    /// What the batteries should do meanwhile.
    #[serde(deserialize_with = "mode")]
    pub mode: BatteryMode,
    /// On which days it opens; every day where absent.
    #[serde(default)]
    pub days: Days,
    /// For which devices; all batteries where absent.
    #[serde(default, deserialize_with = "devices")]
    pub devices: Vec<DeviceId>,
}

/// On which days a window opens: `[mon, tue]`, `weekdays`, `weekend`, `holidays`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// Bit 0 is Monday.
    weekdays: u8,
    /// Whether a holiday counts, whatever day of the week it is. Where it does not, a holiday is like a Sunday.
    holidays: bool,
}

impl Default for Days {
    fn default() -> Self {
        Self { weekdays: 0b111_1111, holidays: true }
    }
}

const MONDAY_TO_FRIDAY: u8 = 0b001_1111;
const WEEKEND: u8 = 0b110_0000;
const SUNDAY: u8 = 0b100_0000;

impl Days {
    /// The days of a bit mask, bit 0 is Monday, as Marstek's own schedules and those of marstek-automation count.
    pub fn of_mask(mask: u8) -> Self {
        Self { weekdays: mask & 0b111_1111, holidays: false }
    }

    /// The days of the week, bit 0 is Monday.
    pub fn mask(self) -> u8 {
        self.weekdays
    }

    /// Whether a holiday counts, whatever day of the week it is.
    pub fn has_holidays(self) -> bool {
        self.holidays
    }

    /// The same days, and holidays with them.
    #[must_use]
    pub fn and_holidays(self) -> Self {
        Self { holidays: true, ..self }
    }

    /// Whether there is no such day at all.
    pub fn is_none(self) -> bool {
        self.weekdays == 0 && !self.holidays
    }

    fn named(name: &str) -> Option<Self> {
        let days = |weekdays| Some(Self { weekdays, holidays: false });
        match name.to_ascii_lowercase().as_str() {
            "mon" | "monday" => days(1),
            "tue" | "tuesday" => days(1 << 1),
            "wed" | "wednesday" => days(1 << 2),
            "thu" | "thursday" => days(1 << 3),
            "fri" | "friday" => days(1 << 4),
            "sat" | "saturday" => days(1 << 5),
            "sun" | "sunday" => days(SUNDAY),
            "weekdays" => days(MONDAY_TO_FRIDAY),
            "weekend" => days(WEEKEND),
            "holidays" => Some(Self { weekdays: 0, holidays: true }),
            "all" => Some(Self::default()),
            _ => None,
        }
    }

    fn and(self, other: Self) -> Self {
        Self { weekdays: self.weekdays | other.weekdays, holidays: self.holidays || other.holidays }
    }

    fn has(self, date: Date, holidays: &Holidays) -> bool {
        let bit = |day: Weekday| 1_u8 << day.to_monday_zero_offset().unsigned_abs();
        if holidays.has(date) {
            return self.holidays || self.weekdays & SUNDAY != 0;
        }
        self.weekdays & bit(date.weekday()) != 0
    }
}

/// The site's holidays: `12-25` of every year, `2027-03-29` of one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct Holidays(Vec<Holiday>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holiday {
    EveryYear { month: i8, day: i8 },
    Once(Date),
}

impl Holidays {
    pub(crate) fn has(&self, date: Date) -> bool {
        self.0.iter().any(|holiday| match holiday {
            Holiday::EveryYear { month, day } => (*month, *day) == (date.month(), date.day()),
            Holiday::Once(once) => *once == date,
        })
    }
}

impl Window {
    /// Whether it is open now, at the site.
    pub fn is_open_now(&self, now: Moment, time_zone: &TimeZone, holidays: &Holidays) -> bool {
        civil(now, time_zone).is_some_and(|civil| self.is_open(civil.date(), civil.time(), holidays))
    }

    /// Whether it is open at a civil time.
    fn is_open(&self, date: Date, time: Time, holidays: &Holidays) -> bool {
        let opened_on = |date: Option<Date>| date.is_some_and(|date| self.days.has(date, holidays));
        if self.from < self.to {
            return (self.from..self.to).contains(&time) && opened_on(Some(date));
        }
        (time >= self.from && opened_on(Some(date))) || (time < self.to && opened_on(date.yesterday().ok()))
    }
}

/// What the clock at the site shows; nothing where the clock is beyond all calendars.
fn civil(now: Moment, time_zone: &TimeZone) -> Option<DateTime> {
    let instant = jiff::Timestamp::from_millisecond(now.unix.0).ok()?;
    Some(time_zone.to_datetime(instant))
}

/// What the open windows want. Where several are open for a device, the first one counts.
pub fn propose(
    snapshot: &Snapshot,
    now: Moment,
    time_zone: &TimeZone,
    rules: &[Rule],
    holidays: &Holidays,
) -> Vec<Proposal> {
    let Some(civil) = civil(now, time_zone) else { return Vec::new() };
    let open: Vec<_> =
        rules.iter().filter(|rule| rule.window.is_open(civil.date(), civil.time(), holidays)).collect();
    let of_device = |device: &DeviceState| {
        let rule = open.iter().find(|rule| rule.is_for(device))?;
        Some(rule.wish(device, now))
    };
    snapshot.devices().filter_map(|device| of_device(device)).collect()
}

impl Rule {
    fn is_for(&self, device: &DeviceState) -> bool {
        let devices = &self.window.devices;
        if devices.is_empty() { is_battery(device) } else { devices.contains(&device.info.id) }
    }

    /// A charge that has got as far as was asked keeps what it has.
    fn wish(&self, device: &DeviceState, now: Moment) -> Proposal {
        let id = device.info.id.clone();
        let window = Reason::Window(self.name.clone());
        let BatteryMode::Charge { power, until: Some(until) } = &self.window.mode else {
            return Proposal::wish(Who::Schedule, id, self.window.mode.clone(), window);
        };
        match device.number(Metric::BatterySoc, now) {
            Ok(soc) if soc >= until.0 => {
                Proposal::wish(Who::Schedule, id, BatteryMode::Hold, Reason::Charged(*until))
            }
            Ok(_) => {
                let charge = BatteryMode::Charge { power: *power, until: None };
                Proposal::wish(Who::Schedule, id, charge, window)
            }
            // Whether it is full is not known: neither charged blindly nor emptied.
            Err(_) => Proposal::wish(Who::Schedule, id, BatteryMode::Hold, Reason::SocUnknown),
        }
    }
}

pub(crate) fn time<'de, D: Deserializer<'de>>(source: D) -> Result<Time, D::Error> {
    let text = String::deserialize(source)?;
    let wrong = || D::Error::custom(format!("{text:?} is no time of day such as \"06:30\""));
    match text.as_str() {
        // The end of a day, as people write it.
        "24:00" => Ok(Time::midnight()),
        text if text.len() == 5 => text.parse().map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

fn mode<'de, D: Deserializer<'de>>(source: D) -> Result<BatteryMode, D::Error> {
    String::deserialize(source)?.parse().map_err(D::Error::custom)
}

pub(crate) fn devices<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<DeviceId>, D::Error> {
    let names = Vec::<String>::deserialize(source)?;
    names.iter().map(|name| name.parse().map_err(D::Error::custom)).collect()
}

/// One word or a list of them.
#[derive(Deserialize)]
#[serde(untagged, expecting = "days such as weekdays, weekend, holidays or [mon, tue]")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let names = match OneOrMany::deserialize(source)? {
            OneOrMany::One(name) => vec![name],
            OneOrMany::Many(names) => names,
        };
        let wrong = |name: &str| {
            D::Error::custom(format!(
                "{name:?} is no day: expected mon, tue, wed, thu, fri, sat, sun, weekdays, weekend, holidays or all"
            ))
        };
        let none = Self { weekdays: 0, holidays: false };
        let days = names.iter().try_fold(none, |days, name| {
            Self::named(name).map(|named| days.and(named)).ok_or_else(|| wrong(name))
        })?;
        if days == none {
            Err(D::Error::custom("no day is named, so the window never opens"))
        } else {
            Ok(days)
        }
    }
}

impl<'de> Deserialize<'de> for Holiday {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let text = String::deserialize(source)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// A text that is no holiday.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NoHoliday(String);

impl fmt::Display for NoHoliday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no holiday: expected one such as \"12-25\" or \"2027-03-29\"", self.0)
    }
}

impl std::str::FromStr for Holiday {
    type Err = NoHoliday;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NoHoliday(text.to_owned());
        if text.len() != 5 {
            return text.parse().map(Self::Once).map_err(|_| wrong());
        }
        // Of a leap year, so that the 29th of February can be one.
        let date: Date = format!("2024-{text}").parse().map_err(|_| wrong())?;
        Ok(Self::EveryYear { month: date.month(), day: date.day() })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use ohmstead_model::{DeviceInfo, Observed, Role, UnixMillis, Value};
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").unwrap()
    }

    pub(super) fn rule(yaml: &str) -> Rule {
        Rule { name: "r".to_owned(), window: serde_saphyr::from_str(yaml).unwrap() }
    }

    pub(super) fn at(civil: &str) -> Moment {
        let zoned = paris().to_zoned(civil.parse().unwrap()).unwrap();
        Moment { mono: Duration::from_secs(100), unix: UnixMillis(zoned.timestamp().as_millisecond()) }
    }

    pub(super) fn house(soc: Option<f64>, now: Moment) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (name, role) in [("a", Role::Battery), ("b", Role::Battery), ("meter", Role::GridMeter)] {
            let mut info = DeviceInfo::new(name.parse().unwrap(), "test", "nowhere");
            info.roles = vec![role];
            let mut device = DeviceState::new(Arc::new(info));
            if let Some(soc) = soc {
                let observed = Observed { observation: Ok(Value::Number(soc)), at: now };
                device.values.insert(Metric::BatterySoc, observed);
            }
            snapshot.insert(device);
        }
        snapshot
    }

    fn wanted(rules: &[Rule], soc: Option<f64>, civil: &str, holidays: &str) -> String {
        let holidays: Holidays = serde_saphyr::from_str(holidays).unwrap();
        let now = at(civil);
        let proposals = propose(&house(soc, now), now, &paris(), rules, &holidays);
        let shown = |proposal: &Proposal| {
            let mode = proposal.wants.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} {mode}", proposal.device)
        };
        proposals.iter().map(shown).collect::<Vec<_>>().join(", ")
    }

    const NIGHT: &str = r#"{ from: "22:00", to: "06:00", mode: hold }"#;
    const FRIDAY_NIGHT: &str = r#"{ from: "22:00", to: "06:00", mode: hold, days: [fri] }"#;
    const SUNDAY_NOON: &str = r#"{ from: "11:00", to: "13:00", mode: idle, days: sun }"#;

    #[rstest]
    #[case::evening(NIGHT, "2026-11-30T22:00:00", "a hold, b hold")]
    #[case::morning(NIGHT, "2026-11-30T05:59:59", "a hold, b hold")]
    #[case::over(NIGHT, "2026-11-30T06:00:00", "")]
    #[case::of_friday_on_saturday(FRIDAY_NIGHT, "2026-12-05T05:00:00", "a hold, b hold")]
    #[case::not_of_thursday(FRIDAY_NIGHT, "2026-12-04T05:00:00", "")]
    #[case::whole_day(
        r#"{ from: "06:00", to: "06:00", mode: auto, days: mon, devices: [b] }"#,
        "2026-12-01T05:00:00",
        "b auto"
    )]
    #[case::until_midnight(
        r#"{ from: "22:00", to: "24:00", mode: auto }"#,
        "2026-12-01T23:59:00",
        "a auto, b auto"
    )]
    #[case::after_midnight(r#"{ from: "22:00", to: "24:00", mode: auto }"#, "2026-12-01T00:00:00", "")]
    #[case::spring_forward(r#"{ from: "02:00", to: "03:00", mode: idle }"#, "2026-03-29T03:00:00", "")]
    #[case::a_holiday_is_a_sunday(SUNDAY_NOON, "2026-12-25T12:00:00", "a idle, b idle")]
    #[case::not_every_friday(SUNDAY_NOON, "2026-12-18T12:00:00", "")]
    #[case::no_weekday_on_a_holiday(
        r#"{ from: "11:00", to: "13:00", mode: idle, days: weekdays }"#,
        "2026-12-25T12:00:00",
        ""
    )]
    fn windows(#[case] yaml: &str, #[case] civil: &str, #[case] expected: &str) {
        assert_eq!(wanted(&[rule(yaml)], None, civil, r#"["12-25", "2027-03-29"]"#), expected);
    }

    #[test]
    fn the_hour_that_comes_twice_is_in_the_window_twice() {
        let rules = [rule(r#"{ from: "02:00", to: "03:00", mode: idle }"#)];
        let first = at("2026-10-25T01:59:59");
        let open = |minutes: u64| {
            let now = first.plus(Duration::from_secs(1 + minutes * 60));
            !propose(&house(None, now), now, &paris(), &rules, &Holidays::default()).is_empty()
        };
        assert_eq!((0..180).filter(|minute| open(*minute)).count(), 120);
    }

    #[rstest]
    #[case::below(Some(89.0), "a charge 800 W, b charge 800 W")]
    #[case::there(Some(90.0), "a hold, b hold")]
    #[case::unknown(None, "a hold, b hold")]
    fn a_charge_has_an_end(#[case] soc: Option<f64>, #[case] expected: &str) {
        let rules = [rule(r#"{ from: "00:00", to: "06:00", mode: "charge 800 W until 90 %" }"#)];
        assert_eq!(wanted(&rules, soc, "2026-12-01T01:00:00", "[]"), expected);
    }

    #[test]
    fn the_first_of_the_file_counts() {
        let rules = [rule(r#"{ from: "00:00", to: "06:00", mode: auto, devices: [a] }"#), rule(NIGHT)];
        assert_eq!(wanted(&rules, None, "2026-12-01T01:00:00", "[]"), "a auto, b hold");
    }

    #[rstest]
    #[case(r#"{ from: "6", to: "06:00", mode: auto }"#, "is no time of day")]
    #[case(r#"{ from: "25:00", to: "06:00", mode: auto }"#, "is no time of day")]
    #[case(r#"{ from: "05:00", to: "06:00", mode: on }"#, "is no battery mode")]
    #[case(r#"{ from: "05:00", to: "06:00", mode: auto, days: [funday] }"#, "is no day")]
    #[case(r#"{ from: "05:00", to: "06:00", mode: auto, days: [] }"#, "no day is named")]
    #[case(r#"{ from: "05:00", to: "06:00", mode: auto, day: mon }"#, "day")]
    fn wrong_rules_say_why(#[case] yaml: &str, #[case] why: &str) {
        let error = serde_saphyr::from_str::<Window>(yaml).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    proptest! {
        /// Two windows that fill the day leave no minute without a wish, on any day, the 23 h and 25 h days included.
        #[test]
        fn day_and_night_fill_every_day(minute in 0_u64..(3 * 365 * 24 * 60), hour in 1_i8..24) {
            let rules = [
                rule(&format!(r#"{{ from: "00:00", to: "{hour:02}:00", mode: hold }}"#)),
                rule(&format!(r#"{{ from: "{hour:02}:00", to: "00:00", mode: auto }}"#)),
            ];
            let now = at("2025-01-01T00:00:00").plus(Duration::from_secs(minute * 60));
            let proposals = propose(&house(None, now), now, &paris(), &rules, &Holidays::default());
            prop_assert_eq!(proposals.len(), 2);
        }
    }
}
