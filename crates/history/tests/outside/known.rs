//! What must be in the store: everything acknowledged, and nothing that nobody wrote.
//!
//! The one operation that was under way when the writer died may have happened, in part or not at all. What is older than
//! the store keeps may be gone or not, as the store sees fit; if it is there, it must be right.

use std::collections::{BTreeMap, BTreeSet};

use ohmstead_history::History;
use ohmstead_model::{DeviceId, Event, LedgerEntry, Metric, Reading, UnixMillis, Value};

use crate::script::{Operation, Script, now};
use crate::{KEEP, raw};

/// Values that may have been deleted are looked at for so long, ms; a rare series keeps a block of older ones for years.
const OLD_MS: i64 = 60 * 86_400_000;
/// More than a run writes.
const ROWS: usize = 90_000;

/// What was acknowledged so far.
#[derive(Debug)]
pub(crate) struct Known {
    script: Script,
    /// The number of the next operation; all before it are acknowledged.
    next: u64,
    series: BTreeMap<Series, BTreeMap<i64, Value>>,
    states: BTreeMap<String, String>,
    ledger: Vec<Row<LedgerEntry>>,
    events: Vec<Row<Event>>,
    /// Values before this may have been deleted.
    cutoff: i64,
    /// How often operation `next` was interrupted so far.
    interrupted: usize,
}

type Series = (DeviceId, Metric);

/// A row, and how often it may be there beyond once: an interrupted operation is done again.
#[derive(Debug)]
struct Row<T> {
    row: T,
    more: usize,
}

impl Known {
    pub(crate) fn new(script: Script) -> Self {
        Self {
            script,
            next: 0,
            series: BTreeMap::new(),
            states: BTreeMap::new(),
            ledger: Vec::new(),
            events: Vec::new(),
            cutoff: i64::MIN,
            interrupted: 0,
        }
    }

    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The next `count` operations were acknowledged.
    pub(crate) fn acknowledge(&mut self, count: u64) {
        for _ in 0..count {
            let more = std::mem::take(&mut self.interrupted);
            match self.script.operation(self.next) {
                Operation::Commit(readings) | Operation::Backfill(readings) => {
                    for (series, at, value) in readings.iter().flat_map(stored) {
                        self.series.entry(series).or_default().insert(at, value);
                    }
                }
                Operation::Upkeep => self.age(),
                Operation::PutState(key, value) => {
                    self.states.insert(key, value);
                }
                Operation::RemoveState(key) => {
                    self.states.remove(&key);
                }
                Operation::Ledger(row) => self.ledger.push(Row { row, more }),
                Operation::Event(row) => self.events.push(Row { row, more }),
            }
            self.next += 1;
        }
    }

    /// The next operation was begun, and the writer died.
    pub(crate) fn interrupt(&mut self) {
        self.interrupted += 1;
    }

    /// Values before this are no longer looked at.
    fn forgotten(&self) -> i64 {
        self.cutoff.saturating_sub(OLD_MS)
    }

    fn age(&mut self) {
        self.cutoff = cutoff(self.next);
        let forgotten = self.forgotten();
        for values in self.series.values_mut() {
            *values = values.split_off(&forgotten);
        }
    }

    /// What is missing from the store, wrong in it, or of unknown origin.
    pub(crate) fn differences(&self, history: &History) -> Vec<String> {
        let mut found = Vec::new();
        let verified = history.verify().expect("readable");
        found.extend(verified.damaged.iter().map(|damage| format!("damaged: {damage:?}")));
        let under_way = self.script.operation(self.next);
        self.compare_series(history, &under_way, &mut found);
        self.compare_states(history, &under_way, &mut found);

        let ledger = history.ledger(ROWS).expect("readable").into_iter();
        let ledger =
            ledger.filter(|row| self.script.owns(&row.device)).map(|row| LedgerEntry { id: 0, ..row });
        let doubtful = if let Operation::Ledger(row) = &under_way { Some(row) } else { None };
        compare_rows(ledger.collect(), &self.ledger, doubtful, self.interrupted.max(1), &mut found);

        let events = history.events(ROWS).expect("readable").into_iter();
        let own = |event: &Event| event.device.as_ref().is_some_and(|device| self.script.owns(device));
        let events = events.filter(own).map(|row| Event { id: 0, ..row });
        let doubtful = if let Operation::Event(row) = &under_way { Some(row) } else { None };
        compare_rows(events.collect(), &self.events, doubtful, self.interrupted.max(1), &mut found);
        found
    }

