//! Which column of a VRM download is which metric. The names are those that programs reading such downloads look for; see
//! docs/support.md for what is not verified.

use ohmstead_model::Metric;

/// One kind of column.
#[derive(Clone, Copy)]
pub(super) struct Known {
    /// The device's class as VRM names it, before its instance in brackets.
    pub(super) class: &'static str,
    /// The column's description.
    pub(super) description: &'static str,
    /// What it is.
    pub(super) metric: Metric,
    /// By what its numbers are multiplied: on a GX, charging is positive.
    pub(super) factor: f64,
    /// Of several columns for one metric the one with the lowest rank counts.
    pub(super) rank: u8,
}

const fn known(class: &'static str, description: &'static str, metric: Metric) -> Known {
    Known { class, description, metric, factor: 1.0, rank: 0 }
}

const fn negative(known: Known) -> Known {
    Known { factor: -1.0, ..known }
}

const fn second(known: Known) -> Known {
    Known { rank: 1, ..known }
}

const SYSTEM: &str = "System overview";
const BATTERY: &str = "Battery Monitor";
const VEBUS: &str = "VE.Bus System";

/// All of them.
pub(super) const KNOWN: &[Known] = &[
    known(SYSTEM, "Battery State of Charge", Metric::BatterySoc),
    negative(known(SYSTEM, "Battery Power", Metric::BatteryPower)),
    known(SYSTEM, "Grid L1", Metric::GridPowerL1),
    known(SYSTEM, "Grid L2", Metric::GridPowerL2),
    known(SYSTEM, "Grid L3", Metric::GridPowerL3),
    known(SYSTEM, "AC Consumption L1", Metric::LoadPowerL1),
    known(SYSTEM, "AC Consumption L2", Metric::LoadPowerL2),
    known(SYSTEM, "AC Consumption L3", Metric::LoadPowerL3),
    second(known(BATTERY, "State of charge", Metric::BatterySoc)),
    known(BATTERY, "State of health", Metric::BatterySoh),
    known(BATTERY, "Voltage", Metric::BatteryVoltage),
    negative(known(BATTERY, "Current", Metric::BatteryCurrent)),
    known(BATTERY, "Battery temperature", Metric::BatteryTemperature),
    known(BATTERY, "Charged Energy", Metric::BatteryChargeEnergy),
    known(BATTERY, "Discharged Energy", Metric::BatteryDischargeEnergy),
    second(known(VEBUS, "Input power 1", Metric::GridPowerL1)),
    second(known(VEBUS, "Input power 2", Metric::GridPowerL2)),
    second(known(VEBUS, "Input power 3", Metric::GridPowerL3)),
    known(VEBUS, "Input voltage phase 1", Metric::GridVoltageL1),
    known(VEBUS, "Input voltage phase 2", Metric::GridVoltageL2),
    known(VEBUS, "Input voltage phase 3", Metric::GridVoltageL3),
    known(VEBUS, "Input frequency 1", Metric::GridFrequency),
    known(VEBUS, "Output voltage phase 1", Metric::InverterVoltage),
    known(VEBUS, "Output frequency", Metric::InverterFrequency),
];

/// Metrics that are the sum of others: what a GX adds up itself, but a download has by phase only.
pub(super) const SUMS: &[(Metric, [Metric; 3])] = &[
    (Metric::GridPower, [Metric::GridPowerL1, Metric::GridPowerL2, Metric::GridPowerL3]),
    (Metric::LoadPower, [Metric::LoadPowerL1, Metric::LoadPowerL2, Metric::LoadPowerL3]),
];

/// The units that a column may have instead of its metric's own, with their factor.
pub(super) const UNITS: &[(&str, &str, f64)] =
    &[("kW", "W", 1_000.0), ("Wh", "kWh", 0.001), ("mV", "V", 0.001), ("mA", "A", 0.001)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_column_is_listed_twice_and_no_rank_is_shared() {
        for (index, one) in KNOWN.iter().enumerate() {
            for other in &KNOWN[index + 1..] {
                assert!(
                    (one.class, one.description) != (other.class, other.description),
                    "{}",
                    one.description
                );
                assert!((one.metric, one.rank) != (other.metric, other.rank), "{}", one.metric);
            }
        }
    }
}
