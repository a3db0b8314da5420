//! What the outlook is told. Sources are given by kind, each kind one or a list in order of trust.
//!
//! ```yaml
//! tariffs:
//!   import: { market: { add: 8.5 ct/kWh, vat: 20 % } }
//!   market: [ energy_charts: { zone: FR }, entsoe: { area: 10YFR-RTE------C, token_file: /etc/ohmstead/entsoe } ]
//! forecast: { pv: { open_meteo: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }] } } }
//! outlook: { offline: false }
//! ```

mod market;
mod one_or_many;
mod pv;
mod sections;
mod tempo;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;

pub use market::{Awattar, Country, EnergyCharts, Entsoe, Nordpool, Octopus, PriceSource, Tibber};
pub use ohmstead_forecast::solar::Plane;
pub use one_or_many::Sources;
pub use pv::{ForecastSolar, OpenMeteo, PvSource, Solcast, Vrm};
pub use sections::{Asking, Forecast, Tariffs, Wrong};
pub use tempo::{DataGouv, Public, RteApi, TempoPriceSource, TempoSource};

/// Everything that the outlook is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Nobody is asked: only what is in the cache, and what the owner says, is known.
    pub offline: bool,
    /// Where the site is.
    pub site: Site,
    /// Sources of prices of electricity.
    pub prices: Sources<PriceSource>,
    /// Sources of the colours of Tempo days.
    pub tempo: Sources<TempoSource>,
    /// Sources of the official prices of Tempo.
    pub tempo_prices: Sources<TempoPriceSource>,
    /// Sources of what the sun will give.
    pub pv: Sources<PvSource>,
}

/// Where the site is.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its zone.
    pub zone: TimeZone,
    /// Degrees, north is positive.
    pub latitude: Option<f64>,
    /// Degrees, east is positive.
    pub longitude: Option<f64>,
}

impl Settings {
    /// What the sections of a configuration come to.
    pub fn of(tariffs: Option<&Tariffs>, forecast: &Forecast, asking: Asking, site: Site) -> Self {
        Self {
            offline: asking.offline,
            site,
            prices: tariffs.map(|it| it.market.clone()).unwrap_or_default(),
            tempo: tariffs.map(Tariffs::colour_sources).unwrap_or_default(),
            tempo_prices: tariffs.map(|it| it.official_prices.clone()).unwrap_or_default(),
            pv: forecast.pv.clone(),
        }
    }
}

impl Settings {
    /// Whether there is no source at all.
    pub fn names_nobody(&self) -> bool {
        self.prices.0.is_empty()
            && self.tempo.0.is_empty()
            && self.tempo_prices.0.is_empty()
            && self.pv.0.is_empty()
    }
}

/// A struct of keys with `url`, which every source takes.
macro_rules! source {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field:meta])* pub $key:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field])* pub $key: $type,)*
            /// Another address than the usual one, for a stand-in or a proxy.
            #[serde(default)]
            pub url: Option<String>,
        }
    };
}

use source;
