//! Summaries per step, and which step to choose.
//!
//! Buckets are aligned to whole steps since the epoch. The mean is that of the values, not weighted by how long each
//! was valid; with regular polling the two are the same. (Weighting by time is left for later.)

use std::time::Duration;

use ohmstead_model::{Bucket, UnixMillis};

use crate::columns::factor;

const SECOND_MS: i64 = 1_000;
const DAY_MS: i64 = 86_400 * SECOND_MS;

/// The round steps that [`fitting_step`] chooses from, ms; beyond them, whole days.
const STEPS: [i64; 8] = [
    10 * SECOND_MS,
    30 * SECOND_MS,
    60 * SECOND_MS,
    300 * SECOND_MS,
    900 * SECOND_MS,
    3_600 * SECOND_MS,
    21_600 * SECOND_MS,
    DAY_MS,
];

/// The start of the step that holds `at`, ms.
pub(crate) fn start_of(at: i64, step: i64) -> i64 {
    at.div_euclid(step).saturating_mul(step)
}

/// The finest round step that cuts the values from `first` to `last` (included) into at most `most` buckets, ms.
pub(crate) fn fitting_step(first: i64, last: i64, most: usize) -> i64 {
    let fits = |step: i64| {
        let buckets = i128::from(last.div_euclid(step)) - i128::from(first.div_euclid(step)) + 1;
        buckets <= most.max(1) as i128
    };
    let days = (1..=36).map(|power| DAY_MS.saturating_mul(1 << power));
    STEPS.into_iter().chain(days).find(|step| fits(*step)).unwrap_or(i64::MAX)
}

/// A step as the model has it.
pub(crate) fn to_duration(step: i64) -> Duration {
    Duration::from_millis(step.unsigned_abs())
}

/// A bucket being filled, in stored units, so that sums are exact.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filling {
    pub(crate) at: i64,
    min: i64,
    max: i64,
    last: i64,
    sum: i128,
    count: u64,
}

impl Filling {
    pub(crate) fn new(at: i64, number: i64) -> Self {
        Self { at, min: number, max: number, last: number, sum: i128::from(number), count: 1 }
    }

    /// Takes in a later value.
    pub(crate) fn add(&mut self, number: i64) {
        self.min = self.min.min(number);
        self.max = self.max.max(number);
        self.last = number;
        self.sum += i128::from(number);
        self.count += 1;
    }

    pub(crate) fn finish(self, decimals: u8) -> Bucket {
        let scale = factor(decimals) as f64;
        Bucket {
            at: UnixMillis(self.at),
            min: self.min as f64 / scale,
            mean: self.sum as f64 / self.count as f64 / scale,
            max: self.max as f64 / scale,
            last: self.last as f64 / scale,
            count: self.count,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, 9_999, 1, 10_000)]
    #[case(0, 10_000, 1, 30_000)]
    #[case(5_000, 12_000, 1, 30_000)]
    #[case(0, DAY_MS - 1, 2_000, 60_000)]
    #[case(0, 365 * DAY_MS, 2_000, 21_600_000)]
    #[case(0, 365 * DAY_MS, 10, 64 * DAY_MS)]
    #[case(-1, 0, 1, i64::MAX)]
    #[case(i64::MIN, i64::MAX, 2, i64::MAX)]
    #[case(0, 0, 0, 10_000)]
    fn the_finest_step_that_fits(
        #[case] first: i64,
        #[case] last: i64,
        #[case] most: usize,
        #[case] step: i64,
    ) {
        assert_eq!(fitting_step(first, last, most), step);
    }

    #[test]
    fn steps_before_the_epoch_are_aligned_downwards() {
        assert_eq!(start_of(-1, 10_000), -10_000);
        assert_eq!(start_of(-10_000, 10_000), -10_000);
        assert_eq!(start_of(9_999, 10_000), 0);
    }
}
