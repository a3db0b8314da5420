//! venus-export-limiter's config.py: assignments of numbers. It is read, never run.
//!
//! ```text
//! MAX_MULTIPLUS_OUTPUT_W                         -> limits.multi_output.max
//! MAX_GRID_EXPORT_W (branch master)              -> limits.feed_in.max
//! MIN_OUTPUT_LIMIT_W, PHASE_COUNT                -> floor, phases
//! MAX_POWER_CHANGE_PER_STEP, GRADUAL_ADJUSTMENT  -> step
//! ```
//!
//! The Multis were looked for on the device's own bus: `dbus: system`.

use std::fmt::Write as _;

use super::Imported;
use crate::config::report;
use crate::error::LoadError;
use crate::file::SIZE_MAX;
use crate::problem::{Fault, What};
use crate::snippet::Source;
use crate::tree::Mark;
use crate::yaml_text::comment;

/// The program's own defaults.
const FLOOR_W: f64 = 1000.0;
const STEP_W: f64 = 1000.0;
/// More than any house has: the bound goes where it must at once.
const AT_ONCE: &str = "1 MW";
/// No installation with one GX device has more.
const POWER_MAX_W: f64 = 300_000.0;

/// Converts the configuration of venus-export-limiter. What cannot be taken over is left out and noted.
pub fn venus_export_limiter(python: &str, source_name: &str) -> Result<Imported, LoadError> {
    if python.len() > SIZE_MAX {
        return Err(LoadError::TooBig { name: source_name.to_owned(), limit: SIZE_MAX });
    }
    let text = python.strip_prefix('\u{feff}').unwrap_or(python);
    let mut wanted = Wanted::default();
    let assignments = assignments(text, &mut wanted.notes);
    for (index, assignment) in assignments.iter().enumerate() {
        // Python keeps the last one too.
        let later = |other: &&Assignment<'_>| other.key == assignment.key;
        match assignments.iter().skip(index + 1).rfind(later) {
            Some(last) => wanted.notes.push(format!(
                "{} in line {}: left out, it stands again in line {}, and the last one counts",
                assignment.key, assignment.line, last.line
            )),
            None => wanted.take(assignment),
        }
    }
    wanted.fit();
    if wanted.output_max.is_none() && wanted.export_max.is_none() {
        let notes = wanted
            .notes
            .iter()
            .find(|note| note.starts_with("MAX_"))
            .map(|note| format!(" ({note})"))
            .unwrap_or_default();
        let what = format!(
            "no limit is set: neither MAX_MULTIPLUS_OUTPUT_W nor MAX_GRID_EXPORT_W has a power{notes}"
        );
        let fault = Fault::at(Mark::START, What::Text(what));
        let help =
            "give the config.py of venus-export-limiter, with a line such as MAX_MULTIPLUS_OUTPUT_W = 30000";
        return Err(report(source_name, vec![fault.help(help)], &Source::new(text)).into());
    }
    Ok(Imported { yaml: wanted.yaml(source_name), notes: wanted.notes() })
}

/// `KEY = VALUE` in one line.
struct Assignment<'t> {
    line: usize,
    key: &'t str,
    value: &'t str,
}

/// The assignments at the top level. What else stands there is noted, but for comments and texts that explain.
fn assignments<'t>(text: &'t str, notes: &mut Vec<String>) -> Vec<Assignment<'t>> {
    let mut assignments = Vec::new();
    let mut docstring: Option<&str> = None;
    for (line, raw) in (1..).zip(text.lines()) {
        let bare = raw.trim();
        if let Some(quotes) = docstring {
            docstring = (!bare.contains(quotes)).then_some(quotes);
            continue;
        }
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        if let Some(quotes) = ["\"\"\"", "'''"].into_iter().find(|quotes| bare.starts_with(quotes)) {
            docstring = (!bare[quotes.len()..].contains(quotes)).then_some(quotes);
            continue;
        }
        match assignment(raw) {
            Some((key, value)) => assignments.push(Assignment { line, key, value }),
            None => notes.push(format!("line {line}: left out, {}", why_none(raw))),
        }
    }
    assignments
}

/// Key and value of a line, without what is said about them behind a `#`, and without the type of `KEY: int = 1`.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    let key = key.split_once(':').map_or(key, |(key, _)| key).trim_end();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_key = !key.is_empty() && key.chars().all(is_name) && !value.starts_with('=');
    is_key.then(|| (key, without_comment(value.trim())))
}

fn why_none(line: &str) -> &'static str {
    if line.starts_with([' ', '\t']) {
        "it belongs to something that would have to be run"
    } else {
        "it is no assignment, and nothing is run"
    }
}

fn without_comment(value: &str) -> &str {
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let end = value[1..].find(quote).map_or(value.len(), |end| end + 2);
            &value[..end]
        }
        _ => value.split_once('#').map_or(value, |(value, _)| value).trim_end(),
    }
}

/// What the configuration asks for.
#[derive(Default)]
struct Wanted {
    output_max: Option<f64>,
    export_max: Option<f64>,
    floor: Option<f64>,
    step: Option<f64>,
    at_once: bool,
    phases: Option<u8>,
    notes: Vec<String>,
}

