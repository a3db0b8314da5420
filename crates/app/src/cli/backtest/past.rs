//! The past that is replayed: of the own history, or of a file; and what the history tells of batteries and prices.
//!
//! ```text
//! utc_start,load_w,pv_w          an ISO time of UTC; W, means of the stretch until the next row; empty is unknown
//! 2024-08-31T22:00:00Z,203.7,
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use ohmstead_model::{DeviceId, Metric, TimeSpan, Timeline, UnixMillis};
use serde_json::Value;
use thiserror::Error;

use super::super::history::source::Source;
use super::bank::Told;
use crate::archive::{HistoryQuestion, Page, Part, Scalar, SeriesEntry};
use crate::failure::Failure;

/// What was measured, W.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Past {
    pub(super) load_w: Timeline<f64>,
    pub(super) pv_w: Timeline<f64>,
    /// The first and the last instant of which there is a load anywhere, read or not.
    pub(super) load_reach: Option<TimeSpan>,
    /// The same of the sun; nothing where the house has no panels.
    pub(super) pv_reach: Option<TimeSpan>,
}

/// Why a file is no past.
#[derive(Debug, Error)]
pub(super) enum FileError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// Its first line is not the one of such a file.
    #[error("line 1: expected `utc_start,load_w,pv_w`, found {0:?}")]
    Head(String),
    /// It says nothing.
    #[error("no load in it that lasts: a row lasts until the next one")]
    Empty,
    /// A row that is not later than the one before.
    #[error(
        "line {line}: {found} is not after {before} of the line before: rows are wanted in the order of time, each once"
    )]
    Order {
        /// From 1.
        line: usize,
        /// Its time.
        found: String,
        /// That of the row before.
        before: String,
    },
    /// A line is not of its form.
    #[error("line {line}: {what}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

/// No row stands for more: what is longer is a hole.
const ROW_MAX: Duration = Duration::from_secs(3600);

/// Reads a file.
pub(super) fn of_file(path: &Path) -> Result<Past, FileError> {
    parse(&std::fs::read_to_string(path)?)
}

fn parse(text: &str) -> Result<Past, FileError> {
    // Spreadsheets write a mark of the encoding.
    let mut lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().zip(1..);
    let head = lines.next().map(|(line, _)| line.trim()).unwrap_or_default();
    if head != "utc_start,load_w,pv_w" {
        return Err(FileError::Head(head.chars().take(80).collect()));
    }
    let rows = lines.filter(|(line, _)| !line.trim().is_empty());
    let rows: Vec<_> =
        rows.map(|(line, number)| Ok((number, row(line, number)?))).collect::<Result<_, FileError>>()?;
    for pair in rows.windows(2) {
        let ((_, (before, ..)), (line, (found, ..))) = (pair[0], pair[1]);
        if found <= before {
            return Err(FileError::Order { line, found: iso(found), before: iso(before) });
        }
    }
    let mut past = Past::default();
    for pair in rows.windows(2) {
        let ((_, (start, load_w, pv_w)), (_, (next, ..))) = (pair[0], pair[1]);
        let span = TimeSpan::new(start, next.min(start.plus(ROW_MAX)));
        if let Some(load_w) = load_w {
            past.load_w.set(span, load_w);
            // At night many inverters tell nothing.
            past.pv_w.set(span, pv_w.unwrap_or(0.0));
        }
    }
    (past.load_reach, past.pv_reach) = (reach(&past.load_w), reach(&past.pv_w));
    if past.load_reach.is_none() { Err(FileError::Empty) } else { Ok(past) }
}

/// From the first known instant to the last.
pub(super) fn reach<T: Clone>(known: &Timeline<T>) -> Option<TimeSpan> {
    let (first, _) = known.slots().next()?;
    Some(TimeSpan::new(first.start, known.end()?))
}

type Row = (UnixMillis, Option<f64>, Option<f64>);

fn row(line: &str, number: usize) -> Result<Row, FileError> {
    let wrong = |what: String| FileError::Line { line: number, what };
    let mut cells = line.split(',').map(str::trim);
    let (Some(start), Some(load), Some(pv), None) = (cells.next(), cells.next(), cells.next(), cells.next())
    else {
        return Err(wrong("expected three values".to_owned()));
    };
    let at: Timestamp =
        start.parse().map_err(|_| wrong(format!("{start:?} is no time such as 2024-08-31T22:00:00Z")))?;
    let power = |text: &str| match text {
        "" => Ok(None),
        text => match text.parse::<f64>() {
            Ok(power) if power.is_finite() => Ok(Some(power)),
            _ => Err(wrong(format!("{text:?} is no power in W"))),
        },
    };
    Ok((UnixMillis(at.as_millisecond()), power(load)?, power(pv)?))
}

fn iso(at: UnixMillis) -> String {
    Timestamp::from_millisecond(at.0).map_or_else(|_| format!("{} ms", at.0), |at| at.to_string())
}

/// Steps that are asked for at once.
const PIECE: u32 = 10_000;
const STEP: Duration = Duration::from_secs(1800);

/// Which series there are.
pub(super) async fn series(source: &mut Source) -> Result<Vec<SeriesEntry>, Failure> {
    source.ask_for(HistoryQuestion::Series {}).await
}

