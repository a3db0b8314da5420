//! Panels: chargers on the battery's side, inverters on the AC side, and the inputs of both.

use ohmstead_model::Metric;

use super::{Out, Phased, Sum, missing};
use crate::victron::roster::{Kind, has_panels};
use crate::victron::site::Site;
use crate::victron::tree::Part;

/// What charges the battery from panels.
const CHARGERS: [&str; 3] = ["solarcharger", "multi", "inverter"];

pub(super) fn solar(site: &Site<'_>, out: &mut Out) {
    let mut sum = Sum::default();
    battery_side(site, &mut sum);
    ac_side(site, &mut sum);
    sum.put(Metric::PvPower, out);
    solar_energy(site, out);
    trackers(site, out);
}

/// Chargers, and inverters with panels of their own.
fn battery_side(site: &Site<'_>, sum: &mut Sum) {
    // The GX adds up the chargers that it sees: one that is gone is never in its sum, which looks like any other.
    if let Some(why) = site.tree.lost(Kind::Panels, |class| class != "pvinverter") {
        return sum.add(Err(why));
    }
    if let Some(power) = site.system_number("/Dc/Pv/Power") {
        return sum.add(Ok(power));
    }
    let chargers = CHARGERS.iter().flat_map(|class| site.tree.of_class(class));
    for part in chargers.filter(|part| has_panels(part)) {
        sum.add(part.number("/Yield/Power").ok_or_else(|| missing(part)));
    }
}

/// PV inverters, in front of and behind the inverter.
fn ac_side(site: &Site<'_>, sum: &mut Sum) {
    if let Some(why) = site.tree.lost(Kind::Panels, |class| class == "pvinverter") {
        return sum.add(Err(why));
    }
    let mut is_told = false;
    for branch in ["/Ac/PvOnGrid", "/Ac/PvOnOutput", "/Ac/PvOnGenset"] {
        if let Some(phased) = Phased::of(site, branch) {
            is_told = true;
            sum.add(phased.sum(branch.trim_start_matches('/')));
        }
    }
    if is_told {
        return;
    }
    for part in site.tree.of_class("pvinverter") {
        sum.add(part.number("/Ac/Power").ok_or_else(|| missing(part)));
    }
    if site.tree.slots(Kind::Panels).flatten().any(|member| member.is_asleep) {
        sum.add(Ok(0.0));
    }
}

/// A total only grows: with a part that is gone it would fall, and jump when it is back.
fn solar_energy(site: &Site<'_>, out: &mut Out) {
    let members = site.tree.members(Kind::Panels);
    let energies: Vec<_> = members
        .iter()
        .map(|member| {
            let part = member.here()?;
            let path = if member.is_pv_inverter() { "/Ac/Energy/Forward" } else { "/Yield/System" };
            part.number(path).ok_or_else(|| missing(part))
        })
        .collect();
    // Where no part that is there counts its energy, there is no such figure.
    let is_counted = energies.iter().any(Result::is_ok);
    let is_lost = members.iter().any(|member| member.here().is_err());
    if is_counted || is_lost {
        out.observed(Metric::PvEnergy, energies.into_iter().sum());
    }
}

/// One input for panels, or one inverter of theirs.
struct Tracker {
    power: Option<f64>,
    voltage: Option<f64>,
    current: Option<f64>,
    operation: Option<i64>,
}

fn trackers(site: &Site<'_>, out: &mut Out) {
    const POWERS: [Metric; 4] = [Metric::PvPower1, Metric::PvPower2, Metric::PvPower3, Metric::PvPower4];
    const VOLTAGES: [Metric; 4] =
        [Metric::PvVoltage1, Metric::PvVoltage2, Metric::PvVoltage3, Metric::PvVoltage4];
    const CURRENTS: [Metric; 4] =
        [Metric::PvCurrent1, Metric::PvCurrent2, Metric::PvCurrent3, Metric::PvCurrent4];
    const STATES: [Metric; 4] = [Metric::PvState1, Metric::PvState2, Metric::PvState3, Metric::PvState4];
    for (index, slot) in site.tree.slots(Kind::Panels).take(POWERS.len()).enumerate() {
        let Some(member) = slot else { continue };
        let part = match member.here() {
            Ok(part) => part,
            Err(_) if member.is_asleep => {
                out.number(POWERS[index], Some(0.0));
                continue;
            }
            Err(why) => {
                out.unknown(&[POWERS[index]], &why);
                continue;
            }
        };
        let tracker = tracker_of(part, member.input);
        out.number(POWERS[index], tracker.power);
        out.number(VOLTAGES[index], tracker.voltage);
        out.number(CURRENTS[index], tracker.current);
        out.state(
            STATES[index],
            tracker.operation.map(|operation| if operation == 0 { "standby" } else { "working" }),
        );
    }
}

/// One of several inputs with their own paths, or the only one.
fn tracker_of(part: &Part, input: Option<u8>) -> Tracker {
    let (power, voltage, current, operation) = match input {
        _ if &*part.class == "pvinverter" => (part.number("/Ac/Power"), None, None, None),
        Some(input) => {
            let path = |leaf: &str| format!("/Pv/{input}/{leaf}");
            let operation = part.int(&path("MppOperationMode"));
            (part.number(&path("P")), part.number(&path("V")), None, operation)
        }
        None => {
            let (voltage, current) = (part.number("/Pv/V"), part.number("/Pv/I"));
            let power = part.number("/Yield/Power").or_else(|| Some(voltage? * current?));
            (power, voltage, current, part.int("/MppOperationMode"))
        }
    };
    Tracker {
        power,
        voltage,
        current: current.or_else(|| Some(power? / voltage.filter(|volts| *volts > 1.0)?)),
        operation: operation.filter(|operation| (0..=2).contains(operation)),
    }
}
