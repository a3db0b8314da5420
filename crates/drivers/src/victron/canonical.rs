//! What a GX device tells, in the catalogue's metrics, units and signs. Pure.
//!
//! Signs on a GX: grid + is import, battery + is charging, an inverter/charger's DC power + is charging. Only here they turn
//! into the project's: what feeds the house is positive.
//!
//! A metric without any source is left out. A sum with an unknown member is unknown and names the member.

mod battery;
mod grid;
mod inverter;
mod rest;
mod solar;

use ohmstead_model::{Metric, Moment, Observation, Unknown, Value};

use super::catalogue::catalogue;
use super::native;
use super::site::{PHASES, Site};
use super::tree::{Part, Tree};
use super::value::whole;

/// The core metrics that some installation reports.
pub(crate) const METRICS: &[Metric] = &[
    Metric::BatterySoc,
    Metric::BatteryVoltage,
    Metric::BatteryCurrent,
    Metric::BatteryPower,
    Metric::BatteryTemperature,
    Metric::BatteryChargeEnergy,
    Metric::BatteryDischargeEnergy,
    Metric::BatterySoh,
    Metric::BatteryCapacity,
    Metric::BatteryCellVoltageMin,
    Metric::BatteryCellVoltageMax,
    Metric::ChargeCurrentMax,
    Metric::DischargeCurrentMax,
    Metric::BatteryChargePowerMax,
    Metric::BatteryDischargePowerMax,
    Metric::BatteryChargeAllowed,
    Metric::BatteryDischargeAllowed,
    Metric::GridPower,
    Metric::GridPowerL1,
    Metric::GridPowerL2,
    Metric::GridPowerL3,
    Metric::GridVoltage,
    Metric::GridVoltageL1,
    Metric::GridVoltageL2,
    Metric::GridVoltageL3,
    Metric::GridCurrentL1,
    Metric::GridCurrentL2,
    Metric::GridCurrentL3,
    Metric::GridFrequency,
    Metric::GridImportEnergy,
    Metric::GridExportEnergy,
    Metric::GridMeterConnected,
    Metric::PvPower,
    Metric::PvEnergy,
    Metric::PvPower1,
    Metric::PvPower2,
    Metric::PvPower3,
    Metric::PvPower4,
    Metric::PvVoltage1,
    Metric::PvVoltage2,
    Metric::PvVoltage3,
    Metric::PvVoltage4,
    Metric::PvCurrent1,
    Metric::PvCurrent2,
    Metric::PvCurrent3,
    Metric::PvCurrent4,
    Metric::PvState1,
    Metric::PvState2,
    Metric::PvState3,
    Metric::PvState4,
    Metric::LoadPower,
    Metric::LoadPowerL1,
    Metric::LoadPowerL2,
    Metric::LoadPowerL3,
    Metric::InverterPower,
    Metric::InverterBackupPower,
    Metric::InverterVoltage,
    Metric::InverterCurrent,
    Metric::InverterFrequency,
    Metric::InverterApparentPower,
    Metric::InverterPowerMax,
    Metric::InverterMode,
    Metric::InverterModeNative,
    Metric::InverterFaults,
    Metric::BatteryMode,
    Metric::BatteryModeNative,
    Metric::DeviceModel,
    Metric::DeviceFirmware,
];

/// Values with their metrics, each at most once.
pub(crate) type Values = Vec<(Metric, Observation)>;

/// Everything that can be said about the installation.
pub(crate) fn values(tree: &Tree) -> Values {
    let site = Site::of(tree);
    let mut out = Out(Vec::new());
    battery::battery(&site, &mut out);
    battery::battery_limits(&site, &mut out);
    battery::battery_details(&site, &mut out);
    grid::grid(&site, &mut out);
    grid::grid_details(&site, &mut out);
    solar::solar(&site, &mut out);
    grid::load(&site, &mut out);
    inverter::inverter(&site, &mut out);
    rest::ess(&site, &mut out);
    rest::others(&site, &mut out);
    rest::device(&site, &mut out);
    rest::logger(&site, &mut out);
    out.0
}

