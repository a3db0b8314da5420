//! What goes wrong on real sites: nothing wrong is published, and what is the matter is told.

use std::time::Duration;

use ohmstead_model::{Metric, Severity};
use ohmstead_plant::venus::ess::Around;

use super::calls::Monitor;
use super::rig::{Rig, WAYS, morning};
use crate::support::Unit;

async fn ready(rig: &Rig, way: &str) -> Unit {
    let mut unit = rig.unit(way);
    unit.until("everything is known", |unit| {
        unit.number(Metric::BatterySoc).is_some() && unit.number(Metric::LoadPower).is_some()
    })
    .await;
    unit
}

async fn pass(unit: &mut Unit, seconds: u64) {
    let until = unit.now() + Duration::from_secs(seconds);
    unit.until("time passes", |unit| unit.now() >= until).await;
}

fn notice(unit: &Unit, code: &str) -> Option<Severity> {
    unit.told().notices.iter().find(|notice| notice.code == code).map(|notice| notice.severity)
}

/// The powers that are known, against the simulator's flows. How many are unknown.
#[track_caller]
fn assert_true(rig: &Rig, unit: &Unit, what: &str) -> usize {
    let flows = rig.gx.with(|gx| gx.ess().expect("physics").flows);
    let sum = |phases: [f64; 3]| phases.iter().sum::<f64>();
    let truth = [
        (Metric::GridPower, sum(flows.grid_w)),
        (Metric::GridPowerL1, flows.grid_w[0]),
        (Metric::GridPowerL2, flows.grid_w[1]),
        (Metric::GridPowerL3, flows.grid_w[2]),
        (Metric::LoadPower, sum(flows.load_in_w) + sum(flows.load_out_w)),
        (Metric::BatteryPower, -flows.battery_w),
        (Metric::PvPower, flows.mppt_w + sum(flows.pv_ac_w)),
        (Metric::InverterBackupPower, sum(flows.load_out_w)),
    ];
    let mut unknown = 0;
    for (metric, truth) in truth {
        match unit.number(metric) {
            None => unknown += 1,
            // A register or a text has whole watts, of three phases.
            Some(told) => {
                assert!((told - truth).abs() <= 3.0, "{what}: {metric} is {truth} W, told are {told} W");
            }
        }
    }
    unknown
}

#[tokio::test]
async fn values_that_are_not_there_are_unknown() {
    let rig = Rig::start(morning(), 4).await;
    let mut unit = ready(&rig, "dbus").await;
    assert_eq!(assert_true(&rig, &unit, "healthy"), 0);
    rig.gx
        .set_switch(
            "pin=system:/Ac/Grid/L2/Power:invalid,system:/Dc/Battery/Power:invalid,battery/512:/Dc/0/Power:invalid,\
             system:/Dc/Battery/Current:invalid,battery/512:/Dc/0/Current:invalid,solarcharger:/Yield/Power:invalid,\
             vebus:/Ac/Out/P:invalid,vebus:/Ac/Out/L3/P:invalid,vebus:/Mode:invalid",
        )
        .unwrap();
    rig.gx.set_switch("sentinels").unwrap();
    pass(&mut unit, 15).await;
    let unknown = assert_true(&rig, &unit, "invalid");
    assert!(unknown >= 5, "{unknown}");
    let told = unit.told().values.get(&Metric::GridPower).cloned();
    assert_eq!(
        told.and_then(Result::err).map(|why| why.to_string()).as_deref(),
        Some("missing: grid power L2")
    );
    assert_eq!(
        unit.row("vebus/276", "/Hub4/L1/MaxFeedInPower").as_deref(),
        Some("the device does not report it")
    );
    rig.gx.set_switch("pin=off").unwrap();
    pass(&mut unit, 5).await;
    assert_eq!(assert_true(&rig, &unit, "healthy again"), 0);
}

