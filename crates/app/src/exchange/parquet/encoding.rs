//! How values are written in a page (<https://parquet.apache.org/docs/file-format/data-pages/encodings/>).

use std::collections::HashMap;

use super::thrift::{varint, zigzag};

/// Numbers that come in runs.
#[derive(Default)]
pub(super) struct Runs {
    runs: Vec<(u32, u32)>,
}

impl Runs {
    pub(super) fn push(&mut self, value: u32) {
        match self.runs.last_mut() {
            Some((same, count)) if *same == value => *count += 1,
            _ => self.runs.push((value, 1)),
        }
    }

    /// Which rows have a value (1) and which not (0).
    pub(super) fn levels(&self) -> Vec<u8> {
        let runs = self.encoded(1);
        let length = u32::try_from(runs.len()).expect("a group has far fewer rows");
        [length.to_le_bytes().as_slice(), &runs].concat()
    }

    /// `RLE`: for each run its length and its value, in as many bytes as `bits` need.
    fn encoded(&self, bits: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (value, count) in &self.runs {
            varint(&mut bytes, u64::from(*count) << 1);
            bytes.extend_from_slice(&value.to_le_bytes()[..bits.div_ceil(8).into()]);
        }
        bytes
    }
}

/// Texts of which there are few.
#[derive(Default)]
pub(super) struct Dictionary {
    places: HashMap<String, u32>,
    texts: Vec<String>,
    runs: Runs,
}

impl Dictionary {
    pub(super) fn push(&mut self, text: &str) {
        let place = self.places.get(text).copied().unwrap_or_else(|| {
            let place = u32::try_from(self.texts.len()).expect("a group has far fewer rows");
            self.places.insert(text.to_owned(), place);
            self.texts.push(text.to_owned());
            place
        });
        self.runs.push(place);
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// `PLAIN`: each text after its length.
    pub(super) fn entries(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for text in &self.texts {
            let length = u32::try_from(text.len()).expect("a text of the history is short");
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }

    /// `RLE_DICTIONARY`: the bits that a place takes, and the places.
    pub(super) fn indices(&self) -> Vec<u8> {
        let highest = u32::try_from(self.texts.len().saturating_sub(1)).unwrap_or(u32::MAX);
        // No bits at all are allowed, and not expected by every reader.
        let bits = width(highest.into()).max(1);
        let mut bytes = vec![bits];
        bytes.extend(self.runs.encoded(bits));
        bytes
    }
}

/// `PLAIN`.
pub(super) fn doubles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Values of a block, and of each of the parts that have a width of their own.
const BLOCK: usize = 128;
const PART: usize = 32;

/// `DELTA_BINARY_PACKED`: differences, less the smallest of their block, in as few bits as a part of the block needs.
pub(super) fn deltas(values: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in [BLOCK, BLOCK / PART, values.len()] {
        varint(&mut bytes, number as u64);
    }
    varint(&mut bytes, zigzag(values.first().copied().unwrap_or(0)));
    let differences: Vec<i64> = values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    for block in differences.chunks(BLOCK) {
        let least = block.iter().copied().min().unwrap_or(0);
        varint(&mut bytes, zigzag(least));
        let mut above: Vec<u64> =
            block.iter().map(|difference| difference.wrapping_sub(least).cast_unsigned()).collect();
        above.resize(above.len().next_multiple_of(PART), 0);
        let widths = above.chunks(PART).map(|part| width(part.iter().copied().max().unwrap_or(0)));
        let widths: Vec<u8> = widths.chain(std::iter::repeat(0)).take(BLOCK / PART).collect();
        bytes.extend_from_slice(&widths);
        for (part, bits) in above.chunks(PART).zip(widths) {
            pack(&mut bytes, part, bits);
        }
    }
    bytes
}

/// Values one after the other in `bits` each, low bits first.
fn pack(to: &mut Vec<u8>, values: &[u64], bits: u8) {
    let (mut waiting, mut count) = (0_u128, 0);
    for value in values {
        waiting |= u128::from(*value) << count;
        count += u32::from(bits);
        while count >= 8 {
            to.push(waiting.to_le_bytes()[0]);
            waiting >>= 8;
            count -= 8;
        }
    }
}

/// The bits that a number takes.
fn width(number: u64) -> u8 {
    u8::try_from(u64::BITS - number.leading_zeros()).expect("no number has more than 64")
}
