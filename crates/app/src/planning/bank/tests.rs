//! What becomes of a battery, by what its device tells and what the configuration says.

use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{DeviceInfo, Observed, Online, UnixMillis, Value};
use rstest::rstest;
use serde_json::json;

use super::*;

const NOW: Moment = Moment { unix: UnixMillis(1_795_248_000_000), mono: Duration::from_secs(10_000) };

type Told<'t> = &'t [(Metric, f64)];

const CAPACITY: (Metric, f64) = (Metric::BatteryCapacity, 5000.0);
const SOC: (Metric, f64) = (Metric::BatterySoc, 50.0);
const CHARGE: (Metric, f64) = (Metric::BatteryChargePowerMax, 2500.0);
const DISCHARGE: (Metric, f64) = (Metric::BatteryDischargePowerMax, 800.0);

fn soc(soc_pct: f64) -> (Metric, f64) {
    (Metric::BatterySoc, soc_pct)
}

fn device(id: &str, told: Told<'_>) -> DeviceState {
    let mut info = DeviceInfo::new(id.parse().expect("a name"), "test", "nowhere");
    info.roles = vec![Role::Battery];
    info.modes = vec!["auto".to_owned(), "hold".to_owned()];
    let mut device = DeviceState::new(Arc::new(info));
    device.online = Online::Yes(NOW);
    for (metric, value) in told {
        device.values.insert(*metric, Observed { observation: Ok(Value::Number(*value)), at: NOW });
    }
    device
}

fn settings(said: serde_json::Value) -> Settings {
    serde_json::from_value(said).expect("settings")
}

/// What comes of one device, in one line: the battery as the planner sees it, or nothing, and the codes of what is missing.
fn shown(device: DeviceState, settings: &Settings) -> String {
    let mut snapshot = Snapshot::default();
    snapshot.insert(device);
    let (members, lacks) = bank(&snapshot, NOW, settings);
    let codes: Vec<_> = lacks.iter().map(Lack::code).collect();
    let battery = members.first().map(|Member { battery, .. }| {
        format!(
            "{} of {} Wh, {} to {} Wh, takes {} W, gives {} W",
            battery.now_wh,
            battery.capacity_wh,
            battery.min_wh,
            battery.max_wh,
            battery.charge_max_w,
            battery.discharge_max_w
        )
    });
    format!("{} [{}]", battery.as_deref().unwrap_or("-"), codes.join(" "))
}

#[rstest]
#[case::all_told(&[CAPACITY, SOC, CHARGE, DISCHARGE], "2500 of 5000 Wh, 0 to 5000 Wh, takes 2500 W, gives 800 W []")]
#[case::capacity_unknown(&[SOC, CHARGE, DISCHARGE], "- [capacity_unknown]")]
#[case::capacity_0(&[(Metric::BatteryCapacity, 0.0), SOC, CHARGE, DISCHARGE], "- [capacity_unknown]")]
#[case::capacity_negative(&[(Metric::BatteryCapacity, -5.0), SOC], "- [capacity_unknown]")]
#[case::capacity_nan(&[(Metric::BatteryCapacity, f64::NAN), SOC], "- [capacity_unknown]")]
#[case::capacity_infinite(&[(Metric::BatteryCapacity, f64::INFINITY), SOC], "- [capacity_unknown]")]
#[case::soc_unknown(&[CAPACITY, CHARGE, DISCHARGE], "- [soc_unknown]")]
#[case::soc_nan(&[CAPACITY, soc(f64::NAN), CHARGE, DISCHARGE], "- [soc_unknown]")]
#[case::nothing_at_all(&[], "- [capacity_unknown]")]
#[case::limits_guessed(&[CAPACITY, SOC], "2500 of 5000 Wh, 0 to 5000 Wh, takes 2500 W, gives 2500 W [power_guessed]")]
#[case::one_limit_guessed(&[CAPACITY, SOC, DISCHARGE], "2500 of 5000 Wh, 0 to 5000 Wh, takes 2500 W, gives 800 W [power_guessed]")]
#[case::a_limit_of_0_passes(
    &[CAPACITY, SOC, CHARGE, (Metric::BatteryDischargePowerMax, 0.0)],
    "2500 of 5000 Wh, 0 to 5000 Wh, takes 2500 W, gives 2500 W []"
)]
#[case::limits_without_end_are_guessed(
    &[CAPACITY, SOC, (Metric::BatteryChargePowerMax, f64::INFINITY), DISCHARGE],
    "2500 of 5000 Wh, 0 to 5000 Wh, takes 2500 W, gives 800 W [power_guessed]"
)]
#[case::soc_above_all(&[CAPACITY, soc(104.0), CHARGE, DISCHARGE], "5000 of 5000 Wh, 0 to 5000 Wh, takes 2500 W, gives 800 W []")]
#[case::soc_below_all(&[CAPACITY, soc(-2.0), CHARGE, DISCHARGE], "0 of 5000 Wh, 0 to 5000 Wh, takes 2500 W, gives 800 W []")]
fn what_a_device_tells(#[case] told: Told<'_>, #[case] expected: &str) {
    assert_eq!(shown(device("a", told), &Settings::default()), expected);
}

