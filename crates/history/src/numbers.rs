//! A column of integers in the fewest bytes that one of a few codecs finds.
//!
//! ```text
//! 0 the one value of a constant column
//! 1 differences, as variable-length integers
//! 2 the same, compressed with zstd
//! 3 a standalone pco file
//! 4 the values themselves, as variable-length integers
//! 5 the same, compressed with zstd
//! ```
//! The count is the caller's. Arithmetic wraps, so that any `i64` comes out as it went in. Which codec is best differs with
//! the noise of a column: on a simulated month zstd over differences wins for most, pco for the noisiest.

use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress_into};

use crate::bytes::{Cursor, Undecodable, put_signed};

const CONSTANT: u8 = 0;
const DIFFERENCES: u8 = 1;
const DIFFERENCES_ZSTD: u8 = 2;
const PCO: u8 = 3;
const PLAIN: u8 = 4;
const PLAIN_ZSTD: u8 = 5;

/// Below so many values neither zstd nor pco repays its header.
const COMPRESSED_FROM: usize = 24;

/// Up to so many values their plain form is tried as well: rollups, whose rows owe little to those before.
const PLAIN_TO: usize = 1_024;

/// How hard to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Once a day, on the newest day.
    Seal,
    /// Once for ever, on a month.
    Compact,
}

impl Effort {
    fn zstd_level(self) -> i32 {
        match self {
            Self::Seal => 9,
            Self::Compact => 19,
        }
    }
}

/// The bytes of `values`.
pub(crate) fn encode(values: &[i64], effort: Effort) -> Vec<u8> {
    let first = values.first().copied().unwrap_or_default();
    if values.iter().all(|value| *value == first) {
        let mut out = vec![CONSTANT];
        put_signed(&mut out, first);
        return out;
    }
    let mut best = vec![DIFFERENCES];
    best.reserve(values.len() * 2);
    let mut previous = 0i64;
    for value in values {
        put_signed(&mut best, value.wrapping_sub(previous));
        previous = *value;
    }
    if values.len() >= COMPRESSED_FROM {
        let compressed = zstd_of(DIFFERENCES_ZSTD, &best, effort);
        best = shorter(best, compressed);
    }
    if values.len() <= PLAIN_TO {
        let mut plain = vec![PLAIN];
        for value in values {
            put_signed(&mut plain, *value);
        }
        if values.len() >= COMPRESSED_FROM {
            best = shorter(best, zstd_of(PLAIN_ZSTD, &plain, effort));
        }
        best = shorter(best, Some(plain));
    }
    if values.len() >= COMPRESSED_FROM {
        best = shorter(best, pco_of(values));
    }
    best
}

fn shorter(best: Vec<u8>, other: Option<Vec<u8>>) -> Vec<u8> {
    match other {
        Some(other) if other.len() < best.len() => other,
        _ => best,
    }
}

/// Of `tagged` (a tag and a body) the body compressed; a failure of the library only costs bytes.
fn zstd_of(tag: u8, tagged: &[u8], effort: Effort) -> Option<Vec<u8>> {
    let mut out = vec![tag];
    out.extend(zstd::bulk::compress(tagged.get(1..)?, effort.zstd_level()).ok()?);
    Some(out)
}

fn pco_of(values: &[i64]) -> Option<Vec<u8>> {
    let mut out = vec![PCO];
    out.extend(simple_compress(values, &ChunkConfig::default().with_compression_level(8)).ok()?);
    Some(out)
}

/// The `count` values in `bytes`.
pub(crate) fn decode(bytes: &[u8], count: usize) -> Result<Vec<i64>, Undecodable> {
    let (&tag, body) = bytes.split_first().ok_or(Undecodable)?;
    match tag {
        CONSTANT => {
            let mut cursor = Cursor(body);
            let value = cursor.signed()?;
            exhausted(cursor)?;
            Ok(vec![value; count])
        }
        DIFFERENCES => differences(body, count),
        DIFFERENCES_ZSTD => differences(&unzstd(body, count)?, count),
        PLAIN => plain(body, count),
        PLAIN_ZSTD => plain(&unzstd(body, count)?, count),
        PCO => {
            // Into room for as many as there should be, whatever the bytes claim.
            let mut values = vec![0i64; count];
            let done = simple_decompress_into(body, &mut values).map_err(|_| Undecodable)?;
            if done.finished && done.n_processed == count { Ok(values) } else { Err(Undecodable) }
        }
        _ => Err(Undecodable),
    }
}

