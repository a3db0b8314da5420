//! From settings and what is known to the one form in which everybody gets prices.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use ohmstead_model::{Price, PriceSource, TempoColour, TimeSpan, Timeline};

use crate::missing::fill_missing;
use crate::tempo::{self, Colours, Grid, NetLoad, Odds, PriceTable};
use crate::{Tariff, Tariffs};

/// What is known of what changes: colours, market prices, new price grids.
#[derive(Debug, Clone, Copy)]
pub struct Known<'k> {
    /// Colours of tariff days.
    pub colours: &'k Colours,
    /// Price grids of Tempo that were published since those that are built in.
    pub grids: &'k [Grid],
    /// What the grid must carry on days whose colour is not known, where there is a forecast of it.
    pub net_loads: &'k BTreeMap<Date, NetLoad>,
    /// A date whose colour was not told in time and that is counted on as a red one; see [`tempo::Assumed::TakenForRed`].
    pub taken_for_red: Option<Date>,
    /// Market prices of what is imported, per kilowatt hour, as published, with those of the last days: what is not
    /// published yet is guessed from them.
    pub import_spot_per_kwh: &'k Timeline<f64>,
    /// Those of what is exported.
    pub export_spot_per_kwh: &'k Timeline<f64>,
}

impl Known<'static> {
    /// Nothing at all, to begin with.
    pub fn nothing() -> Self {
        static COLOURS: LazyLock<Colours> = LazyLock::new(Colours::default);
        static NET_LOADS: BTreeMap<Date, NetLoad> = BTreeMap::new();
        static SPOT: LazyLock<Timeline<f64>> = LazyLock::new(Timeline::default);
        Self {
            colours: &COLOURS,
            grids: &[],
            net_loads: &NET_LOADS,
            taken_for_red: None,
            import_spot_per_kwh: &SPOT,
            export_spot_per_kwh: &SPOT,
        }
    }
}

impl Known<'_> {
    /// How likely each colour is for a date whose colour is not known.
    pub fn odds(&self, date: Date) -> Odds {
        if self.taken_for_red == Some(date) {
            return Odds::certain(TempoColour::Red);
        }
        let forecast = self.net_loads.get(&date).map(|net_load| net_load.odds(date, self.colours));
        forecast.unwrap_or_else(|| Odds::of(date, self.colours))
    }
}

/// The price of one direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneWay {
    /// All-in, in the site's currency.
    pub per_kwh: f64,
    /// Whether it is a guess and may still change.
    pub estimated: bool,
    /// Where it comes from.
    pub source: PriceSource,
}

/// The prices of `window`. Where that of one direction is not known and cannot be guessed, there is none.
pub fn prices(tariffs: &Tariffs, known: Known<'_>, window: TimeSpan, zone: &TimeZone) -> Timeline<Price> {
    let import = one_way(&tariffs.import, known, known.import_spot_per_kwh, window, zone);
    let export = one_way(&tariffs.export, known, known.export_spot_per_kwh, window, zone);
    import.zip(&export, |_, import, export| Price {
        import_per_kwh: import.per_kwh,
        export_per_kwh: export.per_kwh,
        estimated: import.estimated || export.estimated,
        source: import.source,
    })
}

fn one_way(
    tariff: &Tariff,
    known: Known<'_>,
    spot: &Timeline<f64>,
    window: TimeSpan,
    zone: &TimeZone,
) -> Timeline<OneWay> {
    match tariff {
        Tariff::Fixed(price) => contract(&Timeline::of([(window, price.per_kwh)])),
        Tariff::Zones(zones) => contract(&zones.prices(window, zone)),
        Tariff::Tempo(tempo) => {
            let table = PriceTable::with(known.grids, &tempo.prices);
            tempo::import_prices(window, known.colours, &table, |date| known.odds(date))
        }
        Tariff::Market(formula) => {
            let of = |spot: &Timeline<f64>, estimated, source| {
                formula.prices(spot, zone).map(|_, price| OneWay { per_kwh: *price, estimated, source })
            };
            let published = of(&spot.within(window), false, PriceSource::Market);
            let guessed = of(&fill_missing(spot, window, zone), true, PriceSource::Profile);
            published.or(&guessed)
        }
    }
}

