//! What energy came to, in the money of days that are past.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use ohmstead_model::{Metric, Price, TimeSpan, Timeline, UnixMillis};
use ohmstead_tariff::{Tariff, Tariffs};
use ohmstead_web::{AheadError, Money, MoneyBy};

use super::super::Site;
use super::super::money::{self, Measured};
use super::super::past::quarters;
use super::super::prices::{Market, Told, prices_of};
use super::{Door, NO_TARIFFS};
use crate::store::Store;

impl Door {
    /// What energy came to.
    pub(crate) async fn money(
        &self,
        store: &Store,
        bank: Vec<ohmstead_planner::Battery>,
        from: Date,
        to: Date,
        by: MoneyBy,
    ) -> Result<Money, AheadError> {
        let site = self.site.borrow().clone();
        let tariffs = site.tariffs.clone().ok_or(NO_TARIFFS)?;
        let window = civil_window(from, to, &site.zone)
            .ok_or_else(|| AheadError::Unavailable("that is no span of days".to_owned()))?;
        let read = async |metric| {
            quarters(store, metric, window).await.map_err(|error| AheadError::Unavailable(error.to_string()))
        };
        let measured = Measured {
            grid_w: read(Metric::GridPower).await?,
            load_w: read(Metric::LoadPower).await?,
            pv_w: read(Metric::PvPower).await?,
            soc_pct: read(Metric::BatterySoc).await?,
        };
        let computed = self.past_prices(&site, &tariffs, window);
        let stored = stored_prices(&read(Metric::ImportPrice).await?, &read(Metric::ExportPrice).await?);
        // What was told at its time goes before what today's contract says of it, but for Tempo, whose prices have dates.
        let prices = match tariffs.import {
            Tariff::Tempo(_) => computed.or(&stored),
            _ => stored.or(&computed),
        };
        let rows = money::money(&measured, &prices, &bank, window, &site.zone, by);
        Ok(Money { currency: site.currency, rows })
    }

    /// The prices of a time that is past, as far as contracts and the outlook know them: nothing is guessed.
    fn past_prices(&self, site: &Site, tariffs: &Tariffs, window: TimeSpan) -> Timeline<Price> {
        let outlook = self.outlook.borrow().without_foreign_prices(&site.currency);
        let tempo = self.tempo.borrow().clone();
        let unpublished = Timeline::default();
        let market = Market {
            outlook: &outlook,
            stored_spot_per_kwh: &unpublished,
            stored_import_per_kwh: &unpublished,
            of_supplier: site.of_supplier,
        };
        let prices = prices_of(tariffs, &market, Told::of(tempo.as_deref()), window, &site.zone);
        let known = prices.slots().filter(|(_, price)| !price.estimated);
        Timeline::of(known.map(|(span, price)| (span, *price)))
    }
}

/// The prices as they were told at their time.
fn stored_prices(import: &Timeline<f64>, export: &Timeline<f64>) -> Timeline<Price> {
    import.zip(export, |_, import, export| Price {
        import_per_kwh: *import,
        export_per_kwh: *export,
        estimated: false,
        source: ohmstead_model::PriceSource::Market,
    })
}

/// From the midnight of one date until that of another.
fn civil_window(from: Date, to: Date, zone: &TimeZone) -> Option<TimeSpan> {
    let instant = |date: Date| {
        let zoned = date.to_zoned(zone.clone()).ok()?;
        Some(UnixMillis(zoned.timestamp().as_millisecond()))
    };
    let window = TimeSpan::new(instant(from)?, instant(to)?);
    (!window.is_empty()).then_some(window)
}

#[cfg(test)]
mod tests {
    use ohmstead_model::{DeviceId, Moment, Reading, Value};

    use super::super::super::past::QUARTER;
    use super::*;
    use crate::data_dir::Holder;
    use crate::store::HistoryConfig;

    /// A day that the outlook has long forgotten.
    const DAY: UnixMillis = UnixMillis(1_795_046_400_000);

    /// 1 kW from the grid for two hours, with what was told of prices.
    async fn cost(tariffs: &str, told: &[(Metric, f64)]) -> (f64, f64) {
        let yaml = format!("site: {{ timezone: UTC }}\ndevices: {{}}\ntariffs: {tariffs}");
        let config = ohmstead_config::parse(&yaml, "test.yaml", &|_| None).expect("a valid configuration");
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path().to_owned(), HistoryConfig::of(Some(&config)), Holder::Verb);
        let store = store.expect("it opens");
        let values = [(Metric::GridPower, 1000.0), (Metric::LoadPower, 1000.0)];
        let values: Vec<_> =
            values.iter().chain(told).map(|(metric, value)| (*metric, Ok(Value::Number(*value)))).collect();
        let reading = |quarter: u32| Reading {
            device: DeviceId::site(),
            at: Moment { unix: DAY.plus(QUARTER * quarter), ..Moment::default() },
            values: values.clone(),
        };
        store.backfill((0..8).map(reading).collect()).await.expect("stored");
        let [from, to] = ["2026-11-19", "2026-11-20"].map(|date| date.parse().expect("a date"));
        let money = Door::new(&config).money(&store, Vec::new(), from, to, MoneyBy::Day).await;
        let row = money.expect("tariffs are configured").rows.into_iter().next().expect("a day");
        (row.cost, row.unknown_h)
    }

    #[tokio::test]
    async fn money_of_past_days_is_made_from_the_prices_of_those_days() {
        const MARKET: &str =
            "{ import: { market: {} }, market: { octopus: { product: AGILE-24-10-01, region: A } } }";
        let near =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} for {expected}");
        let told = [(Metric::ImportPrice, 0.31234), (Metric::ExportPrice, 0.0)];
        near(cost(MARKET, &told).await.0, 2.0 * 0.31234);
        let (cost_of_nothing, unknown_h) = cost(MARKET, &[]).await;
        near(cost_of_nothing, 0.0);
        near(unknown_h, 24.0);
        // A contract of today says nothing of a day whose price was told, and all of one whose was not.
        near(cost("{ import: { fixed: 0.2 } }", &told).await.0, 2.0 * 0.31234);
        near(cost("{ import: { fixed: 0.2 } }", &[]).await.0, 0.4);
    }
}
