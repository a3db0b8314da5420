//! Modes for a bank that acts as one: every battery does what the bank does, and has its part of what is commanded.

use ohmstead_model::BatteryMode;
use ohmstead_units::{Percent, Watts};

use super::{SAME_W, walk};
use crate::problem::{Battery, Problem};
use crate::simulate::{Outcome, SlotOutcome};

/// The modes of each slot and battery.
pub(super) fn of(problem: &Problem, plan: &Outcome) -> Vec<Vec<BatteryMode>> {
    let mut stored: Vec<f64> = problem.batteries.iter().map(|battery| battery.now_wh).collect();
    let mut modes = Vec::with_capacity(plan.slots.len());
    for (index, slot) in plan.slots.iter().enumerate() {
        let auto_w: f64 = walk::auto_w(problem, index, &stored).iter().sum();
        let bank_w = slot.bank_w();
        let net_w = problem.slots[index].net_w();
        let beyond = bank_w > net_w.max(0.0) + SAME_W || bank_w < net_w.min(0.0) - SAME_W;
        modes.push(match bank_w {
            bank_w if beyond && bank_w < 0.0 => charging(problem, -bank_w, target(problem, plan, index)),
            bank_w if beyond => discharging(problem, bank_w),
            bank_w if bank_w.abs() > SAME_W => all(problem, &BatteryMode::Auto),
            _ if auto_w > SAME_W => all(problem, &BatteryMode::Hold),
            _ if auto_w < -SAME_W => all(problem, &BatteryMode::HoldCharge),
            _ => all(problem, &BatteryMode::Auto),
        });
        stored.clone_from(&slot.soc_wh);
    }
    modes
}

fn all(problem: &Problem, mode: &BatteryMode) -> Vec<BatteryMode> {
    vec![mode.clone(); problem.batteries.len()]
}

fn charging(problem: &Problem, bank_w: f64, until: Percent) -> Vec<BatteryMode> {
    let charge = |power: f64| match power {
        power if power >= 1.0 => BatteryMode::Charge { power: Some(Watts(power)), until: Some(until) },
        _ => BatteryMode::HoldCharge,
    };
    shares(problem, bank_w, Battery::charge_limit_w).map(charge).collect()
}

fn discharging(problem: &Problem, bank_w: f64) -> Vec<BatteryMode> {
    let discharge = |power: f64| match power {
        power if power >= 1.0 => BatteryMode::Discharge { power: Some(Watts(power)) },
        _ => BatteryMode::Hold,
    };
    shares(problem, bank_w, Battery::discharge_limit_w).map(discharge).collect()
}

/// Whole watts in proportion to what each can do.
fn shares(problem: &Problem, bank_w: f64, limit: fn(&Battery) -> f64) -> impl Iterator<Item = f64> + '_ {
    let whole: f64 = problem.batteries.iter().map(limit).sum();
    problem.batteries.iter().map(move |battery| (bank_w * limit(battery) / whole.max(1.0)).round())
}

/// What the bank is charged to in the run of charging slots that a slot belongs to.
fn target(problem: &Problem, plan: &Outcome, slot: usize) -> Percent {
    let size: f64 = problem.batteries.iter().map(|battery| battery.capacity_wh).sum();
    let run = plan.slots[slot..].iter().take_while(|slot| slot.bank_w() < -SAME_W);
    let stored = run.last().map_or(0.0, |slot: &SlotOutcome| slot.soc_wh.iter().sum());
    Percent((stored / size * 100.0 - 1e-6).ceil().clamp(0.0, 100.0))
}
