//! What is wrong with settings before anybody is asked, and the sources that they open.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::provider::{self, Opened};
use crate::settings::Settings;
use crate::{Kind, Secret};

/// The key of a source that something is wrong with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// What the source is for.
    pub kind: Kind,
    /// Its number among those of its kind, from 0.
    pub index: usize,
    /// Its name, such as `entsoe`.
    pub source: &'static str,
    /// The key.
    pub key: &'static str,
}

impl fmt::Display for Place {
    /// As a path in the configuration, `tariffs.market.entsoe.area`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [section, key] = self.kind.section();
        write!(f, "{section}.{key}.{}.{}", self.source, self.key)
    }
}

/// Why a source cannot work, whatever the other side does.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A value that cannot be.
    #[error("{place}: {what}")]
    Wrong {
        /// The source and its key.
        place: Place,
        /// What is wrong and what to do.
        what: String,
    },
    /// A file that is not there, or empty, or not text.
    #[error("{place}: {} cannot be read", path.display())]
    Unreadable {
        /// The source and its key.
        place: Place,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl SettingsError {
    /// Which key it is about.
    pub fn place(&self) -> Place {
        match self {
            Self::Wrong { place, .. } | Self::Unreadable { place, .. } => *place,
        }
    }
}

/// Everything that is wrong with these settings. Files of secrets are read, nothing is sent.
pub fn check(settings: &Settings) -> Vec<SettingsError> {
    let (sources, mut errors) = open(settings);
    for source in sources {
        let Named { kind, index, opened, .. } = source;
        for (key, path) in opened.secret_files {
            if let Err(error) = Secret::token_of(&path) {
                let place = Place { kind, index, source: opened.name, key };
                errors.push(SettingsError::Unreadable { place, path, source: error });
            }
        }
    }
    errors
}

/// What is wrong with these settings as far as it can be said without reading a file.
pub fn check_values(settings: &Settings) -> Vec<SettingsError> {
    open(settings).1
}

/// A source with its kind and its name, which is unique.
pub(crate) struct Named {
    pub(crate) kind: Kind,
    /// Its number among those of its kind.
    index: usize,
    pub(crate) name: Arc<str>,
    pub(crate) opened: Opened,
    /// The settings of the source and the place, in a form that differs when they do. No secrets.
    pub(crate) settings: String,
}

/// All sources that can be opened, in their order, and what is wrong with the others.
pub(crate) fn open(settings: &Settings) -> (Vec<Named>, Vec<SettingsError>) {
    let Settings { site, prices, tempo, tempo_prices, pv, .. } = settings;
    let prices = prices.0.iter().map(|it| (it.name(), shown(it), provider::price_source(it)));
    let colours = tempo.0.iter().map(|it| (it.name(), shown(it), provider::colour_source(it)));
    let grids = tempo_prices.0.iter().map(|it| (it.name(), shown(it), provider::grid_source(it)));
    let pv = pv.0.iter().map(|it| (it.name(), shown(it), provider::pv_source(it, site)));
    let of = |kind| move |(index, (source, settings, opened))| (kind, index, source, settings, opened);
    let all = (prices.enumerate().map(of(Kind::Prices)))
        .chain(colours.enumerate().map(of(Kind::Colours)))
        .chain(grids.enumerate().map(of(Kind::Grids)))
        .chain(pv.enumerate().map(of(Kind::Pv)));
    let (mut sources, mut errors, mut taken) = (Vec::new(), Vec::new(), Vec::new());
    for (kind, index, source, settings, opened) in all {
        match opened {
            Ok(opened) => {
                let name = provider::distinct(kind.id(), opened.name, &taken);
                taken.push(Arc::clone(&name));
                sources.push(Named { kind, index, name, opened, settings });
            }
            Err((key, what)) => {
                errors.push(SettingsError::Wrong { place: Place { kind, index, source, key }, what });
            }
        }
    }
    (sources, errors)
}

fn shown(settings: &impl fmt::Debug) -> String {
    format!("{settings:?}")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use jiff::tz::TimeZone;
    use rstest::rstest;
    use serde::Deserialize;

    use super::*;
    use crate::settings::{PriceSource, PvSource, Site, Sources, TempoPriceSource, TempoSource};

    #[derive(Deserialize)]
    struct Page {
        #[serde(default)]
        prices: Sources<PriceSource>,
        #[serde(default)]
        tempo: Sources<TempoSource>,
        #[serde(default)]
        tempo_prices: Sources<TempoPriceSource>,
        #[serde(default)]
        pv: Sources<PvSource>,
    }

    fn wrong(yaml: &str, latitude: Option<f64>) -> String {
        let page: Page = serde_saphyr::from_str(yaml).unwrap();
        let settings = Settings {
            offline: false,
            site: Site { zone: TimeZone::UTC, latitude, longitude: Some(2.3) },
            prices: page.prices,
            tempo: page.tempo,
            tempo_prices: page.tempo_prices,
            pv: page.pv,
        };
        check(&settings).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[rstest]
    #[case::fine("prices: [ energy_charts: { zone: FR }, energy_charts: { zone: DE-LU } ]", expect![[""]])]
    #[case::zone("prices: { energy_charts: { zone: 'F R' } }", expect![[r#"tariffs.market.energy_charts.zone: "F R" cannot be; expected something like FR"#]])]
    #[case::url("tempo: { rte_site: { url: 'ftp://x/' } }", expect![[r#"tariffs.colours.rte_site.url: "ftp://x/" does not begin with http:// or https:// and a host"#]])]
    #[case::user("tempo: { rte_site: { url: 'http://a:b@x/' } }", expect!["tariffs.colours.rte_site.url: a URL with a user or password in it ends up in logs; leave them out"])]
    #[case::region("prices: { octopus: { product: AGILE-24-10-01, region: Z } }", expect!["tariffs.market.octopus.region: 'Z' is no region; expected a letter from A to P"])]
    #[case::currency("prices: { nordpool: { area: FR, currency: EURO } }", expect![[r#"tariffs.market.nordpool.currency: "EURO" is no currency; expected an ISO code such as EUR or SEK"#]])]
    #[case::secret("prices: { tibber: { token_file: /nowhere/token } }", expect!["tariffs.market.tibber.token_file: /nowhere/token cannot be read"])]
    #[case::power("tempo_prices: { data_gouv: { power_kva: 0 } }", expect!["tariffs.official_prices.data_gouv.power_kva: 0 kVA cannot be; expected 6, 9, 12, ..."])]
    #[case::no_plane("pv: { open_meteo: { planes: [] } }", expect!["forecast.pv.open_meteo.planes: 0 planes; expected 1 to 6"])]
    #[case::often("pv: { forecast_solar: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }], every: 1 min } }", expect!["forecast.pv.forecast_solar.every: 1 min is not between 15 min and 1 d"])]
    #[case::dear("pv: { solcast: { sites: [a, b], api_key_file: /nowhere, calls_per_day: 1 } }", expect!["forecast.pv.solcast.calls_per_day: 2 sites take as many calls, and 1 a day are allowed"])]
    fn what_cannot_work_is_said(#[case] yaml: &str, #[case] expected: Expect) {
        expected.assert_eq(&wrong(yaml, Some(48.8)));
    }

    #[test]
    fn a_place_is_needed_for_the_sun() {
        let yaml = "pv: { open_meteo: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }] } }";
        let missing = wrong(yaml, None);
        expect!["forecast.pv.open_meteo.planes: `site.latitude` and `site.longitude` are missing: it has to know where the panels are"].assert_eq(&missing);
        assert!(wrong(yaml, Some(f64::NAN)).contains("is nowhere"));
    }
}
