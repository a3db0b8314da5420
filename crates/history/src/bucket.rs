//! Summaries per bucket, and which step to choose.
//!
//! A mean weighs each value by how long it was the newest, within its hour and bucket and for [`HOLD_MS`] at most: a device that is
//! polled at uneven times, or reports on change, gets the mean of its curve and not that of its reports.

use std::ops::Range;
use std::time::Duration;

use ohmstead_model::{Bucket, UnixMillis};

use crate::point::factor;

const SECOND_MS: i64 = 1_000;
const DAY_MS: i64 = 86_400 * SECOND_MS;

const HOUR_MS: i64 = 3_600 * SECOND_MS;

/// A value counts for so long at most.
const HOLD_MS: i64 = 300 * SECOND_MS;

/// Means are kept in hundredths of the stored unit.
const HUNDREDTHS: i64 = 100;

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

/// The step since the epoch that holds `at`, ms.
pub(crate) fn step_of(at: i64, step: i64) -> Range<i64> {
    let start = at.div_euclid(step).saturating_mul(step);
    start..start.saturating_add(step)
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

/// The numbers of one bucket, in stored units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) last: i64,
    /// In hundredths of the unit.
    pub(crate) mean: i64,
    /// For how long values counted, s.
    pub(crate) covered_s: i64,
}

/// A bucket being filled.
#[derive(Debug, Clone)]
pub(crate) struct Filling {
    pub(crate) span: Range<i64>,
    min: i64,
    max: i64,
    last: i64,
    count: u64,
    /// The time of the last value, while its weight is not known.
    open_since: Option<i64>,
    /// Hundredths of the unit times milliseconds.
    weighted: i128,
    weight_ms: i64,
}

impl Filling {
    /// An empty bucket; something must be added before it is finished.
    pub(crate) fn new(span: Range<i64>) -> Self {
        Self {
            span,
            min: i64::MAX,
            max: i64::MIN,
            last: 0,
            count: 0,
            open_since: None,
            weighted: 0,
            weight_ms: 0,
        }
    }

    /// Takes in a later value.
    pub(crate) fn add(&mut self, at: i64, number: i64) {
        self.close(at);
        self.min = self.min.min(number);
        self.max = self.max.max(number);
        (self.last, self.open_since) = (number, Some(at));
        self.count += 1;
    }

    /// Takes in the summary of a later part.
    pub(crate) fn add_summary(&mut self, start: i64, part: &Summary) {
        self.close(start);
        self.min = self.min.min(part.min);
        self.max = self.max.max(part.max);
        self.last = part.last;
        self.count += part.count;
        let weight_ms = part.covered_s.saturating_mul(SECOND_MS);
        self.weighted += i128::from(part.mean) * i128::from(weight_ms);
        self.weight_ms += weight_ms;
    }

    /// The last value counted until `at`.
    fn close(&mut self, at: i64) {
        let Some(since) = self.open_since.take() else { return };
        // Within its hour, so that an hour's summary says the same as its values do.
        let hour =
            step_of(since.saturating_sub(self.span.start), HOUR_MS).end.saturating_add(self.span.start);
        let weight_ms = at.min(hour).min(self.span.end).saturating_sub(since).clamp(1, HOLD_MS);
        self.weighted += i128::from(self.last) * i128::from(HUNDREDTHS) * i128::from(weight_ms);
        self.weight_ms += weight_ms;
    }

    /// The numbers of the bucket.
    pub(crate) fn summary(mut self) -> Summary {
        self.close(self.span.end);
        let weight = i128::from(self.weight_ms.max(1));
        let mean = (self.weighted + weight.div_euclid(2)).div_euclid(weight);
        Summary {
            count: self.count,
            min: self.min,
            max: self.max,
            last: self.last,
            mean: i64::try_from(mean).unwrap_or(if mean < 0 { i64::MIN } else { i64::MAX }),
            covered_s: ((self.weight_ms + SECOND_MS / 2) / SECOND_MS).max(1),
        }
    }

    /// The bucket in the unit of its metric.
    pub(crate) fn finish(self, decimals: u8) -> Bucket {
        let (at, scale) = (UnixMillis(self.span.start), factor(decimals) as f64);
        let summary = self.summary();
        Bucket {
            at,
            min: summary.min as f64 / scale,
            mean: summary.mean as f64 / HUNDREDTHS as f64 / scale,
            max: summary.max as f64 / scale,
            last: summary.last as f64 / scale,
            count: summary.count,
        }
    }
}

impl Summary {
    /// The same in a unit that is `factor` times finer.
    pub(crate) fn refine(&mut self, factor: i64) {
        for number in [&mut self.min, &mut self.max, &mut self.last, &mut self.mean] {
            *number = number.saturating_mul(factor);
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
        assert_eq!(step_of(-1, 10_000), -10_000..0);
        assert_eq!(step_of(-10_000, 10_000), -10_000..0);
        assert_eq!(step_of(9_999, 10_000), 0..10_000);
    }

    /// Values at uneven times, in a bucket of an hour.
    #[rstest]
    // One minute of 0, then 100 for the four that it counts at most.
    #[case(&[(0, 0), (60, 100)], 83.33, 360)]
    // Ten reports within a second weigh no more than one.
    #[case(&[(0, 0), (60, 100), (61, 100), (62, 100), (63, 100), (120, 0)], 14.29, 420)]
    // Near the end of the bucket only what is left of it counts.
    #[case(&[(3_000, 0), (3_540, 100)], 16.67, 360)]
    #[case(&[(3_599, -7)], -7.0, 1)]
    fn a_mean_weighs_values_by_their_time(
        #[case] values: &[(i64, i64)],
        #[case] mean: f64,
        #[case] covered_s: i64,
    ) {
        let mut filling = Filling::new(0..3_600_000);
        for (at, number) in values {
            filling.add(at * 1_000, *number);
        }
        assert_eq!(filling.clone().summary().covered_s, covered_s);
        let found = filling.finish(0).mean;
        assert!((found - mean).abs() < 0.005, "{found}");
    }

    #[test]
    fn summaries_of_parts_add_up() {
        let (mut whole, mut parts) = (Filling::new(0..7_200_000), Filling::new(0..7_200_000));
        for hour in [0..3_600_000i64, 3_600_000..7_200_000] {
            let mut part = Filling::new(hour.clone());
            for at in hour.clone().step_by(10_000) {
                part.add(at, at / 1_000);
                whole.add(at, at / 1_000);
            }
            parts.add_summary(hour.start, &part.summary());
        }
        assert_eq!(whole.finish(1), parts.finish(1));
    }
}
