//! Laws that hold for any values, in any order, however they are committed, sealed, backfilled and reopened.

use std::collections::BTreeMap;
use std::time::Duration;

use ohmstead_model::{Bucket, Metric, Points, Reading, Resolution, UnixMillis, Value};
use proptest::prelude::*;

use super::{NOW, all, open, power, powers, query, reading};
use crate::History;

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<(i64, Seen)>),
    Backfill(Vec<(i64, Seen)>),
    Commit,
    Reopen,
}

#[derive(Debug, Clone)]
enum Seen {
    Soc(f64),
    Mode(&'static str),
    Both(f64, &'static str),
}

fn to_reading((at, seen): &(i64, Seen)) -> Reading {
    let soc = |number: &f64| (Metric::BatterySoc, Ok(Value::Number(*number)));
    let mode = |mode: &'static str| (Metric::BatteryMode, Ok(Value::State(mode)));
    let values = match seen {
        Seen::Soc(number) => vec![soc(number)],
        Seen::Mode(key) => vec![mode(key)],
        Seen::Both(number, key) => vec![soc(number), mode(key)],
    };
    reading("b", *at, values)
}

fn seen() -> impl Strategy<Value = (i64, Seen)> {
    let at = prop_oneof![8 => 0i64..60, 1 => -5i64..0, 1 => 1_000_000i64..1_000_020];
    let number = prop_oneof![-5.0f64..105.0, Just(50.0)];
    let mode = prop::sample::select(vec!["auto", "idle", "charge"]);
    let what = prop_oneof![
        number.clone().prop_map(Seen::Soc),
        mode.clone().prop_map(Seen::Mode),
        (number, mode).prop_map(|(number, mode)| Seen::Both(number, mode)),
    ];
    (at, what)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => prop::collection::vec(seen(), 1..20).prop_map(Step::Append),
        1 => prop::collection::vec(seen(), 1..40).prop_map(Step::Backfill),
        5 => Just(Step::Commit),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..16)
}

/// What must be in the store.
#[derive(Debug, Clone, Default, PartialEq)]
struct Expected {
    soc: BTreeMap<i64, f64>,
    mode: BTreeMap<i64, &'static str>,
}

impl Expected {
    fn take((at, seen): &(i64, Seen), into: &mut Self) {
        if let Seen::Soc(number) | Seen::Both(number, _) = seen {
            into.soc.insert(*at, Metric::BatterySoc.round(*number));
        }
        if let Seen::Mode(mode) | Seen::Both(_, mode) = seen {
            into.mode.insert(*at, mode);
        }
    }

