//! The `site:` section: what the house is called, where it stands and which languages its people speak.

use std::fmt;

use jiff::tz::TimeZone;
use ohmstead_control::schedule::Holidays;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Unexpected};

use crate::nearest::nearest;

/// The house.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    /// Name for people.
    pub name: String,
    /// The zone of schedules, tariff days and displayed times. Where it is not configured: the zone of this machine,
    /// and UTC where that is unknown.
    #[serde(deserialize_with = "zone")]
    pub timezone: TimeZone,
    /// Degrees north, -90 to 90.
    #[serde(deserialize_with = "latitude")]
    pub latitude: Option<f64>,
    /// Degrees east, -180 to 180.
    #[serde(deserialize_with = "longitude")]
    pub longitude: Option<f64>,
    /// Days that schedules count as holidays.
    pub holidays: Holidays,
    /// Languages in order of preference; never empty.
    #[serde(deserialize_with = "languages")]
    pub languages: Vec<Language>,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            name: "Home".to_owned(),
            timezone: TimeZone::try_system().unwrap_or(TimeZone::UTC),
            latitude: None,
            longitude: None,
            holidays: Holidays::default(),
            languages: vec![Language::En],
        }
    }
}

/// A language of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// French.
    Fr,
    /// Dutch.
    Nl,
    /// Estonian.
    Et,
    /// German.
    De,
}

impl Language {
    /// The ISO 639-1 code.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
            Self::Nl => "nl",
            Self::Et => "et",
            Self::De => "de",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

fn zone<'de, D: Deserializer<'de>>(source: D) -> Result<TimeZone, D::Error> {
    let name = String::deserialize(source)?;
    TimeZone::get(name.trim()).map_err(|_| {
        let hint = nearest_zone(&name).map_or_else(String::new, |near| format!("did you mean `{near}`? "));
        D::Error::custom(format!(
            "unknown time zone {name:?}: {hint}expected an IANA name such as Europe/Paris"
        ))
    })
}

/// The zone that `name` most likely stands for: a slip in the whole name, or in the city alone.
fn nearest_zone(name: &str) -> Option<String> {
    let zones: Vec<String> = jiff::tz::db().available().map(|zone| zone.as_str().to_owned()).collect();
    let city = |zone: &'_ str| zone.rsplit('/').next().unwrap_or_default().to_owned();
    let wanted = city(name);
    let cities: Vec<String> = zones.iter().map(|zone| city(zone)).collect();
    let by_city =
        |candidate: &str| zones.iter().find(|zone| zone.contains('/') && city(zone) == candidate).cloned();
    if let Some(zone) =
        cities.iter().find(|city| city.eq_ignore_ascii_case(&wanted)).and_then(|city| by_city(city))
    {
        return Some(zone);
    }
    nearest(name, zones.iter().map(String::as_str))
        .map(str::to_owned)
        .or_else(|| nearest(&wanted, cities.iter().map(String::as_str)).and_then(by_city))
}

fn latitude<'de, D: Deserializer<'de>>(source: D) -> Result<Option<f64>, D::Error> {
    degrees(source, 90.0, &"a latitude from -90 to 90 (degrees north)")
}

fn longitude<'de, D: Deserializer<'de>>(source: D) -> Result<Option<f64>, D::Error> {
    degrees(source, 180.0, &"a longitude from -180 to 180 (degrees east)")
}

fn degrees<'de, D: Deserializer<'de>>(
    source: D,
    limit: f64,
    expected: &&str,
) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(source)? {
        Some(value) if !(-limit..=limit).contains(&value) => {
            Err(D::Error::invalid_value(Unexpected::Float(value), expected))
        }
        value => Ok(value),
    }
}

fn languages<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<Language>, D::Error> {
    let mut languages: Vec<Language> = Vec::new();
    for language in Vec::<Language>::deserialize(source)? {
        if !languages.contains(&language) {
            languages.push(language);
        }
    }
    if languages.is_empty() {
        return Err(D::Error::custom("`languages` is empty: give at least one of en, fr, nl, et, de"));
    }
    Ok(languages)
}
