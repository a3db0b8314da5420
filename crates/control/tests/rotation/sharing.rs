//! `mode: share`.

use ohmstead_control::Reason;
use ohmstead_model::Metric;

use crate::house::House;

fn sharing(first: f64, second: f64) -> House {
    let mut house = House::new(&[("a", first), ("b", second)], "mode: share");
    powers(&mut house, 0.0, 0.0);
    house
}

fn powers(house: &mut House, a: f64, b: f64) {
    house.number("a", Metric::BatteryPower, Some(a));
    house.number("b", Metric::BatteryPower, Some(b));
}

#[test]
fn a_load_is_split_by_what_they_hold() {
    let mut house = sharing(73.0, 33.0);
    house.grid = Some(400.0);
    assert_eq!(house.cycle(), "a discharge 300 W, b discharge 100 W");
    assert_eq!(house.reason("a"), &Reason::Share("day".to_owned()));
}

#[test]
fn a_surplus_is_split_by_the_room_they_have() {
    let mut house = sharing(66.0, 86.0);
    house.grid = Some(-400.0);
    assert_eq!(house.cycle(), "a charge 300 W, b charge 100 W");
}

#[test]
fn a_set_point_is_ramped_and_new_every_ten_seconds_at_most() {
    let mut house = sharing(50.0, 13.0);
    house.grid = Some(1_300.0);
    assert_eq!(house.cycle(), "a discharge 500 W, b idle");
    assert_eq!(house.run(9), "a discharge 500 W, b idle");
    powers(&mut house, 500.0, 0.0);
    house.grid = Some(800.0);
    assert_eq!(house.run(1), "a discharge 1000 W, b idle");
}

#[test]
fn within_the_dead_band_nothing_changes() {
    let mut house = sharing(50.0, 50.0);
    house.grid = Some(400.0);
    house.cycle();
    powers(&mut house, 200.0, 200.0);
    house.grid = Some(49.0);
    assert_eq!(house.run(25), "a discharge 200 W, b discharge 200 W");
    powers(&mut house, 200.0, 200.0);
    house.grid = Some(60.0);
    assert_eq!(house.run(10), "a discharge 230 W, b discharge 230 W");
}

#[test]
fn an_unknown_state_of_charge_has_no_part() {
    let mut house = sharing(50.0, 50.0);
    house.socs.insert("b", None);
    house.grid = Some(400.0);
    assert_eq!(house.cycle(), "a discharge 400 W, b idle");
}

#[test]
fn swinging_batteries_rotate_for_a_while_and_that_is_told() {
    let mut house = sharing(50.0, 50.0);
    let mut rotates = false;
    for turn in 0..6 {
        house.grid = Some(if turn % 2 == 0 { 300.0 } else { -300.0 });
        powers(&mut house, 0.0, 0.0);
        rotates |= house.run(12).contains("auto");
    }
    assert!(rotates, "{}", house.wishes());
    assert_eq!(house.findings(), "- rotation_swinging");
    house.grid = Some(0.0);
    for _ in 0..180 {
        powers(&mut house, 0.0, 0.0);
        house.run(10);
    }
    assert_eq!(house.wishes(), "a idle, b idle", "they share again");
    assert_eq!(house.findings(), "");
}

#[test]
fn without_a_meter_they_rotate() {
    let mut house = sharing(50.0, 50.0);
    house.grid = Some(400.0);
    house.cycle();
    house.grid = None;
    powers(&mut house, 200.0, 200.0);
    assert_eq!(house.run(25), "a discharge 200 W, b discharge 200 W", "a reading may be late");
    for _ in 0..10 {
        powers(&mut house, 200.0, 200.0);
        house.run(10);
    }
    assert_eq!(house.wishes(), "a auto, b idle");
}
