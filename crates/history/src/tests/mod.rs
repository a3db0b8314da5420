//! Tests of the whole store: laws for any input, faults of the disk and the file, and what stays after a stop.

mod answers;
mod faults;
mod journal;
mod laws;
mod upkeep;

use std::path::Path;
use std::time::Duration;

use ohmstead_model::{
    Metric, Moment, Observation, Points, Reading, Resolution, SeriesQuery, UnixMillis, Value,
};

use crate::settings::Limits;
use crate::{History, Settings};

/// So small that a handful of values seals, splits and merges blocks.
const SMALL: Limits = Limits {
    pending_values: 1_000,
    head_values: 12,
    backfill_values: 10,
    block_values: 5,
    answer_points: 1_000,
    busy: Duration::from_millis(50),
};

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn open(folder: &Path) -> History {
    History::open_within(folder, &Settings::default(), &[], SMALL).expect("a folder of our own")
}

fn reading(device: &str, at: i64, values: Vec<(Metric, Observation)>) -> Reading {
    let at = Moment { unix: UnixMillis(at), ..Moment::default() };
    Reading { device: device.parse().expect("a valid name"), at, values }
}

/// One power of device `b`.
fn power(at: i64, watts: f64) -> Reading {
    reading("b", at, vec![(Metric::BatteryPower, Ok(Value::Number(watts)))])
}

fn query(metric: Metric, from: i64, to: i64, resolution: Resolution) -> SeriesQuery {
    let device = "b".parse().expect("a valid name");
    SeriesQuery { device, metric, from: UnixMillis(from), to: UnixMillis(to), resolution }
}

/// All raw values of a metric of device `b`.
fn all(history: &History, metric: Metric) -> Vec<(i64, Value)> {
    let series = history.range(&query(metric, i64::MIN, i64::MAX, Resolution::Raw)).expect("readable");
    match series.points {
        Points::Raw(points) => points.into_iter().map(|(at, value)| (at.0, value)).collect(),
        Points::Buckets(_) => panic!("raw values were asked"),
    }
}

/// All powers of device `b`.
fn powers(history: &History) -> Vec<(i64, f64)> {
    let number = |value: Value| value.number().expect("a power is a number");
    all(history, Metric::BatteryPower).into_iter().map(|(at, value)| (at, number(value))).collect()
}

/// Runs SQL on the file as another program would.
fn tamper(folder: &Path, sql: &str) {
    let other = rusqlite::Connection::open(folder.join("history.sqlite")).expect("the file opens");
    other.execute_batch(sql).expect("valid SQL");
}
