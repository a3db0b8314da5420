//! What was asked by hand, within plans: it stands in every plan as it was asked, and the rest is planned around it.

use std::time::Duration;

use ohmstead_model::{BatteryMode, TimeSpan, UnixMillis};
use ohmstead_planner::{Origin, Pin, Plan, Problem, Tuning, Why, plan, simulate_modes};
use proptest::prelude::*;
use rstest::rstest;

use crate::homes::any_prices;
use crate::planning::home;

fn planned(problem: &Problem, previous: Option<&Plan>) -> Plan {
    plan(problem, previous, &Tuning { time_limit: Duration::from_secs(600), ..Tuning::default() })
}

fn pinned(problem: &Problem, slots: std::ops::Range<usize>, mode: &str) -> Problem {
    let mut pinned = problem.clone();
    let span = TimeSpan::new(problem.slots[slots.start].span.start, problem.slots[slots.end - 1].span.end);
    pinned.batteries[0].pins.push(Pin { span, mode: mode.parse().unwrap() });
    pinned
}

fn middle(span: TimeSpan) -> UnixMillis {
    UnixMillis(i64::midpoint(span.start.0, span.end.0))
}

/// In each slot of a pin the mode of the pin and its reason, in no other slot that reason.
fn check_pins(problem: &Problem, plan: &Plan) {
    let reasons = plan.reasons(problem);
    assert_eq!(plan.modes.len(), problem.slots.len());
    for (index, slot) in problem.slots.iter().enumerate() {
        for (number, battery) in problem.batteries.iter().enumerate() {
            let pin = battery.pins.iter().find(|pin| pin.span.contains(middle(slot.span)));
            let why = reasons[index][number];
            assert_eq!(why == Why::ByHand, pin.is_some(), "slot {index}, battery {number}: {why:?}");
            if let Some(pin) = pin {
                assert_eq!(plan.modes[index][number], pin.mode, "slot {index}, battery {number}");
            }
        }
    }
}

#[rstest]
#[case("hold", 70..80, |power: f64| power <= 0.0)]
#[case("idle", 70..80, |power: f64| power == 0.0)]
#[case("hold_charge", 40..60, |power: f64| power >= 0.0)]
#[case("charge 1000 W", 70..74, |power: f64| (power + 1000.0).abs() < 1.0)]
#[case("discharge 300 W", 4..12, |power: f64| (power - 300.0).abs() < 1.0)]
#[case("auto", 4..12, |power: f64| (power - 400.0).abs() < 1.0)]
fn a_battery_does_what_was_asked_and_the_rest_is_planned_around_it(
    #[case] mode: &str,
    #[case] slots: std::ops::Range<usize>,
    #[case] does: fn(f64) -> bool,
) {
    let free = home(0, 96);
    let problem = pinned(&free, slots.clone(), mode);
    let plan = planned(&problem, None);
    check_pins(&problem, &plan);
    for slot in slots {
        let power_w = plan.in_modes.slots[slot].battery_w[0];
        assert!(does(power_w), "slot {slot}: {power_w} W");
    }
    let best = planned(&free, None).in_modes.score_eur();
    let (done, following) = (plan.in_modes.score_eur(), plan.self_consumption.score_eur());
    assert!(best <= done + 1e-6, "by hand {done}, without {best}");
    assert!(done <= following, "{done} for {following} of following the house");
    assert!(!matches!(plan.origin, Origin::Fallback(_)), "{:?}", plan.origin);
}

#[test]
fn what_is_held_by_hand_in_the_evening_is_not_bought_for_it() {
    let free = home(0, 96);
    let evening = |plan: &Plan| plan.in_modes.slots[67].soc_wh[0];
    let held = planned(&pinned(&free, 68..88, "hold"), None);
    let without = planned(&free, None);
    assert!(
        evening(&held) < evening(&without) - 500.0,
        "{} Wh before an evening without use, {} Wh else",
        evening(&held),
        evening(&without)
    );
}

#[test]
fn an_earlier_plan_is_not_kept_against_what_was_asked_since() {
    let free = home(0, 96);
    let before = planned(&free, None);
    let problem = pinned(&free, 68..88, "idle");
    let after = plan(&problem, Some(&before), &Tuning { keep_within_eur: 1000.0, ..Tuning::default() });
    check_pins(&problem, &after);
    assert!(matches!(after.origin, Origin::Kept(_)), "{:?}", after.origin);
}