    fn compare_series(&self, history: &History, under_way: &Operation, found: &mut Vec<String>) {
        let (mut perhaps, mut kept_from) = (BTreeMap::<Series, Vec<(i64, Value)>>::new(), self.cutoff);
        match under_way {
            Operation::Commit(readings) | Operation::Backfill(readings) => {
                for (series, at, value) in readings.iter().flat_map(stored) {
                    perhaps.entry(series).or_default().push((at, value));
                }
            }
            Operation::Upkeep => kept_from = kept_from.max(cutoff(self.next)),
            _ => {}
        }
        let there: BTreeSet<Series> = history.series().expect("readable").into_iter().map(named).collect();
        let there = there.into_iter().filter(|(device, _)| self.script.owns(device));
        let all: BTreeSet<Series> = self.series.keys().cloned().chain(there).collect();
        let (nothing, none) = (BTreeMap::new(), Vec::new());
        for series in all {
            let expected = self.series.get(&series).unwrap_or(&nothing);
            let perhaps = perhaps.get(&series).unwrap_or(&none);
            let mut points = raw(history, &series.0, series.1);
            points.drain(..points.partition_point(|(at, _)| *at < self.forgotten()));
            let different = compare_points(&points, expected, perhaps, kept_from);
            found.extend(different.into_iter().map(|what| format!("{} {}: {what}", series.0, series.1)));
        }
    }

    fn compare_states(&self, history: &History, under_way: &Operation, found: &mut Vec<String>) {
        let prefix = format!("{}/", self.script.house);
        let there = history.state_keys(&prefix).expect("readable");
        let keys: BTreeSet<&String> = there.iter().chain(self.states.keys()).collect();
        for key in keys {
            let value = history.get_state(key).expect("readable");
            let perhaps = match under_way {
                Operation::PutState(other, new) => other == key && value.as_ref() == Some(new),
                Operation::RemoveState(other) => other == key && value.is_none(),
                _ => false,
            };
            let expected = self.states.get(key);
            if value.as_ref() != expected && !perhaps {
                found.push(format!("state {key}: {value:?} instead of {expected:?}"));
            }
        }
    }
}

fn cutoff(n: u64) -> i64 {
    now(n).minus(KEEP).0
}

fn named(info: ohmstead_history::SeriesInfo) -> Series {
    let metric = Metric::by_id(&info.metric).expect("only metrics of the catalogue are written");
    (info.device, metric)
}

/// What the store makes of a reading: numbers at the metric's resolution, nothing of what is unknown or no number.
pub(crate) fn stored(reading: &Reading) -> impl Iterator<Item = (Series, i64, Value)> + '_ {
    let at = reading.at.unix;
    reading.values.iter().filter_map(move |(metric, observation)| {
        let value = match observation.as_ref().ok()? {
            Value::Number(number) if !number.is_finite() => return None,
            Value::Number(number) => Value::Number(metric.round(*number)),
            other => other.clone(),
        };
        let UnixMillis(at) = at;
        Some(((reading.device.clone(), *metric), at, value))
    })
}

fn compare_points(
    points: &[(i64, Value)],
    expected: &BTreeMap<i64, Value>,
    perhaps: &[(i64, Value)],
    kept_from: i64,
) -> Vec<String> {
    let mut found = Vec::new();
    if !points.is_sorted_by(|(one, _), (next, _)| one < next) {
        found.push("times do not ascend".to_owned());
    }
    for point in points {
        let (at, value) = point;
        let before = expected.get(at);
        if before != Some(value) && !perhaps.contains(point) {
            found.push(format!("at {at}: {value:?} instead of {before:?}"));
        }
    }
    let missing = expected
        .range(kept_from..)
        .filter(|(at, _)| points.binary_search_by_key(*at, |(other, _)| *other).is_err());
    found.extend(missing.map(|(at, value)| format!("at {at}: {value:?} is missing")));
    found
}

/// `rows` are newest first.
fn compare_rows<T: PartialEq + std::fmt::Debug>(
    mut rows: Vec<T>,
    expected: &[Row<T>],
    doubtful: Option<&T>,
    times: usize,
    found: &mut Vec<String>,
) {
    let tail = rows.iter().take_while(|row| Some(*row) == doubtful).count();
    if tail > times {
        found.push(format!("{doubtful:?} is there {tail} times, it was begun {times} times"));
    }
    let mut rows = rows.drain(tail..).rev().peekable();
    for Row { row, more } in expected {
        let mut there = 0;
        while rows.next_if(|found| found == row).is_some() {
            there += 1;
        }
        if there < 1 || there > 1 + more {
            found.push(format!("{row:?} is there {there} times"));
        }
    }
    found.extend(rows.map(|row| format!("{row:?} was never written, or not in this order")));
}
