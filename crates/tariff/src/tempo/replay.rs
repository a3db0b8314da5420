//! What was known at an instant of the past, for replaying a season: RTE commits to a colour at 10:30 of the eve.

use jiff::civil::Time;
use ohmstead_model::UnixMillis;

use super::{Colours, paris};
use crate::civil;

/// When the colour of the next day is published for good. A signal before that can be wrong.
pub const PUBLISHED_AT: Time = Time::constant(10, 30, 0, 0);

/// The part of `colours` that was known at an instant: the days up to the one that the calendar shows, which holds the
/// tariff day that is running, and from 10:30 on the next one.
#[must_use]
pub fn known_at(colours: &Colours, instant: UnixMillis) -> Colours {
    let Some(civil) = civil::on_wall(instant, &paris()) else { return Colours::default() };
    let published = civil.time() >= PUBLISHED_AT;
    let last = if published { civil.date().tomorrow().unwrap_or(civil.date()) } else { civil.date() };
    colours.iter().take_while(|(date, _)| *date <= last).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};
    use rstest::rstest;

    use super::super::colours::tests::colours;
    use super::*;
    use crate::civil::tests::ms;

    #[rstest]
    #[case::before_it_is_published("2026-01-05T09:29:59Z", "2026-01-05")]
    #[case::published("2026-01-05T09:30:00Z", "2026-01-06")]
    #[case::at_night("2026-01-05T23:30:00Z", "2026-01-06")]
    #[case::in_summer("2026-07-05T08:30:00Z", "2026-07-06")]
    fn tomorrow_is_known_from_half_past_ten(#[case] now: &str, #[case] last: Date) {
        let all = colours(date(2025, 9, 1), &"b".repeat(365));
        assert_eq!(known_at(&all, ms(now)).iter().next_back().map(|(date, _)| date), Some(last));
    }

    #[test]
    fn the_day_that_is_running_is_always_known() {
        let all = colours(date(2026, 1, 1), &"r".repeat(30));
        for hour in 0..24 * 20 {
            let now = UnixMillis(ms("2026-01-05T00:00:00Z").0 + hour * 3_600_000);
            let today = super::super::TariffDay::at(now).unwrap();
            assert!(known_at(&all, now).get(today.0).is_some());
        }
    }
}
