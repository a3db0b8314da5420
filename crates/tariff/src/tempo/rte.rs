//! RTE's own rule for drawing colours, from a forecast of what the grid must carry (RTE's note on its method, 2016).

use jiff::civil::Date;
use ohmstead_model::TempoColour;

use super::{Colours, Odds, Season};

/// What France consumes on a day, in the mean, less what wind and sun give.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetLoad {
    /// Expected, in megawatts.
    pub mean_mw: f64,
    /// Standard deviation of its error, in megawatts.
    pub deviation_mw: f64,
}

/// What RTE brings the net load to a common scale with.
const CENTRE_MW: f64 = 46_050.0;
const SCALE_MW: f64 = 2_160.0;

impl NetLoad {
    /// How likely each colour is for an unknown day: white or red where the scaled load exceeds one bound, red where it
    /// exceeds another, both falling with the season and with the days that are left. Where that cannot be, as the date
    /// allows.
    pub fn odds(&self, date: Date, colours: &Colours) -> Odds {
        let season = Season::of(date);
        let tally = colours.tally(season);
        let day = season.days().take_while(|day| *day <= date).count() as f64;
        let (white_left, red_left) =
            (tally.left(TempoColour::White) as f64, tally.left(TempoColour::Red) as f64);
        let dear = self.exceeds(4.0 - 0.015 * day - 0.026 * (white_left + red_left));
        let red = self.exceeds(3.15 - 0.010 * day - 0.031 * red_left).min(dear);
        let red = if colours.allows(date, TempoColour::Red, &tally) { red } else { 0.0 };
        let white = if colours.allows(date, TempoColour::White, &tally) { dear - red } else { 0.0 };
        Odds::of_shares(white, red, tally.left(TempoColour::Blue) > 0)
    }

    /// How likely the scaled load is above `bound`, 0 to 1. What is not known is as likely as not.
    fn exceeds(&self, bound: f64) -> f64 {
        let scaled = (self.mean_mw - CENTRE_MW) / SCALE_MW;
        let deviation = (self.deviation_mw / SCALE_MW).abs().max(1e-6);
        // The logistic curve that is nearest to the normal distribution.
        let odds = 1.0 / (1.0 + (-1.702 * (scaled - bound) / deviation).exp());
        if odds.is_nan() { 0.5 } else { odds }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::cold_monday("2026-01-05", 65_000.0, TempoColour::Red)]
    #[case::cold_saturday("2026-01-10", 65_000.0, TempoColour::White)]
    #[case::cold_sunday("2026-01-11", 65_000.0, TempoColour::Blue)]
    #[case::mild_monday("2026-01-05", 35_000.0, TempoColour::Blue)]
    fn a_loaded_grid_is_red_where_the_date_allows(
        #[case] date: Date,
        #[case] mean_mw: f64,
        #[case] likely: TempoColour,
    ) {
        let odds = NetLoad { mean_mw, deviation_mw: 2_000.0 }.odds(date, &Colours::default());
        assert!(odds.get(likely) > 0.9, "{odds:?}");
    }

    #[test]
    fn nonsense_gives_odds_all_the_same() {
        for mean_mw in [f64::NAN, f64::INFINITY, -1e300] {
            let odds = NetLoad { mean_mw, deviation_mw: f64::NAN }
                .odds(jiff::civil::date(2026, 1, 5), &Colours::default());
            let sum: f64 = TempoColour::ALL.iter().map(|colour| odds.get(*colour)).sum();
            assert!((sum - 1.0).abs() < 1e-9, "{odds:?}");
        }
    }
}
