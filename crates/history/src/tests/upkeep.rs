//! Keeping, discarding, counting.

use std::time::Duration;

use jiff::tz::TimeZone;
use ohmstead_model::{CalendarUnit, Metric, Resolution, UnixMillis, Value};

use super::{LARGE, NOW, SMALL, all, open, open_with, power, powers, query, reading, tamper};
use crate::{History, Settings};

const DAY_MS: i64 = 86_400_000;

fn count(history: &History, sql: &str) -> i64 {
    let writer = crate::store::lock(&history.writer);
    writer.connection.query_row(sql, (), |row| row.get(0)).expect("a table")
}

#[test]
fn a_day_is_sealed_at_the_first_commit_after_midnight_and_not_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open_with(folder.path(), LARGE);
    let midnight = 20_000 * DAY_MS;
    let append = |at: i64| {
        history.append(&power(at, 1.0)).expect("fits");
        history.commit(UnixMillis(at)).expect("a sound disk");
    };
    (1..100).rev().for_each(|back| append(midnight - back * 60_000));
    assert_eq!(count(&history, "SELECT count(*) FROM block"), 0);
    append(midnight + 5);
    assert_eq!(count(&history, "SELECT count FROM block"), 99);
    assert_eq!(history.memory().open.len(), 1, "the new day stays open");
    append(midnight + 60_000);
    // A late value of the day before waits for the next midnight.
    append(midnight - 1);
    assert_eq!(count(&history, "SELECT count FROM block"), 99);
    append(midnight + DAY_MS);
    assert_eq!(count(&history, "SELECT sum(count) FROM block"), 102);
    drop(history);
    assert_eq!(powers(&open(folder.path())).len(), 103);
}

#[test]
fn a_day_is_one_block_and_a_month_one_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open_with(folder.path(), LARGE);
    // 2026-10-01, in UTC; the last day is of the next month.
    let start = 20_727 * DAY_MS;
    let both = |at: i64| {
        let values = vec![
            (Metric::BatteryPower, Ok(Value::Number((at % 1_000) as f64))),
            (Metric::BatteryMode, Ok(Value::State(if at % 7 == 0 { "auto" } else { "idle" }))),
        ];
        reading("b", start + at * 900_000, values)
    };
    history.backfill((0..32 * 96).map(both)).expect("a sound disk");
    let (before, modes) = (powers(&history), all(&history, Metric::BatteryMode));
    let hours = |history: &History| {
        let step = Resolution::Step(Duration::from_secs(7_200));
        history.range(&query(Metric::BatteryPower, i64::MIN, i64::MAX, step)).expect("readable")
    };
    let hours_before = hours(&history);
    assert_eq!(count(&history, "SELECT count(*) FROM block"), 64);
    let early = history.compact(UnixMillis(start + 32 * DAY_MS)).expect("a sound disk");
    assert_eq!(early, crate::Compacted::default(), "late values may come");
    let done = history.compact(UnixMillis(start + 34 * DAY_MS)).expect("a sound disk");
    assert_eq!((done.blocks_before, done.blocks_after), (62, 2));
    assert!(done.bytes_after < done.bytes_before);
    assert_eq!(count(&history, "SELECT count(*) FROM times"), 2);
    assert_eq!((powers(&history), all(&history, Metric::BatteryMode)), (before, modes));
    assert_eq!(hours(&history), hours_before);
    assert_eq!(history.verify().expect("readable").damaged, []);
    assert_eq!(
        history.compact(UnixMillis(start + 34 * DAY_MS)).expect("a sound disk"),
        crate::Compacted::default()
    );
    // A late value goes into the month.
    history.backfill([power(start + 77, 9.0)].into_iter()).expect("a sound disk");
    assert_eq!(powers(&history)[1], (start + 77, 9.0));
    assert_eq!(count(&history, "SELECT count(*) FROM part"), 2);
}

#[test]
fn series_polled_together_share_their_time_stamps() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    let both = |at: i64| {
        let number = |metric| (metric, Ok(Value::Number(at as f64)));
        reading("b", at * 10_000, vec![number(Metric::BatteryPower), number(Metric::BatterySoc)])
    };
    history.backfill((0..50).map(both)).expect("a sound disk");
    assert_eq!(count(&history, "SELECT count(*) FROM block"), 2);
    assert_eq!(count(&history, "SELECT count(*) FROM times"), 1);
}

