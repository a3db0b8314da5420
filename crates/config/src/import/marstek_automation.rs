//! marstek-automation's `.env`.
//!
//! ```text
//! BATTERY_n_IP, BATTERY_n_PORT                -> devices, one marstek each
//! AUTO_MODE_*_HOUR, MANUAL_MODE_*_HOUR        -> schedules: day auto, night idle
//! TIMEZONE, LOG_LEVEL, API_PORT               -> site.timezone, log.level, web.listen
//! POSTGRES_*, DATABASE_URL, REDIS_URL, RQ_*   -> nothing: one program with a store of its own
//! TEMPO_*, NOTIFICATION_*, TELEGRAM_*         -> nothing yet
//! ```
//!
//! Values of secrets are neither taken over nor repeated, whatever is wrong with the file.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::Imported;
use super::environment::{self, Variable};
use crate::config::report;
use crate::error::LoadError;
use crate::file::SIZE_MAX;
use crate::problem::{Fault, What};
use crate::snippet::Source;
use crate::tree::Mark;
use crate::yaml_text::{comment, scalar};

/// The automation's own defaults.
const TIMEZONE: &str = "Europe/Paris";
const PORT_BASE: u16 = 30_000;

/// Converts the environment of marstek-automation. What cannot be taken over is left out and noted.
pub fn marstek_automation(env: &str, source_name: &str) -> Result<Imported, LoadError> {
    if env.len() > SIZE_MAX {
        return Err(LoadError::TooBig { name: source_name.to_owned(), limit: SIZE_MAX });
    }
    let text = env.strip_prefix('\u{feff}').unwrap_or(env);
    let mut wanted = Wanted::default();
    let mut variables = Vec::new();
    for line in environment::lines(text) {
        match line {
            Ok(variable) => variables.push(variable),
            // What stands there may be the rest of a secret.
            Err(mark) => wanted.note(format!("line {}: left out, it is no KEY=VALUE", mark.line)),
        }
    }
    if !variables.iter().any(|variable| fate(variable.key).is_some()) {
        // The line is not shown for the same reason.
        return Err(report(source_name, vec![foreign()], &Source::new("")).into());
    }
    for (variable, later) in environment::with_later(&variables) {
        match later {
            Some(later) => wanted.note(variable.superseded_by(later)),
            None => wanted.take(variable),
        }
    }
    wanted.settle();
    Ok(Imported { yaml: wanted.yaml(source_name), notes: wanted.notes() })
}

fn foreign() -> Fault {
    let text = "no variable of marstek-automation: this is not its environment file";
    Fault::at(Mark::START, What::Text(text.to_owned()))
        .help("give its .env, with BATTERY_1_IP, AUTO_MODE_START_HOUR, TIMEZONE")
}

/// What becomes of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Address(u16),
    Port(u16),
    Hour(Hour),
    TimeZone,
    LogLevel,
    ApiPort,
    /// It is left out for this reason.
    LeftOut(&'static str),
}

/// The hours of the two modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hour {
    AutoStart,
    AutoEnd,
    ManualStart,
    ManualEnd,
}

const NO_TEMPO: &str = "left out, there is nothing for Tempo in the configuration yet";
const NO_NOTIFICATIONS: &str = "left out, there are no notifications yet";
const ONE_PROGRAM: &str = "replaced by the store of this one program, see `history`";

/// What becomes of a variable of marstek-automation; `None` for a foreign one.
fn fate(key: &str) -> Option<Fate> {
    if let Some((number, what)) = key.strip_prefix("BATTERY_").and_then(|rest| rest.split_once('_')) {
        let number = number.parse::<u16>().ok().filter(|number| (1..=999).contains(number));
        return match what {
            "IP" => number.map(Fate::Address),
            "PORT" => number.map(Fate::Port),
            _ => None,
        };
    }
    Some(match key {
        "AUTO_MODE_START_HOUR" => Fate::Hour(Hour::AutoStart),
        "AUTO_MODE_END_HOUR" => Fate::Hour(Hour::AutoEnd),
        "MANUAL_MODE_START_HOUR" => Fate::Hour(Hour::ManualStart),
        "MANUAL_MODE_END_HOUR" => Fate::Hour(Hour::ManualEnd),
        "TIMEZONE" => Fate::TimeZone,
        "LOG_LEVEL" => Fate::LogLevel,
        "API_PORT" => Fate::ApiPort,
        "API_HOST" => Fate::LeftOut(
            "replaced by this machine alone: to be reached by others, `web` needs `listen` and `token_file`",
        ),
        "APP_NAME" | "APP_ENV" => Fate::LeftOut("left out, it changed nothing that is seen"),
        "DATABASE_URL" | "REDIS_URL" => Fate::LeftOut(ONE_PROGRAM),
        "TEMPO_CONTRACT_NUMBER" => Fate::LeftOut("left out, the automation itself did not read it"),
        "ALLOWED_ORIGINS" => Fate::LeftOut(
            "left out, the page comes from the same address; pages elsewhere stand in `web.allowed_origins`",
        ),
        _ => Fate::LeftOut(family(key)?),
    })
}

