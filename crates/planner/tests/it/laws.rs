//! What holds of any plan of any home.

use std::time::Duration;

use ohmstead_model::{BatteryMode, TimeSpan, UnixMillis};
use ohmstead_planner::{
    Origin, Outcome, Plan, Problem, Tuning, Violation, Why, explain, no_battery, plan, self_consumption,
    simulate, worth,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::homes::{any_prices, even};

fn planned(problem: &Problem) -> Plan {
    // A law holds on a busy machine too.
    plan(problem, None, &Tuning { time_limit: Duration::from_secs(600), ..Tuning::default() })
}

/// Physics, worked out once more: powers, energies, the balance, and the sun.
fn check_physics(problem: &Problem, outcome: &Outcome) {
    assert_eq!(outcome.slots.len(), problem.slots.len());
    let mut stored: Vec<_> = problem.batteries.iter().map(|battery| battery.now_wh).collect();
    for (slot, done) in problem.slots.iter().zip(&outcome.slots) {
        let bank: f64 = done.battery_w.iter().sum();
        assert!((slot.load_w - done.grid_w - done.pv_w - bank).abs() < 1e-6, "balance: {done:?}");
        assert!(done.pv_w >= -1e-9 && done.pv_w <= slot.pv_w + 1e-9, "sun: {done:?}");
        for (number, battery) in problem.batteries.iter().enumerate() {
            let power_w = done.battery_w[number];
            assert!(
                power_w <= battery.discharge_max_w + 1e-9 && -power_w <= battery.charge_max_w + 1e-9,
                "{done:?}"
            );
            let moved =
                if power_w > 0.0 { power_w / battery.eff_discharge } else { power_w * battery.eff_charge };
            let kept = (-battery.idle_loss_per_h * slot.hours()).exp();
            stored[number] = stored[number] * kept - moved * slot.hours();
            assert!(
                (stored[number] - done.soc_wh[number]).abs() < 1e-3,
                "{} Wh for {done:?}",
                stored[number]
            );
            assert!(
                done.soc_wh[number] >= 0.0 && done.soc_wh[number] <= battery.capacity_wh.max(battery.now_wh),
                "{done:?}"
            );
        }
        if let Some(limit) = problem.inverter_max_w {
            assert!((bank + done.pv_w).abs() <= limit + 1e-6, "inverter: {done:?}");
        }
    }
}

/// Those violations that a plan brings about and the batteries at rest do not.
fn avoidable(problem: &Problem, outcome: &Outcome) -> Vec<Violation> {
    let resting = no_battery(problem).violations;
    let same = |violation: &Violation| {
        resting.iter().any(|other| std::mem::discriminant(other) == std::mem::discriminant(violation))
    };
    outcome.violations.iter().filter(|violation| !same(violation)).copied().collect()
}

/// Every slot in two halves.
fn halved(problem: &Problem) -> Problem {
    let slots = problem.slots.iter().flat_map(|slot| {
        let middle = UnixMillis(i64::midpoint(slot.span.start.0, slot.span.end.0));
        let spans = [TimeSpan::new(slot.span.start, middle), TimeSpan::new(middle, slot.span.end)];
        spans.map(|span| ohmstead_planner::Slot { span, ..slot.clone() })
    });
    Problem { slots: slots.collect(), ..problem.clone() }
}

/// A few seconds' worth; more on request.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_simulator_keeps_to_physics_whatever_is_asked(
        problem in any_prices(),
        asked in vec(vec(prop_oneof![Just(f64::NAN), -9000.0..9000.0], 0..5), 0..16),
    ) {
        problem.check().unwrap();
        check_physics(&problem, &simulate(&problem, &asked));
    }

    #[test]
    fn a_plan_is_possible_and_no_worse_than_doing_without(problem in any_prices()) {
        let plan = planned(&problem);
        check_physics(&problem, &plan.outcome);
        check_physics(&problem, &plan.in_modes);
        let best = plan.self_consumption.score_eur();
        let done = plan.in_modes.score_eur();
        prop_assert!(done <= best + 1e-9, "{done} in modes for {best}");
        prop_assert!(plan.outcome.score_eur() <= best + 1e-6, "{} for {best}: {:?}", plan.outcome.score_eur(), plan.origin);
        prop_assert!(!matches!(plan.origin, Origin::Fallback(_)), "{:?}", plan.origin);
        let clipped = plan.outcome.violations.iter().any(|it| matches!(it, Violation::Clipped { .. }));
        prop_assert!(!clipped, "{:?}", plan.outcome.violations);
    }

    #[test]
    fn resting_is_never_better_than_an_even_plan(problem in even()) {
        let plan = planned(&problem);
        let (found, resting) = (plan.outcome.score_eur(), plan.no_battery.score_eur());
        prop_assert!(found <= resting + 1e-4, "{found} for {resting}: {:?}", plan.origin);
        let broken = avoidable(&problem, &plan.outcome);
        let soft = |it: &Violation| {
            matches!(it, Violation::FinalMissed { .. } | Violation::BelowFloor { .. } | Violation::AboveCeiling { .. })
        };
        let unexpected = broken.iter().any(|it| !soft(it));
        prop_assert!(!unexpected, "{broken:?}");
    }

    #[test]
    fn batteries_do_not_work_against_each_other_at_odd_prices(problem in any_prices()) {
        let plan = planned(&problem);
        for (slot, done) in problem.slots.iter().zip(&plan.outcome.slots) {
            let gives = done.battery_w.iter().any(|power| *power > 2.0);
            let takes = done.battery_w.iter().any(|power| *power < -2.0);
            prop_assert!(!(slot.is_odd() && gives && takes), "{done:?}");
        }
    }

    #[test]
    fn equal_prices_never_charge_from_the_grid(mut problem in even(), price in 0.05..0.5) {
        for slot in &mut problem.slots {
            (slot.import_price, slot.export_price) = (price, price);
        }
        (problem.import_max_w, problem.export_max_w) = (f64::INFINITY, f64::INFINITY);
        problem.inverter_max_w = None;
        problem.end_worth = ohmstead_planner::EndWorth::default();
        for battery in &mut problem.batteries {
            (battery.now_wh, battery.final_wh, battery.end_price) = (battery.max_wh, None, Some(0.0));
            battery.reserve_wh = ohmstead_planner::PerSlot::Constant(0.0);
            battery.idle_loss_per_h = 0.0;
            battery.min_wh = 0.0;
        }
        let plan = planned(&problem);
        for (slot, done) in problem.slots.iter().zip(&plan.outcome.slots) {
            let charged: f64 = done.battery_w.iter().map(|power| (-power).max(0.0)).sum();
            let given: f64 = done.battery_w.iter().map(|power| power.max(0.0)).sum();
            prop_assert!(charged <= (-slot.net_w()).max(0.0) + given + 2.0, "{done:?}");
        }
    }

    #[test]
    fn halved_slots_cost_the_same(mut problem in even()) {
        // Power that nobody may have breaks some rule or other, and broken rules are counted at the slots' ends.
        problem.curtail = true;
        for battery in &mut problem.batteries {
            battery.idle_loss_per_h = 0.0;
            battery.taper.clear();
            let floor_wh = battery.floor_wh(0);
            battery.now_wh = battery.now_wh.clamp(floor_wh, battery.max_wh);
            battery.final_wh = None;
        }
        let (whole, halves) = (planned(&problem), planned(&halved(&problem)));
        let (whole, halves) = (whole.outcome.score_eur(), halves.outcome.score_eur());
        prop_assert!((whole - halves).abs() < 2e-3, "{whole} and in halves {halves}");
    }

    #[test]
    fn batteries_without_capacity_change_nothing(mut problem in any_prices()) {
        for battery in &mut problem.batteries {
            (battery.capacity_wh, battery.now_wh, battery.final_wh) = (0.0, 0.0, None);
        }
        let plan = planned(&problem);
        prop_assert!(plan.outcome.slots.iter().all(|slot| slot.battery_w.iter().all(|power| *power == 0.0)));
        prop_assert!((plan.outcome.energy_eur - plan.no_battery.energy_eur).abs() < 1e-9);
    }

    #[test]
    fn a_reason_is_true(problem in even()) {
        let plan = planned(&problem);
        let worths = worth(&problem, &plan.outcome);
        let of_powers = explain(&problem, &plan.outcome, &worths);
        let of_modes = plan.reasons(&problem);
        for (outcome, reasons) in [(&plan.outcome, of_powers), (&plan.in_modes, of_modes)] {
            for (index, reasons) in reasons.iter().enumerate() {
                for (number, why) in reasons.iter().enumerate() {
                    check_reason(&problem, outcome, index, number, *why, worths[index][number]);
                }
            }
        }
    }

    #[test]
    fn a_plan_is_kept_on_its_own_problem(problem in any_prices()) {
        let first = planned(&problem);
        let second = plan(&problem, Some(&first), &Tuning::default());
        prop_assert_eq!(&second.modes, &first.modes);
    }

    #[test]
    fn following_the_house_never_exports_a_battery(problem in any_prices()) {
        let following = self_consumption(&problem);
        let exported = following.violations.iter().any(|it| matches!(it, Violation::BatteryExport { .. } | Violation::Clipped { .. }));
        prop_assert!(!exported, "{:?}", following.violations);
    }

    #[test]
    fn modes_are_commands_that_a_battery_can_take(problem in any_prices()) {
        let plan = planned(&problem);
        for (slot, modes) in plan.modes.iter().enumerate() {
            prop_assert_eq!(modes.len(), problem.batteries.len());
            for mode in modes {
                match mode {
                    BatteryMode::Charge { power, until } => {
                        prop_assert!(power.is_some_and(|it| it.0 > 0.0) && until.is_some_and(|it| (0.0..=100.0).contains(&it.0)), "slot {slot}: {mode}");
                    }
                    BatteryMode::Discharge { power } => prop_assert!(power.is_some_and(|it| it.0 > 0.0), "slot {slot}: {mode}"),
                    BatteryMode::Native(_) => prop_assert!(false, "no plan asks for a brand's own mode"),
                    _ => {}
                }
            }
        }
    }
}

