//! How long a plan takes and how near it comes to the known optimum: real homes, one to three batteries, and a week of quarters.
//! CPU time, because the machine may be busy. Without the case files (`OHMSTEAD_SHARED`) only made-up homes are measured.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on says where")]

#[path = "../tests/it/cases.rs"]
mod cases;

use std::time::Duration;

use ohmstead_model::{TimeSpan, UnixMillis};
use ohmstead_planner::{Battery, EndWorth, Pin, Problem, Slot, Tuning, plan};
use rustix::time::{ClockId, clock_gettime};

/// Cases with the optimum of one battery, EUR.
const CASES: &[(&str, f64)] = &[
    ("tempo_red_1d_30m", 19.143_468),
    ("tempo_red_2d_15m", 17.447_184),
    ("spot_2d_30m", 19.473_825),
    ("dst_oct_1d_15m", 0.128_773),
    ("neg_2d_15m", -2.167_380),
];
const ROUNDS: usize = 25;
const BUDGET_MS: f64 = 100.0;

fn main() {
    println!("case                 batteries slots    p50 ms   p95 ms   cost EUR      optimum");
    let mut slowest: f64 = 0.0;
    for (name, optimum) in CASES {
        for count in 1..=3 {
            let Some(problem) = cases::case(name, count) else { continue };
            let known = if count == 1 { format!("{optimum:.6}") } else { "-".to_owned() };
            let p95 = measure(name, &problem, &known);
            slowest = if problem.slots.len() == 192 && count == 3 { slowest.max(p95) } else { slowest };
        }
    }
    for (days, count) in [(2, 3), (7, 1), (7, 3)] {
        let p95 = measure("made up", &made_up(days, count), "-");
        slowest = if days == 2 { slowest.max(p95) } else { slowest };
    }
    let p95 = measure("by hand", &pinned(made_up(2, 3)), "-");
    slowest = slowest.max(p95);
    if let Some(problem) = cases::case("neg_2d_15m", 3) {
        slowest = slowest.max(measure("by hand, neg", &pinned(problem), "-"));
    }
    println!(
        r#"figure {{"name": "192-slot, 3-battery plan, p95", "unit": "ms", "at_most": {BUDGET_MS}, "measured": {slowest:.1}}}"#
    );
}

/// Prints a row; gives the 95th percentile, ms.
fn measure(name: &str, problem: &Problem, optimum: &str) -> f64 {
    let mut times = Vec::with_capacity(ROUNDS);
    let mut cost = 0.0;
    for _ in 0..ROUNDS {
        let before = cpu();
        let plan = plan(problem, None, &Tuning::default());
        let reasons = plan.reasons(problem);
        times.push(cpu().saturating_sub(before).as_secs_f64() * 1000.0);
        assert_eq!(reasons.len(), problem.slots.len());
        cost = plan.outcome.energy_eur;
    }
    times.sort_by(f64::total_cmp);
    let (p50, p95) = (times[ROUNDS / 2], times[ROUNDS * 95 / 100]);
    let (count, slots) = (problem.batteries.len(), problem.slots.len());
    println!("{name:20} {count:9} {slots:5} {p50:9.1} {p95:8.1} {cost:10.4} {optimum:>12}");
    p95
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// The same with two hours of each battery asked by hand, one after the other.
fn pinned(mut problem: Problem) -> Problem {
    let modes = ["charge 2000 W", "hold", "discharge 1000 W"];
    for (number, (battery, mode)) in (0..).zip(problem.batteries.iter_mut().zip(modes)) {
        let from = problem.slots[20 + 16 * number].span.start;
        let span = TimeSpan::lasting(from, Duration::from_secs(7200));
        battery.pins.push(Pin { span, mode: mode.parse().unwrap() });
    }
    problem
}

/// Quarters with prices that rise and fall, sun at noon, and loads that jump.
fn made_up(days: i64, count: u32) -> Problem {
    let slots = (0..days * 96).map(|index| {
        let hour = (index % 96) as f64 / 4.0;
        let jump = (index * 7919 % 97) as f64 / 97.0;
        let wave = ((hour - 7.0) / 12.0 * std::f64::consts::PI).sin();
        Slot {
            span: TimeSpan::lasting(UnixMillis(index * 900_000), Duration::from_secs(900)),
            load_w: 250.0 + 2500.0 * jump * jump,
            pv_w: (4500.0 * ((hour - 6.0) / 12.0 * std::f64::consts::PI).sin()).max(0.0) * jump.sqrt(),
            import_price: 0.28 - 0.12 * wave + 0.04 * jump,
            export_price: 0.07,
        }
    });
    let battery = |number: u32| Battery {
        name: format!("b{number}"),
        capacity_wh: 5120.0,
        now_wh: 2000.0,
        min_wh: 512.0,
        max_wh: 5120.0,
        charge_max_w: 2500.0,
        discharge_max_w: 2500.0,
        eff_charge: 0.94 - 0.01 * f64::from(number),
        eff_discharge: 0.94,
        wear_eur_kwh: 0.02,
        ..Battery::default()
    };
    let problem = Problem {
        slots: slots.collect(),
        batteries: (0..count).map(battery).collect(),
        import_max_w: 9000.0,
        export_max_w: 6000.0,
        curtail: true,
        ..Problem::default()
    };
    Problem { end_worth: EndWorth::suggested(&problem), ..problem }
}
