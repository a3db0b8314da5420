//! Four ways to one GX: the same metrics with the same values.

use std::collections::{BTreeMap, BTreeSet};

use ohmstead_model::{Metric, Observation, Value};
use ohmstead_plant::venus::ess::Around;

use super::rig::{Rig, WAYS, morning};
use crate::support::Unit;

/// All that is told of the house; an age depends on when it was looked at besides.
fn known(unit: &Unit) -> BTreeMap<Metric, Observation> {
    let mut values = unit.told().values.clone();
    values.retain(|metric, _| metric.id() != "vrm_contact_age");
    values
}

fn shown(observation: Option<&Observation>) -> String {
    match observation {
        None => "-".to_owned(),
        Some(Ok(Value::Number(number))) => number.to_string(),
        Some(Ok(value)) => value.as_str().unwrap_or_default().to_owned(),
        Some(Err(why)) => format!("? {why}"),
    }
}

/// What has no register, or a register from which 0 and nothing cannot be told apart.
const NOT_OVER_MODBUS: &[&str] = &[
    "active_soc_limit",
    "battery_capacity",
    "battery_mode",
    "battery_mode_native",
    "battery_modules_blocking_charge",
    "battery_modules_blocking_discharge",
    "battery_modules_offline",
    // Of two batteries nobody tells which one counts.
    "battery_temperature",
    "can_errors_per_minute_1",
    "can_state_1",
    "device_firmware",
    "device_model",
    "feed_in_policy",
    "firmware_available",
    "firmware_backup",
    "firmware_state",
    "firmware_update",
    "generator_runtime",
    "grid_meter_connected",
    "grid_setpoint",
    "gx_notifications",
    "inverter_apparent_power",
    "max_discharge_power",
    "pv_energy",
    "vrm_backlog",
    "vrm_buffer_free",
    "vrm_error",
    "wifi_state",
    "wifi_strength",
];

/// How far a register may be from the value: half its last digit, times how many of them are added up.
const COARSE: &[(&str, f64)] = &[
    ("battery_cell_voltage_max", 0.005),
    ("battery_cell_voltage_min", 0.005),
    // Amperes at a voltage with one decimal less.
    ("battery_charge_power_max", 148.0 * 0.05 + 1.0),
    ("battery_discharge_power_max", 148.0 * 0.05 + 1.0),
    ("battery_voltage", 0.05),
    ("grid_current_l1", 0.05),
    ("grid_current_l2", 0.05),
    ("grid_current_l3", 0.05),
    ("grid_power", 1.5),
    ("inverter_current", 0.05),
    ("inverter_current_l2", 0.05),
    ("inverter_current_l3", 0.05),
    ("inverter_output_power_l1", 5.0),
    ("inverter_output_power_l2", 5.0),
    ("inverter_output_power_l3", 5.0),
    ("inverter_voltage_l2", 0.05),
    ("inverter_voltage_l3", 0.05),
    // Three inputs in tens of watts, and an output.
    ("inverter_power", 30.0),
    ("load_power", 1.5),
    ("pv_current_1", 0.05),
];

/// Whether a value over Modbus is the value, as far as its register goes.
fn is_same(metric: Metric, exact: Option<&Observation>, coarse: Option<&Observation>) -> bool {
    let number = |observation: Option<&Observation>| observation?.as_ref().ok()?.number();
    let allowed = COARSE.iter().find(|(name, _)| *name == metric.id()).map_or(0.0, |(_, allowed)| *allowed);
    match (number(exact), number(coarse)) {
        (Some(exact), Some(coarse)) => (exact - coarse).abs() <= allowed + 1e-9,
        _ => exact == coarse,
    }
}

async fn settled(unit: &mut Unit) {
    unit.until("everything is known", |unit| {
        unit.number(Metric::BatterySoc).is_some() && unit.number(Metric::LoadPower).is_some()
    })
    .await;
    // Everything is told again after ten seconds at the latest.
    let until = unit.now() + std::time::Duration::from_secs(12);
    unit.until("it is told again", |unit| unit.now() >= until).await;
}

/// What the four ways say of a house that stands still, in the order of [`WAYS`].
async fn four(rig: &Rig) -> [BTreeMap<Metric, Observation>; 4] {
    let [mut a, mut b, mut c, mut d] = WAYS.map(|way| rig.unit(way));
    tokio::join!(settled(&mut a), settled(&mut b), settled(&mut c), settled(&mut d));
    [known(&a), known(&b), known(&c), known(&d)]
}

