//! The days before the start: the house lives through them at once, and the store is told what it would have seen.

use ohmstead_history::{History, WriteError};
use ohmstead_model::{DeviceId, Metric, Moment, Observation, Reading, UnixMillis, Value};
use ohmstead_plant::venus::ess::Ess;
use ohmstead_plant::{BatteryTruth, InverterTruth, Truth};

use super::{Demo, cerbo};

/// One reading of everything per minute.
pub(super) const STEP_MS: i64 = 60_000;

/// Lives the house up to `now` and stores one reading per device and minute. Returns how many values were stored.
pub(crate) fn backfill(demo: &mut Demo, history: &History, now: UnixMillis) -> Result<u64, WriteError> {
    let names: Vec<DeviceId> = demo.site(|site| {
        site.names().chain(site.inverter_names()).filter_map(|name| name.parse().ok()).collect()
    });
    let minutes = std::iter::from_fn(|| {
        let next = demo.gx.now_ms() + STEP_MS;
        (next < now.0).then(|| {
            demo.live(UnixMillis(next));
            readings(&demo.site(|site| site.truth()), &names, demo.gx.ess())
        })
    });
    let stored = history.backfill(minutes.flatten())?;
    demo.live(now);
    Ok(stored)
}

fn readings(truth: &Truth, names: &[DeviceId], ess: Option<&Ess>) -> Vec<Reading> {
    let at = Moment { unix: UnixMillis(truth.unix_ms), ..Moment::default() };
    let reading = |device: &DeviceId, values| Reading { device: device.clone(), at, values };
    let batteries = truth.batteries.iter().zip(names);
    let mut readings: Vec<_> =
        batteries.map(|(battery, name)| reading(name, battery_values(battery))).collect();
    let inverters = truth.inverters.iter().zip(names.iter().skip(truth.batteries.len()));
    readings.extend(inverters.map(|(inverter, name)| reading(name, inverter_values(inverter))));
    let cerbo: Option<DeviceId> = cerbo::NAME.parse().ok();
    readings.extend(ess.zip(cerbo).map(|(ess, name)| reading(&name, cerbo_values(ess))));
    readings.push(reading(&DeviceId::site(), site_values(truth, ess)));
    readings
}

fn number(metric: Metric, value: f64) -> (Metric, Observation) {
    (metric, Ok(Value::Number(metric.round(value))))
}

/// The AC power of a unit with panels is what its battery and its panels feed together.
fn battery_values(battery: &BatteryTruth) -> Vec<(Metric, Observation)> {
    let mut values = vec![
        number(Metric::BatterySoc, battery.soc_pct.round()),
        number(Metric::BatteryPower, battery.ac_power_w - battery.pv_w),
        number(Metric::InverterPower, battery.ac_power_w),
        number(Metric::BatteryTemperature, battery.temperature_c),
    ];
    if battery.pv_w > 0.0 || battery.pv_wh > 0.0 {
        values.push(number(Metric::PvPower, battery.pv_w));
    }
    values
}

fn inverter_values(inverter: &InverterTruth) -> Vec<(Metric, Observation)> {
    vec![
        number(Metric::BatterySoc, inverter.soc_pct.round()),
        number(Metric::BatteryPower, inverter.battery_w),
        number(Metric::PvPower, inverter.pv_w.iter().sum()),
        number(Metric::LoadPower, inverter.load_w),
    ]
}

/// A GX counts charging positive.
fn cerbo_values(ess: &Ess) -> Vec<(Metric, Observation)> {
    let flows = &ess.flows;
    let loads = flows.load_in_w.iter().chain(&flows.load_out_w);
    vec![
        number(Metric::BatterySoc, ess.pack.soc_pct),
        number(Metric::BatteryPower, -flows.battery_w),
        number(Metric::GridPower, flows.grid_w.iter().sum()),
        number(Metric::PvPower, cerbo_solar_w(ess)),
        number(Metric::LoadPower, loads.sum()),
    ]
}

fn cerbo_solar_w(ess: &Ess) -> f64 {
    ess.flows.pv_ac_w.iter().sum::<f64>() + ess.flows.mppt_w
}

/// The load is what the sums leave, as the running program computes it: an inverter's own loss is among it.
fn site_values(truth: &Truth, ess: Option<&Ess>) -> Vec<(Metric, Observation)> {
    let of_ess = |of: fn(&Ess) -> f64| ess.map_or(0.0, of);
    let sum = |of: fn(&BatteryTruth) -> f64| truth.batteries.iter().map(of).sum::<f64>();
    let sum_of = |of: fn(&InverterTruth) -> f64| truth.inverters.iter().map(of).sum::<f64>();
    let grid = truth.grid_total_w();
    let solar =
        of_ess(cerbo_solar_w) + sum(|battery| battery.pv_w) + sum_of(|inverter| inverter.pv_w.iter().sum());
    let power = sum(|battery| battery.ac_power_w - battery.pv_w) + sum_of(|inverter| inverter.battery_w)
        - of_ess(|ess| ess.flows.battery_w);
    let soc = sum(|battery| battery.soc_pct * battery.capacity_wh)
        + sum_of(|inverter| inverter.soc_pct * inverter.capacity_wh)
        + of_ess(|ess| ess.pack.soc_pct * ess.pack.capacity_wh());
    let capacity = sum(|battery| battery.capacity_wh)
        + sum_of(|inverter| inverter.capacity_wh)
        + of_ess(|ess| ess.pack.capacity_wh());
    vec![
        number(Metric::GridPower, grid),
        number(Metric::LoadPower, grid + solar + power),
        number(Metric::PvPower, solar),
        number(Metric::BatteryPower, power),
        number(Metric::BatterySoc, soc / capacity),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ohmstead_model::{Points, Resolution, SeriesQuery};

    #[test]
    fn the_past_is_stored_and_its_balance_closes() {
        let now = UnixMillis(1_750_000_000_000);
        let folder = tempfile::tempdir().expect("a folder");
        let settings = ohmstead_history::Settings::default();
        let history = History::open(folder.path(), &settings, &crate::demo::zone(), &[]).expect("a store");
        let mut house = Demo::new(now, 1, 7).expect("a house");
        let stored = backfill(&mut house, &history, now).expect("room");
        assert!(stored > 1_400 * 15, "{stored} values");
        let series = |metric| {
            let query = SeriesQuery {
                device: DeviceId::site(),
                metric,
                from: UnixMillis(0),
                to: now,
                resolution: Resolution::Raw,
            };
            let Points::Raw(points) = history.range(&query).expect("stored").points else {
                panic!("raw was asked")
            };
            points.iter().filter_map(|(_, value)| value.number()).collect::<Vec<_>>()
        };
        let (grid, load) = (series(Metric::GridPower), series(Metric::LoadPower));
        let (solar, battery) = (series(Metric::PvPower), series(Metric::BatteryPower));
        assert_eq!(load.len(), 1_439);
        for minute in 0..load.len() {
            let fed = grid[minute] + solar[minute] + battery[minute];
            assert!(
                (load[minute] - fed).abs() <= 2.0,
                "minute {minute}: load {} W, fed {fed} W",
                load[minute]
            );
        }
        assert!(solar.iter().any(|power| *power > 500.0), "a June day without sun");
    }
}
