//! One series of the open day, in memory: packed, two or three bytes a value.
//!
//! Values that come in the order of their times are packed in chunks; one that is late, or comes again for the same time,
//! is kept aside until there are too many of them, and wins over what is packed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::bytes::{Cursor, put_signed};
use crate::point::{Point, Stored};

/// Values in one chunk.
const CHUNK: u32 = 512;

/// Late values kept aside before the column is packed anew.
const LATE_MAX: usize = 512;

/// The values of one series.
#[derive(Debug, Clone, Default)]
pub(crate) struct Column {
    chunks: Vec<Chunk>,
    late: BTreeMap<i64, i64>,
    /// Of a series of texts: what its numbers stand for.
    texts: Vec<Arc<str>>,
    text_numbers: HashMap<Arc<str>, i64>,
}

/// Some values in order: the first is kept as it is, the others are differences.
#[derive(Debug, Clone)]
struct Chunk {
    first: (i64, i64),
    last: (i64, i64),
    step: i64,
    count: u32,
    /// For each value but the first: the change of the interval, the change of the value.
    bytes: Vec<u8>,
}

impl Chunk {
    fn new(at: i64, value: i64) -> Self {
        Self { first: (at, value), last: (at, value), step: 0, count: 1, bytes: Vec::new() }
    }

    fn push(&mut self, at: i64, value: i64) {
        let step = at.wrapping_sub(self.last.0);
        put_signed(&mut self.bytes, step.wrapping_sub(self.step));
        put_signed(&mut self.bytes, value.wrapping_sub(self.last.1));
        (self.last, self.step) = ((at, value), step);
        self.count += 1;
    }

    fn each(&self, mut visit: impl FnMut(i64, i64)) {
        let ((mut at, mut value), mut step) = (self.first, 0i64);
        visit(at, value);
        let mut cursor = Cursor(&self.bytes);
        while let (Ok(change), Ok(difference)) = (cursor.signed(), cursor.signed()) {
            step = step.wrapping_add(change);
            at = at.wrapping_add(step);
            value = value.wrapping_add(difference);
            visit(at, value);
        }
    }
}

impl Column {
    /// Takes a value in.
    pub(crate) fn push(&mut self, at: i64, value: &Stored) {
        let number = self.number_of(value);
        self.push_number(at, number);
    }

    fn number_of(&mut self, value: &Stored) -> i64 {
        let text = match value {
            Stored::Number(number) => return *number,
            Stored::Text(text) => text,
        };
        if let Some(number) = self.text_numbers.get(text) {
            return *number;
        }
        let number = crate::point::signed(self.texts.len());
        self.texts.push(Arc::clone(text));
        self.text_numbers.insert(Arc::clone(text), number);
        number
    }

    fn push_number(&mut self, at: i64, number: i64) {
        match self.chunks.last_mut() {
            Some(chunk) if at <= chunk.last.0 => {
                self.late.insert(at, number);
                if self.late.len() > LATE_MAX {
                    self.pack();
                }
            }
            Some(chunk) if chunk.count < CHUNK => chunk.push(at, number),
            full => {
                if let Some(full) = full {
                    full.bytes.shrink_to_fit();
                }
                self.chunks.push(Chunk::new(at, number));
            }
        }
    }

    /// Puts the late values where they belong.
    fn pack(&mut self) {
        let numbers = self.numbers(i64::MIN, i64::MAX);
        self.chunks.clear();
        self.late.clear();
        for (at, number) in numbers {
            self.push_number(at, number);
        }
    }

