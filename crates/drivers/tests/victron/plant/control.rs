//! Modes and settings against physics: what the battery really does, what wears out, what is refused and what is ignored.

use std::time::Duration;

use ohmstead_drivers::{Device, ModeNow, Plan};
use ohmstead_model::{Metric, Wish};
use ohmstead_plant::venus::ess::{Around, Flows};
use ohmstead_plant::venus::value::Value;
use rstest::rstest;

use super::calls::Monitor;
use super::rig::{Rig, morning};
use crate::support::Unit;

fn wish(text: &str) -> Wish {
    text.parse().expect("a wish")
}

async fn ready(rig: &Rig, way: &str) -> Unit {
    let mut unit = rig.unit(way);
    unit.until("it can be controlled", |unit| unit.device.info().modes.iter().any(|mode| mode == "auto"))
        .await;
    unit
}

async fn pass(unit: &mut Unit, seconds: u64) {
    let until = unit.now() + Duration::from_secs(seconds);
    unit.until("time passes", |unit| unit.now() >= until).await;
}

fn flows(rig: &Rig) -> Flows {
    rig.gx.with(|gx| gx.ess().expect("physics").flows)
}

/// What the battery gives, W.
fn battery_w(rig: &Rig) -> f64 {
    -flows(rig).battery_w
}

fn grid_w(rig: &Rig) -> f64 {
    flows(rig).grid_w.iter().sum()
}

async fn write(unit: &mut Unit, text: &str) -> (Plan, ModeNow) {
    let wish = wish(text);
    let plan = unit.device.plan(&wish, None).unwrap_or_else(|error| panic!("{text}: {error}"));
    let reply = unit.device.write(&plan).await.expect("it answers");
    assert!(reply.accepted, "{text}: {reply:?}");
    let now = unit.device.read_back(&wish).await.expect("it answers");
    (plan, now)
}

/// Plans, writes, reads back, and lets the house follow for a while.
async fn carry_out(unit: &mut Unit, text: &str) -> Plan {
    let (plan, now) = write(unit, text).await;
    assert_eq!(now.native, plan.expect_word, "{text}");
    pass(unit, 20).await;
    plan
}

/// The truth within a twentieth of what the plan says, and what is reported within a watt of the truth.
#[track_caller]
fn assert_power(rig: &Rig, unit: &Unit, plan: &Plan, what: &str) {
    let expected = plan.expect_power.expect("a power").supplied().0;
    let truth = battery_w(rig);
    println!(
        "{what}: planned {expected:.0} W, does {truth:.0} W, reported {:?}",
        unit.number(Metric::BatteryPower)
    );
    assert!(
        (truth - expected).abs() <= 30.0_f64.max(0.05 * expected.abs()),
        "{what}: {truth} W, not {expected} W"
    );
    assert!(
        unit.number(Metric::BatteryPower).is_some_and(|told| (told - truth).abs() <= 2.0),
        "{what}: {truth} W"
    );
}

#[rstest]
#[tokio::test]
async fn modes_move_the_battery(
    #[values("dbus", "mqtt", "http")] way: &str,
    #[values("evening", "morning")] house: &str,
) {
    let around = if house == "evening" { Around::default() } else { morning() };
    let rig = Rig::start(around, 20).await;
    let mut unit = ready(&rig, way).await;
    let monitor = Monitor::start(&rig.daemon).await;
    for text in ["charge 2500 W", "charge 800 W", "discharge 600 W", "discharge 1500 W"] {
        let plan = carry_out(&mut unit, text).await;
        assert_power(&rig, &unit, &plan, &format!("{house}, {way}, {text}"));
        let mode = unit.told().values.get(&Metric::BatteryMode).cloned();
        let mode = mode.and_then(|mode| mode.ok()?.as_str().map(str::to_owned));
        assert_eq!(mode.as_deref(), text.split(' ').next());
    }
    carry_out(&mut unit, "charge").await;
    assert!(battery_w(&rig) < -5_000.0, "{}", battery_w(&rig));
    carry_out(&mut unit, "hold").await;
    // The inverters' own use is all that the battery may give.
    assert!(battery_w(&rig) <= 60.0, "{}", battery_w(&rig));
    carry_out(&mut unit, "auto").await;
    assert!((grid_w(&rig) - 50.0).abs() <= 30.0, "{}", grid_w(&rig));
    assert_eq!((rig.gx.wear().changes, rig.gx.wear().file_writes), (0, 0), "overrides come first");
    assert_eq!(rig.number("vebus", "/Mode"), Some(3.0));
    if way == "dbus" {
        let written = monitor.calls().await.set_value;
        assert!(
            written.len() >= 21 && written.iter().all(|path| path.starts_with("/Overrides/")),
            "{written:?}"
        );
    }
}

