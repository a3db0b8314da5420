//! What is in memory: the values that are not sealed yet, by series.

use crate::column::Column;
use crate::point::{Point, Slot, Stored};

/// The values of all series, committed or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenDay {
    /// By slot.
    columns: Vec<Column>,
    values: usize,
    /// Bytes of memory when they were last counted, and how many values there were then.
    counted: (usize, usize),
}

impl OpenDay {
    /// Takes a value in.
    pub(crate) fn push(&mut self, slot: Slot, at: i64, value: &Stored) {
        if slot.0 >= self.columns.len() {
            self.columns.resize_with(slot.0 + 1, Column::default);
        }
        self.columns[slot.0].push(at, value);
        self.values += 1;
    }

    /// The column of a series, if it has one.
    pub(crate) fn column(&self, slot: Slot) -> Option<&Column> {
        self.columns.get(slot.0).filter(|column| column.len() > 0)
    }

    /// The points of a series with `from <= at < to`, oldest first.
    pub(crate) fn points(&self, slot: Slot, from: i64, to: i64) -> Vec<Point> {
        self.column(slot).map_or(Vec::new(), |column| column.points(from, to))
    }

    /// The series that have values.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        (0..self.columns.len()).map(Slot).filter(|slot| self.column(*slot).is_some())
    }

    /// Changes the unit of a series' numbers to one that is `factor` times finer.
    pub(crate) fn refine(&mut self, slot: Slot, factor: i64) {
        if let Some(column) = self.columns.get_mut(slot.0) {
            column.refine(factor);
        }
    }

    /// First and last time of all values.
    pub(crate) fn span(&self) -> Option<(i64, i64)> {
        let spans = self.columns.iter().filter_map(Column::span);
        spans.map(|(first, last, _)| (first, last)).reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)))
    }

    /// How many values were taken in.
    pub(crate) fn len(&self) -> usize {
        self.values
    }

    /// Bytes of memory, about, and rather too many: they are counted now and then only.
    pub(crate) fn bytes_bound(&mut self) -> usize {
        /// More than one value takes, unless it is a long text.
        const VALUE: usize = 24;
        let (bytes, values) = self.counted;
        if self.values.saturating_sub(values) * VALUE > bytes / 8 + 65_536 {
            self.counted = (self.bytes(), self.values);
        }
        self.counted.0 + self.values.saturating_sub(self.counted.1) * VALUE
    }

    /// Bytes of memory, about.
    pub(crate) fn bytes(&self) -> usize {
        self.columns.iter().map(|column| size_of::<Column>() + column.bytes()).sum()
    }

    /// The values from `boundary` on, taken out; those before stay, and nothing may be pushed to them any more.
    pub(crate) fn split(&mut self, boundary: i64) -> Self {
        let columns: Vec<Column> = self.columns.iter_mut().map(|column| column.split(boundary)).collect();
        let values = |columns: &[Column]| columns.iter().map(Column::len).sum();
        self.values = values(&self.columns);
        self.counted = (self.bytes(), self.values);
        Self { values: values(&columns), columns, counted: (0, 0) }
    }

    /// Forgets the oldest values of all until no more than `bytes` of memory are used. Returns how many went.
    pub(crate) fn shrink(&mut self, bytes: usize) -> usize {
        let mut dropped = 0;
        while self.bytes() > bytes {
            let first = |column: &Column| column.span().map_or(i64::MAX, |(first, ..)| first);
            let Some(oldest) = self.columns.iter_mut().min_by_key(|column| first(column)) else { break };
            let now = oldest.drop_oldest();
            if now == 0 {
                break;
            }
            dropped += now;
        }
        self.values = self.values.saturating_sub(dropped);
        self.counted = (self.bytes(), self.values);
        dropped
    }
}
