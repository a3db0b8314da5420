//! What measured energy came to, of a whole, of each day and of each month.
//!
//! Where a meter reading or a price is missing there is no cost, and the time is counted as unknown: a bill of a month with
//! two unknown days is not a cheap month.

use std::collections::BTreeSet;
use std::ops::AddAssign;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use ohmstead_model::{Price, TimeSpan, Timeline};

use crate::civil;

/// Energy of stretches of time, in kilowatt hours, never negative. Within a stretch it counts as evenly spread.
#[derive(Debug, Clone, Copy)]
pub struct Metered<'m> {
    /// From the grid.
    pub import_kwh: &'m Timeline<f64>,
    /// To the grid; nothing at a site that feeds nothing in.
    pub export_kwh: Option<&'m Timeline<f64>>,
}

/// Energy, and what it came to, in the site's currency.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// From the grid.
    pub import_kwh: f64,
    /// To the grid.
    pub export_kwh: f64,
    /// What the first cost.
    pub import_cost: f64,
    /// What the second brought.
    pub export_income: f64,
    /// Hours of which everything is known.
    pub known_h: f64,
    /// Of these, hours with an estimated price.
    pub estimated_h: f64,
    /// Hours of which energy or price is not known; they are in none of the sums.
    pub unknown_h: f64,
}

impl Cost {
    /// What is to be paid in the end.
    pub fn total(&self) -> f64 {
        self.import_cost - self.export_income
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.import_kwh += other.import_kwh;
        self.export_kwh += other.export_kwh;
        self.import_cost += other.import_cost;
        self.export_income += other.export_income;
        self.known_h += other.known_h;
        self.estimated_h += other.estimated_h;
        self.unknown_h += other.unknown_h;
    }
}

/// A month of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// The year.
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
}

/// The costs of a window and of its civil days and months, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bill {
    /// Of all of it.
    pub whole: Cost,
    /// Of each day.
    pub days: Vec<(Date, Cost)>,
    /// Of each month.
    pub months: Vec<(Month, Cost)>,
}

/// Powers and prices of a stretch of time.
struct Flow {
    import_kw: f64,
    export_kw: f64,
    price: Price,
}

/// What the energy of `window` came to.
pub fn bill(metered: Metered<'_>, prices: &Timeline<Price>, window: TimeSpan, zone: &TimeZone) -> Bill {
    let flows = flows(metered, prices, window);
    let mut bill = Bill::default();
    for (piece, civil) in civil::pieces(window, zone, &BTreeSet::from([Time::midnight()])) {
        let cost = cost(&flows, piece);
        let date = civil.date();
        add(&mut bill.days, date, cost);
        add(&mut bill.months, Month { year: date.year(), month: date.month() }, cost);
        bill.whole += cost;
    }
    bill
}

fn flows(metered: Metered<'_>, prices: &Timeline<Price>, window: TimeSpan) -> Timeline<Flow> {
    let import_kw = mean_power_kw(metered.import_kwh);
    let export_kw = metered.export_kwh.map_or_else(|| Timeline::of([(window, 0.0)]), mean_power_kw);
    let both = import_kw.zip(&export_kw, |_, import, export| (*import, *export));
    both.zip(prices, |_, (import_kw, export_kw), price| Flow {
        import_kw: *import_kw,
        export_kw: *export_kw,
        price: *price,
    })
}

/// What is no energy (not a number, negative as after a meter was exchanged) is not known.
fn mean_power_kw(energy_kwh: &Timeline<f64>) -> Timeline<f64> {
    let sound = energy_kwh.slots().filter(|(_, energy)| energy.is_finite() && **energy >= 0.0);
    Timeline::of(sound.map(|(span, energy)| (span, energy / span.hours())))
}

fn cost(flows: &Timeline<Flow>, piece: TimeSpan) -> Cost {
    let mut cost = Cost::default();
    for (span, flow) in flows.touching(piece) {
        let hours = span.common(piece).hours();
        let (import_kwh, export_kwh) = (flow.import_kw * hours, flow.export_kw * hours);
        let (import_cost, export_income) =
            (import_kwh * flow.price.import_per_kwh, export_kwh * flow.price.export_per_kwh);
        if !import_cost.is_finite() || !export_income.is_finite() {
            continue;
        }
        let estimated_h = if flow.price.estimated { hours } else { 0.0 };
        cost += Cost {
            import_kwh,
            export_kwh,
            import_cost,
            export_income,
            known_h: hours,
            estimated_h,
            unknown_h: 0.0,
        };
    }
    // What the sums of hours leave behind the comma is no time.
    let unknown_h = piece.hours() - cost.known_h;
    cost.unknown_h = if unknown_h > 1e-6 { unknown_h } else { 0.0 };
    cost
}

fn add<K: PartialEq>(list: &mut Vec<(K, Cost)>, key: K, cost: Cost) {
    match list.last_mut() {
        Some((last, sum)) if *last == key => *sum += cost,
        _ => list.push((key, cost)),
    }
}

#[cfg(test)]
mod tests;
