//! The season of Tempo, its allowance of each colour, and the days that can have it.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use ohmstead_model::TempoColour;

/// A season: 1 September to 31 August.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Season {
    /// The year in which it begins.
    first_year: i16,
}

impl Season {
    /// The season of a date.
    pub fn of(date: Date) -> Self {
        Self { first_year: if date.month() >= 9 { date.year() } else { date.year() - 1 } }
    }

    /// Its first day.
    pub fn first(self) -> Option<Date> {
        Date::new(self.first_year, 9, 1).ok()
    }

    /// Its days in order: 365, or 366 with a 29 February.
    pub fn days(self) -> impl Iterator<Item = Date> {
        let last = Date::new(self.first_year.saturating_add(1), 8, 31).ok();
        let first = self.first().into_iter();
        first.flat_map(|first| first.series(1.day())).take_while(move |date| Some(*date) <= last)
    }

    /// How many days of a colour it has: 22 red ones, 43 white ones, the others are blue.
    pub fn allowance(self, colour: TempoColour) -> usize {
        match colour {
            TempoColour::Red => 22,
            TempoColour::White => 43,
            TempoColour::Blue => self.days().count().saturating_sub(22 + 43),
        }
    }
}

/// Whether the date alone allows the colour: red from November to March, neither at weekends nor on holidays; white not on
/// Sundays. (RTE's rules; no white Sunday was found in six years.)
pub(crate) fn date_allows(date: Date, colour: TempoColour) -> bool {
    match colour {
        TempoColour::Blue => true,
        TempoColour::White => date.weekday() != Weekday::Sunday,
        TempoColour::Red => {
            let winter = date.month() >= 11 || date.month() <= 3;
            winter && !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) && !is_holiday(date)
        }
    }
}

/// Whether a date is a public holiday in France (without those of Alsace-Moselle and overseas).
pub fn is_holiday(date: Date) -> bool {
    const FIXED: [(i8, i8); 8] = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)];
    if FIXED.contains(&(date.month(), date.day())) {
        return true;
    }
    // Easter Monday, Ascension Day, Whit Monday.
    let easter = easter(date.year());
    [1, 39, 50]
        .iter()
        .any(|after| easter.and_then(|easter| easter.checked_add(after.days()).ok()) == Some(date))
}

/// Easter Sunday of a year of the Gregorian calendar (the anonymous algorithm, as printed by Meeus).
pub fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (golden, century, in_century) = (y % 19, y / 100, y % 100);
    let leap_centuries = century / 4;
    let moon = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - leap_centuries - moon + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (in_century / 4) - epact - in_century % 4) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * late + 114;
    let (month, day) = (i8::try_from(days / 31).ok()?, i8::try_from(days % 31 + 1).ok()?);
    Date::new(year, month, day).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2024-08-31", 365, 300)]
    #[case("2023-09-01", 366, 301)]
    #[case("2024-02-29", 366, 301)]
    #[case("2024-09-01", 365, 300)]
    fn a_season_has_its_days(#[case] date: Date, #[case] days: usize, #[case] blue: usize) {
        // 31 August 2024 ends the season with the 29 February, 1 September begins the next.
        let season = Season::of(if date.month() == 8 { date.tomorrow().unwrap() } else { date });
        assert_eq!(season.days().count(), days);
        assert_eq!(season.allowance(TempoColour::Blue), blue);
        assert_eq!(TempoColour::ALL.map(|colour| season.allowance(colour)).iter().sum::<usize>(), days);
        assert!(season.days().all(|day| Season::of(day) == season));
    }

    #[rstest]
    #[case(2000, "2000-04-23")]
    #[case(2008, "2008-03-23")]
    #[case(2011, "2011-04-24")]
    #[case(2019, "2019-04-21")]
    #[case(2024, "2024-03-31")]
    #[case(2025, "2025-04-20")]
    #[case(2026, "2026-04-05")]
    #[case(2038, "2038-04-25")]
    fn easter_moves(#[case] year: i16, #[case] date: Date) {
        assert_eq!(easter(year), Some(date));
    }

    #[test]
    fn the_holidays_of_a_year() {
        let first = jiff::civil::date(2025, 1, 1);
        let days = first.series(1.day()).take_while(|day| day.year() == 2025);
        let holidays: Vec<String> =
            days.filter(|day| is_holiday(*day)).map(|day| day.strftime("%m-%d").to_string()).collect();
        assert_eq!(holidays.join(" "), "01-01 04-21 05-01 05-08 05-29 06-09 07-14 08-15 11-01 11-11 12-25");
    }

    #[rstest]
    #[case::friday("2025-10-31", true, false)]
    #[case::monday("2025-11-03", true, true)]
    #[case::armistice("2025-11-11", true, false)]
    #[case::saturday("2025-11-08", true, false)]
    #[case::sunday("2025-11-09", false, false)]
    #[case::last_of_march("2026-03-31", true, true)]
    #[case::april("2026-04-01", true, false)]
    #[case::easter_monday_in_winter("2008-03-24", true, false)]
    fn colours_that_a_date_can_have(#[case] date: Date, #[case] white: bool, #[case] red: bool) {
        let colours = [TempoColour::White, TempoColour::Red];
        assert_eq!(colours.map(|colour| date_allows(date, colour)), [white, red]);
    }
}