    /// Times and numbers with `from <= at <= to`, in order.
    fn numbers(&self, from: i64, to: i64) -> Vec<(i64, i64)> {
        let mut found = Vec::new();
        let start = self.chunks.partition_point(|chunk| chunk.last.0 < from);
        let mut late = (from <= to).then(|| self.late.range(from..=to)).into_iter().flatten().peekable();
        for chunk in self.chunks[start..].iter().take_while(|chunk| chunk.first.0 <= to) {
            chunk.each(|at, number| {
                if !(from..=to).contains(&at) {
                    return;
                }
                while let Some(before) = late.next_if(|(late, _)| **late < at) {
                    found.push((*before.0, *before.1));
                }
                let again = late.next_if(|(late, _)| **late == at).map(|(_, number)| *number);
                found.push((at, again.unwrap_or(number)));
            });
        }
        found.extend(late.map(|(at, number)| (*at, *number)));
        found
    }

    /// The points with `from <= at < to`, oldest first.
    pub(crate) fn points(&self, from: i64, to: i64) -> Vec<Point> {
        if to <= from {
            return Vec::new();
        }
        let stored = |number: i64| match usize::try_from(number).ok().and_then(|index| self.texts.get(index))
        {
            Some(text) => Stored::Text(Arc::clone(text)),
            None => Stored::Number(number),
        };
        self.numbers(from, to - 1)
            .into_iter()
            .map(|(at, number)| Point { at, value: stored(number) })
            .collect()
    }

    /// All points. (The last instant that an `i64` has is outside of [`Column::points`].)
    pub(crate) fn all(&self) -> Vec<Point> {
        self.points(i64::MIN, i64::MAX)
    }

    /// The first time at `from` or later.
    pub(crate) fn next_from(&self, from: i64) -> Option<i64> {
        let start = self.chunks.partition_point(|chunk| chunk.last.0 < from);
        let packed = self.chunks.get(start).and_then(|chunk| {
            let mut first = None;
            chunk.each(|at, _| first = first.or((at >= from).then_some(at)));
            first
        });
        let late = self.late.range(from..).next().map(|(at, _)| *at);
        packed.into_iter().chain(late).min()
    }

    /// First time, last time and number of values; of two at the same time both are counted until they are packed.
    pub(crate) fn span(&self) -> Option<(i64, i64, u64)> {
        let packed =
            self.chunks.first().zip(self.chunks.last()).map(|(one, other)| (one.first.0, other.last.0));
        let late = self
            .late
            .first_key_value()
            .zip(self.late.last_key_value())
            .map(|(one, other)| (*one.0, *other.0));
        let ends =
            packed.into_iter().chain(late).reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
        ends.map(|(first, last)| (first, last, self.len() as u64))
    }

    /// The values from `boundary` on, taken out; those before stay, and nothing may be pushed to them any more. Only what
    /// is near the boundary is packed anew.
    pub(crate) fn split(&mut self, boundary: i64) -> Self {
        let start = self.chunks.partition_point(|chunk| chunk.last.0 < boundary);
        let tail = self.chunks.split_off(start);
        let mut after =
            Self { texts: self.texts.clone(), text_numbers: self.text_numbers.clone(), ..Self::default() };
        for chunk in tail {
            chunk.each(|at, number| {
                if at < boundary { self.push_number(at, number) } else { after.push_number(at, number) }
            });
        }
        after.late = self.late.split_off(&boundary);
        after
    }

