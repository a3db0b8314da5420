//! The whole house computed from its devices. A sum with an unknown member is unknown, and says which member.

use std::sync::Arc;

use crate::{
    DeviceId, DeviceInfo, DeviceState, Metric, Moment, Observation, Reading, Role, Snapshot, Ttl, Unknown,
    Value,
};

/// The metrics that [`compute`] gives.
pub const METRICS: [Metric; 5] =
    [Metric::GridPower, Metric::BatteryPower, Metric::PvPower, Metric::LoadPower, Metric::BatterySoc];

/// The description of the computed device `site`. Its values live as long as the longest of the devices they stem from.
pub fn info(title: &str, ttl: Ttl) -> DeviceInfo {
    let mut info = DeviceInfo::new(DeviceId::site(), "site", "computed");
    title.clone_into(&mut info.title);
    info.metrics = METRICS.to_vec();
    info.ttl = ttl;
    info
}

/// Computes the house at `now` from the fresh values of its devices.
///
/// Grid power is the freshest reading of any grid meter, for several devices may read the same meter. Battery and solar
/// power are sums over the devices with that role; the state of charge is weighted by capacity where every capacity is
/// known. `load = grid + battery + solar`: of load and grid one is measured and the other follows. Without a grid meter
/// the load is what the devices measure that feed it.
pub fn compute(snapshot: &Snapshot, now: Moment) -> Reading {
    let battery = sum(snapshot, now, Role::Battery, Metric::BatteryPower);
    let solar = sum(snapshot, now, Role::Pv, Metric::PvPower);
    let own = own_supply(&battery, &solar, has(snapshot, Role::Pv));
    let (grid, load) = if !has(snapshot, Role::GridMeter) && has(snapshot, Role::LoadMeter) {
        let load = sum(snapshot, now, Role::LoadMeter, Metric::LoadPower);
        (load.clone().and_then(|load| Ok(load - own?)), load)
    } else {
        let grid = freshest(snapshot, now);
        (grid.clone(), grid.and_then(|grid| Ok(grid + own?)))
    };
    let soc = state_of_charge(snapshot, now);
    let values = vec![
        (Metric::GridPower, number(grid)),
        (Metric::BatteryPower, number(battery)),
        (Metric::PvPower, number(solar)),
        (Metric::LoadPower, number(load)),
        (Metric::BatterySoc, number(soc)),
    ];
    Reading { device: DeviceId::site(), at: now, values }
}

fn number(value: Result<f64, Unknown>) -> Observation {
    value.map(Value::Number)
}

fn with_role(snapshot: &Snapshot, role: Role) -> impl Iterator<Item = &Arc<DeviceState>> {
    snapshot.devices().filter(move |device| device.info.roles.contains(&role))
}

fn has(snapshot: &Snapshot, role: Role) -> bool {
    with_role(snapshot, role).next().is_some()
}

fn freshest(snapshot: &Snapshot, now: Moment) -> Result<f64, Unknown> {
    with_role(snapshot, Role::GridMeter)
        .filter_map(|device| device.value(Metric::GridPower, now).ok())
        .min_by_key(|known| known.age)
        .and_then(|known| known.value.number())
        .ok_or_else(|| Unknown::missing("no grid meter answers"))
}

fn sum(snapshot: &Snapshot, now: Moment, role: Role, metric: Metric) -> Result<f64, Unknown> {
    if !has(snapshot, role) {
        return Err(Unknown::missing(format!("no device reports {}", metric.def().id)));
    }
    with_role(snapshot, role).map(|device| member(device, metric, now)).sum()
}

fn member(device: &DeviceState, metric: Metric, now: Moment) -> Result<f64, Unknown> {
    device
        .number(metric, now)
        .map_err(|why| Unknown::missing(format!("{} of {} ({why})", metric.def().id, device.info.id)))
}

/// What the house gives itself.
fn own_supply(
    battery: &Result<f64, Unknown>,
    solar: &Result<f64, Unknown>,
    house_has_pv: bool,
) -> Result<f64, Unknown> {
    // A house without a PV device has no solar term; a house with one that is silent has an unknown balance.
    let solar = if house_has_pv { solar.clone()? } else { 0.0 };
    Ok(battery.clone()? + solar)
}

