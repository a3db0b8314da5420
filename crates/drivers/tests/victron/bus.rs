//! Services that come, go, hang and lie, and a bus that dies.

use std::collections::BTreeMap;
use std::time::Duration;

use ohmstead_drivers::Device as _;
use ohmstead_drivers::victron::{Bus, discover};
use ohmstead_model::{Metric, Severity, Value};

use crate::support::{Daemon, Leaf, Manner, Service, Unit, leaf};

fn leaves(rows: &[(&str, Leaf)]) -> BTreeMap<String, Leaf> {
    rows.iter().map(|(path, leaf)| ((*path).to_owned(), leaf.clone())).collect()
}

fn battery(soc: f64) -> BTreeMap<String, Leaf> {
    leaves(&[
        ("/DeviceInstance", leaf("i", 512)),
        ("/ProductName", leaf("s", "Pylontech battery")),
        ("/Soc", leaf("d", soc)),
        ("/Dc/0/Voltage", leaf("d", 51.200_000_762_9)),
        ("/Dc/0/Power", leaf("i", -800)),
        ("/HardwareVersion", Leaf::invalid()),
    ])
}

const NAME: &str = "com.victronenergy.battery.socketcan_can0";

#[tokio::test]
async fn what_is_there_is_read_once_and_then_heard() {
    let daemon = Daemon::start();
    let service = Service::start(&daemon.address(), NAME, battery(80.0)).await;
    let mut unit = Unit::on_bus(&daemon.address());
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(80.0)).await;
    // The GX counts what flows into the battery.
    assert_eq!(unit.number(Metric::BatteryPower), Some(800.0));
    assert_eq!(unit.row("battery/512", "/Dc/0/Voltage").as_deref(), Some("51.2"));
    assert_eq!(unit.row("battery/512", "/HardwareVersion").as_deref(), Some("the device does not report it"));
    service.change("/Soc", leaf("i", 79)).await;
    unit.until("a change of another type", |unit| unit.number(Metric::BatterySoc) == Some(79.0)).await;
    service.change("/Soc", Leaf::invalid()).await;
    unit.until("no value", |unit| unit.number(Metric::BatterySoc).is_none()).await;
    assert_eq!(unit.told().online, [true]);
    let calls = service.calls();
    assert_eq!((calls.get_items, calls.get_value.len()), (1, 0));
}

#[tokio::test]
async fn a_service_that_comes_back_elsewhere_is_the_same_part() {
    let daemon = Daemon::start();
    let service = Service::start(&daemon.address(), "com.victronenergy.battery.ttyUSB0", battery(80.0)).await;
    let mut unit = Unit::on_bus(&daemon.address());
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(80.0)).await;
    service.kill().await;
    unit.until("it is gone", |unit| unit.number(Metric::BatterySoc).is_none()).await;
    assert_eq!(unit.row("battery/512", "/Soc").as_deref(), Some("the device does not answer"));
    let started = unit.now();
    let _service =
        Service::start(&daemon.address(), "com.victronenergy.battery.ttyUSB1", battery(78.0)).await;
    unit.until("it is back", |unit| unit.number(Metric::BatterySoc) == Some(78.0)).await;
    assert!(unit.now().saturating_sub(started) < Duration::from_secs(2));
    assert_eq!(unit.row("battery/512", "/Soc").as_deref(), Some("78"));
    assert!(unit.rows(Some("com.victronenergy.battery.ttyUSB0")).is_empty());
}

#[tokio::test]
async fn the_bus_may_die_and_come_back() {
    let mut daemon = Daemon::start();
    let _service = Service::start(&daemon.address(), NAME, battery(80.0)).await;
    let tank = leaves(&[("/DeviceInstance", leaf("i", 3)), ("/Level", leaf("i", 40))]);
    let _tank = Service::start(&daemon.address(), "com.victronenergy.tank.a", tank).await;
    let mut unit = Unit::of(serde_json::json!({ "dbus": daemon.address() }), 10);
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(80.0)).await;
    assert_eq!(unit.row("tank/3", "/Level").as_deref(), Some("40"));
    daemon.kill();
    unit.until("offline", |unit| unit.told().online.last() == Some(&false)).await;
    let notice = unit.told().notices.first().cloned().expect("a notice");
    assert_eq!((notice.code, notice.severity), ("gx_unreachable", Severity::Alarm));
    daemon.restart();
    let _service = Service::start(&daemon.address(), NAME, battery(70.0)).await;
    unit.until("it is back", |unit| unit.number(Metric::BatterySoc) == Some(70.0)).await;
    assert_eq!(unit.told().online, [true, false, true]);
    // Whoever did not come back is not there.
    assert_eq!(unit.row("tank/3", "/Level").as_deref(), Some("the device does not answer"));
    unit.until("a notice of the tank alone", |unit| {
        let told = unit.told();
        told.notices.iter().map(|notice| notice.text.as_str()).eq(["not there any more: tank/3"])
    })
    .await;
}

