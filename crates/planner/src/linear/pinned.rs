//! What was asked by hand, in the linear program: the power that the simulator found for it (`plan/around.rs`) as a bound, and a
//! price on what is missing of it.

use ohmstead_model::BatteryMode;
use ohmstead_units::Watts;

use crate::problem::{Battery, Problem};

/// What a battery may do in a slot, kW.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) charge: f64,
    pub(super) discharge: f64,
    /// Whether all of it is wanted, as far as that is possible.
    pub(super) is_wanted: bool,
    /// Whether it was asked by hand: the ways of the bank are not its.
    pub(super) is_pinned: bool,
}

impl Range {
    pub(super) fn of(problem: &Problem, slot: usize, number: usize) -> Self {
        let battery = &problem.batteries[number];
        let (charge, discharge) = (battery.charge_limit_w() / 1000.0, battery.discharge_limit_w() / 1000.0);
        let Some(mode) = problem.pinned(slot, number) else {
            return Self { charge, discharge, is_wanted: false, is_pinned: false };
        };
        let power = |power: &Option<Watts>| power.map_or(f64::INFINITY, |Watts(power)| power / 1000.0);
        let (charge, discharge, is_wanted) = match mode {
            BatteryMode::Charge { power: asked, .. } => (charge.min(power(asked)), 0.0, true),
            BatteryMode::Discharge { power: asked } => (0.0, discharge.min(power(asked)), true),
            // Modes that follow the house were turned into powers before: it is at rest.
            _ => (0.0, 0.0, false),
        };
        Self { charge, discharge, is_wanted, is_pinned: true }
    }
}

/// What batteries give in a slot because it was asked by hand, kW: it may go into the grid.
pub(super) fn given_kw(problem: &Problem, slot: usize) -> f64 {
    wanted(problem, slot).map(|(_, range)| range.discharge).sum()
}

/// What batteries that must not be charged from the grid take in a slot because it was asked by hand, kW.
pub(super) fn taken_kw(problem: &Problem, slot: usize) -> f64 {
    let sun_only = |(battery, _): &(&Battery, Range)| !battery.may_charge_from_grid;
    wanted(problem, slot).filter(sun_only).map(|(_, range)| range.charge).sum()
}

fn wanted(problem: &Problem, slot: usize) -> impl Iterator<Item = (&Battery, Range)> {
    let pinned = problem.batteries.iter().enumerate().filter(|(_, battery)| !battery.pins.is_empty());
    pinned
        .map(move |(number, battery)| (battery, Range::of(problem, slot, number)))
        .filter(|(_, range)| range.is_wanted)
}
