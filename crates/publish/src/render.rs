//! What a device's own topics say: `availability`, `state`, `info`. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use ohmstead_model::{DeviceState, Known, Metric, Moment, Online, UnixMillis, Value};
use serde_json::{Map, Value as Json, json};

use crate::scheme::{Message, Scheme, availability_word};

/// A message, and the part of it whose change makes it worth sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) message: Message,
    /// The payload without its time stamp.
    pub(crate) essence: String,
}

impl Said {
    pub(crate) fn all_of(message: Message) -> Self {
        Self { essence: message.payload.clone(), message }
    }
}

/// The values of a device as they are published.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Values {
    pub(crate) json: Map<String, Json>,
    /// When the newest of the known values was read.
    pub(crate) newest: Option<UnixMillis>,
    /// The moment on the monotonic clock at which the next value becomes too old.
    pub(crate) expires: Option<Duration>,
}

/// The metrics that a device is announced with: the expected ones, those seen, and those that can be set.
pub(crate) fn metrics(device: &DeviceState) -> BTreeSet<Metric> {
    let settings = device.info.settings.iter().map(|setting| &setting.metric);
    device.info.metrics.iter().chain(settings).chain(device.values.keys()).copied().collect()
}

/// Every announced metric of `device` at `now`, `null` where it is not known.
pub(crate) fn values(device: &DeviceState, now: Moment) -> Values {
    select(device, now, metrics(device).into_iter().map(|metric| (metric.id(), metric, published as Write)))
}

/// How one known value is written.
pub(crate) type Write = fn(Metric, &Value) -> Json;

/// The chosen values of `device` at `now` under the given keys.
pub(crate) fn select(
    device: &DeviceState,
    now: Moment,
    wanted: impl Iterator<Item = (&'static str, Metric, Write)>,
) -> Values {
    let mut values = Values { json: Map::new(), newest: None, expires: None };
    for (key, metric, write) in wanted {
        let known = device.value(metric, now).ok();
        if let Some(Known { at, .. }) = known {
            let ttl = device.info.ttl.of(metric.def().poll);
            let expires = at.mono.saturating_add(ttl);
            values.newest = values.newest.max(Some(at.unix));
            values.expires = Some(values.expires.map_or(expires, |earlier| earlier.min(expires)));
        }
        let json = known.map_or(Json::Null, |known| write(metric, known.value));
        values.json.insert(key.to_owned(), json);
    }
    values
}

/// Home Assistant refuses a state of more characters.
const TEXT_CHARS_MAX: usize = 255;

/// A value at the catalogue's resolution; text no longer than Home Assistant takes.
pub(crate) fn published(metric: Metric, value: &Value) -> Json {
    match value {
        Value::Number(number) => number_at_resolution(metric, *number),
        Value::State(key) => json!(key),
        Value::Text(text) => json!(text.chars().take(TEXT_CHARS_MAX).collect::<String>()),
    }
}

fn number_at_resolution(metric: Metric, number: f64) -> Json {
    let rounded = metric.round(number);
    // A metric without decimals is an integer in JSON as well: "1200", not "1200.0".
    if metric.def().decimals == 0 { whole(rounded).unwrap_or_else(|| json!(rounded)) } else { json!(rounded) }
}

/// `number` as a JSON integer if it is one.
pub(crate) fn whole(number: f64) -> Option<Json> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within the exact range of f64")]
    (number.fract() == 0.0 && number.abs() <= EXACT_MAX).then(|| json!(number as i64))
}

/// `T/<device>/availability`.
///
/// The house is computed here, so it is there as long as this program is; what is missing for a sum shows as unknown.
pub(crate) fn availability(scheme: &Scheme, device: &DeviceState) -> Said {
    let topic = scheme.device_topic(&device.info.id, "availability");
    Said::all_of(Message::retained(topic, availability_word(is_available(device))))
}

/// Whether the device counts as there.
pub(crate) fn is_available(device: &DeviceState) -> bool {
    device.is_online() || (device.info.id.is_site() && !matches!(device.online, Online::No(_)))
}

/// `T/<device>/state`, and when it must be looked at again.
pub(crate) fn state(scheme: &Scheme, device: &DeviceState, now: Moment) -> (Said, Option<Duration>) {
    let values = values(device, now);
    let topic = scheme.device_topic(&device.info.id, "state");
    (stamped(topic, values.json, "at", values.newest.and_then(utc)), values.expires)
}

/// A retained JSON object with a time stamp that alone does not make it worth sending.
pub(crate) fn stamped(topic: String, mut json: Map<String, Json>, key: &str, stamp: Option<String>) -> Said {
    let essence = Json::Object(json.clone()).to_string();
    json.insert(key.to_owned(), stamp.map_or(Json::Null, Json::String));
    Said { message: Message::retained(topic, Json::Object(json).to_string()), essence }
}

/// An instant as RFC 3339 in UTC; `None` outside the years -9999 to 9999.
pub(crate) fn utc(at: UnixMillis) -> Option<String> {
    Timestamp::from_millisecond(at.0).ok().map(|instant| instant.to_string())
}

/// `T/<device>/info`.
pub(crate) fn info(scheme: &Scheme, device: &DeviceState) -> Said {
    let info = &device.info;
    let notices: Vec<Json> = device
        .notices
        .iter()
        .map(|notice| {
            json!({
                "code": notice.code,
                "severity": notice.severity.key(),
                "text": notice.text,
                "hint": notice.hint,
            })
        })
        .collect();
    let payload = json!({
        "device": info.id.as_str(),
        "title": info.title,
        "driver": info.driver,
        "manufacturer": non_empty(info.manufacturer),
        "model": info.model,
        "firmware": info.firmware,
        "serial": info.serial,
        "address": info.address,
        "phase": info.phase.map(|phase| phase.to_string()),
        "roles": info.roles.iter().map(|role| role.key()).collect::<Vec<_>>(),
        "modes": info.modes,
        "notices": notices,
    });
    Said::all_of(Message::retained(scheme.device_topic(&info.id, "info"), payload.to_string()))
}

/// `None` for an empty text.
pub(crate) fn non_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
