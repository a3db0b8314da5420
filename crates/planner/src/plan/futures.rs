//! A plan for a time ahead that may come in several ways. The cheapest plan for the forecast is not the cheapest in the mean: it
//! fills a battery in the night for a gain of a cent, and loses fourteen where the sun would have done it. So plans are made for
//! the forecast and for some of the ways it may come, each is tried in all of them, and the cheapest in the mean is taken.

use ohmstead_model::BatteryMode;

use super::{Origin, Plan, Settings, assembled, following_plan, fresh, keep, refused};
use crate::modes::simulate_modes;
use crate::problem::{Problem, Slot};

/// A way in which load and sun may come, for each slot of a problem: both in W, not negative.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Future {
    /// What the house needs.
    pub load_w: Vec<f64>,
    /// What the sun gives.
    pub pv_w: Vec<f64>,
}

/// For so many of the futures a plan of its own is made.
const PLANNED_FOR: usize = 4;

/// Makes a plan that is cheap in the mean of several futures, or keeps an earlier one. The problem itself holds the forecast.
/// A future that is too short or no sound problem is left out; without any this is [`super::plan()`].
pub fn plan_for_futures(
    problem: &Problem,
    futures: &[Future],
    previous: Option<&Plan>,
    settings: &Settings,
) -> Plan {
    let mut futures: Vec<_> = futures.iter().filter_map(|future| come(problem, future)).collect();
    if futures.is_empty() {
        return super::plan(problem, previous, settings);
    }
    if let Err(error) = problem.check() {
        return refused(problem, error);
    }
    futures.sort_by(|left, right| needed_wh(left).total_cmp(&needed_wh(right)));
    let mean_eur = |modes: &[Vec<BatteryMode>]| {
        futures.iter().map(|future| simulate_modes(future, modes).score_eur()).sum::<f64>()
            / futures.len() as f64
    };
    let central = fresh(problem, settings);
    let mut best = (mean_eur(&central.modes), central);
    let mut challenge = |plan: Plan| {
        let cost = mean_eur(&plan.modes);
        if cost < best.0 {
            best = (cost, plan);
        }
    };
    challenge(following_plan(problem, Origin::SelfConsumption));
    for future in spread(&futures) {
        let Plan { origin, modes, .. } = fresh(future, settings);
        challenge(assembled(problem, origin, simulate_modes(problem, &modes), Some(modes)));
    }
    let (cost, fresh) = best;
    let Some(previous) = previous else { return fresh };
    let Some(modes) = keep::candidate(problem, &fresh, previous, settings) else { return fresh };
    let better = mean_eur(&modes) - cost;
    keep::decided(problem, fresh, modes, better, settings)
}

/// Some of them, evenly from those that need least to those that need most.
fn spread(sorted: &[Problem]) -> impl Iterator<Item = &Problem> {
    let count = PLANNED_FOR.min(sorted.len());
    (0..count).map(move |part| &sorted[(2 * part + 1) * sorted.len() / (2 * count)])
}

/// The problem as it may come.
fn come(problem: &Problem, future: &Future) -> Option<Problem> {
    let count = problem.slots.len();
    if future.load_w.len() < count || future.pv_w.len() < count {
        return None;
    }
    let powers = future.load_w.iter().zip(&future.pv_w);
    let slots = problem.slots.iter().zip(powers);
    let slots = slots.map(|(slot, (load_w, pv_w))| Slot { load_w: *load_w, pv_w: *pv_w, ..slot.clone() });
    let come = Problem { slots: slots.collect(), ..problem.clone() };
    come.check().ok().map(|()| come)
}

fn needed_wh(problem: &Problem) -> f64 {
    problem.slots.iter().map(|slot| slot.net_w() * slot.hours()).sum()
}
