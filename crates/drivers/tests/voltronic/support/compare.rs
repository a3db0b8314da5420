//! What the driver published beside what was really the case when the unit was asked.

use std::time::Duration;

use ohmstead_model::{Metric, Reading, Value};
use ohmstead_plant::voltronic::UnitTruth;

use super::cable::Heard;
use super::{Driven, World};

/// Some values are sums of what several answers told, which were asked for so long apart at most.
const TOGETHER: Duration = Duration::from_secs(25);
/// Those values. Older units tell the panels' current into the battery in whole amperes, so that the power is coarse.
const PARTS: &[&str] = &["load_power", "pv_power"];

/// The least and the most that a sum can be, its parts taken from different moments.
fn sums(metric: &str, recent: &[&Heard]) -> (f64, f64) {
    let parts = |heard: &Heard| -> Vec<f64> {
        let reading = &heard.truth.reading;
        match metric {
            "load_power" => vec![reading.load_w, reading.leg_2.watts],
            _ => reading.trackers.iter().map(|tracker| tracker.watts).collect(),
        }
    };
    let all: Vec<Vec<f64>> = recent.iter().map(|heard| parts(heard)).collect();
    let bound = |pick: fn(f64, f64) -> f64, from: f64| -> f64 {
        let parts = all.first().map_or(0, Vec::len);
        (0..parts).map(|index| all.iter().map(|parts| parts[index]).fold(from, pick)).sum()
    };
    (bound(f64::min, f64::INFINITY), bound(f64::max, f64::NEG_INFINITY))
}

/// How much was compared.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Compared {
    pub(crate) values: usize,
    pub(crate) readings: usize,
}

impl std::ops::AddAssign for Compared {
    fn add_assign(&mut self, other: Self) {
        self.values += other.values;
        self.readings += other.readings;
    }
}

/// Compares every reading with the truth at the question that it answers, and fails on the first wrong value. What was
/// compared is forgotten.
pub(crate) fn compare(world: &World, driven: &Driven, unit: &str) -> Compared {
    let heard = world.cables.heard(unit);
    let mut compared = Compared::default();
    for reading in driven.told.readings() {
        // Questions are strictly one after the other: the last one before the reading is the one that it answers.
        let asked = heard.partition_point(|heard| heard.at.mono <= reading.at.mono);
        let Some(asked) = asked.checked_sub(1).and_then(|index| heard.get(index)) else {
            panic!("a reading that nobody asked for: {reading:?}");
        };
        let since = asked.at.mono.saturating_sub(TOGETHER);
        let recent: Vec<_> =
            heard.iter().filter(|heard| heard.at.mono >= since && heard.at.mono <= asked.at.mono).collect();
        compared.values += check(&reading, asked, &recent);
        compared.readings += 1;
    }
    driven.told.forget_readings();
    world.cables.forget_heard(unit);
    compared
}

fn check(reading: &Reading, asked: &Heard, recent: &[&Heard]) -> usize {
    let mut checked = 0;
    for (metric, observation) in &reading.values {
        let Ok(value) = observation else { continue };
        let right = match value {
            Value::Number(number) if PARTS.contains(&metric.id()) => {
                let (low, high) = sums(metric.id(), recent);
                let tick = if *metric == Metric::PvPower { 2.0 + asked.truth.reading.battery_v } else { 2.0 };
                (low - tick..=high + tick).contains(number)
            }
            Value::Number(number) => {
                let Some((truth, tick)) = number_of(*metric, &asked.truth, &asked.text) else { continue };
                (number - truth).abs() <= tick + 1e-6
            }
            Value::State(word) => {
                let Some(truth) = state_of(*metric, &asked.truth) else { continue };
                truth == *word
            }
            Value::Text(text) if *metric == Metric::InverterModeNative => {
                text.starts_with(asked.truth.mode) || text.starts_with(|c: char| c.is_ascii_digit())
            }
            Value::Text(_) => continue,
        };
        assert!(
            right,
            "{metric} = {value:?} is wrong\nasked {} at {:?}\n{reading:?}\n{:?}",
            asked.text, asked.at.mono, asked.truth.reading
        );
        checked += 1;
    }
    checked
}

/// The true number and how far the wire's rounding may take the published one from it.
fn number_of(metric: Metric, truth: &UnitTruth, asked: &str) -> Option<(f64, f64)> {
    let reading = &truth.reading;
    let amps = reading.discharge_a - reading.charge_a;
    // A PI18 unit tells tenths.
    let volts = if asked.contains("GS") && !asked.starts_with('Q') { 0.1 } else { 0.01 };
    Some(match metric.id() {
        "grid_voltage" => (reading.grid_v, 0.1),
        "grid_frequency" => (reading.grid_hz, 0.1),
        "inverter_voltage" => (reading.out_v, 0.1),
        "inverter_frequency" => (reading.out_hz, 0.1),
        "battery_voltage" => (reading.battery_v, volts),
        "battery_current" => (amps, 1.0),
        "battery_power" => (amps * reading.battery_v, 1.5 * reading.battery_v),
        "battery_soc" => (reading.capacity_pct, 1.0),
        "inverter_bus_voltage" => (reading.bus_v, 1.0),
        "pv_voltage_1" => (reading.trackers[0].volts, 0.1),
        "battery_recharge_voltage" => (truth.eeprom.orders.recharge_v, 0.05),
        "battery_redischarge_voltage" => (truth.eeprom.orders.redischarge_v, 0.05),
        "battery_bulk_voltage" => (truth.eeprom.orders.bulk_v, 0.05),
        "battery_float_voltage" => (truth.eeprom.orders.float_v, 0.05),
        _ => return None,
    })
}

fn state_of(metric: Metric, truth: &UnitTruth) -> Option<&'static str> {
    use ohmstead_plant::house::OutputPriority;
    let priority = truth.output_priority;
    match metric.id() {
        "output_priority" => Some(match priority {
            OutputPriority::UtilityFirst => "utility_first",
            OutputPriority::SolarFirst => "solar_first",
            OutputPriority::SolarBatteryUtility => "solar_battery_utility",
        }),
        "inverter_mode" => Some(match truth.mode {
            'P' => "power_on",
            'S' => "standby",
            'L' => "line",
            'B' => "battery",
            'F' => "fault",
            'H' => "power_saving",
            'D' => "shutdown",
            'C' => "charging",
            'Y' => "bypass",
            'E' => "eco",
            _ => return None,
        }),
        _ => None,
    }
}
