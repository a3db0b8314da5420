//! A problem out of a file, and its plan as JSON: `plan --problem FILE --json`.
//!
//! ```text
//! { name, start: "2024-12-10", tz: "Europe/Paris", step_min: 15, load_w: [..], pv_w: [..],
//!   price_import: [..], price_export: [..] (EUR/kWh), import_max_w, export_max_w, allow_batt_export, curtail,
//!   battery: { cap_wh, soc_min, soc_max, soc_init, soc_final, p_chg_ac, p_dis_ac, eff_chg, eff_dis } or batteries: [..] }
//! ```

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use ohmstead_model::{Clock, Language, TimeSpan, UnixMillis};
use ohmstead_planner::{Battery, Plan, Problem, Slot, Tuning, main_reason, plan};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use crate::shapes::iso;

/// Why a file is no problem.
#[derive(Debug, Error)]
pub(super) enum FileError {
    /// It is no JSON of this shape.
    #[error("it is not of the shape of a problem: {0}")]
    Shape(#[from] serde_json::Error),
    /// Lists of different lengths.
    #[error("{name} has {found} values, load_w has {expected}: every list needs one for each slot")]
    Lengths {
        /// Which list.
        name: &'static str,
        /// How many it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// The zone or the start is none.
    #[error("{0}")]
    Time(String),
    /// The planner finds no sense in it.
    #[error("it makes no sense: {0}")]
    Nonsense(#[from] ohmstead_planner::ProblemError),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    name: String,
    start: String,
    #[serde(default = "utc")]
    tz: String,
    step_min: u32,
    load_w: Vec<f64>,
    pv_w: Vec<f64>,
    price_import: Vec<f64>,
    price_export: Vec<f64>,
    #[serde(default)]
    import_max_w: Option<f64>,
    #[serde(default)]
    export_max_w: Option<f64>,
    #[serde(default)]
    allow_batt_export: bool,
    #[serde(default)]
    curtail: bool,
    #[serde(default)]
    battery: Option<FileBattery>,
    #[serde(default)]
    batteries: Vec<FileBattery>,
}

fn utc() -> String {
    "UTC".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileBattery {
    cap_wh: f64,
    #[serde(default)]
    soc_min: f64,
    #[serde(default = "one")]
    soc_max: f64,
    soc_init: f64,
    #[serde(default)]
    soc_final: Option<f64>,
    p_chg_ac: f64,
    p_dis_ac: f64,
    #[serde(default = "one")]
    eff_chg: f64,
    #[serde(default = "one")]
    eff_dis: f64,
}

fn one() -> f64 {
    1.0
}

/// A problem with what it was called.
#[derive(Debug)]
pub(super) struct Posed {
    pub(super) name: String,
    pub(super) zone: TimeZone,
    pub(super) problem: Problem,
}

/// Reads a problem.
pub(super) fn read(text: &str) -> Result<Posed, FileError> {
    let file: File = serde_json::from_str(text)?;
    let zone = TimeZone::get(&file.tz)
        .map_err(|_| FileError::Time(format!("tz {:?} is no time zone such as Europe/Paris", file.tz)))?;
    let start = start(&file.start, &zone)?;
    for (name, list) in
        [("pv_w", &file.pv_w), ("price_import", &file.price_import), ("price_export", &file.price_export)]
    {
        if list.len() != file.load_w.len() {
            return Err(FileError::Lengths { name, found: list.len(), expected: file.load_w.len() });
        }
    }
    let step = Duration::from_secs(60) * file.step_min;
    let slot = |index: usize| {
        let place = u32::try_from(index).unwrap_or(u32::MAX);
        Slot {
            span: TimeSpan::lasting(start.plus(step * place), step),
            load_w: file.load_w[index],
            pv_w: file.pv_w[index],
            import_price: file.price_import[index],
            export_price: file.price_export[index],
        }
    };
    let batteries = file.battery.iter().chain(&file.batteries).enumerate();
    let problem = Problem {
        slots: (0..file.load_w.len()).map(slot).collect(),
        batteries: batteries.map(|(number, battery)| battery.battery(number)).collect(),
        import_max_w: file.import_max_w.unwrap_or(f64::INFINITY),
        export_max_w: file.export_max_w.unwrap_or(f64::INFINITY),
        allow_battery_export: file.allow_batt_export,
        curtail: file.curtail,
        ..Problem::default()
    };
    problem.check()?;
    Ok(Posed { name: file.name, zone, problem })
}

/// A date, which is its midnight in the zone; a civil time of the zone; or an instant.
fn start(text: &str, zone: &TimeZone) -> Result<UnixMillis, FileError> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(UnixMillis(instant.as_millisecond()));
    }
    let civil = text.parse::<Date>().map(|date| date.at(0, 0, 0, 0)).or_else(|_| text.parse::<DateTime>());
    let zoned = civil.and_then(|civil| civil.to_zoned(zone.clone()));
    let zoned =
        zoned.map_err(|_| FileError::Time(format!("start {text:?} is no date such as 2024-12-10")))?;
    Ok(UnixMillis(zoned.timestamp().as_millisecond()))
}

impl FileBattery {
    fn battery(&self, number: usize) -> Battery {
        Battery {
            name: format!("battery {}", number + 1),
            capacity_wh: self.cap_wh,
            now_wh: self.soc_init * self.cap_wh,
            min_wh: self.soc_min * self.cap_wh,
            max_wh: self.soc_max * self.cap_wh,
            final_wh: self.soc_final.map(|share| share * self.cap_wh),
            charge_max_w: self.p_chg_ac,
            discharge_max_w: self.p_dis_ac,
            eff_charge: self.eff_chg,
            eff_discharge: self.eff_dis,
            ..Battery::default()
        }
    }
}

/// A plan and how long it took.
pub(super) fn solve(problem: &Problem, clock: &dyn Clock) -> (Plan, Duration) {
    let begun = clock.now();
    let plan = plan(problem, None, &Tuning::default());
    (plan, clock.now().since(begun))
}

/// The answer. Its powers and costs are those of the plan itself, not of the modes that stand for it.
pub(super) fn json(posed: &Posed, plan: &Plan, took: Duration) -> Value {
    let (problem, outcome) = (&posed.problem, &plan.outcome);
    let reasons = ohmstead_planner::explain(problem, outcome, &ohmstead_planner::worth(problem, outcome));
    let slot = |(place, slot): (usize, &ohmstead_planner::SlotOutcome)| {
        let why = main_reason(problem, outcome, place, &reasons[place]);
        json!({
            "start": iso(slot.span.start),
            "grid_w": rounded(slot.grid_w),
            "pv_w": rounded(slot.pv_w),
            "battery_w": slot.battery_w.iter().copied().map(rounded).collect::<Vec<_>>(),
            "soc_wh": slot.soc_wh.iter().copied().map(rounded).collect::<Vec<_>>(),
            "reason": why.sentence(Language::En, &posed.zone),
            "code": why.code(),
        })
    };
    json!({
        "name": posed.name,
        "cost": outcome.energy_eur,
        "self_consumption_cost": plan.self_consumption.energy_eur,
        "no_battery_cost": plan.no_battery.energy_eur,
        "solve_ms": took.as_secs_f64() * 1000.0,
        "violations": outcome.violations.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "slots": outcome.slots.iter().enumerate().map(slot).collect::<Vec<_>>(),
    })
}

/// To a thousandth of a watt.
fn rounded(value: f64) -> f64 {
    let rounded = (value * 1000.0).round() / 1000.0;
    if rounded == 0.0 { 0.0 } else { rounded }
}
