//! A problem out of a file, and its plan as JSON: `plan --problem FILE --json`.
//!
//! ```text
//! { name, start: "2024-12-10", tz: "Europe/Paris", step_min: 15, load_w: [..], pv_w: [..],
//!   price_import: [..], price_export: [..] (EUR/kWh), import_max_w, export_max_w, allow_batt_export, curtail,
//!   battery: { cap_wh, soc_min, soc_max, soc_init, soc_final, p_chg_ac, p_dis_ac, eff_chg, eff_dis } or batteries: [..] }
//! ```

mod keys;

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use ohmstead_model::{Clock, Language, TimeSpan, UnixMillis};
use ohmstead_planner::{Battery, Outcome, Plan, Problem, Slot, Tuning, Violation, main_reason, plan};
use serde_json::{Value, json};
use thiserror::Error;

use crate::shapes::iso;
use keys::{Bounds, Keys, short};

/// Why a file is no problem.
#[derive(Debug, Error)]
pub(super) enum FileError {
    /// It is no JSON.
    #[error("it is no JSON{place}: {source}")]
    Json {
        /// In which list.
        place: String,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// A key holds something else than it should.
    #[error("{key} is {found}, expected {expected}")]
    Key {
        /// The key, with the keys above it and the place in a list, from 0.
        key: String,
        /// What is there.
        found: String,
        /// What may be.
        expected: String,
    },
    /// A key is missing.
    #[error("{key} is missing, expected {expected}")]
    Missing {
        /// The key.
        key: String,
        /// What should be there.
        expected: String,
    },
    /// A key that means nothing.
    #[error("there is no key {key}: there are {known}")]
    Unknown {
        /// The key.
        key: String,
        /// Those that there are.
        known: String,
    },
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
    /// Nothing is ahead.
    #[error("load_w is an empty list: give one value for each slot, of one slot at least")]
    NoSlots,
    /// The zone or the start is none.
    #[error("{0}")]
    Time(String),
    /// The planner finds no sense in it.
    #[error("it makes no sense: {0}")]
    Nonsense(#[from] ohmstead_planner::ProblemError),
}

/// The keys of the file.
const KEYS: [&str; 14] = [
    "name",
    "start",
    "tz",
    "step_min",
    "load_w",
    "pv_w",
    "price_import",
    "price_export",
    "import_max_w",
    "export_max_w",
    "allow_batt_export",
    "curtail",
    "battery",
    "batteries",
];

/// The keys of a battery.
const BATTERY_KEYS: [&str; 9] =
    ["cap_wh", "soc_min", "soc_max", "soc_init", "soc_final", "p_chg_ac", "p_dis_ac", "eff_chg", "eff_dis"];

const POWER: Bounds = Bounds { from: 0.0, to: 1e9, of: "W" };
const LIMIT: Bounds = Bounds { from: 0.0, to: f64::INFINITY, of: "W" };
const ENERGY: Bounds = Bounds { from: 0.0, to: 1e9, of: "Wh" };
const PRICE: Bounds = Bounds { from: -1000.0, to: 1000.0, of: "EUR/kWh" };
const SHARE: Bounds = Bounds { from: 0.0, to: 1.0, of: "a part of cap_wh" };
const EFFICIENCY: Bounds = Bounds { from: 0.05, to: 1.0, of: "a part of what goes in" };
/// A step is a minute to a day.
const MINUTES: Bounds = Bounds { from: 1.0, to: 1440.0, of: "whole minutes" };

/// A problem with what it was called.
#[derive(Debug)]
pub(super) struct Posed {
    pub(super) name: String,
    pub(super) zone: TimeZone,
    pub(super) problem: Problem,
}

/// Reads a problem.
pub(super) fn read(text: &str) -> Result<Posed, FileError> {
    // Some editors write a mark of the encoding.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let json: Value = serde_json::from_str(text)
        .map_err(|source| FileError::Json { place: keys::place(text, &source), source })?;
    let file = Keys::of("", &json, &KEYS)?;
    let tz = file.text("tz")?.unwrap_or("UTC");
    let zone = TimeZone::get(tz)
        .map_err(|_| FileError::Time(format!("tz {tz:?} is no time zone such as Europe/Paris")))?;
    let problem = Problem {
        slots: slots(&file, &zone)?,
        batteries: batteries(&file)?,
        import_max_w: file.optional("import_max_w", LIMIT)?.unwrap_or(f64::INFINITY),
        export_max_w: file.optional("export_max_w", LIMIT)?.unwrap_or(f64::INFINITY),
        allow_battery_export: file.flag("allow_batt_export")?,
        curtail: file.flag("curtail")?,
        ..Problem::default()
    };
    problem.check()?;
    Ok(Posed { name: file.text("name")?.unwrap_or_default().to_owned(), zone, problem })
}

fn slots(file: &Keys<'_>, zone: &TimeZone) -> Result<Vec<Slot>, FileError> {
    let load_w = file.list("load_w", POWER)?;
    let lists = [("pv_w", POWER), ("price_import", PRICE), ("price_export", PRICE)];
    let mut read = Vec::with_capacity(lists.len());
    for (name, bounds) in lists {
        let list = file.list(name, bounds)?;
        if list.len() != load_w.len() {
            return Err(FileError::Lengths { name, found: list.len(), expected: load_w.len() });
        }
        read.push(list);
    }
    if load_w.is_empty() {
        return Err(FileError::NoSlots);
    }
    let first = start(file.text("start")?.unwrap_or_default(), zone)?;
    let step = step(file)?;
    let slot = |(index, load_w): (usize, &f64)| Slot {
        span: TimeSpan::lasting(first.plus(step * u32::try_from(index).unwrap_or(u32::MAX)), step),
        load_w: *load_w,
        pv_w: read[0][index],
        import_price: read[1][index],
        export_price: read[2][index],
    };
    Ok(load_w.iter().enumerate().map(slot).collect())
}

fn step(file: &Keys<'_>) -> Result<Duration, FileError> {
    let minutes = file.number("step_min", MINUTES)?;
    if minutes.fract() != 0.0 {
        return Err(file.wrong("step_min", &json!(minutes), &MINUTES));
    }
    Ok(Duration::from_secs_f64(minutes * 60.0))
}

fn batteries(file: &Keys<'_>) -> Result<Vec<Battery>, FileError> {
    let mut all: Vec<(String, &Value)> = Vec::new();
    all.extend(file.value("battery").map(|one| ("battery".to_owned(), one)));
    if let Some(several) = file.value("batteries") {
        let list =
            several.as_array().ok_or_else(|| file.wrong("batteries", several, &"a list of batteries"))?;
        all.extend(list.iter().enumerate().map(|(place, one)| (format!("batteries[{place}]"), one)));
    }
    // Words about a battery say "battery" before its name.
    (1..).zip(all).map(|(number, (path, one))| battery(&path, one, format!("{number}"))).collect()
}

fn battery(path: &str, value: &Value, name: String) -> Result<Battery, FileError> {
    let keys = Keys::of(path, value, &BATTERY_KEYS)?;
    let capacity_wh = keys.number("cap_wh", ENERGY)?;
    let min = keys.optional("soc_min", SHARE)?.unwrap_or(0.0);
    let max = keys.optional("soc_max", SHARE)?.unwrap_or(1.0);
    if min > max {
        let expected = format!("not more than soc_max, which is {}", short(max));
        return Err(keys.wrong("soc_min", &json!(min), &expected));
    }
    Ok(Battery {
        name,
        capacity_wh,
        now_wh: keys.number("soc_init", SHARE)? * capacity_wh,
        min_wh: min * capacity_wh,
        max_wh: max * capacity_wh,
        final_wh: keys.optional("soc_final", SHARE)?.map(|share| share * capacity_wh),
        charge_max_w: keys.number("p_chg_ac", POWER)?,
        discharge_max_w: keys.number("p_dis_ac", POWER)?,
        eff_charge: keys.optional("eff_chg", EFFICIENCY)?.unwrap_or(1.0),
        eff_discharge: keys.optional("eff_dis", EFFICIENCY)?.unwrap_or(1.0),
        ..Battery::default()
    })
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
        "unreached": outcome.violations.iter().filter_map(|it| unreached(problem, outcome, it)).collect::<Vec<_>>(),
        "violations": outcome.violations.iter().map(in_words).collect::<Vec<_>>(),
        "slots": outcome.slots.iter().enumerate().map(slot).collect::<Vec<_>>(),
    })
}