#[tokio::test]
async fn without_a_bus_the_owner_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("unix:path={}", folder.path().join("none").display());
    let mut unit = Unit::of(serde_json::json!({ "dbus": address }), 10);
    unit.until("offline", |unit| unit.told().online == [false]).await;
    let text = unit.told().notices.first().map(|notice| notice.text.clone()).expect("a notice");
    assert!(text.contains("No such file or directory"), "{text}");
}

#[tokio::test]
async fn an_old_service_is_read_in_the_old_way_once() {
    let daemon = Daemon::start();
    let service = Service::with_manner(&daemon.address(), NAME, battery(80.0), Manner::Old).await;
    let mut unit = Unit::on_bus(&daemon.address());
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(80.0)).await;
    assert_eq!(service.calls().get_value, ["/"]);
}

#[tokio::test]
async fn a_service_that_hangs_holds_nobody_up() {
    let daemon = Daemon::start();
    let _hangs =
        Service::with_manner(&daemon.address(), "com.victronenergy.tank.slow", battery(1.0), Manner::Hangs)
            .await;
    let _service = Service::start(&daemon.address(), NAME, battery(80.0)).await;
    let mut unit = Unit::on_bus(&daemon.address());
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(80.0)).await;
    assert!(unit.now() < Duration::from_secs(5), "{:?}", unit.now());
    assert!(unit.rows(Some("tank")).is_empty());
}

#[tokio::test]
async fn many_services_are_read_at_once_and_quickly() {
    let daemon = Daemon::start();
    let mut services = Vec::new();
    for index in 0..5 {
        let mut values = battery(50.0);
        values.insert("/DeviceInstance".into(), leaf("i", index));
        values
            .extend((0..220).map(|i| (format!("/Cell/{i}/Voltage"), leaf("d", 3.3 + f64::from(i) / 1000.0))));
        services.push(
            Service::start(&daemon.address(), &format!("com.victronenergy.battery.b{index}"), values).await,
        );
    }
    let mut unit = Unit::on_bus(&daemon.address());
    unit.until("everything", |unit| unit.rows(None).len() >= 5 * 220).await;
    println!("{} values of 5 services after {:?}", unit.rows(None).len(), unit.now());
    assert!(services.iter().all(|service| service.calls().get_items == 1));
}

#[tokio::test]
async fn a_change_is_reported_at_once() {
    let daemon = Daemon::start();
    let service = Service::start(&daemon.address(), NAME, battery(80.0)).await;
    let mut unit = Unit::on_bus(&daemon.address());
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(80.0)).await;
    let mut delays = Vec::new();
    for power in 0..200 {
        let before = unit.now();
        service.change("/Dc/0/Power", leaf("i", power)).await;
        unit.until("the new power", |unit| {
            unit.number(Metric::BatteryPower) == Some(-f64::from(power) + 0.0)
        })
        .await;
        delays.push(unit.now().saturating_sub(before));
    }
    delays.sort();
    println!("from the change on the bus to the report: median {:?}, p99 {:?}", delays[100], delays[197]);
    // A busy machine may be slow; a driver that waits for its next turn would take 10 s.
    assert!(delays[100] < Duration::from_millis(200), "{:?}", delays[100]);
}

