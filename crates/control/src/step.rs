//! One cycle of control.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use ohmstead_model::{BatteryMode, DeviceId, Moment, Role, Snapshot};
use ohmstead_tariff::tempo::{Colours, PriceTable};

use crate::{
    Desired, Override, Proposal, Verdict, arbiter, limiter, plan, rotation, safety, schedule, tempo,
};

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
    /// The groups of batteries that take turns.
    pub rotation: rotation::Settings,
    /// What is done before dear days of the Tempo tariff; `None` where the configuration says nothing of it.
    pub tempo: Option<tempo::Settings>,
}

/// What a cycle looks at. It does not change during the cycle.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What is known.
    pub snapshot: &'a Snapshot,
    /// What was asked by hand and has not ended, one for each device that counts now.
    pub overrides: &'a [Override],
    /// The modes that devices are known to be in because they were read back after a write.
    pub confirmed: &'a BTreeMap<DeviceId, BatteryMode>,
    /// What was planned for batteries that may be steered by a plan.
    pub plan: Option<&'a plan::Plan>,
    /// The Tempo tariff: the colours that were told, and the prices.
    pub tempo: Option<Tariff<'a>>,
}

/// What is known of the Tempo tariff.
#[derive(Debug, Clone, Copy)]
pub struct Tariff<'a> {
    /// The colours that were told.
    pub colours: &'a Colours,
    /// The prices of the contract.
    pub prices: &'a PriceTable,
}

/// What the proposers remember from one cycle to the next.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// The limits of the site.
    pub limiter: limiter::State,
    /// Whose turn it is.
    pub rotation: rotation::State,
}

/// What a cycle decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Cycle {
    /// What to remember.
    pub state: State,
    /// What every device should do now. Devices of which nobody wants anything are in it too, for they are to be left
    /// alone.
    pub desired: Vec<Desired>,
    /// How the limits are doing, and what is wrong with the rotation.
    pub verdicts: Vec<Verdict>,
}

/// One cycle.
pub fn step(state: &State, inputs: Inputs<'_>, now: Moment, settings: &Settings) -> Cycle {
    let mut proposals: BTreeMap<DeviceId, Vec<Proposal>> = BTreeMap::new();
    let (limiter, limited, limits) = limiter::step(&state.limiter, inputs.snapshot, now, &settings.limits);
    let overrides = inputs.overrides.iter().filter(|asked| asked.counts(now)).map(Override::propose);
    let scheduled =
        schedule::propose(inputs.snapshot, now, &settings.time_zone, &settings.schedule, &settings.holidays);
    let planned = plan::propose(inputs.plan, inputs.snapshot, now, &settings.rotation);
    let asked: Vec<_> =
        overrides.chain(planned).chain(before_dear_days(inputs, now, settings)).chain(scheduled).collect();
    let taken = asked.iter().map(|proposal| proposal.device.clone()).collect();
    let (rotation, turns, found) = rotate(state, inputs, &taken, now, settings);
    for proposal in limited.into_iter().chain(asked).chain(turns) {
        proposals.entry(proposal.device.clone()).or_default().push(proposal);
    }
    let decide = |device: &ohmstead_model::DeviceState| {
        let id = &device.info.id;
        let mut proposals = proposals.remove(id).unwrap_or_default();
        // What the battery allows is asked of the wish as it was made.
        let safe = safety::propose(device, &proposals, now);
        limiter::make_room(device, &mut proposals, now);
        proposals.extend(safe);
        let mut desired = arbiter::decide(id, proposals, &device.info.modes);
        if desired.chosen == Some(crate::Who::Override) {
            let mut counting = inputs.overrides.iter().filter(|asked| asked.counts(now));
            desired.ends = counting.find(|asked| asked.device == *id).map(|asked| asked.ends);
        }
        desired
    };
    let desired = inputs.snapshot.devices().map(std::convert::AsRef::as_ref).map(decide).collect();
    let limits = limits.into_iter().map(Verdict::Limiter);
    let verdicts = limits.chain(found.into_iter().map(Verdict::Rotation)).collect();
    Cycle { state: State { limiter, rotation }, desired, verdicts }
}

fn before_dear_days(inputs: Inputs<'_>, now: Moment, settings: &Settings) -> Vec<Proposal> {
    let (Some(tempo), Some(Tariff { colours, prices })) = (&settings.tempo, inputs.tempo) else {
        return Vec::new();
    };
    let Inputs { snapshot, confirmed, .. } = inputs;
    tempo::propose(tempo::View { snapshot, confirmed, colours, prices }, now, tempo)
}

/// The rotation, which does without the devices that are `taken`.
fn rotate(
    state: &State,
    inputs: Inputs<'_>,
    taken: &BTreeSet<DeviceId>,
    now: Moment,
    settings: &Settings,
) -> (rotation::State, Vec<Proposal>, Vec<rotation::Verdict>) {
    let Inputs { snapshot, confirmed, .. } = inputs;
    let (time_zone, holidays) = (&settings.time_zone, &settings.holidays);
    let view = rotation::View { snapshot, confirmed, taken, time_zone, holidays };
    rotation::step(&state.rotation, view, now, &settings.rotation)
}

/// Whether a device is one that modes can be asked of.
pub(crate) fn is_battery(device: &ohmstead_model::DeviceState) -> bool {
    device.info.roles.contains(&Role::Battery)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ohmstead_model::{DeviceInfo, DeviceState, Metric, Observed, Online, UnixMillis, Value};

    use super::*;
    use crate::Who;

    fn house(now: Moment) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (name, soc) in [("a", 80.0), ("b", 40.0)] {
            let mut info = DeviceInfo::new(name.parse().unwrap(), "test", "nowhere");
            info.roles = vec![Role::Battery];
            let mut device = DeviceState::new(Arc::new(info));
            device.online = Online::Yes(now);
            let observed = Observed { observation: Ok(Value::Number(soc)), at: now };
            device.values.insert(Metric::BatterySoc, observed);
            snapshot.insert(device);
        }
        snapshot
    }

    #[test]
    fn a_battery_that_was_asked_for_something_by_hand_loses_its_turn() {
        let group = serde_saphyr::from_str("{ batteries: [a, b] }").unwrap();
        let settings = Settings {
            limits: limiter::Settings::default(),
            time_zone: TimeZone::UTC,
            schedule: Vec::new(),
            holidays: schedule::Holidays::default(),
            rotation: vec![("day".to_owned(), group)],
            tempo: None,
        };
        let now = Moment::default();
        let (snapshot, confirmed) = (house(now), BTreeMap::new());
        let asked = Override {
            device: "a".parse().unwrap(),
            mode: BatteryMode::Idle,
            asked_by: "cli".to_owned(),
            since: UnixMillis(0),
            ends: UnixMillis(60_000),
            asked_at: None,
        };
        let cycle = |overrides: &[Override]| {
            let inputs =
                Inputs { snapshot: &snapshot, overrides, confirmed: &confirmed, plan: None, tempo: None };
            let cycle = step(&State::default(), inputs, now, &settings);
            let chosen = |desired: &Desired| (desired.mode.clone(), desired.chosen);
            cycle.desired.iter().map(chosen).collect::<Vec<_>>()
        };
        let (auto, idle) = (Some(BatteryMode::Auto), Some(BatteryMode::Idle));
        let rotation = Some(Who::Rotation);
        assert_eq!(cycle(&[]), [(auto.clone(), rotation), (idle.clone(), rotation)]);
        assert_eq!(cycle(&[asked]), [(idle, Some(Who::Override)), (auto, rotation)]);
    }
}
