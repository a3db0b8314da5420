//! The part of the store that is in memory: values waiting for a commit, and committed ones waiting to be sealed.
//!
//! ```text
//! append --> pending (in order of arrival) --commit--> head (by series; a copy of the `head` rows) --seal--> blocks
//! ```
//! Questions look at pending, head and blocks, in this order of precedence.

use std::collections::VecDeque;
use std::sync::Arc;

use ohmstead_model::{Reading, UnixMillis};

use crate::columns::{Columns, Point, Slot, Stored, factor, settle};
use crate::registry::{Refusal, Registry, Row, SeriesEntry, to_stored};

/// The values of one reading.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    at: i64,
    values: Vec<(Slot, Stored)>,
}

impl Batch {
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn points(&self) -> impl Iterator<Item = (Slot, Point)> + '_ {
        self.values.iter().map(|(slot, value)| (*slot, Point { at: self.at, value: value.clone() }))
    }
}

/// One value that was refused: the metric's id and the reason.
pub(crate) type Refused = (&'static str, Refusal);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) registry: Registry,
    pending: VecDeque<Arc<Batch>>,
    pending_values: usize,
    /// How many batches have ever left `pending` at the front; the number of the first one in it.
    pending_first: u64,
    head: Arc<Columns>,
    /// The ids of the `head` rows that `head` is a copy of.
    head_rows: Vec<i64>,
    dropped: u64,
    /// Whether the last attempt to seal failed, so that the log says it once.
    pub(crate) seal_failing: bool,
    pub(crate) last_commit: Option<UnixMillis>,
}

/// What is being saved or sealed: a frozen copy, so that appends and questions go on meanwhile.
pub(crate) struct Saving {
    pub(crate) columns: Arc<Columns>,
    /// The series of `columns`.
    pub(crate) series: Vec<(Slot, SeriesEntry)>,
    /// The `head` rows that hold the columns, if it is the head.
    pub(crate) rows: Vec<i64>,
    pub(crate) batches: usize,
    batches_end: u64,
    values: usize,
}

impl Memory {
    /// Takes a reading in and drops the oldest batches beyond `limit` values. Returns what was refused.
    pub(crate) fn append(&mut self, reading: &Reading, limit: usize) -> Vec<Refused> {
        let (batch, refused) = self.take_in(reading);
        if batch.len() > 0 {
            self.pending_values += batch.len();
            self.pending.push_back(Arc::new(batch));
        }
        while self.pending_values > limit {
            self.dropped += self.pop_pending() as u64;
        }
        refused
    }

    /// A reading as a batch; the series it needs are made.
    pub(crate) fn take_in(&mut self, reading: &Reading) -> (Batch, Vec<Refused>) {
        let mut values = Vec::with_capacity(reading.values.len());
        let mut refused = Vec::new();
        for (metric, observation) in &reading.values {
            let Ok(value) = observation else { continue };
            let slot = self.registry.find_or_add(&reading.device, *metric);
            self.refine(slot, metric.def().decimals);
            match to_stored(value, *metric, self.registry.get(slot).decimals) {
                Ok(stored) => values.push((slot, stored)),
                Err(refusal) => refused.push((metric.id(), refusal)),
            }
        }
        (Batch { at: reading.at.unix.0, values }, refused)
    }

    /// Gives a series at least `decimals`: the catalogue may have become finer since the values were stored.
    fn refine(&mut self, slot: Slot, decimals: u8) {
        let entry = self.registry.get_mut(slot);
        if decimals <= entry.decimals {
            return;
        }
        let finer = factor(decimals - entry.decimals);
        entry.decimals = decimals;
        Arc::make_mut(&mut self.head).refine(slot, finer);
        for batch in &mut self.pending {
            if batch.values.iter().any(|(other, _)| *other == slot) {
                let values = Arc::make_mut(batch).values.iter_mut();
                values.filter(|(other, _)| *other == slot).for_each(|(_, value)| value.refine(finer));
            }
        }
    }

    fn pop_pending(&mut self) -> usize {
        let values = self.pending.pop_front().map_or(0, |batch| batch.len());
        self.pending_first += 1;
        self.pending_values -= values;
        values
    }

    /// All that waits for a commit; `None` if nothing does.
    pub(crate) fn start_commit(&self) -> Option<Saving> {
        if self.pending.is_empty() {
            return None;
        }
        let columns = Columns::from_arrivals(self.pending.iter().flat_map(|batch| batch.points()));
        Some(Saving {
            series: self.series_of(&columns),
            columns: Arc::new(columns),
            rows: Vec::new(),
            batches: self.pending.len(),
            batches_end: self.pending_first + self.pending.len() as u64,
            values: self.pending_values,
        })
    }