#[test]
fn old_blocks_go_and_newer_values_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { keep_raw: "10 d".parse().expect("a span"), ..Settings::default() };
    let history = History::open_within(folder.path(), &settings, &TimeZone::UTC, &[], SMALL)
        .expect("a folder of our own");
    history.backfill((0..3_000).map(|tenth| power(tenth * DAY_MS / 10, 1.0))).expect("a sound disk");
    // In the middle of a day: it straddles the limit.
    let now = UnixMillis(300 * DAY_MS + 2 * DAY_MS / 10);
    let deleted = history.retain(now).expect("a sound disk");
    let left: Vec<i64> = powers(&history).into_iter().map(|(at, _)| at).collect();
    assert_eq!(left, (2_900..3_000).map(|tenth| tenth * DAY_MS / 10).collect::<Vec<_>>());
    assert_eq!(deleted, 2_900);
    assert_eq!(history.retain(now).expect("a sound disk"), 0);
}

#[test]
fn a_clock_far_ahead_deletes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    history.backfill((0..50).map(|at| power(at, 1.0))).expect("a sound disk");
    assert_eq!(history.retain(UnixMillis(3 * 366 * DAY_MS)).expect("a sound disk"), 0);
    assert_eq!(powers(&history).len(), 50);
    assert_eq!(history.retain(UnixMillis(0)).expect("a sound disk"), 0);
}

#[test]
fn stats_count_everything_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    let empty = history.stats().expect("readable");
    assert_eq!((empty.points, empty.series, empty.bytes_per_point, empty.first), (0, 0, None, None));
    history.backfill((10..30).map(|at| power(at, 1.0))).expect("a sound disk");
    history.append(&power(5, 1.0)).expect("fits");
    history.commit(NOW).expect("a sound disk");
    history.append(&power(40, 1.0)).expect("fits");
    let stats = history.stats().expect("readable");
    assert_eq!((stats.points, stats.waiting, stats.series, stats.dropped), (22, 1, 1, 0));
    assert_eq!((stats.first, stats.last), (Some(UnixMillis(5)), Some(UnixMillis(40))));
    assert_eq!(stats.last_commit, Some(NOW));
    assert!(stats.bytes > 4_096 && stats.bytes_per_point.is_some());
    let series = &history.series().expect("readable")[0];
    assert_eq!(
        (series.metric.as_str(), series.points, series.first.0, series.last.0),
        ("battery_power", 22, 5, 40)
    );
}

#[test]
fn nothing_waits_on_an_empty_commit() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    assert_eq!(history.commit(NOW).expect("a sound disk").batches, 0);
    assert_eq!(history.stats().expect("readable").last_commit, None);
}

/// Points move from pending to the head to blocks; whoever asks meanwhile misses none.
#[test]
fn questions_during_commits_and_seals_miss_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    std::thread::scope(|threads| {
        let writer = threads.spawn(|| {
            for at in 0..300 {
                history.append(&power(at, at as f64)).expect("fits");
                history.commit(NOW).expect("a sound disk");
            }
        });
        let mut before = 0;
        while !writer.is_finished() {
            let found = powers(&history);
            assert_eq!(found, (0..).map(|at| (at, at as f64)).take(found.len()).collect::<Vec<_>>());
            assert!(found.len() >= before, "{} points after {before}", found.len());
            before = found.len();
        }
    });
    assert_eq!(powers(&history).len(), 300);
}

/// What cannot be sealed does not keep values from being saved, until there are too many of them.
#[test]
fn a_seal_that_fails_is_tried_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    tamper(folder.path(), "ALTER TABLE times RENAME TO hidden");
    let commit = |at: i64| {
        history.append(&power(at, (at % 90) as f64)).expect("fits");
        history.commit(NOW)
    };
    let failed: Vec<i64> = (0..400).filter(|at| commit(*at).is_err()).collect();
    assert!(failed.first().is_some_and(|first| *first > 5), "{failed:?}");
    drop(history);
    let history = open(folder.path());
    tamper(folder.path(), "ALTER TABLE hidden RENAME TO times");
    assert_eq!(powers(&history).len(), 400, "all of them are in the log");
    history.append(&power(400, 1.0)).expect("fits");
    history.commit(NOW).expect("the table is back");
    assert!(count(&history, "SELECT count(*) FROM block") > 0);
    drop(history);
    assert_eq!(powers(&open(folder.path())).len(), 401);
}

