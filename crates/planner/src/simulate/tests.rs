//! Each rule broken once, and each kept.

use ohmstead_model::{TimeSpan, UnixMillis};
use rstest::rstest;

use super::{Violation, simulate};
use crate::problem::{Battery, EndWorth, PerSlot, Problem, Slot, Worth};

/// One hour and two batteries of 5 kWh, half full, that carry 2 kW.
fn home(load_w: f64, pv_w: f64) -> Problem {
    let slot = Slot {
        span: TimeSpan::new(UnixMillis(0), UnixMillis(3_600_000)),
        load_w,
        pv_w,
        import_price: 0.3,
        export_price: 0.1,
    };
    let battery = |name: &str| Battery {
        name: name.to_owned(),
        capacity_wh: 5000.0,
        now_wh: 2500.0,
        min_wh: 500.0,
        max_wh: 4500.0,
        charge_max_w: 2000.0,
        discharge_max_w: 2000.0,
        ..Battery::default()
    };
    Problem {
        slots: vec![slot],
        batteries: vec![battery("a"), battery("b")],
        allow_battery_export: true,
        ..Problem::default()
    }
}

#[rstest]
#[case("as asked", |_: &mut Problem| {}, [1000.0, -500.0], &[])]
#[case("too much", |_: &mut Problem| {}, [2500.0, 0.0], &[Violation::Clipped { slot: 0, battery: 0, asked_w: 2500.0, power_w: 2000.0 }])]
#[case("unavailable", |it: &mut Problem| it.batteries[1].available = false, [0.0, 900.0], &[Violation::Clipped { slot: 0, battery: 1, asked_w: 900.0, power_w: 0.0 }])]
#[case("import", |it: &mut Problem| it.import_max_w = 2000.0, [-1500.0, 0.0], &[Violation::ImportLimit { slot: 0, excess_w: 500.0 }])]
#[case("export", |it: &mut Problem| it.export_max_w = 700.0, [2000.0, 0.0], &[Violation::ExportLimit { slot: 0, excess_w: 300.0 }])]
#[case("own export", |it: &mut Problem| it.allow_battery_export = false, [2000.0, 0.0], &[Violation::BatteryExport { slot: 0, excess_w: 1000.0 }])]
#[case("grid charge", |it: &mut Problem| it.batteries[0].may_charge_from_grid = false, [-400.0, -400.0], &[Violation::GridCharge { slot: 0, excess_w: 400.0 }])]
#[case("opposed", |it: &mut Problem| it.slots[0].import_price = -0.1, [300.0, -400.0], &[Violation::Opposed { slot: 0, power_w: 300.0 }])]
#[case("below", |it: &mut Problem| it.batteries[0].reserve_wh = PerSlot::Constant(2000.0), [1000.0, 0.0], &[Violation::BelowFloor { slot: 0, battery: 0, missing_wh: 500.0 }])]
#[case("above", |it: &mut Problem| it.batteries[1].now_wh = 4000.0, [0.0, -800.0], &[Violation::AboveCeiling { slot: 0, battery: 1, excess_wh: 300.0 }])]
#[case("end", |it: &mut Problem| it.batteries[0].final_wh = Some(3000.0), [0.0, 0.0], &[Violation::FinalMissed { battery: 0, off_wh: 500.0 }])]
fn a_broken_rule_is_said(
    #[case] what: &str,
    #[case] change: fn(&mut Problem),
    #[case] asked_w: [f64; 2],
    #[case] expected: &[Violation],
) {
    let mut problem = home(1000.0, 0.0);
    change(&mut problem);
    let outcome = simulate(&problem, &[asked_w.to_vec()]);
    assert_eq!(outcome.violations, expected, "{what}");
    let counted = !expected.iter().all(|violation| matches!(violation, Violation::Clipped { .. }));
    assert_eq!(outcome.penalty_eur > 0.0, counted, "{what}");
}

#[test]
fn money_wear_and_what_is_left_add_up() {
    let mut problem = home(1000.0, 0.0);
    problem.batteries[0].wear_eur_kwh = 0.05;
    problem.batteries[0].eff_discharge = 0.8;
    problem.batteries[1].end_price = Some(0.2);
    problem.end_worth = EndWorth::of([Worth { wh: 1000.0, eur_per_kwh: 0.25 }]);
    let outcome = simulate(&problem, &[vec![400.0, -600.0]]);
    let slot = &outcome.slots[0];
    assert_eq!((slot.grid_w, slot.soc_wh.as_slice()), (1200.0, [2000.0, 3100.0].as_slice()));
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} for {expected}");
    near(outcome.energy_eur, 1.2 * 0.3);
    near(outcome.wear_eur, 0.4 * 0.05);
    near(outcome.end_worth_eur, 0.25 + 3.1 * 0.2);
    near(outcome.score_eur(), 0.36 + 0.02 - 0.87);
}

#[rstest]
#[case("an export that costs is avoided", -0.05, 0.3, f64::INFINITY, 1000.0)]
#[case("a limit is kept", 0.1, 0.3, 700.0, 1700.0)]
#[case("an export that pays is not", 0.1, 0.3, f64::INFINITY, 3000.0)]
#[case("an import that pays is had", -0.05, -0.1, f64::INFINITY, 0.0)]
fn the_sun_is_reduced_to_what_costs_least(
    #[case] what: &str,
    #[case] export_price: f64,
    #[case] import_price: f64,
    #[case] export_max_w: f64,
    #[case] expected_w: f64,
) {
    let mut problem = Problem { curtail: true, export_max_w, ..home(1000.0, 3000.0) };
    (problem.slots[0].import_price, problem.slots[0].export_price) = (import_price, export_price);
    let outcome = simulate(&problem, &[]);
    assert!((outcome.slots[0].pv_w - expected_w).abs() < 1e-6, "{what}: {:?}", outcome.slots[0]);
    problem.curtail = false;
    assert!((simulate(&problem, &[]).slots[0].pv_w - 3000.0).abs() < 1e-6, "{what}");
}

#[test]
fn a_shared_inverter_lets_the_sun_go_first() {
    let problem = Problem { inverter_max_w: Some(2500.0), ..home(5000.0, 2000.0) };
    let outcome = simulate(&problem, &[vec![1000.0, 1000.0]]);
    assert_eq!(
        (outcome.slots[0].battery_w.as_slice(), outcome.slots[0].pv_w),
        ([250.0, 250.0].as_slice(), 2000.0)
    );
    // What a battery takes before the inverter lets more of the sun be used.
    let problem = Problem { inverter_max_w: Some(1500.0), ..home(1000.0, 3000.0) };
    let outcome = simulate(&problem, &[vec![-1000.0, 0.0]]);
    assert_eq!((outcome.slots[0].pv_w, outcome.slots[0].grid_w), (2500.0, -500.0));
}

#[test]
fn a_battery_loses_with_time_what_it_does_not_with_slots() {
    let mut problem = home(0.0, 0.0);
    problem.batteries[0].idle_loss_per_h = 0.02;
    let whole = simulate(&problem, &[]).slots[0].soc_wh[0];
    let middle = UnixMillis(1_200_000);
    let mut second = problem.slots[0].clone();
    (problem.slots[0].span.end, second.span.start) = (middle, middle);
    problem.slots.push(second);
    let parts = simulate(&problem, &[]).slots[1].soc_wh[0];
    assert!((whole - parts).abs() < 1e-9 && (whole - 2500.0 * (-0.02_f64).exp()).abs() < 1e-9);
}