#[tokio::test]
async fn watched_paths_become_metrics() {
    let daemon = Daemon::start();
    let service = Service::start(&daemon.address(), NAME, battery(80.0)).await;
    let watch = serde_json::json!([
        { "path": "battery/512/Dc/0/Voltage", "name": "pack_voltage", "interval": "1 s" },
        { "path": "battery/ProductName", "name": "pack_name" },
        { "path": "battery/Made/Up" },
        { "path": "tank/7/Level", "name": "rain" },
    ]);
    let mut unit = Unit::of(serde_json::json!({ "dbus": daemon.address(), "watch": watch }), 10);
    let metric = |name: &str| ohmstead_drivers::metric(name).unwrap_or_else(|| panic!("{name} is known"));
    unit.until("a voltage", |unit| unit.number(metric("pack_voltage")) == Some(51.2)).await;
    let name = unit.told().values.get(&metric("pack_name")).cloned();
    assert_eq!(name, Some(Ok(Value::text("Pylontech battery"))));
    assert!(unit.told().values.get(&metric("rain")).is_some_and(Result::is_err), "nothing is no 0");
    assert!(unit.told().values.get(&metric("gx_battery_made_up")).is_some_and(Result::is_err));
    service.change("/Dc/0/Voltage", leaf("d", 52.0)).await;
    let before = unit.now();
    unit.until("the next voltage", |unit| unit.number(metric("pack_voltage")) == Some(52.0)).await;
    assert!(unit.now().saturating_sub(before) < Duration::from_secs(5));
    // It is told again although it does not change.
    let told = unit.told().at[&metric("pack_voltage")];
    unit.until("it is told again", |unit| unit.told().at[&metric("pack_voltage")] > told).await;
    service.kill().await;
    unit.until("it is unknown", |unit| unit.number(metric("pack_voltage")).is_none()).await;
}

#[tokio::test]
async fn a_constant_value_is_as_fresh_as_the_bus() {
    let daemon = Daemon::start();
    let _service = Service::start(&daemon.address(), NAME, battery(80.0)).await;
    let mut unit = Unit::of(serde_json::json!({ "dbus": daemon.address() }), 20);
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(80.0)).await;
    for _ in 0..6 {
        unit.pass(Duration::from_secs(15)).await;
        let age = unit.age(Metric::BatterySoc);
        assert!(age < Duration::from_secs(25), "{age:?}");
    }
    let info = unit.device.info();
    assert!(info.ttl.fast < Duration::from_secs(60));
}

#[tokio::test]
async fn statistics_that_no_signal_tells_are_asked_for() {
    let daemon = Daemon::start();
    let statistics = |packets: u32, errors: u32| {
        let text = format!(
            r#"[{{"linkinfo":{{"info_data":{{"state":"ERROR-ACTIVE"}}}},"stats64":{{"rx":{{"packets":{packets},"errors":0}},"tx":{{"packets":0,"errors":{errors}}}}}}}]"#
        );
        leaf("s", text)
    };
    let path = "/CanBus/Interface/can0/Statistics";
    let values = leaves(&[(path, statistics(1000, 649))]);
    let service = Service::start(&daemon.address(), "com.victronenergy.platform", values).await;
    let mut unit = Unit::of(serde_json::json!({ "dbus": daemon.address() }), 400);
    let errors = ohmstead_drivers::metric("can_errors_per_minute_1").expect("a metric");
    unit.until("it was asked for", |_| service.calls().get_value == [path]).await;
    assert_eq!(unit.number(errors), None, "a level tells no rate");
    service.set(path, statistics(2000, 1649));
    unit.until("a rate", |unit| unit.number(errors).is_some_and(|rate| rate > 20.0)).await;
    unit.until("a notice", |unit| unit.told().notices.iter().any(|notice| notice.code == "can_errors")).await;
}

#[tokio::test]
async fn a_gx_device_is_found_on_its_bus() {
    let daemon = Daemon::start();
    let unit = Unit::on_bus(&daemon.address());
    let bus = Bus::parse(&daemon.address()).expect("an address");
    assert_eq!(discover(&bus, unit.clock()).await, None);
    let values = leaves(&[
        ("/Device/Model", leaf("s", "Cerbo GX")),
        ("/Device/UniqueId", leaf("s", "c0619ab9929a")),
        ("/Firmware/Installed/Version", leaf("s", "v3.70~33")),
    ]);
    let _service = Service::start(&daemon.address(), "com.victronenergy.platform", values).await;
    let found = discover(&bus, unit.clock()).await.expect("a GX device");
    assert_eq!((found.model.as_str(), found.firmware.as_deref()), ("Cerbo GX", Some("v3.70~33")));
    assert_eq!(found.serial.as_deref(), Some("c0619ab9929a"));
}
