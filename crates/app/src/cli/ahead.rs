//! `outlook` and `tempo`, and what they share with `plan`: all three ask the daemon, which alone knows what lies ahead.

use clap::{Args, Subcommand};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use ohmstead_model::{Language, TempoColour};
use serde_json::Value;

use super::Common;
use super::table::table;
use super::target::daemon_failure;
use crate::archive::{HistoryQuestion, Place};
use crate::failure::{Code, Failure};
use crate::socket::{AheadPart, Client, Question};

#[derive(Debug, Args)]
pub(super) struct OutlookArguments {
    /// Also print prices and forecasts, slot by slot
    #[arg(long)]
    slots: bool,
    /// Language of what is missing: en, fr, nl, et or de [default: the first of site.languages]
    #[arg(long, value_name = "CODE")]
    lang: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct TempoArguments {
    #[command(subcommand)]
    what: Option<TempoWhat>,
}

#[derive(Debug, Subcommand)]
enum TempoWhat {
    /// Print the colours and what is left of the season
    Show,
    /// Say the colour of a day, whatever the services say
    Set {
        /// The day, such as 2026-12-24: it lasts from 06:00 until 06:00 of the next
        date: Date,
        /// `blue`, `white`, `red`, or `none` to take back what was said
        #[arg(value_name = "COLOUR|none", value_parser = colour)]
        colour: Said,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said(Option<TempoColour>);

fn colour(text: &str) -> Result<Said, String> {
    if text == "none" {
        return Ok(Said(None));
    }
    text.parse()
        .map(|colour| Said(Some(colour)))
        .map_err(|error: ohmstead_model::ColourParseError| error.to_string())
}

pub(super) async fn outlook(common: &Common, arguments: &OutlookArguments) -> Result<(), Failure> {
    let mut site = Site::reach(common).await?;
    let lang = languages(arguments.lang.as_deref())?;
    let answer = site.ask(&Question::Ahead { part: AheadPart::Outlook, lang }).await?;
    common.print(&answer, || outlook_text(&answer, &site.clock, arguments.slots))
}

pub(super) async fn tempo(common: &Common, arguments: &TempoArguments) -> Result<(), Failure> {
    let answer = match arguments.what {
        Some(TempoWhat::Set { date, colour }) => {
            let colour = colour.0.map(|colour| colour.key().to_owned());
            question(common, &Question::SetColour { date: date.to_string(), colour }).await?
        }
        None | Some(TempoWhat::Show) => {
            question(common, &Question::Ahead { part: AheadPart::Tempo, lang: None }).await?
        }
    };
    common.print(&answer, || tempo_text(&answer))
}

async fn question(common: &Common, question: &Question) -> Result<Value, Failure> {
    connect(common).await?.ask(question).await.map_err(daemon_failure)
}

/// The running daemon, with the clock of its site: where it runs may be another zone, as on a GX.
pub(super) struct Site {
    client: Client,
    pub(super) clock: SiteClock,
}

impl Site {
    pub(super) async fn reach(common: &Common) -> Result<Self, Failure> {
        let mut client = connect(common).await?;
        let place = Question::History { ask: HistoryQuestion::Place {} };
        let answer = client.ask(&place).await.map_err(daemon_failure)?;
        let Place { zone, now_ms } = serde_json::from_value(answer).map_err(|error| {
            let hint = "is this the version of the daemon?";
            Failure::new(Code::Failed, format!("the answer makes no sense: {error}; {hint}"))
        })?;
        let now = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let zone = TimeZone::get(&zone).unwrap_or(TimeZone::UTC);
        Ok(Self { client, clock: SiteClock(now.to_zoned(zone)) })
    }

    pub(super) async fn ask(&mut self, question: &Question) -> Result<Value, Failure> {
        self.client.ask(question).await.map_err(daemon_failure)
    }
}

/// What the clock of the site shows.
pub(super) struct SiteClock(pub(super) Zoned);

impl SiteClock {
    /// A time as this clock shows it; nothing where there is none.
    pub(super) fn time(&self, value: &Value) -> String {
        let instant = match value {
            Value::Number(ms) => ms.as_i64().and_then(|ms| Timestamp::from_millisecond(ms).ok()),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let zone = self.0.time_zone();
        instant.map(|at| at.to_zoned(zone.clone()).strftime("%m-%d %H:%M").to_string()).unwrap_or_default()
    }

    /// In which zone times are, where whoever reads them may take them for times of this machine.
    pub(super) fn zone_note(&self, machine: &TimeZone) -> Option<String> {
        let here = self.0.time_zone();
        let is_same =
            here == machine || here.iana_name().is_some_and(|name| machine.iana_name() == Some(name));
        (!is_same).then(|| format!("times of {}", here.iana_name().unwrap_or("UTC")))
    }
}

async fn connect(common: &Common) -> Result<Client, Failure> {
    let config = common.load_if_any()?.map(|(_, config)| config);
    let dir = common.data_dir(config.as_ref())?;
    Client::connect(&dir).await.ok_or_else(|| {
        let text = format!("nobody runs on {}: start it with `ohmstead run`", dir.display());
        Failure::new(Code::Usage, text)
    })
}

/// A language by its code.
pub(super) fn languages(code: Option<&str>) -> Result<Option<String>, Failure> {
    match code {
        Some(code) if Language::of_code(code).is_none() => {
            Err(Failure::new(Code::Usage, format!("{code:?} is no language: there are en, fr, nl, et, de")))
        }
        code => Ok(code.map(str::to_owned)),
    }
}

fn outlook_text(answer: &Value, clock: &SiteClock, with_slots: bool) -> String {
    let time = |value: &Value| clock.time(value);
    let sources = answer["sources"].as_array().into_iter().flatten().map(|source| {
        vec![
            text_of(&source["name"]),
            time(&source["fetched_at"]),
            time(&source["next_try"]),
            text_of(&source["trouble"]),
        ]
    });
    let sources: Vec<_> = sources.collect();
    let mut lines: Vec<_> = clock.zone_note(&TimeZone::system()).into_iter().collect();
    if sources.is_empty() {
        lines.push("no service is asked".to_owned());
    } else {
        lines.push(headed(&["source", "answered", "next", "trouble"], sources, &[]));
    }
    lines.extend(lacks(answer));
    if with_slots {
        let rows = answer["slots"].as_array().into_iter().flatten().map(|slot| {
            vec![
                time(&slot["start"]),
                number(&slot["import_price"], 4),
                number(&slot["export_price"], 4),
                if slot["estimated"] == Value::Bool(true) { "guessed" } else { "" }.to_owned(),
                text_of(&slot["colour"]),
                number(&slot["load"]["mean_w"], 0),
                number(&slot["pv"]["mean_w"], 0),
            ]
        });
        let head = ["start", "import", "export", "", "colour", "load W", "sun W"];
        lines.push(headed(&head, rows, &[1, 2, 5, 6]));
    }
    lines.join("\n")
}

fn tempo_text(answer: &Value) -> String {
    let day = |name: &str| {
        let day = &answer[name];
        let colour = match day["colour"].as_str() {
            Some(colour) => colour.to_owned(),
            None => format!("not told ({})", odds(&day["odds"])),
        };
        let marks =
            [("provisional", "provisional"), ("disputed", "sources disagree"), ("by_hand", "said by hand")];
        let marks = marks.iter().filter(|(key, _)| day[*key] == Value::Bool(true)).map(|(_, mark)| *mark);
        let marks: Vec<_> = marks.collect();
        let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) };
        format!("{name} {}: {colour}{marks}", text_of(&day["date"]))
    };
    let counts = answer["counts"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|count| vec![text_of(&count["colour"]), text_of(&count["used"]), text_of(&count["left"])]);
    [day("today"), day("tomorrow"), headed(&["colour", "used", "left"], counts, &[1, 2])].join("\n")
}

fn odds(odds: &Value) -> String {
    let shares = TempoColour::ALL.map(|colour| {
        let share = odds[colour.key()].as_f64().unwrap_or_default();
        format!("{colour} {:.0} %", share * 100.0)
    });
    shares.join(", ")
}

/// A table with a head.
pub(super) fn headed(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>, right: &[usize]) -> String {
    let head = head.iter().map(|cell| (*cell).to_owned()).collect();
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    table(&rows, right)
}

/// What is missing or guessed, a line each.
pub(super) fn lacks(answer: &Value) -> impl Iterator<Item = String> {
    let all = answer["missing"].as_array().into_iter().flatten();
    all.map(|lack| format!("- {}", text_of(&lack["reason"])))
}

/// A value as it is; nothing where there is none.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A number with so many decimals; `?` where it is not known.
pub(super) fn number(value: &Value, decimals: usize) -> String {
    value.as_f64().map_or_else(|| "?".to_owned(), |value| format!("{value:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_those_of_the_site_and_their_zone_is_said_where_the_machine_has_another() {
        let clock = SiteClock("2026-11-21T09:00:00+01:00[Europe/Paris]".parse().unwrap());
        assert_eq!(clock.time(&json!("2026-11-21T17:00:00.000Z")), "11-21 18:00");
        assert_eq!(clock.time(&json!(1_795_248_000_000_i64)), "11-21 09:00");
        assert_eq!(clock.time(&Value::Null), "");
        assert_eq!(clock.zone_note(&TimeZone::UTC).as_deref(), Some("times of Europe/Paris"));
        assert_eq!(clock.zone_note(&TimeZone::get("Europe/Paris").unwrap()), None);
    }
}
