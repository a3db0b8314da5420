//! The settings of sources: by kind, each kind one or a list in order of trust.
//!
//! ```yaml
//! tempo:  [ rte_site: {}, api_couleur_tempo: {} ]
//! prices: [ energy_charts: { zone: FR }, entsoe: { area: 10YFR-RTE------C, token_file: /etc/ohmstead/entsoe } ]
//! pv: { open_meteo: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }] } }
//! ```

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use ohmstead_units::{Timespan, Watts};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

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

/// One source, or a list of them: the first that is fresh counts, the others fill its gaps.
#[derive(Debug, Clone, PartialEq)]
pub struct Sources<T>(pub Vec<T>);

impl<T> Default for Sources<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Not `untagged`, which would lose where in the file an error is.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Sources<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(OneOrMany(PhantomData))
    }
}

struct OneOrMany<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
    type Value = Sources<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a source such as `name: {}`, or a list of sources")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|one| Sources(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut sources = Vec::new();
        while let Some(source) = list.next_element()? {
            sources.push(source);
        }
        Ok(Sources(sources))
    }
}

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

/// Panels of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plane {
    /// Nominal power, `6 kWp`.
    pub peak: Watts,
    /// Degrees from level: 0 lies flat, 90 stands.
    pub tilt: f64,
    /// Degrees from south: -90 is east, 90 is west, 180 is north.
    pub azimuth: f64,
}

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

source! {
    /// A source that needs to be told nothing.
    pub struct Public {}
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

fn euro() -> String {
    "EUR".to_owned()
}

fn hourly() -> Timespan {
    Timespan::from_secs(3600)
}

fn ten() -> u32 {
    10
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use rstest::rstest;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "printed")]
    struct Page {
        #[serde(default)]
        pv: Sources<PvSource>,
        #[serde(default)]
        tempo: Sources<TempoSource>,
        #[serde(default)]
        prices: Sources<PriceSource>,
    }

    fn read(yaml: &str) -> String {
        match serde_saphyr::from_str::<Page>(yaml) {
            Ok(page) => format!("{page:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn one_source_or_a_list() {
        let one = read("pv: { open_meteo: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }] } }");
        expect![[r#"Page { pv: Sources([OpenMeteo(OpenMeteo { planes: [Plane { peak: Watts(6000.0), tilt: 30.0, azimuth: 0.0 }], api_key_file: None, every: Timespan(3600s), url: None })]), tempo: Sources([]), prices: Sources([]) }"#]].assert_eq(&one);
        let many = read("tempo: [ rte_site: {}, api_couleur_tempo: { url: 'http://192.0.2.1/' } ]");
        expect![[r#"Page { pv: Sources([]), tempo: Sources([RteSite(Public { url: None }), ApiCouleurTempo(Public { url: Some("http://192.0.2.1/") })]), prices: Sources([]) }"#]].assert_eq(&many);
    }

    #[test]
    fn two_public_sources_are_usual() {
        let yaml = "[ rte_site: {}, api_couleur_tempo: {} ]";
        assert_eq!(serde_saphyr::from_str::<Sources<TempoSource>>(yaml).unwrap(), TempoSource::usual());
    }

    #[rstest]
    #[case::unknown_source("tempo: { rte: {} }", expect![[r#"
        error: line 1 column 10: unknown variant `rte`, expected one of rte_site, api_couleur_tempo, rte_api
         --> <input>:1:10
          |
        1 | tempo: { rte: {} }
          |          ^ unknown variant `rte`, expected one of rte_site, api_couleur_tempo, rte_api"#]])]
    #[case::unknown_key("prices:\n  - energy_charts: { zone: FR }\n  - awattar: { country: de, zone: x }", expect![[r#"
        error: line 3 column 29: unknown field `zone`, expected one of country, url
         --> <input>:3:29
          |
        1 | prices:
        2 |   - energy_charts: { zone: FR }
        3 |   - awattar: { country: de, zone: x }
          |                             ^ unknown field `zone`, expected one of country, url"#]])]
    #[case::missing_key("prices: { entsoe: { area: x } }", expect![[r#"
        error: line 1 column 21: missing field `token_file`
         --> <input>:1:21
          |
        1 | prices: { entsoe: { area: x } }
          |                     ^ missing field `token_file`"#]])]
    #[case::wrong_peak("pv:\n  open_meteo: { planes: [{ peak: 6 kVA, tilt: 30, azimuth: 0 }] }", expect![[r#"
        error: line 2 column 28: invalid value: string "6 kVA", expected a power such as 3000, "3000 W" or "3 kW"
         --> <input>:2:28
          |
        1 | pv:
        2 |   open_meteo: { planes: [{ peak: 6 kVA, tilt: 30, azimuth: 0 }] }
          |                            ^ invalid value: string "6 kVA", expected a power such as 3000, "3000 W" or "3 kW""#]])]
    #[case::no_source("tempo: 3", expect![[r#"
        error: line 1 column 1: invalid type: integer `3`, expected a source such as `name: {}`, or a list of sources
         --> <input>:1:1
          |
        1 | tempo: 3
          | ^ invalid type: integer `3`, expected a source such as `name: {}`, or a list of sources"#]])]
    fn errors_name_the_place(#[case] yaml: &str, #[case] expected: Expect) {
        expected.assert_eq(&read(yaml));
    }
}