/// Figures are handed on as they are.
fn same(left: f64, right: f64) -> bool {
    left.total_cmp(&right).is_eq()
}

const TRUE_WITHIN: f64 = 2e-3;

fn check_reason(
    problem: &Problem,
    outcome: &Outcome,
    index: usize,
    number: usize,
    why: Why,
    held: Option<f64>,
) {
    let (slot, battery) = (&problem.slots[index], &problem.batteries[number]);
    let done = &outcome.slots[index];
    let power_w = done.battery_w[number];
    let place = format!("slot {index}, battery {number}: {why:?}");
    match why {
        Why::CheapImport { price, worth } => {
            assert!(
                power_w < 0.0 && done.grid_w > 0.0 && same(price, slot.import_price) && Some(worth) == held,
                "{place}"
            );
            assert!(price / battery.eff_charge <= worth + TRUE_WITHIN, "{place}");
        }
        Why::CoverLoad { price, worth } => {
            assert!(power_w > 0.0 && same(price, slot.import_price) && Some(worth) == held, "{place}");
            assert!(price * battery.eff_discharge >= worth - TRUE_WITHIN, "{place}");
        }
        Why::SuppliesHouse { price } => {
            assert!(power_w > 0.0 && done.grid_w >= -5.0 && same(price, slot.import_price), "{place}");
        }
        Why::ExportPays { price, worth } => {
            assert!(power_w > 0.0 && done.grid_w < 0.0 && problem.allow_battery_export, "{place}");
            assert!(price * battery.eff_discharge >= worth - TRUE_WITHIN, "{place}");
        }
        Why::SolarSurplus { .. } => assert!(power_w < 0.0 && done.grid_w <= 5.0, "{place}"),
        Why::SellSun { price, worth } => {
            assert!(power_w.abs() <= 5.0 && slot.net_w() < 0.0 && same(price, slot.export_price), "{place}");
            assert!(
                price / battery.eff_charge >= worth - TRUE_WITHIN || slot.pv_w > done.pv_w + 1.0,
                "{place}"
            );
        }
        Why::HoldForLater { at, price, now } => {
            let later = outcome.slots.iter().position(|slot| slot.span.start == at).unwrap();
            assert!(later > index && outcome.slots[later].battery_w[number] > 0.0, "{place}");
            assert!(
                price > now && same(now, slot.import_price) && same(price, problem.slots[later].import_price),
                "{place}"
            );
        }
        Why::HoldForEnd { worth, now } => {
            assert!(
                power_w.abs() <= 5.0
                    && (now - battery.wear_eur_kwh) * battery.eff_discharge <= worth + TRUE_WITHIN,
                "{place}"
            );
        }
        Why::NegativePrice { price } => assert!(price < 0.0 && power_w < 0.0 && done.grid_w > 0.0, "{place}"),
        Why::Reserve { floor_wh } => assert!(power_w < 0.0 && floor_wh > 0.0, "{place}"),
        Why::ByHand => panic!("nobody asked by hand: {place}"),
        Why::Curtail { .. } | Why::Unavailable | Why::Full | Why::Empty | Why::Rest | Why::Planned => {
            assert!(power_w.abs() <= 5.0 || why == Why::Planned, "{place}");
        }
    }
}
