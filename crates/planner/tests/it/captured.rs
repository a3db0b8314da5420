//! Requests that another optimiser answered, with its answers. Its formulation has what ours does not (a least charge power, a
//! charge that must happen), and the other way round; the table says which case leaves what out.
//!
//! The judge here is neither's: it adds up an answer's own flows.

#![expect(clippy::cast_possible_truncation, reason = "a few days in milliseconds")]

use crate::cases;
use ohmstead_model::{TimeSpan, UnixMillis};
use ohmstead_planner::{Battery, PerSlot, Plan, Problem, Slot, Tuning, plan};
use rstest::rstest;
use serde::Deserialize;

#[derive(Deserialize)]
struct Captured {
    request: Request,
    expected_response: Response,
}

/// Energies in Wh per step, prices per Wh.
#[derive(Deserialize)]
struct Request {
    time_series: Series,
    batteries: Vec<Asked>,
    #[serde(default)]
    grid: Grid,
    eta_c: f64,
    eta_d: f64,
}

#[derive(Deserialize, Default)]
struct Grid {
    p_max_imp: Option<f64>,
    p_max_exp: Option<f64>,
}

#[derive(Deserialize)]
#[expect(non_snake_case, reason = "the names of the file")]
struct Series {
    dt: Vec<f64>,
    gt: Vec<f64>,
    ft: Vec<f64>,
    p_N: Vec<f64>,
    p_E: Vec<f64>,
}

#[derive(Deserialize)]
struct Asked {
    s_capacity: Option<f64>,
    s_min: f64,
    s_max: f64,
    s_initial: f64,
    c_max: f64,
    d_max: f64,
    p_a: f64,
    #[serde(default)]
    charge_from_grid: bool,
    #[serde(default)]
    discharge_to_grid: bool,
    s_goal: Option<Vec<f64>>,
}

#[derive(Deserialize)]
struct Response {
    objective_value: f64,
    batteries: Vec<Answered>,
    grid_import: Vec<f64>,
    grid_export: Vec<f64>,
}

#[derive(Deserialize)]
struct Answered {
    state_of_charge: Vec<f64>,
}

impl Request {
    fn problem(&self) -> Problem {
        let series = &self.time_series;
        let mut start = 0.0;
        let slots = (0..series.dt.len()).map(|step| {
            let [from, to] =
                [start, start + series.dt[step]].map(|seconds: f64| UnixMillis((seconds * 1000.0) as i64));
            start += series.dt[step];
            let hours = series.dt[step] / 3600.0;
            Slot {
                span: TimeSpan::new(from, to),
                load_w: series.gt[step] / hours,
                pv_w: series.ft[step] / hours,
                import_price: series.p_N[step] * 1000.0,
                export_price: series.p_E[step] * 1000.0,
            }
        });
        Problem {
            slots: slots.collect(),
            batteries: self
                .batteries
                .iter()
                .enumerate()
                .map(|(number, asked)| self.battery(number, asked))
                .collect(),
            import_max_w: self.grid.p_max_imp.unwrap_or(f64::INFINITY),
            export_max_w: self.grid.p_max_exp.unwrap_or(f64::INFINITY),
            allow_battery_export: self.batteries.iter().any(|asked| asked.discharge_to_grid),
            curtail: self.grid.p_max_exp.is_some(),
            ..Problem::default()
        }
    }

    fn battery(&self, number: usize, asked: &Asked) -> Battery {
        let goals = asked.s_goal.clone().map_or(PerSlot::Constant(0.0), PerSlot::Each);
        Battery {
            name: format!("b{number}"),
            capacity_wh: asked.s_capacity.unwrap_or(asked.s_max).max(asked.s_max),
            now_wh: asked.s_initial,
            min_wh: asked.s_min,
            max_wh: asked.s_max,
            reserve_wh: goals,
            end_price: Some(asked.p_a * 1000.0),
            charge_max_w: asked.c_max,
            discharge_max_w: asked.d_max,
            eff_charge: self.eta_c,
            eff_discharge: self.eta_d,
            may_charge_from_grid: asked.charge_from_grid,
            ..Battery::default()
        }
    }

    /// Money and the change of what stored energy is worth, for flows in Wh.
    fn objective(&self, import: &[f64], export: &[f64], last_wh: &[f64]) -> f64 {
        let paid: f64 = import.iter().zip(&self.time_series.p_N).map(|(energy, price)| energy * price).sum();
        let earned: f64 =
            export.iter().zip(&self.time_series.p_E).map(|(energy, price)| energy * price).sum();
        let stored = self.batteries.iter().zip(last_wh);
        earned - paid + stored.map(|(asked, last)| asked.p_a * (last - asked.s_initial)).sum::<f64>()
    }

