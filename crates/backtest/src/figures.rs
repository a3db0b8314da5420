//! What came of a replay: of the whole, of each civil day and of each month.

use std::ops::AddAssign;

use jiff::civil::Date;
use ohmstead_model::TimeSpan;
use ohmstead_planner::{Battery, SlotOutcome};
use ohmstead_tariff::Month;

/// Sums over a stretch of time, without its unknown parts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// What was paid for the grid's energy, EUR; negative where more was earned.
    pub cost_eur: f64,
    /// Out of the grid, kWh.
    pub import_kwh: f64,
    /// Into the grid, kWh.
    pub export_kwh: f64,
    /// Into the batteries, kWh at the AC side.
    pub charged_kwh: f64,
    /// Out of the batteries, kWh at the AC side.
    pub discharged_kwh: f64,
    /// Full cycles: what was taken out of the cells over what they hold.
    pub cycles: f64,
    /// Wear at the price that the batteries say, EUR. It is not part of `cost_eur`.
    pub wear_eur: f64,
    /// Hours that were replayed.
    pub known_h: f64,
}

impl Figures {
    pub(crate) fn of(slot: &SlotOutcome, batteries: &[Battery]) -> Self {
        let hours = slot.span.hours();
        let kwh = |power_w: f64| power_w.max(0.0) * hours / 1000.0;
        let capacity_kwh: f64 = batteries.iter().map(|battery| battery.capacity_wh / 1000.0).sum();
        let taken_out =
            slot.battery_w.iter().zip(batteries).map(|(power, it)| kwh(*power) / it.eff_discharge);
        Self {
            cost_eur: slot.cost_eur,
            import_kwh: kwh(slot.grid_w),
            export_kwh: kwh(-slot.grid_w),
            charged_kwh: slot.battery_w.iter().map(|power| kwh(-power)).sum(),
            discharged_kwh: slot.battery_w.iter().map(|power| kwh(*power)).sum(),
            cycles: if capacity_kwh > 0.0 { taken_out.sum::<f64>() / capacity_kwh } else { 0.0 },
            wear_eur: slot.wear_eur,
            known_h: hours,
        }
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.cost_eur += other.cost_eur;
        self.import_kwh += other.import_kwh;
        self.export_kwh += other.export_kwh;
        self.charged_kwh += other.charged_kwh;
        self.discharged_kwh += other.discharged_kwh;
        self.cycles += other.cycles;
        self.wear_eur += other.wear_eur;
        self.known_h += other.known_h;
    }
}

/// A past under a strategy.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Replay {
    /// Of all of it.
    pub whole: Figures,
    /// Of each civil day of which anything is known, in order.
    pub days: Vec<(Date, Figures)>,
    /// Of each month of which anything is known, in order.
    pub months: Vec<(Month, Figures)>,
    /// Where load, sun or price is not known: left out of everything, and the batteries rest.
    pub missing: Vec<TimeSpan>,
    /// What is stored more at the end than at the beginning, Wh.
    pub left_wh: f64,
    /// What that is credited with, EUR.
    pub left_eur: f64,
}

impl Replay {
    /// The bill, less what is left in the batteries, EUR. Wear is not in it.
    pub fn cost_eur(&self) -> f64 {
        self.whole.cost_eur - self.left_eur
    }

    /// What was saved against another strategy, EUR.
    pub fn saving_eur(&self, other: &Self) -> f64 {
        other.cost_eur() - self.cost_eur()
    }

    pub(crate) fn add(&mut self, date: Date, figures: Figures) {
        self.whole += figures;
        add(&mut self.days, date, figures);
        add(&mut self.months, Month { year: date.year(), month: date.month() }, figures);
    }

    pub(crate) fn miss(&mut self, span: TimeSpan) {
        match self.missing.last_mut() {
            Some(last) if last.end == span.start => last.end = span.end,
            _ => self.missing.push(span),
        }
    }
}

fn add<K: PartialEq>(list: &mut Vec<(K, Figures)>, key: K, figures: Figures) {
    match list.last_mut() {
        Some((last, sum)) if *last == key => *sum += figures,
        _ => list.push((key, figures)),
    }
}
