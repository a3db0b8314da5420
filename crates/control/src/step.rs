//! One cycle of control.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use ohmstead_model::{DeviceId, Moment, Role, Snapshot};

use crate::{Desired, Override, Proposal, arbiter, limiter, schedule};

/// What the configuration says about control.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The zone of civil times.
    pub time_zone: TimeZone,
    /// The rules of civil time, in the order of the file.
    pub schedule: Vec<schedule::Rule>,
    /// The site's holidays.
    pub holidays: schedule::Holidays,
    /// The limits of the site.
    pub limits: limiter::Settings,
}

/// What a cycle looks at. It does not change during the cycle.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What is known.
    pub snapshot: &'a Snapshot,
    /// What was asked by hand and has not ended.
    pub overrides: &'a [Override],
}

/// What the proposers remember from one cycle to the next.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// The limits of the site.
    pub limiter: limiter::State,
}

/// What a cycle leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct Cycle {
    /// What to remember.
    pub state: State,
    /// What every device should do now. Those of which nobody wants anything are in it too, for they are to be left alone.
    pub desired: Vec<Desired>,
    /// How the limits are doing.
    pub verdicts: Vec<limiter::Verdict>,
}

/// The next cycle.
pub fn step(state: &State, inputs: Inputs<'_>, now: Moment, settings: &Settings) -> Cycle {
    let mut proposals: BTreeMap<DeviceId, Vec<Proposal>> = BTreeMap::new();
    let (limiter, limited, verdicts) = limiter::step(&state.limiter, inputs.snapshot, now, &settings.limits);
    let overrides = inputs.overrides.iter().map(Override::propose);
    let scheduled =
        schedule::propose(inputs.snapshot, now, &settings.time_zone, &settings.schedule, &settings.holidays);
    for proposal in limited.into_iter().chain(overrides).chain(scheduled) {
        proposals.entry(proposal.device.clone()).or_default().push(proposal);
    }
    let decide = |device: &ohmstead_model::DeviceState| {
        let id = &device.info.id;
        let mut desired = arbiter::decide(id, proposals.remove(id).unwrap_or_default(), &device.info.modes);
        if desired.chosen == Some(crate::Who::Override) {
            desired.ends = inputs.overrides.iter().find(|asked| asked.device == *id).map(|asked| asked.ends);
        }
        desired
    };
    let desired = inputs.snapshot.devices().map(std::convert::AsRef::as_ref).map(decide).collect();
    Cycle { state: State { limiter }, desired, verdicts }
}

/// Whether a device is one that modes can be asked of.
pub(crate) fn is_battery(device: &ohmstead_model::DeviceState) -> bool {
    device.info.roles.contains(&Role::Battery)
}
