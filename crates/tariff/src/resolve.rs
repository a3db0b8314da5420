//! From settings and what is known to the one form in which everybody gets prices.

use jiff::tz::TimeZone;
use ohmstead_model::{Price, PriceSource, TimeSpan, Timeline};

use crate::missing::fill_missing;
use crate::tempo::{self, Colours, Odds, PriceTable};
use crate::{Tariff, Tariffs};

/// What is known of what changes: colours and market prices.
#[derive(Debug, Clone, Copy)]
pub struct Known<'k> {
    /// Colours of tariff days.
    pub colours: &'k Colours,
    /// Market prices of what is imported, per kilowatt hour, as published, with those of the last days: what is not
    /// published yet is guessed from them.
    pub import_spot_per_kwh: &'k Timeline<f64>,
    /// Those of what is exported.
    pub export_spot_per_kwh: &'k Timeline<f64>,
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
    let import = one_way(&tariffs.import, known.colours, known.import_spot_per_kwh, window, zone);
    let export = one_way(&tariffs.export, known.colours, known.export_spot_per_kwh, window, zone);
    import.zip(&export, |_, import, export| Price {
        import_per_kwh: import.per_kwh,
        export_per_kwh: export.per_kwh,
        estimated: import.estimated || export.estimated,
        source: import.source,
    })
}

fn one_way(
    tariff: &Tariff,
    colours: &Colours,
    spot: &Timeline<f64>,
    window: TimeSpan,
    zone: &TimeZone,
) -> Timeline<OneWay> {
    match tariff {
        Tariff::Fixed(price) => contract(&Timeline::of([(window, price.per_kwh)])),
        Tariff::Zones(zones) => contract(&zones.prices(window, zone)),
        Tariff::Tempo(tempo) => {
            let table = PriceTable::with(&tempo.prices);
            tempo::import_prices(window, colours, &table, |date| Odds::of(date, colours))
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

    use ohmstead_model::{TempoColour, UnixMillis};

    use super::*;
    use crate::civil::tests::{ms, paris, span};

    fn resolved(yaml: &str, colours: &Colours, spot: &Timeline<f64>, window: TimeSpan) -> Timeline<Price> {
        let tariffs: Tariffs = serde_saphyr::from_str(yaml).unwrap();
        let known = Known { colours, import_spot_per_kwh: spot, export_spot_per_kwh: spot };
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
