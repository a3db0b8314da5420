//! One summary per hour of a series of numbers: kept for ever, and what a chart of a year is drawn from.
//!
//! ```text
//! version 1, decimals, whether a counter, starts (see `times`), then columns (see `numbers`, each with its length):
//! count, mean, mean - min, max - mean, last - mean, covered; of a counter also first - min, max - top,
//! max - min - increase, resets; CRC32C of the row's id and all before
//! ```
//! The columns are differences from what is expected, so that most are small or constant.

use crate::bucket::{Filling, Summary, step_of};
use crate::bytes::{Cursor, Undecodable, put_bytes};
use crate::growth::{Grown, Growth};
use crate::numbers::{self, Effort};
use crate::times;

/// How long each summary is, ms.
pub(crate) const HOUR_MS: i64 = 3_600_000;

const VERSION: u8 = 1;

/// Hours of one part at most; a month has 745.
const HOURS_MAX: usize = 100_000;

/// One hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hour {
    pub(crate) start: i64,
    pub(crate) summary: Summary,
    /// Of a counter.
    pub(crate) grown: Option<Grown>,
}

/// The hours of one part of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rollup {
    pub(crate) decimals: u8,
    pub(crate) is_counter: bool,
    pub(crate) hours: Vec<Hour>,
}

impl Rollup {
    /// From the points of a part that begins at `origin`: hours are counted from there, so that a day of the site is
    /// made of whole ones in any zone.
    pub(crate) fn of(
        points: impl Iterator<Item = (i64, i64)>,
        origin: i64,
        decimals: u8,
        is_counter: bool,
    ) -> Self {
        let mut hours = Vec::new();
        let mut filling: Option<(Filling, Growth, i64)> = None;
        for (at, number) in points {
            if filling.as_ref().is_none_or(|(hour, ..)| !hour.span.contains(&at)) {
                hours.extend(filling.take().map(|full| hour(full, is_counter)));
                let span = step_of(at.saturating_sub(origin), HOUR_MS);
                let span = span.start.saturating_add(origin)..span.end.saturating_add(origin);
                filling = Some((Filling::new(span), Growth::default(), number));
            }
            if let Some((hour, growth, _)) = &mut filling {
                hour.add(at, number);
                growth.add(number);
            }
        }
        hours.extend(filling.map(|full| hour(full, is_counter)));
        Self { decimals, is_counter, hours }
    }

    /// Adds hours of `older` that are not here, or that knew more values.
    pub(crate) fn keep(&mut self, mut older: Self) {
        let decimals = self.decimals.max(older.decimals);
        self.refine(decimals);
        older.refine(decimals);
        for hour in older.hours {
            match self.hours.binary_search_by_key(&hour.start, |own| own.start) {
                Ok(index) if self.hours[index].summary.count < hour.summary.count => self.hours[index] = hour,
                Ok(_) => {}
                Err(index) => self.hours.insert(index, hour),
            }
        }
    }

    /// Brings the numbers to `decimals`, which are as many or more.
    pub(crate) fn refine(&mut self, decimals: u8) {
        let finer = crate::point::factor(decimals.saturating_sub(self.decimals));
        self.decimals = self.decimals.max(decimals);
        if finer == 1 {
            return;
        }
        for hour in &mut self.hours {
            hour.summary.refine(finer);
            if let Some(grown) = &mut hour.grown {
                for number in [&mut grown.first, &mut grown.top, &mut grown.increase] {
                    *number = number.saturating_mul(finer);
                }
            }
        }
    }

    /// The bytes of row `id`.
    pub(crate) fn encode(&self, id: i64, effort: Effort) -> Vec<u8> {
        let mut out = vec![VERSION, self.decimals, u8::from(self.is_counter)];
        let starts: Vec<i64> = self.hours.iter().map(|hour| hour.start).collect();
        put_bytes(&mut out, &times::encode(&starts, effort));
        let count = if self.is_counter { 10 } else { 6 };
        for column in 0..count {
            let values: Vec<i64> = self.hours.iter().map(|hour| columns(hour)[column]).collect();
            put_bytes(&mut out, &numbers::encode(&values, effort));
        }
        crate::block::seal_bytes(id, &mut out);
        out
    }