    /// How many values.
    pub(crate) fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.count as usize).sum::<usize>() + self.late.len()
    }

    /// Bytes of memory, about.
    pub(crate) fn bytes(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(|chunk| size_of::<Chunk>() + chunk.bytes.capacity()).sum();
        chunks + self.late.len() * 48 + self.texts.iter().map(|text| 2 * text.len() + 64).sum::<usize>()
    }

    /// Changes the unit of the numbers to one that is `factor` times finer.
    pub(crate) fn refine(&mut self, factor: i64) {
        let numbers = self.numbers(i64::MIN, i64::MAX);
        (self.chunks, self.late) = (Vec::new(), BTreeMap::new());
        for (at, number) in numbers {
            self.push_number(at, number.saturating_mul(factor));
        }
    }

    /// Forgets the oldest chunk. Returns how many values went.
    pub(crate) fn drop_oldest(&mut self) -> usize {
        if self.chunks.is_empty() {
            return 0;
        }
        let before = self.len();
        let gone = self.chunks.remove(0);
        self.late = self.late.split_off(&gone.last.0.saturating_add(1));
        if self.chunks.is_empty() {
            self.late.clear();
        }
        if !self.texts.is_empty() {
            // The texts that only the forgotten values had go too.
            let left = self.all();
            *self = Self::default();
            for point in left {
                self.push(point.at, &point.value);
            }
        }
        before - self.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(number: i64) -> Stored {
        Stored::Number(number)
    }

    proptest! {
        #[test]
        fn a_column_is_a_map_from_times_to_the_newest_value(
            arrivals in prop::collection::vec((-900i64..900, any::<i64>()), 0..2_500), from in -1_000i64..1_000, span in -5i64..900,
        ) {
            let (mut column, mut map) = (Column::default(), BTreeMap::new());
            for (at, n) in &arrivals {
                column.push(*at, &number(*n));
                map.insert(*at, number(*n));
            }
            let points = column.points(from, from + span);
            let expected: Vec<_> = map.iter().filter(|(at, _)| (from..from + span).contains(at))
                .map(|(at, value)| Point { at: *at, value: value.clone() }).collect();
            prop_assert_eq!(points, expected);
            prop_assert_eq!(column.span().map(|span| (span.0, span.1)),
                map.first_key_value().zip(map.last_key_value()).map(|(first, last)| (*first.0, *last.0)));
        }
    }

    proptest! {
        #[test]
        fn a_split_column_is_two(
            arrivals in prop::collection::vec((-900i64..900, any::<i64>()), 0..2_500), boundary in -1_000i64..1_000,
        ) {
            let mut whole = Column::default();
            for (at, n) in &arrivals {
                whole.push(*at, &number(*n));
            }
            let mut before = whole.clone();
            let after = before.split(boundary);
            prop_assert_eq!(before.all(), whole.points(i64::MIN, boundary));
            prop_assert_eq!(after.all(), whole.points(boundary, i64::MAX));
            prop_assert_eq!(before.len() + after.len(), whole.len());
            let ends = |column: &Column| column.all().first().map(|first| first.at).zip(column.all().last().map(|last| last.at));
            for part in [&before, &after] {
                prop_assert_eq!(part.span().map(|(first, last, _)| (first, last)), ends(part));
            }
        }
    }

    #[test]
    fn texts_are_numbered_once() {
        let mut column = Column::default();
        let texts = ["auto", "idle", "auto", "auto"].map(|text| Stored::Text(Arc::from(text)));
        for (at, text) in (0..).zip(&texts) {
            column.push(at, text);
        }
        assert_eq!(column.all().into_iter().map(|point| point.value).collect::<Vec<_>>(), texts);
        assert_eq!(column.texts.len(), 2);
    }

    #[test]
    fn a_day_of_noise_takes_three_bytes_a_value() {
        let mut column = Column::default();
        for poll in 0..8_640i64 {
            column.push(poll * 10_000 + poll * 7_919 % 50, &number(2_000 + poll * 104_729 % 60));
        }
        assert!(column.bytes() < 3 * 8_640 + 4_096, "{}", column.bytes());
    }

    #[test]
    fn the_oldest_go_first() {
        let mut column = Column::default();
        for at in 0..1_200 {
            column.push(at, &number(at));
        }
        column.push(3, &number(-3));
        assert_eq!(column.drop_oldest(), 513);
        assert_eq!(
            column.points(0, 514),
            [Point { at: 512, value: number(512) }, Point { at: 513, value: number(513) }]
        );
        assert_eq!(column.drop_oldest() + column.drop_oldest() + column.drop_oldest(), 688);
        assert_eq!(column.span(), None);
    }
}
