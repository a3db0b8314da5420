//! What is wrong with settings before anybody is asked, and the sources that they open.

use std::path::PathBuf;
use std::sync::Arc;

use crate::provider::{self, Opened};
use crate::settings::Settings;
use crate::{Kind, Secret};

/// Why a source cannot work, whatever the other side does.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A value that cannot be.
    #[error("{place}: {what}")]
    Wrong {
        /// The source and its key.
        place: String,
        /// What is wrong and what to do.
        what: String,
    },
    /// A file that is not there, or empty, or not text.
    #[error("{place}: {} cannot be read", path.display())]
    Unreadable {
        /// The source and its key.
        place: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Everything that is wrong with these settings. Files of secrets are read, nothing is sent.
pub fn check(settings: &Settings) -> Vec<SettingsError> {
    let (sources, mut errors) = open(settings);
    for source in sources {
        for (key, path) in source.opened.secret_files {
            if let Err(error) = Secret::read(&path) {
                errors.push(SettingsError::Unreadable {
                    place: format!("{}.{key}", source.name),
                    path,
                    source: error,
                });
            }
        }
    }
    errors
}

/// A source with its kind and its name, which is unique.
pub(crate) struct Named {
    pub(crate) kind: Kind,
    pub(crate) name: Arc<str>,
    pub(crate) opened: Opened,
}

/// All sources that can be opened, in their order, and what is wrong with the others.
pub(crate) fn open(settings: &Settings) -> (Vec<Named>, Vec<SettingsError>) {
    let mut all = Vec::new();
    all.extend(settings.prices.0.iter().map(|it| (Kind::Prices, provider::price_source(it))));
    all.extend(settings.tempo.0.iter().map(|it| (Kind::Colours, provider::colour_source(it))));
    all.extend(settings.tempo_prices.0.iter().map(|it| (Kind::Grids, provider::grid_source(it))));
    all.extend(settings.pv.0.iter().map(|it| (Kind::Pv, provider::pv_source(it, &settings.site))));
    let (mut sources, mut errors, mut taken) = (Vec::new(), Vec::new(), Vec::new());
    for (number, (kind, opened)) in all.into_iter().enumerate() {
        match opened {
            Ok(opened) => {
                let name = provider::distinct(kind.id(), opened.name, &taken);
                taken.push(Arc::clone(&name));
                sources.push(Named { kind, name, opened });
            }
            Err((key, what)) => errors.push(SettingsError::Wrong {
                place: format!("{} (source {}).{key}", kind.id(), number + 1),
                what,
            }),
        }
    }
    (sources, errors)
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
    #[case::zone("prices: { energy_charts: { zone: 'F R' } }", expect![[r#"prices (source 1).zone: "F R" cannot be; expected something like FR"#]])]
    #[case::url("tempo: { rte_site: { url: 'ftp://x/' } }", expect![[r#"tempo (source 1).url: "ftp://x/" does not begin with http:// or https:// and a host"#]])]
    #[case::user("tempo: { rte_site: { url: 'http://a:b@x/' } }", expect!["tempo (source 1).url: a URL with a user or password in it ends up in logs; leave them out"])]
    #[case::region("prices: { octopus: { product: AGILE-24-10-01, region: Z } }", expect!["prices (source 1).region: 'Z' is no region; expected a letter from A to P"])]
    #[case::secret("prices: { tibber: { token_file: /nowhere/token } }", expect!["prices.tibber.token_file: /nowhere/token cannot be read"])]
    #[case::power("tempo_prices: { data_gouv: { power_kva: 0 } }", expect!["tempo_prices (source 1).power_kva: 0 kVA cannot be; expected 6, 9, 12, ..."])]
    #[case::no_plane("pv: { open_meteo: { planes: [] } }", expect!["pv (source 1).planes: 0 planes; expected 1 to 6"])]
    #[case::tilt("pv: { open_meteo: { planes: [{ peak: 6 kWp, tilt: 300, azimuth: 0 }] } }", expect!["pv (source 1).planes: a tilt of 300 cannot be; 0 lies flat, 90 stands"])]
    #[case::often("pv: { forecast_solar: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }], every: 1 min } }", expect!["pv (source 1).every: 1 min is not between 15 min and 1 d"])]
    #[case::dear("pv: { solcast: { sites: [a, b], api_key_file: /nowhere, calls_per_day: 1 } }", expect!["pv (source 1).calls_per_day: 2 sites take as many calls, and 1 a day are allowed"])]
    fn what_cannot_work_is_said(#[case] yaml: &str, #[case] expected: Expect) {
        expected.assert_eq(&wrong(yaml, Some(48.8)));
    }

    #[test]
    fn a_place_is_needed_for_the_sun() {
        let yaml = "pv: { open_meteo: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }] } }";
        let missing = wrong(yaml, None);
        expect!["pv (source 1).planes: site.latitude and site.longitude are missing"].assert_eq(&missing);
        assert!(wrong(yaml, Some(f64::NAN)).contains("is nowhere"));
    }
}
