//! All batteries as one: the sum of what they store and carry, the mean of what they lose.

use crate::problem::{Battery, Problem};
use crate::simulate::slot_cost_eur;

pub(super) struct Bank {
    pub(super) now_wh: f64,
    /// The least and the most that is ever stored, Wh.
    pub(super) range_wh: (f64, f64),
    pub(super) final_wh: Option<f64>,
    pub(super) charge_max_w: f64,
    pub(super) discharge_max_w: f64,
    eff_charge: f64,
    eff_discharge: f64,
    idle_loss_per_h: f64,
    wear_eur_kwh: f64,
    floors_wh: Vec<f64>,
    ceiling_wh: f64,
    penalty_eur_kwh: f64,
    end: End,
}

/// What stored energy is worth at the end.
struct End {
    problem_worth: crate::EndWorth,
    price: f64,
}

impl Bank {
    /// `None` if no battery can do anything. What can only be charged, as a car, would tie up the bank's energy: it is left out
    /// where there is another.
    pub(super) fn of(problem: &Problem) -> Option<Self> {
        let usable = |battery: &&Battery| battery.charge_limit_w() + battery.discharge_limit_w() > 0.0;
        let turns = |battery: &Battery| battery.charge_limit_w().min(battery.discharge_limit_w()) > 0.0;
        let some_turn = problem.batteries.iter().any(turns);
        let batteries: Vec<_> =
            problem.batteries.iter().filter(usable).filter(|it| !some_turn || turns(it)).collect();
        let sum = |part: &dyn Fn(&Battery) -> f64| batteries.iter().map(|battery| part(battery)).sum::<f64>();
        let size = sum(&|it| it.capacity_wh);
        if size <= 0.0 {
            return None;
        }
        let mean = |part: fn(&Battery) -> f64| sum(&|it| part(it) * it.capacity_wh) / size;
        let floors_wh: Vec<_> = (0..problem.slots.len()).map(|slot| sum(&|it| it.floor_wh(slot))).collect();
        let (now_wh, ceiling_wh) = (sum(&|it| it.now_wh), sum(&Battery::ceiling_wh));
        let ended = batteries.iter().all(|it| it.final_wh.is_some());
        let lowest = if batteries.iter().any(|it| it.idle_loss_per_h > 0.0) { 0.0 } else { now_wh };
        let low = sum(&|it| it.min_wh.min(it.ceiling_wh())).min(lowest);
        let priced = batteries.iter().all(|it| it.end_price.is_some());
        Some(Self {
            now_wh,
            range_wh: (low, ceiling_wh.max(now_wh)),
            final_wh: ended.then(|| sum(&|it| it.final_wh.unwrap_or(0.0))),
            charge_max_w: sum(&Battery::charge_limit_w),
            discharge_max_w: sum(&Battery::discharge_limit_w),
            eff_charge: mean(|it| it.eff_charge),
            eff_discharge: mean(|it| it.eff_discharge),
            idle_loss_per_h: mean(|it| it.idle_loss_per_h),
            wear_eur_kwh: mean(|it| it.wear_eur_kwh),
            floors_wh,
            ceiling_wh,
            penalty_eur_kwh: problem.penalty_eur_kwh(),
            end: End {
                problem_worth: if priced { crate::EndWorth::default() } else { problem.end_worth.clone() },
                price: if priced { mean(|it| it.end_price.unwrap_or(0.0)) } else { 0.0 },
            },
        })
    }

    /// What the end costs with so much stored, EUR: negative where it is worth something.
    pub(super) fn end_eur(&self, stored_wh: f64) -> f64 {
        match self.final_wh {
            Some(wanted_wh) => (stored_wh - wanted_wh).abs() / 1000.0 * self.penalty_eur_kwh,
            None => -self.end.problem_worth.of_wh(stored_wh) - stored_wh / 1000.0 * self.end.price,
        }
    }

    /// What a slot costs with a power of the bank, EUR, with wear.
    pub(super) fn cost_eur(&self, problem: &Problem, slot: usize, power_w: f64) -> f64 {
        let wear = power_w.max(0.0) * self.wear_eur_kwh * problem.slots[slot].hours() / 1000.0;
        slot_cost_eur(problem, slot, power_w) + wear
    }

    /// What it counts to end a slot outside the band, EUR.
    pub(super) fn band_eur(&self, slot: usize, stored_wh: f64, hours: f64) -> f64 {
        let off = (self.floors_wh[slot] - stored_wh).max(stored_wh - self.ceiling_wh).max(0.0);
        off / 1000.0 * hours * self.penalty_eur_kwh
    }

    /// The least (negative: charging) and the most that it can do within its range, W.
    pub(super) fn possible_w(&self, stored_wh: f64, hours: f64) -> (f64, f64) {
        let rested_wh = self.after_wh(stored_wh, 0.0, hours);
        let room = ((self.range_wh.1.min(self.ceiling_wh) - rested_wh) / self.eff_charge / hours).max(0.0);
        let there = ((rested_wh - self.range_wh.0) * self.eff_discharge / hours).max(0.0);
        (-self.charge_max_w.min(room), self.discharge_max_w.min(there))
    }

    /// What is stored after a slot, Wh.
    pub(super) fn after_wh(&self, stored_wh: f64, power_w: f64, hours: f64) -> f64 {
        let moved = if power_w > 0.0 { power_w / self.eff_discharge } else { power_w * self.eff_charge };
        let kept = if self.idle_loss_per_h > 0.0 { (-self.idle_loss_per_h * hours).exp() } else { 1.0 };
        stored_wh * kept - moved * hours
    }
}