/// What becomes of variables that belong together.
fn family(key: &str) -> Option<&'static str> {
    let families = [
        ("POSTGRES_", ONE_PROGRAM),
        ("RQ_", "left out, this one program needs no workers"),
        ("STREAMLIT", "replaced by the page at `web.listen`"),
        ("TEMPO_", NO_TEMPO),
        ("NOTIFICATION", NO_NOTIFICATIONS),
        ("TELEGRAM_", NO_NOTIFICATIONS),
    ];
    families.iter().find(|(prefix, _)| key.starts_with(prefix)).map(|(_, reason)| *reason)
}

/// One battery of the file.
#[derive(Debug, Default)]
struct Battery {
    host: Option<String>,
    port: Option<u16>,
}

/// What the environment asks for.
struct Wanted {
    batteries: BTreeMap<u16, Battery>,
    hours: BTreeMap<Hour, u8>,
    time_zone: String,
    log_level: Option<&'static str>,
    api_port: Option<u16>,
    notes: Vec<String>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            batteries: BTreeMap::new(),
            hours: [(Hour::AutoStart, 6), (Hour::AutoEnd, 22), (Hour::ManualStart, 22), (Hour::ManualEnd, 6)]
                .into(),
            time_zone: TIMEZONE.to_owned(),
            log_level: None,
            api_port: None,
            notes: Vec::new(),
        }
    }
}

impl Wanted {
    fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    fn take(&mut self, variable: Variable<'_>) {
        let Variable { key, value, .. } = variable;
        let note = match fate(key) {
            Some(Fate::Address(number)) => self.address(number, value),
            Some(Fate::Port(number)) => self.port(number, value),
            Some(Fate::Hour(hour)) => self.hour(hour, value),
            Some(Fate::TimeZone) => self.time_zone(value),
            Some(Fate::LogLevel) => self.log_level(value),
            Some(Fate::ApiPort) => self.api_port(value),
            Some(Fate::LeftOut(reason)) => reason.to_owned(),
            None => "left out, marstek-automation has no such variable".to_owned(),
        };
        self.note(format!("{}: {note}", comment(key)));
    }

    fn address(&mut self, number: u16, value: &str) -> String {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if value.is_empty() {
            return "left out, it is empty".to_owned();
        }
        if value.len() > 253 || !value.chars().all(allowed) {
            return "left out, it is no address".to_owned();
        }
        self.batteries.entry(number).or_default().host = Some(value.to_owned());
        format!("imported as `host` of device `battery_{number}`")
    }

    fn port(&mut self, number: u16, value: &str) -> String {
        match value.parse::<u16>() {
            Ok(port @ 1..) => {
                self.batteries.entry(number).or_default().port = Some(port);
                format!("imported as `port` of device `battery_{number}`")
            }
            _ => format!("replaced by {}, the value is no port", PORT_BASE + number),
        }
    }

    fn hour(&mut self, hour: Hour, value: &str) -> String {
        let window = if hour <= Hour::AutoEnd { "day" } else { "night" };
        let side = if matches!(hour, Hour::AutoStart | Hour::ManualStart) { "from" } else { "to" };
        if let Ok(number @ 0..=24) = value.parse::<u8>() {
            self.hours.insert(hour, number % 24);
            return format!("imported as `schedules.{window}.{side}`");
        }
        let default = self.hours.get(&hour).copied().unwrap_or_default();
        format!("replaced by {default}, the value is no hour")
    }

    fn time_zone(&mut self, value: &str) -> String {
        if TimeZone::get(value).is_err() {
            return format!("replaced by {TIMEZONE}, the value is no time zone");
        }
        value.clone_into(&mut self.time_zone);
        "imported as `site.timezone`".to_owned()
    }

    fn log_level(&mut self, value: &str) -> String {
        let level = match value.to_ascii_uppercase().as_str() {
            "DEBUG" => "debug",
            "INFO" => "info",
            "WARN" | "WARNING" => "warn",
            "ERROR" | "CRITICAL" | "FATAL" => "error",
            _ => return "left out, it is no level".to_owned(),
        };
        self.log_level = Some(level);
        format!("imported as `log.level: {level}`")
    }

