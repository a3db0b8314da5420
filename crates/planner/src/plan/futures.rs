//! A plan for a time ahead that may come in several ways. The cheapest plan for the forecast is not the cheapest in the mean: it
//! fills a battery in the night for a gain of a cent, and loses fourteen where the sun would have done it. So plans are made for
//! the forecast and for some of the ways it may come, each is tried in all of them, and the cheapest in the mean is taken.

use ohmstead_model::BatteryMode;
use ohmstead_units::Percent;

use super::{Origin, Plan, Tuning, assembled, following_plan, found, keep, refused};
use crate::modes::{SIMPLER_EUR, in_styles, simulate_modes};
use crate::optimise::Found;
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
    tuning: &Tuning,
) -> Plan {
    let mut futures: Vec<_> = futures.iter().filter_map(|future| come(problem, future)).collect();
    if futures.is_empty() {
        return super::plan(problem, previous, tuning);
    }
    if let Err(error) = problem.check() {
        return refused(problem, error);
    }
    futures.sort_by(|left, right| needed_wh(left).total_cmp(&needed_wh(right)));
    let mean_eur = |modes: &[Vec<BatteryMode>]| {
        futures.iter().map(|future| simulate_modes(future, modes).score_eur()).sum::<f64>()
            / futures.len() as f64
    };
    let central = match found(problem, tuning) {
        Ok(found) => found,
        Err(reason) => return following_plan(problem, Origin::Fallback(reason)),
    };
    let following = following_plan(problem, Origin::SelfConsumption);
    let mut best = (mean_eur(&following.modes), following);
    let of_futures = spread(&futures).filter_map(|future| Some((future, found(future, tuning).ok()?)));
    for (known, Found { method, outcome, .. }) in std::iter::once((problem, central)).chain(of_futures) {
        // Powers that are commanded fit one future, and miss all others; so each way to put them into modes is tried.
        for modes in in_styles(known, &outcome) {
            let cost = mean_eur(&modes);
            if cost < best.0 - SIMPLER_EUR {
                let origin = Origin::Found(method);
                best = (cost, assembled(problem, origin, simulate_modes(problem, &modes), Some(modes)));
            }
        }
    }
    // What comes next is then varied by itself: it is what will be done before there is another plan.
    for modes in variations(&best.1) {
        let origin = best.1.origin.clone();
        let cost = mean_eur(&modes);
        if cost < best.0 {
            best = (cost, assembled(problem, origin, simulate_modes(problem, &modes), Some(modes)));
        }
    }
    let (cost, fresh) = best;
    let fresh = Plan { in_windows: problem.slots.len() > tuning.slots_max, ..fresh };
    let Some(previous) = previous else { return fresh };
    let Some(modes) = keep::candidate(problem, &fresh, previous, tuning) else { return fresh };
    let better = mean_eur(&modes) - cost;
    keep::decided(problem, fresh, modes, better, tuning)
}

/// The targets that are tried for the next run of charging, per cent.
const TARGETS: [f64; 9] = [20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0];

/// The modes with other targets for the next run of charging, and with the next run of holding left to the inverters. What was
/// asked by hand is not varied.
fn variations(plan: &Plan) -> Vec<Vec<Vec<BatteryMode>>> {
    let is_charge = |mode: &BatteryMode| matches!(mode, BatteryMode::Charge { .. });
    let charge_to = |target: f64| {
        changed(plan, is_charge, |mode| {
            if let BatteryMode::Charge { until, .. } = mode {
                *until = Some(Percent(target));
            }
        })
    };
    let follow = changed(plan, |mode| *mode == BatteryMode::Hold, |mode| *mode = BatteryMode::Auto);
    let no_charge = changed(plan, is_charge, |mode| *mode = BatteryMode::Auto);
    TARGETS.into_iter().filter_map(charge_to).chain(follow).chain(no_charge).collect()
}

/// The modes with a change in the first run of slots in which any is `meant`; `None` if there is none.
fn changed(
    plan: &Plan,
    meant: impl Fn(&BatteryMode) -> bool,
    change: impl Fn(&mut BatteryMode),
) -> Option<Vec<Vec<BatteryMode>>> {
    let is_meant =
        |slot: usize, number: usize| meant(&plan.modes[slot][number]) && !plan.by_hand[slot][number];
    let has = |slot: &usize| (0..plan.batteries.len()).any(|number| is_meant(*slot, number));
    let begin = (0..plan.modes.len()).find(has)?;
    let mut changed = plan.modes.clone();
    for slot in (begin..plan.modes.len()).take_while(has) {
        let of_slot = changed[slot].iter_mut().enumerate();
        of_slot.filter(|(number, _)| is_meant(slot, *number)).for_each(|(_, mode)| change(mode));
    }
    Some(changed)
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

#[cfg(test)]
mod tests {
    use ohmstead_model::{TimeSpan, UnixMillis};

    use super::*;
    use crate::{Battery, Origin};

    /// Six hours of the night at 13 ct, six of the day at 16 ct with 500 W of load.
    fn night_and_day() -> Problem {
        let slot = |hour: i64| Slot {
            span: TimeSpan::new(UnixMillis(hour * 3_600_000), UnixMillis((hour + 1) * 3_600_000)),
            load_w: if hour < 6 { 0.0 } else { 500.0 },
            pv_w: 0.0,
            import_price: if hour < 6 { 0.13 } else { 0.16 },
            export_price: 0.0,
        };
        let battery = Battery {
            capacity_wh: 3000.0,
            max_wh: 3000.0,
            charge_max_w: 3000.0,
            discharge_max_w: 3000.0,
            eff_charge: 0.95,
            eff_discharge: 0.95,
            ..Battery::default()
        };
        Problem { slots: (0..12).map(slot).collect(), batteries: vec![battery], ..Problem::default() }
    }

    fn future(problem: &Problem, pv_w: impl Fn(usize) -> f64) -> Future {
        let load_w = problem.slots.iter().map(|slot| slot.load_w).collect();
        Future { load_w, pv_w: (0..problem.slots.len()).map(pv_w).collect() }
    }

    fn charges(plan: &Plan) -> bool {
        plan.modes.iter().flatten().any(|mode| matches!(mode, BatteryMode::Charge { .. }))
    }

    #[test]
    fn a_night_is_not_bought_that_the_sun_may_give() {
        let problem = night_and_day();
        let dull = future(&problem, |_| 0.0);
        let bright = future(&problem, |slot| if slot == 6 { 4000.0 } else { 0.0 });
        let planned = |futures: &[Future]| plan_for_futures(&problem, futures, None, &Tuning::default());
        assert!(charges(&planned(&[])), "as the forecast alone says");
        assert!(charges(&planned(&[dull.clone(), dull.clone()])));
        let mixed = planned(&[dull, bright]);
        assert!(!charges(&mixed), "{:?}", mixed.modes);
    }

    #[test]
    fn a_future_that_makes_no_sense_is_left_out() {
        let problem = night_and_day();
        let tuning = Tuning::default();
        let alone = plan_for_futures(&problem, &[], None, &tuning);
        let odd = [Future::default(), future(&problem, |_| f64::NAN), future(&problem, |_| -5.0)];
        assert_eq!(plan_for_futures(&problem, &odd, None, &tuning), alone);
        let broken = Problem { export_max_w: f64::NAN, ..problem.clone() };
        let refused = plan_for_futures(&broken, &[future(&problem, |_| 0.0)], None, &tuning);
        assert!(matches!(refused.origin, Origin::Fallback(_)), "{:?}", refused.origin);
    }
}
