//! Prices by the clock: a base price, and zones of days, hours and months in which another one holds.
//!
//! ```yaml
//! zones:
//!   price: 0.2146 EUR/kWh
//!   zones: [{ price: 0.1696 EUR/kWh, hours: ["23:30-06:30", "14:30-15:30"] }]
//! ```
//!
//! Of several zones that hold at one time the later one counts. Hours are times on the site's wall clock; a window over
//! midnight belongs to the day, and the month, in which it opens.

mod text;

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use ohmstead_model::{TimeSpan, Timeline};
use ohmstead_units::EnergyPrice;
use serde::Deserialize;

use crate::civil;

/// A base price and its exceptions.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zones {
    /// Where no zone holds.
    pub price: EnergyPrice,
    /// The exceptions; a later one goes before an earlier one.
    #[serde(default)]
    pub zones: Vec<Zone>,
}

/// An exception: at all times that its days, hours and months have in common.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// The price, or what is added to one.
    pub price: EnergyPrice,
    /// Every day where absent.
    #[serde(default)]
    pub days: Days,
    /// The whole day where absent.
    #[serde(default)]
    pub hours: Hours,
    /// Every month where absent.
    #[serde(default)]
    pub months: Months,
}

/// Days of the week: `weekdays`, `mon-fri`, `[sat, sun]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days(
    /// Bit 0 is Monday.
    u8,
);

/// Months: `nov-mar`, `[jan, 2]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Months(
    /// Bit 0 is January.
    u16,
);

/// Windows of the day: `"22:00-06:00"`, `["1:30-7:00", "12:30-14:30"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours(Vec<(Time, Time)>);

impl Default for Days {
    fn default() -> Self {
        Self(0b111_1111)
    }
}

impl Default for Months {
    fn default() -> Self {
        Self(0b1111_1111_1111)
    }
}

impl Default for Hours {
    fn default() -> Self {
        Self(vec![(Time::midnight(), Time::midnight())])
    }
}

impl Zone {
    fn holds(&self, at: DateTime) -> bool {
        let opened_on = |date: Option<Date>| {
            let has = |date: Date| self.days.has(date) && self.months.has(date);
            date.is_some_and(has)
        };
        let (date, time) = (at.date(), at.time());
        self.hours.0.iter().any(|(from, to)| {
            if from < to {
                return (*from..*to).contains(&time) && opened_on(Some(date));
            }
            (time >= *from && opened_on(Some(date))) || (time < *to && opened_on(date.yesterday().ok()))
        })
    }
}

impl Days {
    fn has(self, date: Date) -> bool {
        self.0 & (1 << date.weekday().to_monday_zero_offset()) != 0
    }
}

impl Months {
    fn has(self, date: Date) -> bool {
        self.0 & (1 << (date.month() - 1)) != 0
    }
}

impl Zones {
    /// The price of every stretch of `window`.
    pub fn prices(&self, window: TimeSpan, zone: &TimeZone) -> Timeline<f64> {
        by_clock(self.price, &self.zones, window, zone)
    }

    pub(crate) fn all_prices(&self) -> impl Iterator<Item = EnergyPrice> {
        std::iter::once(self.price).chain(self.zones.iter().map(|zone| zone.price))
    }
}

/// `base`, or what the last of `zones` says that holds.
pub(crate) fn by_clock(
    base: EnergyPrice,
    zones: &[Zone],
    window: TimeSpan,
    zone: &TimeZone,
) -> Timeline<f64> {
    let windows = zones.iter().flat_map(|zone| &zone.hours.0);
    let mut times: BTreeSet<Time> = windows.flat_map(|(from, to)| [*from, *to]).collect();
    times.insert(Time::midnight());
    let price = |at: DateTime| zones.iter().rev().find(|zone| zone.holds(at)).map_or(base, |zone| zone.price);
    let pieces = civil::pieces(window, zone, &times);
    Timeline::of(pieces.into_iter().map(|(span, at)| (span, price(at).per_kwh)))
}

#[cfg(test)]
mod tests;