fn differences(body: &[u8], count: usize) -> Result<Vec<i64>, Undecodable> {
    let mut values = plain(body, count)?;
    let mut previous = 0i64;
    for value in &mut values {
        previous = previous.wrapping_add(*value);
        *value = previous;
    }
    Ok(values)
}

fn plain(body: &[u8], count: usize) -> Result<Vec<i64>, Undecodable> {
    if count > body.len() {
        return Err(Undecodable);
    }
    let mut cursor = Cursor(body);
    let values = (0..count).map(|_| cursor.signed()).collect::<Result<_, _>>()?;
    exhausted(cursor)?;
    Ok(values)
}

fn exhausted(cursor: Cursor<'_>) -> Result<(), Undecodable> {
    if cursor.0.is_empty() { Ok(()) } else { Err(Undecodable) }
}

/// An integer takes at most ten bytes.
fn unzstd(body: &[u8], count: usize) -> Result<Vec<u8>, Undecodable> {
    zstd::bulk::decompress(body, count.saturating_mul(10)).map_err(|_| Undecodable)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Constants, small steps, noise and wild numbers, as real columns mix them.
    fn columns() -> impl Strategy<Value = Vec<i64>> {
        let run = (prop_oneof![-3i64..3, any::<i64>()], 1usize..40);
        let runs = prop::collection::vec(run, 0..40)
            .prop_map(|runs| runs.into_iter().flat_map(|(value, times)| vec![value; times]).collect());
        prop_oneof![
            runs,
            prop::collection::vec(-300i64..300, 0..1_500),
            prop::collection::vec(any::<i64>(), 0..60)
        ]
    }

    proptest! {
        #[test]
        fn numbers_come_out_as_they_went_in(values in columns(), hard in any::<bool>()) {
            let effort = if hard { Effort::Compact } else { Effort::Seal };
            prop_assert_eq!(decode(&encode(&values, effort), values.len()), Ok(values));
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(tag in 0u8..7, bytes in prop::collection::vec(any::<u8>(), 0..60), count in 0usize..100) {
            let mut tagged = vec![tag];
            tagged.extend(bytes);
            if let Ok(values) = decode(&tagged, count) {
                prop_assert_eq!(values.len(), count);
            }
        }

        /// A bit that flipped is found by the checksum of the block; here it must only do no harm.
        #[test]
        fn damaged_bytes_are_decoded_or_refused(values in columns(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut bytes = encode(&values, Effort::Seal);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(decoded) = decode(&bytes, values.len()) {
                prop_assert_eq!(decoded.len(), values.len());
            }
        }
    }

    #[test]
    fn each_codec_is_chosen_where_it_is_best() {
        let mut random = fastrand::Rng::with_seed(7);
        let rare: Vec<i64> = (0..8_640).map(|n| i64::from(n > 4_000) + i64::from(n > 6_000)).collect();
        let noisy: Vec<i64> = (0..8_640).map(|_| random.i64(0..4_096)).collect();
        let tag = |values: &[i64]| encode(values, Effort::Seal)[0];
        assert_eq!(tag(&vec![230; 8_640]), CONSTANT);
        assert_eq!(tag(&[1, 2, 4]), DIFFERENCES);
        assert_eq!(tag(&[60, -60, 60, -60]), PLAIN);
        assert_eq!(tag(&rare), DIFFERENCES_ZSTD);
        assert_eq!(tag(&noisy), PCO);
        assert!(encode(&rare, Effort::Seal).len() < 40);
    }
}
