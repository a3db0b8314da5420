//! What is known of the present quarter of an hour, told as values of the house: prices, Tempo colours, what was expected.
//!
//! ```text
//! tariffs, outlook, colours, plan --> values of this quarter --> hub (site) --> history, MQTT, REST, Prometheus
//!        at the beginning of each quarter, and at once when something becomes known
//! ```
//!
//! A price that is guessed is not told, for what is stored is what a bill is made from. A forecast is told once in a quarter
//! and stays: it is what was expected, and not what was found out later.

use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{
    Clock, Metric, Moment, Observation, Price, TimeSpan, Timeline, UnixMillis, Unknown, Value,
};
use ohmstead_outlook::{Outlook, Quantity};
use ohmstead_tariff::tempo::TariffDay;
use ohmstead_tariff::{Tariff, Tariffs};
use ohmstead_units::EnergyPrice;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::past::{QUARTER, floor};
use super::prices::{Market, Told, prices_of};
use super::{CLOCK_IS_SET, Shown, Site, sun};
use crate::control::Tempo;
use crate::hub::Hub;

/// Who is told, and what it is told from.
pub(crate) struct Parts {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hub: Hub,
    pub(crate) site: watch::Receiver<Site>,
    pub(crate) outlook: watch::Receiver<Arc<Outlook>>,
    pub(crate) tempo: watch::Receiver<Option<Arc<Tempo>>>,
    pub(crate) shown: watch::Receiver<Arc<Shown>>,
}

/// The task.
pub(crate) struct Present {
    parts: Parts,
    /// What was told of which quarter.
    told: Option<(UnixMillis, Vec<(Metric, Observation)>)>,
    metrics: Vec<Metric>,
}

/// Between two looks a clock may be set.
const LOOK: Duration = Duration::from_secs(60);

impl Present {
    /// Announces what will be told, so that it is announced before anything is known.
    pub(crate) async fn begin(parts: Parts) -> Self {
        let mut present = Self { parts, told: None, metrics: Vec::new() };
        present.announce().await;
        present
    }

    /// Tells until told to stop.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            self.announce().await;
            self.tell().await;
            let now = self.parts.clock.now().unix;
            let next = Duration::from_millis(now.0.abs_diff(floor(now).plus(QUARTER).0).max(1));
            let clock = Arc::clone(&self.parts.clock);
            let Parts { site, outlook, tempo, shown, .. } = &mut self.parts;
            tokio::select! {
                () = stop.cancelled() => return,
                () = clock.sleep(next.min(LOOK)) => {}
                Ok(()) = site.changed() => {}
                Ok(()) = outlook.changed() => {}
                Ok(()) = tempo.changed() => {}
                Ok(()) = shown.changed() => {}
            }
        }
    }

    async fn announce(&mut self) {
        let metrics = self.parts.site.borrow().metrics.clone();
        let unit = |metric: &Metric| (*metric, metric.def().unit);
        if metrics.iter().map(unit).eq(self.metrics.iter().map(unit)) {
            return;
        }
        self.told = None;
        self.metrics.clone_from(&metrics);
        self.parts.hub.site_metrics(metrics).await;
    }

    /// Tells what is new.
    async fn tell(&mut self) {
        let now = self.parts.clock.now();
        if now.unix < CLOCK_IS_SET {
            return;
        }
        let quarter = floor(now.unix);
        let before = self.told.take().filter(|(of, _)| *of == quarter).map(|(_, values)| values);
        let found = self.values(now.unix);
        let values: Vec<_> = match &before {
            None => found,
            Some(before) => found.into_iter().map(|value| kept(before, value)).collect(),
        };
        let is_new =
            |value: &&(Metric, Observation)| before.as_ref().is_none_or(|told| !told.contains(value));
        let news: Vec<_> = values.iter().filter(is_new).cloned().collect();
        self.told = Some((quarter, values));
        if !news.is_empty() {
            self.parts.hub.site(news, end_of(quarter, now)).await;
        }
    }

    fn values(&self, now: UnixMillis) -> Vec<(Metric, Observation)> {
        let site = self.parts.site.borrow();
        let outlook = self.parts.outlook.borrow();
        let tempo = self.parts.tempo.borrow();
        let shown = self.parts.shown.borrow();
        let known = Known { now, site: &site, outlook: &outlook, tempo: tempo.as_deref(), shown: &shown };
        self.metrics.iter().map(|metric| (*metric, known.value(*metric))).collect()
    }
}

/// A forecast that was told stays.
fn kept(before: &[(Metric, Observation)], (metric, value): (Metric, Observation)) -> (Metric, Observation) {
    let told = before.iter().find(|(other, _)| *other == metric).map(|(_, told)| told);
    match told {
        Some(Ok(told)) if FORECASTS.contains(&metric) => (metric, Ok(told.clone())),
        _ => (metric, value),
    }
}

