//! Sources of market prices.

use std::path::PathBuf;

use ohmstead_units::Currency;
use serde::Deserialize;

use super::source;

/// Where prices of electricity come from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceSource {
    /// Fraunhofer's Energy-Charts, without a key.
    EnergyCharts(EnergyCharts),
    /// The transparency platform of ENTSO-E, with a token.
    Entsoe(Entsoe),
    /// aWATTar in Germany and Austria, without a key.
    Awattar(Awattar),
    /// The portal of Nord Pool, without a key.
    Nordpool(Nordpool),
    /// A public product of Octopus Energy in Great Britain, without a key.
    Octopus(Octopus),
    /// The own contract with Tibber, with a token.
    Tibber(Tibber),
}

impl PriceSource {
    /// Its name, as it stands in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::EnergyCharts(_) => "energy_charts",
            Self::Entsoe(_) => "entsoe",
            Self::Awattar(_) => "awattar",
            Self::Nordpool(_) => "nordpool",
            Self::Octopus(_) => "octopus",
            Self::Tibber(_) => "tibber",
        }
    }

    /// Whether it is a supplier, which tells what its customers pay, all in.
    pub fn is_supplier(&self) -> bool {
        matches!(self, Self::Octopus(_) | Self::Tibber(_))
    }

    /// Whether it tells what the market asks.
    pub fn tells_market(&self) -> bool {
        !matches!(self, Self::Octopus(_))
    }

    /// The currency that it answers in, where that is known before it is asked.
    pub fn currency(&self) -> Option<Currency> {
        match self {
            Self::EnergyCharts(_) | Self::Awattar(_) => Some(Currency::EUR),
            Self::Nordpool(nordpool) => Currency::of_code(&nordpool.currency),
            Self::Octopus(_) => Currency::of_code("GBP"),
            Self::Entsoe(_) | Self::Tibber(_) => None,
        }
    }
}

source! {
    /// See [`PriceSource::EnergyCharts`].
    pub struct EnergyCharts {
        /// The bidding zone, such as `FR`, `DE-LU`, `NL`.
        pub zone: String,
    }
}

source! {
    /// See [`PriceSource::Entsoe`].
    pub struct Entsoe {
        /// The EIC code of the bidding zone, such as `10YFR-RTE------C`.
        pub area: String,
        /// A file whose content is the security token.
        pub token_file: PathBuf,
    }
}

/// Where aWATTar sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Country {
    /// Germany.
    De,
    /// Austria.
    At,
}

source! {
    /// See [`PriceSource::Awattar`].
    pub struct Awattar {
        /// `de` or `at`.
        pub country: Country,
    }
}

source! {
    /// See [`PriceSource::Nordpool`].
    pub struct Nordpool {
        /// The area of delivery, such as `FR`, `SE3`, `EE`.
        pub area: String,
        /// The currency of the prices.
        #[serde(default = "euro")]
        pub currency: String,
    }
}

source! {
    /// See [`PriceSource::Octopus`].
    pub struct Octopus {
        /// The code of the product, such as `AGILE-24-10-01`.
        pub product: String,
        /// The letter of the region, A to P.
        pub region: char,
    }
}

source! {
    /// See [`PriceSource::Tibber`].
    pub struct Tibber {
        /// A file whose content is the personal access token.
        pub token_file: PathBuf,
        /// The id of the home; the first one with a subscription where absent.
        #[serde(default)]
        pub home: Option<String>,
    }
}

fn euro() -> String {
    "EUR".to_owned()
}
