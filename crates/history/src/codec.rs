//! Bytes of stored columns: variable-length integers of differences.
//!
//! ```text
//! times   count, first, then for each the change of the interval       regular polling costs one byte each
//! numbers 0: first, then differences                                    whichever of the two is
//!         1: the same, a zero difference followed by how many more      shorter; a constant costs nothing
//! texts   2: dictionary (count, then length and bytes of each), then the indices as numbers
//! ```
//! All integers are LEB128, signed ones zigzag. Arithmetic wraps, so that any `i64` comes out as it went in. A decoder
//! takes any bytes: it never panics, and allocates no more than the caller's count allows.

use std::collections::HashMap;
use std::sync::Arc;

use crate::columns::{Stored, signed};

const PLAIN: u8 = 0;
const RUNS: u8 = 1;
const TEXTS: u8 = 2;

/// Bytes that are no column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Undecodable;

/// Appends an unsigned integer, seven bits a byte, lowest first.
pub(crate) fn put_unsigned(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Appends a signed integer: small magnitudes are short.
pub(crate) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_unsigned(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// Appends a length.
pub(crate) fn put_len(out: &mut Vec<u8>, len: usize) {
    put_unsigned(out, len as u64);
}

/// Reads what the `put_` functions wrote.
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn unsigned(&mut self) -> Result<u64, Undecodable> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(Undecodable)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Undecodable)
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Undecodable> {
        let number = self.unsigned()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A length or count of things that each take at least one of the remaining bytes.
    pub(crate) fn len(&mut self) -> Result<usize, Undecodable> {
        let len = usize::try_from(self.unsigned()?).map_err(|_| Undecodable)?;
        if len <= self.0.len() { Ok(len) } else { Err(Undecodable) }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Undecodable> {
        let len = self.len()?;
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Undecodable> {
        let (&byte, rest) = self.0.split_first().ok_or(Undecodable)?;
        self.0 = rest;
        Ok(byte)
    }
}

/// The bytes of ascending time stamps, ms.
pub(crate) fn encode_times(times: impl ExactSizeIterator<Item = i64>) -> Vec<u8> {
    let mut out = Vec::with_capacity(times.len() + 16);
    put_len(&mut out, times.len());
    let (mut previous, mut interval) = (0i64, 0i64);
    for at in times {
        let step = at.wrapping_sub(previous);
        put_signed(&mut out, step.wrapping_sub(interval));
        (previous, interval) = (at, step);
    }
    out
}

/// The time stamps in `bytes`, strictly ascending.
pub(crate) fn decode_times(bytes: &[u8]) -> Result<Vec<i64>, Undecodable> {
    let mut cursor = Cursor(bytes);
    let count = cursor.len()?;
    let mut times = Vec::with_capacity(count);
    let (mut previous, mut interval) = (0i64, 0i64);
    for _ in 0..count {
        interval = interval.wrapping_add(cursor.signed()?);
        previous = previous.wrapping_add(interval);
        if times.last().is_some_and(|last| *last >= previous) {
            return Err(Undecodable);
        }
        times.push(previous);
    }
    Ok(times)
}

/// The bytes of the values of one column, all numbers or all texts.
pub(crate) fn encode_values<'a>(values: impl Iterator<Item = &'a Stored>) -> Vec<u8> {
    let mut numbers = Vec::new();
    let mut dictionary: Vec<&str> = Vec::new();
    let mut indices: HashMap<&str, i64> = HashMap::new();
    for value in values {
        numbers.push(match value {
            Stored::Number(number) => *number,
            Stored::Text(text) => *indices.entry(text).or_insert_with(|| {
                dictionary.push(text);
                signed(dictionary.len()) - 1
            }),
        });
    }
    if dictionary.is_empty() {
        return encode_numbers(&numbers);
    }
    let mut out = vec![TEXTS];
    put_len(&mut out, dictionary.len());
    for text in dictionary {
        put_len(&mut out, text.len());
        out.extend_from_slice(text.as_bytes());
    }
    out.extend(encode_numbers(&numbers));
    out
}

/// The `count` values in `bytes`.
pub(crate) fn decode_values(bytes: &[u8], count: usize) -> Result<Vec<Stored>, Undecodable> {
    let mut cursor = Cursor(bytes);
    let tag = cursor.byte()?;
    if tag != TEXTS {
        return decode_numbers(tag, &mut cursor, count, Stored::Number);
    }
    let texts = (0..cursor.len()?)
        .map(|_| std::str::from_utf8(cursor.bytes()?).map(Arc::<str>::from).map_err(|_| Undecodable))
        .collect::<Result<Vec<_>, _>>()?;
    let tag = cursor.byte()?;
    decode_numbers(tag, &mut cursor, count, |index| usize::try_from(index).ok())?
        .into_iter()
        .map(|index| index.and_then(|index| texts.get(index)).cloned().map(Stored::Text).ok_or(Undecodable))
        .collect()
}

fn encode_numbers(numbers: &[i64]) -> Vec<u8> {
    let (mut plain, mut runs) = (vec![PLAIN], vec![RUNS]);
    plain.reserve(numbers.len() + numbers.len() / 2);
    let (mut previous, mut zeros) = (0i64, 0u64);
    for number in numbers {
        let difference = number.wrapping_sub(previous);
        previous = *number;
        put_signed(&mut plain, difference);
        if difference == 0 {
            zeros += 1;
            continue;
        }
        end_run(&mut runs, &mut zeros);
        put_signed(&mut runs, difference);
    }
    end_run(&mut runs, &mut zeros);
    if runs.len() < plain.len() { runs } else { plain }
}

fn end_run(runs: &mut Vec<u8>, zeros: &mut u64) {
    if *zeros > 0 {
        put_signed(runs, 0);
        put_unsigned(runs, *zeros - 1);
        *zeros = 0;
    }
}

fn decode_numbers<T: Clone>(
    tag: u8,
    cursor: &mut Cursor<'_>,
    count: usize,
    make: impl Fn(i64) -> T,
) -> Result<Vec<T>, Undecodable> {
    if tag > RUNS {
        return Err(Undecodable);
    }
    let mut values = Vec::with_capacity(count);
    let mut previous = 0i64;
    while values.len() < count {
        let difference = cursor.signed()?;
        previous = previous.wrapping_add(difference);
        values.push(make(previous));
        if tag == RUNS && difference == 0 {
            let more = usize::try_from(cursor.unsigned()?).map_err(|_| Undecodable)?;
            if more > count - values.len() {
                return Err(Undecodable);
            }
            values.resize(values.len() + more, make(previous));
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Constants, small steps and wild numbers, as real columns mix them.
    fn numbers() -> impl Strategy<Value = Vec<i64>> {
        let run = (prop_oneof![-3i64..3, any::<i64>()], 1usize..6);
        prop::collection::vec(run, 0..40)
            .prop_map(|runs| runs.into_iter().flat_map(|(value, times)| vec![value; times]).collect())
    }

    proptest! {
        #[test]
        fn numbers_come_out_as_they_went_in(numbers in numbers()) {
            let stored: Vec<Stored> = numbers.into_iter().map(Stored::Number).collect();
            prop_assert_eq!(decode_values(&encode_values(stored.iter()), stored.len()), Ok(stored));
        }

        #[test]
        fn texts_come_out_as_they_went_in(texts in prop::collection::vec("[a-c]{0,2}|\\PC{0,9}", 1..30)) {
            let stored: Vec<Stored> = texts.iter().map(|text| Stored::Text(Arc::from(text.as_str()))).collect();
            prop_assert_eq!(decode_values(&encode_values(stored.iter()), stored.len()), Ok(stored));
        }

        #[test]
        fn times_come_out_as_they_went_in(times in prop::collection::btree_set(any::<i64>(), 0..50)) {
            let times: Vec<i64> = times.into_iter().collect();
            prop_assert_eq!(decode_times(&encode_times(times.iter().copied())), Ok(times));
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60), count in 0usize..100) {
            if let Ok(values) = decode_values(&bytes, count) {
                prop_assert_eq!(values.len(), count);
            }
            if let Ok(times) = decode_times(&bytes) {
                prop_assert!(times.len() <= bytes.len());
            }
        }
    }

    #[test]
    fn a_constant_column_costs_a_few_bytes_and_regular_times_one_each() {
        let constant = vec![Stored::Number(230); 8_192];
        assert!(encode_values(constant.iter()).len() < 8);
        let times = encode_times((0..1_000usize).map(|poll| 1_800_000_000_000 + signed(poll) * 10_000));
        assert!(times.len() < 1_000 + 16, "{}", times.len());
    }
}
