//! A second battery that charges while power is fed in, though the active one is not full: it takes no more.

use super::settings::Group;
use super::sight::{Battery, Sight, emptiest};
use super::state::{GroupState, Running};

/// Begins or ends it.
pub(super) fn advance(state: &mut GroupState, sight: &Sight<'_>, group: &Group) {
    let discharges = active(state, sight)
        .and_then(|active| active.power)
        .is_some_and(|power| power.power > group.overflow.stop_import.0);
    // The active one hides what is missing by giving it: from one battery into the other is only loss.
    let missing = discharges || sight.imports(group.overflow.stop_import.0);
    state.timers.overflow_end.track(missing && state.overflow.is_some(), sight.now);
    let Some(running) = state.overflow.clone() else { return start(state, sight, group) };
    if ends(state, &running, sight, group) {
        state.overflow = None;
        state.overflowed = Some(sight.now);
    }
}

fn active<'s, 'a>(state: &GroupState, sight: &'s Sight<'a>) -> Option<&'s Battery<'a>> {
    state.active.as_ref().and_then(|active| sight.battery(&active.battery))
}

fn start(state: &mut GroupState, sight: &Sight<'_>, group: &Group) {
    let Some(active) = active(state, sight).filter(|battery| battery.available) else { return };
    // A pause between two: with clouds the battery would be told something new every two minutes.
    let lately = state.overflowed.is_some_and(|ended| sight.now.since(ended) < group.lock.0);
    let room = active.soc.is_some_and(|soc| soc < group.full.0);
    let exports = state.timers.export.lasts(group.overflow.after.0, sight.now);
    if !group.overflow.enabled || state.switch.is_some() || lately || !room || !exports {
        return;
    }
    let others = sight.candidates().filter(|(battery, soc)| battery.id != active.id && *soc < group.full.0);
    if let Some((battery, _)) = emptiest(others) {
        state.overflow = Some(Running { battery: battery.id.clone(), since: sight.now });
    }
}

fn ends(state: &GroupState, running: &Running, sight: &Sight<'_>, group: &Group) -> bool {
    let may = sight.candidates().any(|(battery, soc)| *battery.id == running.battery && soc < group.full.0);
    let has_its_turn = state.active.as_ref().is_some_and(|active| active.battery == running.battery)
        || state.switch.as_ref().is_some_and(|switch| switch.to == running.battery);
    !may || has_its_turn
        || sight.grid.is_none()
        || sight.now.since(running.since) >= group.overflow.lasting.0
        || state.timers.overflow_end.lasts(group.overflow.stop_after.0, sight.now)
}
