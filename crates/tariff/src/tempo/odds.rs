//! How likely each colour is for a day whose colour is not known: what is left of each, spread over the days that can have it.
//!
//! RTE draws by the load of the grid, so the months are not alike, and a dear day is likelier after another one. The weights
//! are a rule of thumb, tried on the season 2024-2025, not a forecast. Where a forecast of the grid's load is at hand,
//! [`super::NetLoad::odds`] is better.

use jiff::civil::Date;
use ohmstead_model::TempoColour;

use super::calendar::date_allows;
use super::{Colours, Season, Tally};

/// Likelihoods of the three colours; each 0 to 1, together 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Odds([f64; 3]);

impl Odds {
    /// Of an unknown day, from its date and from what is left of its season.
    pub fn of(date: Date, colours: &Colours) -> Self {
        let season = Season::of(date);
        let tally = colours.tally(season);
        let share = |colour| share_of(date, colour, colours, &tally, season);
        let by_calendar = Self::of_shares(
            share(TempoColour::White),
            share(TempoColour::Red),
            tally.left(TempoColour::Blue) > 0,
        );
        by_calendar.tilted(|colour| persistence(date, colour, colours))
    }

    /// The same, each colour so many times likelier against the others.
    fn tilted(self, factor: impl Fn(TempoColour) -> f64) -> Self {
        let tilted = TempoColour::ALL.map(|colour| self.get(colour) * factor(colour));
        let sum: f64 = tilted.iter().sum();
        if sum > 0.0 { Self(tilted.map(|share| share / sum)) } else { self }
    }

    /// A colour of which one is sure.
    pub fn certain(colour: TempoColour) -> Self {
        Self(TempoColour::ALL.map(|each| if each == colour { 1.0 } else { 0.0 }))
    }

    /// The likelihood of a colour.
    pub fn get(&self, colour: TempoColour) -> f64 {
        self.0[colour as usize]
    }

    /// The mean of something that depends on the colour.
    pub fn expected(&self, mut of_colour: impl FnMut(TempoColour) -> f64) -> f64 {
        TempoColour::ALL.iter().map(|colour| self.get(*colour) * of_colour(*colour)).sum()
    }

    /// Of the shares of white and red, each 0 to 1. Red goes first; blue takes the rest where it can.
    pub(crate) fn of_shares(white: f64, red: f64, blue_is_left: bool) -> Self {
        let red = red.clamp(0.0, 1.0);
        let white = white.clamp(0.0, 1.0 - red);
        if blue_is_left || red + white <= 0.0 {
            return Self([1.0 - red - white, white, red]);
        }
        Self([0.0, white / (white + red), red / (white + red)])
    }
}

/// The part of what is left of a colour that falls on `date`, unknown days that have passed included.
fn share_of(date: Date, colour: TempoColour, colours: &Colours, tally: &Tally, season: Season) -> f64 {
    if !colours.allows(date, colour, tally) {
        return 0.0;
    }
    let open = season.days().filter(|day| colours.get(*day).is_none() && colours.allows(*day, colour, tally));
    let (mut days, mut weights) = (0_usize, 0.0);
    for day in open {
        days += 1;
        weights += weight(day, colour);
    }
    let left = tally.left(colour);
    if left >= days {
        return 1.0;
    }
    (left as f64 * weight(date, colour) / weights).min(1.0)
}

/// How much likelier the colour is in the month of a date than in another.
fn weight(date: Date, colour: TempoColour) -> f64 {
    match (colour, date.month()) {
        (TempoColour::Blue, _) | (TempoColour::White, 12 | 1 | 2) => 1.0,
        (TempoColour::Red, 12) => 1.2,
        (TempoColour::Red, 1) => 1.5,
        (TempoColour::Red, 2) => 0.8,
        (TempoColour::Red, 11) => 0.3,
        (TempoColour::Red, _) => 0.15,
        (TempoColour::White, 11) => 0.7,
        (TempoColour::White, 3) => 0.5,
        (TempoColour::White, 4 | 10) => 0.1,
        (TempoColour::White, _) => 0.01,
    }
}