    /// The same of our plan, from its powers alone: energies, losses and the grid are worked out here once more.
    fn objective_of(&self, problem: &Problem, plan: &Plan) -> f64 {
        let mut stored: Vec<_> = self.batteries.iter().map(|asked| asked.s_initial).collect();
        let (mut import, mut export) = (Vec::new(), Vec::new());
        for (step, slot) in plan.outcome.slots.iter().enumerate() {
            let hours = self.time_series.dt[step] / 3600.0;
            let mut net = self.time_series.gt[step] - self.time_series.ft[step];
            for (number, power_w) in slot.battery_w.iter().enumerate() {
                let energy = power_w * hours;
                net -= energy;
                stored[number] -= if energy > 0.0 { energy / self.eta_d } else { energy * self.eta_c };
                let asked = &self.batteries[number];
                let limit = if energy > 0.0 { asked.d_max } else { asked.c_max };
                assert!(power_w.abs() <= limit + 1e-3, "step {step}: {power_w} W");
                assert!(
                    stored[number] >= -1.0 && stored[number] <= asked.s_max.max(asked.s_initial) + 1.0,
                    "step {step}: {stored:?}"
                );
            }
            let most = problem.export_max_w * hours;
            import.push(net.max(0.0));
            export.push((-net).max(0.0).min(most));
        }
        self.objective(&import, &export, &stored)
    }
}

/// How ours compares with theirs.
enum Expected {
    /// Their optimum, to the accuracy of their printed flows.
    Same,
    /// More than theirs by so much, because the rule named is not ours.
    More(f64, &'static str),
}
use Expected::{More, Same};

const LEAST_CHARGE: &str = "a car that charges with a least power or not at all";
const MUST_CHARGE: &str = "charging that must happen at given times";

#[rstest]
#[case("009-discharge-before-import", More(0.039_235, LEAST_CHARGE))]
#[case("010-infesible-charge-goal", More(0.217_320, LEAST_CHARGE))]
#[case("012-early-charging-not-perfect", Same)]
#[case("013-grid-export-limit-hit", Same)]
#[case("015-low-soc-initial", Same)]
#[case("018-high-soc-initial", Same)]
#[case("020-weird-charging-at-night", More(1.144_108, MUST_CHARGE))]
#[case("023-c_min-limit-kept-with-p_demand-set", More(2.297_932, MUST_CHARGE))]
#[case("025-attenuate-feedin-peaks", Same)]
fn ours_is_worth_no_less(#[case] name: &str, #[case] expected: Expected) {
    let Some(folder) = cases::folder() else { return };
    let path = folder.join(format!("evcc-optimizer/{name}.json"));
    let captured: Captured = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let Captured { request, expected_response: theirs } = captured;
    check_judge(name, &request, &theirs);
    let problem = request.problem();
    let plan = plan(&problem, None, &Tuning::default());
    let last: Vec<_> = theirs.batteries.iter().map(|it| *it.state_of_charge.last().unwrap()).collect();
    let of_theirs = request.objective(&theirs.grid_import, &theirs.grid_export, &last);
    let ours = request.objective_of(&problem, &plan);
    let (gap, why) = match expected {
        Same => (0.0, ""),
        More(gap, why) => (gap, why),
    };
    println!("{name}: ours {ours:.6}, theirs {of_theirs:.6} {why}");
    assert!(
        (ours - of_theirs - gap).abs() < 2e-5,
        "{name}: ours {ours}, theirs {of_theirs}, expected {gap} more"
    );
    for (number, (asked, answered)) in request.batteries.iter().zip(&theirs.batteries).enumerate() {
        for (step, goal) in asked.s_goal.iter().flatten().enumerate().filter(|(_, goal)| **goal > 0.0) {
            let (ours, theirs) = (plan.outcome.slots[step].soc_wh[number], answered.state_of_charge[step]);
            assert!(ours >= goal.min(theirs) - 1.0, "{name}: {ours} Wh at step {step}, theirs has {theirs}");
        }
    }
}

/// The file's own figure counts the change of stored energy from the end of its first step: so added up, its flows give it,
/// but for one file, whose figure is 0.0078 more than its flows are worth.
fn check_judge(name: &str, request: &Request, theirs: &Response) {
    let first_and_last = theirs.batteries.iter().zip(&request.batteries).map(|(answered, asked)| {
        let states = &answered.state_of_charge;
        states[states.len() - 1] - states[0] + asked.s_initial
    });
    let said =
        request.objective(&theirs.grid_import, &theirs.grid_export, &first_and_last.collect::<Vec<_>>());
    let off = if name.starts_with("013") { 0.007_787 } else { 0.0 };
    assert!((said + off - theirs.objective_value).abs() < 2e-5, "{said} for {}", theirs.objective_value);
}
