//! forecast.solar: the power of each plane of panels, with or without a key. One plane a call.
//!
//! ```text
//! {"result": {"watts": {"2026-05-01T05:41:10+00:00": 0, "2026-05-01T06:00:00+00:00": 272, ..}, ..},
//!  "message": {"code": 0, "type": "success", "text": "", "ratelimit": {"limit": 12, "remaining": 10}}}
//! {"result": "..", "message": {"code": 429, "text": "Rate limit for API calls reached.", "ratelimit": {"retry-at": ".."}}}
//! ```
//! `watts` are of the moment, at full hours and at sunrise and sunset; between two of them power is linear, which is how
//! the service itself computes its energies. Nothing is said of the night: sunset and sunrise are both zero.

use std::time::Duration;

use futures_util::future::BoxFuture;
use ohmstead_model::{TimeSpan, UnixMillis};
use reqwest::Url;
use serde_json::Value;

use super::{Ask, HOUR, POWERS, Pace, Provider, not_negative};
use crate::http::{Caller, Request};
use crate::parse::{Left, ParseError, Spans, document, instant, number, said, sum, text, whole};
use crate::provider::open::{Place, secret_of};
use crate::settings::Plane;
use crate::{Answer, Failure, Quantity, Secret};

pub(super) struct ForecastSolar {
    pub(super) url: Url,
    pub(super) place: Place,
    pub(super) planes: Vec<Plane>,
    pub(super) key_file: Option<std::path::PathBuf>,
    pub(super) every: Duration,
}

impl Provider for ForecastSolar {
    fn pace(&self) -> Pace {
        Pace {
            every: self.every,
            least: Duration::from_secs(900),
            calls: u32::try_from(self.planes.len()).unwrap_or(u32::MAX),
            per_hour: Some(12),
            ..Pace::default()
        }
    }

    fn identity(&self) -> String {
        let planes = self.planes.iter().map(|it| format!("{}/{}/{}", it.tilt, it.azimuth, it.peak.0));
        format!("{} planes={}", self.place, planes.collect::<Vec<_>>().join(","))
    }

    fn fetch<'a>(&'a mut self, caller: &'a mut Caller, _: &'a Ask) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let key = self.key_file.as_deref().map(secret_of).transpose()?;
            let (mut parts, mut left) = (Vec::new(), Left::default());
            for plane in &self.planes {
                let request = self.request(plane, key.as_ref());
                let mut answer = parse(&caller.body(&request).await?)?;
                left.refused += answer.refused;
                left.blank += answer.blank;
                parts.extend(answer.series.remove(&Quantity::PvPower));
            }
            Ok(Answer::of(Quantity::PvPower, (sum(&parts), left)))
        })
    }
}

impl ForecastSolar {
    fn request(&self, plane: &Plane, key: Option<&Secret>) -> Request {
        let kwp = plane.peak.0 / 1000.0;
        let place = [self.place.latitude, self.place.longitude, plane.tilt, plane.azimuth, kwp];
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty();
            path.extend(key.map(Secret::expose));
            path.push("estimate").extend(place.map(|number| number.to_string()));
        }
        let request = Request::get(url).query("time", "utc");
        key.map_or(request.clone(), |key| request.hiding(key))
    }
}

pub(super) fn parse(body: &[u8]) -> Result<Answer, ParseError> {
    let json = document(body)?;
    let message = json.get("message").unwrap_or(&Value::Null);
    if message.get("code").and_then(whole).unwrap_or(0) != 0 {
        return Err(said(text(message, "text").unwrap_or("an error without words")));
    }
    let watts = json.pointer("/result/watts").and_then(Value::as_object);
    let watts = watts.ok_or(ParseError::Missing("result.watts"))?;
    let mut spans = Spans::within(POWERS);
    let mut moments: Vec<(UnixMillis, Option<f64>)> = Vec::with_capacity(watts.len());
    for (stamp, power) in watts {
        match instant(stamp) {
            Some(at) => moments.push((at, not_negative(number(power)))),
            None => spans.refuse(),
        }
    }
    moments.sort_by_key(|(at, _)| *at);
    let blank = moments.iter().filter(|(_, power)| power.is_none()).count();
    for pair in moments.windows(2) {
        add_stretch(pair[0], pair[1], &mut spans)?;
    }
    let mut answer = Answer::of(Quantity::PvPower, spans.timeline());
    answer.blank += blank;
    Ok(answer)
}

/// The mean between two moments. What is longer than two hours is a night, if it begins and ends with nothing, or a hole.
fn add_stretch(
    (start, first): (UnixMillis, Option<f64>),
    (end, last): (UnixMillis, Option<f64>),
    spans: &mut Spans,
) -> Result<(), ParseError> {
    let (Some(first), Some(last)) = (first, last) else { return Ok(()) };
    let span = TimeSpan::new(start, end);
    let is_night = first == 0.0 && last == 0.0 && span.length() < HOUR * 23;
    if span.is_empty() || !(is_night || span.length() <= HOUR * 2) {
        return Ok(());
    }
    spans.add(span, Some(f64::midpoint(first, last)))
}