/// Cold spells last: how much likelier the colour is after that of the last day that could be dear. Sundays say nothing.
fn persistence(date: Date, colour: TempoColour, colours: &Colours) -> f64 {
    let before = std::iter::successors(date.yesterday().ok(), |day| day.yesterday().ok()).take(3);
    let mut telling = before.filter(|day| date_allows(*day, TempoColour::White));
    match (colour, telling.next().and_then(|day| colours.get(day))) {
        (TempoColour::Red, Some(TempoColour::Red)) => 3.0,
        (TempoColour::Red, Some(TempoColour::White)) | (TempoColour::White, Some(TempoColour::Red)) => 1.5,
        (TempoColour::White, Some(TempoColour::White)) => 2.0,
        (TempoColour::Red | TempoColour::White, Some(TempoColour::Blue)) => 0.7,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use proptest::prelude::*;

    use super::super::colours::tests::colours;
    use super::TempoColour::{Blue, Red, White};
    use super::*;

    #[test]
    fn what_must_come_comes() {
        // From 2 March 2026 on the season has 22 weekdays that can be red; all 22 are left.
        let known = colours(jiff::civil::date(2025, 9, 1), &"b".repeat(182));
        let march = |day| Odds::of(jiff::civil::date(2026, 3, day), &known);
        assert_eq!(march(2), Odds::certain(Red));
        assert_eq!(march(31), Odds::certain(Red));
        assert_eq!(Some(march(7).get(Red)), Some(0.0), "a Saturday");
        assert_eq!(march(8), Odds::certain(Blue), "a Sunday");
    }

    #[test]
    fn the_shares_of_all_days_are_what_is_left() {
        let nothing = Colours::default();
        let season = Season::of(jiff::civil::date(2025, 9, 1));
        let sum = |colour| season.days().map(|day| Odds::of(day, &nothing).get(colour)).sum::<f64>();
        assert!((sum(Red) - 22.0).abs() < 1e-9, "{}", sum(Red));
        assert!((sum(White) - 43.0).abs() < 1e-9, "{}", sum(White));
        let january = Odds::of(jiff::civil::date(2026, 1, 6), &nothing);
        assert!((0.2..0.5).contains(&january.get(Red)), "{january:?}");
    }

    #[test]
    fn cold_spells_last() {
        let wednesday = jiff::civil::date(2026, 1, 7);
        let after = |letters| Odds::of(wednesday, &colours(jiff::civil::date(2026, 1, 5), letters)).get(Red);
        assert!(
            after("rr") > after("rw") && after("rw") > after("rb"),
            "{} {} {}",
            after("rr"),
            after("rw"),
            after("rb")
        );
        assert!(after("rr") > after("r?") && after("r?") > after("rb"), "{}", after("r?"));
        // Monday after a Sunday, which is always blue: Saturday tells.
        let monday = |letters| {
            Odds::of(jiff::civil::date(2026, 1, 12), &colours(jiff::civil::date(2026, 1, 10), letters))
        };
        assert!(monday("wb").get(Red) > monday("bb").get(Red));
    }

    #[test]
    fn an_expected_price_is_weighted() {
        let odds = Odds::of_shares(0.25, 0.25, true);
        let price = odds.expected(|colour| match colour {
            Blue => 0.1,
            White => 0.2,
            Red => 0.8,
        });
        assert!((price - 0.3).abs() < 1e-12);
    }

    proptest! {
        /// Whatever is known, true to the rules or not: likelihoods, and nothing that the date forbids.
        #[test]
        fn odds_are_odds(letters in "[bwr?]{0,366}", day in 0_i64..366) {
            let first = jiff::civil::date(2025, 9, 1);
            let date = first.checked_add(day.days()).unwrap();
            let known = colours(first, &letters);
            let odds = Odds::of(date, &known);
            let sum: f64 = TempoColour::ALL.iter().map(|colour| odds.get(*colour)).sum();
            prop_assert!((sum - 1.0).abs() < 1e-9);
            for colour in TempoColour::ALL {
                prop_assert!((0.0..=1.0).contains(&odds.get(colour)));
            }
            if !known.may_be(date, Red) {
                prop_assert!(odds.get(Red) == 0.0);
            }
        }
    }
}