#[rstest]
#[case::instead_of_what_is_told(
    json!({ "capacity": "4 kWh", "charge_max": "1 kW", "discharge_max": "2 kW" }), &[CAPACITY, SOC, CHARGE, DISCHARGE],
    "2000 of 4000 Wh, 0 to 4000 Wh, takes 1000 W, gives 2000 W []"
)]
#[case::where_nothing_is_told(
    json!({ "capacity": "4 kWh" }), &[SOC],
    "2000 of 4000 Wh, 0 to 4000 Wh, takes 2000 W, gives 2000 W [power_guessed]"
)]
#[case::one_that_takes_nothing(
    json!({ "charge_max": "0 W" }), &[CAPACITY, SOC, CHARGE, DISCHARGE],
    "2500 of 5000 Wh, 0 to 5000 Wh, takes 0 W, gives 800 W []"
)]
// What is measured stays what it is: the plan has to lead back into the band.
#[case::soc_below_its_band(
    json!({ "min": "20 %", "max": "90 %" }), &[CAPACITY, soc(5.0), CHARGE, DISCHARGE],
    "250 of 5000 Wh, 1000 to 4500 Wh, takes 2500 W, gives 800 W []"
)]
#[case::soc_above_its_band(
    json!({ "min": "20 %", "max": "90 %" }), &[CAPACITY, soc(98.0), CHARGE, DISCHARGE],
    "4900 of 5000 Wh, 1000 to 4500 Wh, takes 2500 W, gives 800 W []"
)]
fn what_the_configuration_says(
    #[case] said: serde_json::Value,
    #[case] told: Told<'_>,
    #[case] expected: &str,
) {
    let settings = settings(json!({ "batteries": { "a": said } }));
    assert_eq!(shown(device("a", told), &settings), expected);
}

#[rstest]
#[case::online(Online::Yes(NOW), 0, Some(true))]
#[case::not_asked_yet(Online::NotAskedYet, 0, Some(false))]
// What it said a moment ago still counts; a plan without it would forget what is in it.
#[case::gone_a_moment_ago(Online::No(NOW), 0, Some(false))]
#[case::long_gone(Online::No(NOW), 9_000, None)]
#[case::online_with_an_old_soc(Online::Yes(NOW), 9_000, None)]
fn a_battery_that_is_not_there(#[case] online: Online, #[case] age_s: u64, #[case] available: Option<bool>) {
    let mut device = device("a", &[SOC]);
    device.online = online;
    let read_at = Moment { mono: NOW.mono.saturating_sub(Duration::from_secs(age_s)), ..NOW };
    device.values.values_mut().for_each(|observed| observed.at = read_at);
    let mut snapshot = Snapshot::default();
    snapshot.insert(device);
    let settings = settings(json!({
        "batteries": { "a": { "capacity": "5 kWh", "charge_max": "1 kW", "discharge_max": "1 kW" } }
    }));
    let (members, lacks) = bank(&snapshot, NOW, &settings);
    assert_eq!(members.first().map(|member| member.battery.available), available);
    let lacking = if available.is_none() { vec!["soc_unknown"] } else { Vec::new() };
    assert_eq!(lacks.iter().map(Lack::code).collect::<Vec<_>>(), lacking);
}

#[rstest]
#[case::named(json!({ "mode": "act", "devices": ["a"] }), true)]
#[case::not_named(json!({ "mode": "act", "devices": ["b"] }), false)]
#[case::advice_only(json!({ "mode": "advise", "devices": ["a"] }), false)]
fn whether_a_plan_may_steer_it(#[case] said: serde_json::Value, #[case] acts: bool) {
    let mut snapshot = Snapshot::default();
    snapshot.insert(device("a", &[CAPACITY, SOC, CHARGE, DISCHARGE]));
    let (members, _) = bank(&snapshot, NOW, &settings(said));
    assert_eq!(members[0].acts, acts);
}

#[test]
fn one_battery_that_lacks_something_does_not_take_the_others_away() {
    let mut snapshot = Snapshot::default();
    snapshot.insert(device("a", &[SOC]));
    snapshot.insert(device("b", &[CAPACITY, SOC, CHARGE, DISCHARGE]));
    let mut meter = device("c", &[CAPACITY, SOC]);
    meter.info = Arc::new(DeviceInfo { roles: Vec::new(), ..(*meter.info).clone() });
    snapshot.insert(meter);
    let (members, lacks) = bank(&snapshot, NOW, &Settings::default());
    assert_eq!(members.iter().map(|member| member.device.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(lacks, [Lack::CapacityUnknown { device: "a".parse().expect("a name") }]);
}
