//! What stored energy is worth at each moment of a plan, read off the plan itself.
//!
//! An optimal plan leaves no gain on the table: where a battery discharges halfway, a stored kWh is worth exactly what it
//! saves; where it rests, at least that and at most what charging costs. Between two slots the worth stays the same (but for idle
//! loss) unless the battery is full or empty in between. Following these bounds from the end to the start and back gives the worth,
//! and where they contradict each other the plan is not optimal there and nothing is claimed. No second solve is needed.

mod bounds;

use crate::problem::Problem;
use crate::simulate::Outcome;
use bounds::Bounds;

/// Bounds that miss each other by less are taken as met: ties and rounding of the solver, EUR/kWh.
const TOLERANCE: f64 = 1e-4;
/// Nothing that is stored is worth more than so many times the dearest kWh, losses and wear and all.
const DEAREST_TIMES: f64 = 5.0;
/// That is so much at least, EUR/kWh.
const DEAREST_MIN: f64 = 0.5;
/// Nearer than this to the end of its band a battery is at it, Wh.
const AT_END_WH: f64 = 1.0;

/// What a kWh stored in each battery at each slot's end is worth, EUR; `None` where the plan does not tell.
pub fn worth(problem: &Problem, plan: &Outcome) -> Vec<Vec<Option<f64>>> {
    // Where a rule is broken the price of that stands in the bounds: it is no price of energy, and nothing is claimed.
    let prices = problem.slots.iter().flat_map(|slot| [slot.import_price, slot.export_price]);
    let dearest = prices.map(f64::abs).fold(DEAREST_MIN, f64::max) * DEAREST_TIMES;
    let sound = |worths: Vec<Option<f64>>| -> Vec<_> {
        worths.into_iter().map(|worth| worth.filter(|worth| worth.abs() <= dearest)).collect()
    };
    let of_batteries: Vec<_> =
        (0..problem.batteries.len()).map(|number| sound(of_battery(problem, plan, number))).collect();
    (0..plan.slots.len()).map(|slot| of_batteries.iter().map(|worths| worths[slot]).collect()).collect()
}

fn of_battery(problem: &Problem, plan: &Outcome, number: usize) -> Vec<Option<f64>> {
    let own: Vec<_> =
        (0..plan.slots.len()).map(|slot| bounds::of_slot(problem, plan, slot, number)).collect();
    let joints: Vec<_> = (0..plan.slots.len()).map(|slot| Joint::of(problem, plan, slot, number)).collect();
    let mut met = own.clone();
    let mut after = bounds::of_end(problem, plan, number);
    for slot in (0..own.len()).rev() {
        let pulled = joints[slot].before(after);
        met[slot] = own[slot].and(pulled).unwrap_or(Bounds::NEVER);
        after = if met[slot].is_never() { own[slot] } else { met[slot] };
    }
    let mut worths = Vec::with_capacity(own.len());
    let mut held: Option<f64> = None;
    for slot in 0..own.len() {
        let reached = match (slot.checked_sub(1).map(|before| &joints[before]), held) {
            (Some(joint), Some(worth)) => joint.after(worth),
            _ => Bounds::ANY,
        };
        let wanted = held.map(|worth| worth / joints[slot - 1].kept);
        let chosen = met[slot].and(reached).and_then(|both| both.nearest(wanted));
        worths.push(chosen);
        held = chosen;
    }
    worths
}

/// What lies between the end of a slot and the next one.
struct Joint {
    /// The part of the energy that is left after the next slot's idle loss.
    kept: f64,
    at_floor: bool,
    at_ceiling: bool,
}

impl Joint {
    fn of(problem: &Problem, plan: &Outcome, slot: usize, number: usize) -> Self {
        let battery = &problem.batteries[number];
        let stored_wh = plan.slots[slot].soc_wh[number];
        Self {
            kept: problem.slots.get(slot + 1).map_or(1.0, |next| battery.kept(next.hours())),
            at_floor: stored_wh <= battery.floor_wh(slot) + AT_END_WH,
            at_ceiling: stored_wh >= battery.ceiling_wh() - AT_END_WH,
        }
    }

    /// What the bounds of the next slot say about this one. At the floor energy is scarcer before, at the ceiling more plentiful.
    fn before(&self, next: Bounds) -> Bounds {
        Bounds {
            low: if self.at_ceiling { f64::NEG_INFINITY } else { next.low * self.kept },
            high: if self.at_floor { f64::INFINITY } else { next.high * self.kept },
        }
    }

    /// What the worth in this slot says about the next one.
    fn after(&self, worth: f64) -> Bounds {
        let same = worth / self.kept;
        Bounds {
            low: if self.at_floor { f64::NEG_INFINITY } else { same },
            high: if self.at_ceiling { f64::INFINITY } else { same },
        }
    }
}
