//! The dated price grids of Tempo: what EDF published, and what the owner adds.

use jiff::civil::Date;
use ohmstead_model::TempoColour;
use ohmstead_units::EnergyPrice;
use serde::Deserialize;

use super::{Hours, Odds, Rate};

/// The `tempo:` section of a tariff.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tempo {
    /// Grids besides the built-in ones; one with the date of a built-in one goes before it.
    pub prices: Vec<Grid>,
}

impl Tempo {
    pub(crate) fn all_prices(&self) -> impl Iterator<Item = EnergyPrice> {
        let days = self.prices.iter().flat_map(|grid| [grid.blue, grid.white, grid.red]);
        days.flat_map(|day| [day.hc, day.hp])
    }
}

/// The prices of one kind of day.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoursPrice {
    /// Off-peak hours, heures creuses.
    pub hc: EnergyPrice,
    /// Peak hours, heures pleines.
    pub hp: EnergyPrice,
}

/// Prices, tax included, from a date on until the next grid.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// From 00:00 of this day: the meter keeps its daily readings at midnight, and bills are split by them.
    pub valid_from: Date,
    /// Of blue days.
    pub blue: HoursPrice,
    /// Of white days.
    pub white: HoursPrice,
    /// Of red days.
    pub red: HoursPrice,
}

impl Grid {
    /// The price of a kilowatt hour.
    pub fn price(&self, rate: Rate) -> EnergyPrice {
        let day = match rate.colour {
            TempoColour::Blue => self.blue,
            TempoColour::White => self.white,
            TempoColour::Red => self.red,
        };
        match rate.hours {
            Hours::OffPeak => day.hc,
            Hours::Peak => day.hp,
        }
    }

    /// The price of a kilowatt hour where the colour is not known.
    pub fn expected(&self, hours: Hours, odds: &Odds) -> f64 {
        odds.expected(|colour| self.price(Rate { colour, hours }).per_kwh)
    }
}

const fn grid(valid_from: Date, [blue_hc, blue_hp, white_hc, white_hp, red_hc, red_hp]: [f64; 6]) -> Grid {
    const fn day(hc: f64, hp: f64) -> HoursPrice {
        HoursPrice { hc: EnergyPrice::per_kwh(hc), hp: EnergyPrice::per_kwh(hp) }
    }
    Grid { valid_from, blue: day(blue_hc, blue_hp), white: day(white_hc, white_hp), red: day(red_hc, red_hp) }
}

/// The grids that were published, EUR/kWh, all taxes included: blue HC, HP, white HC, HP, red HC, HP.
pub const BUILT_IN: [Grid; 4] = [
    grid(Date::constant(2024, 2, 1), [0.1296, 0.1609, 0.1486, 0.1894, 0.1568, 0.7562]),
    grid(Date::constant(2025, 2, 1), [0.1288, 0.1552, 0.1447, 0.1792, 0.1518, 0.6586]),
    grid(Date::constant(2025, 8, 1), [0.1232, 0.1494, 0.1391, 0.1730, 0.1460, 0.6468]),
    grid(Date::constant(2026, 2, 1), [0.1325, 0.1612, 0.1499, 0.1871, 0.1575, 0.7060]),
];

/// Grids in order of their dates.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceTable(Vec<Grid>);

impl PriceTable {
    /// The built-in grids, those that were published since, and those of the owner; where several are of one date, the
    /// owner goes before what was published, and that before what is built in.
    pub fn with(published: &[Grid], own: &[Grid]) -> Self {
        let given = own.iter().rev().chain(published.iter().rev()).copied();
        let mut grids: Vec<Grid> = given.chain(BUILT_IN).collect();
        grids.sort_by_key(|grid| grid.valid_from);
        grids.dedup_by_key(|grid| grid.valid_from);
        Self(grids)
    }

    /// The grid of a day; nothing before the first one.
    pub fn on(&self, date: Date) -> Option<&Grid> {
        let later = self.0.partition_point(|grid| grid.valid_from <= date);
        self.0[..later].last()
    }

