//! What a limit is judged by.

use std::sync::Arc;

use ohmstead_model::{DeviceState, Metric, Moment, Phase, Role, Snapshot, Unknown};
use ohmstead_units::Watts;

use super::{Limit, Name};

const GRID_PHASES: [Metric; 3] = [Metric::GridPowerL1, Metric::GridPowerL2, Metric::GridPowerL3];
const LOAD_PHASES: [Metric; 3] = [Metric::LoadPowerL1, Metric::LoadPowerL2, Metric::LoadPowerL3];

/// The limited power, and the moment of the oldest value in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured {
    pub(super) power: Watts,
    pub(super) at: Moment,
}

/// The limited power in the direction that the limit's name says; that of the greatest phase with `per_phase`.
pub(super) fn measure(
    name: Name,
    limit: &Limit,
    snapshot: &Snapshot,
    now: Moment,
) -> Result<Measured, Unknown> {
    match name {
        Name::MultiOutput => of_devices(name, limit, Metric::InverterPower, snapshot, now),
        Name::BatteryDischarge => of_devices(name, limit, Metric::BatteryPower, snapshot, now),
        Name::FeedIn => grid(limit, -1.0, snapshot, now),
        Name::GridImport => grid(limit, 1.0, snapshot, now),
    }
}

/// The devices that a limit is about.
pub(super) fn devices<'a>(
    name: Name,
    limit: &'a Limit,
    snapshot: &'a Snapshot,
) -> impl Iterator<Item = &'a Arc<DeviceState>> {
    let role = if name == Name::MultiOutput { Role::Inverter } else { Role::Battery };
    let is_meant = move |device: &&Arc<DeviceState>| {
        let info = &device.info;
        info.roles.contains(&role) && limit.devices.as_ref().is_none_or(|meant| meant.contains(&info.id))
    };
    snapshot.devices().filter(is_meant)
}

/// On how many phases a device shows values; `None` where it shows none.
pub(super) fn phases_shown(device: &DeviceState, now: Moment) -> Option<usize> {
    let of =
        |metrics: [Metric; 3]| metrics.iter().filter(|metric| device.number(**metric, now).is_ok()).count();
    [of(GRID_PHASES), of(LOAD_PHASES)].into_iter().find(|count| *count > 0)
}

fn of_devices(
    name: Name,
    limit: &Limit,
    metric: Metric,
    snapshot: &Snapshot,
    now: Moment,
) -> Result<Measured, Unknown> {
    let mut at = now;
    let mut phases = [0.0; 3];
    let mut count = 0;
    for device in devices(name, limit, snapshot) {
        let phase = match device.info.phase {
            _ if !limit.per_phase => 0,
            Some(Phase::L1) => 0,
            Some(Phase::L2) => 1,
            Some(Phase::L3) => 2,
            None => {
                let text = format!(
                    "{metric} of each phase ({} tells the sum only, and has no `phase`)",
                    device.info.id
                );
                return Err(Unknown::missing(text));
            }
        };
        let (power, told) = number(device, metric, now)?;
        phases[phase] += power;
        at = older(at, told);
        count += 1;
    }
    if count == 0 {
        return Err(Unknown::missing(format!("no device reports {metric}")));
    }
    let unused = if limit.per_phase { f64::NEG_INFINITY } else { 0.0 };
    let greatest = phases.into_iter().fold(unused, f64::max);
    let power = if limit.per_phase { greatest } else { phases[0] };
    Ok(Measured { power: Watts(power), at })
}

/// The exchange with the grid; `direction` is 1 for import. As the meter tells it, whose values have their own age; where
/// there is no meter, as the house computes it.
fn grid(limit: &Limit, direction: f64, snapshot: &Snapshot, now: Moment) -> Result<Measured, Unknown> {
    let read = |device: &Arc<DeviceState>| {
        if limit.per_phase { greatest_phase(device, direction, now) } else { total(device, direction, now) }
    };
    let meters = snapshot.devices().filter(|device| device.info.roles.contains(&Role::GridMeter));
    let freshest = meters.filter_map(|device| read(device).ok()).max_by_key(|measured| measured.at.mono);
    match (freshest, snapshot.device("site")) {
        (Some(measured), _) => Ok(measured),
        (None, _) if limit.per_phase => Err(Unknown::missing("no grid meter tells the power of each phase")),
        (None, Some(site)) => total(site, direction, now),
        (None, None) => Err(Unknown::missing("no grid meter answers")),
    }
}

fn total(device: &Arc<DeviceState>, direction: f64, now: Moment) -> Result<Measured, Unknown> {
    let (power, at) = number(device, Metric::GridPower, now)?;
    Ok(Measured { power: Watts(power * direction), at })
}

fn greatest_phase(device: &Arc<DeviceState>, direction: f64, now: Moment) -> Result<Measured, Unknown> {
    let known = GRID_PHASES.iter().filter_map(|metric| number(device, *metric, now).ok());
    let powers: Vec<_> = known.collect();
    let greatest = powers.iter().map(|(power, _)| power * direction).reduce(f64::max);
    let power = Watts(greatest.ok_or_else(|| Unknown::missing("grid power of each phase"))?);
    Ok(Measured { power, at: powers.iter().fold(now, |at, (_, told)| older(at, *told)) })
}

fn number(device: &DeviceState, metric: Metric, now: Moment) -> Result<(f64, Moment), Unknown> {
    let named = |why: Unknown| Unknown::missing(format!("{metric} of {} ({why})", device.info.id));
    let known = device.value(metric, now).map_err(named)?;
    let number = known.value.number().filter(|number| number.is_finite());
    Ok((number.ok_or_else(|| named(Unknown::NotReported))?, known.at))
}

fn older(one: Moment, other: Moment) -> Moment {
    if other.mono < one.mono { other } else { one }
}
