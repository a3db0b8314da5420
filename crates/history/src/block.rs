//! The values of one series in one part of time, as bytes.
//!
//! ```text
//! flags (1: some times are skipped, 2: texts), decimals,
//! [count and distances of the skipped times,] [count, length and bytes of the texts,]
//! the numbers (see `numbers`; of texts their indices), CRC32C of the row's id and all before
//! ```
//! The times are a row of their own, shared by all series that were read together; a series that missed a few of them
//! says which.

use std::ops::Range;
use std::sync::Arc;

use crate::bytes::{Cursor, Undecodable, put_bytes, put_len};
use crate::numbers::{self, Effort};
use crate::point::{Point, Stored};

const SKIPS: u8 = 1;
const TEXTS: u8 = 2;

/// Times in one part at most: what damaged bytes may claim.
pub(crate) const TIMES_MAX: usize = 1 << 24;

/// The values without their times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Values {
    pub(crate) decimals: u8,
    /// Indices of the times that have no value, ascending.
    pub(crate) skips: Vec<usize>,
    /// What the numbers stand for, if anything.
    pub(crate) texts: Vec<Arc<str>>,
    pub(crate) numbers: Vec<i64>,
}

/// Appends the checksum of a row's bytes.
pub(crate) fn seal_bytes(id: i64, bytes: &mut Vec<u8>) {
    let checksum = checksum(id, bytes);
    bytes.extend(checksum.to_le_bytes());
}

/// The bytes of a row without their checksum, if it is right.
pub(crate) fn open_bytes(id: i64, bytes: &[u8]) -> Result<&[u8], Undecodable> {
    let (body, found) = bytes.split_last_chunk::<4>().ok_or(Undecodable)?;
    if u32::from_le_bytes(*found) == checksum(id, body) { Ok(body) } else { Err(Undecodable) }
}

fn checksum(id: i64, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&id.to_le_bytes()), bytes)
}

impl Values {
    /// From the values of a series, in order.
    pub(crate) fn of<'a>(decimals: u8, skips: Vec<usize>, values: impl Iterator<Item = &'a Stored>) -> Self {
        let mut texts: Vec<Arc<str>> = Vec::new();
        let numbers = values.map(|value| match value {
            Stored::Number(number) => *number,
            Stored::Text(text) => {
                let known = texts.iter().position(|known| known == text);
                crate::point::signed(known.unwrap_or_else(|| {
                    texts.push(Arc::clone(text));
                    texts.len() - 1
                }))
            }
        });
        let numbers = numbers.collect();
        Self { decimals, skips, texts, numbers }
    }

    /// The bytes of row `id`.
    pub(crate) fn encode(&self, id: i64, effort: Effort) -> Vec<u8> {
        let flags =
            if self.skips.is_empty() { 0 } else { SKIPS } | if self.texts.is_empty() { 0 } else { TEXTS };
        let mut out = vec![flags, self.decimals];
        if !self.skips.is_empty() {
            put_len(&mut out, self.skips.len());
            let mut next = 0;
            for skip in &self.skips {
                put_len(&mut out, skip - next);
                next = skip + 1;
            }
        }
        if !self.texts.is_empty() {
            put_len(&mut out, self.texts.len());
            self.texts.iter().for_each(|text| put_bytes(&mut out, text.as_bytes()));
        }
        out.extend(numbers::encode(&self.numbers, effort));
        seal_bytes(id, &mut out);
        out
    }

    /// The values in the bytes of row `id`, which belong to `times` times.
    pub(crate) fn decode(id: i64, bytes: &[u8], times: usize) -> Result<Self, Undecodable> {
        let mut cursor = Cursor(open_bytes(id, bytes)?);
        let (flags, decimals) = (cursor.byte()?, cursor.byte()?);
        let mut skips = Vec::new();
        if flags & SKIPS != 0 {
            let mut next = 0usize;
            for _ in 0..cursor.len()? {
                let skip =
                    next.checked_add(cursor.count()?).filter(|skip| *skip < times).ok_or(Undecodable)?;
                skips.push(skip);
                next = skip + 1;
            }
        }
        let mut texts = Vec::new();
        if flags & TEXTS != 0 {
            for _ in 0..cursor.len()? {
                texts.push(Arc::from(std::str::from_utf8(cursor.bytes()?).map_err(|_| Undecodable)?));
            }
        }
        let numbers = numbers::decode(cursor.0, times - skips.len())?;
        Ok(Self { decimals, skips, texts, numbers })
    }

    /// The values with their times, of `times` those within `span`.
    pub(crate) fn points(self, times: &[i64], span: &Range<i64>) -> Result<Vec<Point>, Undecodable> {
        let Self { skips, texts, numbers, .. } = self;
        let start = times.partition_point(|at| *at < span.start);
        let end = times.partition_point(|at| *at < span.end).max(start);
        let skipped = |before: usize| skips.partition_point(|skip| *skip < before);
        let numbers = numbers.get(start - skipped(start)..end - skipped(end)).ok_or(Undecodable)?;
        let mut skips = skips[skipped(start)..].iter().peekable();
        let times = times.iter().enumerate().take(end).skip(start);
        let mut times = times.filter(|(index, _)| skips.next_if_eq(&index).is_none()).map(|(_, at)| *at);
        let stored = |number: i64| {
            if texts.is_empty() {
                return Ok(Stored::Number(number));
            }
            let text = usize::try_from(number).ok().and_then(|index| texts.get(index));
            text.cloned().map(Stored::Text).ok_or(Undecodable)
        };
        let points = numbers
            .iter()
            .map(|number| Ok(Point { at: times.next().ok_or(Undecodable)?, value: stored(*number)? }));
        points.collect()
    }
}

