//! The night charge.

use std::time::Duration;

use ohmstead_control::Reason;
use ohmstead_model::{Metric, Moment, UnixMillis};
use rstest::rstest;

use crate::house::{House, NOON, brussels};

fn at(civil: &str) -> Moment {
    let zoned = brussels().to_zoned(civil.parse().unwrap()).unwrap();
    Moment { mono: NOON.mono, unix: UnixMillis(zoned.timestamp().as_millisecond()) }
}

fn house(night: &str, socs: [f64; 3], civil: &str) -> House {
    let [a, b, c] = socs;
    let mut house = House::new(&[("a", a), ("b", b), ("c", c)], &format!("night: {{ {night} }}"));
    house.now = at(civil);
    house
}

/// Three batteries of 5 kWh, the shortest way of writing it: 01:00 to 07:00, 10 kWh, 2.5 kW.
#[rstest]
#[case::emptiest_first("", [40.0, 20.0, 60.0], "a idle, b charge 667 W, c idle")]
#[case::the_next_when_the_first_is_full("energy: 12 kWh", [40.0, 20.0, 60.0], "a charge 333 W, b charge 667 W, c idle")]
#[case::enough("energy: 6 kWh", [40.0, 20.0, 60.0], "a idle, b idle, c idle")]
#[case::the_sun_gives_the_rest("expected_pv: 4.5 kWh", [40.0, 20.0, 60.0], "a idle, b idle, c idle")]
#[case::the_sun_gives_some("expected_pv: 3 kWh", [40.0, 20.0, 60.0], "a idle, b charge 167 W, c idle")]
#[case::no_more_than_the_limit("energy: 15 kWh, to: \"02:00\"", [20.0, 20.0, 20.0], "a charge 2500 W, b charge 2500 W, c charge 2500 W")]
fn what_the_next_day_lacks(#[case] night: &str, #[case] socs: [f64; 3], #[case] expected: &str) {
    let mut house = house(night, socs, "2026-12-01T01:00:00");
    assert_eq!(house.cycle(), expected);
}

#[test]
fn each_stops_where_it_should_and_the_turn_comes_back_in_the_morning() {
    let mut house = house("", [40.0, 20.0, 60.0], "2026-12-01T01:00:00");
    assert_eq!(house.run(60), "a idle, b charge 667 W, c idle");
    assert_eq!(house.reason("b"), &Reason::NightCharge("day".to_owned()));
    house.soc("b", 100.0);
    assert_eq!(house.run(1), "a idle, b idle, c idle");
    assert_eq!(house.reason("b"), &Reason::NightRest("day".to_owned()));
    house.now = at("2026-12-01T06:59:58");
    assert_eq!(house.run(1), "a idle, b idle, c idle");
    assert_eq!(house.run(1), "a idle, b auto, c idle");
}

#[test]
fn the_plan_does_not_wander_to_whoever_is_the_emptiest_now() {
    let mut house = house("energy: 8 kWh", [31.0, 30.0, 60.0], "2026-12-01T01:00:00");
    let planned = house.cycle();
    house.soc("b", 40.0);
    assert_eq!(house.run(600), planned);
}

#[test]
fn an_unknown_state_of_charge_is_never_charged() {
    let mut house = house("energy: 15 kWh", [40.0, 20.0, 60.0], "2026-12-01T01:00:00");
    house.socs.insert("b", None);
    assert_eq!(house.run(299), "a idle, b idle, c idle", "it may still tell");
    assert_eq!(house.run(2), "a charge 507 W, b idle, c charge 338 W", "the others need not wait for ever");
    house.socs.insert("a", None);
    assert_eq!(house.run(1), "a idle, b idle, c charge 338 W");
}

#[test]
fn the_capacity_that_a_battery_tells_counts() {
    let mut house = house("energy: 3 kWh", [0.0, 0.0, 0.0], "2026-12-01T01:00:00");
    for name in ["a", "b", "c"] {
        house.number(name, Metric::BatteryCapacity, Some(2_000.0));
    }
    assert_eq!(house.cycle(), "a charge 333 W, b charge 167 W, c idle");
}

const WEEKEND: &str = r#"weekend: { from: "11:00", to: "17:00" }"#;

#[rstest]
#[case::weekday("", "2026-12-01T03:00:00", true)]
#[case::day("", "2026-12-01T07:00:00", false)]
#[case::saturday(WEEKEND, "2026-12-05T03:00:00", false)]
#[case::saturday_noon(WEEKEND, "2026-12-05T12:00:00", true)]
#[case::before_midnight("from: \"22:00\", to: \"06:00\"", "2026-12-01T23:00:00", true)]
#[case::after_midnight("from: \"22:00\", to: \"06:00\"", "2026-12-02T05:00:00", true)]
#[case::the_night_of_a_friday(
    "from: \"22:00\", to: \"06:00\", weekend: { from: \"11:00\", to: \"12:00\" }",
    "2026-12-05T05:00:00",
    true
)]
#[case::the_night_of_a_saturday(
    "from: \"22:00\", to: \"06:00\", weekend: { from: \"11:00\", to: \"12:00\" }",
    "2026-12-06T05:00:00",
    false
)]
fn hours(#[case] night: &str, #[case] civil: &str, #[case] open: bool) {
    let mut house = house(night, [50.0, 50.0, 50.0], civil);
    house.cycle();
    assert_eq!(matches!(house.reason("a"), Reason::NightCharge(_) | Reason::NightRest(_)), open);
}

/// The power fills the hours that there really are: 5 h on the night in which the clock is set forward, 7 h in autumn.
#[rstest]
#[case::spring("2026-03-29T01:00:00", "a charge 600 W, b idle, c idle")]
#[case::autumn("2026-10-25T01:00:00", "a charge 429 W, b idle, c idle")]
fn nights_of_other_lengths(#[case] civil: &str, #[case] expected: &str) {
    let mut house = house("", [40.0, 50.0, 50.0], civil);
    assert_eq!(house.cycle(), expected);
}

#[test]
fn a_late_start_fills_what_is_left_of_the_night() {
    let mut house = house("", [40.0, 50.0, 50.0], "2026-12-01T04:00:00");
    assert_eq!(house.cycle(), "a charge 1000 W, b idle, c idle");
    house.now = house.now.plus(Duration::from_secs(3_600));
    assert_eq!(house.cycle(), "a charge 1000 W, b idle, c idle");
}
