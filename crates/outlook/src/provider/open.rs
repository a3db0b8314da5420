//! From settings to sources. What cannot work is said before anybody is asked.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use ohmstead_units::{Currency, Timespan};
use reqwest::Url;

use super::awattar::Awattar;
use super::couleur_tempo::CouleurTempo;
use super::data_gouv::DataGouv;
use super::energy_charts::EnergyCharts;
use super::entsoe::Entsoe;
use super::forecast_solar::ForecastSolar;
use super::nordpool::NordPool;
use super::octopus::Octopus;
use super::open_meteo::OpenMeteo;
use super::rte_api::RteApi;
use super::rte_site::RteSite;
use super::solcast::Solcast;
use super::tibber::Tibber;
use super::vrm::Vrm;
use super::{HOUR, Provider};
use crate::settings::{Country, Plane, PriceSource, PvSource, Site, TempoPriceSource, TempoSource};
use crate::{Failure, Secret};

/// A source that is ready to be asked.
pub(crate) struct Opened {
    /// Its kind, as it stands in the configuration.
    pub(crate) name: &'static str,
    pub(crate) provider: Box<dyn Provider>,
    /// The files that it reads secrets from, with their keys.
    pub(crate) secret_files: Vec<(&'static str, std::path::PathBuf)>,
}

/// What is wrong with the settings of one source: the key, and the words.
pub(crate) type Wrong = (&'static str, String);

/// Degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) latitude: f64,
    pub(super) longitude: f64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at={},{}", self.latitude, self.longitude)
    }
}

/// The secret in a file, read anew for every ask: it can be changed while we run.
pub(super) fn secret_of(path: &Path) -> Result<Secret, Failure> {
    Secret::token_of(path)
        .map_err(|error| Failure::Refused(format!("{} cannot be read: {error}", path.display())))
}