    /// The commit succeeded and wrote the `head` row `row`.
    pub(crate) fn finish_commit(
        &mut self,
        saved: Saving,
        ids: &[(Slot, Row)],
        row: i64,
        now: Option<UnixMillis>,
    ) {
        let mut removed = 0;
        while self.pending_first < saved.batches_end && !self.pending.is_empty() {
            removed += self.pop_pending();
        }
        // What an overflow dropped while it was being written is saved after all.
        self.dropped -= (saved.values - removed) as u64;
        let mut columns = Arc::unwrap_or_clone(saved.columns);
        self.finer_since(&mut columns, &saved.series);
        Arc::make_mut(&mut self.head).absorb(columns);
        self.head_rows.push(row);
        self.last_commit = now.or(self.last_commit);
        self.set_rows(ids);
    }

    /// Follows a series that became finer while its values were being written.
    fn finer_since(&self, columns: &mut Columns, then: &[(Slot, SeriesEntry)]) {
        for (slot, entry) in then {
            let finer = self.registry.get(*slot).decimals - entry.decimals;
            if finer > 0 {
                columns.refine(*slot, factor(finer));
            }
        }
    }

    /// The head, to be sealed; `None` if it is empty.
    pub(crate) fn start_seal(&self) -> Option<Saving> {
        (!self.head_rows.is_empty()).then(|| Saving {
            series: self.series_of(&self.head),
            columns: self.head.clone(),
            rows: self.head_rows.clone(),
            batches: 0,
            batches_end: 0,
            values: 0,
        })
    }

    /// The head was sealed: it is in blocks now.
    pub(crate) fn finish_seal(&mut self, ids: &[(Slot, Row)]) {
        self.head = Arc::default();
        self.head_rows.clear();
        self.seal_failing = false;
        self.set_rows(ids);
    }

    /// A copy of columns that are written straight into blocks.
    pub(crate) fn start_backfill(&self, columns: Columns) -> Saving {
        Saving {
            series: self.series_of(&columns),
            columns: Arc::new(columns),
            rows: Vec::new(),
            batches: 0,
            batches_end: 0,
            values: 0,
        }
    }

    pub(crate) fn set_rows(&mut self, ids: &[(Slot, Row)]) {
        for (slot, row) in ids {
            self.registry.get_mut(*slot).row = Some(*row);
        }
    }

    /// Takes in what a `head` row holds when the store is opened.
    pub(crate) fn load_head(&mut self, row: i64, columns: Columns) {
        Arc::make_mut(&mut self.head).absorb(columns);
        self.head_rows.push(row);
    }

    fn series_of(&self, columns: &Columns) -> Vec<(Slot, SeriesEntry)> {
        columns.iter().map(|(slot, _)| (slot, self.registry.get(slot).clone())).collect()
    }

    /// The points of a series with `from <= at < to`, oldest first.
    pub(crate) fn points(&self, slot: Slot, from: i64, to: i64) -> Vec<Point> {
        let head = self.head.get(slot);
        let start = head.partition_point(|point| point.at < from);
        let end = head.partition_point(|point| point.at < to).max(start);
        let mut points = head[start..end].to_vec();
        let within = self.pending.iter().filter(|batch| (from..to).contains(&batch.at));
        points.extend(within.flat_map(|batch| batch.points()).filter_map(|(s, p)| (s == slot).then_some(p)));
        settle(&mut points);
        points
    }

    /// The newest point of each series, by slot.
    pub(crate) fn last_points(&self) -> Vec<Option<Point>> {
        let mut last: Vec<Option<Point>> =
            self.registry.iter().map(|(slot, _)| self.head.get(slot).last().cloned()).collect();
        for (slot, point) in self.pending.iter().flat_map(|batch| batch.points()) {
            if last[slot.0].as_ref().is_none_or(|newest| newest.at <= point.at) {
                last[slot.0] = Some(point);
            }
        }
        last
    }

    /// First time, last time and count of each series, by slot; several values at one time in `pending` count singly.
    pub(crate) fn spans(&self) -> Vec<Option<crate::overview::Span>> {
        let mut spans: Vec<Option<crate::overview::Span>> = vec![None; self.registry.iter().count()];
        let pending = self.pending.iter().flat_map(|batch| {
            batch.values.iter().map(|(slot, _)| (*slot, crate::overview::Span::of(batch.at, batch.at, 1)))
        });
        let head = self.head.iter().filter_map(|(slot, points)| {
            let (first, last) = (points.first()?, points.last()?);
            Some((slot, crate::overview::Span::of(first.at, last.at, points.len() as u64)))
        });
        for (slot, span) in head.chain(pending) {
            spans[slot.0] = Some(span.with(spans[slot.0]));
        }
        spans
    }

    pub(crate) fn head_len(&self) -> usize {
        self.head.len()
    }

    pub(crate) fn pending_values(&self) -> usize {
        self.pending_values
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}
