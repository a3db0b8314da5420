//! The batteries of a plan: what their devices tell, and what the configuration says instead.

use ohmstead_model::{DeviceId, DeviceState, Metric, Moment, Role, Snapshot};
use ohmstead_planner::settings::{BatterySettings, Settings};
use ohmstead_planner::{Battery, PerSlot};

use super::lack::Lack;

/// What a battery can take or give where nobody says, as a part of its capacity per hour: half, which every home battery can.
const POWER_OF_CAPACITY: f64 = 0.5;

/// A battery of the plan, with its device.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) device: DeviceId,
    /// Whether the plan may steer it.
    pub(crate) acts: bool,
    pub(crate) battery: Battery,
}

/// The batteries that can be planned for, and what is missing of the others or guessed.
pub(crate) fn bank(snapshot: &Snapshot, now: Moment, settings: &Settings) -> (Vec<Member>, Vec<Lack>) {
    let (mut members, mut missing) = (Vec::new(), Vec::new());
    let batteries = snapshot.devices().filter(|device| device.info.roles.contains(&Role::Battery));
    for device in batteries {
        match member(device, now, settings) {
            Ok((member, guessed)) => {
                members.push(member);
                missing.extend(guessed);
            }
            Err(why) => missing.push(why),
        }
    }
    (members, missing)
}

fn member(device: &DeviceState, now: Moment, settings: &Settings) -> Result<(Member, Option<Lack>), Lack> {
    let id = &device.info.id;
    let said = settings.battery(id);
    let told = |metric| device.number(metric, now).ok().filter(|value| *value > 0.0 && value.is_finite());
    let capacity_wh = said.capacity.map(|capacity| capacity.0).or_else(|| told(Metric::BatteryCapacity));
    let Some(capacity_wh) = capacity_wh else {
        return Err(Lack::CapacityUnknown { device: id.clone() });
    };
    let soc = device.number(Metric::BatterySoc, now).ok().filter(|soc| soc.is_finite());
    let Some(soc) = soc else {
        return Err(Lack::SocUnknown { device: id.clone() });
    };
    let (charge_w, discharge_w) = (
        said.charge_max.map(|power| power.0).or_else(|| told(Metric::BatteryChargePowerMax)),
        said.discharge_max.map(|power| power.0).or_else(|| told(Metric::BatteryDischargePowerMax)),
    );
    let usual_w = capacity_wh * POWER_OF_CAPACITY;
    // A limit of nothing is told by one that is full, empty or cold: that passes, and says nothing of the hours to come.
    let is_told = |limit_w: Option<f64>, metric| {
        limit_w.is_some() || device.number(metric, now).is_ok_and(|limit_w| limit_w == 0.0)
    };
    let are_told = is_told(charge_w, Metric::BatteryChargePowerMax)
        && is_told(discharge_w, Metric::BatteryDischargePowerMax);
    let guessed = (!are_told).then(|| Lack::PowerGuessed { device: id.clone(), power_w: usual_w });
    let battery = Battery {
        name: id.to_string(),
        capacity_wh,
        now_wh: capacity_wh * soc.clamp(0.0, 100.0) / 100.0,
        charge_max_w: charge_w.unwrap_or(usual_w),
        discharge_max_w: discharge_w.unwrap_or(usual_w),
        available: device.is_online(),
        ..of_settings(&said, settings, capacity_wh)
    };
    let acts = settings.acts() && settings.devices.contains(id) && !device.info.modes.is_empty();
    Ok((Member { device: id.clone(), acts, battery }, guessed))
}

/// What the configuration alone decides.
fn of_settings(said: &BatterySettings, settings: &Settings, capacity_wh: f64) -> Battery {
    let one_way = (said.efficiency.0 / 100.0).sqrt();
    let share = |share: f64| capacity_wh * share / 100.0;
    Battery {
        min_wh: share(said.min.map_or(0.0, |min| min.0)),
        max_wh: share(said.max.map_or(100.0, |max| max.0)),
        reserve_wh: PerSlot::Constant(share(settings.reserve.0)),
        eff_charge: one_way,
        eff_discharge: one_way,
        wear_eur_kwh: said.wear.per_kwh,
        may_charge_from_grid: said.grid_charge,
        ..Battery::default()
    }
}

#[cfg(test)]
mod tests;