/// A wanted end that the plan does not come to.
fn unreached(problem: &Problem, outcome: &Outcome, violation: &Violation) -> Option<Value> {
    let Violation::FinalMissed { battery, .. } = violation else { return None };
    let held = &problem.batteries[*battery];
    let wanted_wh = held.final_wh?;
    let reached_wh = outcome.slots.last().map_or(held.now_wh, |slot| slot.soc_wh[*battery]);
    let text = format!(
        "battery {} does not reach its soc_final: {wanted_wh:.0} Wh are wanted at the end, {reached_wh:.0} Wh are in it",
        held.name
    );
    Some(
        json!({ "battery": held.name, "wanted_wh": wanted_wh, "reached_wh": rounded(reached_wh), "reason": text }),
    )
}

/// What is broken, with batteries counted from 1 as their names are.
fn in_words(violation: &Violation) -> String {
    let mut counted = *violation;
    if let Violation::Clipped { battery, .. }
    | Violation::BelowFloor { battery, .. }
    | Violation::AboveCeiling { battery, .. }
    | Violation::FinalMissed { battery, .. } = &mut counted
    {
        *battery += 1;
    }
    counted.to_string()
}

/// To a thousandth of a watt.
fn rounded(value: f64) -> f64 {
    let rounded = (value * 1000.0).round() / 1000.0;
    if rounded == 0.0 { 0.0 } else { rounded }
}

#[cfg(test)]
mod tests;
