//! Sources of what the sun will give.

use std::path::PathBuf;

use ohmstead_forecast::solar::Plane;
use ohmstead_units::Timespan;
use serde::Deserialize;

use super::source;

/// Where the forecast of the sun comes from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PvSource {
    /// Irradiance and weather; the power is computed here. Without a key for private use.
    OpenMeteo(OpenMeteo),
    /// Power, with or without a key.
    ForecastSolar(ForecastSolar),
    /// Power with its spread, with a key.
    Solcast(Solcast),
    /// Power and load, for installations in Victron's portal.
    Vrm(Vrm),
}

impl PvSource {
    /// Its name, as it stands in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::OpenMeteo(_) => "open_meteo",
            Self::ForecastSolar(_) => "forecast_solar",
            Self::Solcast(_) => "solcast",
            Self::Vrm(_) => "vrm",
        }
    }
}

source! {
    /// See [`PvSource::OpenMeteo`].
    pub struct OpenMeteo {
        /// The panels.
        pub planes: Vec<Plane>,
        /// A file whose content is the key of a paid plan; `url` is then the address of that plan.
        #[serde(default)]
        pub api_key_file: Option<PathBuf>,
        /// How often it is asked.
        #[serde(default = "hourly")]
        pub every: Timespan,
    }
}

source! {
    /// See [`PvSource::ForecastSolar`].
    pub struct ForecastSolar {
        /// The panels.
        pub planes: Vec<Plane>,
        /// A file whose content is the key of a paid plan.
        #[serde(default)]
        pub key_file: Option<PathBuf>,
        /// How often it is asked.
        #[serde(default = "hourly")]
        pub every: Timespan,
    }
}

source! {
    /// See [`PvSource::Solcast`].
    pub struct Solcast {
        /// The ids of the registered sites; their powers are added.
        pub sites: Vec<String>,
        /// A file whose content is the key.
        pub api_key_file: PathBuf,
        /// Calls within 24 hours.
        #[serde(default = "ten")]
        pub calls_per_day: u32,
    }
}

source! {
    /// See [`PvSource::Vrm`].
    pub struct Vrm {
        /// The number of the installation.
        pub site: u64,
        /// A file whose content is the access token.
        pub token_file: PathBuf,
        /// How often it is asked.
        #[serde(default = "hourly")]
        pub every: Timespan,
    }
}

fn hourly() -> Timespan {
    Timespan::from_secs(3600)
}

fn ten() -> u32 {
    10
}