    /// All grids, in order of their dates.
    pub fn grids(&self) -> &[Grid] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const RED_HP: Rate = Rate { colour: TempoColour::Red, hours: Hours::Peak };

    #[rstest]
    #[case("2024-01-31", None)]
    #[case("2024-02-01", Some(0.7562))]
    #[case("2025-01-31", Some(0.7562))]
    #[case("2025-02-01", Some(0.6586))]
    #[case("2026-01-31", Some(0.6468))]
    #[case("2030-01-01", Some(0.7060))]
    fn a_grid_holds_until_the_next(#[case] date: Date, #[case] expected: Option<f64>) {
        let price = PriceTable::with(&[], &[]).on(date).map(|grid| grid.price(RED_HP).per_kwh);
        assert_eq!(price, expected);
    }

    #[test]
    fn the_owner_adds_grids_and_corrects_them() {
        let tempo: Tempo = serde_saphyr::from_str(
            "prices:
  - { valid_from: 2026-08-01, blue: { hc: 13 ct/kWh, hp: 0.16 }, white: { hc: 0.15, hp: 0.19 }, red: { hc: 0.16, hp: 0.72 EUR/kWh } }
  - { valid_from: 2026-02-01, blue: { hc: 0.1, hp: 0.1 }, white: { hc: 0.1, hp: 0.1 }, red: { hc: 0.1, hp: 0.5 } }",
        )
        .unwrap();
        let table = PriceTable::with(&[], &tempo.prices);
        let red = |date: &str| table.on(date.parse().unwrap()).map(|grid| grid.price(RED_HP).per_kwh);
        assert_eq!(table.grids().len(), 5);
        assert_eq!(
            [red("2026-03-01"), red("2026-08-01"), red("2026-01-01")],
            [Some(0.5), Some(0.72), Some(0.6468)]
        );
    }

    #[test]
    fn the_owner_goes_before_what_is_published_and_that_before_what_is_built_in() {
        let dated = |valid_from: &str, price: f64| Grid {
            valid_from: valid_from.parse().unwrap(),
            ..grid(Date::MIN, [price; 6])
        };
        let published = [dated("2026-02-01", 0.3), dated("2026-08-01", 0.4), dated("2027-02-01", 0.5)];
        let table = PriceTable::with(&published, &[dated("2026-08-01", 0.6)]);
        let on = |date: &str| table.on(date.parse().unwrap()).map(|grid| grid.price(RED_HP).per_kwh);
        let found = ["2026-01-31", "2026-02-01", "2026-08-01", "2027-02-01"].map(on);
        assert_eq!(found, [Some(0.6468), Some(0.3), Some(0.6), Some(0.5)]);
    }

    #[rstest]
    #[case("prices: [{ valid_from: 2026-13-01 }]", "valid_from")]
    #[case("prices: [{ valid_from: 2026-08-01, blue: { hc: 1 EUR } }]", "a price of energy such as")]
    #[case("colour: red", "colour")]
    fn a_wrong_grid_says_what_is_wrong(#[case] yaml: &str, #[case] why: &str) {
        let error = serde_saphyr::from_str::<Tempo>(yaml).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn the_built_in_grids_are_those_of_the_table() {
        let Some(shared) = std::env::var_os("OHMSTEAD_SHARED") else {
            println!("skipped: OHMSTEAD_SHARED is not set");
            return;
        };
        let path = std::path::Path::new(&shared).join("data/optim/tempo_prices.csv");
        let text = std::fs::read_to_string(path).expect("the table of prices");
        for (line, grid) in text.lines().skip(1).zip(BUILT_IN) {
            let prices = TempoColour::ALL
                .iter()
                .flat_map(|colour| [Hours::OffPeak, Hours::Peak].map(|hours| Rate { colour: *colour, hours }))
                .map(|rate| format!("{:.4}", grid.price(rate).per_kwh));
            let shown: Vec<String> = std::iter::once(grid.valid_from.to_string()).chain(prices).collect();
            assert_eq!(shown.join(","), line);
        }
        assert_eq!(text.lines().count(), BUILT_IN.len() + 1);
    }
}
