//! What a plan costs: the slots are walked with the physics of the batteries, what is impossible is clipped, what breaks a
//! rule is written down. Nothing else in the project says what a plan costs, least of all a solver's objective.

mod outcome;
mod sun;

pub use outcome::{Outcome, SlotOutcome, Violation};

use crate::problem::{Battery, Problem};

/// Less than this is no difference between two powers, W.
pub(crate) const TOLERANCE_W: f64 = 1.0;

/// Walks the slots with one AC power for each slot and battery, W, discharge positive. Where powers are missing, batteries
/// rest; what is no number is rest as well.
pub fn simulate(problem: &Problem, powers_w: &[Vec<f64>]) -> Outcome {
    let mut walk = Walk::new(problem);
    for slot in 0..problem.slots.len() {
        let asked: &[f64] = powers_w.get(slot).map_or(&[], |powers| powers);
        walk.step(asked);
    }
    walk.arrive()
}

/// A walk through the slots of a problem, from one to the next.
pub(crate) struct Walk<'a> {
    problem: &'a Problem,
    stored_wh: Vec<f64>,
    done: Vec<SlotOutcome>,
    violations: Vec<Violation>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(problem: &'a Problem) -> Self {
        let stored_wh = problem.batteries.iter().map(|battery| battery.now_wh).collect();
        Self { problem, stored_wh, done: Vec::with_capacity(problem.slots.len()), violations: Vec::new() }
    }

    /// What is in each battery now, Wh.
    pub(crate) fn stored_wh(&self) -> &[f64] {
        &self.stored_wh
    }

    /// Goes through the next slot.
    pub(crate) fn step(&mut self, asked_w: &[f64]) {
        let (problem, index) = (self.problem, self.done.len());
        let slot = &problem.slots[index];
        let hours = slot.hours();
        let mut powers = Vec::with_capacity(problem.batteries.len());
        for (number, battery) in problem.batteries.iter().enumerate() {
            let asked = asked_w.get(number).copied().filter(|power| power.is_finite()).unwrap_or(0.0);
            powers.push(asked.clamp(
                -charge_possible_w(battery, self.stored_wh[number], hours),
                discharge_possible_w(battery, self.stored_wh[number], hours, 0.0),
            ));
        }
        sun::fit_inverter(problem, slot, &mut powers);
        for (number, (power, asked_w)) in powers.iter().zip(asked_w).enumerate() {
            if (power - asked_w).abs() > TOLERANCE_W {
                let (battery, asked_w, power_w) = (number, *asked_w, *power);
                self.violations.push(Violation::Clipped { slot: index, battery, asked_w, power_w });
            }
        }
        for (number, battery) in problem.batteries.iter().enumerate() {
            self.stored_wh[number] = next_wh(battery, self.stored_wh[number], powers[number], hours);
        }
        let used = sun::used(problem, slot, powers.iter().sum());
        let wear = powers.iter().zip(&problem.batteries);
        let outcome = SlotOutcome {
            span: slot.span,
            grid_w: used.grid_w,
            pv_w: used.pv_w,
            cost_eur: sun::cost_eur(slot, used.grid_w),
            wear_eur: wear.map(|(power, it)| power.max(0.0) * it.wear_eur_kwh).sum::<f64>() * hours / 1000.0,
            soc_wh: self.stored_wh.clone(),
            battery_w: powers,
        };
        outcome::judge(problem, index, &outcome, &mut self.violations);
        self.done.push(outcome);
    }

    /// The end of the walk, after the last slot.
    pub(crate) fn arrive(self) -> Outcome {
        Outcome::of(self.problem, self.done, self.violations)
    }
}

/// The most that a battery takes in a slot, W, given what is in it at the start: by its limit, its room and its taper,
/// which counts with the state of charge at the slot's end.
pub(crate) fn charge_possible_w(battery: &Battery, stored_wh: f64, hours: f64) -> f64 {
    let rested_wh = stored_wh * battery.kept(hours);
    let room = ((battery.capacity_wh - rested_wh) / (battery.eff_charge * hours)).max(0.0);
    charge_allowed_w(battery, stored_wh, hours).min(room)
}

/// The same, however little room there is: by its limit and its taper.
pub(crate) fn charge_allowed_w(battery: &Battery, stored_wh: f64, hours: f64) -> f64 {
    let rested_wh = stored_wh * battery.kept(hours);
    let gain = battery.eff_charge * hours;
    let tapered = battery
        .taper_lines()
        .map(|(at_zero, fall)| (at_zero - fall * rested_wh) / (1.0 + fall * gain))
        .fold(f64::INFINITY, f64::min);
    battery.charge_limit_w().min(tapered.max(0.0))
}

/// The most that a battery gives in a slot, W, until no more than `floor_wh` is in it.
pub(crate) fn discharge_possible_w(battery: &Battery, stored_wh: f64, hours: f64, floor_wh: f64) -> f64 {
    let rested_wh = stored_wh * battery.kept(hours);
    let there = ((rested_wh - floor_wh) * battery.eff_discharge / hours).max(0.0);
    battery.discharge_limit_w().min(there)
}

/// Reduces what batteries would give to what the shared inverter carries beside the sun.
pub(crate) fn fit_inverter(problem: &Problem, slot: usize, powers: &mut [f64]) {
    sun::fit_inverter(problem, &problem.slots[slot], powers);
}

/// What a slot costs if the whole bank gives `bank_w`, EUR, with the penalty for what breaks a rule.
pub(crate) fn slot_cost_eur(problem: &Problem, slot: usize, bank_w: f64) -> f64 {
    sun::least_eur(problem, &problem.slots[slot], bank_w)
}

/// What is in a battery after a slot, Wh.
fn next_wh(battery: &Battery, stored_wh: f64, power_w: f64, hours: f64) -> f64 {
    let moved = if power_w > 0.0 { power_w / battery.eff_discharge } else { power_w * battery.eff_charge };
    (stored_wh * battery.kept(hours) - moved * hours).clamp(0.0, battery.physical_wh())
}

#[cfg(test)]
mod tests;
