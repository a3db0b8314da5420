//! Days, weeks and months of the site, as spans of milliseconds. A day has 23, 24 or 25 hours.

use std::ops::Range;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use ohmstead_model::CalendarUnit;

const DAY_MS: i64 = 86_400_000;

/// The site's calendar.
#[derive(Debug, Clone)]
pub(crate) struct Calendar(pub(crate) TimeZone);

impl Calendar {
    /// The unit of the calendar that holds `at`: start included, end excluded. Beyond the years that have names, days of
    /// 24 hours since the epoch.
    pub(crate) fn span(&self, unit: CalendarUnit, at: i64) -> Range<i64> {
        self.named_span(unit, at).unwrap_or_else(|| {
            let start = at.div_euclid(DAY_MS).saturating_mul(DAY_MS);
            start..start.saturating_add(DAY_MS)
        })
    }

    /// The day that holds `at`.
    pub(crate) fn day(&self, at: i64) -> Range<i64> {
        self.span(CalendarUnit::Day, at)
    }

    /// The month that holds `at`.
    pub(crate) fn month(&self, at: i64) -> Range<i64> {
        self.span(CalendarUnit::Month, at)
    }

    fn named_span(&self, unit: CalendarUnit, at: i64) -> Option<Range<i64>> {
        let date = self.0.to_datetime(Timestamp::from_millisecond(at).ok()?).date();
        let (first, next) = match unit {
            CalendarUnit::Day => (date, date.tomorrow().ok()?),
            CalendarUnit::Week => {
                let since_monday = date.weekday().to_monday_zero_offset();
                let monday = date.checked_sub(i64::from(since_monday).days()).ok()?;
                (monday, monday.checked_add(7.days()).ok()?)
            }
            CalendarUnit::Month => {
                let first = date.first_of_month();
                (first, first.checked_add(1.month()).ok()?)
            }
        };
        let span = self.midnight(first)?..self.midnight(next)?;
        // Where a day is skipped by law (Samoa, 2011), its midnight is the next day's.
        span.contains(&at).then_some(span)
    }

    fn midnight(&self, date: Date) -> Option<i64> {
        date.to_zoned(self.0.clone()).ok().map(|start| start.timestamp().as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn calendar(zone: &str) -> Calendar {
        Calendar(TimeZone::get(zone).expect("a zone"))
    }

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().expect("a time").as_millisecond()
    }

    #[rstest]
    #[case(
        "Europe/Paris",
        CalendarUnit::Day,
        "2026-11-30T12:00:00Z",
        "2026-11-29T23:00:00Z",
        "2026-11-30T23:00:00Z"
    )]
    #[case(
        "Europe/Paris",
        CalendarUnit::Day,
        "2026-03-29T12:00:00Z",
        "2026-03-28T23:00:00Z",
        "2026-03-29T22:00:00Z"
    )]
    #[case(
        "Europe/Paris",
        CalendarUnit::Day,
        "2026-10-25T12:00:00Z",
        "2026-10-24T22:00:00Z",
        "2026-10-25T23:00:00Z"
    )]
    #[case(
        "Europe/Paris",
        CalendarUnit::Week,
        "2026-10-25T22:59:59Z",
        "2026-10-18T22:00:00Z",
        "2026-10-25T23:00:00Z"
    )]
    #[case(
        "Europe/Paris",
        CalendarUnit::Month,
        "2026-03-01T00:00:00Z",
        "2026-02-28T23:00:00Z",
        "2026-03-31T22:00:00Z"
    )]
    #[case(
        "Asia/Kathmandu",
        CalendarUnit::Day,
        "2026-11-30T18:15:00Z",
        "2026-11-30T18:15:00Z",
        "2026-12-01T18:15:00Z"
    )]
    fn units_begin_at_local_midnight(
        #[case] zone: &str,
        #[case] unit: CalendarUnit,
        #[case] at: &str,
        #[case] start: &str,
        #[case] end: &str,
    ) {
        assert_eq!(calendar(zone).span(unit, ms(at)), ms(start)..ms(end));
    }

    proptest! {
        #[test]
        fn every_instant_is_in_its_unit_and_the_units_touch(
            at in any::<i64>(), near in -80_000_000_000_000i64..80_000_000_000_000,
            zone in prop::sample::select(vec!["Europe/Paris", "Pacific/Apia", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"]),
        ) {
            let calendar = calendar(zone);
            for unit in [CalendarUnit::Day, CalendarUnit::Week, CalendarUnit::Month] {
                prop_assert!(calendar.span(unit, at).contains(&at) || at >= i64::MAX - DAY_MS);
                let span = calendar.span(unit, near);
                prop_assert_eq!(calendar.span(unit, span.start), span.clone());
                prop_assert_eq!(calendar.span(unit, span.end - 1), span);
            }
        }
    }
}
