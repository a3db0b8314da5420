//! Files of every released version are taken over. `released/N.sqlite` was written by version N of the schema; what is in
//! it follows from the number of the reading.

use ohmstead_model::{Metric, Outcome, Points, Resolution, SeriesQuery, UnixMillis, Value};

use super::open_with;
use crate::History;
use crate::settings::Limits;

const START: i64 = 1_790_000_000_000;

/// The readings that version 1 stored: 9,000 in blocks, the rest one per commit.
const READINGS: i64 = 9_120;

fn at(n: i64) -> i64 {
    START + n * 30_000 + n % 7
}

fn stored(history: &History, metric: Metric) -> Vec<(i64, Value)> {
    let device = "garage".parse().expect("a valid name");
    let (from, to) = (UnixMillis(i64::MIN), UnixMillis(i64::MAX));
    let query = SeriesQuery { device, metric, from, to, resolution: Resolution::Raw };
    let Points::Raw(points) = history.range(&query).expect("readable").points else {
        panic!("raw was asked")
    };
    points.into_iter().map(|(at, value)| (at.0, value)).collect()
}

fn expected(value: impl Fn(i64) -> Option<Value>) -> Vec<(i64, Value)> {
    (0..READINGS).filter_map(|n| Some((at(n), value(n)?))).collect()
}

fn check(history: &History) {
    let number = |value: i64, scale: f64| Some(Value::Number(value as f64 / scale));
    assert_eq!(stored(history, Metric::BatteryPower), expected(|n| number(n * 37 % 4_001 - 2_000, 1.0)));
    assert_eq!(stored(history, Metric::BatterySoc), expected(|n| number(n % 1_001, 10.0)));
    let mode = |n: i64| Some(Value::State(if n % 500 < 250 { "auto" } else { "idle" }));
    assert_eq!(stored(history, Metric::BatteryMode), expected(mode));
    let firmware = |n: i64| (n % 10 == 0).then(|| Value::text(format!("v{}", n / 4_000)));
    assert_eq!(stored(history, Metric::DeviceFirmware), expected(firmware));
    assert_eq!(history.get_state("original/garage").expect("readable").as_deref(), Some("auto"));
    let ledger = history.ledger(9).expect("readable");
    assert_eq!((ledger.len(), ledger[0].outcome, ledger[0].at.0), (1, Outcome::Confirmed, START));
    assert_eq!(history.events(9).expect("readable")[0].text, "of the first version");
}

#[test]
fn the_first_version_is_taken_over() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("history.sqlite"), include_bytes!("released/1.sqlite")).expect("space");
    let history = open_with(folder.path(), Limits::PRODUCT);
    check(&history);
    assert_eq!(history.verify().expect("readable").damaged, []);
    drop(history);
    check(&open_with(folder.path(), Limits::PRODUCT));
}

/// Interrupted at any point, taking over begins anew and ends the same.
#[test]
fn taking_over_can_be_interrupted() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.sqlite");
    std::fs::write(&file, include_bytes!("released/1.sqlite")).expect("space");
    // The tables are made, and some days are written: what a stop in the middle leaves.
    drop(open_with(folder.path(), Limits::PRODUCT));
    let other = rusqlite::Connection::open(&file).expect("the file opens");
    let first = tempfile::NamedTempFile::new().expect("space");
    std::fs::write(first.path(), include_bytes!("released/1.sqlite")).expect("space");
    let path = first.path().display();
    other
        .execute_batch(&format!(
            "DELETE FROM block WHERE id % 3 = 0;
             ATTACH '{path}' AS old;
             CREATE TABLE first_head (id INTEGER PRIMARY KEY, at INTEGER, body BLOB);
             CREATE TABLE first_block (id INTEGER PRIMARY KEY, series, first, last, count, times, body);
             CREATE TABLE first_times (id INTEGER PRIMARY KEY, body);
             INSERT INTO first_head SELECT * FROM old.head;
             INSERT INTO first_block SELECT * FROM old.block;
             INSERT INTO first_times SELECT * FROM old.times;"
        ))
        .expect("valid SQL");
    drop(other);
    check(&open_with(folder.path(), Limits::PRODUCT));
}
