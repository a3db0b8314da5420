//! Bad input: two programs on one folder, a clock that jumps, what is no number, batches twice and in any order.

use std::process::Stdio;

use fastrand::Rng;
use ohmstead_history::Refusal;
use ohmstead_model::{DeviceId, Metric, Moment, Observation, Reading, UnixMillis, Value};
use rstest::rstest;

use crate::known::Known;
use crate::script::{Script, now};
use crate::writer::Ending;
use crate::{damage, open, raw, writer};

const DAY_MS: i64 = 86_400_000;

fn device() -> DeviceId {
    "b".parse().expect("a valid name")
}

fn reading(at: i64, values: Vec<(Metric, Observation)>) -> Reading {
    Reading { device: device(), at: Moment { unix: UnixMillis(at), ..Moment::default() }, values }
}

fn power(at: i64, watts: f64) -> Reading {
    reading(at, vec![(Metric::BatteryPower, Ok(Value::Number(watts)))])
}

fn powers(history: &ohmstead_history::History) -> Vec<(i64, f64)> {
    let points = raw(history, &device(), Metric::BatteryPower);
    points.into_iter().map(|(at, value)| (at, value.number().expect("a power"))).collect()
}

/// The product's lock keeps a second instance away; where it does not hold (two machines on one network drive), the second
/// may be refused or not, but what either acknowledged stays.
#[test]
fn two_programs_on_one_folder_lose_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(open(folder.path()).expect("a folder of our own"));
    let scripts = [Script::new(5, "house"), Script::new(6, "neighbour")];
    let start = |script| writer::start(script, 0..150, Ending::Orderly, folder.path(), Stdio::piped());
    let mut children = scripts.each_ref().map(start);
    let mut acknowledged = [0, 0];
    for (child, count) in children.iter_mut().zip(&mut acknowledged) {
        *count = writer::acknowledged(&mut writer::output(child), 0, usize::MAX);
    }
    for child in &mut children {
        child.wait().expect("ours");
    }
    println!("acknowledged: {acknowledged:?} operations");
    assert!(acknowledged.contains(&150), "one of the two works: {acknowledged:?}");
    assert_eq!(damage(folder.path()), [""; 0]);
    let history = open(folder.path()).expect("the store opens");
    for (script, count) in scripts.into_iter().zip(acknowledged) {
        let house = script.house.clone();
        let mut known = Known::new(script);
        known.acknowledge(count);
        let differences = known.differences(&history);
        assert!(differences.is_empty(), "{house}: {:?}", &differences[..differences.len().min(10)]);
    }
}

/// A gateway without a clock of its own starts in 1970, is corrected, loses the time again, and comes back.
#[test]
fn a_clock_that_jumps_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut history = open(folder.path()).expect("a folder of our own");
    let today = now(0).0;
    let mut expected = Vec::new();
    for (turn, start) in
        [0, today, today - 3 * DAY_MS, today + 9_999 * DAY_MS, today + DAY_MS, 5_000, today - 7]
            .into_iter()
            .enumerate()
    {
        for poll in 0..20 {
            let (at, watts) = (start + poll * 10_000, (turn * 100) as f64 + poll as f64);
            history.append(&power(at, watts)).expect("a number");
            expected.push((at, watts));
            history.commit(UnixMillis(at)).expect("a sound disk");
        }
        expected.sort_by_key(|(at, _)| *at);
        assert_eq!(powers(&history), expected, "after {start}");
        drop(history);
        history = open(folder.path()).expect("the store opens again");
        assert_eq!(powers(&history), expected, "after {start} and a restart");
    }
    assert_eq!(damage(folder.path()), [""; 0]);
}

/// What is far ahead of every value is no reason to delete them all.
#[rstest]
#[case::a_century_ahead(36_525 * DAY_MS)]
#[case::before_everything(-36_525 * DAY_MS)]
fn a_clock_that_is_not_believed_deletes_nothing(#[case] off: i64) {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path()).expect("a folder of our own");
    let today = now(0).0;
    history.backfill((0..100).map(|poll| power(today + poll * DAY_MS / 100, 1.0))).expect("a sound disk");
    assert_eq!(history.retain(UnixMillis(today + off)).expect("a sound disk"), 0);
    assert_eq!(powers(&history).len(), 100);
}

#[rstest]
#[case::nan(f64::NAN, Refusal::NotFinite)]
#[case::infinite(f64::NEG_INFINITY, Refusal::NotFinite)]
#[case::huge(1e300, Refusal::TooLarge)]
fn what_is_no_number_is_named_and_harms_nothing_beside_it(#[case] number: f64, #[case] refusal: Refusal) {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path()).expect("a folder of our own");
    let batch = |at| {
        let watts = (Metric::BatteryPower, Ok(Value::Number(number)));
        reading(at, vec![watts, (Metric::BatterySoc, Ok(Value::Number(at as f64)))])
    };
    for at in 1..4 {
        let error = history.append(&batch(at)).expect_err("it is no number");
        assert_eq!((error.device, error.refused), (device(), vec![(Metric::BatteryPower.id(), refusal)]));
    }
    history.commit(now(0)).expect("a sound disk");
    assert_eq!(history.backfill([batch(4)].into_iter()).expect("a sound disk"), 1);
    drop(history);
    let history = open(folder.path()).expect("the store opens again");
    let expected: Vec<_> = (1..5).map(|at| (i64::from(at), Value::Number(f64::from(at)))).collect();
    assert_eq!(raw(&history, &device(), Metric::BatterySoc), expected);
    assert_eq!(powers(&history), []);
}

/// Three days of readings, each several times, in the order that luck gives, partly imported, over restarts.
#[rstest]
#[case(1)]
#[case(2)]
#[case(3)]
fn batches_twice_and_in_any_order_are_stored_once(#[case] seed: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rng = Rng::with_seed(seed);
    let start = now(0).0;
    let all: Vec<Reading> = (0..600).map(|poll| power(start + poll * 432_000, (poll % 7) as f64)).collect();
    let mut order: Vec<&Reading> = all.iter().chain(&all).chain(&all).collect();
    rng.shuffle(&mut order);
    for part in order.chunks(150) {
        let history = open(folder.path()).expect("the store opens");
        let (first, rest) = part.split_at(rng.usize(0..part.len()));
        for reading in first {
            history.append(reading).expect("a number");
        }
        history.commit(first.last().map_or(now(0), |last| last.at.unix)).expect("a sound disk");
        history.backfill(rest.iter().copied().cloned()).expect("a sound disk");
    }
    let history = open(folder.path()).expect("the store opens");
    let expected: Vec<_> = (0..600).map(|poll| (start + poll * 432_000, (poll % 7) as f64)).collect();
    assert_eq!(powers(&history), expected);
    assert_eq!(history.series().expect("readable")[0].points, 600);
    assert_eq!(damage(folder.path()), [""; 0]);
}
