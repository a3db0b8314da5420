//! Voltronic inverters (Axpert, MPP Solar, EASUN, Kodak and many more) over USB HID 0665:5161 or a serial line.
//!
//! ```text
//!               schedule (what is due)            table, families (what is asked, what its answer looks like)
//!                    |                                  |
//! inverter --asks--> link --a question, its answer--> decode (units, signs) --> readings
//!    |                |
//!    |                frame (checksum, noise, padding), transports (USB HID, serial line, packets)
//!    +-- presence (does it answer? what is tried), finder (at which port)
//!    +-- identify (an inverter at all? which one?), notices (what is wrong?)
//!    +-- setters (the one table of what may be written)
//! ```
//!
//! States: *not asked yet* -> looking for a port -> recognising who is there -> *online*; *offline* after three failures in
//! a row, with one rung of the ladder in `presence` for each. Whoever is not proven to be an inverter is asked nothing but
//! its kind: UPSs have the same USB number, and on them other letters switch the output off.

mod crc;
mod decode;
mod discover;
mod doctor;
mod energy;
mod explain;
mod families;
mod faults;
mod finder;
mod flags;
mod frame;
#[doc(hidden)]
pub mod fuzzing;
mod identify;
mod inverter;
mod link;
mod memory;
mod native;
mod notices;
mod parallel;
mod presence;
mod schedule;
mod setters;
mod settings;
mod table;
mod variant;

pub use discover::{discover, paths};
pub use doctor::{Finding, diagnose};
pub use explain::{ExplainError, Explained, explain, question_bytes};
pub use families::Family;
pub use inverter::Inverter;
pub use settings::{FamilySetting, ParallelSetting, PortPath, Settings, WriteClass};

use ohmstead_model::Metric;

use crate::Driver;

/// The driver.
pub const DRIVER: Driver = Driver {
    name: "voltronic",
    about: "Voltronic (Axpert, MPP Solar) inverters over USB or a serial line",
    metrics: METRICS,
    native: native::NATIVE,
};

/// The core metrics that some unit reports, in the order of the catalogue.
const METRICS: &[Metric] = &[
    Metric::BatterySoc,
    Metric::BatteryPower,
    Metric::BatteryVoltage,
    Metric::BatteryCurrent,
    Metric::BatteryCapacity,
    Metric::BatteryMode,
    Metric::BatteryModeNative,
    Metric::BatteryType,
    Metric::BatteryRechargeVoltage,
    Metric::BatteryRedischargeVoltage,
    Metric::BatteryCutoffVoltage,
    Metric::BatteryBulkVoltage,
    Metric::BatteryFloatVoltage,
    Metric::ChargeCurrentMax,
    Metric::GridChargeCurrentMax,
    Metric::DischargeCurrentMax,
    Metric::InverterVoltage,
    Metric::InverterFrequency,
    Metric::InverterApparentPower,
    Metric::InverterTemperature,
    Metric::InverterPowerMax,
    Metric::InverterMode,
    Metric::InverterModeNative,
    Metric::OutputPriority,
    Metric::ChargerPriority,
    Metric::InverterInputRange,
    Metric::InverterLoadShare,
    Metric::InverterBusVoltage,
    Metric::InverterFaults,
    Metric::InverterWarnings,
    Metric::ParallelUnits,
    Metric::GridVoltage,
    Metric::GridVoltageL1,
    Metric::GridVoltageL2,
    Metric::GridVoltageL3,
    Metric::GridFrequency,
    Metric::PvPower,
    Metric::PvPower1,
    Metric::PvVoltage1,
    Metric::PvCurrent1,
    Metric::PvPower2,
    Metric::PvVoltage2,
    Metric::PvCurrent2,
    Metric::PvPower3,
    Metric::PvVoltage3,
    Metric::PvCurrent3,
    Metric::PvEnergy,
    Metric::LoadPower,
    Metric::LoadPowerL1,
    Metric::LoadPowerL2,
    Metric::LoadPowerL3,
    Metric::LoadEnergy,
    Metric::AnswerTime,
    Metric::AnswerShare,
    Metric::FramesDropped,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What the tables of the families give, what the driver adds, and nothing else.
    #[test]
    fn the_drivers_metrics_are_those_of_its_families() {
        let added = [Metric::BatteryCapacity, Metric::AnswerTime, Metric::AnswerShare, Metric::FramesDropped];
        let all: Vec<_> = Family::ALL.iter().flat_map(|family| family.metrics()).chain(added).collect();
        for metric in &all {
            assert!(METRICS.contains(metric) != native::NATIVE.contains(metric), "{metric}");
        }
        for metric in METRICS {
            assert!(all.contains(metric), "{metric} is told by nobody");
        }
    }
}
