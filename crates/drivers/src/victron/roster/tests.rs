use super::*;
use crate::victron::canonical::values;
use crate::victron::native;
use crate::victron::notices::notices;
use crate::victron::testing::value;
use crate::victron::tree::Told;
use ohmstead_model::{Metric, Severity, UnixMillis};
use std::sync::Arc;
use std::time::Duration;

/// An installation over its life: services come and go, the program is started again.
#[derive(Default)]
struct Life {
    tree: Tree,
    roster: Roster,
    now: Moment,
}

impl Life {
    fn up(&mut self, service: &str, rows: &[(&str, &str)]) {
        let told = |(path, text): &(&str, &str)| Told {
            path: Arc::from(*path),
            value: value(text),
            text: None,
            limits: None,
        };
        self.tree.up(&format!("com.victronenergy.{service}"), rows.iter().map(told).collect(), self.now);
        self.look();
    }

    fn gone(&mut self, service: &str) {
        self.tree.gone(&format!("com.victronenergy.{service}"));
        self.look();
    }

    fn look(&mut self) {
        self.roster.enrol(&self.tree, self.now);
        self.tree.follow(&self.roster);
    }

    fn later(&mut self, hours: u64) {
        self.now = self.now.plus(Duration::from_secs(3600 * hours));
        self.look();
    }

    /// The program starts again: only what it wrote down is left.
    fn restart(&mut self) {
        let kept = serde_json::to_string(&self.roster).expect("plain data");
        self.roster = serde_json::from_str(&kept).expect("what was written");
        self.tree = Tree::default();
        self.look();
    }

    fn shown(&self, metric: Metric) -> String {
        let found = values(&self.tree).into_iter().find(|(known, _)| *known == metric);
        match found.map(|(_, observation)| observation) {
            None => "left out".to_owned(),
            Some(Err(why)) => why.to_string(),
            Some(Ok(value)) => value.number().map_or_else(String::new, |number| number.to_string()),
        }
    }
}

fn chargers() -> Life {
    let mut life =
        Life { now: Moment { unix: UnixMillis(1_795_248_000_000), ..Moment::default() }, ..Life::default() };
    life.up(
        "solarcharger.a",
        &[("/DeviceInstance", "258"), ("/Yield/Power", "900"), ("/Yield/System", "600")],
    );
    life.up(
        "solarcharger.b",
        &[("/DeviceInstance", "259"), ("/Yield/Power", "300"), ("/Yield/System", "1400")],
    );
    life
}

#[test]
fn a_part_keeps_its_number_while_it_is_gone_and_over_restarts() {
    let mut life = chargers();
    assert_eq!((life.shown(Metric::PvPower1), life.shown(Metric::PvPower2)), ("900".into(), "300".into()));
    life.gone("solarcharger.a");
    assert_eq!(life.shown(Metric::PvPower1), "missing: solarcharger/258");
    assert_eq!(life.shown(Metric::PvPower2), "300");
    life.restart();
    life.up("solarcharger.b", &[("/DeviceInstance", "259"), ("/Yield/Power", "310")]);
    life.up("solarcharger.c", &[("/DeviceInstance", "7"), ("/Yield/Power", "50")]);
    assert_eq!(life.shown(Metric::PvPower1), "missing: solarcharger/258");
    assert_eq!(life.shown(Metric::PvPower2), "310");
    assert_eq!(life.shown(Metric::PvPower3), "50");
}

#[test]
fn tanks_and_sensors_do_not_change_places() {
    let mut life = Life::default();
    for (name, instance, level) in [("a", "20", "40"), ("b", "21", "70")] {
        life.up(&format!("tank.{name}"), &[("/DeviceInstance", instance), ("/Level", level)]);
        life.up(&format!("temperature.{name}"), &[("/DeviceInstance", instance), ("/Temperature", level)]);
    }
    life.gone("tank.a");
    life.gone("temperature.a");
    assert_eq!(life.shown(native::TANK_LEVELS[0]), "missing: tank/20");
    assert_eq!(life.shown(native::TANK_LEVELS[1]), "70");
    assert_eq!(life.shown(native::TEMPERATURES[0]), "missing: temperature/20");
    assert_eq!(life.shown(native::TEMPERATURES[1]), "70");
    let notice = notices(&life.tree).into_iter().find(|notice| notice.code == "gx_part_lost");
    assert_eq!(notice.map(|notice| notice.severity), Some(Severity::Info));
    // A lower instance does not push the others aside.
    life.up("tank.c", &[("/DeviceInstance", "1"), ("/Level", "10")]);
    assert_eq!(life.shown(native::TANK_LEVELS[1]), "70");
    assert_eq!(life.shown(native::TANK_LEVELS[2]), "10");
}

