//! Each rule with the numbers of the automation that it comes from.

use std::sync::Arc;
use std::time::Duration;

use ohmstead_control::Reason;
use ohmstead_model::{BatteryMode, Metric, Value};
use rstest::rstest;

use crate::house::House;

/// Two batteries, the first active for longer than the lock.
fn two(first: f64, second: f64) -> House {
    let mut house = House::new(&[("a", first), ("b", second)], "");
    assert_eq!(house.run(301), "a auto, b idle");
    house
}

#[rstest]
#[case::full_and_exporting(96.0, 50.0, -201.0, "a idle, b auto")]
#[case::not_quite_full(95.9, 50.0, -201.0, "a auto, b idle")]
#[case::hardly_exporting(96.0, 50.0, -200.0, "a auto, b idle")]
#[case::the_other_is_full_too(99.0, 96.0, -150.0, "a auto, b idle")]
#[case::importing(40.0, 80.0, 201.0, "a idle, b auto")]
#[case::hardly_importing(40.0, 80.0, 200.0, "a auto, b idle")]
#[case::it_is_the_fullest_already(80.0, 40.0, 201.0, "a auto, b idle")]
#[case::hardly_fuller(80.0, 84.0, 201.0, "a auto, b idle")]
#[case::the_other_has_nothing_useful(5.0, 15.0, 0.0, "a auto, b idle")]
#[case::low(12.9, 15.1, 0.0, "a idle, b auto")]
#[case::not_low(13.0, 90.0, 0.0, "a auto, b idle")]
fn the_turn_passes(#[case] first: f64, #[case] second: f64, #[case] grid: f64, #[case] expected: &str) {
    let mut house = two(50.0, 50.0);
    house.soc("a", first);
    house.soc("b", second);
    house.grid = Some(grid);
    // The overflow has a test of its own.
    house.groups[0].1.overflow.enabled = false;
    assert_eq!(house.run(150), expected);
}

#[test]
fn the_meter_must_say_so_for_two_minutes_without_a_break() {
    let mut house = two(96.0, 50.0);
    house.grid = Some(-500.0);
    assert_eq!(house.run(119), "a auto, b idle");
    house.grid = Some(0.0);
    house.run(1);
    house.grid = Some(-500.0);
    // 120 s after the first cycle with export, both for a moment.
    assert_eq!(house.until("a auto, b auto", 200), Some(121));
}

#[test]
fn a_low_battery_hands_over_at_once_even_within_the_lock() {
    let mut house = House::new(&[("a", 50.0), ("b", 50.0)], "");
    house.run(10);
    house.soc("a", 12.0);
    assert_eq!(house.run(1), "a auto, b auto");
    assert_eq!(house.run(1), "a idle, b auto");
}

#[rstest]
#[case::power_is_fed_in(-300.0, 0.0)]
#[case::it_takes_what_there_is(0.0, -300.0)]
fn a_low_battery_that_is_being_charged_keeps_its_turn(#[case] grid: f64, #[case] power: f64) {
    let mut house = two(50.0, 100.0);
    house.soc("a", 10.0);
    house.grid = Some(grid);
    for _ in 0..600 {
        house.number("a", Metric::BatteryPower, Some(power));
        assert_eq!(house.run(1), "a auto, b idle");
    }
    house.grid = Some(0.0);
    house.number("a", Metric::BatteryPower, Some(100.0));
    assert_eq!(house.run(1), "a auto, b auto");
}

#[test]
fn the_lock_holds_back_what_the_meter_says() {
    let mut house = two(96.0, 50.0);
    house.grid = Some(-500.0);
    house.until("a idle, b auto", 200).unwrap();
    house.soc("b", 97.0);
    house.soc("a", 60.0);
    assert_eq!(house.until("a auto, b auto", 600), Some(300), "5 min after the switch");
}

#[test]
fn make_before_break_ends_when_the_mode_is_read_back() {
    let mut house = two(96.0, 50.0);
    house.grid = Some(-500.0);
    house.obedient = false;
    assert_eq!(house.until("a auto, b auto", 200), Some(121));
    assert_eq!(house.reason("a"), &Reason::HandsOver("day".to_owned()));
    assert_eq!(house.reason("b"), &Reason::Turn("day".to_owned()));
    house.run(2);
    house.confirmed.insert("b".parse().unwrap(), BatteryMode::Auto);
    assert_eq!(house.run(1), "a idle, b auto");
}