#[tokio::test]
async fn settings_do_what_they_say() {
    let rig = Rig::start(Around::default(), 20).await;
    let mut unit = ready(&rig, "dbus").await;
    carry_out(&mut unit, "grid_setpoint=-500").await;
    assert!((grid_w(&rig) + 500.0).abs() <= 30.0, "{}", grid_w(&rig));
    carry_out(&mut unit, "grid_setpoint=50").await;
    carry_out(&mut unit, "max_discharge_power=300").await;
    assert!((200.0..=400.0).contains(&battery_w(&rig)), "{}", battery_w(&rig));
    carry_out(&mut unit, "max_discharge_power=-1").await;
    assert_eq!(rig.gx.wear().changes, 0);
    assert!(battery_w(&rig) > 800.0);
    let plan = carry_out(&mut unit, "minimum_soc=70").await;
    assert_eq!(plan.wear.map(|wear| wear.part).as_deref(), Some("minimum_soc"));
    assert!(battery_w(&rig) <= 60.0, "{}", battery_w(&rig));
    carry_out(&mut unit, "minimum_soc=10").await;
    carry_out(&mut unit, "max_charge_current=10").await;
    carry_out(&mut unit, "charge").await;
    assert!((-520.0..=-480.0).contains(&battery_w(&rig)), "{}", battery_w(&rig));
    carry_out(&mut unit, "auto").await;
    carry_out(&mut unit, "max_feed_in_power=200").await;
    carry_out(&mut unit, "grid_setpoint=-2000").await;
    assert!((-215.0..=-150.0).contains(&grid_w(&rig)), "{}", grid_w(&rig));
    // One change of the file for each setting, and none for what was an override.
    assert_eq!(rig.gx.wear().changes, 4);
    assert_eq!(rig.number("settings", "/Settings/CGwacs/AcPowerSetPoint"), Some(50.0));
}

#[rstest]
#[tokio::test]
async fn own_modes_are_settings(#[values("dbus", "mqtt", "http")] way: &str) {
    let rig = Rig::start(Around::default(), 20).await;
    let mut unit = ready(&rig, way).await;
    let plan = carry_out(&mut unit, "native:keep_charged").await;
    assert_eq!(plan.wear.map(|wear| (wear.part, wear.per_day)), Some(("ess_state".to_owned(), 24)));
    assert!(battery_w(&rig) < -1_000.0, "{}", battery_w(&rig));
    assert_eq!(rig.number("system", "/Control/EssState"), Some(9.0));
    carry_out(&mut unit, "native:optimized_with_batterylife").await;
    carry_out(&mut unit, "native:optimized").await;
    assert!(battery_w(&rig) > 500.0, "{}", battery_w(&rig));
    assert_eq!(rig.gx.wear().changes, 3);
}

/// A limit that stands in the way is part of what the plan expects.
#[tokio::test]
async fn a_plan_expects_what_limits_leave() {
    let rig = Rig::start(Around::default(), 20).await;
    let mut unit = ready(&rig, "dbus").await;
    rig.gx.set_switch("dcl=10").unwrap();
    rig.gx.set_switch("ccl=20").unwrap();
    pass(&mut unit, 3).await;
    for (text, expected) in [("discharge 1500 W", 500.0), ("charge 2500 W", -1_000.0)] {
        let plan = carry_out(&mut unit, text).await;
        let planned = plan.expect_power.map_or(0.0, |power| power.supplied().0);
        assert!((planned - expected).abs() <= 20.0, "{text}: {planned}");
        assert_power(&rig, &unit, &plan, text);
    }
    rig.gx.set_switch("dcl=off").unwrap();
    rig.gx.set_switch("ccl=off").unwrap();
    carry_out(&mut unit, "auto").await;
    rig.gx.with(|gx| gx.write("settings", "/Settings/CGwacs/MaxFeedInPower", &Value::F64(100.0)));
    pass(&mut unit, 3).await;
    let plan = carry_out(&mut unit, "discharge 3000 W").await;
    assert_power(&rig, &unit, &plan, "discharge 3000 W with a limit for feeding in");
    assert!(grid_w(&rig) >= -101.0);
}