    /// The hours in the bytes of row `id`.
    pub(crate) fn decode(id: i64, bytes: &[u8]) -> Result<Self, Undecodable> {
        let mut cursor = Cursor(crate::block::open_bytes(id, bytes)?);
        if cursor.byte()? != VERSION {
            return Err(Undecodable);
        }
        let (decimals, is_counter) = (cursor.byte()?, cursor.byte()? == 1);
        let starts = times::decode(cursor.bytes()?, HOURS_MAX)?;
        let count = if is_counter { 10 } else { 6 };
        let columns = (0..count)
            .map(|_| numbers::decode(cursor.bytes()?, starts.len()))
            .collect::<Result<Vec<_>, _>>()?;
        let hours = starts.into_iter().enumerate();
        let hours = hours
            .map(|(index, start)| from_columns(start, |column| columns.get(column).map(|all| all[index])));
        Ok(Self { decimals, is_counter, hours: hours.collect() })
    }
}

fn hour((filling, growth, first): (Filling, Growth, i64), is_counter: bool) -> Hour {
    let start = filling.span.start;
    Hour { start, summary: filling.summary(), grown: is_counter.then(|| growth.grown(first)) }
}

/// The mean in the unit of the values.
fn whole_mean(summary: &Summary) -> i64 {
    summary.mean.div_euclid(100)
}

fn columns(hour: &Hour) -> [i64; 10] {
    let Hour { summary, grown, .. } = hour;
    let mean = whole_mean(summary);
    let grown = grown.unwrap_or(Grown { first: summary.min, top: summary.max, increase: 0, resets: 0 });
    [
        summary.count.cast_signed(),
        summary.mean,
        mean.wrapping_sub(summary.min),
        summary.max.wrapping_sub(mean),
        summary.last.wrapping_sub(mean),
        summary.covered_s,
        grown.first.wrapping_sub(summary.min),
        summary.max.wrapping_sub(grown.top),
        summary.max.wrapping_sub(summary.min).wrapping_sub(grown.increase),
        grown.resets.cast_signed(),
    ]
}

fn from_columns(start: i64, column: impl Fn(usize) -> Option<i64>) -> Hour {
    let number = |index| column(index).unwrap_or_default();
    let mut summary = Summary {
        count: number(0).cast_unsigned(),
        min: 0,
        max: 0,
        last: 0,
        mean: number(1),
        covered_s: number(5),
    };
    let mean = whole_mean(&summary);
    summary.min = mean.wrapping_sub(number(2));
    summary.max = mean.wrapping_add(number(3));
    summary.last = mean.wrapping_add(number(4));
    let grown = column(6).map(|first| Grown {
        first: summary.min.wrapping_add(first),
        top: summary.max.wrapping_sub(number(7)),
        increase: summary.max.wrapping_sub(summary.min).wrapping_sub(number(8)),
        resets: number(9).cast_unsigned(),
    });
    Hour { start, summary, grown }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn hours_come_out_as_they_went_in(
            points in prop::collection::btree_map(0i64..90_000_000, -5_000i64..5_000, 1..200), is_counter in any::<bool>(),
            origin in 0i64..4_000_000, id in any::<i64>(),
        ) {
            let rollup = Rollup::of(points.into_iter(), origin, 2, is_counter);
            let read = Rollup::decode(id, &rollup.encode(id, Effort::Seal)).expect("just encoded");
            prop_assert_eq!(read, rollup);
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            crate::block::seal_bytes(5, &mut bytes);
            let _ = Rollup::decode(5, &bytes);
        }
    }

    #[test]
    fn an_hour_that_knew_more_is_kept() {
        let hour = |n: i64, at: i64| Rollup::of((0..n).map(|k| (at + k, k)), 0, 0, false);
        let mut now = hour(3, 0);
        now.keep(hour(9, 0));
        now.keep(hour(2, HOUR_MS));
        now.keep(hour(1, 0));
        let counts: Vec<_> = now.hours.iter().map(|hour| (hour.start, hour.summary.count)).collect();
        assert_eq!(counts, [(0, 9), (HOUR_MS, 2)]);
    }
}
