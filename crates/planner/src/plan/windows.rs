//! A very long time ahead, in windows: a linear program's time grows faster than its size. The whole is solved with merged slots
//! first, which says how much is to be in each battery at the end of each window; then every window is solved with its own slots.

use std::ops::Range;
use std::time::Duration;

use ohmstead_model::TimeSpan;

use crate::linear::LinearError;
use crate::optimise::{Found, optimise};
use crate::problem::{Battery, PerSlot, Problem, Slot};
use crate::simulate::simulate;

/// Like [`optimise`], with no program of more than `slots_max` slots.
pub(super) fn optimise_in_windows(
    problem: &Problem,
    slots_max: usize,
    limit: Duration,
) -> Result<Found, LinearError> {
    let slots_max = slots_max.max(2);
    let count = problem.slots.len();
    if count <= slots_max {
        return optimise(problem, limit);
    }
    let together = count.div_ceil(slots_max);
    let mut whole = optimise(&merged(problem, together), limit)?;
    let mut stored: Vec<f64> = problem.batteries.iter().map(|battery| battery.now_wh).collect();
    let mut powers_w = Vec::with_capacity(count);
    let mut start = 0;
    let window_slots = (slots_max / together).max(1) * together;
    while start < count {
        let slots = start..(start + window_slots).min(count);
        let goal =
            (slots.end < count).then(|| whole.outcome.slots[slots.end / together - 1].soc_wh.as_slice());
        let found = optimise(&window(problem, &slots, &stored, goal), limit)?;
        start = slots.end;
        let Some(last) = found.outcome.slots.last() else { break };
        stored.clone_from(&last.soc_wh);
        powers_w.extend(found.outcome.slots.into_iter().map(|slot| slot.battery_w));
    }
    whole.outcome = simulate(problem, &powers_w);
    Ok(whole)
}

/// A part of the time, with what is stored at its start and what is to be stored at its end.
fn window(problem: &Problem, slots: &Range<usize>, stored_wh: &[f64], goal_wh: Option<&[f64]>) -> Problem {
    let batteries = problem.batteries.iter().enumerate().map(|(number, battery)| Battery {
        now_wh: stored_wh[number],
        final_wh: goal_wh.map_or(battery.final_wh, |goal| Some(goal[number])),
        reserve_wh: match &battery.reserve_wh {
            PerSlot::Each(values) => PerSlot::Each(values[slots.clone()].to_vec()),
            same @ PerSlot::Constant(_) => same.clone(),
        },
        ..battery.clone()
    });
    Problem {
        slots: problem.slots[slots.clone()].to_vec(),
        batteries: batteries.collect(),
        ..problem.clone()
    }
}

/// The same time with `together` slots in one.
fn merged(problem: &Problem, together: usize) -> Problem {
    let slots = problem.slots.chunks(together).map(mean).collect();
    let batteries = problem.batteries.iter().map(|battery| Battery {
        reserve_wh: match &battery.reserve_wh {
            PerSlot::Each(values) => PerSlot::Each(values.chunks(together).map(highest).collect()),
            same @ PerSlot::Constant(_) => same.clone(),
        },
        ..battery.clone()
    });
    Problem { slots, batteries: batteries.collect(), ..problem.clone() }
}

/// One slot for several: means over their time.
fn mean(slots: &[Slot]) -> Slot {
    let span = TimeSpan::new(slots[0].span.start, slots[slots.len() - 1].span.end);
    let of = |part: fn(&Slot) -> f64| {
        slots.iter().map(|slot| part(slot) * slot.hours()).sum::<f64>() / span.hours()
    };
    Slot {
        span,
        load_w: of(|slot| slot.load_w),
        pv_w: of(|slot| slot.pv_w),
        import_price: of(|slot| slot.import_price),
        export_price: of(|slot| slot.export_price),
    }
}

fn highest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}
