//! What the driver published beside what was really the case when the unit looked.

use std::time::Duration;

use ohmstead_model::{Metric, Reading, Value};
use ohmstead_plant::house::Mode;

use super::{Request, Unit, World};

/// How far a published value may be from the truth, in the metric's unit, by what its raw number can express.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticks {
    /// Of the unit's energy counters, Wh.
    pub(crate) counter_wh: f64,
    /// Of the temperature, K.
    pub(crate) temperature_k: f64,
}

impl Ticks {
    pub(crate) fn of(profile: &str) -> Self {
        let hmg50 = profile.starts_with("hmg50");
        Self {
            counter_wh: match profile {
                "hmg50-153" => 10.0,
                _ if hmg50 => 100.0,
                _ => 1.0,
            },
            temperature_k: if hmg50 && profile != "hmg50-153" { 10.0 } else { 1.0 },
        }
    }
}

/// How much was compared.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    pub(crate) values: usize,
    pub(crate) readings: usize,
}

/// Compares every reading of the unit with the truth, and fails on the first wrong value.
pub(crate) fn compare(world: &World, unit: &Unit, profile: &str) -> Compared {
    let mut requests = world.air.requests();
    requests.retain(|request| request.unit.as_ref() == Some(&unit.name));
    let mut compared = Compared::default();
    for reading in unit.told.readings() {
        // Requests are strictly one after the other: the last one before the reading is the one that it answers.
        let answered = requests.partition_point(|request| request.at <= reading.at.mono);
        let request =
            &requests[answered.checked_sub(1).expect("there is no reading before the first request")];
        compared.values += check(&reading, request, Ticks::of(profile));
        compared.values += check_battery_power(&reading, &requests[..answered]);
        compared.readings += 1;
    }
    compared
}

fn check(reading: &Reading, request: &Request, ticks: Ticks) -> usize {
    let mut checked = 0;
    for (metric, observation) in &reading.values {
        let Ok(value) = observation else { continue };
        if let Some((low, high)) = value.number().and_then(|_| range(*metric, request, ticks)) {
            let number = value.number().unwrap();
            assert!(
                (low..=high).contains(&number),
                "{metric} = {number}, not {low} to {high}\n{reading:?}\n{request:?}"
            );
            checked += 1;
        }
        if *metric == Metric::BatteryModeNative {
            assert_eq!(value, &Value::text(mode(request)), "{request:?}");
            checked += 1;
        }
    }
    checked
}

/// The AC power of one question less the solar power of another, at most 15 s apart (and the time of the answers).
fn check_battery_power(reading: &Reading, requests: &[Request]) -> usize {
    let Some((_, Ok(Value::Number(power)))) =
        reading.values.iter().find(|(metric, _)| *metric == Metric::BatteryPower)
    else {
        return 0;
    };
    let since = reading.at.mono.saturating_sub(Duration::from_secs(20));
    let near: Vec<_> = requests
        .iter()
        .filter(|request| request.at >= since)
        .filter_map(|request| request.truth.as_ref())
        .collect();
    let possible = near.iter().flat_map(|ac| near.iter().map(|sun| ac.0.ac_power_w - sun.0.pv_w));
    // Four channels and the AC power, each rounded.
    assert!(
        possible.into_iter().any(|truth| (truth - power).abs() <= 4.5),
        "battery_power = {power}\n{reading:?}\n{near:?}"
    );
    1
}

fn mode(request: &Request) -> &'static str {
    match request.truth.as_ref().unwrap().0.mode {
        Mode::Auto => "Auto",
        Mode::Ai => "AI",
        Mode::Manual => "Manual",
        Mode::Passive => "Passive",
        Mode::Ups => "UPS",
    }
}

/// What may be published, given the truth and how the unit rounds.
fn range(metric: Metric, request: &Request, ticks: Ticks) -> Option<(f64, f64)> {
    let (truth, meter) = request.truth.as_ref().unwrap();
    let about = |value: f64, by: f64| Some((value - by - 1e-6, value + by + 1e-6));
    let kwh = |wh: f64, tick: f64| about(wh / 1000.0, tick / 1000.0);
    match metric.id() {
        // Whole percent, rounded down.
        "battery_soc" => Some((truth.soc_pct - 1.0, truth.soc_pct + 1e-3)),
        "inverter_power" => about(truth.ac_power_w, 0.5),
        "battery_capacity" => about(truth.capacity_wh, 0.5),
        "battery_temperature" => about(truth.temperature_c, ticks.temperature_k / 2.0),
        "battery_energy_remaining" => about(truth.stored_wh, 5.0),
        "inverter_output_energy" | "battery_discharge_energy" => kwh(truth.ac_out_wh, ticks.counter_wh),
        "inverter_input_energy" | "battery_charge_energy" => kwh(truth.ac_in_wh, ticks.counter_wh),
        // Four channels, each rounded.
        "pv_power" => about(truth.pv_w, 4.0),
        "pv_energy" => kwh(truth.pv_wh, 10.0),
        "grid_power" => about(meter.power, 0.5),
        "grid_import_energy" => kwh(meter.import, 0.1),
        "grid_export_energy" => kwh(meter.export, 0.1),
        _ => None,
    }
}
