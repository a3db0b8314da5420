//! A plan around what was asked by hand. What a battery does in a mode that is given depends on how full it is by then, which a
//! linear program cannot say: it is given the powers that the simulator finds for a plan, and those of its own plan in a second
//! round. The round that costs less is taken.

use std::time::Duration;

use ohmstead_model::BatteryMode;
use ohmstead_units::Watts;

use super::windows::optimise_in_windows;
use crate::linear::LinearError;
use crate::modes::{self, simulate_modes};
use crate::optimise::Found;
use crate::problem::{Battery, Pin, Problem};
use crate::simulate::Outcome;

/// How often powers are given. More rounds gain next to nothing.
const ROUNDS: usize = 2;
/// Powers that differ by less are the same, W.
const SAME_W: f64 = 25.0;

/// Like [`optimise_in_windows`], with what was asked by hand as it is.
pub(super) fn optimise_around_pins(
    problem: &Problem,
    slots_max: usize,
    limit: Duration,
) -> Result<Found, LinearError> {
    if !problem.has_pins() {
        return optimise_in_windows(problem, slots_max, limit);
    }
    let mut done = simulate_modes(problem, &[]);
    let mut best: Option<(f64, Found)> = None;
    // Where prices are odd one round takes several programs: a second one would take too long.
    let is_odd = (0..problem.slots.len()).any(|slot| problem.is_odd(slot));
    for _ in 0..if is_odd { 1 } else { ROUNDS } {
        let found = match (optimise_in_windows(&with_powers(problem, &done), slots_max, limit), best.take()) {
            (Ok(found), before) => {
                best = before;
                found
            }
            (Err(_), Some((_, before))) => return Ok(before),
            (Err(error), None) => return Err(error),
        };
        let next = simulate_modes(problem, &modes::modes(problem, &found.outcome));
        let (cost, is_settled) = (next.score_eur(), is_same(problem, &done, &next));
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, found));
        }
        if is_settled {
            break;
        }
        done = next;
    }
    Ok(best.expect("the first round ends with a plan or with an error").1)
}

/// The problem with a power for each slot in the place of the modes that are given.
fn with_powers(problem: &Problem, done: &Outcome) -> Problem {
    let batteries = problem.batteries.iter().enumerate().map(|(number, battery)| {
        let pinned = done.slots.iter().filter(|slot| battery.pin(slot.span).is_some());
        let pins = pinned.map(|slot| Pin { span: slot.span, mode: of_power(slot.battery_w[number]) });
        Battery { pins: pins.collect(), ..battery.clone() }
    });
    Problem { batteries: batteries.collect(), ..problem.clone() }
}

fn of_power(power_w: f64) -> BatteryMode {
    if power_w >= 1.0 {
        BatteryMode::Discharge { power: Some(Watts(power_w)) }
    } else if power_w <= -1.0 {
        BatteryMode::Charge { power: Some(Watts(-power_w)), until: None }
    } else {
        BatteryMode::Idle
    }
}

/// Whether two outcomes have the same powers wherever a mode is given.
fn is_same(problem: &Problem, left: &Outcome, right: &Outcome) -> bool {
    let slots = left.slots.iter().zip(&right.slots).enumerate();
    slots.into_iter().all(|(slot, (left, right))| {
        (0..problem.batteries.len()).all(|number| {
            problem.pinned(slot, number).is_none()
                || (left.battery_w[number] - right.battery_w[number]).abs() < SAME_W
        })
    })
}
