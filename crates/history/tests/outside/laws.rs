//! A plain map as the model: whatever is appended, committed, backfilled, deleted and reopened, in whatever order and at
//! whatever hours, the store answers as the map does.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ohmstead_history::History;
use ohmstead_model::{
    Bucket, DeviceId, Metric, Moment, Observation, Points, Reading, Resolution, SeriesQuery, UnixMillis,
    Unknown, Value,
};
use proptest::prelude::*;

use crate::known::stored;
use crate::{KEEP, damage, open, raw};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// 2027-03-20 UTC, a week before a day of 23 h in Europe.
const START_MS: i64 = 1_805_500_800_000;
const METRICS: [Metric; 5] = [
    Metric::BatteryPower,
    Metric::BatteryCellVoltageMin,
    Metric::FramesDropped,
    Metric::BatteryMode,
    Metric::DeviceFirmware,
];
const DEVICES: [&str; 2] = ["garage", "cellar"];

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<Seen>),
    Commit,
    Backfill(Vec<Seen>),
    /// The clock goes on, over midnights where it is long, and a commit follows.
    Wait(i64),
    Retain,
    Reopen,
}

/// A reading, its time relative to the clock.
#[derive(Debug, Clone)]
struct Seen {
    device: usize,
    at: i64,
    values: BTreeMap<usize, Observation>,
}

fn observation(metric: usize) -> BoxedStrategy<Observation> {
    let known = match metric {
        0 => prop_oneof![-9e3..9e3, Just(0.0), Just(-0.4)].prop_map(Value::Number).boxed(),
        1 => (2.5..3.7).prop_map(Value::Number).boxed(),
        2 => prop_oneof![(0..9_000).prop_map(f64::from), Just(1e12)].prop_map(Value::Number).boxed(),
        3 => prop::sample::select(vec!["auto", "idle", "charge"]).prop_map(Value::State).boxed(),
        _ => prop::sample::select(vec!["", "v1", "ö \"x\""]).prop_map(Value::text).boxed(),
    };
    prop_oneof![
        12 => known.prop_map(Ok),
        1 => Just(Err(Unknown::NotReported)),
        1 => Just(Ok(Value::Number(f64::NAN))),
    ]
    .boxed()
}

fn seen() -> impl Strategy<Value = Seen> {
    // Few times, so that many meet; most of them of today, some of other days, some where a jumping clock leads.
    let at = prop_oneof![
        8 => (-20i64..20).prop_map(|ten| ten * 600_000),
        2 => (-90i64..0).prop_map(|hours| hours * HOUR_MS + 1),
        1 => prop::sample::select(vec![-50 * DAY_MS, -20 * DAY_MS, 3 * DAY_MS, -START_MS]),
    ];
    let values = prop::collection::btree_set(0..METRICS.len(), 1..4).prop_flat_map(|metrics| {
        let values: Vec<_> = metrics.into_iter().map(|metric| (Just(metric), observation(metric))).collect();
        values.prop_map(BTreeMap::from_iter)
    });
    (0..DEVICES.len(), at, values).prop_map(|(device, at, values)| Seen { device, at, values })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![4 => 1i64..6, 2 => 6i64..60, 1 => 300i64..900];
    let step = prop_oneof![
        6 => prop::collection::vec(seen(), 1..24).prop_map(Step::Append),
        3 => Just(Step::Commit),
        2 => prop::collection::vec(seen(), 1..40).prop_map(Step::Backfill),
        4 => wait.prop_map(|hours| Step::Wait(hours * HOUR_MS)),
        1 => Just(Step::Retain),
        2 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..24)
}

/// The values of each series.
type Model = BTreeMap<(DeviceId, Metric), BTreeMap<i64, Value>>;

/// A store beside its model.
struct Pair<'a> {
    folder: &'a Path,
    history: History,
    now: i64,
    /// What the store answers.
    visible: Model,
    /// What a restart leaves.
    durable: Model,
}

impl<'a> Pair<'a> {
    fn new(folder: &'a Path) -> Self {
        let history = open(folder).expect("a folder of our own");
        Self { folder, history, now: START_MS, visible: Model::new(), durable: Model::new() }
    }

    fn readings(&mut self, seen: &[Seen]) -> Vec<Reading> {
        let readings: Vec<Reading> = seen.iter().map(|seen| to_reading(seen, self.now)).collect();
        for (series, at, value) in readings.iter().flat_map(stored) {
            // A number is no state and no text.
            if (value.number().is_some()) == is_number(series.1) {
                self.visible.entry(series).or_default().insert(at, value);
            }
        }
        readings
    }

    fn perform(&mut self, step: &Step) {
        match step {
            Step::Append(seen) => {
                for reading in self.readings(seen) {
                    let bad = reading.values.iter().any(|(_, observation)| is_bad(observation));
                    assert_eq!(self.history.append(&reading).is_err(), bad);
                }
            }
            Step::Commit => self.commit(),
            Step::Backfill(seen) => {
                let readings = self.readings(seen);
                self.history.backfill(readings.into_iter()).expect("a sound disk");
                self.durable = self.visible.clone();
            }
            Step::Wait(span) => {
                self.now += span;
                self.commit();
            }
            Step::Retain => self.retain(),
            Step::Reopen => {
                // One at a time has the folder.
                let elsewhere = tempfile::tempdir().expect("a folder");
                self.history = open(elsewhere.path()).expect("a folder of our own");
                self.history = open(self.folder).expect("the store opens again");
                self.visible = self.durable.clone();
            }
        }
    }