fn contract(prices: &Timeline<f64>) -> Timeline<OneWay> {
    prices.map(|_, price| OneWay { per_kwh: *price, estimated: false, source: PriceSource::Contract })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ohmstead_model::UnixMillis;

    use super::*;
    use crate::civil::tests::{ms, paris, span};

    fn resolved(yaml: &str, colours: &Colours, spot: &Timeline<f64>, window: TimeSpan) -> Timeline<Price> {
        let tariffs: Tariffs = serde_saphyr::from_str(yaml).unwrap();
        let known =
            Known { colours, import_spot_per_kwh: spot, export_spot_per_kwh: spot, ..Known::nothing() };
        prices(&tariffs, known, window, &paris())
    }

    #[test]
    fn tempo_known_and_unknown() {
        let colours: Colours = [("2026-01-14", TempoColour::White), ("2026-01-15", TempoColour::Red)]
            .map(|(date, colour)| (date.parse().unwrap(), colour))
            .into_iter()
            .collect();
        let window = span("2026-01-15T00:00:00Z", "2026-01-16T12:00:00Z");
        let prices = resolved("import: { tempo: {} }", &colours, &Timeline::default(), window);
        let at = |text| *prices.at(ms(text)).unwrap();
        assert_eq!(Some(at("2026-01-15T04:59:00Z").import_per_kwh), Some(0.1391));
        assert_eq!(at("2026-01-15T05:00:00Z").source, PriceSource::Tempo(TempoColour::Red));
        assert_eq!(Some(at("2026-01-15T20:59:00Z").import_per_kwh), Some(0.6468));
        assert_eq!(Some(at("2026-01-16T04:59:00Z").import_per_kwh), Some(0.1460));
        let unknown = at("2026-01-16T05:00:00Z");
        assert_eq!((unknown.source, unknown.estimated), (PriceSource::ExpectedColour, true));
        assert!((0.17..0.5).contains(&unknown.import_per_kwh), "{unknown:?}");
        assert!(prices.gaps(window).is_empty());
    }

    #[test]
    fn a_forecast_of_the_grid_s_load_goes_before_the_odds_of_the_calendar() {
        let monday: Date = "2026-01-05".parse().unwrap();
        let at = |mean_mw| {
            let net_loads = BTreeMap::from([(monday, NetLoad { mean_mw, deviation_mw: 1000.0 })]);
            let known = Known { net_loads: &net_loads, ..Known::nothing() };
            let tariffs: Tariffs = serde_saphyr::from_str("import: { tempo: {} }").unwrap();
            let window = span("2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z");
            prices(&tariffs, known, window, &paris()).at(window.start).unwrap().import_per_kwh
        };
        assert!(at(70_000.0) > 0.64 && at(35_000.0) < 0.15, "{} {}", at(70_000.0), at(35_000.0));
    }

    #[test]
    fn a_price_that_changes_does_so_at_midnight() {
        let colours = Colours::from_iter([("2026-01-31".parse().unwrap(), TempoColour::Blue)]);
        let window = span("2026-01-31T21:00:00Z", "2026-02-01T05:00:00Z");
        let prices = resolved("import: { tempo: {} }", &colours, &Timeline::default(), window);
        let shown: Vec<_> =
            prices.slots().map(|(span, price)| (span.hours(), price.import_per_kwh)).collect();
        assert_eq!(shown, [(2.0, 0.1232), (6.0, 0.1325)]);
    }

    #[test]
    fn what_is_not_published_is_guessed_and_says_so() {
        let hour = |hour: i64| TimeSpan::lasting(UnixMillis(hour * 3_600_000), Duration::from_secs(3600));
        let start = ms("2026-01-01T00:00:00Z").0 / 3_600_000;
        let spot = Timeline::of((0..24 * 8).map(|at| (hour(start + at), -0.01 * (at % 24) as f64)));
        let window = span("2026-01-08T00:00:00Z", "2026-01-10T00:00:00Z");
        let yaml = "{ import: { market: { add: 0.1 } }, export: { market: {} } }";
        let prices = resolved(yaml, &Colours::default(), &spot, window);
        let at = |text| *prices.at(ms(text)).unwrap();
        let (known, guessed) = (at("2026-01-08T12:00:00Z"), at("2026-01-09T12:00:00Z"));
        assert_eq!((known.source, known.estimated), (PriceSource::Market, false));
        assert_eq!((guessed.source, guessed.estimated), (PriceSource::Profile, true));
        assert!((guessed.import_per_kwh - known.import_per_kwh).abs() < 1e-12);
        assert!((guessed.export_per_kwh + 0.12).abs() < 1e-12);
        assert!(prices.gaps(window).is_empty());
    }

    #[test]
    fn without_any_market_price_nothing_is_known() {
        let window = span("2026-01-08T00:00:00Z", "2026-01-10T00:00:00Z");
        let yaml = "import: { market: {} }";
        assert!(resolved(yaml, &Colours::default(), &Timeline::default(), window).is_empty());
    }
}