fn compare(all: &[BTreeMap<Metric, Observation>; 4], lacking: &[&str]) {
    let metrics: BTreeSet<Metric> = all.iter().flat_map(|values| values.keys().copied()).collect();
    println!("{:<32}{:>34}{:>34}{:>34}{:>34}", "metric", WAYS[0], WAYS[1], WAYS[2], WAYS[3]);
    let mut wrong = Vec::new();
    for metric in metrics {
        let [dbus, mqtt, http, modbus] = all.each_ref().map(|values| values.get(&metric));
        let row = [dbus, mqtt, http, modbus].map(shown);
        println!("{:<32}{:>34}{:>34}{:>34}{:>34}", metric.id(), row[0], row[1], row[2], row[3]);
        let lacks = modbus.is_none_or(Result::is_err);
        let may_lack = [NOT_OVER_MODBUS, lacking].iter().any(|names| names.contains(&metric.id()));
        let may_lack = may_lack || dbus.is_none_or(Result::is_err);
        if dbus != mqtt || dbus != http || (lacks && !may_lack) || !(lacks || is_same(metric, dbus, modbus)) {
            wrong.push(format!("{}: {}", metric.id(), row.join(" | ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn four_ways_show_one_house() {
    let rig = Rig::start(morning(), 4).await;
    rig.gx.with(|gx| gx.live(gx.now_ms() + 60_000, 1_000));
    rig.gx.set_switch("frozen").unwrap();
    let all = four(&rig).await;
    compare(&all, &[]);
    assert!(all[0].len() >= 70, "{}", all[0].len());
    for metric in NOT_OVER_MODBUS {
        let metric = ohmstead_drivers::metric(metric).expect("it is known");
        assert!(!matches!(all[3].get(&metric), Some(Ok(_))), "{metric} is there after all");
    }
}

/// What has no other name on the bus than its class is called so by every way; the rest is where it was by two ways.
#[tokio::test]
async fn services_have_the_same_names() {
    let rig = Rig::start(morning(), 4).await;
    let [mut a, mut b, mut c, mut d] = WAYS.map(|way| rig.unit(way));
    tokio::join!(settled(&mut a), settled(&mut b), settled(&mut c), settled(&mut d));
    for (unit, way) in [a, b, c, d].iter().zip(WAYS) {
        let names: BTreeSet<_> = unit.rows(None).into_iter().map(|row| row.service.to_string()).collect();
        println!("{way}: {names:?}");
        for single in ["system", "settings", "hub4"] {
            let name = format!("com.victronenergy.{single}");
            assert!(names.contains(&name), "{way}: {names:?}");
            assert!(!unit.rows(Some(&name)).is_empty(), "{way}");
        }
        let battery =
            if matches!(way, "mqtt" | "modbus") { "battery.di512" } else { "battery.socketcan_can1" };
        assert!(names.contains(&format!("com.victronenergy.{battery}")), "{way}: {names:?}");
        assert!(names.iter().all(|name| !name.contains('/')), "{way}: {names:?}");
    }
}

/// The statistics of the CAN bus are in no signal and in no message: they are asked for.
#[tokio::test]
async fn can_statistics_come_over_mqtt() {
    let rig = Rig::start(morning(), 120).await;
    let mut unit = rig.unit("mqtt");
    let errors = ohmstead_drivers::metric("can_errors_per_minute_1").expect("a metric");
    unit.until("a rate", |unit| unit.number(errors).is_some()).await;
}

/// At night, with overrides set elsewhere, a battery that says little, and values that are not there.
#[tokio::test]
async fn four_ways_show_one_strange_house() {
    let around = Around { load_out_w: [0.0, 150.0, 0.0], ..Around::default() };
    let rig = Rig::start(around, 4).await;
    rig.gx.with(|gx| {
        gx.write("hub4", "/Overrides/MaxDischargePower", &ohmstead_plant::venus::value::Value::F64(0.0));
        gx.write("hub4", "/Overrides/Setpoint", &ohmstead_plant::venus::value::Value::F64(0.0));
        gx.live(gx.now_ms() + 60_000, 1_000);
    });
    rig.gx.set_switch("frozen").unwrap();
    rig.gx
        .set_switch(
            "pin=battery/512:/Soc:invalid,battery/512:/Info/MaxChargeVoltage:invalid,battery/512:/Info/MaxChargeCurrent:invalid,\
             battery/512:/Info/MaxDischargeCurrent:invalid,system:/Dc/Battery/Temperature:invalid,\
             settings:/Settings/CGwacs/MaxDischargePower:invalid,vebus:/State:invalid",
        )
        .unwrap();
    rig.gx.set_switch("sentinels").unwrap();
    // No battery of the two shows limits: neither is known to be the one with the cells.
    let cells = [
        "cell_temperature_max",
        "cell_temperature_max_id",
        "cell_temperature_min",
        "cell_temperature_min_id",
        "cell_voltage_max",
        "cell_voltage_max_id",
        "cell_voltage_min",
        "cell_voltage_min_id",
        "modules_online",
        "soh",
    ];
    let lacking: Vec<_> = cells.iter().map(|name| format!("battery_{name}")).collect();
    let mut lacking: Vec<_> = lacking.iter().map(String::as_str).collect();
    lacking.push("inverter_mode_native");
    compare(&four(&rig).await, &lacking);
}