    fn api_port(&mut self, value: &str) -> String {
        match value.parse::<u16>() {
            Ok(port @ 1..) => {
                self.api_port = Some(port);
                "imported as the port of `web.listen`, on this machine alone".to_owned()
            }
            _ => "left out, it is no port".to_owned(),
        }
    }

    /// Leaves out what is no battery, and gives the others a port.
    fn settle(&mut self) {
        let mut addresses = HashSet::new();
        let mut notes = Vec::new();
        self.batteries.retain(|number, battery| {
            let Some(host) = &battery.host else {
                notes.push(format!("battery_{number}: left out, it has a port but no address"));
                return false;
            };
            let port = *battery.port.get_or_insert_with(|| {
                notes.push(format!(
                    "battery_{number}: `port` {}, as before where none is given",
                    PORT_BASE + number
                ));
                PORT_BASE + number
            });
            let is_new = addresses.insert((host.to_ascii_lowercase(), port));
            if !is_new {
                notes.push(format!("battery_{number}: left out, another battery has the same address"));
            }
            is_new
        });
        self.notes.extend(notes);
    }

    fn yaml(&self, source_name: &str) -> String {
        let mut yaml = format!(
            "\
# Made by `ohmstead import marstek-automation` from {}.
# `ohmstead check --config THIS_FILE --live` reads each battery once.

site:
  name: Home
  timezone: {}

# The batteries. Each key is the name of a device in commands, topics and addresses.
devices:",
            comment(source_name),
            scalar(&self.time_zone)
        );
        yaml.push_str(if self.batteries.is_empty() { " {}\n" } else { "\n" });
        for (number, battery) in &self.batteries {
            let host = scalar(battery.host.as_deref().unwrap_or_default());
            let port = battery.port.unwrap_or(PORT_BASE);
            let _ = write!(
                yaml,
                "  battery_{number}:\n    marstek:\n      name: \"Battery {number}\"\n      host: {host}\n      port: {port}\n"
            );
        }
        self.schedules(&mut yaml);
        if let Some(port) = self.api_port {
            let _ = write!(
                yaml,
                "\n# The page and the REST interface, for programs on this machine.\nweb:\n  listen: 127.0.0.1:{port}\n"
            );
        }
        if let Some(level) = self.log_level {
            let _ = write!(yaml, "\nlog:\n  level: {level}\n");
        }
        yaml.push_str(
            "\n# Nothing is written to a battery while this is true: the schedule is a dry run. Set it to false once the\n\
             # readings are right and marstek-automation is stopped.\nread_only: true\n",
        );
        yaml
    }

    /// Manual mode with power 0 is what is called `idle` here.
    fn schedules(&self, yaml: &mut String) {
        let hour = |hour: Hour| self.hours.get(&hour).copied().unwrap_or_default();
        let window =
            |from: Hour, to: Hour| format!("from: \"{:02}:00\", to: \"{:02}:00\"", hour(from), hour(to));
        let day = window(Hour::AutoStart, Hour::AutoEnd);
        let night = window(Hour::ManualStart, Hour::ManualEnd);
        let _ = write!(
            yaml,
            "\n# All batteries, civil time of the site. What is wanted follows from the clock, so a start that was missed does\n\
             # not matter.\nschedules:\n  day: {{ {day}, mode: auto }}\n  night: {{ {night}, mode: idle }}\n"
        );
    }

    fn notes(mut self) -> Vec<String> {
        let hours = |hour: Hour| self.hours.get(&hour).copied();
        let is_gapless = hours(Hour::AutoEnd) == hours(Hour::ManualStart)
            && hours(Hour::ManualEnd) == hours(Hour::AutoStart);
        let mut always = vec![
            "the automation itself always switched at 6 and 22, whatever the hours said; here they count",
            "the night was Manual with power 0, which is `idle` here; before a red day it charged, or discharged where the power was positive: nothing of that is taken over",
            "the file is read-only: the schedule is a dry run until `read_only: false`",
            "stop marstek-automation before this runs: both would ask the same batteries, which answer one at a time",
        ];
        if !is_gapless {
            always.insert(
                1,
                "day and night do not fill 24 hours exactly: where both are open the day counts, where neither is nothing is asked of the batteries",
            );
        }
        self.notes.extend(always.into_iter().map(str::to_owned));
        self.notes
    }
}
