//! Prices of hours that are not published yet: what they were at this time of other days.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use ohmstead_model::{TimeSpan, Timeline, UnixMillis};

use crate::civil;

/// Prices are guessed for quarters of an hour, as the market trades them.
const STEP_MS: i64 = 900_000;

/// How many days are looked back on, and how many of them count at most.
const DAYS_BACK: usize = 14;
const DAYS_MAX: usize = 7;

/// So many days of the same kind (working day or weekend) are enough to leave the other kind out.
const SAME_KIND_MIN: usize = 2;

/// Guesses for the parts of `window` that `known` lacks: the mean at the same time on the clock of the last seven days that
/// have one, of working days or weekends only where there are enough of them. Where there is no such day, no guess. What is
/// no number is not known.
pub fn fill_missing(known: &Timeline<f64>, window: TimeSpan, zone: &TimeZone) -> Timeline<f64> {
    let numbers = known.slots().filter(|(_, price)| price.is_finite());
    let known = &Timeline::of(numbers.map(|(span, price)| (span, *price)));
    let mut guesses = Vec::new();
    for gap in known.gaps(window) {
        let mut start = gap.start;
        while start < gap.end {
            let next = start.0.div_euclid(STEP_MS).saturating_add(1).saturating_mul(STEP_MS);
            let slot = TimeSpan::new(start, UnixMillis(next).min(gap.end));
            if slot.is_empty() {
                break;
            }
            guesses.extend(guess(known, slot.start, zone).map(|price| (slot, price)));
            start = slot.end;
        }
    }
    Timeline::of(guesses)
}

fn guess(known: &Timeline<f64>, at: UnixMillis, zone: &TimeZone) -> Option<f64> {
    let civil = civil::on_wall(at, zone)?;
    let before = std::iter::successors(civil.date().yesterday().ok(), |date| date.yesterday().ok());
    let price_of = |date: Date| {
        let at = civil::instant(DateTime::from_parts(date, civil.time()), zone)?;
        known.at(at).copied()
    };
    let found: Vec<(Date, f64)> =
        before.take(DAYS_BACK).filter_map(|date| Some((date, price_of(date)?))).collect();
    let is_same_kind = |date: Date| is_weekend(date) == is_weekend(civil.date());
    let same_kind: Vec<f64> = found
        .iter()
        .filter(|(date, _)| is_same_kind(*date))
        .map(|(_, price)| *price)
        .take(DAYS_MAX)
        .collect();
    if same_kind.len() >= SAME_KIND_MIN {
        return mean(&same_kind);
    }
    mean(&found.iter().map(|(_, price)| *price).take(DAYS_MAX).collect::<Vec<_>>())
}

fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

fn mean(values: &[f64]) -> Option<f64> {
    let count = values.len();
    (count > 0).then(|| values.iter().sum::<f64>() / count as f64)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::civil::tests::{ms, paris, span};

    /// Hourly prices of whole UTC days: the hour on the clock in Paris, and 100 more at weekends.
    fn clock_prices(window: TimeSpan) -> Timeline<f64> {
        let starts = (window.start.0..window.end.0).step_by(3_600_000).map(UnixMillis);
        Timeline::of(starts.map(|start| {
            let civil = civil::on_wall(start, &paris()).unwrap();
            let price = f64::from(civil.hour()) + if is_weekend(civil.date()) { 100.0 } else { 0.0 };
            (TimeSpan::lasting(start, Duration::from_secs(3600)), price)
        }))
    }

    #[rstest]
    #[case::monday_from_working_days("2026-01-19T17:00:00Z", 18.0)]
    #[case::saturday_from_weekends("2026-01-24T17:20:00Z", 118.0)]
    fn by_the_kind_of_day(#[case] at: &str, #[case] expected: f64) {
        let known = clock_prices(span("2026-01-05T00:00:00Z", "2026-01-19T00:00:00Z"));
        let window = span("2026-01-19T00:00:00Z", "2026-01-25T00:00:00Z");
        let guesses = fill_missing(&known, window, &paris());
        assert_eq!(guesses.at(ms(at)), Some(&expected));
        assert!(guesses.gaps(window).is_empty());
    }

    #[test]
    fn by_the_clock_over_its_change() {
        // The clock is set forward on 29 March: 18:00 is an hour earlier in UTC.
        let known = clock_prices(span("2026-03-20T00:00:00Z", "2026-03-29T00:00:00Z"));
        let guesses = fill_missing(&known, span("2026-03-30T00:00:00Z", "2026-03-31T00:00:00Z"), &paris());
        assert_eq!(guesses.at(ms("2026-03-30T16:00:00Z")), Some(&18.0));
    }

    #[test]
    fn one_weekend_day_is_not_enough() {
        let known = clock_prices(span("2026-01-15T00:00:00Z", "2026-01-18T00:00:00Z"));
        let guesses = fill_missing(&known, span("2026-01-18T00:00:00Z", "2026-01-19T00:00:00Z"), &paris());
        // Sunday noon: Thursday and Friday 12, Saturday 112.
        assert_eq!(guesses.at(ms("2026-01-18T11:00:00Z")), Some(&((12.0 + 12.0 + 112.0) / 3.0)));
    }

    #[test]
    fn what_is_known_is_not_guessed_and_nothing_comes_from_nothing() {
        let window = span("2026-01-18T00:00:00Z", "2026-01-19T00:00:00Z");
        assert!(fill_missing(&clock_prices(window), window, &paris()).is_empty());
        assert!(fill_missing(&Timeline::default(), window, &paris()).is_empty());
        let mut holed = clock_prices(span("2026-01-15T00:00:00Z", "2026-01-19T00:00:00Z"));
        holed.set(span("2026-01-18T11:00:00Z", "2026-01-18T12:00:00Z"), f64::NAN);
        let hole = fill_missing(&holed, window, &paris());
        assert_eq!(
            (hole.slots().len(), hole.at(ms("2026-01-18T11:59:00Z"))),
            (4, Some(&((12.0 + 12.0 + 112.0) / 3.0)))
        );
        let nan = Timeline::of([(span("2026-01-17T00:00:00Z", "2026-01-18T00:00:00Z"), f64::NAN)]);
        assert!(fill_missing(&nan, window, &paris()).is_empty());
    }

    proptest! {
        #[test]
        fn guesses_lie_in_gaps_and_within_what_was(
            slots in prop::collection::vec((0_i64..2000, 1_i64..40, -1.0..1.0), 0..40), start in 0_i64..2000,
        ) {
            let origin = ms("2026-03-15T00:00:00Z").0;
            let at = |slot: i64| UnixMillis(origin + slot * 600_000);
            let known = Timeline::of(slots.into_iter().map(|(start, length, price)| {
                (TimeSpan::new(at(start), at(start + length)), price)
            }));
            let window = TimeSpan::new(at(start), at(start + 200));
            for (slot, price) in fill_missing(&known, window, &paris()).slots() {
                prop_assert!(known.touching(slot).next().is_none());
                prop_assert!((-1.0..1.0).contains(price));
                prop_assert_eq!(slot.common(window), slot);
            }
        }
    }
}
