//! `plan`: what the batteries are going to do, and why; what is asked of them by hand ahead; or the plan of a problem out of a file.

mod by_hand;
mod file;

use std::path::PathBuf;

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::ahead::{Site, SiteClock, headed, lacks, languages, number, text_of};
use super::{Common, real_clock};
use crate::failure::{Code, Failure};
use crate::socket::{AheadPart, Question};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: Option<by_hand::What>,
    /// Say of every step why, with prices and what stored energy is worth
    #[arg(long)]
    why: bool,
    /// Solve this problem instead, and print its plan
    #[arg(long, value_name = "FILE")]
    problem: Option<PathBuf>,
    /// Language of the reasons: en, fr, nl, et or de [default: the first of site.languages]
    #[arg(long, value_name = "CODE")]
    lang: Option<String>,
}

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    if let Some(what) = &arguments.what {
        return by_hand::run(common, what).await;
    }
    if let Some(path) = &arguments.problem {
        return of_file(common, path);
    }
    let lang = languages(arguments.lang.as_deref())?;
    let mut site = Site::reach(common).await?;
    let answer = site.ask(&Question::Ahead { part: AheadPart::Plan, lang }).await?;
    let note = site.clock.zone_note(&TimeZone::system());
    common.print(&answer, || text(&answer, &site.clock, note.as_deref(), arguments.why))
}

fn of_file(common: &Common, path: &PathBuf) -> Result<(), Failure> {
    // The command line is right, the file is not.
    let wrong = |error: String| Failure::new(Code::Failed, format!("{}: {error}", path.display()));
    let content = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let posed = file::read(&content).map_err(|error| wrong(error.to_string()))?;
    let (plan, took) = file::solve(&posed.problem, real_clock().as_ref());
    let json = file::json(&posed, &plan, took);
    common.print(&json, || of_problem(&json))
}

fn of_problem(json: &Value) -> String {
    let rows = json["slots"].as_array().into_iter().flatten().map(|slot| {
        let list = |key: &str| {
            let values = slot[key].as_array().into_iter().flatten();
            values.map(|value| number(value, 0)).collect::<Vec<_>>().join(" ")
        };
        vec![
            text_of(&slot["start"]),
            number(&slot["grid_w"], 0),
            number(&slot["pv_w"], 0),
            list("battery_w"),
            list("soc_wh"),
            text_of(&slot["reason"]),
        ]
    });
    let head = ["start", "grid W", "sun W", "battery W", "stored Wh", "why"];
    let cost = format!(
        "cost {} (following the house {}, without batteries {}), solved in {} ms",
        number(&json["cost"], 6),
        number(&json["self_consumption_cost"], 6),
        number(&json["no_battery_cost"], 6),
        number(&json["solve_ms"], 1)
    );
    let list = |key: &str| json[key].as_array().cloned().unwrap_or_default();
    let unreached: Vec<_> =
        list("unreached").iter().map(|it| format!("! {}", text_of(&it["reason"]))).collect();
    let violations: Vec<_> = list("violations").iter().map(text_of).collect();
    [unreached, vec![headed(&head, rows, &[1, 2, 3, 4]), cost], violations].concat().join("\n")
}

/// Slots that are alike are one line.
fn text(plan: &Value, clock: &SiteClock, note: Option<&str>, with_reasons: bool) -> String {
    if plan["made_at"].is_null() {
        return format!("no plan: {}", text_of(&plan["why_none"]["reason"]));
    }
    let mut lines = vec![format!(
        "made {}, {}{}{}",
        clock.time(&plan["made_at"]),
        text_of(&plan["origin"]),
        match (plan["acting"] == Value::Bool(true), plan["read_only"] == Value::Bool(true)) {
            (true, false) => ", being carried out",
            (true, true) => ", not carried out: everything is read-only",
            (false, _) => ", advice only",
        },
        note.map(|note| format!("; {note}")).unwrap_or_default()
    )];
    lines.extend(plan["trouble"]["reason"].as_str().map(|why| format!("! {why}")));
    for (place, battery) in plan["batteries"].as_array().into_iter().flatten().enumerate() {
        lines.push(String::new());
        lines.push(text_of(&battery["device"]));
        lines.push(steps(plan, clock, place, with_reasons));
    }
    lines.push(String::new());
    lines.push(format!(
        "cost {} {} (following the house {}, without batteries {})",
        number(&plan["cost"], 2),
        text_of(&plan["currency"]),
        number(&plan["self_consumption_cost"], 2),
        number(&plan["no_battery_cost"], 2)
    ));
    lines.extend(lacks(plan));
    lines.join("\n")
}

fn steps(plan: &Value, clock: &SiteClock, place: usize, with_reasons: bool) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut last = None;
    for slot in plan["slots"].as_array().into_iter().flatten() {
        let step = &slot["steps"][place];
        let reason = text_of(&step["reason"]);
        let key = (text_of(&step["mode"]), if with_reasons { reason.clone() } else { String::new() });
        let until = clock.time(&slot["end"]);
        if last.as_ref() == Some(&key)
            && let Some(row) = rows.last_mut()
        {
            row[1] = until;
            row[3] = number(&slot["soc_pct"][place], 0);
            continue;
        }
        let mut row =
            vec![clock.time(&slot["start"]), until, key.0.clone(), number(&slot["soc_pct"][place], 0)];
        if with_reasons {
            row.extend([number(&slot["import_price"], 4), number(&slot["worth"], 4), reason]);
        }
        rows.push(row);
        last = Some(key);
    }
    let head: &[&str] = if with_reasons {
        &["from", "until", "mode", "% then", "price", "worth", "why"]
    } else {
        &["from", "until", "mode", "% then"]
    };
    headed(head, rows, &[3, 4, 5])
}

#[cfg(test)]
mod tests;
