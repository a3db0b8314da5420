//! The search for the cheapest powers. A linear program finds them exactly while energy is worth something; where it pays to
//! waste energy or to turn it in a circle, two ways are gone and what the simulator finds cheaper is taken: the ways of a dynamic
//! program, and those that the linear program itself leans to. Both end in a linear program with fixed ways.

use std::time::Duration;

use crate::dynamic;
use crate::linear::{self, LinearError, Solved, Ways};
use crate::problem::Problem;
use crate::simulate::{Outcome, simulate};

/// How a plan was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// One linear program: the optimum.
    Linear,
    /// Ways of the linear program's net powers, then a linear program.
    TwoLinear,
    /// Ways of a dynamic program over the whole bank, then a linear program.
    Dynamic,
    /// One of these, with the ways of single slots turned.
    Turned,
}

/// What was found.
pub(crate) struct Found {
    pub(crate) method: Method,
    pub(crate) outcome: Outcome,
    ways: Ways,
}

/// How often opposed slots are fixed before giving up.
const REPAIRS: usize = 4;
/// How many turned slots are tried in a problem of [`TRIES_AT`] slots and batteries multiplied; larger ones have fewer, as a
/// linear program's time grows with the power of 1.5 of its size.
const TRIES: f64 = 2.0;
const TRIES_AT: f64 = 192.0;
/// Less is no improvement, EUR.
const LEAST_GAIN_EUR: f64 = 1e-5;

/// The cheapest powers that were found, walked by the simulator.
pub(crate) fn optimise(problem: &Problem, limit: Duration) -> Result<Found, LinearError> {
    let free = Ways::free(problem);
    if !(0..problem.slots.len()).any(|slot| problem.is_odd(slot)) {
        return found(problem, Method::Linear, free, limit);
    }
    let mut best = best_ways(problem, &free, limit)?;
    improve(problem, &mut best, limit);
    Ok(best)
}

/// The better of the two ways that there are.
fn best_ways(problem: &Problem, free: &Ways, limit: Duration) -> Result<Found, LinearError> {
    let leaning = linear::solve(problem, free, limit)
        .map(|solved| solved.leaning(problem))
        .and_then(|ways| found(problem, Method::TwoLinear, ways, limit));
    let Some(ways) = dynamic::ways(problem) else { return leaning };
    let path = found(problem, Method::Dynamic, ways, limit);
    match (leaning, path) {
        (Ok(leaning), Ok(path)) if leaning.outcome.score_eur() < path.outcome.score_eur() => Ok(leaning),
        (leaning, path) => path.or(leaning),
    }
}

/// Turns the ways of single slots while that pays and as long as it takes no more time than a few large programs: those slots
/// first in which the bank rests, for the choice is least founded there.
fn improve(problem: &Problem, best: &mut Found, limit: Duration) {
    let mut slots: Vec<_> = (0..problem.slots.len()).filter(|slot| problem.is_odd(*slot)).collect();
    slots.sort_by(|left, right| {
        let moved = |slot: usize| best.outcome.slots[slot].bank_w().abs();
        moved(*left).total_cmp(&moved(*right))
    });
    let size = (problem.slots.len() * problem.batteries.len()).max(1) as f64;
    let mut tries = TRIES * (TRIES_AT / size).powf(1.5);
    for slot in slots {
        for ways in best.ways.turned(slot) {
            tries -= 1.0;
            if tries < 0.0 {
                return;
            }
            let Ok(found) = found(problem, Method::Turned, ways, limit) else { continue };
            if found.outcome.score_eur() < best.outcome.score_eur() - LEAST_GAIN_EUR {
                *best = found;
            }
        }
    }
}

/// Solves with the given ways, and again with more of them fixed while anything goes both ways at once.
fn found(problem: &Problem, method: Method, mut ways: Ways, limit: Duration) -> Result<Found, LinearError> {
    let mut solved = linear::solve(problem, &ways, limit)?;
    for _ in 0..REPAIRS {
        if solved.is_possible() {
            break;
        }
        solved.fix(problem, &mut ways);
        solved = linear::solve(problem, &ways, limit)?;
    }
    Ok(Found { method, outcome: simulate(problem, &solved.powers_w), ways })
}

impl Solved {
    /// The ways of its net powers, in all odd slots.
    fn leaning(&self, problem: &Problem) -> Ways {
        let bank: Vec<_> = self.powers_w.iter().map(|powers| powers.iter().sum()).collect();
        Ways::of_powers(problem, &bank)
    }

    /// Whether nothing goes both ways at once.
    fn is_possible(&self) -> bool {
        self.turning.is_empty() && self.opposed.is_empty() && self.circling.is_empty()
    }

    /// Fixes the ways of what goes both ways.
    fn fix(&self, problem: &Problem, ways: &mut Ways) {
        for (slot, battery) in &self.turning {
            ways.fix_battery(*slot, *battery, self.powers_w[*slot][*battery]);
        }
        for slot in self.opposed.iter().chain(&self.circling) {
            ways.fix(problem, *slot, self.powers_w[*slot].iter().sum());
        }
    }
}
