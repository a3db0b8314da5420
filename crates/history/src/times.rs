//! Ascending time stamps, ms, shared by all series that were read together: count, first, then the intervals.

use crate::bytes::{Cursor, Undecodable, put_len, put_signed};
use crate::numbers::{self, Effort};

/// The bytes of ascending `times`.
pub(crate) fn encode(times: &[i64], effort: Effort) -> Vec<u8> {
    let mut out = Vec::new();
    put_len(&mut out, times.len());
    let Some(first) = times.first() else { return out };
    put_signed(&mut out, *first);
    let intervals: Vec<i64> = times.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    out.extend(numbers::encode(&intervals, effort));
    out
}

/// The time stamps in `bytes`, strictly ascending, at most `most`.
pub(crate) fn decode(bytes: &[u8], most: usize) -> Result<Vec<i64>, Undecodable> {
    let mut cursor = Cursor(bytes);
    let count = cursor.count()?;
    if count == 0 {
        return Ok(Vec::new());
    }
    if count > most {
        return Err(Undecodable);
    }
    let mut at = cursor.signed()?;
    let mut times = Vec::with_capacity(count);
    times.push(at);
    for interval in numbers::decode(cursor.0, count - 1)? {
        // What is not ascending is no list of ours; the difference of two i64 may wrap and is one all the same.
        let next = at.wrapping_add(interval);
        if next <= at {
            return Err(Undecodable);
        }
        at = next;
        times.push(at);
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn times_come_out_as_they_went_in(times in prop::collection::btree_set(any::<i64>(), 0..50)) {
            let times: Vec<i64> = times.into_iter().collect();
            prop_assert_eq!(decode(&encode(&times, Effort::Seal), 50), Ok(times));
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(times) = decode(&bytes, 1_000) {
                prop_assert!(times.is_sorted() && times.len() <= 1_000);
            }
        }
    }

    #[test]
    fn regular_times_cost_next_to_nothing_and_jitter_less_than_a_byte() {
        let regular: Vec<i64> = (0..8_640).map(|poll| 1_800_000_000_000 + poll * 10_000).collect();
        assert!(encode(&regular, Effort::Seal).len() < 20);
        let jittered: Vec<i64> =
            regular.iter().map(|at| at + (at / 10_000).wrapping_mul(7_919 * 104_729) % 50).collect();
        assert!(encode(&jittered, Effort::Seal).len() < 8_640, "{}", encode(&jittered, Effort::Seal).len());
    }
}
