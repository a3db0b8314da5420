//! Where values were deleted or are damaged, what is left must neither hide nor double what is known of them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use ohmstead_model::{CalendarUnit, Metric, Points, Resolution, UnixMillis, Value};

use super::{LARGE, open_with, power, powers, query, reading, tamper};
use crate::settings::Limits;
use crate::{History, Settings, parts};

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// 2026-10-01, UTC.
const OCTOBER: i64 = 20_727 * DAY_MS;

/// Start and number of values of each bucket.
fn counts(history: &History, from: i64, to: i64, resolution: Resolution) -> Vec<(i64, u64)> {
    let series = history.range(&query(Metric::BatteryPower, from, to, resolution)).expect("readable");
    let Points::Buckets(buckets) = series.points else { panic!("buckets were asked") };
    buckets.into_iter().map(|bucket| (bucket.at.0, bucket.count)).collect()
}

fn hours(history: &History, from: i64, to: i64) -> Vec<(i64, u64)> {
    counts(history, from, to, Resolution::Step(Duration::from_secs(3_600)))
}

fn delete_first(history: &History, days: usize) {
    let all = history.transact(|transaction| parts::all(transaction)).expect("readable");
    for part in &all[..days] {
        history.delete_raw(part).expect("a sound disk");
    }
}

fn quarters(days: i64) -> impl Iterator<Item = ohmstead_model::Reading> {
    (0..days * 96).map(|quarter| power(OCTOBER + quarter * 900_000, 1.0))
}

fn lord_howe(folder: &Path) -> History {
    let zone = TimeZone::get("Australia/Lord_Howe").expect("a zone");
    History::open_within(folder, &Settings::default(), &zone, &[], LARGE).expect("a folder of our own")
}

#[test]
fn damaged_hours_are_made_anew_when_a_month_is_joined() {
    let folder = tempfile::tempdir().expect("a folder");
    open_with(folder.path(), LARGE).backfill(quarters(31)).expect("a sound disk");
    tamper(folder.path(), "UPDATE rollup SET body = x'00ff' WHERE id = (SELECT max(id) FROM rollup)");
    let history = open_with(folder.path(), LARGE);
    let before = hours(&history, OCTOBER, OCTOBER + 31 * DAY_MS);
    history.compact(UnixMillis(OCTOBER + 40 * DAY_MS)).expect("a sound disk");
    assert_eq!(hours(&history, OCTOBER, OCTOBER + 31 * DAY_MS), before);
    assert_eq!(before.len(), 31 * 24);
}

#[test]
fn a_damaged_day_does_not_keep_its_month_from_being_joined() {
    let folder = tempfile::tempdir().expect("a folder");
    open_with(folder.path(), LARGE).backfill(quarters(31)).expect("a sound disk");
    tamper(folder.path(), "UPDATE block SET body = x'00ff' WHERE id = (SELECT max(id) FROM block)");
    let history = open_with(folder.path(), LARGE);
    let done = history.compact(UnixMillis(OCTOBER + 40 * DAY_MS)).expect("a sound disk");
    assert_eq!(done.blocks_after, 1);
    assert_eq!(history.transact(|transaction| parts::all(transaction)).expect("readable").len(), 1);
    assert_eq!(
        (powers(&history).len(), hours(&history, OCTOBER, OCTOBER + 31 * DAY_MS).len()),
        (30 * 96, 31 * 24)
    );
    assert_eq!(history.verify().expect("readable").known.len(), 1);
}

#[test]
fn a_backup_of_a_history_with_quarantine_is_sound() {
    let folder = tempfile::tempdir().expect("a folder");
    open_with(folder.path(), LARGE).backfill(quarters(4)).expect("a sound disk");
    tamper(folder.path(), "UPDATE block SET body = x'00ff' WHERE id = (SELECT max(id) FROM block)");
    let history = open_with(folder.path(), LARGE);
    assert_eq!(history.verify().expect("readable").damaged.len(), 1);
    let copy = tempfile::tempdir().expect("a folder");
    history.backup(&copy.path().join("history.sqlite")).expect("space in /tmp");
    assert_eq!(open_with(copy.path(), LARGE).verify().expect("readable").damaged, []);
}

