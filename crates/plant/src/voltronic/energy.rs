//! A unit's own clock and its own energy counters: by day, month and year of that clock.

use crate::house::InverterTotals;
use jiff::{
    ToSpan,
    civil::{Date, DateTime},
};
use std::collections::BTreeMap;

/// Days that are kept one by one.
const DAYS_MAX: usize = 800;

/// What was generated and used, Wh.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Energy {
    /// By the panels.
    pub pv_wh: f64,
    /// By the loads.
    pub load_wh: f64,
}

impl Energy {
    fn add(&mut self, other: Self) {
        self.pv_wh += other.pv_wh;
        self.load_wh += other.load_wh;
    }
}

/// The counters of QET, QEY, QEM, QED and their relatives.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    /// Since the unit was made, or its counters reset.
    pub total: Energy,
    years: BTreeMap<i16, Energy>,
    months: BTreeMap<(i16, i8), Energy>,
    days: BTreeMap<Date, Energy>,
    seen: Option<InverterTotals>,
}

impl Ledger {
    /// Adds what happened on a day, such as before the simulation began.
    pub fn book(&mut self, date: Date, energy: Energy) {
        self.total.add(energy);
        self.years.entry(date.year()).or_default().add(energy);
        self.months.entry((date.year(), date.month())).or_default().add(energy);
        self.days.entry(date).or_default().add(energy);
        while self.days.len() > DAYS_MAX {
            self.days.pop_first();
        }
    }

    /// Books what the power stage counted since the last look.
    pub(crate) fn follow(&mut self, date: Date, totals: InverterTotals) {
        let before = self.seen.replace(totals).unwrap_or(totals);
        let energy = Energy { pv_wh: totals.pv_wh - before.pv_wh, load_wh: totals.load_wh - before.load_wh };
        if energy != Energy::default() {
            self.book(date, energy);
        }
    }

    /// RTEY: everything back to nothing.
    pub(crate) fn clear(&mut self) {
        *self = Self { seen: self.seen, ..Self::default() };
    }

    /// One day; nothing is 0, as the unit has it.
    pub fn day(&self, date: Date) -> Energy {
        self.days.get(&date).copied().unwrap_or_default()
    }

    /// What a query's digits name: yyyy, yyyymm or yyyymmdd. `None` = no such date.
    pub(crate) fn of_digits(&self, digits: &str) -> Option<Energy> {
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let year = digits.get(..4)?.parse().ok()?;
        match digits.len() {
            4 => Some(self.years.get(&year).copied().unwrap_or_default()),
            6 => {
                let month: i8 = digits[4..].parse().ok()?;
                (1..=12)
                    .contains(&month)
                    .then(|| self.months.get(&(year, month)).copied().unwrap_or_default())
            }
            8 => Some(self.day(Date::new(year, digits[4..6].parse().ok()?, digits[6..].parse().ok()?).ok()?)),
            _ => None,
        }
    }
}

/// A clock that was set once and then left alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Clock {
    /// Civil time of the house at the last tick.
    civil: DateTime,
    at_ms: i64,
    /// How far the unit's clock is off, s.
    pub(crate) off_s: i64,
}

impl Clock {
    pub(crate) fn new(civil: DateTime, at_ms: i64) -> Self {
        Self { civil, at_ms, off_s: 0 }
    }

    pub(crate) fn follow(&mut self, civil: DateTime, at_ms: i64) {
        (self.civil, self.at_ms) = (civil, at_ms);
    }

    /// The unit's civil time.
    pub(crate) fn now(&self, now_ms: i64) -> DateTime {
        let since_s = (now_ms - self.at_ms) / 1_000;
        self.civil.saturating_add(since_s.saturating_add(self.off_s).seconds())
    }

    /// The unit's day at the last tick.
    pub(crate) fn today(&self) -> Date {
        self.now(self.at_ms).date()
    }

    /// DAT: sets it to a moment.
    pub(crate) fn set(&mut self, wanted: DateTime, now_ms: i64) {
        let shown = self.now(now_ms);
        self.off_s += wanted.duration_since(shown).as_secs();
    }

    /// Fourteen digits.
    pub(crate) fn digits(&self, now_ms: i64) -> String {
        self.now(now_ms).strftime("%Y%m%d%H%M%S").to_string()
    }
}