fn address(given: Option<&String>, usual: &str) -> Result<Url, Wrong> {
    let text = given.map_or(usual, String::as_str);
    let wrong = |what: String| ("url", what);
    let url = Url::parse(text).map_err(|error| wrong(format!("{text:?} is no URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong(format!("{text:?} does not begin with http:// or https:// and a host")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("a URL with a user or password in it ends up in logs; leave them out".to_owned()));
    }
    Ok(url)
}

fn word<'t>(key: &'static str, text: &'t str, example: &str) -> Result<&'t str, Wrong> {
    let is_fine = !text.is_empty()
        && text.len() <= 64
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if is_fine {
        Ok(text)
    } else {
        Err((key, format!("{text:?} cannot be; expected something like {example}")))
    }
}

fn opened(
    name: &'static str,
    provider: impl Provider + 'static,
    secret_files: Vec<(&'static str, std::path::PathBuf)>,
) -> Opened {
    Opened { name, provider: Box::new(provider), secret_files }
}

/// A source of prices.
pub(crate) fn price_source(settings: &PriceSource) -> Result<Opened, Wrong> {
    Ok(match settings {
        PriceSource::EnergyCharts(it) => {
            let url = address(it.url.as_ref(), "https://api.energy-charts.info/price")?;
            let zone = word("zone", &it.zone, "FR")?.to_owned();
            opened("energy_charts", EnergyCharts { url, zone }, Vec::new())
        }
        PriceSource::Entsoe(it) => {
            let url = address(it.url.as_ref(), "https://web-api.tp.entsoe.eu/api")?;
            let area = word("area", &it.area, "10YFR-RTE------C")?.to_owned();
            let token_file = it.token_file.clone();
            let files = vec![("token_file", token_file.clone())];
            opened("entsoe", Entsoe { url, area, token_file }, files)
        }
        PriceSource::Awattar(it) => {
            let country = match it.country {
                Country::De => "de",
                Country::At => "at",
            };
            let url = address(it.url.as_ref(), &format!("https://api.awattar.{country}/v1/marketdata"))?;
            opened("awattar", Awattar { url, country }, Vec::new())
        }
        PriceSource::Nordpool(it) => {
            let usual = "https://dataportal-api.nordpoolgroup.com/api/DayAheadPrices";
            let area = word("area", &it.area, "FR")?.to_owned();
            let currency = Currency::of_code(&it.currency).ok_or_else(|| {
                let what = "is no currency; expected an ISO code such as EUR or SEK";
                ("currency", format!("{:?} {what}", it.currency))
            })?;
            let currency = currency.code().to_owned();
            opened("nordpool", NordPool { url: address(it.url.as_ref(), usual)?, area, currency }, Vec::new())
        }
        PriceSource::Octopus(it) => opened("octopus", octopus(it)?, Vec::new()),
        PriceSource::Tibber(it) => {
            let url = address(it.url.as_ref(), "https://api.tibber.com/v1-beta/gql")?;
            let tibber = Tibber { url, token_file: it.token_file.clone(), home: it.home.clone() };
            opened("tibber", tibber, vec![("token_file", it.token_file.clone())])
        }
    })
}

fn octopus(settings: &crate::settings::Octopus) -> Result<Octopus, Wrong> {
    let product = word("product", &settings.product, "AGILE-24-10-01")?.to_owned();
    let region = settings.region.to_ascii_uppercase();
    if !('A'..='P').contains(&region) {
        return Err(("region", format!("{region:?} is no region; expected a letter from A to P")));
    }
    let mut url = address(settings.url.as_ref(), "https://api.octopus.energy/")?;
    if let Ok(mut path) = url.path_segments_mut() {
        let tariff = format!("E-1R-{product}-{region}");
        path.pop_if_empty();
        path.extend(["v1", "products", &product, "electricity-tariffs", &tariff, "standard-unit-rates", ""]);
    }
    Ok(Octopus { url, product, region })
}

/// A source of colours.
pub(crate) fn colour_source(settings: &TempoSource) -> Result<Opened, Wrong> {
    Ok(match settings {
        TempoSource::RteSite(it) => {
            let usual = "https://www.services-rte.com/cms/open_data/v1/tempo";
            opened("rte_site", RteSite { url: address(it.url.as_ref(), usual)? }, Vec::new())
        }
        TempoSource::ApiCouleurTempo(it) => {
            let usual = "https://www.api-couleur-tempo.fr/api/joursTempo";
            opened("api_couleur_tempo", CouleurTempo { url: address(it.url.as_ref(), usual)? }, Vec::new())
        }
        TempoSource::RteApi(it) => {
            let host = "https://digital.iservices.rte-france.com";
            let path = "open_api/tempo_like_supply_contract/v1/tempo_like_calendars";
            if it.client_id.trim().is_empty() {
                return Err(("client_id", "it is empty; RTE shows it beside the application".to_owned()));
            }
            let api = RteApi {
                url: address(it.url.as_ref(), &format!("{host}/{path}"))?,
                token_url: address(it.token_url.as_ref(), &format!("{host}/token/oauth"))
                    .map_err(|(_, what)| ("token_url", what))?,
                client_id: it.client_id.clone(),
                client_secret_file: it.client_secret_file.clone(),
                token: None,
            };
            opened("rte_api", api, vec![("client_secret_file", it.client_secret_file.clone())])
        }
    })
}

/// A source of the prices of Tempo.
pub(crate) fn grid_source(settings: &TempoPriceSource) -> Result<Opened, Wrong> {
    let TempoPriceSource::DataGouv(it) = settings;
    if !(1.0..=1000.0).contains(&it.power_kva) {
        return Err(("power_kva", format!("{} kVA cannot be; expected 6, 9, 12, ...", it.power_kva)));
    }
    let usual = "https://tabular-api.data.gouv.fr/api/resources/0c3d1d36-c412-4620-8566-e5cbb4fa2b5a/data/";
    let provider = DataGouv { url: address(it.url.as_ref(), usual)?, power_kva: it.power_kva };
    Ok(opened("data_gouv", provider, Vec::new()))
}

/// A source of forecasts of the sun.
pub(crate) fn pv_source(settings: &PvSource, site: &Site) -> Result<Opened, Wrong> {
    Ok(match settings {
        PvSource::OpenMeteo(it) => {
            let url = address(it.url.as_ref(), "https://api.open-meteo.com/v1/forecast")?;
            let files = it.api_key_file.iter().map(|file| ("api_key_file", file.clone())).collect();
            let provider = OpenMeteo {
                url,
                place: place(site)?,
                planes: planes(&it.planes)?,
                api_key_file: it.api_key_file.clone(),
                every: every(it.every)?,
            };
            opened("open_meteo", provider, files)
        }
        PvSource::ForecastSolar(it) => {
            let provider = ForecastSolar {
                url: address(it.url.as_ref(), "https://api.forecast.solar/")?,
                place: place(site)?,
                planes: planes(&it.planes)?,
                key_file: it.key_file.clone(),
                every: every(it.every)?,
            };
            let files = it.key_file.iter().map(|file| ("key_file", file.clone())).collect();
            opened("forecast_solar", provider, files)
        }
        PvSource::Solcast(it) => {
            opened("solcast", solcast(it)?, vec![("api_key_file", it.api_key_file.clone())])
        }
        PvSource::Vrm(it) => {
            let url = address(it.url.as_ref(), "https://vrmapi.victronenergy.com/")?;
            let vrm = Vrm { url, site: it.site, token_file: it.token_file.clone(), every: every(it.every)? };
            opened("vrm", vrm, vec![("token_file", it.token_file.clone())])
        }
    })
}

fn solcast(settings: &crate::settings::Solcast) -> Result<Solcast, Wrong> {
    let sites: Vec<String> = settings
        .sites
        .iter()
        .map(|site| word("sites", site, "1234-abcd-5678-ef90").map(str::to_owned))
        .collect::<Result<_, _>>()?;
    if sites.is_empty() {
        return Err(("sites", "no site is named; Solcast shows their ids".to_owned()));
    }
    if u32::try_from(sites.len()).map_or(true, |calls| calls > settings.calls_per_day) {
        let what = format!(
            "{} sites take as many calls, and {} a day are allowed",
            sites.len(),
            settings.calls_per_day
        );
        return Err(("calls_per_day", what));
    }
    Ok(Solcast {
        url: address(settings.url.as_ref(), "https://api.solcast.com.au/")?,
        sites,
        api_key_file: settings.api_key_file.clone(),
        calls_per_day: settings.calls_per_day,
    })
}

fn place(site: &Site) -> Result<Place, Wrong> {
    let (Some(latitude), Some(longitude)) = (site.latitude, site.longitude) else {
        return Err((
            "planes",
            "`site.latitude` and `site.longitude` are missing: it has to know where the panels are"
                .to_owned(),
        ));
    };
    let is_on_earth = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
    if !is_on_earth {
        return Err(("planes", format!("site.latitude {latitude}, site.longitude {longitude} is nowhere")));
    }
    Ok(Place { latitude, longitude })
}

/// No roof has more directions, and every plane is a call.
const PLANES_MAX: usize = 6;

fn planes(planes: &[Plane]) -> Result<Vec<Plane>, Wrong> {
    let wrong = |what: String| Err(("planes", what));
    if planes.is_empty() || planes.len() > PLANES_MAX {
        return wrong(format!("{} planes; expected 1 to {PLANES_MAX}", planes.len()));
    }
    for plane in planes {
        if !(1.0..=1e6).contains(&plane.peak.0) {
            return wrong(format!("a peak of {} cannot be", plane.peak));
        }
    }
    Ok(planes.to_vec())
}

fn every(span: Timespan) -> Result<std::time::Duration, Wrong> {
    let (least, most) = (HOUR / 4, HOUR * 24);
    if (least..=most).contains(&span.0) {
        return Ok(span.0);
    }
    Err(("every", format!("{span} is not between {} and {}", Timespan(least), Timespan(most))))
}

/// Names of sources of one kind: a second one of a kind gets a number.
pub(crate) fn distinct(kind: &str, name: &str, taken: &[Arc<str>]) -> Arc<str> {
    let first = format!("{kind}.{name}");
    let mut candidate: Arc<str> = first.as_str().into();
    let mut number = 1;
    while taken.contains(&candidate) {
        number += 1;
        candidate = format!("{first}.{number}").into();
    }
    candidate
}
