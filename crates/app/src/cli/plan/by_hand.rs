//! `plan set`, `plan unset` and `plan asked`: modes for a time to come, asked by hand.

use clap::{Args, Subcommand};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _, Zoned};
use serde_json::Value;

use super::super::Common;
use super::super::ahead::{Site, SiteClock, headed, text_of};
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
    /// When it begins, by the clock of the site: `17:30` (the next time that it is), `2026-12-24T17:30`
    #[arg(long, value_name = "TIME")]
    from: String,
    /// When it ends, within a week from now: `19:00` (the next time after the beginning), `2026-12-24T19:00`
    #[arg(long, value_name = "TIME")]
    to: String,
}

pub(super) async fn run(common: &Common, what: &What) -> Result<(), Failure> {
    let mut site = Site::reach(common).await?;
    match what {
        What::Set(arguments) => {
            let from = instant("--from", &arguments.from, &site.clock.0)?;
            let to = instant("--to", &arguments.to, &from)?;
            let ask = Question::AskAhead {
                device: arguments.device.clone(),
                mode: arguments.mode.join(" "),
                from_unix_ms: from.timestamp().as_millisecond(),
                to_unix_ms: to.timestamp().as_millisecond(),
            };
            let answer = site.ask(&ask).await?;
            common.print(&answer, || {
                let told = line(&answer, &site.clock);
                format!("{told}\ntake it back with `ohmstead plan unset {}`", answer["id"])
            })
        }
        What::Unset { id } => {
            let answer = site.ask(&Question::TakeBack { id: *id }).await?;
            common.print(&answer, || format!("taken back: {}", line(&answer, &site.clock)))
        }
        What::Asked => {
            let answer = site.ask(&Question::AskedAhead {}).await?;
            common.print(&answer, || text(&answer, &site.clock))
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

/// The next time that the clock shows it. On a day that lacks it, it is as much later as the clock is set forth.
fn next(time: Time, after: &Zoned) -> Option<Zoned> {
    let tomorrow = after.date().checked_add(1.day()).ok()?;
    [after.date(), tomorrow].into_iter().flat_map(|date| shown_on(date, time, after)).find(|at| at > after)
}

/// When the clock shows a time on a day: twice where it is set back over it.
fn shown_on(date: Date, time: Time, after: &Zoned) -> Vec<Zoned> {
    let (civil, zone) = (date.to_datetime(time), after.time_zone());
    let read = zone.to_ambiguous_timestamp(civil);
    let all = match read.offset() {
        AmbiguousOffset::Unambiguous { .. } => vec![read.compatible()],
        AmbiguousOffset::Fold { .. } => vec![read.earlier(), read.later()],
        AmbiguousOffset::Gap { .. } if after.datetime() < civil => vec![read.compatible()],
        // It was left out already.
        AmbiguousOffset::Gap { .. } => Vec::new(),
    };
    all.into_iter().filter_map(Result::ok).map(|at| at.to_zoned(zone.clone())).collect()
}

fn line(asked: &Value, clock: &SiteClock) -> String {
    let zone = clock.zone_note(&TimeZone::system()).map(|note| format!(" ({note})"));
    format!(
        "{} {} from {} until {}{}",
        text_of(&asked["device"]),
        text_of(&asked["mode"]),
        clock.time(&asked["from"]),
        clock.time(&asked["to"]),
        zone.unwrap_or_default()
    )
}

fn text(answer: &Value, clock: &SiteClock) -> String {
    let all = answer.as_array().cloned().unwrap_or_default();
    if all.is_empty() {
        return "nothing was asked by hand for a time to come".to_owned();
    }
    let rows = all.iter().map(|asked| {
        let times = [clock.time(&asked["from"]), clock.time(&asked["to"])];
        let words = ["id", "device", "mode"].map(|key| text_of(&asked[key]));
        words.into_iter().chain(times).collect()
    });
    let table = headed(&["id", "device", "mode", "from", "until"], rows, &[0]);
    clock.zone_note(&TimeZone::system()).into_iter().chain([table]).collect::<Vec<_>>().join("\n")
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
    #[case::the_second_time("2026-10-25T02:40:00+01:00", "02:50", "2026-10-25T02:50:00+01:00")]
    #[case::the_first_time("2026-10-25T02:40:00+02:00", "02:50", "2026-10-25T02:50:00+02:00")]
    #[case::again_within_the_hour("2026-10-25T02:40:00+02:00", "02:30", "2026-10-25T02:30:00+01:00")]
    #[case::over_for_the_day("2026-10-25T02:40:00+01:00", "02:30", "2026-10-26T02:30:00+01:00")]
    #[case::before_it_is_left_out("2026-03-29T01:10:00+01:00", "02:30", "2026-03-29T03:30:00+02:00")]
    #[case::after_it_was_left_out("2026-03-29T03:10:00+02:00", "02:30", "2026-03-30T02:30:00+02:00")]
    #[case::left_out_tomorrow("2026-03-28T03:10:00+01:00", "02:30", "2026-03-29T03:30:00+02:00")]
    fn the_next_time_on_days_of_23_and_25_hours(
        #[case] now: &str,
        #[case] text: &str,
        #[case] expected: &str,
    ) {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let now = now.parse::<Timestamp>().unwrap().to_zoned(zone);
        let found = instant("--from", text, &now).unwrap();
        assert_eq!(found.timestamp(), expected.parse::<Timestamp>().unwrap(), "{found}");
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
