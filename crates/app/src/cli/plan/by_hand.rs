//! `plan set`, `plan unset` and `plan asked`: modes for a time to come, asked by hand.

use clap::{Args, Subcommand};
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};
use serde_json::Value;

use super::super::ahead::{headed, question, text_of, time};
use super::super::{Common, real_clock};
use crate::failure::{Code, Failure};
use crate::socket::Question;

#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Ask a battery for a mode in a stretch of time ahead: it begins and ends by itself
    Set(SetArguments),
    /// Take back what was asked for a time to come
    Unset {
        /// Its number, see `plan asked`
        id: u32,
    },
    /// Print what was asked by hand for a time to come
    Asked,
}

#[derive(Debug, Args)]
pub(super) struct SetArguments {
    /// Name in the configuration
    device: String,
    /// `auto`, `hold`, `hold_charge`, `charge`, `discharge` or `idle`; with a power: `charge 800 W until 90 %`
    #[arg(required = true, num_args = 1..)]
    mode: Vec<String>,
    /// When it begins, by the clock of this machine: `17:30` (the next time that it is), `2026-12-24T17:30`
    #[arg(long, value_name = "TIME")]
    from: String,
    /// When it ends, within a week from now: `19:00` (the next time after the beginning), `2026-12-24T19:00`
    #[arg(long, value_name = "TIME")]
    to: String,
}

pub(super) async fn run(common: &Common, what: &What) -> Result<(), Failure> {
    match what {
        What::Set(arguments) => {
            let now = Timestamp::from_millisecond(real_clock().now().unix.0).unwrap_or(Timestamp::UNIX_EPOCH);
            let now = now.to_zoned(TimeZone::system());
            let from = instant("--from", &arguments.from, &now)?;
            let to = instant("--to", &arguments.to, &from)?;
            let ask = Question::AskAhead {
                device: arguments.device.clone(),
                mode: arguments.mode.join(" "),
                from_unix_ms: from.timestamp().as_millisecond(),
                to_unix_ms: to.timestamp().as_millisecond(),
            };
            let answer = question(common, &ask).await?;
            common.print(&answer, || {
                format!("{}\ntake it back with `ohmstead plan unset {}`", line(&answer), answer["id"])
            })
        }
        What::Unset { id } => {
            let answer = question(common, &Question::TakeBack { id: *id }).await?;
            common.print(&answer, || format!("taken back: {}", line(&answer)))
        }
        What::Asked => {
            let answer = question(common, &Question::AskedAhead {}).await?;
            common.print(&answer, || text(&answer))
        }
    }
}

/// An instant; a time of the day alone is the next one after `after`.
fn instant(name: &str, text: &str, after: &Zoned) -> Result<Zoned, Failure> {
    let zone = after.time_zone();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.to_zoned(zone.clone()));
    }
    let read = match text.parse::<DateTime>() {
        Ok(civil) if text.contains('-') => civil.to_zoned(zone.clone()).ok(),
        _ => text.parse::<Time>().ok().and_then(|time| next(time, after)),
    };
    let wrong = || {
        let text = format!("{name} {text:?} is no time: give 17:30 or 2026-12-24T17:30");
        Failure::new(Code::Usage, text)
    };
    read.ok_or_else(wrong)
}

fn next(time: Time, after: &Zoned) -> Option<Zoned> {
    let on = |date: jiff::civil::Date| date.to_datetime(time).to_zoned(after.time_zone().clone()).ok();
    let today = on(after.date())?;
    if today > *after { Some(today) } else { on(after.date().checked_add(1.day()).ok()?) }
}

fn line(asked: &Value) -> String {
    format!(
        "{} {} from {} until {}",
        text_of(&asked["device"]),
        text_of(&asked["mode"]),
        time(&asked["from"]),
        time(&asked["to"])
    )
}

fn text(answer: &Value) -> String {
    let all = answer.as_array().cloned().unwrap_or_default();
    if all.is_empty() {
        return "nothing was asked by hand for a time to come".to_owned();
    }
    let rows = all.iter().map(|asked| {
        let times = [time(&asked["from"]), time(&asked["to"])];
        let words = ["id", "device", "mode"].map(|key| text_of(&asked[key]));
        words.into_iter().chain(times).collect()
    });
    headed(&["id", "device", "mode", "from", "until"], rows, &[0])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("17:30", "2026-11-21T17:30:00+01:00[Europe/Paris]")]
    #[case("07:00", "2026-11-22T07:00:00+01:00[Europe/Paris]")]
    #[case("08:00", "2026-11-22T08:00:00+01:00[Europe/Paris]")]
    #[case("2026-11-23T06:15", "2026-11-23T06:15:00+01:00[Europe/Paris]")]
    #[case("2026-11-21T17:00:00Z", "2026-11-21T18:00:00+01:00[Europe/Paris]")]
    fn times_are_understood(#[case] text: &str, #[case] expected: &str) {
        let now: Zoned = "2026-11-21T08:00:00+01:00[Europe/Paris]".parse().unwrap();
        assert_eq!(instant("--from", text, &now).unwrap().to_string(), expected);
    }

    #[rstest]
    #[case("")]
    #[case("tomorrow")]
    #[case("25:00")]
    #[case("2026-13-01T00:00")]
    fn what_is_no_time_is_refused(#[case] text: &str) {
        let now: Zoned = "2026-11-21T08:00:00+01:00[Europe/Paris]".parse().unwrap();
        assert!(instant("--to", text, &now).is_err());
    }
}
