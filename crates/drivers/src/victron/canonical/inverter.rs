//! Multis, Quattros and their relatives.

use ohmstead_model::Metric;

use super::{Out, missing, word_of};
use crate::victron::native;
use crate::victron::site::{PHASES, Site};
use crate::victron::tree::Part;

pub(super) fn inverter(site: &Site<'_>, out: &mut Out) {
    let lost = site.lost_inverter();
    let Some(first) = site.inverters.first() else {
        if let Some(why) = lost {
            out.unknown(&[Metric::InverterPower, Metric::InverterBackupPower], &why);
        }
        return;
    };
    let outputs: Vec<_> = site.inverters.iter().map(|part| (part, ac_out(part), ac_in(part))).collect();
    let total = |power: &dyn Fn(Option<f64>, Option<f64>) -> Option<f64>| {
        let lost = lost.iter().map(|why| Err(why.clone()));
        let parts =
            outputs.iter().map(|(part, output, input)| power(*output, *input).ok_or_else(|| missing(part)));
        lost.chain(parts).sum::<Result<f64, _>>()
    };
    out.observed(Metric::InverterPower, total(&|output, input| Some(output? - input?)));
    out.observed(Metric::InverterBackupPower, total(&|output, _| output));
    out.number(Metric::InverterVoltage, first.number("/Ac/Out/L1/V"));
    out.number(Metric::InverterCurrent, first.number("/Ac/Out/L1/I"));
    phases(first, out);
    out.number(Metric::InverterFrequency, first.number("/Ac/Out/L1/F"));
    out.number(Metric::InverterApparentPower, first.number("/Ac/Out/S"));
    out.number(Metric::InverterPowerMax, first.number("/Ac/Out/NominalInverterPower"));
    out.state(
        Metric::InverterMode,
        first.int("/State").and_then(|state| inverter_mode(state, first.int("/Mode"))),
    );
    let word =
        site.system.and_then(|part| word_of(part, "/SystemState/State")).or_else(|| word_of(first, "/State"));
    out.text(Metric::InverterModeNative, word);
    let faults = first.int("/VebusError").or_else(|| first.int("/ErrorCode"));
    out.text(
        Metric::InverterFaults,
        faults.map(|code| if code == 0 { "none".to_owned() } else { fault(first, code) }).as_deref(),
    );
}

/// The output of the unit that counts, phase by phase.
fn phases(part: &Part, out: &mut Out) {
    for (metric, phase) in native::INVERTER_OUTPUTS.into_iter().zip(PHASES) {
        out.number(metric, part.number(&format!("/Ac/Out/{phase}/P")));
    }
    for (metric, path) in [
        (native::INVERTER_VOLTAGE_L2, "/Ac/Out/L2/V"),
        (native::INVERTER_VOLTAGE_L3, "/Ac/Out/L3/V"),
        (native::INVERTER_CURRENT_L2, "/Ac/Out/L2/I"),
        (native::INVERTER_CURRENT_L3, "/Ac/Out/L3/I"),
    ] {
        out.number(metric, part.number(path));
    }
}

/// What goes to the loads behind the unit.
fn ac_out(part: &Part) -> Option<f64> {
    part.number("/Ac/Out/P").or_else(|| sum_of_phases(part, "/Ac/Out"))
}

/// What comes from the grid or the generator in front of it; nothing comes while it is not connected.
fn ac_in(part: &Part) -> Option<f64> {
    let is_off =
        part.int("/Ac/ActiveIn/ActiveInput") == Some(240) || part.int("/Ac/ActiveIn/Connected") == Some(0);
    let measured = part.number("/Ac/ActiveIn/P").or_else(|| sum_of_phases(part, "/Ac/ActiveIn"));
    let measured = measured.or_else(|| part.number("/Ac/In/1/P")).or_else(|| sum_of_phases(part, "/Ac/In/1"));
    let has_input = part.has("/Ac/ActiveIn/L1/P") || part.has("/Ac/In/1/L1/P") || &*part.class == "vebus";
    measured.or_else(|| (is_off || !has_input).then_some(0.0))
}

/// The sum of the phases that have the path with a value; with none, or with one that lost its value before others, none.
fn sum_of_phases(part: &Part, branch: &str) -> Option<f64> {
    let phases = part
        .int("/Ac/NumberOfPhases")
        .and_then(|count| usize::try_from(count).ok())
        .filter(|count| (1..=3).contains(count));
    let powers: Vec<_> = PHASES.iter().map(|phase| part.number(&format!("{branch}/{phase}/P"))).collect();
    let count = phases.or_else(|| powers.iter().rposition(Option::is_some).map(|last| last + 1))?;
    powers.into_iter().take(count).sum()
}

/// The state of a Multi (`/State`) and its switch (`/Mode`) as the catalogue has it.
fn inverter_mode(state: i64, switch: Option<i64>) -> Option<&'static str> {
    Some(match state {
        0 => "shutdown",
        1 => "power_saving",
        2 => "fault",
        3..=7 | 245..=247 if switch == Some(1) => "charging",
        3..=7 | 11 | 244..=247 | 252 | 256..=261 => "line",
        8 => "bypass",
        9 => "battery",
        10 => "hybrid",
        248 | 250 => "standby",
        _ => return None,
    })
}

fn fault(part: &Part, code: i64) -> String {
    let path = if part.has("/VebusError") { "/VebusError" } else { "/ErrorCode" };
    word_of(part, path).map_or_else(|| code.to_string(), |word| format!("{code}: {word}"))
}
