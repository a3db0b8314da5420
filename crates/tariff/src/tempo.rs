//! EDF's Tempo tariff: a colour a day, a price for the peak hours (HP) and one for the off-peak hours (HC) of each.
//!
//! ```text
//!            06:00 D                       22:00 D              06:00 D+1
//! ------------|---- HP, colour of D ---------|---- HC, colour of D ---|----
//! HC of D-1   |                              |                        |   HP of D+1
//! ```
//!
//! Bounds are times on the wall clock in Paris. The off-peak stretch therefore lasts 9 h in the night in which the clock is
//! set back, and 7 h in the one in which it is set forward.

mod calendar;
mod colours;
mod odds;
mod prices;
mod replay;
mod resolve;
mod rte;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use ohmstead_model::{TempoColour, TimeSpan, UnixMillis};

use crate::civil;

pub use calendar::{Season, easter, is_holiday};
pub use colours::{Assumed, Colours, Tally, UNKNOWN_IS_RED_FROM};
pub use odds::Odds;
pub use prices::{BUILT_IN, Grid, HoursPrice, PriceTable, Tempo};
pub use replay::{PUBLISHED_AT, known_at};
pub use resolve::import_prices;
pub use rte::NetLoad;

/// When a tariff day, and with it its peak hours, begins.
pub const DAY_BEGINS: Time = Time::constant(6, 0, 0, 0);

/// When its peak hours end.
pub const PEAK_ENDS: Time = Time::constant(22, 0, 0, 0);

/// The zone of the tariff, wherever the machine stands.
pub fn paris() -> TimeZone {
    TimeZone::get("Europe/Paris").expect("the zone database is compiled in")
}

/// The two kinds of hours of a tariff day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hours {
    /// Heures creuses, 22:00 to 06:00.
    OffPeak,
    /// Heures pleines, 06:00 to 22:00.
    Peak,
}

/// What a kilowatt hour is charged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Colour of the tariff day.
    pub colour: TempoColour,
    /// Kind of hours.
    pub hours: Hours,
}

/// The tariff day of a date: from 06:00 of that date until 06:00 of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TariffDay(pub Date);

impl TariffDay {
    /// The tariff day that holds an instant.
    pub fn at(instant: UnixMillis) -> Option<Self> {
        Self::of_civil(civil::on_wall(instant, &paris())?).map(|(day, _)| day)
    }

    /// The tariff day and kind of hours of a time on the wall clock.
    pub(crate) fn of_civil(civil: DateTime) -> Option<(Self, Hours)> {
        let time = civil.time();
        if time < DAY_BEGINS {
            return Some((Self(civil.date().yesterday().ok()?), Hours::OffPeak));
        }
        let hours = if time < PEAK_ENDS { Hours::Peak } else { Hours::OffPeak };
        Some((Self(civil.date()), hours))
    }

    /// From when until when it lasts: 23, 24 or 25 hours.
    pub fn span(self) -> Option<TimeSpan> {
        let [peak, off_peak] = self.stretches()?;
        Some(TimeSpan::new(peak.start, off_peak.end))
    }

    /// Its peak and its off-peak hours, with what each is charged by.
    pub fn periods(self, colour: TempoColour) -> Option<[(TimeSpan, Rate); 2]> {
        let [peak, off_peak] = self.stretches()?;
        Some([
            (peak, Rate { colour, hours: Hours::Peak }),
            (off_peak, Rate { colour, hours: Hours::OffPeak }),
        ])
    }

    fn stretches(self) -> Option<[TimeSpan; 2]> {
        let zone = paris();
        let at = |date: Date, time| civil::instant(date.to_datetime(time), &zone);
        let (begin, turn) = (at(self.0, DAY_BEGINS)?, at(self.0, PEAK_ENDS)?);
        let end = at(self.0.tomorrow().ok()?, DAY_BEGINS)?;
        Some([TimeSpan::new(begin, turn), TimeSpan::new(turn, end)])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::civil::tests::ms;

    #[rstest]
    #[case::ordinary("2026-01-15", "2026-01-15T05:00:00Z", 16.0, 8.0)]
    #[case::set_forward_in_its_night("2025-03-29", "2025-03-29T05:00:00Z", 16.0, 7.0)]
    #[case::after_it("2025-03-30", "2025-03-30T04:00:00Z", 16.0, 8.0)]
    #[case::set_back_in_its_night("2024-10-26", "2024-10-26T04:00:00Z", 16.0, 9.0)]
    #[case::after_it("2024-10-27", "2024-10-27T05:00:00Z", 16.0, 8.0)]
    fn bounds_are_times_on_the_wall(
        #[case] date: Date,
        #[case] begins: &str,
        #[case] peak_h: f64,
        #[case] off_peak_h: f64,
    ) {
        let [peak, off_peak] = TariffDay(date).periods(TempoColour::Red).unwrap();
        assert_eq!(peak.0.start, ms(begins));
        assert_eq!((peak.1.hours, off_peak.1.hours), (Hours::Peak, Hours::OffPeak));
        assert_eq!([Some(peak.0.hours()), Some(off_peak.0.hours())], [Some(peak_h), Some(off_peak_h)]);
        assert_eq!(TariffDay(date).span().unwrap(), TimeSpan::new(peak.0.start, off_peak.0.end));
    }

    #[rstest]
    #[case("2026-01-15T04:59:59Z", "2026-01-14")]
    #[case("2026-01-15T05:00:00Z", "2026-01-15")]
    #[case("2024-10-27T04:59:59Z", "2024-10-26")]
    #[case("2025-03-30T03:59:59Z", "2025-03-29")]
    fn the_night_belongs_to_the_day_before(#[case] at: &str, #[case] day: Date) {
        assert_eq!(TariffDay::at(ms(at)), Some(TariffDay(day)));
    }

    proptest! {
        #[test]
        fn every_instant_is_in_its_tariff_day(at in -80_000_000_000_000_i64..80_000_000_000_000) {
            let day = TariffDay::at(UnixMillis(at)).unwrap();
            prop_assert!(day.span().unwrap().contains(UnixMillis(at)));
        }

        #[test]
        fn nothing_panics_beyond_the_calendar(at in any::<i64>()) {
            let _ = TariffDay::at(UnixMillis(at)).and_then(TariffDay::span);
        }
    }
}