/// What depends on the time besides.
pub(crate) fn ages(tree: &Tree, now: Moment) -> Values {
    let mut out = Out(Vec::new());
    out.number(native::VRM_CONTACT_AGE, rest::vrm_contact(tree, now));
    out.0
}

struct Out(Values);

impl Out {
    /// A number, if there is one.
    fn number(&mut self, metric: Metric, number: Option<f64>) {
        if let Some(number) = number {
            self.observed(metric, Ok(number));
        }
    }

    /// A number, or why it is unknown.
    fn observed(&mut self, metric: Metric, number: Result<f64, Unknown>) {
        let rounded = number.and_then(|number| {
            let rounded = metric.round(number);
            rounded
                .is_finite()
                .then_some(Value::Number(rounded))
                .ok_or_else(|| Unknown::implausible(number.to_string()))
        });
        self.0.push((metric, rounded));
    }

    fn unknown(&mut self, metrics: &[Metric], why: &Unknown) {
        self.0.extend(metrics.iter().map(|metric| (*metric, Err(why.clone()))));
    }

    fn state(&mut self, metric: Metric, state: Option<&'static str>) {
        if let Some(state) = state {
            self.0.push((metric, Ok(Value::State(state))));
        }
    }

    fn yes_no(&mut self, metric: Metric, truth: Option<bool>) {
        self.state(metric, truth.map(|truth| if truth { "yes" } else { "no" }));
    }

    fn text(&mut self, metric: Metric, text: Option<&str>) {
        if let Some(text) = text {
            self.0.push((metric, Ok(Value::text(text.chars().take(255).collect::<String>()))));
        }
    }
}

/// A sum that is unknown with its first unknown member; of nothing at all there is none.
#[derive(Default)]
struct Sum(Option<Result<f64, Unknown>>);

impl Sum {
    fn add(&mut self, member: Result<f64, Unknown>) {
        let before = self.0.take().unwrap_or(Ok(0.0));
        self.0 = Some(before.and_then(|sum| Ok(sum + member?)));
    }

    fn put(self, metric: Metric, out: &mut Out) {
        if let Some(sum) = self.0 {
            out.observed(metric, sum);
        }
    }
}

/// A quantity by phase of the system service: its phases, and their sum.
struct Phased {
    phases: Vec<Option<f64>>,
}

impl Phased {
    /// `None` where the system has nothing of the kind.
    fn of(site: &Site<'_>, branch: &str) -> Option<Self> {
        let system = site.system?;
        let power = |phase: &str| system.number(&format!("{branch}/{phase}/Power"));
        let known: Vec<_> = PHASES.iter().map(|phase| power(phase)).collect();
        let stated = system
            .number(&format!("{branch}/NumberOfPhases"))
            .and_then(whole)
            .and_then(|count| usize::try_from(count).ok());
        // Without a count, up to the last phase with a value.
        let count = stated
            .filter(|count| *count <= PHASES.len())
            .or_else(|| known.iter().rposition(Option::is_some).map(|last| last + 1));
        let phases: Vec<_> = known.into_iter().take(count.unwrap_or(0)).collect();
        (!phases.is_empty()).then_some(Self { phases })
    }

    fn sum(&self, name: &str) -> Result<f64, Unknown> {
        let mut sum = 0.0;
        for (phase, power) in PHASES.iter().zip(&self.phases) {
            sum += power.ok_or_else(|| Unknown::missing(format!("{name} {phase}")))?;
        }
        Ok(sum)
    }

    fn put(&self, metrics: [Metric; 3], out: &mut Out) {
        for (metric, power) in metrics.into_iter().zip(&self.phases) {
            out.observed(metric, power.ok_or(Unknown::NotReported));
        }
    }
}

fn missing(part: &Part) -> Unknown {
    Unknown::missing(format!("{}/{}", part.class, part.instance))
}

/// The name of the state at `path`.
pub(crate) fn word_of(part: &Part, path: &str) -> Option<&'static str> {
    let row = catalogue().find(&part.class, path)?;
    catalogue().word(row, part.int(path)?)
}

#[cfg(test)]
pub(crate) mod tests;
