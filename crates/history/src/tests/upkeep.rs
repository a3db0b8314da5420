//! Keeping, discarding, counting.

use ohmstead_model::{Metric, UnixMillis, Value};

use super::{NOW, SMALL, open, power, powers, reading, tamper};
use crate::{History, Settings};

const DAY_MS: i64 = 86_400_000;

#[test]
fn a_short_loop_of_commits_seals_and_deletes_the_head_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    for at in 0..100 {
        history.append(&power(at, 1.0)).expect("fits");
        assert_eq!(history.commit(NOW).expect("a sound disk").values, 1);
    }
    let count = |table: &str| -> i64 {
        let writer = crate::store::lock(&history.writer);
        writer.query_row(&format!("SELECT count(*) FROM {table}"), (), |row| row.get(0)).expect("a table")
    };
    assert!(count("head") <= 13, "{} head rows", count("head"));
    assert!((18..=20).contains(&count("block")), "{} blocks of 5", count("block"));
    assert_eq!(count("times"), count("block"), "no time stamps are left behind");
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
    let writer = crate::store::lock(&history.writer);
    let count = |sql| -> i64 { writer.query_row(sql, (), |row| row.get(0)).expect("a table") };
    assert_eq!(count("SELECT count(*) FROM block"), 20);
    assert_eq!(count("SELECT count(*) FROM times"), 10);
}

#[test]
fn old_blocks_go_and_newer_values_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { keep_raw: "10 d".parse().expect("a span"), ..Settings::default() };
    let history = History::open_within(folder.path(), &settings, &[], SMALL).expect("a folder of our own");
    // Enough blocks for several transactions.
    history.backfill((0..3_000).map(|tenth| power(tenth * DAY_MS / 10, 1.0))).expect("a sound disk");
    // Two tenths past the start of a block of five: that block straddles the limit.
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
fn a_late_value_rewrites_a_block_or_two_and_not_the_series() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    history.backfill((0..500).map(|poll| power(poll * 10, 1.0))).expect("a sound disk");
    let newest_block = || -> i64 {
        let writer = crate::store::lock(&history.writer);
        writer.query_row("SELECT count(*) FROM block WHERE id > 100", (), |row| row.get(0)).expect("a table")
    };
    assert_eq!(newest_block(), 0, "a hundred blocks of five");
    // The clock was in 1970 and is then right again: both ends of the series at once.
    let late = [power(-5, 2.0), power(2_505, 2.0), power(9_000, 2.0)];
    assert_eq!(history.backfill(late.into_iter()).expect("a sound disk"), 3);
    assert!(newest_block() <= 4, "{} blocks were rewritten", newest_block());
    assert_eq!(powers(&history).len(), 503);
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

/// A head that cannot be sealed does not keep values from being saved, until there are too many of them.
#[test]
fn a_seal_that_fails_is_tried_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    tamper(folder.path(), "ALTER TABLE times RENAME TO hidden");
    let commit = |at: i64| {
        history.append(&power(at, 1.0)).expect("fits");
        history.commit(NOW)
    };
    let failed: Vec<i64> = (0..60).filter(|at| commit(*at).is_err()).collect();
    assert_eq!(failed, (48..60).collect::<Vec<_>>(), "four heads of twelve are the most");
    tamper(folder.path(), "ALTER TABLE hidden RENAME TO times");
    assert_eq!(commit(60).expect("the table is back").values, 13);
    drop(history);
    assert_eq!(powers(&open(folder.path())).len(), 61);
}