/// Without its meter the GX takes the inverter's input for the grid.
#[tokio::test]
async fn a_lost_meter_makes_the_grid_unknown() {
    let rig = Rig::start(morning(), 10).await;
    let mut units = Vec::new();
    for way in WAYS {
        units.push(ready(&rig, way).await);
    }
    rig.gx.set_switch("meter-lost").unwrap();
    for (unit, way) in units.iter_mut().zip(WAYS) {
        unit.until(&format!("unknown by {way}"), |unit| unit.number(Metric::GridPower).is_none()).await;
        pass(unit, 12).await;
        assert!(assert_true(&rig, unit, way) >= 5, "{way}");
        // Modbus has no register for this alarm.
        assert_eq!(notice(unit, "no_grid_meter").is_some(), way != "modbus", "{way}");
    }
    rig.gx.set_switch("meter-lost=off").unwrap();
    for (unit, way) in units.iter_mut().zip(WAYS) {
        unit.until(&format!("known by {way}"), |unit| unit.number(Metric::GridPower).is_some()).await;
        unit.until("no notice of it", |unit| notice(unit, "no_grid_meter").is_none()).await;
    }
}

#[tokio::test]
async fn a_lost_charger_makes_the_solar_power_unknown() {
    let rig = Rig::start(morning(), 10).await;
    let mut unit = ready(&rig, "dbus").await;
    rig.gx.kill("solarcharger");
    unit.until("unknown", |unit| unit.number(Metric::PvPower).is_none()).await;
    pass(&mut unit, 5).await;
    assert_eq!(assert_true(&rig, &unit, "without the charger"), 1);
    rig.gx.revive("solarcharger", Some("ttyUSB4"));
    unit.until("known", |unit| unit.number(Metric::PvPower).is_some()).await;
}

#[tokio::test]
async fn a_lost_grid_is_an_alarm() {
    let rig = Rig::start(Around::default(), 10).await;
    rig.gx.with(|gx| {
        gx.write("vebus", "/Settings/Alarm/System/GridLost", &ohmstead_plant::venus::value::Value::I32(1))
    });
    let mut unit = ready(&rig, "dbus").await;
    rig.gx.set_switch("grid-lost").unwrap();
    unit.until("an alarm", |unit| notice(unit, "grid_lost") == Some(Severity::Alarm)).await;
    pass(&mut unit, 3).await;
    assert_eq!(rig.number("vebus", "/Ac/ActiveIn/ActiveInput"), Some(240.0));
    let mode = unit.told().values.get(&Metric::InverterMode).cloned();
    assert_eq!(mode.and_then(|mode| mode.ok()?.as_str().map(str::to_owned)).as_deref(), Some("battery"));
    assert_true(&rig, &unit, "island");
    rig.gx.set_switch("reconnect-s=5").unwrap();
    rig.gx.set_switch("grid-lost=off").unwrap();
    unit.until("no alarm", |unit| notice(unit, "grid_lost").is_none()).await;
    pass(&mut unit, 15).await;
    assert_eq!(assert_true(&rig, &unit, "back on the grid"), 0);
}

/// Calls that take 1 s and 5 s, for long enough that everything is read again: signals go on, and nobody is lost.
#[tokio::test]
async fn slow_calls_lose_nobody() {
    let rig = Rig::start(morning(), 20).await;
    let mut unit = ready(&rig, "dbus").await;
    let monitor = Monitor::start(&rig.daemon).await;
    for (slow_ms, span_s) in [(50, 330), (250, 400)] {
        rig.gx.set_switch(&format!("slow-ms={slow_ms}")).unwrap();
        let until = unit.now() + Duration::from_secs(span_s);
        while unit.now() < until {
            pass(&mut unit, 30).await;
            assert_eq!(assert_true(&rig, &unit, "slow"), 0, "{slow_ms}");
        }
    }
    assert_eq!(unit.told().online, [true]);
    println!("{} readings in 12 minutes", monitor.calls().await.get_items);
    // Somebody who comes now gets everything, if late.
    let mut late = rig.unit("dbus");
    late.until("everything", |unit| {
        unit.number(Metric::LoadPower).is_some() && unit.number(Metric::PvPower).is_some()
    })
    .await;
    println!("everything after {:?}", late.now());
    assert!(late.now() < Duration::from_secs(60));
}

/// Slow answers by the other ways: late is not wrong.
#[tokio::test]
async fn slow_answers_are_not_wrong() {
    let rig = Rig::start(morning(), 10).await;
    for way in ["mqtt", "http"] {
        let mut unit = ready(&rig, way).await;
        rig.gx.set_switch("slow-ms=100").unwrap();
        for _ in 0..4 {
            pass(&mut unit, 20).await;
            assert_true(&rig, &unit, way);
        }
        rig.gx.set_switch("slow-ms=off").unwrap();
        pass(&mut unit, 30).await;
        assert_eq!(assert_true(&rig, &unit, way), 0, "{way}");
    }
}
