//! The colours that are known, what is left of a season's allowance, and what to assume of a day whose colour is not known.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use ohmstead_model::{TempoColour, UnixMillis};

use super::calendar::date_allows;
use super::{Odds, Season, paris};
use crate::civil;

/// From this time of the eve on, a day that may be red and whose colour nobody has told counts as red where it is decided
/// whether to charge. A missed red day costs about half a euro per kilowatt hour that is missing; a needless charge costs
/// wear.
pub const UNKNOWN_IS_RED_FROM: Time = Time::constant(21, 45, 0, 0);

/// No more days in a row are red.
const RED_IN_A_ROW_MAX: usize = 5;

/// Colours of tariff days, by date.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Colours(BTreeMap<Date, TempoColour>);

/// What is used and what is left of a season.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    used: [usize; 3],
    left: [usize; 3],
    /// Days of the season whose colour is not known.
    pub unknown: usize,
}

impl Tally {
    /// How many days of the colour are known.
    pub fn used(&self, colour: TempoColour) -> usize {
        self.used[colour as usize]
    }

    /// How many days of the colour must still come, or are among those that were missed.
    pub fn left(&self, colour: TempoColour) -> usize {
        self.left[colour as usize]
    }
}

/// What to count on for a day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Assumed {
    /// Its colour was told.
    Known(TempoColour),
    /// It was not told in time and may be red: charge as for a red one.
    TakenForRed,
    /// It may still be told.
    Open(Odds),
}

impl Colours {
    /// The colour of a date's tariff day.
    pub fn get(&self, date: Date) -> Option<TempoColour> {
        self.0.get(&date).copied()
    }

    /// Says the colour of a date's tariff day, whatever was known of it before.
    pub fn set(&mut self, date: Date, colour: TempoColour) {
        self.0.insert(date, colour);
    }

    /// All that is known, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Date, TempoColour)> {
        self.0.iter().map(|(date, colour)| (*date, *colour))
    }

    /// What is used and left of a season, days to come that are known included.
    pub fn tally(&self, season: Season) -> Tally {
        let mut tally = Tally { used: [0; 3], left: [0; 3], unknown: 0 };
        for date in season.days() {
            match self.get(date) {
                Some(colour) => tally.used[colour as usize] += 1,
                None => tally.unknown += 1,
            }
        }
        // Sources that contradict the rules must not lead to a negative count.
        tally.left = TempoColour::ALL
            .map(|colour| season.allowance(colour).saturating_sub(tally.used[colour as usize]));
        tally
    }

    /// Whether a day without a known colour can have this one: by its date, by what is left, and not the sixth red in a row.
    pub fn may_be(&self, date: Date, colour: TempoColour) -> bool {
        self.allows(date, colour, &self.tally(Season::of(date)))
    }

    pub(crate) fn allows(&self, date: Date, colour: TempoColour, tally: &Tally) -> bool {
        if tally.left(colour) == 0 || !date_allows(date, colour) {
            return false;
        }
        colour != TempoColour::Red || self.red_run_with(date) <= RED_IN_A_ROW_MAX
    }

    /// How many days in a row would be red if `date` were.
    fn red_run_with(&self, date: Date) -> usize {
        let is_red = |date: &Date| self.get(*date) == Some(TempoColour::Red);
        let before =
            std::iter::successors(date.yesterday().ok(), |day| day.yesterday().ok()).take_while(is_red);
        let after = std::iter::successors(date.tomorrow().ok(), |day| day.tomorrow().ok()).take_while(is_red);
        1 + before.count() + after.count()
    }

    /// What to count on for a date's tariff day when deciding whether to charge.
    pub fn assumed(&self, date: Date, now: UnixMillis) -> Assumed {
        if let Some(colour) = self.get(date) {
            return Assumed::Known(colour);
        }
        if ![TempoColour::White, TempoColour::Red].iter().any(|colour| self.may_be(date, *colour)) {
            return Assumed::Known(TempoColour::Blue);
        }
        let deadline = date.yesterday().ok().map(|eve| eve.to_datetime(UNKNOWN_IS_RED_FROM));
        let is_late = deadline.and_then(|at| civil::instant(at, &paris())).is_some_and(|at| at <= now);
        if is_late && self.may_be(date, TempoColour::Red) {
            return Assumed::TakenForRed;
        }
        Assumed::Open(Odds::of(date, self))
    }
}