#[test]
fn a_late_value_of_a_deleted_day_neither_hides_its_hours_nor_comes_out_of_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open_with(folder.path(), LARGE);
    history.backfill(quarters(3)).expect("a sound disk");
    let before = hours(&history, OCTOBER, OCTOBER + 3 * DAY_MS);
    delete_first(&history, 1);
    let late = power(OCTOBER + 5 * HOUR_MS + 1, 7.0);
    history.append(&late).expect("fits");
    assert_eq!(hours(&history, OCTOBER, OCTOBER + 3 * DAY_MS), before, "in memory");
    history.backfill([late].into_iter()).expect("a sound disk");
    assert_eq!(hours(&history, OCTOBER, OCTOBER + 3 * DAY_MS), before, "sealed");
}

#[test]
fn the_values_that_are_left_do_not_hide_the_summaries_of_those_that_are_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open_with(folder.path(), LARGE);
    history.backfill(quarters(30)).expect("a sound disk");
    delete_first(&history, 29);
    let found = counts(&history, OCTOBER, OCTOBER + 30 * DAY_MS, Resolution::MaxPoints(1_000));
    assert_eq!((found[0].0, found.len()), (OCTOBER, 720));
}

#[test]
fn growths_add_up_where_values_are_deleted() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open_with(folder.path(), LARGE);
    let metric = Metric::by_id("battery_charge_energy").expect("a counter");
    let energy = |n: i64| reading("b", n * HOUR_MS / 2 + 60_000, vec![(metric, Ok(Value::Number(n as f64)))]);
    history.backfill((0..48 * 4).map(energy)).expect("a sound disk");
    let grown = |from: i64, to: i64| {
        let device = "b".parse().expect("a name");
        history
            .increase(&device, metric, UnixMillis(from), UnixMillis(to))
            .expect("readable")
            .value
            .expect("known")
    };
    let kept = grown(0, 2 * DAY_MS);
    delete_first(&history, 3);
    assert!((grown(0, 2 * DAY_MS) - kept).abs() < 1e-9);
    for cut in [DAY_MS, DAY_MS + HOUR_MS / 2, DAY_MS + 5 * HOUR_MS] {
        let halves = grown(0, cut) + grown(cut, 2 * DAY_MS);
        assert!((halves - kept).abs() < 1e-9, "{halves}, not {kept}, cut at {cut}");
    }
}

#[test]
fn a_month_whose_days_begin_at_other_minutes_counts_nothing_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = lord_howe(folder.path());
    // The clocks there change by half an hour, on 4 October.
    let start = OCTOBER - 10 * HOUR_MS - HOUR_MS / 2;
    history.backfill((0..40 * 96).map(|n| power(start + n * 900_000, 1.0))).expect("a sound disk");
    let months = || counts(&history, start, start + 40 * DAY_MS, Resolution::Calendar(CalendarUnit::Month));
    let before = months();
    history.compact(UnixMillis(start + 60 * DAY_MS)).expect("a sound disk");
    assert_eq!(months(), before);
    assert_eq!(history.verify().expect("readable").damaged, []);
    history.backfill([power(start + 1, 2.0)].into_iter()).expect("a sound disk");
    assert_eq!(months()[0].1, before[0].1 + 1);
}