    fn check(&self, history: &History) {
        let soc: Vec<_> = self.soc.iter().map(|(at, number)| (*at, Value::Number(*number))).collect();
        assert_eq!(all(history, Metric::BatterySoc), soc);
        let mode: Vec<_> = self.mode.iter().map(|(at, mode)| (*at, Value::State(mode))).collect();
        assert_eq!(all(history, Metric::BatteryMode), mode);
        let last: Vec<_> = history
            .last_values()
            .expect("readable")
            .into_iter()
            .map(|last| (last.at.0, last.value))
            .collect();
        let expected: Vec<_> = mode.last().into_iter().chain(soc.last()).cloned().collect();
        assert_eq!(last, expected);
    }
}

fn backfill_and_check_count(history: &History, seen: &[(i64, Seen)]) {
    let given: usize = seen.iter().map(|one| to_reading(one).values.len()).sum();
    let stored = history.backfill(seen.iter().map(to_reading)).expect("a sound disk");
    assert!((1..=given as u64).contains(&stored), "{stored} of {given}");
}

/// The buckets, from the raw values, which are nearer to each other than a value counts.
fn recompute(raw: &[(i64, f64)], step: i64, to: i64) -> Vec<Bucket> {
    let mut groups: BTreeMap<i64, Vec<(i64, f64)>> = BTreeMap::new();
    for (at, number) in raw {
        groups.entry(at.div_euclid(step) * step).or_default().push((*at, *number));
    }
    let bucket = |(start, values): (i64, Vec<(i64, f64)>)| {
        let numbers = || values.iter().map(|(_, number)| *number);
        let ends = values.iter().skip(1).map(|(at, _)| *at).chain([to.min(start + step)]);
        let weights: Vec<f64> = values.iter().zip(ends).map(|((at, _), end)| (end - at) as f64).collect();
        let sum: f64 = numbers().zip(&weights).map(|(number, weight)| number * weight).sum();
        Bucket {
            at: UnixMillis(start),
            min: numbers().fold(f64::INFINITY, f64::min),
            mean: (sum * 100.0 / weights.iter().sum::<f64>() + 0.5).floor() / 100.0,
            max: numbers().fold(f64::NEG_INFINITY, f64::max),
            last: values[values.len() - 1].1,
            count: values.len() as u64,
        }
    };
    groups.into_iter().map(bucket).collect()
}

fn assert_alike(points: Points, expected: &[Bucket]) {
    let Points::Buckets(found) = points else { panic!("buckets were asked") };
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found.mean - expected.mean).abs() < 0.011, "{found:?}, not {expected:?}");
        assert_eq!(Bucket { mean: 0.0, ..*found }, Bucket { mean: 0.0, ..*expected });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_in_comes_out(steps in steps()) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut history = open(folder.path());
        let (mut visible, mut durable) = (Expected::default(), Expected::default());
        for step in steps {
            match step {
                Step::Append(seen) => for one in &seen {
                    history.append(&to_reading(one)).expect("all values fit");
                    Expected::take(one, &mut visible);
                },
                Step::Backfill(seen) => {
                    backfill_and_check_count(&history, &seen);
                    for one in &seen {
                        Expected::take(one, &mut visible);
                    }
                    durable = visible.clone();
                }
                Step::Commit => {
                    history.commit(NOW).expect("a sound disk");
                    durable = visible.clone();
                }
                Step::Reopen => {
                    drop(history);
                    history = open(folder.path());
                    visible = durable.clone();
                }
            }
            visible.check(&history);
        }
    }

    /// Integers (powers) make the sums exact, so that the comparison is too.
    #[test]
    fn buckets_are_those_of_the_raw_values(
        values in prop::collection::vec((-300i64..300, -9_000.0f64..9_000.0), 1..120),
        commit_each in 1usize..30, step in 1i64..90, from in -350i64..300, span in 0i64..500,
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let history = open(folder.path());
        for (count, (at, watts)) in values.iter().enumerate() {
            history.append(&power(*at, *watts)).expect("fits");
            if count % commit_each == 0 {
                history.commit(NOW).expect("a sound disk");
            }
        }
        let to = from + span;
        let raw: Vec<_> = powers(&history).into_iter().filter(|(at, _)| (from..to).contains(at)).collect();
        let resolution = Resolution::Step(Duration::from_millis(step.unsigned_abs()));
        let series = history.range(&query(Metric::BatteryPower, from, to, resolution)).expect("readable");
        assert_alike(series.points, &recompute(&raw, step, to));
    }

    #[test]
    fn at_most_so_many_points_and_raw_if_they_fit(
        times in prop::collection::btree_set(0i64..40_000_000, 1..80), most in 1usize..60,
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let history = open(folder.path());
        history.backfill(times.iter().map(|at| power(*at, 1.0))).expect("a sound disk");
        let question = query(Metric::BatteryPower, i64::MIN, i64::MAX, Resolution::MaxPoints(most));
        match history.range(&question).expect("readable").points {
            Points::Raw(points) => prop_assert!(points.len() == times.len() && points.len() <= most),
            Points::Buckets(buckets) => {
                prop_assert!(times.len() > most && buckets.len() <= most);
                prop_assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), times.len() as u64);
            }
        }
    }
}
