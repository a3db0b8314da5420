//! The grid and the house: powers by phase, and what a meter tells besides.

use ohmstead_model::Metric;

use super::{Out, Phased};
use crate::victron::site::{PHASES, Site};

const GRID_POWERS: [Metric; 3] = [Metric::GridPowerL1, Metric::GridPowerL2, Metric::GridPowerL3];

pub(super) fn grid(site: &Site<'_>, out: &mut Out) {
    if let Some(why) = site.lost_meter() {
        out.unknown(&[&[Metric::GridPower], &GRID_POWERS[..]].concat(), &why);
    } else if let Some(phased) = Phased::of(site, "/Ac/Grid") {
        out.observed(Metric::GridPower, phased.sum("grid power"));
        phased.put(GRID_POWERS, out);
    } else if let Some(meter) = site.grid {
        let phases = PHASES.map(|phase| meter.number(&format!("/Ac/{phase}/Power")));
        let sum = || phases.iter().any(Option::is_some).then(|| phases.iter().flatten().sum());
        out.number(Metric::GridPower, meter.number("/Ac/Power").or_else(sum));
        for (metric, power) in GRID_POWERS.into_iter().zip(phases) {
            out.number(metric, power);
        }
    }
}

pub(super) fn grid_details(site: &Site<'_>, out: &mut Out) {
    const VOLTAGES: [Metric; 3] = [Metric::GridVoltageL1, Metric::GridVoltageL2, Metric::GridVoltageL3];
    const CURRENTS: [Metric; 3] = [Metric::GridCurrentL1, Metric::GridCurrentL2, Metric::GridCurrentL3];
    let meter = |path: &str| site.grid.and_then(|part| part.number(path));
    // Without a meter the inverter sees the grid, while it is connected to it.
    let inverter = |path: &str| {
        site.vebus()
            .filter(|part| part.int("/Ac/ActiveIn/Connected") == Some(1))
            .and_then(|part| part.number(path))
    };
    let mut voltages = Vec::new();
    for (index, phase) in PHASES.into_iter().enumerate() {
        let voltage =
            meter(&format!("/Ac/{phase}/Voltage")).or_else(|| inverter(&format!("/Ac/ActiveIn/{phase}/V")));
        out.number(VOLTAGES[index], voltage);
        voltages.extend(voltage);
        let power = meter(&format!("/Ac/{phase}/Power"))
            .or_else(|| site.system_number(&format!("/Ac/Grid/{phase}/Power")));
        let of_system = || site.system_number(&format!("/Ac/Grid/{phase}/Current"));
        let current = meter(&format!("/Ac/{phase}/Current"))
            .or_else(|| of_system().filter(|_| site.lost_meter().is_none()));
        // Some meters count the current without its direction.
        out.number(
            CURRENTS[index],
            current.map(|amperes| power.map_or(amperes, |watts| amperes.abs().copysign(watts))),
        );
    }
    let mean = (!voltages.is_empty()).then(|| voltages.iter().sum::<f64>() / voltages.len() as f64);
    out.number(Metric::GridVoltage, meter("/Ac/Voltage").or(mean));
    out.number(Metric::GridFrequency, meter("/Ac/Frequency").or_else(|| inverter("/Ac/ActiveIn/L1/F")));
    out.number(Metric::GridImportEnergy, meter("/Ac/Energy/Forward"));
    out.number(Metric::GridExportEnergy, meter("/Ac/Energy/Reverse"));
    let lost = site.hub4.and_then(|part| part.int("/Alarms/NoGridMeter")).map(|alarm| alarm != 0);
    let connected = site.grid.and_then(|part| part.int("/Connected")).map(|connected| connected == 1);
    out.yes_no(Metric::GridMeterConnected, connected.or(lost.map(|lost| !lost)));
}

pub(super) fn load(site: &Site<'_>, out: &mut Out) {
    const POWERS: [Metric; 3] = [Metric::LoadPowerL1, Metric::LoadPowerL2, Metric::LoadPowerL3];
    let Some(mut phased) = Phased::of(site, "/Ac/Consumption") else { return };
    // The GX adds up what it knows: where one side of the inverter lacks a phase, the sum is too small.
    for branch in ["/Ac/ConsumptionOnInput", "/Ac/ConsumptionOnOutput"] {
        if let Some(side) = Phased::of(site, branch) {
            for (whole, part) in phased.phases.iter_mut().zip(side.phases) {
                *whole = whole.and(part).and(*whole);
            }
        }
    }
    if let Some(why) = site.lost_meter() {
        return out.unknown(&[&[Metric::LoadPower], &POWERS[..]].concat(), &why);
    }
    out.observed(Metric::LoadPower, phased.sum("load power"));
    phased.put(POWERS, out);
}