fn state_of_charge(snapshot: &Snapshot, now: Moment) -> Result<f64, Unknown> {
    let mut members = Vec::new();
    for device in with_role(snapshot, Role::Battery) {
        let soc = member(device, Metric::BatterySoc, now)?;
        members
            .push((soc, device.number(Metric::BatteryCapacity, now).ok().filter(|capacity| *capacity > 0.0)));
    }
    let weighted = members.iter().all(|(_, capacity)| capacity.is_some());
    let weight = |capacity: Option<f64>| if weighted { capacity.unwrap_or(1.0) } else { 1.0 };
    let total: f64 = members.iter().map(|(_, capacity)| weight(*capacity)).sum();
    if total <= 0.0 {
        return Err(Unknown::missing("no battery"));
    }
    Ok(members.iter().map(|(soc, capacity)| soc * weight(*capacity)).sum::<f64>() / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Moment = Moment { mono: Duration::from_secs(1000), unix: crate::UnixMillis(0) };

    /// Name, roles, values, age of the values in seconds.
    type Setup<'a> = (&'a str, &'a [Role], &'a [(Metric, f64)], u64);

    fn house(devices: &[Setup<'_>]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (name, roles, values, age_s) in devices {
            let id: DeviceId = name.parse().expect("a valid name");
            let mut info = DeviceInfo::new(id.clone(), "test", "nowhere");
            info.roles = roles.to_vec();
            snapshot.insert(DeviceState::new(Arc::new(info)));
            let at = Moment { mono: NOW.mono.saturating_sub(Duration::from_secs(*age_s)), ..NOW };
            let values = values.iter().map(|(metric, value)| (*metric, Ok(Value::Number(*value)))).collect();
            snapshot.apply(&Reading { device: id, at, values });
        }
        snapshot
    }

    fn value(snapshot: &Snapshot, metric: Metric) -> Observation {
        compute(snapshot, NOW).values.into_iter().find(|(m, _)| *m == metric).expect("a house metric").1
    }

    #[test]
    fn the_balance_closes() {
        let snapshot = house(&[
            (
                "a",
                &[Role::Battery, Role::GridMeter],
                &[(Metric::BatteryPower, -500.0), (Metric::GridPower, -200.0), (Metric::BatterySoc, 40.0)],
                1,
            ),
            (
                "b",
                &[Role::Battery, Role::Pv],
                &[(Metric::BatteryPower, 100.0), (Metric::PvPower, 1300.0), (Metric::BatterySoc, 80.0)],
                2,
            ),
        ]);
        assert_eq!(value(&snapshot, Metric::LoadPower), Ok(Value::Number(700.0)));
        assert_eq!(value(&snapshot, Metric::BatterySoc), Ok(Value::Number(60.0)));
    }

    #[test]
    fn without_a_grid_meter_the_measured_load_closes_the_balance() {
        let inverter = [
            (Metric::LoadPower, 900.0),
            (Metric::BatteryPower, 200.0),
            (Metric::PvPower, 400.0),
            (Metric::BatterySoc, 40.0),
        ];
        let roles = [Role::Battery, Role::Pv, Role::LoadMeter];
        let snapshot = house(&[("axpert", &roles, &inverter, 1)]);
        assert_eq!(value(&snapshot, Metric::LoadPower), Ok(Value::Number(900.0)));
        assert_eq!(value(&snapshot, Metric::GridPower), Ok(Value::Number(300.0)));
        let meter = ("meter", &[Role::GridMeter][..], &[(Metric::GridPower, 500.0)][..], 1);
        let snapshot = house(&[("axpert", &roles, &inverter, 1), meter]);
        assert_eq!(value(&snapshot, Metric::LoadPower), Ok(Value::Number(1100.0)));
        assert_eq!(value(&snapshot, Metric::GridPower), Ok(Value::Number(500.0)));
    }

    #[test]
    fn an_unknown_member_makes_the_sum_unknown_and_is_named() {
        let snapshot = house(&[
            ("a", &[Role::Battery], &[(Metric::BatteryPower, 300.0)], 1),
            ("b", &[Role::Battery], &[(Metric::BatteryPower, 100.0)], 500),
        ]);
        let why = value(&snapshot, Metric::BatteryPower).expect_err("b is stale");
        assert_eq!(why.to_string(), "missing: battery_power of b (the last value is too old)");
    }

    #[test]
    fn the_freshest_of_several_readings_of_one_meter_counts() {
        let snapshot = house(&[
            ("a", &[Role::GridMeter], &[(Metric::GridPower, 100.0)], 20),
            ("b", &[Role::GridMeter], &[(Metric::GridPower, 300.0)], 2),
        ]);
        assert_eq!(value(&snapshot, Metric::GridPower), Ok(Value::Number(300.0)));
    }

    #[test]
    fn capacity_weights_the_state_of_charge() {
        let snapshot = house(&[
            ("a", &[Role::Battery], &[(Metric::BatterySoc, 0.0), (Metric::BatteryCapacity, 7500.0)], 1),
            ("b", &[Role::Battery], &[(Metric::BatterySoc, 100.0), (Metric::BatteryCapacity, 2500.0)], 1),
        ]);
        assert_eq!(value(&snapshot, Metric::BatterySoc), Ok(Value::Number(25.0)));
    }
}
