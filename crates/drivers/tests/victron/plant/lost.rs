//! Parts that are lost: the house does not go on without them as if they had never been.

use std::time::Duration;

use ohmstead_drivers::Device as _;
use ohmstead_model::{Metric, Role};

use super::rig::{Rig, morning};
use crate::support::Unit;

async fn pass(unit: &mut Unit, seconds: u64) {
    let until = unit.now() + Duration::from_secs(seconds);
    unit.until("time passes", |unit| unit.now() >= until).await;
}

fn is_pv(unit: &Unit) -> bool {
    unit.device.info().roles.contains(&Role::Pv)
}

/// Why the load of the house is not known.
fn why_no_load(unit: &Unit) -> Option<String> {
    unit.house(Metric::LoadPower).err().map(|why| why.to_string())
}

/// Its solar power belongs to the balance of the house: without it the load would be too small by all of it.
#[tokio::test]
async fn a_house_whose_only_charger_is_lost_does_not_know_its_load() {
    let rig = Rig::start(morning(), 10).await;
    rig.gx.kill("pvinverter");
    let mut other = rig.unit("dbus");
    other
        .until("the PV inverter is off the bus", |unit| {
            let rows = unit.rows(Some("pvinverter"));
            unit.number(Metric::GridPower).is_some() && rows.iter().all(|row| row.observation.is_err())
        })
        .await;
    let mut unit = rig.unit("dbus");
    unit.until("the house is known", |unit| unit.house(Metric::LoadPower).is_ok() && is_pv(unit)).await;
    rig.gx.kill("solarcharger");
    pass(&mut unit, 25).await;
    assert!(is_pv(&unit));
    assert_eq!(why_no_load(&unit).as_deref(), Some("missing: pv_power of gx (missing: solarcharger/278)"));
    // The program is started again meanwhile.
    let mut unit = rig.unit_again("dbus", unit.device.memory());
    unit.until("the grid is known", |unit| unit.house(Metric::GridPower).is_ok()).await;
    pass(&mut unit, 25).await;
    assert!(is_pv(&unit));
    assert!(why_no_load(&unit).is_some());
    rig.gx.revive("solarcharger", Some("ttyUSB4"));
    unit.until("the house is known again", |unit| unit.house(Metric::LoadPower).is_ok()).await;
}

/// What is numbered keeps its number while another one is gone, and over a restart.
#[tokio::test]
async fn numbers_are_kept() {
    let rig = Rig::start(morning(), 10).await;
    let mut unit = rig.unit("dbus");
    unit.until("both inputs are known", |unit| unit.number(Metric::PvPower2).is_some()).await;
    let inverter = unit.number(Metric::PvPower2);
    assert_ne!(unit.number(Metric::PvPower1), inverter);
    rig.gx.kill("solarcharger");
    unit.until("the first is unknown", |unit| unit.number(Metric::PvPower1).is_none()).await;
    assert_eq!(unit.number(Metric::PvPower2), inverter);
    let mut unit = rig.unit_again("dbus", unit.device.memory());
    unit.until("the second is known", |unit| unit.number(Metric::PvPower2).is_some()).await;
    assert_eq!((unit.number(Metric::PvPower1), unit.number(Metric::PvPower2)), (None, inverter));
}
