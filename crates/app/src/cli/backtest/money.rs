//! What energy cost in the past: as the contract says, or for prices of a market as they were stored at their time.

use jiff::tz::TimeZone;
use ohmstead_backtest::Published;
use ohmstead_model::{Price, TimeSpan, Timeline};
use ohmstead_tariff::{Formula, Tariff, Tariffs};

use super::window::date;
use crate::control::Tempo;

/// Prices of the past, and what a planner could have known of them.
pub(super) struct Money {
    /// The contract, in which what a market asks counts as it is: stored prices have everything in them.
    pub(super) tariffs: Tariffs,
    pub(super) tempo: Tempo,
    /// What was stored of import and of export, of the currency per kWh.
    pub(super) stored: (Timeline<f64>, Timeline<f64>),
}

impl Money {
    /// The money of a contract.
    pub(super) fn of(contract: &Tariffs, tempo: Tempo, stored: (Timeline<f64>, Timeline<f64>)) -> Self {
        let as_stored = |tariff: &Tariff| match tariff {
            Tariff::Market(_) => Tariff::Market(Formula::default()),
            other => other.clone(),
        };
        let tariffs = Tariffs { import: as_stored(&contract.import), export: as_stored(&contract.export) };
        Self { tariffs, tempo, stored }
    }

    /// What was known at each time.
    pub(super) fn published<'p>(&'p self, zone: &'p TimeZone) -> Published<'p> {
        Published {
            tariffs: &self.tariffs,
            colours: &self.tempo.colours,
            grids: self.tempo.prices.grids(),
            import_spot_per_kwh: &self.stored.0,
            export_spot_per_kwh: &self.stored.1,
            zone,
        }
    }

    /// The prices as they turned out: what is guessed is no price of the past.
    pub(super) fn prices(&self, window: TimeSpan, zone: &TimeZone) -> Timeline<Price> {
        let prices = self.published(zone).exact(window);
        let known = prices.slots().filter(|(_, price)| !price.estimated);
        Timeline::of(known.map(|(span, price)| (span, *price)))
    }

    /// Whether stored prices are what counts.
    pub(super) fn is_stored(&self) -> bool {
        is_of_market(&self.tariffs)
    }

    /// Of which time there are prices, and what to do for more.
    pub(super) fn in_words(&self) -> String {
        if self.is_stored() {
            return "of a market those count that the history holds (import_price, export_price of site)"
                .to_owned();
        }
        if !matches!(self.tariffs.import, Tariff::Tempo(_)) {
            return "as the contract of the configuration says".to_owned();
        }
        let mut days = self.tempo.colours.iter().map(|(day, _)| day);
        let colours = match (days.next(), days.next_back()) {
            (Some(first), Some(last)) => format!("colours of Tempo are known of {first} to {last}"),
            (Some(only), None) => format!("a colour of Tempo is known of {only} alone"),
            _ => "no colour of Tempo is known".to_owned(),
        };
        let first = self.tempo.prices.grids().first().map(|grid| grid.valid_from);
        let since = first.map(|first| format!(", and its prices since {first}")).unwrap_or_default();
        format!("{colours}{since}; give others with --colours FILE")
    }

    /// What has to be said of stored prices.
    pub(super) fn note(&self, window: TimeSpan, zone: &TimeZone) -> Option<String> {
        let of = [window.start, window.end].map(|at| date(at, zone));
        self.is_stored().then(|| {
            format!(
                "prices of {} to {} are those that were stored at their time, whatever formula the configuration has now",
                of[0], of[1]
            )
        })
    }
}

/// Whether a price of the contract is made from what a market asks.
pub(super) fn is_of_market(tariffs: &Tariffs) -> bool {
    [&tariffs.import, &tariffs.export].into_iter().any(|tariff| matches!(tariff, Tariff::Market(_)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ohmstead_model::UnixMillis;
    use ohmstead_tariff::tempo::{Colours, PriceTable};
    use rstest::rstest;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    /// 2026-11-01, UTC.
    const START: UnixMillis = UnixMillis(1_793_491_200_000);

    fn hours(values: &[f64]) -> Timeline<f64> {
        let spans = (0..).map(|hour| TimeSpan::lasting(START.plus(HOUR * hour), HOUR));
        Timeline::of(spans.zip(values.iter().copied()))
    }

    fn money(tariffs: &str, import: &[f64], export: &[f64]) -> Money {
        let market = "market: { energy_charts: { zone: FR } }";
        let of = if tariffs.contains("market") {
            format!("{{ {tariffs}, {market} }}")
        } else {
            format!("{{ {tariffs} }}")
        };
        let yaml = format!("site: {{ timezone: UTC }}\ndevices: {{}}\ntariffs: {of}");
        let config = ohmstead_config::parse(&yaml, "test.yaml", &|_| None).unwrap();
        let tempo = Tempo { colours: Colours::default(), prices: PriceTable::with(&[], &[]) };
        Money::of(&config.tariffs.unwrap().prices(), tempo, (hours(import), hours(export)))
    }

    /// A market is replayed at what was stored, to which nothing is added once more; a contract at what it says.
    #[rstest]
    #[case::both("import: { market: { add: 10 ct/kWh, vat: 20 % } }, export: { market: {} }", &[(0.31, 0.08), (0.25, 0.07)])]
    #[case::import("import: { market: { add: 10 ct/kWh } }, export: { fixed: 4 ct/kWh }", &[(0.31, 0.04), (0.25, 0.04)])]
    #[case::export("import: { fixed: 0.2 }, export: { market: {} }", &[(0.2, 0.08), (0.2, 0.07)])]
    #[case::neither("import: { fixed: 0.2 }", &[(0.2, 0.0)])]
    fn prices_of_a_market_are_those_that_were_stored(#[case] tariffs: &str, #[case] expected: &[(f64, f64)]) {
        let money = money(tariffs, &[0.31, 0.25], &[0.08, 0.07]);
        let prices = money.prices(TimeSpan::lasting(START, HOUR * 3), &TimeZone::UTC);
        let found: Vec<_> =
            prices.slots().map(|(_, price)| (price.import_per_kwh, price.export_per_kwh)).collect();
        assert_eq!(found, expected);
        assert_eq!(money.is_stored(), tariffs.contains("market"));
        assert_eq!(money.note(TimeSpan::lasting(START, HOUR), &TimeZone::UTC).is_some(), money.is_stored());
    }
}
