//! Sources of the colours and the official prices of Tempo.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Sources, source};

/// Where the colours of Tempo days come from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TempoSource {
    /// The data behind RTE's public page, without a key.
    RteSite(Public),
    /// api-couleur-tempo.fr, without a key.
    ApiCouleurTempo(Public),
    /// RTE's data API, with an id and a secret.
    RteApi(RteApi),
}

impl TempoSource {
    /// Its name, as it stands in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RteSite(_) => "rte_site",
            Self::ApiCouleurTempo(_) => "api_couleur_tempo",
            Self::RteApi(_) => "rte_api",
        }
    }

    /// What is asked where nothing is said: the two that need no key, so that one can fail.
    pub fn usual() -> Sources<Self> {
        let public = || Public { url: None };
        Sources(vec![Self::RteSite(public()), Self::ApiCouleurTempo(public())])
    }
}

/// Where the prices of Tempo come from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TempoPriceSource {
    /// The grid that the regulator publishes on data.gouv.fr.
    DataGouv(DataGouv),
}

impl TempoPriceSource {
    /// Its name, as it stands in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::DataGouv(_) => "data_gouv",
        }
    }
}

source! {
    /// A source that needs to be told nothing.
    pub struct Public {}
}

source! {
    /// See [`TempoSource::RteApi`].
    pub struct RteApi {
        /// The id of the application.
        pub client_id: String,
        /// A file whose content is its secret.
        pub client_secret_file: PathBuf,
        /// Another address of the tokens than the usual one.
        #[serde(default)]
        pub token_url: Option<String>,
    }
}

source! {
    /// See [`TempoPriceSource::DataGouv`].
    pub struct DataGouv {
        /// The subscribed power, kVA.
        pub power_kva: f64,
    }
}
