//! Whose turn it is, and how it passes from one battery to the next: make before break.
//!
//! ```text
//!            full + export | import + a fuller one | low | lost
//!  active a ------------------------------------------------------> a and b active --overlap over, or b read back--> b
//!     ^                                                                                                             |
//!     +----------------------------- b is not there in time: a again, b is passed over for a while -----------------+
//!
//!  active --all full and exporting--> stopped (all idle) --import, or one of them has room again--> active
//! ```

use ohmstead_model::{DeviceId, Moment};

use super::settings::Group;
use super::sight::{Battery, Progress, Sight, emptiest, fullest};
use super::state::{Active, GroupState, Refusal, Switch};

/// One step of the rotation of one group. At most one change of turn per step, so that each is seen from outside.
pub(super) fn advance(state: &mut GroupState, sight: &Sight<'_>, group: &Group) {
    if let Some(switch) = state.switch.clone() {
        return progress(state, &switch, sight, group);
    }
    if state.stopped {
        return restart(state, sight, group);
    }
    let Some(active) = state.active.as_ref().map(|active| active.battery.clone()) else {
        return first(state, sight, group);
    };
    if all_full(state, sight, group) {
        state.pause();
        (state.stopped, state.switched) = (true, Some(sight.now));
    } else if let Some(from) = sight.battery(&active).filter(|battery| battery.available) {
        if let Some(to) = next(state, from, sight, group) {
            begin(state, to, Some(active), sight);
        }
    } else {
        replace(state, sight, group);
    }
}

fn begin(state: &mut GroupState, to: DeviceId, from: Option<DeviceId>, sight: &Sight<'_>) {
    state.switched = Some(sight.now);
    state.switch = Some(Switch { to, from, since: sight.now });
}

/// The first battery: one that follows the meter already, so that a restart writes nothing, else the fullest.
fn first(state: &mut GroupState, sight: &Sight<'_>, group: &Group) {
    let following =
        sight.candidates().filter(|(battery, _)| battery.is_auto(Moment::default()) == Some(true));
    match fullest(following) {
        Some((battery, _)) => {
            state.active = Some(Active { battery: battery.id.clone(), since: sight.now });
            state.switched = Some(sight.now);
        }
        None => replace(state, sight, group),
    }
}

/// Another one in place of a lost one. What failed lately is only taken where there is nothing else.
fn replace(state: &mut GroupState, sight: &Sight<'_>, group: &Group) {
    let is_fresh = |battery: &Battery<'_>| !state.has_refused(battery.id, sight.now);
    let to =
        replacement(state, sight, group, &is_fresh).or_else(|| replacement(state, sight, group, &|_| true));
    if let Some(to) = to {
        begin(state, to, None, sight);
    }
}

/// The emptiest while power is fed in, else the fullest.
fn replacement(
    state: &GroupState,
    sight: &Sight<'_>,
    group: &Group,
    may: &dyn Fn(&Battery<'_>) -> bool,
) -> Option<DeviceId> {
    let lost = state.active.as_ref().map(|active| &active.battery);
    let others = sight.candidates().filter(|(battery, _)| Some(battery.id) != lost && may(battery));
    let chosen = if sight.exports(group.export.0) { emptiest(others) } else { fullest(others) };
    chosen.map(|(battery, _)| battery.id.clone())
}

/// The battery whose turn it is after `from`, if its turn is over.
fn next(state: &GroupState, from: &Battery<'_>, sight: &Sight<'_>, group: &Group) -> Option<DeviceId> {
    let others = || {
        let others = sight.candidates().filter(|(battery, _)| battery.id != from.id);
        others.filter(|(battery, _)| !state.has_refused(battery.id, sight.now))
    };
    // A battery whose state is not known is not judged by it.
    let soc = from.soc?;
    let fuller = fullest(others()).filter(|(_, other)| *other > group.useful.0);
    let chosen = if soc < group.low.0 && fuller.is_some() && !is_being_charged(from, sight, group) {
        fuller
    } else if state.locked(group.lock.0, sight.now) {
        None
    } else if state.timers.export.lasts(group.lasting.0, sight.now) && soc >= group.full.0 {
        // Among full ones there is nothing to pass on: they would take turns for ever.
        emptiest(others()).filter(|(_, other)| *other < group.full.0)
    } else if state.timers.import.lasts(group.lasting.0, sight.now) {
        fuller.filter(|(_, other)| *other >= soc + group.difference.0)
    } else {
        None
    };
    chosen.map(|(battery, _)| battery.id.clone())
}

/// A low battery that has just got its turn because there is too much power keeps it: the fullest, to which it would hand
/// over, would hand back at once.
fn is_being_charged(battery: &Battery<'_>, sight: &Sight<'_>, group: &Group) -> bool {
    sight.exports(group.export.0) || battery.power.is_some_and(|power| power.power < 0.0)
}

/// A switch that is under way.
fn progress(state: &mut GroupState, switch: &Switch, sight: &Sight<'_>, group: &Group) {
    let progress = match sight.battery(&switch.to) {
        Some(to) => to.progress(switch.since, group.within.0, sight.now),
        None => Progress::Lost,
    };
    match progress {
        Progress::OnItsWay => {}
        Progress::There => {
            state.active = Some(Active { battery: switch.to.clone(), since: sight.now });
            state.refused.remove(&switch.to);
            (state.switch, state.switched) = (None, Some(sight.now));
        }
        Progress::Lost => give_up(state, sight, group),
        Progress::Failed => {
            let before = state.refused.get(&switch.to).copied();
            let refusal = Refusal::next(before, group.lock.0, sight.now);
            state.refused.insert(switch.to.clone(), refusal);
            give_up(state, sight, group);
        }
    }
}

/// The old one stays, or another one takes over where it is lost.
fn give_up(state: &mut GroupState, sight: &Sight<'_>, group: &Group) {
    (state.switch, state.switched) = (None, Some(sight.now));
    let stays = state.active.as_ref().and_then(|active| sight.battery(&active.battery));
    if !stays.is_some_and(|battery| battery.available) {
        replace(state, sight, group);
    }
}

/// Every battery that answers is full, and power is fed in all the same.
fn all_full(state: &GroupState, sight: &Sight<'_>, group: &Group) -> bool {
    let mut answering = sight.batteries.iter().filter(|battery| battery.available).peekable();
    state.timers.stop_export.lasts(group.lasting.0, sight.now)
        && answering.peek().is_some()
        && answering.all(|battery| battery.soc.is_some_and(|soc| soc >= group.stop.soc.0))
}

/// From rest: the fullest when power is needed, the emptiest when it has room again for what is fed in.
fn restart(state: &mut GroupState, sight: &Sight<'_>, group: &Group) {
    if state.locked(group.lock.0, sight.now) {
        return;
    }
    let with = fullest(sight.candidates()).filter(|(_, soc)| *soc > group.start.soc.0);
    let room = emptiest(sight.candidates()).filter(|(_, soc)| *soc < group.stop.soc.0 - group.difference.0);
    let chosen = if state.timers.start_import.lasts(group.start.lasting.0, sight.now) {
        with
    } else if state.timers.export.lasts(group.lasting.0, sight.now) {
        room
    } else {
        None
    };
    if let Some((battery, _)) = chosen {
        state.stopped = false;
        begin(state, battery.id.clone(), None, sight);
    }
}