#[test]
fn a_lost_charger_makes_power_and_energy_unknown_whatever_the_gx_adds_up() {
    let mut life = chargers();
    life.up("system", &[("/Dc/Pv/Power", "1200")]);
    assert_eq!((life.shown(Metric::PvPower), life.shown(Metric::PvEnergy)), ("1200".into(), "2000".into()));
    life.gone("solarcharger.a");
    life.up("system", &[("/Dc/Pv/Power", "300")]);
    assert_eq!(life.shown(Metric::PvPower), "missing: solarcharger/258");
    assert_eq!(life.shown(Metric::PvEnergy), "missing: solarcharger/258");
    // The owner took it away: what is left is all there is, and its number is free.
    life.roster.remove(&["solarcharger/258".to_owned()], &life.tree);
    life.look();
    assert_eq!((life.shown(Metric::PvPower), life.shown(Metric::PvEnergy)), ("300".into(), "1400".into()));
    assert_eq!(
        (life.shown(Metric::PvPower1), life.shown(Metric::PvPower2)),
        ("left out".into(), "300".into())
    );
    life.up("solarcharger.c", &[("/DeviceInstance", "260"), ("/Yield/Power", "20")]);
    assert_eq!(life.shown(Metric::PvPower1), "20");
}

#[test]
fn what_is_there_is_not_removed() {
    let mut life = chargers();
    life.roster.remove(&["solarcharger/258".to_owned()], &life.tree);
    life.look();
    assert_eq!(life.shown(Metric::PvPower), "1200");
    assert_eq!(life.shown(Metric::PvPower1), "900");
}

/// A PV inverter switches itself off when it is dark, and its service goes.
#[test]
fn a_pv_inverter_that_sleeps_gives_nothing() {
    let mut life = chargers();
    let inverter = |watts| [("/DeviceInstance", "20"), ("/Ac/Power", watts), ("/Ac/Energy/Forward", "500")];
    life.up("pvinverter.f", &inverter("1500"));
    assert_eq!((life.shown(Metric::PvPower), life.shown(Metric::PvEnergy)), ("2700".into(), "2500".into()));
    life.gone("pvinverter.f");
    assert_eq!(life.shown(Metric::PvPower), "missing: pvinverter/20");
    life.up("pvinverter.f", &inverter("3"));
    life.gone("pvinverter.f");
    life.later(10);
    assert_eq!((life.shown(Metric::PvPower), life.shown(Metric::PvPower3)), ("1200".into(), "0".into()));
    assert!(notices(&life.tree).is_empty());
    assert_eq!(life.shown(Metric::PvEnergy), "missing: pvinverter/20");
    life.restart();
    assert_eq!(life.shown(Metric::PvPower3), "0");
    // No night is that long.
    life.later(11);
    assert_eq!(life.shown(Metric::PvPower3), "missing: pvinverter/20");
}

#[test]
fn panels_of_a_multi_rs_count_with_their_inputs() {
    let mut life = chargers();
    life.up(
        "multi.can0",
        &[
            ("/DeviceInstance", "5"),
            ("/Pv/0/P", "400"),
            ("/Pv/1/P", "200"),
            ("/Yield/Power", "600"),
            ("/Yield/System", "70"),
        ],
    );
    assert_eq!((life.shown(Metric::PvPower), life.shown(Metric::PvEnergy)), ("1800".into(), "2070".into()));
    assert_eq!((life.shown(Metric::PvPower3), life.shown(Metric::PvPower4)), ("400".into(), "200".into()));
    life.gone("multi.can0");
    assert_eq!(life.shown(Metric::PvPower), "missing: multi/5");
    assert_eq!(life.shown(Metric::InverterPower), "missing: multi/5");
    assert_eq!(life.shown(Metric::PvPower3), "missing: multi/5");
}

#[test]
fn sums_over_inverters_and_ev_chargers_name_the_lost_one() {
    let mut life = Life::default();
    for (name, instance) in [("a", "275"), ("b", "276")] {
        life.up(
            &format!("vebus.{name}"),
            &[("/DeviceInstance", instance), ("/Ac/Out/P", "100"), ("/Ac/ActiveIn/P", "40")],
        );
        life.up(&format!("evcharger.{name}"), &[("/DeviceInstance", instance), ("/Ac/Power", "1000")]);
    }
    assert_eq!(
        (life.shown(Metric::InverterPower), life.shown(native::EV_POWER)),
        ("120".into(), "2000".into())
    );
    life.gone("vebus.b");
    life.gone("evcharger.b");
    let notice = notices(&life.tree).into_iter().find(|notice| notice.code == "gx_part_lost");
    let notice = notice.expect("a notice");
    assert_eq!(notice.text, "not there any more: evcharger/276, vebus/276");
    assert_eq!(notice.severity, Severity::Warning);
    assert_eq!(life.shown(Metric::InverterPower), "missing: vebus/276");
    assert_eq!(life.shown(Metric::InverterBackupPower), "missing: vebus/276");
    assert_eq!(life.shown(native::EV_POWER), "missing: evcharger/276");
}

/// Of a service that has not told its instance yet nobody knows whether it is new.
#[test]
fn a_part_without_an_instance_takes_no_slot() {
    let mut life = Life::default();
    life.up("tank.a", &[("/Level", "40")]);
    life.up("tank.a", &[("/DeviceInstance", "20"), ("/Level", "40")]);
    assert_eq!(life.roster.names(Kind::Tank).collect::<Vec<_>>(), ["tank/20"]);
}

#[test]
fn a_flood_of_parts_finds_an_end() {
    let mut life = Life::default();
    for instance in 0..100 {
        life.up(&format!("tank.t{instance}"), &[("/DeviceInstance", &instance.to_string())]);
    }
    assert_eq!(life.roster.names(Kind::Tank).count(), SLOTS_MAX);
}
