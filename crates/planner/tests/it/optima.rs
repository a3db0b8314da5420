//! Problems of real homes whose optimum is known from other solvers.

use ohmstead_planner::{Origin, Outcome, Plan, Problem, Tuning, Violation, Why, explain, plan, worth};
use rstest::rstest;

use crate::cases;

/// Energy cost and the wrong end of a plan, worked out from its powers alone: neither the simulator's figures nor a solver's.
fn cost_eur(problem: &Problem, outcome: &Outcome) -> f64 {
    let mut stored: Vec<_> = problem.batteries.iter().map(|battery| battery.now_wh).collect();
    let mut cost = 0.0;
    for (slot, done) in problem.slots.iter().zip(&outcome.slots) {
        let hours = slot.hours();
        assert!(done.pv_w >= 0.0 && done.pv_w <= slot.pv_w + 1e-6);
        let grid_w = slot.load_w - done.pv_w - done.battery_w.iter().sum::<f64>();
        assert!((grid_w - done.grid_w).abs() < 1e-6, "the balance does not hold");
        assert!(grid_w < problem.import_max_w + 1.0 && -grid_w < problem.export_max_w + 1.0);
        cost += grid_w * hours / 1000.0 * if grid_w > 0.0 { slot.import_price } else { slot.export_price };
        for (number, battery) in problem.batteries.iter().enumerate() {
            let power_w = done.battery_w[number];
            assert!(power_w < battery.discharge_max_w + 1e-3 && -power_w < battery.charge_max_w + 1e-3);
            let moved =
                if power_w > 0.0 { power_w / battery.eff_discharge } else { power_w * battery.eff_charge };
            stored[number] -= moved * hours;
            assert!(
                stored[number] > battery.min_wh - 1.0 && stored[number] < battery.max_wh + 1.0,
                "{stored:?}"
            );
        }
        let given: f64 = done.battery_w.iter().filter(|power| **power > 1.0).sum();
        assert!(given <= 0.0 || slot.import_price > 0.0 || done.battery_w.iter().all(|power| *power > -1.0));
        let sun_left = (done.pv_w - slot.load_w).max(0.0);
        assert!(problem.allow_battery_export || given <= 0.0 || -grid_w <= sun_left + 1.0);
    }
    for (battery, stored) in problem.batteries.iter().zip(stored) {
        assert!((stored - battery.final_wh.unwrap()).abs() < 1.0, "{stored} Wh at the end");
    }
    cost
}

fn planned(name: &str, count: u32) -> Option<(Problem, Plan)> {
    let problem = cases::case(name, count)?;
    problem.check().unwrap();
    let plan = plan(&problem, None, &Tuning::default());
    Some((problem, plan))
}

fn assert_clean(plan: &Plan) {
    assert!(matches!(plan.origin, Origin::Found(_)), "{:?}", plan.origin);
    let broken: Vec<&Violation> = plan.outcome.violations.iter().collect();
    assert!(broken.is_empty(), "{broken:?}");
}

/// The optimum is what a mixed-integer solver gave at gap 0.
#[rstest]
#[case("tempo_red_1d_30m", 19.143_468)]
#[case("tempo_red_2d_15m", 17.447_184)]
#[case("spot_2d_30m", 19.473_825)]
#[case("dst_oct_1d_15m", 0.128_773)]
fn the_optimum_is_reached(#[case] name: &str, #[case] optimum: f64) {
    let Some((problem, plan)) = planned(name, 1) else { return };
    assert_clean(&plan);
    let cost = cost_eur(&problem, &plan.outcome);
    println!("{name}: {cost:.6} for {optimum:.6}");
    assert!((cost - optimum).abs() < 1e-4, "{cost} for {optimum}");
    assert!((cost - plan.outcome.energy_eur).abs() < 1e-9);
    // An optimal plan tells what stored energy is worth at every moment, and so why everything is done.
    let told = worth(&problem, &plan.outcome);
    assert!(told.iter().all(|worths| worths[0].is_some()), "{told:?}");
    let reasons = explain(&problem, &plan.outcome, &told);
    assert!(reasons.iter().all(|of_slot| of_slot[0] != Why::Planned), "{reasons:?}");
}

/// With negative prices: the bound that is promised, and the one that is reached.
#[rstest]
#[case(true, -2.167_380)]
#[case(false, -0.724_774)]
fn negative_prices_cost_next_to_nothing_against_the_optimum(#[case] export: bool, #[case] optimum: f64) {
    let Some(mut problem) = cases::case("neg_2d_15m", 1) else { return };
    problem.allow_battery_export = export;
    let plan = plan(&problem, None, &Tuning::default());
    assert_clean(&plan);
    let cost = cost_eur(&problem, &plan.outcome);
    println!("neg, export {export}: {cost:.6} for {optimum:.6}");
    assert!(cost <= optimum + 0.005 * optimum.abs(), "{cost} for {optimum}");
    assert!(cost >= optimum - 1e-4, "better than the optimum: the judge is wrong");
}

/// Batteries that are each a little worse than the first cost a little more together than one.
#[rstest]
fn several_batteries_are_planned_as_well(
    #[values("tempo_red_2d_15m", "spot_2d_30m", "dst_oct_1d_15m", "neg_2d_15m")] name: &str,
) {
    let costs: Option<Vec<_>> = (1..=3)
        .map(|count| {
            let (problem, plan) = planned(name, count)?;
            assert_clean(&plan);
            Some(cost_eur(&problem, &plan.outcome))
        })
        .collect();
    let Some(costs) = costs else { return };
    println!("{name}: {costs:.4?}");
    assert!(costs.is_sorted(), "{costs:?}");
    assert!(costs[2] - costs[0] < 0.2, "{costs:?}");
}
