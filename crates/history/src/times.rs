//! Ascending time stamps, ms, shared by all series that were read together.
//!
//! ```text
//! count, first, then 0: the intervals (see `numbers`)
//!                 or 1: a period, length and bytes of how many periods each interval is, how far each time is off
//! ```
//! Polling is regular, but each poll is some milliseconds late. An interval is the difference of two such delays; how far a
//! time is off its period is one of them, and takes half a bit to a bit less.

use crate::bytes::{Cursor, Undecodable, put_bytes, put_len, put_signed};
use crate::numbers::{self, Effort};

const INTERVALS: u8 = 0;
const PERIODS: u8 = 1;

/// The bytes of ascending `times`.
pub(crate) fn encode(times: &[i64], effort: Effort) -> Vec<u8> {
    let mut out = Vec::new();
    put_len(&mut out, times.len());
    let Some(first) = times.first() else { return out };
    put_signed(&mut out, *first);
    let intervals: Vec<i64> = times.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    let plain = numbers::encode(&intervals, effort);
    match periods(*first, &intervals, effort) {
        Some(periods) if periods.len() < plain.len() => {
            out.push(PERIODS);
            out.extend(periods);
        }
        _ => {
            out.push(INTERVALS);
            out.extend(plain);
        }
    }
    out
}

/// The second form; `None` where there is no period.
fn periods(first: i64, intervals: &[i64], effort: Effort) -> Option<Vec<u8>> {
    let mut sorted = intervals.to_vec();
    sorted.sort_unstable();
    let period = *sorted.get(sorted.len() / 2).filter(|period| **period > 1)?;
    let (mut at, mut grid) = (first, first);
    let (mut steps, mut off) = (Vec::with_capacity(intervals.len()), Vec::with_capacity(intervals.len()));
    for interval in intervals {
        at = at.wrapping_add(*interval);
        let step = at.wrapping_sub(grid).wrapping_add(period / 2).div_euclid(period);
        grid = grid.wrapping_add(step.wrapping_mul(period));
        steps.push(step);
        off.push(at.wrapping_sub(grid));
    }
    let mut out = Vec::new();
    put_signed(&mut out, period);
    put_bytes(&mut out, &numbers::encode(&steps, effort));
    out.extend(numbers::encode(&off, effort));
    Some(out)
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
    let first = cursor.signed()?;
    let mut times = Vec::with_capacity(count);
    times.push(first);
    match cursor.byte()? {
        INTERVALS => {
            let mut at = first;
            times.extend(numbers::decode(cursor.0, count - 1)?.into_iter().map(|interval| {
                at = at.wrapping_add(interval);
                at
            }));
        }
        PERIODS => {
            let (period, mut grid) = (cursor.signed()?, first);
            let steps = numbers::decode(cursor.bytes()?, count - 1)?;
            let off = numbers::decode(cursor.0, count - 1)?;
            times.extend(steps.into_iter().zip(off).map(|(step, off)| {
                grid = grid.wrapping_add(step.wrapping_mul(period));
                grid.wrapping_add(off)
            }));
        }
        _ => return Err(Undecodable),
    }
    if times.is_sorted_by(|one, next| one < next) { Ok(times) } else { Err(Undecodable) }
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
