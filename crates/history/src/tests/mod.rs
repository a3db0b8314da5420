//! Tests of the whole store: laws for any input, faults of the disk and the file, and what stays after a stop.

mod answers;
mod deletion;
mod faults;
mod journal;
mod laws;
mod migration;
mod upkeep;

use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use ohmstead_model::{
    Metric, Moment, Observation, Points, Reading, Resolution, SeriesQuery, UnixMillis, Value,
};

use crate::settings::Limits;
use crate::{History, Settings};

/// So small that a few dozen values are sealed.
const SMALL: Limits = Limits {
    waiting_bytes: 100_000,
    open_bytes: 400,
    open_bytes_max: 100_000,
    backfill_values: 10,
    answer_points: 1_000,
    busy: Duration::from_millis(50),
};

/// As the product's, so that nothing is sealed before its day ends.
const LARGE: Limits =
    Limits { open_bytes: 10_000_000, answer_points: 100_000, backfill_values: 100_000, ..SMALL };

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn open(folder: &Path) -> History {
    open_with(folder, SMALL)
}

fn open_with(folder: &Path, limits: Limits) -> History {
    History::open_within(folder, &Settings::default(), &TimeZone::UTC, &[], limits)
        .expect("a folder of our own")
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
