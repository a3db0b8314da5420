//! Tables: what a battery is commanded for what a plan wants.

use ohmstead_model::{BatteryMode, TimeSpan, UnixMillis};
use rstest::rstest;

use super::{Style, modes, of, simulate_modes};
use crate::problem::{Battery, Problem, Slot};
use crate::simulate::simulate;

const HOUR_MS: i64 = 3_600_000;

fn home(nets_w: &[f64], batteries: usize) -> Problem {
    let slots = nets_w.iter().zip(0..).map(|(net_w, index)| Slot {
        span: TimeSpan::new(UnixMillis(index * HOUR_MS), UnixMillis((index + 1) * HOUR_MS)),
        load_w: net_w.max(0.0),
        pv_w: (-net_w).max(0.0),
        import_price: 0.3,
        export_price: 0.1,
    });
    let battery = |number: usize| Battery {
        name: format!("b{number}"),
        capacity_wh: 10_000.0,
        now_wh: 5000.0,
        min_wh: 1000.0,
        max_wh: 10_000.0,
        charge_max_w: 3000.0,
        discharge_max_w: 3000.0,
        ..Battery::default()
    };
    Problem {
        slots: slots.collect(),
        batteries: (0..batteries).map(battery).collect(),
        allow_battery_export: true,
        ..Problem::default()
    }
}

#[rstest]
#[case("follows a load", 1000.0, 5000.0, 1000.0, "auto")]
#[case("follows the sun", -1500.0, 5000.0, -1500.0, "auto")]
#[case("follows as far as it can", 5000.0, 5000.0, 3000.0, "auto")]
#[case("rests beside a load", 1000.0, 5000.0, 0.0, "hold")]
#[case("rests beside the sun", -1500.0, 5000.0, 0.0, "hold_charge")]
#[case("has nothing to do", 0.0, 5000.0, 0.0, "auto")]
#[case("is empty beside a load", 1000.0, 1000.0, 0.0, "auto")]
#[case("is full beside the sun", -1500.0, 10_000.0, 0.0, "auto")]
#[case("charges from the grid", 1000.0, 5000.0, -2000.0, "charge 2000 W until 70 %")]
#[case("charges more than the sun gives", -500.0, 5000.0, -2000.0, "charge 2000 W until 70 %")]
#[case("feeds the grid", 1000.0, 5000.0, 3000.0, "discharge 3000 W")]
#[case("feeds the grid with the sun", -500.0, 5000.0, 1000.0, "discharge 1000 W")]
#[case("follows nearly", 1000.0, 5000.0, 990.0, "auto")]
#[case("gives a part", 2000.0, 5000.0, 800.0, "discharge 800 W")]
#[case("takes a part of the sun", -2000.0, 5000.0, -800.0, "charge 800 W until 58 %")]
fn a_battery_is_commanded_what_it_would_not_do_by_itself(
    #[case] what: &str,
    #[case] net_w: f64,
    #[case] now_wh: f64,
    #[case] power_w: f64,
    #[case] expected: &str,
) {
    let mut problem = home(&[net_w], 1);
    problem.batteries[0].now_wh = now_wh;
    let plan = simulate(&problem, &[vec![power_w]]);
    assert_eq!(of(&problem, &plan, Style::Exact)[0][0].to_string(), expected, "{what}");
    // The other styles follow where a plan stops halfway.
    let halfway = what.contains("part");
    let loose = if halfway { "auto" } else { expected };
    assert_eq!(of(&problem, &plan, Style::Auto)[0][0].to_string(), loose, "{what}");
    assert_eq!(of(&problem, &plan, Style::Together)[0][0].to_string(), loose, "{what}");
}

#[test]
fn a_run_of_charging_ends_at_one_state_of_charge() {
    let problem = home(&[500.0; 4], 1);
    let plan = simulate(&problem, &[vec![-1000.0], vec![-2000.0], vec![0.0], vec![-500.0]]);
    let modes = of(&problem, &plan, Style::Exact);
    let texts: Vec<_> = modes.iter().map(|modes| modes[0].to_string()).collect();
    assert_eq!(
        texts,
        ["charge 1000 W until 80 %", "charge 2000 W until 80 %", "hold", "charge 500 W until 85 %"]
    );
}

#[test]
fn batteries_that_can_act_as_one_are_commanded_alike() {
    let mut problem = home(&[1500.0, 1500.0, 800.0], 2);
    problem.batteries.iter_mut().for_each(|battery| battery.end_price = Some(0.5));
    // One after the other, as a linear program likes it; what is left at the end is worth the charging.
    let plan = simulate(&problem, &[vec![0.0, 1500.0], vec![1500.0, 0.0], vec![-2000.0, -2000.0]]);
    let modes = modes(&problem, &plan);
    assert_eq!(modes[0], [BatteryMode::Auto, BatteryMode::Auto]);
    assert_eq!(modes[1], modes[0]);
    assert_eq!(modes[2][0], modes[2][1]);
    let done = simulate_modes(&problem, &modes);
    assert!((done.score_eur() - plan.score_eur()).abs() < 1e-9);
}

#[test]
fn following_batteries_share_what_the_commanded_leave() {
    let problem = home(&[2000.0], 3);
    let modes = ["discharge 500 W", "auto", "hold_charge"].map(|text| text.parse().unwrap()).to_vec();
    let done = simulate_modes(&problem, &[modes]);
    assert_eq!(done.slots[0].battery_w, [500.0, 750.0, 750.0]);
    let modes = ["hold", "idle", "charge"].map(|text| text.parse().unwrap()).to_vec();
    let done = simulate_modes(&problem, &[modes]);
    assert_eq!(
        (done.slots[0].battery_w.as_slice(), done.slots[0].grid_w),
        ([0.0, 0.0, -3000.0].as_slice(), 5000.0)
    );
    let problem = home(&[-2000.0], 2);
    let modes = ["hold", "charge 5 kW until 60 %"].map(|text| text.parse().unwrap()).to_vec();
    let done = simulate_modes(&problem, &[modes]);
    assert_eq!(done.slots[0].battery_w, [-1000.0, -1000.0]);
}
