//! Open-Meteo: irradiance in the plane of the panels and the weather, without a key. One plane a call.
//!
//! ```text
//! {"utc_offset_seconds": 0, "minutely_15_units": {"time": "unixtime", "temperature_2m": "°C",
//!  "global_tilted_irradiance": "W/m²"}, "minutely_15": {"time": [1733785200, ..], "global_tilted_irradiance": [..]}}
//! ```
//! `hourly` has the same form. Irradiance is the mean of the step before its stamp, everything else of the moment.

use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::Url;
use serde_json::Value;

use super::{Ask, HOUR, Pace, Provider, not_negative};
use crate::answer::Lack;
use crate::http::{Caller, Request};
use crate::parse::{Left, ParseError, Points, array, document, number, other_unit, seconds, text, whole};
use crate::provider::open::{Place, secret_of};
use crate::settings::Plane;
use crate::{Answer, Failure, Quantity};

pub(super) struct OpenMeteo {
    pub(super) url: Url,
    pub(super) place: Place,
    pub(super) planes: Vec<Plane>,
    pub(super) api_key_file: Option<std::path::PathBuf>,
    pub(super) every: Duration,
}

const QUARTER: Duration = Duration::from_secs(900);
/// What is asked beside the irradiance of each plane.
const WEATHER: &str = "global_tilted_irradiance,temperature_2m,wind_speed_10m,cloud_cover";

impl Provider for OpenMeteo {
    fn pace(&self) -> Pace {
        let calls = u32::try_from(self.planes.len()).unwrap_or(u32::MAX);
        // Free for 10,000 calls a day and 5,000 an hour; a house needs no more than this.
        Pace {
            every: self.every,
            least: QUARTER,
            calls,
            per_hour: Some(120),
            per_day: Some(1_000),
            ..Pace::default()
        }
    }

    fn identity(&self) -> String {
        let planes = self.planes.iter().map(|plane| format!("{}/{}", plane.tilt, plane.azimuth));
        format!("{} planes={}", self.place, planes.collect::<Vec<_>>().join(","))
    }

    fn fetch<'a>(&'a mut self, caller: &'a mut Caller, _: &'a Ask) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let key = self.api_key_file.as_deref().map(secret_of).transpose()?;
            let mut answer = Answer::default();
            for (number, plane) in (0..).zip(&self.planes) {
                let mut request = self.request(plane);
                if let Some(key) = &key {
                    request = request.secret_query("apikey", key);
                }
                answer.join(parse(&caller.body(&request).await?, number)?);
            }
            Ok(answer)
        })
    }
}

impl OpenMeteo {
    fn request(&self, plane: &Plane) -> Request {
        Request::get(self.url.clone())
            .query("latitude", &self.place.latitude.to_string())
            .query("longitude", &self.place.longitude.to_string())
            .query("tilt", &plane.tilt.to_string())
            .query("azimuth", &plane.azimuth.to_string())
            .query("minutely_15", WEATHER)
            .query("forecast_days", "3")
            .query("timezone", "GMT")
            .query("timeformat", "unixtime")
            .query("wind_speed_unit", "ms")
    }
}

/// The answer for the plane of this number.
pub(super) fn parse(body: &[u8], plane: u8) -> Result<Answer, ParseError> {
    let json = document(body)?;
    if let Some(reason) = text(&json, "reason") {
        return Err(crate::parse::said(reason));
    }
    if json.get("utc_offset_seconds").and_then(whole).unwrap_or(0) != 0 {
        return Err(other_unit("timezone", "a local time", "GMT"));
    }
    let (block, units, step) = block(&json)?;
    let mut answer = Answer::default();
    let irradiance = Column { field: "global_tilted_irradiance", unit: "W/m²", sane: -1500.0..=1500.0 };
    let instant = Column { field: "global_tilted_irradiance_instant", unit: "W/m²", sane: -1500.0..=1500.0 };
    if let Some(points) = instant.read(block, units)? {
        answer.add(Quantity::Irradiance(plane), clamped(points.beginning(step)));
    }
    if let Some(points) = irradiance.read(block, units)? {
        answer.add(Quantity::Irradiance(plane), clamped(points.ending(step)));
    }
    answer.lack = no_irradiance(&answer, plane);
    let weather = [
        (Quantity::AirTemperature, Column { field: "temperature_2m", unit: "°C", sane: -80.0..=60.0 }),
        (Quantity::WindSpeed, Column { field: "wind_speed_10m", unit: "m/s", sane: 0.0..=120.0 }),
        (Quantity::CloudCover, Column { field: "cloud_cover", unit: "%", sane: 0.0..=100.0 }),
    ];
    for (quantity, column) in weather {
        if let Some(points) = column.read(block, units)? {
            answer.add(quantity, points.beginning(step));
        }
    }
    Ok(answer)
}

/// The weather alone tells nothing of the panels.
fn no_irradiance(answer: &Answer, plane: u8) -> Option<Lack> {
    let known = answer.series.get(&Quantity::Irradiance(plane));
    let why = match known {
        Some(known) if !known.is_empty() => return None,
        Some(_) => Failure::Absurd { refused: answer.refused, blank: answer.blank },
        None => Failure::Useless("it is not in the answer".to_owned()),
    };
    Some(Lack { what: "no irradiance", why })
}

/// Somewhat below zero at dawn is a fault of interpolation over there: it is night.
fn clamped((timeline, left): (ohmstead_model::Timeline<f64>, Left)) -> (ohmstead_model::Timeline<f64>, Left) {
    (timeline.map(|_, value| not_negative(Some(*value)).unwrap_or(0.0)), left)
}

fn block(json: &Value) -> Result<(&Value, Option<&Value>, Duration), ParseError> {
    let of = |name: &str, units: &str| Some((json.get(name)?, json.get(units)));
    if let Some((block, units)) = of("minutely_15", "minutely_15_units") {
        return Ok((block, units, QUARTER));
    }
    let (block, units) = of("hourly", "hourly_units").ok_or(ParseError::Missing("minutely_15"))?;
    Ok((block, units, HOUR))
}

/// One list of values beside the list of stamps.
struct Column {
    field: &'static str,
    unit: &'static str,
    sane: std::ops::RangeInclusive<f64>,
}

impl Column {
    /// `None` where the block has no such list.
    fn read(self, block: &Value, units: Option<&Value>) -> Result<Option<Points>, ParseError> {
        let Some(values) = block.get(self.field).and_then(Value::as_array) else { return Ok(None) };
        if let Some(unit) = units.and_then(|units| text(units, self.field)).filter(|unit| *unit != self.unit)
        {
            return Err(other_unit(self.field, unit, self.unit));
        }
        let mut points = Points::within(self.sane);
        for (stamp, value) in array(block, "/time")?.iter().zip(values) {
            match whole(stamp).and_then(seconds) {
                Some(at) => points.add(at, number(value))?,
                None => points.refuse(),
            }
        }
        Ok(Some(points))
    }
}