impl Wanted {
    fn take(&mut self, assignment: &Assignment<'_>) {
        let &Assignment { key, value, .. } = assignment;
        let note = self.taken(key, value).map_or_else(|why| format!("left out, {why}"), str::to_owned);
        self.notes.push(format!("{}: {note}", comment(key)));
    }

    /// What became of a value, or why it is left out.
    fn taken(&mut self, key: &str, value: &str) -> Result<&'static str, &'static str> {
        match key {
            "MAX_MULTIPLUS_OUTPUT_W" => {
                self.output_max = Some(above_0(power(value)?)?);
                Ok("imported as `limits.multi_output.max`")
            }
            "MAX_GRID_EXPORT_W" => {
                self.export_max = Some(power(value)?);
                Ok("imported as `limits.feed_in.max`")
            }
            "MIN_OUTPUT_LIMIT_W" => {
                self.floor = Some(power(value)?);
                Ok("imported as `floor`")
            }
            "MAX_POWER_CHANGE_PER_STEP" => {
                self.step = Some(above_0(power(value)?)?);
                Ok("imported as `step`, which is for each second: the original ran once in each start")
            }
            "PHASE_COUNT" => {
                let count = value.parse().ok().filter(|count| matches!(count, 1 | 3));
                self.phases = Some(count.ok_or("it is neither 1 nor 3")?);
                Ok("imported as `phases`, which is compared with what the device shows")
            }
            "GRADUAL_ADJUSTMENT" if value == "True" => Ok("imported: the bound goes by `step`"),
            "GRADUAL_ADJUSTMENT" if value == "False" => {
                self.at_once = true;
                Ok("imported as a `step` greater than any power: the bound goes where it must at once")
            }
            "GRADUAL_ADJUSTMENT" => Err("it is neither True nor False"),
            _ => Err("nothing here needs it"),
        }
    }

    /// A floor above what it is the floor of would be no limit.
    fn fit(&mut self) {
        let (Some(max), floor) = (self.output_max, self.floor.unwrap_or(FLOOR_W)) else { return };
        if floor > max {
            self.floor = Some(max);
            self.notes.push(format!(
                "the least output of {floor} W is above the limit of {max} W: replaced by that limit"
            ));
        }
    }

    fn yaml(&self, source_name: &str) -> String {
        let mut yaml = format!(
            "\
# Made by `ohmstead import venus-export-limiter` from {}.
# `ohmstead check --config THIS_FILE --live` reads the device once.

site:
  name: Home

# The GX device that this runs on. From another machine: `mqtt: ADDRESS`.
devices:
  gx:
    victron:
      dbus: system

# A bound for discharging keeps them: see docs/limits.md for what can be limited and what cannot.
limits:
",
            comment(source_name)
        );
        if let Some(max) = self.output_max {
            self.limit("multi_output", max, &mut yaml);
        }
        if let Some(max) = self.export_max {
            self.limit("feed_in", max, &mut yaml);
        }
        yaml.push_str(
            "
# Limits may write, as they were meant to. `true` makes everything a dry run.
read_only: false
",
        );
        yaml
    }

    fn limit(&self, name: &str, max: f64, yaml: &mut String) {
        let step = if self.at_once { AT_ONCE.to_owned() } else { shown(self.step.unwrap_or(STEP_W)) };
        let floor = shown(self.floor.unwrap_or(FLOOR_W));
        let _ = write!(yaml, "  {name}: {{ max: {}, floor: {floor}, step: {step}", shown(max));
        if let Some(phases) = self.phases {
            let _ = write!(yaml, ", phases: {phases}");
        }
        yaml.push_str(" }\n");
    }

    fn notes(mut self) -> Vec<String> {
        let always = [
            "the paths that it wrote for a Multi (/Ac/PowerLimit, /Ac/Out/L1/PowerLimit, /Settings/MaxPower) do not exist on any: the limit for discharging is used instead, and a bound without measured effect is given back and told",
            "what is limited is measured every second, with a reserve of 500 W (`hysteresis`) before the bound is lifted",
            "remove venus-export-limiter before this runs: of two programs that write one limit, each undoes the other's",
        ];
        self.notes.extend(always.map(str::to_owned));
        self.notes
    }
}

/// A number as Python writes it, in W.
fn power(value: &str) -> Result<f64, &'static str> {
    if value.starts_with(['"', '\'']) {
        return Err("it is a text, not a number");
    }
    let number: f64 =
        value.replace('_', "").parse().map_err(|_| "it is no plain number, and nothing is computed")?;
    if (0.0..=POWER_MAX_W).contains(&number) { Ok(number) } else { Err("it is no power from 0 to 300 kW") }
}

fn above_0(watts: f64) -> Result<f64, &'static str> {
    if watts > 0.0 { Ok(watts) } else { Err("it is 0") }
}

/// `30 kW`, `1500 W`.
fn shown(watts: f64) -> String {
    if watts > 0.0 && watts % 1000.0 == 0.0 { format!("{} kW", watts / 1000.0) } else { format!("{watts} W") }
}