#[test]
fn values_of_what_was_deleted_are_answered_from_their_summaries() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { keep_raw: "10 d".parse().expect("a span"), ..Settings::default() };
    let history = History::open_within(folder.path(), &settings, &TimeZone::UTC, &[], SMALL).expect("opens");
    history
        .backfill((0..960).map(|quarter| power(quarter * 900_000 * 4, quarter as f64)))
        .expect("a sound disk");
    let days = || {
        let question =
            query(Metric::BatteryPower, i64::MIN, i64::MAX, Resolution::Calendar(CalendarUnit::Day));
        history.range(&question).expect("readable").points
    };
    let before = days();
    assert!(history.retain(UnixMillis(40 * DAY_MS)).expect("a sound disk") > 600);
    assert_eq!(days(), before);
    assert!(powers(&history).len() < 300);
}

#[test]
fn a_history_that_is_too_large_loses_its_oldest_days() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { size_max: Some("100 kB".parse().expect("a size")), ..Settings::default() };
    let history = History::open_within(folder.path(), &settings, &TimeZone::UTC, &[], LARGE).expect("opens");
    // Noise that no codec can shorten.
    let noise =
        |at: i64| power(at * 60_000, ((at * at * 7_919 + at * 31) ^ ((at * at * at) >> 7)) as f64 % 1e5);
    history.backfill((0..60_000).map(noise)).expect("a sound disk");
    assert!(history.retain(UnixMillis(42 * DAY_MS)).expect("a sound disk") > 0);
    let left = powers(&history);
    assert!(
        left.len() > 1_000 && left.last().is_some_and(|(at, _)| *at == 59_999 * 60_000),
        "{}",
        left.len()
    );
    assert_eq!(history.retain(UnixMillis(42 * DAY_MS)).expect("a sound disk"), 0);
}

#[test]
fn a_backup_is_a_store_with_all_there_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    history.backfill((0..50).map(|at| power(at, 1.0))).expect("a sound disk");
    history.append(&power(60, 2.0)).expect("fits");
    history.commit(NOW).expect("a sound disk");
    history.append(&power(61, 3.0)).expect("fits");
    history.put_state("original/b", "auto").expect("a sound disk");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let file = elsewhere.path().join("history.sqlite");
    assert!(history.backup(&file).expect("space in /tmp") > 4_096);
    assert!(history.backup(&file).expect_err("it is there").to_string().contains("a backup"));
    let copy = open(elsewhere.path());
    assert_eq!(powers(&copy), powers(&history));
    assert_eq!(copy.get_state("original/b").expect("readable").as_deref(), Some("auto"));
    assert_eq!(copy.verify().expect("readable").damaged, []);
    drop((history, copy));
    // Put in the place of the database, the head logs beside it are those of another store.
    std::fs::copy(&file, folder.path().join("history.sqlite")).expect("space in /tmp");
    assert_eq!(powers(&open(folder.path())).len(), 52);
    assert!(
        folder.path().join("head-a.log.of-another-store").exists()
            || folder.path().join("head-b.log.of-another-store").exists()
    );
}

/// An import comes series by series, each in a backfill of its own.
#[test]
fn what_comes_series_by_series_shares_its_times_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open_with(folder.path(), LARGE);
    for metric in [Metric::BatteryPower, Metric::BatterySoc, Metric::BatteryVoltage] {
        for half in [0..720, 720..1_440] {
            let values = half
                .map(|n: i64| reading("b", n * 60_000 + n % 50, vec![(metric, Ok(Value::Number(n as f64)))]));
            history.backfill(values).expect("a sound disk");
        }
    }
    assert_eq!(count(&history, "SELECT count(*) FROM block"), 3);
    assert_eq!(count(&history, "SELECT count(*) FROM times"), 1);
    assert_eq!(all(&history, Metric::BatterySoc).len(), 1_440);
}