/// Reads the house's own history.
pub(super) async fn of_history(
    source: &mut Source,
    series: &[SeriesEntry],
    window: TimeSpan,
) -> Result<Past, Failure> {
    let site = DeviceId::site().to_string();
    let reach = |metric: Metric| {
        let of_site = series.iter().find(|entry| entry.device == site && entry.metric == metric.def().id)?;
        Some(TimeSpan::new(UnixMillis(of_site.first_ms), UnixMillis(of_site.last_ms)))
    };
    let load_w = read(source, Metric::LoadPower, window).await?;
    let pv_reach = reach(Metric::PvPower);
    let pv_w = match pv_reach {
        Some(_) => read(source, Metric::PvPower, window).await?,
        // No device ever told of panels: there are none.
        None => load_w.map(|_, _| 0.0),
    };
    Ok(Past { load_w, pv_w, load_reach: reach(Metric::LoadPower), pv_reach })
}

/// What was stored of the prices of the house: import and export, in its currency per kWh.
pub(super) async fn prices(
    source: &mut Source,
    window: TimeSpan,
) -> Result<(Timeline<f64>, Timeline<f64>), Failure> {
    Ok((read(source, Metric::ImportPrice, window).await?, read(source, Metric::ExportPrice, window).await?))
}

/// What each of `devices` last told of its battery.
pub(super) async fn told(
    source: &mut Source,
    series: &[SeriesEntry],
    devices: &[DeviceId],
) -> Result<BTreeMap<DeviceId, Told>, Failure> {
    let mut all = BTreeMap::new();
    for device in devices {
        let mut told = Told::default();
        for (metric, place) in [
            (Metric::BatteryCapacity, &mut told.capacity_wh),
            (Metric::BatteryChargePowerMax, &mut told.charge_max_w),
            (Metric::BatteryDischargePowerMax, &mut told.discharge_max_w),
        ] {
            let is_it =
                |entry: &&SeriesEntry| entry.device == device.as_str() && entry.metric == metric.def().id;
            let Some(entry) = series.iter().find(is_it) else { continue };
            *place = last(source, entry).await?.filter(|value| *value > 0.0 && value.is_finite());
        }
        if told != Told::default() {
            all.insert(device.clone(), told);
        }
    }
    Ok(all)
}

/// The newest value of a series, if it is a number.
async fn last(source: &mut Source, entry: &SeriesEntry) -> Result<Option<f64>, Failure> {
    let part = Part {
        device: entry.device.clone(),
        metric: entry.metric.clone(),
        from_ms: entry.last_ms,
        to_ms: entry.last_ms.saturating_add(1),
        most: None,
    };
    let page: Page = source.ask_for(HistoryQuestion::Values(part)).await?;
    Ok(page.points.last().and_then(|(_, value)| match value {
        Scalar::Number(value) => Some(*value),
        Scalar::Text(_) => None,
    }))
}

async fn read(source: &mut Source, metric: Metric, window: TimeSpan) -> Result<Timeline<f64>, Failure> {
    let mut known = Timeline::default();
    let mut from = window.start;
    while from < window.end {
        let to = from.plus(STEP * PIECE).min(window.end);
        let part = Part {
            device: DeviceId::site().to_string(),
            metric: metric.def().id.to_owned(),
            from_ms: from.0,
            to_ms: to.0,
            most: None,
        };
        let answer = source.ask(HistoryQuestion::Steps { part, step: "30m".to_owned() }).await?;
        for point in answer["points"].as_array().into_iter().flatten() {
            if let (Some(at), Some(mean)) = (point[0].as_i64(), mean(&point[1])) {
                known.set(TimeSpan::lasting(UnixMillis(at), STEP), mean);
            }
        }
        from = to;
    }
    Ok(known)
}

/// The mean of a step.
fn mean(value: &Value) -> Option<f64> {
    value.get(1).and_then(Value::as_f64).or_else(|| value.as_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_lasts_until_the_next_and_an_hour_at_most() {
        let past = parse(
            "utc_start,load_w,pv_w\n2024-08-31T22:00:00Z,203.7,\n2024-08-31T22:30:00Z,,\n2024-08-31T23:00:00Z,300,50\n2024-09-01T06:00:00Z,1,1\n",
        )
        .unwrap();
        let hours: Vec<_> = past.load_w.slots().map(|(span, load)| (span.hours(), *load)).collect();
        assert_eq!(hours, [(0.5, 203.7), (1.0, 300.0)]);
        assert_eq!(past.pv_w.slots().map(|(_, pv)| *pv).collect::<Vec<_>>(), [0.0, 50.0]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, why) in [
            ("load,pv\n", "line 1"),
            ("utc_start,load_w,pv_w\n2024-08-31,1,2", "line 2: \"2024-08-31\" is no time"),
            ("utc_start,load_w,pv_w\n2024-08-31T22:00:00Z,1", "line 2: expected three"),
            ("utc_start,load_w,pv_w\n2024-08-31T22:00:00Z,NaN,2", "no power"),
            ("utc_start,load_w,pv_w\n2024-08-31T22:00:00Z,1,2", "no load in it that lasts"),
            ("utc_start,load_w,pv_w\n", "no load in it that lasts"),
            (
                "utc_start,load_w,pv_w\n2024-08-31T23:00:00Z,1,2\n\n2024-08-31T22:00:00Z,1,2",
                "line 4: 2024-08-31T22:00:00Z is not after 2024-08-31T23:00:00Z of the line before",
            ),
            (
                "utc_start,load_w,pv_w\n2024-08-31T22:00:00Z,1,2\n2024-08-31T22:00:00Z,3,2",
                "line 3: 2024-08-31T22:00:00Z is not after",
            ),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn the_mark_of_a_spreadsheet_is_skipped() {
        let text = "utc_start,load_w,pv_w\r\n2024-08-31T22:00:00Z,203.7,\r\n2024-08-31T22:30:00Z,1,1\r\n";
        assert_eq!(parse(&format!("\u{feff}{text}")).unwrap(), parse(text).unwrap());
    }
}