/// Which of `all` are not in `some`, by index; `None` if `some` has others or lacks more than a tenth.
pub(crate) fn skips(all: &[i64], some: &[i64]) -> Option<Vec<usize>> {
    if some.len() > all.len() || (all.len() - some.len()) * 10 > all.len() {
        return None;
    }
    let mut skips = Vec::new();
    let mut left = some.iter().peekable();
    for (index, at) in all.iter().enumerate() {
        if left.next_if_eq(&at).is_none() {
            skips.push(index);
        }
    }
    left.next().is_none().then_some(skips)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Vec<Stored>> {
        let numbers = prop::collection::vec(any::<i64>().prop_map(Stored::Number), 0..60);
        let texts =
            prop::collection::vec("[ab]{0,2}".prop_map(|text| Stored::Text(Arc::from(text.as_str()))), 0..60);
        prop_oneof![numbers, texts]
    }

    proptest! {
        #[test]
        fn values_come_out_as_they_went_in(values in value(), missed in prop::collection::btree_set(0usize..70, 0..6), id in any::<i64>(), from in -99i64..500) {
            let missed: Vec<usize> = missed.into_iter().filter(|index| *index < values.len()).collect();
            let times: Vec<i64> = (0..).map(|n: i64| n * 7).take(values.len() + missed.len()).collect();
            let kept = times.iter().enumerate().filter(|(index, _)| !missed.contains(index)).map(|(_, at)| *at);
            let points: Vec<_> = kept.zip(values.iter().cloned()).map(|(at, value)| Point { at, value }).collect();
            let bytes = Values::of(3, missed, values.iter()).encode(id, Effort::Seal);
            let read = Values::decode(id, &bytes, times.len()).expect("just encoded");
            prop_assert_eq!(read.decimals, 3);
            prop_assert_eq!(read.points(&times, &(from..from + 90)), Ok(points.into_iter().filter(|point| (from..from + 90).contains(&point.at)).collect::<Vec<_>>()));
            prop_assert_eq!(Values::decode(id.wrapping_add(1), &bytes, times.len()), Err(Undecodable));
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..80), times in 0usize..90) {
            seal_bytes(1, &mut bytes);
            if let Ok(values) = Values::decode(1, &bytes, times) {
                let times: Vec<i64> = (0..).take(times).collect();
                let _ = values.points(&times, &(3..50));
            }
        }

        #[test]
        fn skipped_times_are_those_that_are_missing(all in prop::collection::btree_set(0i64..90, 0..60), gone in prop::collection::vec(0usize..60, 0..4)) {
            let all: Vec<i64> = all.into_iter().collect();
            let some: Vec<i64> = all.iter().enumerate().filter(|(index, _)| !gone.contains(index)).map(|(_, at)| *at).collect();
            match skips(&all, &some) {
                Some(skips) => {
                    let left: Vec<i64> = all.iter().enumerate().filter(|(index, _)| !skips.contains(index)).map(|(_, at)| *at).collect();
                    prop_assert_eq!(&left, &some);
                }
                None => prop_assert!((all.len() - some.len()) * 10 > all.len()),
            }
            prop_assert_eq!(skips(&some, &[-1]), None);
        }
    }
}