#[rstest]
#[case::no_assistant("pin=vebus:/Hub4/AssistantId:invalid", None, "charge 800 W", "no ESS assistant")]
#[case::external("grid-lost=off", Some(3.0), "hold", "external control")]
#[case::too_old("old-firmware", None, "charge 800 W", "overrides of Venus OS 3.50")]
#[case::full("ccl=0", None, "charge 800 W", "allows no charging")]
#[case::empty("dcl=0", None, "discharge 800 W", "allows no discharging")]
#[case::no_program("gone=hub4", None, "hold", "does not run")]
#[tokio::test]
async fn what_cannot_be_done_is_refused(
    #[case] switch: &str,
    #[case] mode: Option<f64>,
    #[case] text: &str,
    #[case] reason: &str,
    #[values("dbus", "mqtt", "http")] way: &str,
) {
    let rig = Rig::start(Around::default(), 20).await;
    rig.gx.set_switch(switch).unwrap();
    if let Some(mode) = mode {
        rig.gx.with(|gx| gx.write("settings", "/Settings/CGwacs/Hub4Mode", &Value::F64(mode)));
    }
    let mut unit = rig.unit(way);
    unit.until("everything is known", |unit| {
        unit.number(Metric::BatterySoc).is_some() && unit.device.plan(&wish(text), None).is_err()
    })
    .await;
    let refused = unit.device.plan(&wish(text), None).expect_err("impossible");
    assert!(refused.reason.contains(reason), "{}", refused.reason);
}

/// Firmware without overrides: a setting, within its budget.
#[tokio::test]
async fn an_old_device_holds_by_a_setting() {
    let rig = Rig::start(Around::default(), 20).await;
    rig.gx.set_switch("old-firmware").unwrap();
    let mut unit = ready(&rig, "dbus").await;
    let plan = carry_out(&mut unit, "hold").await;
    assert!(plan.wear.is_some());
    assert!(battery_w(&rig) <= 60.0, "{}", battery_w(&rig));
    carry_out(&mut unit, "auto").await;
    assert!(battery_w(&rig) > 500.0, "{}", battery_w(&rig));
    assert_eq!((rig.gx.wear().changes, rig.gx.wear().file_writes), (2, 2));
}

/// Writes that are answered with 0 and not carried out, or undone by somebody else: the read back tells.
#[rstest]
#[tokio::test]
async fn a_write_that_did_nothing_is_told(#[values("dbus", "mqtt", "http")] way: &str) {
    let rig = Rig::start(Around::default(), 20).await;
    let mut unit = ready(&rig, way).await;
    rig.gx.set_switch("ignore-writes").unwrap();
    let (plan, now) = write(&mut unit, "discharge 1500 W").await;
    assert_eq!((now.native.as_str(), plan.expect_word == now.native), ("no override", false));
    rig.gx.set_switch("ignore-writes=off").unwrap();
    let (plan, now) = write(&mut unit, "discharge 1500 W").await;
    assert_eq!(now.native, plan.expect_word);
    rig.gx.set_switch("foreign-every-s=1").unwrap();
    rig.gx.set_switch("foreign=hub4:/Overrides/MaxDischargePower:250").unwrap();
    pass(&mut unit, 5).await;
    let now = unit.device.read_back(&wish("discharge 1500 W")).await.expect("it answers");
    assert!(now.native.ends_with("discharge up to 250 W"), "{}", now.native);
    let told = unit.told().values.get(&Metric::BatteryModeNative).cloned();
    assert_eq!(told.and_then(|word| word.ok()?.as_str().map(str::to_owned)), Some(now.native));
}
