//! Which days are replayed: those that are named, else all of the file, else the last 30.

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ohmstead_model::{TimeSpan, UnixMillis};

use crate::failure::{Code, Failure};

/// What stands on the command line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    /// The first day.
    pub(super) from: Option<Date>,
    /// The day after the last one.
    pub(super) to: Option<Date>,
}

/// No more is replayed at once.
const YEARS_MAX: f64 = 10.0;
const HOURS_OF_YEAR: f64 = 365.25 * 24.0;
const EXAMPLE: &str = "give days in order, such as --from 2026-10-01 --to 2026-11-01";

/// The window. `of_file` is the time of which a file says something; without a file the past of the house is replayed, until `today`.
pub(super) fn window(
    named: Named,
    of_file: Option<TimeSpan>,
    today: Date,
    zone: &TimeZone,
) -> Result<TimeSpan, Failure> {
    let Named { from, to } = named;
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        return Err(wrong(format!("--from {from} is not before --to {to}: {EXAMPLE}")));
    }
    let window = match of_file {
        Some(file) => {
            let start = from.map_or(Ok(file.start), |from| instant(from, zone))?;
            let end = to.map_or(Ok(file.end), |to| instant(to, zone))?;
            if start >= end {
                let days = [file.start, file.end].map(|at| date(at, zone));
                return Err(wrong(format!(
                    "nothing of the file, which is of {} to {}, is in the days that are named: {EXAMPLE}",
                    days[0], days[1]
                )));
            }
            TimeSpan::new(start, end)
        }
        None => of_house(from, to, today, zone)?,
    };
    let years = window.hours() / HOURS_OF_YEAR;
    if years > YEARS_MAX + 0.01 {
        let days = [window.start, window.end].map(|at| date(at, zone));
        return Err(wrong(format!(
            "{} to {} are {years:.0} years: {YEARS_MAX:.0} at most are replayed at once, give --from and --to nearer to each other",
            days[0], days[1]
        )));
    }
    Ok(window)
}

fn of_house(from: Option<Date>, to: Option<Date>, today: Date, zone: &TimeZone) -> Result<TimeSpan, Failure> {
    let to = to.unwrap_or(today);
    let Ok(month_before) = to.checked_sub(30.days()) else {
        return Err(wrong(format!("--to {to} is too early: {EXAMPLE}")));
    };
    let from = from.unwrap_or(month_before);
    if from >= today {
        return Err(wrong(format!(
            "{from} is not past: today is {today}, and only a past is replayed; {EXAMPLE}"
        )));
    }
    Ok(TimeSpan::new(instant(from, zone)?, instant(to, zone)?))
}

fn wrong(text: String) -> Failure {
    Failure::new(Code::Usage, text)
}

/// The midnight that a date begins with.
fn instant(date: Date, zone: &TimeZone) -> Result<UnixMillis, Failure> {
    let zoned = date.to_zoned(zone.clone());
    let zoned = zoned.map_err(|_| wrong(format!("{date} is beyond all calendars: {EXAMPLE}")))?;
    Ok(UnixMillis(zoned.timestamp().as_millisecond()))
}

/// The date of an instant, in words.
pub(super) fn date(at: UnixMillis, zone: &TimeZone) -> String {
    let instant = jiff::Timestamp::from_millisecond(at.0);
    instant.map_or_else(|_| format!("{} ms", at.0), |at| zone.to_datetime(at).date().to_string())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> UnixMillis {
        UnixMillis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn chosen(from: &str, to: &str, file: Option<(&str, &str)>) -> Result<String, String> {
        let named = Named { from: from.parse().ok(), to: to.parse().ok() };
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let file = file.map(|(start, end)| TimeSpan::new(at(start), at(end)));
        let window = window(named, file, "2026-12-01".parse().unwrap(), &zone);
        let text = |at: UnixMillis| jiff::Timestamp::from_millisecond(at.0).unwrap().to_string();
        window.map(|it| format!("{} {}", text(it.start), text(it.end))).map_err(|failure| failure.to_string())
    }

    const FILE: Option<(&str, &str)> = Some(("2024-08-31T22:00:00Z", "2025-02-27T23:00:00Z"));

    #[rstest]
    #[case::the_last_month("", "", None, "2026-10-31T23:00:00Z 2026-11-30T23:00:00Z")]
    #[case::named("2026-10-01", "2026-11-01", None, "2026-09-30T22:00:00Z 2026-10-31T23:00:00Z")]
    #[case::all_of_the_file("", "", FILE, "2024-08-31T22:00:00Z 2025-02-27T23:00:00Z")]
    #[case::the_end_of_the_file("2025-02-01", "", FILE, "2025-01-31T23:00:00Z 2025-02-27T23:00:00Z")]
    #[case::the_begin_of_the_file("", "2024-10-01", FILE, "2024-08-31T22:00:00Z 2024-09-30T22:00:00Z")]
    #[case::ten_years("2016-12-01", "", None, "2016-11-30T23:00:00Z 2026-11-30T23:00:00Z")]
    fn days_are_chosen(
        #[case] from: &str,
        #[case] to: &str,
        #[case] file: Option<(&str, &str)>,
        #[case] expected: &str,
    ) {
        assert_eq!(chosen(from, to, file).as_deref(), Ok(expected));
    }

    #[rstest]
    #[case::in_reverse(
        "2026-11-02",
        "2026-11-01",
        None,
        "--from 2026-11-02 is not before --to 2026-11-01: give days"
    )]
    #[case::of_no_length("2026-11-01", "2026-11-01", None, "is not before --to")]
    #[case::the_future("2027-01-01", "2027-02-01", None, "2027-01-01 is not past: today is 2026-12-01")]
    #[case::for_ever("0000-01-01", "", None, "are 2027 years: 10 at most are replayed at once")]
    #[case::the_first_day("", "-009999-01-03", None, "is too early")]
    #[case::another_time(
        "2026-01-01",
        "",
        FILE,
        "of 2024-09-01 to 2025-02-28, is in the days that are named"
    )]
    fn what_cannot_be_replayed_is_refused(
        #[case] from: &str,
        #[case] to: &str,
        #[case] file: Option<(&str, &str)>,
        #[case] why: &str,
    ) {
        let said = chosen(from, to, file).unwrap_err();
        assert!(said.contains(why), "{said}");
    }
}
