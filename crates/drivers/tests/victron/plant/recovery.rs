//! What comes and goes: services, the GX, its bus, its broker.

use std::time::Duration;

use ohmstead_model::{Metric, Severity};

use super::calls::Monitor;
use super::rig::{Rig, WAYS, morning};
use crate::support::Unit;

fn soc(unit: &Unit) -> Option<f64> {
    unit.number(Metric::BatterySoc)
}

async fn ready(unit: &mut Unit) {
    unit.until("everything is known", |unit| soc(unit).is_some() && unit.number(Metric::LoadPower).is_some())
        .await;
}

/// A driver on the GX crashes and comes back at another port: the same part, unknown meanwhile, fresh at once.
#[tokio::test]
async fn a_service_comes_back_at_another_port() {
    let rig = Rig::start(morning(), 1).await;
    let monitor = Monitor::start(&rig.daemon).await;
    let mut unit = rig.unit("dbus");
    ready(&mut unit).await;
    let voltage = |unit: &Unit| unit.row("grid/30", "/Ac/L1/Voltage");
    assert_eq!(voltage(&unit).as_deref(), Some("231"));
    let services = rig.gx.with(|gx| gx.tree().services().iter().filter(|service| service.present).count());
    for turn in 1..=3 {
        assert!(rig.gx.kill("grid"));
        unit.until("the meter is gone", |unit| unit.number(Metric::GridImportEnergy).is_none()).await;
        assert_eq!(voltage(&unit).as_deref(), Some("the device does not answer"));
        assert!(soc(&unit).is_some(), "the rest lives on");
        assert!(rig.gx.revive("grid", Some(&format!("cgwacs_ttyUSB{turn}_di30_mb1"))));
        let before = unit.now();
        unit.until("the meter is back", |unit| unit.number(Metric::GridImportEnergy).is_some()).await;
        let took = unit.now().saturating_sub(before);
        println!("fresh after {took:?}");
        assert!(took < Duration::from_secs(2));
        assert_eq!(voltage(&unit).as_deref(), Some("231"), "the same part");
    }
    assert_eq!(unit.told().online, [true]);
    let calls = monitor.calls().await;
    println!("{services} services, 3 returns: {calls:?}");
    assert_eq!(calls.get_items, services + 3);
    // The statistics of the CAN bus have no signal.
    assert_eq!(calls.get_value, ["/CanBus/Interface/can1/Statistics"]);
}

/// The same by every way that only asks, or is only told.
#[tokio::test]
async fn a_service_comes_back_by_every_way() {
    let rig = Rig::start(morning(), 4).await;
    let mut units = WAYS.map(|way| rig.unit(way));
    for unit in &mut units {
        ready(unit).await;
    }
    rig.gx.kill("grid");
    for (unit, way) in units.iter_mut().zip(WAYS) {
        unit.until(&format!("gone by {way}"), |unit| unit.number(Metric::GridImportEnergy).is_none()).await;
        // The Multi sees the grid as well; over Modbus it does not tell that it is connected.
        let seen = Some(231.0).filter(|_| way != "modbus");
        assert_eq!(unit.number(Metric::GridVoltageL1), seen, "{way}");
    }
    rig.gx.revive("grid", Some("cgwacs_ttyUSB9_di30_mb1"));
    for (unit, way) in units.iter_mut().zip(WAYS) {
        let before = unit.now();
        unit.until(&format!("back by {way}"), |unit| unit.number(Metric::GridImportEnergy).is_some()).await;
        println!("{way}: back after {:?} of its time", unit.now().saturating_sub(before));
        assert!(!unit.told().online.contains(&false), "{way}");
    }
}

/// The whole GX restarts: 80 s without anything.
#[tokio::test]
async fn the_gx_restarts() {
    let rig = Rig::start(morning(), 20).await;
    let mut units = WAYS.map(|way| rig.unit(way));
    for unit in &mut units {
        ready(unit).await;
    }
    rig.gx.reboot();
    let [a, b, c, d] = &mut units;
    tokio::join!(
        restarted(&rig, a, WAYS[0]),
        restarted(&rig, b, WAYS[1]),
        restarted(&rig, c, WAYS[2]),
        restarted(&rig, d, WAYS[3])
    );
}

async fn restarted(rig: &Rig, unit: &mut Unit, way: &str) {
    unit.until(&format!("offline by {way}, or without values"), |unit| {
        soc(unit).is_none() || unit.told().online.last() == Some(&false)
    })
    .await;
    unit.until(&format!("it is up ({way})"), |_| !rig.gx.with(|gx| gx.is_down())).await;
    let before = unit.now();
    unit.until(&format!("back by {way}"), |unit| {
        unit.told().online.last() == Some(&true)
            && soc(unit).is_some()
            && unit.number(Metric::LoadPower).is_some()
    })
    .await;
    println!("{way}: back {:?} after the restart", unit.now().saturating_sub(before));
}

/// The bus dies with everybody on it.
#[tokio::test]
async fn the_bus_restarts() {
    let mut rig = Rig::start(morning(), 4).await;
    let mut unit = rig.unit("dbus");
    ready(&mut unit).await;
    rig.daemon.kill();
    unit.until("offline", |unit| unit.told().online.last() == Some(&false)).await;
    let notice = unit.told().notices.first().cloned().expect("a notice");
    assert_eq!((notice.code, notice.severity), ("gx_unreachable", Severity::Alarm));
    rig.daemon.restart();
    unit.until("back", |unit| unit.told().online.last() == Some(&true) && soc(unit).is_some()).await;
    unit.until("no notice of it", |unit| {
        unit.told().notices.iter().all(|notice| notice.code != "gx_unreachable")
    })
    .await;
}

/// The broker restarts and has forgotten everything; whoever connects first, the keepalive is heard.
#[tokio::test]
async fn the_broker_restarts() {
    let mut rig = Rig::start(morning(), 4).await;
    let mut found = rig.unit("mqtt");
    let mut told = rig.unit_of(serde_json::json!({ "mqtt": { "host": "127.0.0.1", "port": rig.broker.port, "portal": ohmstead_plant::venus::PORTAL_ID } }));
    tokio::join!(ready(&mut found), ready(&mut told));
    for turn in 0..3 {
        rig.broker.kill();
        let down = |unit: &Unit| unit.told().online.last() == Some(&false);
        tokio::join!(found.until("offline", down), told.until("offline", down));
        rig.broker.restart();
        let before = found.now();
        let up = |unit: &Unit| unit.told().online.last() == Some(&true) && soc(unit).is_some();
        tokio::join!(found.until("back", up), told.until("back, with a portal told", up));
        println!("turn {turn}: back {:?} after the broker", found.now().saturating_sub(before));
    }
}