#[test]
fn an_hour_has_the_mean_of_its_values_whoever_tells_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open_with(folder.path(), LARGE);
    let uneven = |n: i64| [power(n * HOUR_MS + 1_800_000, 0.0), power(n * HOUR_MS + 3_540_000, 1_000.0)];
    history.backfill((0..24).flat_map(uneven).chain([power(DAY_MS, 0.0)])).expect("a sound disk");
    let mean = || {
        let day = query(Metric::BatteryPower, 0, DAY_MS, Resolution::Calendar(CalendarUnit::Day));
        let Points::Buckets(days) = history.range(&day).expect("readable").points else { panic!("a day") };
        days[0].mean
    };
    let of_hours = mean();
    // The same value again, in memory: now the day is read value by value.
    history.append(&power(3_540_000, 1_000.0)).expect("fits");
    assert!((mean() - of_hours).abs() < 0.02, "{} and {of_hours}", mean());
}

#[test]
fn long_texts_are_forgotten_with_their_values() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open_with(folder.path(), Limits { open_bytes_max: 200_000, ..LARGE });
    for at in 0..3_000 {
        history.append(&power(at, 1.0)).expect("fits");
        if at % 10 == 0 {
            let text = Value::text(format!("{at}{}", "v".repeat(1_000)));
            history.append(&reading("b", at, vec![(Metric::BatteryModeNative, Ok(text))])).expect("fits");
        }
    }
    assert!(powers(&history).len() > 100, "{} left", powers(&history).len());
}

#[test]
fn the_newest_day_stays_however_large_everything_else_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { size_max: Some("10 kB".parse().expect("a size")), ..Settings::default() };
    let history = History::open_within(folder.path(), &settings, &TimeZone::UTC, &[], LARGE)
        .expect("a folder of our own");
    history.backfill(quarters(10)).expect("a sound disk");
    assert_eq!(history.retain(UnixMillis(OCTOBER + 10 * DAY_MS)).expect("a sound disk"), 9 * 96);
}

#[test]
fn one_bit_of_a_logs_header_costs_nothing_and_two_are_told() {
    const NOW: UnixMillis = UnixMillis(100_000);
    let folder = tempfile::tempdir().expect("a folder");
    let history = open_with(folder.path(), LARGE);
    for at in 0..1_000 {
        history.append(&power(at, 1.0)).expect("fits");
    }
    history.commit(NOW).expect("a sound disk");
    drop(history);
    let log = folder.path().join("head-a.log");
    let mut bytes = fs::read(&log).expect("the log");
    bytes[13] ^= 1;
    fs::write(&log, &bytes).expect("space in /tmp");
    assert_eq!(powers(&open_with(folder.path(), LARGE)).len(), 1_000);
    bytes[45] ^= 1;
    fs::write(&log, &bytes).expect("space in /tmp");
    assert_eq!(powers(&open_with(folder.path(), LARGE)).len(), 0);
    assert_eq!(fs::read(folder.path().join("head-a.log.damaged")).expect("moved aside"), bytes);
}

#[test]
fn damaged_bytes_of_a_log_are_kept_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open_with(folder.path(), LARGE);
    for at in 0..40_000 {
        history.append(&power(at, (at * at % 977) as f64)).expect("fits");
    }
    history.commit(UnixMillis(100_000)).expect("a sound disk");
    drop(history);
    let log = folder.path().join("head-a.log");
    let mut bytes = fs::read(&log).expect("the log");
    bytes[40_000] ^= 1;
    fs::write(&log, bytes).expect("space in /tmp");
    for _ in 0..3 {
        drop(open_with(folder.path(), LARGE));
    }
    let names =
        fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    assert_eq!(names.filter(|name| name.to_string_lossy().contains("damaged")).count(), 1);
}

#[test]
fn a_damaged_name_or_number_does_not_keep_the_rest_from_being_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open_with(folder.path(), LARGE);
    let soc = reading("c", OCTOBER, vec![(Metric::BatterySoc, Ok(Value::Number(5.0)))]);
    history.backfill(quarters(2).chain([soc])).expect("a sound disk");
    drop(history);
    tamper(
        folder.path(),
        "UPDATE series SET device = CAST(x'ff' AS TEXT) WHERE device = 'c'; UPDATE store SET sealed_generation = -1",
    );
    assert_eq!(powers(&open_with(folder.path(), LARGE)).len(), 192);
}