#[test]
fn the_overlap_is_bounded_and_the_old_one_stays_if_the_new_one_does_not_come() {
    let mut house = two(96.0, 50.0);
    house.grid = Some(-500.0);
    house.obedient = false;
    house.until("a auto, b auto", 200).unwrap();
    assert_eq!(house.until("a idle, b auto", 10), Some(5), "the overlap is over");
    assert_eq!(house.until("a auto, b idle", 100), Some(55), "60 s after it was told");
    assert_eq!(house.findings(), "b rotation_did_not_take_over");
    // It is left out for a while, longer each time.
    assert_eq!(house.until("a auto, b auto", 3_600), Some(600));
    house.run(60);
    assert_eq!(house.until("a auto, b auto", 3_600), Some(1_200));
}

#[test]
fn what_it_reported_before_the_switch_proves_nothing() {
    let mut house = two(96.0, 50.0);
    house.obedient = false;
    house.grid = Some(-500.0);
    house.confirmed.clear();
    house.put("a", Metric::BatteryMode, Some(Value::State("auto")));
    house.put("b", Metric::BatteryMode, Some(Value::State("auto")));
    house.until("a auto, b auto", 200).unwrap();
    assert_eq!(house.run(2), "a auto, b auto");
    house.put("b", Metric::BatteryMode, Some(Value::State("auto")));
    assert_eq!(house.run(1), "a idle, b auto");
}

#[test]
fn a_slow_poll_that_came_too_early_is_no_refusal() {
    let mut house = two(96.0, 50.0);
    house.obedient = false;
    house.grid = Some(-500.0);
    house.confirmed.clear();
    for name in ["a", "b"] {
        Arc::make_mut(&mut house.snapshot.device_mut(name).unwrap().info).ttl.fast = Duration::from_secs(540);
    }
    house.put("a", Metric::BatteryMode, Some(Value::State("auto")));
    house.until("a auto, b auto", 200).unwrap();
    house.put("b", Metric::BatteryMode, Some(Value::State("idle")));
    assert_eq!(house.run(170), "a idle, b auto");
    house.put("b", Metric::BatteryMode, Some(Value::State("idle")));
    assert_eq!(house.run(1), "a auto, b idle", "the next one counts");
}

#[test]
fn a_battery_that_reports_no_modes_is_believed() {
    let mut house = two(96.0, 50.0);
    house.obedient = false;
    house.confirmed.clear();
    house.grid = Some(-500.0);
    house.until("a auto, b auto", 200).unwrap();
    assert_eq!(house.run(90), "a idle, b auto");
    assert_eq!(house.findings(), "");
}

#[test]
fn a_battery_that_is_gone_loses_its_turn_at_once() {
    let mut house = House::new(&[("a", 50.0), ("b", 40.0), ("c", 60.0)], "");
    house.run(10);
    house.online("a", false);
    assert_eq!(house.run(1), "a idle, b idle, c auto");
    house.online("a", true);
    assert_eq!(house.run(30), "a idle, b idle, c auto");
    house.online("c", false);
    house.grid = Some(-500.0);
    assert_eq!(house.run(1), "a idle, b auto, c idle", "the emptiest while power is fed in");
    assert_eq!(house.run(1), "a idle, b auto, c idle");
    house.online("a", false);
    house.online("b", false);
    assert_eq!(house.run(1), "a idle, b auto, c idle", "there is no other");
    assert_eq!(house.until("x", 400), None);
    assert_eq!(house.findings(), "- rotation_no_battery");
}

#[test]
fn an_unknown_state_of_charge_is_never_chosen() {
    let mut house = two(96.0, 50.0);
    house.socs.insert("b", None);
    house.grid = Some(-500.0);
    assert_eq!(house.run(900), "a auto, b idle");
    house.soc("a", 5.0);
    assert_eq!(house.run(10), "a auto, b idle");
}

#[test]
fn an_unknown_meter_causes_no_switch_and_is_told() {
    let mut house = two(96.0, 50.0);
    house.grid = Some(-500.0);
    house.run(100);
    house.grid = None;
    assert_eq!(house.run(900), "a auto, b idle");
    assert_eq!(house.findings(), "- rotation_meter_unknown");
}

#[test]
fn all_full_and_exporting_is_rest_and_import_ends_it() {
    let mut house = two(97.0, 95.0);
    house.grid = Some(-201.0);
    assert_eq!(house.until("a idle, b idle", 200), Some(121));
    assert_eq!(house.reason("a"), &Reason::AllFull("day".to_owned()));
    assert_eq!(house.run(4_000), "a idle, b idle");
    house.grid = Some(201.0);
    assert_eq!(house.until("a auto, b idle", 200), Some(121), "the fullest");
}

#[test]
fn rest_ends_when_a_battery_has_room_again() {
    let mut house = two(97.0, 95.0);
    house.grid = Some(-500.0);
    house.run(200);
    house.soc("b", 90.0);
    assert_eq!(house.run(400), "a idle, b idle", "hardly any");
    house.soc("b", 89.0);
    assert_eq!(house.run(2), "a idle, b auto");
}