impl FromIterator<(Date, TempoColour)> for Colours {
    fn from_iter<I: IntoIterator<Item = (Date, TempoColour)>>(days: I) -> Self {
        Self(days.into_iter().collect())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::ToSpan as _;
    use rstest::rstest;

    use super::TempoColour::{Blue, Red, White};
    use super::*;
    use crate::civil::tests::ms;

    /// `from` on: b, w, r a day.
    pub(crate) fn colours(from: Date, letters: &str) -> Colours {
        let colour = |letter| match letter {
            'b' => Some(Blue),
            'w' => Some(White),
            'r' => Some(Red),
            _ => None,
        };
        let days = from.series(1.day()).zip(letters.chars());
        days.filter_map(|(date, letter)| Some((date, colour(letter)?))).collect()
    }

    #[test]
    fn a_sunday_is_blue_whoever_is_silent() {
        let assumed =
            |date: &str| Colours::default().assumed(date.parse().unwrap(), ms("2026-01-10T20:50:00Z"));
        assert_eq!(assumed("2026-01-11"), Assumed::Known(Blue));
        assert_eq!(
            assumed("2026-01-12"),
            Assumed::Open(Odds::of("2026-01-12".parse().unwrap(), &Colours::default()))
        );
    }

    #[test]
    fn what_is_used_and_left() {
        let first = jiff::civil::date(2025, 9, 1);
        let tally = colours(first, "bbbww?r").tally(Season::of(first));
        assert_eq!(TempoColour::ALL.map(|colour| tally.used(colour)), [3, 2, 1]);
        assert_eq!(TempoColour::ALL.map(|colour| tally.left(colour)), [297, 41, 21]);
        assert_eq!(tally.unknown, 359);
        let too_many = colours(first, &"r".repeat(30)).tally(Season::of(first));
        assert_eq!(too_many.left(Red), 0);
    }

    #[rstest]
    // Friday 2 January 2026 and Thursday before it was a holiday; Monday 5 January.
    #[case::nothing_known("2026-01-05", "", true)]
    #[case::four_before("2026-01-09", "rrrr", true)]
    #[case::five_before("2026-01-10", "rrrrr", false)]
    #[case::weekend("2026-01-11", "", false)]
    fn red_days_have_rules(#[case] date: Date, #[case] before: &str, #[case] may: bool) {
        let days = i64::try_from(before.len()).unwrap();
        let known = colours(date.checked_sub(days.days()).unwrap(), before);
        assert_eq!(known.may_be(date, Red), may);
    }

    #[test]
    fn a_sixth_red_in_a_row_is_impossible_whichever_side_is_known() {
        let monday = jiff::civil::date(2026, 1, 5);
        let wednesday = jiff::civil::date(2026, 1, 7);
        // As a source may err: the rule looks at neighbours only.
        assert!(!colours(monday, "rr?rrr").may_be(wednesday, Red));
        assert!(colours(monday, "rr?rr").may_be(wednesday, Red));
    }

    #[test]
    fn nothing_is_red_when_no_red_is_left() {
        let known = colours(jiff::civil::date(2025, 11, 3), &"r".repeat(22));
        assert!(!known.may_be(jiff::civil::date(2026, 1, 5), Red));
        assert!(known.may_be(jiff::civil::date(2026, 1, 5), White));
    }

    #[rstest]
    #[case::too_early("2026-01-05", "2026-01-04T20:44:59Z", false)]
    #[case::late("2026-01-05", "2026-01-04T20:45:00Z", true)]
    #[case::in_the_night("2026-01-05", "2026-01-05T02:00:00Z", true)]
    #[case::never_on_a_sunday("2026-01-04", "2026-01-03T22:00:00Z", false)]
    #[case::never_in_summer("2026-07-06", "2026-07-05T22:00:00Z", false)]
    fn what_nobody_told_by_a_quarter_to_ten_is_red(#[case] date: Date, #[case] now: &str, #[case] red: bool) {
        let nothing = Colours::default();
        assert_eq!(nothing.assumed(date, ms(now)) == Assumed::TakenForRed, red);
        let mut told = nothing;
        told.set(date, Blue);
        assert_eq!(told.assumed(date, ms(now)), Assumed::Known(Blue));
    }
}
