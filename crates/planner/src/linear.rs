//! The plan as a linear program. Convex as it is, it cannot tell a battery not to charge and discharge at once: where that
//! would pay ([`Slot::is_odd`](crate::Slot::is_odd)), the bank's and the grid's ways are fixed from outside ([`Ways`]).
//!
//! ```text
//! min  SUM h (import_price g - export_price e) + wear h d - end worth + penalties + ties
//!      pv - u + SUM d + g = load + SUM c + e                 each slot
//!      s = kept s' + eff h c - h d / eff                     each slot and battery; floor <= s <= ceiling
//! ```
//!
//! A bound is hard where resting keeps it, and soft where not, so that there is always a solution.

mod build;
mod pinned;
mod ways;

pub(crate) use ways::{BankWay, GridWay, Ways};

use std::time::Duration;

use microlp::{SolveOutcome, Variable};
use thiserror::Error;

use crate::problem::Problem;

/// Why a linear program gave nothing.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum LinearError {
    /// The solver gave up.
    #[error("the solver failed: {0}")]
    Solver(String),
    /// The time was over before anything was found.
    #[error("the solver found nothing within its time")]
    Time,
}

/// What a linear program wants of the batteries.
#[derive(Debug, Clone)]
pub(crate) struct Solved {
    /// AC power of each slot and battery, W, discharge positive.
    pub(crate) powers_w: Vec<Vec<f64>>,
    /// Slots and batteries in which it charges and discharges at once.
    pub(crate) turning: Vec<(usize, usize)>,
    /// The odd slots in which one battery charges another.
    pub(crate) opposed: Vec<usize>,
    /// The slots in which it imports and exports at once.
    pub(crate) circling: Vec<usize>,
}

/// More than this in both directions is both at once, kW.
const BOTH_KW: f64 = 1e-3;

/// Solves the problem with the given ways.
pub(crate) fn solve(problem: &Problem, ways: &Ways, limit: Duration) -> Result<Solved, LinearError> {
    let mut program = build::program(problem, ways);
    program.lp.set_time_limit(limit);
    match program.lp.solve() {
        Ok(SolveOutcome::Solution(solution)) => Ok(read(problem, &program, &solution)),
        Ok(SolveOutcome::Interrupted(_)) => Err(LinearError::Time),
        Err(error) => Err(LinearError::Solver(error.to_string())),
    }
}

fn read(problem: &Problem, program: &build::Program, solution: &microlp::Solution) -> Solved {
    let value =
        |variable: &Option<Variable>| variable.map_or(0.0, |variable| solution.var_value(variable).max(0.0));
    let mut solved = Solved {
        powers_w: Vec::with_capacity(program.slots.len()),
        turning: Vec::new(),
        opposed: Vec::new(),
        circling: Vec::new(),
    };
    for (slot, of_slot) in program.slots.iter().enumerate() {
        let flows: Vec<_> =
            of_slot.batteries.iter().map(|it| (value(&it.charge), value(&it.discharge))).collect();
        // What was asked by hand may be charged out of another battery.
        let free = || flows.iter().enumerate().filter(|(number, _)| problem.pinned(slot, *number).is_none());
        let charged: f64 = free().map(|(_, (charge, _))| charge).sum();
        let given: f64 = free().map(|(_, (_, discharge))| discharge).sum();
        let both_at_once = flows.iter().enumerate().filter(|(_, flow)| flow.0.min(flow.1) > BOTH_KW);
        solved.turning.extend(both_at_once.map(|(number, _)| (slot, number)));
        solved.opposed.extend((problem.is_odd(slot) && charged.min(given) > BOTH_KW).then_some(slot));
        let both = value(&Some(of_slot.import)).min(value(&of_slot.export)) > BOTH_KW;
        solved.circling.extend(both.then_some(slot));
        solved.powers_w.push(flows.iter().map(|(charge, discharge)| (discharge - charge) * 1000.0).collect());
    }
    solved
}
