//! What a configuration says about planning.

use jiff::tz::TimeZone;
use ohmstead_config::Config;
use ohmstead_drivers::DeviceSettings;
use ohmstead_model::Metric;
use ohmstead_outlook::settings::PriceSource;
use ohmstead_planner::settings::Settings;
use ohmstead_tariff::{Tariff, Tariffs};
use ohmstead_units::Currency;

use super::present::is_of_market;
use super::sun::Panels;

/// What a site says about planning.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) settings: Settings,
    pub(crate) tariffs: Option<Tariffs>,
    /// Whether a colour of Tempo that is late counts as red.
    pub(crate) unknown_is_red: bool,
    /// Whether a supplier is asked for what its customers pay.
    pub(crate) of_supplier: bool,
    pub(crate) panels: Panels,
    pub(crate) zone: TimeZone,
    pub(crate) currency: String,
    /// What is told of the present, in the site's currency.
    pub(crate) metrics: Vec<Metric>,
}

impl Site {
    /// What a configuration says.
    pub(crate) fn of(config: &Config) -> Self {
        let tariffs = config.tariffs.as_ref().map(ohmstead_outlook::settings::Tariffs::prices);
        let currency = currency(config).unwrap_or(Currency::EUR);
        Self {
            metrics: metrics(config, tariffs.as_ref(), currency),
            settings: with_devices(config),
            tariffs,
            unknown_is_red: config.tempo.as_ref().is_none_or(|tempo| tempo.unknown_is_red),
            of_supplier: config
                .tariffs
                .as_ref()
                .is_some_and(|tariffs| tariffs.market.0.iter().any(PriceSource::is_supplier)),
            panels: Panels::of(config),
            zone: config.site.timezone.clone(),
            currency: currency.to_string(),
        }
    }

    /// The price grids of the owner, where the site has the Tempo tariff.
    pub(crate) fn grids(&self) -> Option<Vec<ohmstead_tariff::tempo::Grid>> {
        match &self.tariffs.as_ref()?.import {
            Tariff::Tempo(tempo) => Some(tempo.prices.clone()),
            _ => None,
        }
    }
}

/// What is said of planning, and of batteries what their devices' settings say where planning says nothing.
fn with_devices(config: &Config) -> Settings {
    let mut settings = config.planner.clone();
    for (id, device) in &config.devices {
        let (capacity, power_max) = match device {
            DeviceSettings::Marstek(it) => (it.capacity, it.power_max),
            DeviceSettings::Voltronic(it) => (it.capacity, None),
            DeviceSettings::Victron(_) => (None, None),
        };
        if capacity.is_none() && power_max.is_none() {
            continue;
        }
        let battery = settings.batteries.entry(id.clone()).or_default();
        battery.capacity = battery.capacity.or(capacity);
        battery.charge_max = battery.charge_max.or(power_max);
        battery.discharge_max = battery.discharge_max.or(power_max);
    }
    settings
}

/// The currency of a site that has tariffs: the first that is named of those of its prices, the euro where none is.
pub(crate) fn currency(config: &Config) -> Option<Currency> {
    let tariffs = config.tariffs.as_ref()?;
    let prices = [&tariffs.import, &tariffs.export].into_iter().flat_map(Tariff::currencies);
    let market = tariffs.market.0.iter().filter_map(PriceSource::currency);
    let wear = config.tempo.as_ref().and_then(|tempo| tempo.wear.currency);
    let planner = config.planner.currencies().into_iter().map(|(_, currency)| currency);
    Some(prices.chain(market).chain(wear).chain(planner).next().unwrap_or(Currency::EUR))
}

/// What is told of the present.
fn metrics(config: &Config, tariffs: Option<&Tariffs>, currency: Currency) -> Vec<Metric> {
    let mut metrics = Vec::new();
    if let Some(tariffs) = tariffs {
        metrics.extend([Metric::ImportPrice, Metric::ExportPrice, Metric::LoadForecastPower]);
        metrics.extend(is_of_market(tariffs).then_some(Metric::SpotPrice));
        if matches!(tariffs.import, Tariff::Tempo(_)) {
            metrics.extend([Metric::TempoToday, Metric::TempoTomorrow]);
        }
    }
    metrics.extend((!config.forecast.pv.0.is_empty()).then_some(Metric::PvForecastPower));
    metrics.into_iter().map(|metric| metric.in_currency(currency)).collect()
}
