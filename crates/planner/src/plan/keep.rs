//! An earlier plan is kept while a new one is hardly better: a plan that changes every few minutes is trusted by nobody.

use ohmstead_model::BatteryMode;

use super::{Origin, Plan, Tuning, assembled};
use crate::modes::simulate_modes;
use crate::problem::Problem;

/// The new plan, or the earlier one's modes on the new problem where they are as good. Compared is what will be done: modes with
/// modes, by time and by the batteries' names.
pub(super) fn or_keep(problem: &Problem, fresh: Plan, previous: &Plan, tuning: &Tuning) -> Plan {
    let Some(modes) = candidate(problem, &fresh, previous, tuning) else { return fresh };
    let better = simulate_modes(problem, &modes).score_eur() - fresh.in_modes.score_eur();
    decided(problem, fresh, modes, better, tuning)
}

/// The modes that might be kept, if there are any and they differ from the new ones.
pub(super) fn candidate(
    problem: &Problem,
    fresh: &Plan,
    previous: &Plan,
    tuning: &Tuning,
) -> Option<Vec<Vec<BatteryMode>>> {
    if matches!(previous.origin, Origin::Fallback(_)) || !tuning.keep_within_eur.is_finite() {
        return None;
    }
    let mut modes = carried_over(problem, fresh, previous)?;
    problem.put_pins(&mut modes);
    (modes != fresh.modes).then_some(modes)
}

/// The new plan if it is `better` by enough, EUR, and else one with the modes that are kept.
pub(super) fn decided(
    problem: &Problem,
    fresh: Plan,
    modes: Vec<Vec<BatteryMode>>,
    better: f64,
    tuning: &Tuning,
) -> Plan {
    if better >= tuning.keep_within_eur {
        return fresh;
    }
    let outcome = simulate_modes(problem, &modes);
    Plan {
        in_windows: fresh.in_windows,
        ..assembled(problem, Origin::Kept(better.max(0.0)), outcome, Some(modes))
    }
}

/// The earlier modes at the new slots' starts, and the new ones after the earlier plan's end and where the earlier mode was asked
/// by hand: that may have been taken back. `None` if the earlier plan says nothing about the first slot, or is for other batteries.
fn carried_over(problem: &Problem, fresh: &Plan, previous: &Plan) -> Option<Vec<Vec<BatteryMode>>> {
    previous.slot_at(problem.slots.first()?.span.start)?;
    let places: Option<Vec<_>> = fresh.batteries.iter().map(|name| place(previous, name)).collect();
    let places = places?;
    let of_slot = |(index, slot): (usize, &crate::Slot)| match previous.slot_at(slot.span.start) {
        Some(earlier) => places
            .iter()
            .enumerate()
            .map(|(number, place)| {
                let earlier =
                    (!previous.by_hand[earlier][*place]).then_some(&previous.modes[earlier][*place]);
                earlier.unwrap_or(&fresh.modes[index][number]).clone()
            })
            .collect(),
        None => fresh.modes[index].clone(),
    };
    Some(problem.slots.iter().enumerate().map(of_slot).collect())
}

fn place(plan: &Plan, name: &str) -> Option<usize> {
    plan.batteries.iter().position(|battery| battery == name)
}