    fn commit(&mut self) {
        self.history.commit(UnixMillis(self.now)).expect("a sound disk");
        self.durable = self.visible.clone();
    }

    /// What is too old may go, when is the store's affair; what is not must stay. The model follows.
    fn retain(&mut self) {
        self.commit();
        self.history.retain(UnixMillis(self.now)).expect("a sound disk");
        self.history.compact(UnixMillis(self.now)).expect("a sound disk");
        let cutoff = UnixMillis(self.now).minus(KEEP).0;
        for ((device, metric), values) in &mut self.visible {
            let kept: BTreeMap<i64, Value> = raw(&self.history, device, *metric).into_iter().collect();
            values.retain(|at, _| *at >= cutoff || kept.contains_key(at));
        }
        self.durable = self.visible.clone();
    }

    fn check(&self, step: i64) {
        for device in DEVICES.map(|name| name.parse::<DeviceId>().expect("a valid name")) {
            for metric in METRICS {
                let series = (device.clone(), metric);
                let nothing = BTreeMap::new();
                let model = self.visible.get(&series).unwrap_or(&nothing);
                let expected: Vec<(i64, Value)> = model.clone().into_iter().collect();
                assert_eq!(raw(&self.history, &device, metric), expected, "{device} {metric}");
                self.check_steps(&series, model, step);
            }
        }
        let last = self.history.last_values().expect("readable").into_iter();
        let last: Model = last
            .map(|last| ((last.device, last.metric), BTreeMap::from([(last.at.0, last.value)])))
            .collect();
        let expected = self.visible.iter().filter_map(|(series, values)| {
            let (at, value) = values.last_key_value()?;
            Some((series.clone(), BTreeMap::from([(*at, value.clone())])))
        });
        assert_eq!(last, expected.collect());
    }

    /// The last two weeks in steps.
    fn check_steps(&self, series: &(DeviceId, Metric), model: &BTreeMap<i64, Value>, step: i64) {
        let (from, to) = (self.now - 14 * DAY_MS, self.now + HOUR_MS);
        let query = SeriesQuery {
            device: series.0.clone(),
            metric: series.1,
            from: UnixMillis(from),
            to: UnixMillis(to),
            resolution: Resolution::Step(Duration::from_millis(step.unsigned_abs())),
        };
        let mut groups: BTreeMap<i64, Vec<(i64, Value)>> = BTreeMap::new();
        for (at, value) in model.range(from..to) {
            groups.entry(at.div_euclid(step) * step).or_default().push((*at, value.clone()));
        }
        match self.history.range(&query).expect("readable").points {
            Points::Buckets(buckets) => {
                let expected: Vec<Bucket> = groups.into_iter().map(bucket).collect();
                assert_buckets(&buckets, &expected, model);
            }
            Points::Raw(points) => {
                let last = groups.into_values().filter_map(|mut values| values.pop());
                let points: Vec<_> = points.into_iter().map(|(at, value)| (at.0, value)).collect();
                assert!(points.is_empty() || !is_number(series.1), "numbers come as buckets");
                assert_eq!(points, last.collect::<Vec<_>>(), "{} {}", series.0, series.1);
            }
        }
    }
}

fn to_reading(seen: &Seen, now: i64) -> Reading {
    let at = Moment { unix: UnixMillis(now + seen.at), ..Moment::default() };
    let values = seen.values.iter().map(|(metric, observation)| (METRICS[*metric], observation.clone()));
    let device = DEVICES[seen.device].parse().expect("a valid name");
    Reading { device, at, values: values.collect() }
}

fn is_bad(observation: &Observation) -> bool {
    observation.as_ref().is_ok_and(|value| value.number().is_some_and(f64::is_nan))
}

fn is_number(metric: Metric) -> bool {
    METRICS[..3].contains(&metric)
}

/// The mean is not said: whether it weighs by time is the store's affair, and tested there.
fn bucket((at, values): (i64, Vec<(i64, Value)>)) -> Bucket {
    let numbers: Vec<f64> = values.iter().filter_map(|(_, value)| value.number()).collect();
    Bucket {
        at: UnixMillis(at),
        min: numbers.iter().copied().fold(f64::INFINITY, f64::min),
        mean: 0.0,
        max: numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        last: numbers[numbers.len() - 1],
        count: numbers.len() as u64,
    }
}

fn assert_buckets(found: &[Bucket], expected: &[Bucket], model: &BTreeMap<i64, Value>) {
    let without_mean: Vec<Bucket> = found.iter().map(|bucket| Bucket { mean: 0.0, ..*bucket }).collect();
    assert_eq!(without_mean, expected);
    let numbers = || model.values().filter_map(Value::number);
    let (low, high) = (numbers().fold(f64::INFINITY, f64::min), numbers().fold(f64::NEG_INFINITY, f64::max));
    let little = 1e-9 * high.abs().max(low.abs()).max(1.0);
    for bucket in found {
        assert!((low - little..=high + little).contains(&bucket.mean), "{bucket:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_store_answers_as_a_map_does(
        steps in steps(),
        step in prop::sample::select(vec![1, 7, 600_000, HOUR_MS, DAY_MS, 3 * DAY_MS + 1]),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut pair = Pair::new(folder.path());
        for one in &steps {
            pair.perform(one);
            pair.check(step);
        }
        drop(pair);
        prop_assert_eq!(damage(folder.path()), Vec::<String>::new());
    }
}
