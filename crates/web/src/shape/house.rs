//! The whole house. Its figures are computed when asked for, so that a member that went silent is missed at once.

use std::time::Duration;

use ohmstead_model::{Metric, Moment, Observation, Role, Snapshot, house};
use utoipa::ToSchema;

use super::value::{V, Values};

/// The whole house, computed from its devices.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(crate) struct House {
    /// `grid_power`, `battery_power`, `pv_power`, `load_power` and `battery_soc`. A value with a missing member is
    /// `null` and names the member in `why`. The age is that of the oldest member.
    #[schema(value_type = BTreeMap<String, V>)]
    values: Values,
}

impl House {
    pub(crate) fn new(snapshot: &Snapshot, now: Moment) -> Self {
        let value = |(metric, observation): (Metric, Observation)| {
            let at = observation.is_ok().then(|| oldest(snapshot, metric, now)).flatten();
            (metric, V::new(metric, &observation, at, now))
        };
        Self { values: Values::new(house::compute(snapshot, now).values.into_iter().map(value)) }
    }
}

/// When the oldest of the values was read that `metric` of the house is made of.
fn oldest(snapshot: &Snapshot, metric: Metric, now: Moment) -> Option<Moment> {
    let grid = || freshest(snapshot, now);
    let battery = || eldest(snapshot, Role::Battery, Metric::BatteryPower, now);
    let solar = || eldest(snapshot, Role::Pv, Metric::PvPower, now);
    match metric.id() {
        "grid_power" => grid(),
        "battery_power" => battery(),
        "pv_power" => solar(),
        "battery_soc" => eldest(snapshot, Role::Battery, Metric::BatterySoc, now),
        _ => [grid(), battery(), solar()].into_iter().flatten().max_by_key(|at| now.since(*at)),
    }
}

fn ages(
    snapshot: &Snapshot,
    role: Role,
    metric: Metric,
    now: Moment,
) -> impl Iterator<Item = (Duration, Moment)> {
    snapshot
        .devices()
        .filter(move |device| device.info.roles.contains(&role))
        .filter_map(move |device| device.value(metric, now).ok().map(|known| (known.age, known.at)))
}

fn eldest(snapshot: &Snapshot, role: Role, metric: Metric, now: Moment) -> Option<Moment> {
    ages(snapshot, role, metric, now).max_by_key(|(age, _)| *age).map(|(_, at)| at)
}

fn freshest(snapshot: &Snapshot, now: Moment) -> Option<Moment> {
    ages(snapshot, Role::GridMeter, Metric::GridPower, now).min_by_key(|(age, _)| *age).map(|(_, at)| at)
}
