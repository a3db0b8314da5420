//! The past that is replayed: of the own history, or of a file.
//!
//! ```text
//! utc_start,load_w,pv_w          an ISO time of UTC; W, means of the stretch until the next row; empty is unknown
//! 2024-08-31T22:00:00Z,203.7,
//! ```

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use ohmstead_model::{DeviceId, Metric, TimeSpan, Timeline, UnixMillis};
use serde_json::Value;
use thiserror::Error;

use super::super::history::source::Source;
use crate::archive::{HistoryQuestion, Part};
use crate::failure::Failure;

/// What was measured, W.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) load_w: Timeline<f64>,
    pub(super) pv_w: Timeline<f64>,
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
    let mut lines = text.lines().zip(1..);
    let head = lines.next().map(|(line, _)| line.trim()).unwrap_or_default();
    if head != "utc_start,load_w,pv_w" {
        return Err(FileError::Head(head.chars().take(80).collect()));
    }
    let rows = lines.filter(|(line, _)| !line.trim().is_empty()).map(|(line, number)| row(line, number));
    let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
    let mut past = Past::default();
    for (place, (start, load_w, pv_w)) in rows.iter().enumerate() {
        let longest = start.plus(ROW_MAX);
        let end = rows.get(place + 1).map_or(*start, |(next, ..)| *next).min(longest);
        let span = TimeSpan::new(*start, end);
        if let Some(load_w) = load_w {
            past.load_w.set(span, *load_w);
            // At night many inverters tell nothing.
            past.pv_w.set(span, pv_w.unwrap_or(0.0));
        }
    }
    Ok(past)
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

/// Steps that are asked for at once.
const PIECE: u32 = 10_000;
const STEP: Duration = Duration::from_secs(1800);

/// Reads the house's own history.
pub(super) async fn of_history(source: &mut Source, window: TimeSpan) -> Result<Past, Failure> {
    Ok(Past {
        load_w: read(source, Metric::LoadPower, window).await?,
        pv_w: read(source, Metric::PvPower, window).await?,
    })
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
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
