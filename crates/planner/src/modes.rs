//! From planned powers to battery modes. Where a plan merely follows the house, the battery is left in `auto`: its inverter
//! follows the meter faster than any plan can, and a forecast is never right. Only what `auto` would not do is commanded.

mod together;
mod walk;

pub use walk::simulate_modes;

use ohmstead_model::BatteryMode;
use ohmstead_units::{Percent, Watts};

use crate::problem::Problem;
use crate::simulate::{Outcome, SlotOutcome};

/// Two powers that differ by less are the same to an inverter, W.
const SAME_W: f64 = 25.0;

/// Less is not worth giving up the simpler way, EUR.
pub(crate) const SIMPLER_EUR: f64 = 5e-3;

/// How a plan is turned into modes, the simplest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// All batteries follow the house all the time.
    Follow,
    /// All batteries do the same, as one.
    Together,
    /// Each does its own; one of which a plan wants part of what `auto` would do is in `auto` all the same: energy of a slot in which
    /// a plan stops halfway is worth as much now as later.
    Auto,
    /// The planned power for all but the one with the most left to give or take, which follows.
    Lead,
    /// The planned power wherever it is not what `auto` would do.
    Exact,
}

/// The modes that follow a plan, for each slot and battery; where something was asked by hand, that.
pub fn modes(problem: &Problem, plan: &Outcome) -> Vec<Vec<BatteryMode>> {
    let mut best = (f64::INFINITY, Vec::new());
    for modes in in_styles(problem, plan) {
        let cost = simulate_modes(problem, &modes).score_eur();
        if cost < best.0 - SIMPLER_EUR {
            best = (cost, modes);
        }
    }
    best.1
}

/// A charge that takes nothing from its beginning to its end, for the battery is fuller than it is to become, is a rest, and is
/// called that.
pub(crate) fn put_to_rest(modes: &mut [Vec<BatteryMode>], outcome: &Outcome) {
    let is_charge = |mode: &BatteryMode| matches!(mode, BatteryMode::Charge { .. });
    for number in 0..modes.first().map_or(0, Vec::len) {
        let mut slot = 0;
        while slot < modes.len() {
            let run = modes[slot..].iter().take_while(|of_slot| is_charge(&of_slot[number])).count();
            let takes = |done: &SlotOutcome| done.battery_w[number] < -1.0;
            if run > 0 && !outcome.slots[slot..slot + run].iter().any(takes) {
                modes[slot..slot + run].iter_mut().for_each(|of_slot| of_slot[number] = BatteryMode::Idle);
            }
            slot += run.max(1);
        }
    }
}

/// The modes that follow a plan in each style, the simplest first.
pub(crate) fn in_styles(problem: &Problem, plan: &Outcome) -> impl Iterator<Item = Vec<Vec<BatteryMode>>> {
    let styles = [Style::Follow, Style::Together, Style::Auto, Style::Lead, Style::Exact];
    styles.into_iter().map(|style| {
        let mut modes = of(problem, plan, style);
        problem.put_pins(&mut modes);
        modes
    })
}

/// The modes in one style.
pub(crate) fn of(problem: &Problem, plan: &Outcome, style: Style) -> Vec<Vec<BatteryMode>> {
    match style {
        Style::Follow => return vec![vec![BatteryMode::Auto; problem.batteries.len()]; plan.slots.len()],
        Style::Together => return together::of(problem, plan),
        Style::Auto | Style::Lead | Style::Exact => {}
    }
    let mut modes: Vec<Vec<BatteryMode>> = Vec::with_capacity(plan.slots.len());
    let mut stored: Vec<f64> = problem.batteries.iter().map(|battery| battery.now_wh).collect();
    for (index, slot) in plan.slots.iter().enumerate() {
        let auto = walk::auto_w(problem, index, &stored);
        let view = View { problem, index, grid_w: slot.grid_w, bank_w: slot.bank_w(), style };
        let leader = leader(problem, slot);
        let of_slot = slot.battery_w.iter().enumerate();
        modes.push(
            of_slot
                .map(|(number, power_w)| view.mode(*power_w, auto[number], leader == Some(number)))
                .collect(),
        );
        stored.clone_from(&slot.soc_wh);
    }
    set_targets(problem, plan, &mut modes);
    modes
}

/// The battery that follows where the others do not: the one that is furthest from its limit among those that move.
fn leader(problem: &Problem, slot: &SlotOutcome) -> Option<usize> {
    let left_w = |(number, power_w): (usize, &f64)| {
        let battery = &problem.batteries[number];
        let limit_w = if *power_w > 0.0 { battery.discharge_limit_w() } else { battery.charge_limit_w() };
        (number, limit_w - power_w.abs())
    };
    let moving = slot.battery_w.iter().enumerate().filter(|(_, power_w)| power_w.abs() > SAME_W);
    moving.map(left_w).max_by(|left, right| left.1.total_cmp(&right.1)).map(|(number, _)| number)
}

/// What decides about the modes of one slot.
struct View<'a> {
    problem: &'a Problem,
    index: usize,
    grid_w: f64,
    bank_w: f64,
    style: Style,
}

impl View<'_> {
    /// The mode of a battery that is to give `power_w` where it would give `auto_w` by itself.
    fn mode(&self, power_w: f64, auto_w: f64, leads: bool) -> BatteryMode {
        let net_w = self.problem.slots[self.index].net_w();
        if power_w.abs() <= SAME_W {
            return match auto_w {
                auto_w if auto_w > SAME_W => BatteryMode::Hold,
                auto_w if auto_w < -SAME_W => BatteryMode::HoldCharge,
                _ => BatteryMode::Auto,
            };
        }
        let exact = if power_w > 0.0 {
            BatteryMode::Discharge { power: Some(Watts(power_w.round())) }
        } else {
            BatteryMode::Charge { power: Some(Watts(-power_w.round())), until: None }
        };
        let beyond = if power_w > 0.0 {
            self.bank_w > net_w.max(0.0) + SAME_W
        } else {
            self.bank_w < net_w.min(0.0) - SAME_W
        };
        let follows = self.grid_w.abs() <= SAME_W || (power_w - auto_w).abs() <= SAME_W;
        match self.style {
            _ if beyond => exact,
            Style::Exact if !follows => exact,
            Style::Lead if !(follows && leads) => exact,
            _ => BatteryMode::Auto,
        }
    }
}

/// Charging ends at the state of charge that the plan has at the end of the run.
fn set_targets(problem: &Problem, plan: &Outcome, modes: &mut [Vec<BatteryMode>]) {
    for (number, battery) in problem.batteries.iter().enumerate() {
        let mut target = None;
        for (index, of_slot) in modes.iter_mut().enumerate().rev() {
            let BatteryMode::Charge { until, .. } = &mut of_slot[number] else {
                target = None;
                continue;
            };
            let end_wh = plan.slots[index].soc_wh[number];
            let percent = *target.get_or_insert((end_wh / battery.capacity_wh * 100.0 - 1e-6).ceil());
            *until = Some(Percent(percent.clamp(0.0, 100.0)));
        }
    }
}
#[cfg(test)]
mod tests;
