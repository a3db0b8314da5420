//! Battery rotation: of a group of batteries one follows the meter, the others rest, and the turn passes by state of charge.
//!
//! Batteries that each follow the same meter work against each other: one charges what the other discharges. So exactly one
//! of them is `auto`, and while one hands over to the next both are for a few seconds only.
//!
//! ```text
//! night?  --yes--> rest, or charge what the next day lacks
//!   no
//! share?  --yes, and it works--> a set point each
//!   no
//! turn    --> active: auto, the others: idle; a second one may charge what the active one leaves
//! ```
//!
//! What is not known never causes a switch: neither an unknown meter nor an unknown state of charge. A battery that does not
//! answer loses its turn to one that does.

mod night;
mod overflow;
mod settings;
mod share;
mod sight;
mod state;
mod turn;
mod verdict;

use std::time::Duration;

use ohmstead_model::{BatteryMode, Moment};

pub use settings::{Group, Hours, Mode, Night, Oscillation, Overflow, Share, Start, Stop};
pub use sight::View;
pub use state::State;
pub use verdict::{Finding, Verdict};

use crate::{Proposal, Reason, Who};
use sight::{Battery, Sight};
use state::GroupState;

/// The groups by name, in the order of the file.
pub type Settings = Vec<(String, Group)>;

/// How long the first turn waits for batteries that have not been asked yet.
const PATIENCE: Duration = Duration::from_secs(30);

/// What every battery of every group should do, what is wrong with the groups, and what to remember.
pub fn step(
    state: &State,
    view: View<'_>,
    now: Moment,
    groups: &[(String, Group)],
) -> (State, Vec<Proposal>, Vec<Verdict>) {
    let mut next = State::default();
    let (mut proposals, mut verdicts) = (Vec::new(), Vec::new());
    for (name, group) in groups {
        let sight = Sight::of(view, group, now);
        let mut state = state.groups.get(name).cloned().unwrap_or_default();
        let doing = advance(&mut state, view, &sight, group);
        proposals.extend(sight.batteries.iter().filter_map(|battery| {
            let (mode, reason) = wish(doing, &state, battery, &sight, group, name)?;
            Some(Proposal::wish(Who::Rotation, battery.id.clone(), mode, reason))
        }));
        verdicts.extend(verdict::judge(name, &mut state, &sight, group));
        next.groups.insert(name.clone(), state);
    }
    (next, proposals, verdicts)
}

/// What a group does in a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Too little is known to begin with.
    Waiting,
    Night,
    Sharing,
    Rotating,
}

fn advance(state: &mut GroupState, view: View<'_>, sight: &Sight<'_>, group: &Group) -> Doing {
    observe(state, sight, group);
    let begun = *state.begun.get_or_insert(sight.now);
    let all_asked = sight.batteries.iter().all(|battery| battery.asked);
    if !all_asked && state.active.is_none() && sight.now.since(begun) < PATIENCE {
        return Doing::Waiting;
    }
    if let Some((night, opened)) =
        group.night.as_ref().and_then(|night| Some((night, night.opened(view, sight.now)?)))
    {
        state.pause();
        night::plan(state, opened, sight, night);
        return Doing::Night;
    }
    state.night = None;
    if group.mode == Mode::Share && share::advance(state, sight, group) {
        state.pause();
        return Doing::Sharing;
    }
    turn::advance(state, sight, group);
    overflow::advance(state, sight, group);
    Doing::Rotating
}

/// Keeps the times for which something has been the case.
fn observe(state: &mut GroupState, sight: &Sight<'_>, group: &Group) {
    let (timers, now) = (&mut state.timers, sight.now);
    timers.export.track(sight.exports(group.export.0), now);
    timers.import.track(sight.imports(group.import.0), now);
    timers.stop_export.track(sight.exports(group.stop.export.0), now);
    timers.start_import.track(sight.imports(group.start.import.0), now);
    timers.meter_unknown.track(sight.grid.is_none(), now);
    timers.no_battery.track(sight.candidates().next().is_none(), now);
}

/// What one battery should do, and why; `None` where the group has no wish.
fn wish(
    doing: Doing,
    state: &GroupState,
    battery: &Battery<'_>,
    sight: &Sight<'_>,
    group: &Group,
    name: &str,
) -> Option<(BatteryMode, Reason)> {
    let name = name.to_owned();
    match doing {
        Doing::Waiting => None,
        Doing::Night => Some(match night::power_of(state, battery) {
            Some(power) => (charge(power), Reason::NightCharge(name)),
            None => (BatteryMode::Idle, Reason::NightRest(name)),
        }),
        Doing::Sharing => Some((share::mode_of(state, battery, group), Reason::Share(name))),
        Doing::Rotating if state.stopped => Some((BatteryMode::Idle, Reason::AllFull(name))),
        Doing::Rotating => turn_of(state, battery, sight, group, name),
    }
}

fn turn_of(
    state: &GroupState,
    battery: &Battery<'_>,
    sight: &Sight<'_>,
    group: &Group,
    name: String,
) -> Option<(BatteryMode, Reason)> {
    let active = state.active.as_ref().map(|active| &active.battery);
    let follows = match &state.switch {
        Some(switch) if switch.to == *battery.id => true,
        Some(switch) if switch.from.as_ref() == Some(battery.id) => {
            if sight.now.since(switch.since) < group.overlap.0 {
                return Some((BatteryMode::Auto, Reason::HandsOver(name)));
            }
            false
        }
        Some(_) => false,
        None if active.is_none() => return None,
        None => active == Some(battery.id),
    };
    if follows {
        return Some((BatteryMode::Auto, Reason::Turn(name)));
    }
    if state.overflow.as_ref().is_some_and(|running| running.battery == *battery.id) {
        return Some((charge(group.overflow.power), Reason::Overflow(name)));
    }
    Some((BatteryMode::Idle, Reason::NotItsTurn(name)))
}

fn charge(power: ohmstead_units::Watts) -> BatteryMode {
    BatteryMode::Charge { power: Some(power), until: None }
}