/// Nobody wants any more what the earlier plan was made around: it is not the plan that asks for it now.
#[rstest]
#[case("idle")]
#[case("native:ai")]
fn what_was_taken_back_is_not_carried_on_by_the_plan(#[case] mode: &str) {
    let free = home(0, 96);
    let before = planned(&pinned(&free, 68..88, mode), None);
    assert!(before.by_hand[70][0] && !before.by_hand[60][0]);
    let after = plan(&free, Some(&before), &Tuning { keep_within_eur: 1000.0, ..Tuning::default() });
    let asked: BatteryMode = mode.parse().unwrap();
    assert!(after.modes[68..88].iter().all(|modes| modes[0] != asked), "{:?}", after.modes[70]);
    assert!(after.by_hand.iter().flatten().all(|by_hand| !by_hand));
}

/// `charge until` asks for nothing more once it is there: what follows is planned.
#[test]
fn a_charge_that_is_done_leaves_the_rest_of_its_time_to_the_plan() {
    let mut problem = pinned(&home(0, 96), 0..88, "charge 1000 W until 50 %");
    let asked = problem.batteries[0].pins[0].span;
    problem.settle_pins();
    let settled = problem.batteries[0].pins[0].span;
    assert!(settled.start == asked.start && settled.end < asked.end, "{settled:?}");
    let plan = planned(&problem, None);
    check_pins(&problem, &plan);
    let done = plan.in_modes.slots.iter().find(|slot| slot.span.end == settled.end).unwrap();
    let capacity_wh = problem.batteries[0].capacity_wh;
    assert!((done.soc_wh[0] - capacity_wh / 2.0).abs() < 2.0, "{} of {capacity_wh} Wh", done.soc_wh[0]);
    let after = plan.in_modes.slots.iter().filter(|slot| slot.span.start >= settled.end);
    assert!(after.clone().any(|slot| slot.battery_w[0] > 100.0), "the evening is supplied");
    let mut never = pinned(&home(0, 96), 70..72, "charge 100 W until 100 %");
    let asked = never.batteries[0].pins.clone();
    never.settle_pins();
    assert_eq!(never.batteries[0].pins, asked);
}

#[test]
fn a_pin_in_another_time_changes_nothing() {
    let free = home(0, 96);
    let mut problem = free.clone();
    let span = TimeSpan::new(UnixMillis(0), UnixMillis(900_000));
    problem.batteries[0].pins.push(Pin { span, mode: BatteryMode::Idle });
    assert_eq!(planned(&problem, None), planned(&free, None));
}

/// When it begins and how long it is, in thousandths of the time ahead.
fn pin() -> impl Strategy<Value = (i64, i64, BatteryMode)> {
    let modes = [
        "auto",
        "hold",
        "hold_charge",
        "idle",
        "charge",
        "charge 700 W until 60 %",
        "discharge",
        "discharge 500 W",
        "native:ai",
    ];
    (0_i64..1000, 0_i64..600, prop::sample::select(modes.to_vec()))
        .prop_map(|(from, part, mode)| (from, part, mode.parse().unwrap()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_asked_by_hand_stands_in_every_plan(
        mut problem in any_prices(),
        pins in prop::collection::vec(pin(), 4),
    ) {
        let span = TimeSpan::new(problem.slots[0].span.start, problem.slots.last().unwrap().span.end);
        let thousandth = (span.end.0 - span.start.0) / 1000;
        for (battery, (from, part, mode)) in problem.batteries.iter_mut().zip(pins) {
            let start = UnixMillis(span.start.0 + from * thousandth);
            let end = UnixMillis(start.0 + part * thousandth + 1);
            battery.pins.push(Pin { span: TimeSpan::new(start, end), mode });
        }
        let plan = planned(&problem, None);
        check_pins(&problem, &plan);
        prop_assert!(!matches!(plan.origin, Origin::Fallback(_)), "{:?}", plan.origin);
        prop_assert_eq!(&simulate_modes(&problem, &plan.modes), &plan.in_modes);
        let (done, following) = (plan.in_modes.score_eur(), plan.self_consumption.score_eur());
        prop_assert!(done <= following + 1e-9, "{done} for {following}");
    }
}
