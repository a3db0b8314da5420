//! Where market prices come from: what each source must be told. Who asks them is not here.

use std::fmt;
use std::path::PathBuf;

use ohmstead_units::Currency;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::Formula;

/// Energy-Charts of Fraunhofer ISE, no key.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnergyCharts {
    /// Bidding zone: `FR`, `DE-LU`, `NL`, ...
    pub zone: String,
    /// What the supplier makes of it.
    #[serde(default)]
    pub formula: Formula,
}

/// The transparency platform of ENTSO-E.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entsoe {
    /// Bidding zone by its EIC code: `10YFR-RTE------C`.
    pub zone: String,
    /// The owner's security token.
    pub token: Option<Secret>,
    /// A file that holds it.
    pub token_file: Option<PathBuf>,
    /// What the supplier makes of it.
    #[serde(default)]
    pub formula: Formula,
}

/// aWATTar, no key.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Awattar {
    /// Which of its markets.
    pub country: AwattarCountry,
    /// What the supplier makes of it.
    #[serde(default)]
    pub formula: Formula,
}

/// The markets of aWATTar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AwattarCountry {
    /// Austria.
    At,
    /// Germany.
    De,
}

/// The data portal of Nord Pool, no key.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NordPool {
    /// Delivery area: `EE`, `SE3`, `FR`, ...
    pub area: String,
    /// The currency to ask for.
    #[serde(default = "euro", deserialize_with = "currency")]
    pub currency: Currency,
    /// What the supplier makes of it.
    #[serde(default)]
    pub formula: Formula,
}

/// Public rates of Octopus Energy, tax included, no key.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Octopus {
    /// Product code: `AGILE-24-10-01`.
    pub product: String,
    /// Region of the grid, A to P.
    pub region: char,
    /// What is made of it besides; usually nothing.
    #[serde(default)]
    pub formula: Formula,
}

/// Tibber. Its prices are all-in.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tibber {
    /// The owner's access token.
    pub token: Option<Secret>,
    /// A file that holds it.
    pub token_file: Option<PathBuf>,
    /// Id of the home; the first of the account where absent.
    pub home: Option<String>,
    /// What is made of it besides; usually nothing.
    #[serde(default)]
    pub formula: Formula,
}

/// A token, never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

fn euro() -> Currency {
    Currency::EUR
}

fn currency<'de, D: Deserializer<'de>>(source: D) -> Result<Currency, D::Error> {
    let code = String::deserialize(source)?;
    let wrong =
        || D::Error::custom(format!("{code:?} is no currency: expected an ISO code such as EUR or SEK"));
    Currency::of_code(&code).ok_or_else(wrong)
}