#[test]
fn nothing_starts_on_empty_batteries() {
    let mut house = two(97.0, 95.0);
    house.grid = Some(-500.0);
    house.run(400);
    (house.grid, _) = (Some(900.0), (house.soc("a", 20.0), house.soc("b", 20.0)));
    assert_eq!(house.run(900), "a idle, b idle");
    house.soc("b", 20.1);
    assert_eq!(house.run(2), "a idle, b auto");
}

#[test]
fn full_batteries_do_not_take_turns_for_ever() {
    let mut house = two(98.0, 50.0);
    house.socs.insert("b", Some(94.0));
    house.grid = Some(-900.0);
    let mut wishes = Vec::new();
    for _ in 0..7_200 {
        let wish = house.run(1);
        if wishes.last() != Some(&wish) {
            wishes.push(wish);
        }
        // The second fills up too.
        if house.state.active("day").is_some_and(|active| active.as_str() == "b") {
            house.soc("b", 99.0);
        }
    }
    assert_eq!(wishes, ["a auto, b idle", "a auto, b auto", "a idle, b auto", "a idle, b idle"]);
}

#[test]
fn a_second_one_charges_what_the_active_one_leaves() {
    let mut house = House::new(&[("a", 60.0), ("b", 50.0), ("c", 40.0)], "");
    house.run(301);
    house.grid = Some(-201.0);
    assert_eq!(house.until("a auto, b idle, c charge 1000 W", 100), Some(61), "after a minute, the emptiest");
    assert_eq!(house.reason("c"), &Reason::Overflow("day".to_owned()));
    house.grid = Some(0.0);
    assert_eq!(house.until("a auto, b idle, c idle", 2_000), Some(1_800), "for 30 minutes");
}

#[rstest]
#[case::import(Some(101.0), 0.0, Some(61))]
#[case::hardly_any(Some(100.0), 0.0, None)]
#[case::from_one_battery_into_the_other(Some(0.0), 400.0, Some(61))]
#[case::meter_unknown(None, 0.0, Some(1))]
fn the_second_one_stops(#[case] grid: Option<f64>, #[case] active: f64, #[case] after: Option<u64>) {
    let mut house = House::new(&[("a", 60.0), ("b", 50.0)], "");
    house.run(301);
    house.grid = Some(-300.0);
    house.until("a auto, b charge 1000 W", 100).unwrap();
    house.grid = grid;
    let stops = (1..=300).find(|_| {
        house.number("a", Metric::BatteryPower, Some(active));
        house.run(1) == "a auto, b idle"
    });
    assert_eq!(stops, after);
}

#[test]
fn the_second_one_needs_a_known_state_of_charge() {
    let mut house = House::new(&[("a", 60.0), ("b", 50.0)], "");
    house.run(301);
    house.grid = Some(-300.0);
    house.until("a auto, b charge 1000 W", 100).unwrap();
    house.socs.insert("b", None);
    assert_eq!(house.run(1), "a auto, b idle");
    assert_eq!(house.run(900), "a auto, b idle");
}

#[test]
fn a_battery_in_another_mode_is_an_alarm_after_its_time() {
    let mut house = two(50.0, 50.0);
    house.obedient = false;
    house.confirmed.insert("a".parse().unwrap(), BatteryMode::Native("manual".to_owned()));
    house.confirmed.insert("b".parse().unwrap(), BatteryMode::Auto);
    house.run(300);
    assert_eq!(house.findings(), "");
    house.run(1);
    assert_eq!(house.findings(), "a rotation_not_following, b rotation_also_following");
}

#[test]
fn where_the_mode_is_not_known_the_power_tells() {
    let mut house = two(50.0, 50.0);
    house.obedient = false;
    house.confirmed.clear();
    house.grid = Some(400.0);
    for _ in 0..302 {
        house.number("a", Metric::BatteryPower, Some(49.0));
        house.run(1);
    }
    assert_eq!(house.findings(), "a rotation_not_following");
}

#[test]
fn a_restart_keeps_the_one_that_follows_already() {
    let mut house = House::new(&[("a", 20.0), ("b", 90.0)], "");
    assert_eq!(house.cycle(), "a auto, b idle");
    let mut house = House::new(&[("a", 20.0), ("b", 90.0)], "");
    house.confirmed.clear();
    assert_eq!(house.cycle(), "a idle, b auto", "else the fullest");
}

#[test]
fn somebody_elses_battery_is_done_without() {
    let mut house = two(50.0, 50.0);
    house.taken.insert("a".parse().unwrap());
    assert_eq!(house.run(2), "a idle, b auto");
    house.taken.insert("b".parse().unwrap());
    house.run(400);
    assert_eq!(house.findings(), "- rotation_no_battery");
}
