//! Panels: chargers on the battery's side, inverters on the AC side, and the inputs of both.

use ohmstead_model::{Metric, Unknown};

use super::{Out, Phased, missing};
use crate::victron::site::Site;
use crate::victron::tree::Part;

pub(super) fn solar(site: &Site<'_>, out: &mut Out) {
    let (mut sum, mut any) = (Ok(0.0), false);
    let mut add = |part: Result<f64, Unknown>| {
        any = true;
        sum = sum.clone().and_then(|sum: f64| part.map(|part| sum + part));
    };
    let chargers: Vec<_> = site.tree.of_class("solarcharger").collect();
    if let Some(power) = site.system_number("/Dc/Pv/Power") {
        add(Ok(power));
    } else {
        if let Some(part) = site.tree.gone_of_class("solarcharger") {
            add(Err(missing(part)));
        }
        for part in &chargers {
            add(part.number("/Yield/Power").ok_or_else(|| missing(part)));
        }
    }
    let coupled: Vec<_> = ["/Ac/PvOnGrid", "/Ac/PvOnOutput", "/Ac/PvOnGenset"]
        .iter()
        .filter_map(|branch| Some((branch, Phased::of(site, branch)?)))
        .collect();
    for (branch, phased) in &coupled {
        add(phased.sum(branch.trim_start_matches('/')));
    }
    if coupled.is_empty() {
        for part in site.tree.of_class("pvinverter") {
            add(part.number("/Ac/Power").ok_or_else(|| missing(part)));
        }
    }
    if any {
        out.observed(Metric::PvPower, sum);
    }
    solar_energy(site, out);
    trackers(site, &chargers, out);
}

fn solar_energy(site: &Site<'_>, out: &mut Out) {
    let chargers = site.tree.of_class("solarcharger").map(|part| part.number("/Yield/System"));
    let inverters = site.tree.of_class("pvinverter").map(|part| part.number("/Ac/Energy/Forward"));
    let all: Vec<_> = chargers.chain(inverters).collect();
    if !all.is_empty() {
        out.number(Metric::PvEnergy, all.into_iter().sum::<Option<f64>>());
    }
}

/// One input for panels, or one inverter of theirs.
struct Tracker {
    power: Option<f64>,
    voltage: Option<f64>,
    current: Option<f64>,
    operation: Option<i64>,
}

fn trackers(site: &Site<'_>, chargers: &[&Part], out: &mut Out) {
    const POWERS: [Metric; 4] = [Metric::PvPower1, Metric::PvPower2, Metric::PvPower3, Metric::PvPower4];
    const VOLTAGES: [Metric; 4] =
        [Metric::PvVoltage1, Metric::PvVoltage2, Metric::PvVoltage3, Metric::PvVoltage4];
    const CURRENTS: [Metric; 4] =
        [Metric::PvCurrent1, Metric::PvCurrent2, Metric::PvCurrent3, Metric::PvCurrent4];
    const STATES: [Metric; 4] = [Metric::PvState1, Metric::PvState2, Metric::PvState3, Metric::PvState4];
    let own = site.inverters.iter().filter(|part| &*part.class != "vebus").flat_map(|part| trackers_of(part));
    let all = chargers
        .iter()
        .flat_map(|part| trackers_of(part))
        .chain(own)
        .chain(site.tree.of_class("pvinverter").map(of_pv_inverter));
    for (index, tracker) in all.take(POWERS.len()).enumerate() {
        out.number(POWERS[index], tracker.power);
        out.number(VOLTAGES[index], tracker.voltage);
        out.number(CURRENTS[index], tracker.current);
        out.state(
            STATES[index],
            tracker.operation.map(|operation| if operation == 0 { "standby" } else { "working" }),
        );
    }
}

/// The inputs of a charger: several with their own paths, or the only one.
fn trackers_of(part: &Part) -> Vec<Tracker> {
    let several: Vec<_> = (0..4).filter(|index| part.has(&format!("/Pv/{index}/P"))).collect();
    let of =
        |power: Option<f64>, voltage: Option<f64>, current: Option<f64>, operation: Option<i64>| Tracker {
            power,
            voltage,
            current: current.or_else(|| Some(power? / voltage.filter(|volts| *volts > 1.0)?)),
            operation: operation.filter(|operation| (0..=2).contains(operation)),
        };
    if several.is_empty() {
        if !part.has("/Pv/V") && &*part.class != "solarcharger" {
            return Vec::new();
        }
        let power =
            part.number("/Yield/Power").or_else(|| Some(part.number("/Pv/V")? * part.number("/Pv/I")?));
        return vec![of(power, part.number("/Pv/V"), part.number("/Pv/I"), part.int("/MppOperationMode"))];
    }
    let one = |index: i32| {
        let path = |leaf: &str| format!("/Pv/{index}/{leaf}");
        of(part.number(&path("P")), part.number(&path("V")), None, part.int(&path("MppOperationMode")))
    };
    several.into_iter().map(one).collect()
}

fn of_pv_inverter(part: &Part) -> Tracker {
    Tracker { power: part.number("/Ac/Power"), voltage: None, current: None, operation: None }
}