/// One direction is looked at without the other: it is known even where that is not.
const FREE: Tariff = Tariff::Fixed(EnergyPrice::per_kwh(0.0));

const FORECASTS: [Metric; 2] = [Metric::PvForecastPower, Metric::LoadForecastPower];

/// The end of a quarter on both clocks.
fn end_of(quarter: UnixMillis, now: Moment) -> Moment {
    now.plus(Duration::from_millis(now.unix.0.abs_diff(quarter.plus(QUARTER).0)))
}

/// Everything that is known of the present.
struct Known<'k> {
    now: UnixMillis,
    site: &'k Site,
    outlook: &'k Outlook,
    tempo: Option<&'k Tempo>,
    shown: &'k Shown,
}

impl Known<'_> {
    fn value(&self, metric: Metric) -> Observation {
        match metric {
            metric if metric == Metric::TempoToday => self.colour(TariffDay::at(self.now)),
            metric if metric == Metric::TempoTomorrow => {
                self.colour(TariffDay::at(self.now).and_then(|day| day.0.tomorrow().ok()).map(TariffDay))
            }
            metric => self.number(metric).map(Value::Number),
        }
    }

    fn number(&self, metric: Metric) -> Result<f64, Unknown> {
        let tariffs = || self.site.tariffs.as_ref().ok_or(Unknown::NotReported);
        let number = if metric == Metric::ImportPrice {
            let tariffs = Tariffs { export: FREE, ..tariffs()?.clone() };
            self.price(&tariffs)?.import_per_kwh
        } else if metric == Metric::ExportPrice {
            let tariffs = Tariffs { import: FREE, ..tariffs()?.clone() };
            self.price(&tariffs)?.export_per_kwh
        } else if metric == Metric::SpotPrice {
            self.spot()?
        } else if metric == Metric::PvForecastPower {
            self.pv()?
        } else {
            self.load()?
        };
        if number.is_finite() { Ok(number) } else { Err(Unknown::implausible(number.to_string())) }
    }

    fn price(&self, tariffs: &Tariffs) -> Result<Price, Unknown> {
        if is_of_market(tariffs) {
            self.check_currency()?;
        }
        let window = TimeSpan::lasting(floor(self.now), QUARTER);
        let unpublished = Timeline::default();
        let zone = &self.site.zone;
        let market = Market {
            outlook: self.outlook,
            stored_spot_per_kwh: &unpublished,
            stored_import_per_kwh: &unpublished,
            of_supplier: self.site.of_supplier,
        };
        let prices = prices_of(tariffs, &market, Told::of(self.tempo), window, zone);
        match prices.at(self.now) {
            None => Err(Unknown::missing("no price is known of the present time")),
            Some(price) if price.estimated => {
                Err(Unknown::missing("the price is not published, only guessed"))
            }
            Some(price) => Ok(*price),
        }
    }

    /// What the market asks, without what a supplier adds.
    fn spot(&self) -> Result<f64, Unknown> {
        self.check_currency()?;
        let spot = self.outlook.figures(Quantity::SpotPrice);
        spot.at(self.now)
            .copied()
            .ok_or_else(|| Unknown::missing("no market price is published for the present time"))
    }

    /// Prices in another currency than the site's are no prices here.
    fn check_currency(&self) -> Result<(), Unknown> {
        match self.outlook.foreign_currency(&self.site.currency) {
            Some(theirs) => Err(Unknown::missing(format!(
                "market prices are in {theirs}, and the prices of the configuration in {}",
                self.site.currency
            ))),
            None => Ok(()),
        }
    }

    fn pv(&self) -> Result<f64, Unknown> {
        let foretold = sun::foretold(self.outlook, &self.site.panels);
        let expected = foretold.mean(TimeSpan::lasting(floor(self.now), QUARTER));
        expected.ok_or_else(|| Unknown::missing("no forecast of the sun for the present time"))
    }

    fn load(&self) -> Result<f64, Unknown> {
        let band = self.shown.ahead.load_w.at(self.now);
        band.map(|band| band.mean).ok_or_else(|| Unknown::missing("no forecast of the consumption yet"))
    }

    fn colour(&self, day: Option<TariffDay>) -> Observation {
        let colour = day.and_then(|day| self.tempo?.colours.get(day.0));
        colour
            .map(|colour| Value::State(colour.key()))
            .ok_or_else(|| Unknown::missing("the colour of that day is not announced yet"))
    }
}

/// Whether a price follows a market.
pub(super) fn is_of_market(tariffs: &Tariffs) -> bool {
    [&tariffs.import, &tariffs.export].into_iter().any(|tariff| matches!(tariff, Tariff::Market(_)))
}

#[cfg(test)]
mod tests;
