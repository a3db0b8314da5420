//! One value with its unit, its time and its age: the shape that every place uses that shows a value.

use std::collections::BTreeSet;

use ohmstead_model::catalogue::CORE;
use ohmstead_model::{DeviceState, Metric, Moment, Observation, UnixMillis, Unknown, Value};
use serde::ser::{Serialize, SerializeMap, Serializer};
use utoipa::ToSchema;

/// One value, or the reason why it is not known.
#[derive(Debug, Clone, PartialEq, serde::Serialize, ToSchema)]
#[schema(as = Value, example = json!({"value": 81.0, "unit": "%", "at": "2026-11-21T08:00:00.123Z", "age_ms": 812}))]
pub(crate) struct V {
    /// The number in `unit` and in the sign of the catalogue, the key of the state, or the text; `null` while it is not
    /// known. Unknown is never 0.
    value: Scalar,
    /// Unit of the number; `null` for states and texts.
    #[schema(required = true)]
    unit: Option<&'static str>,
    /// When it was read, UTC; `null` if never.
    #[schema(format = DateTime, required = true)]
    at: Option<String>,
    /// How long ago it was read, in milliseconds; `null` if never.
    #[schema(required = true)]
    age_ms: Option<u64>,
    /// Why the value is not known; only present when `value` is `null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    why: Option<String>,
}

/// A number, a text, or nothing.
#[derive(Debug, Clone, PartialEq, serde::Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Scalar {
    /// A number in the unit of the metric.
    Number(f64),
    /// The key of a state, or a text.
    Text(String),
    /// Not known.
    Null,
}

impl V {
    /// An observation that was made at `at`, as of `now`. Whether it is still usable was decided before.
    pub(crate) fn new(metric: Metric, observation: &Observation, at: Option<Moment>, now: Moment) -> Self {
        let (value, why) = match observation {
            Ok(Value::Number(number)) => match finite(metric, *number) {
                Some(number) => (Scalar::Number(number), None),
                None => (Scalar::Null, Some(Unknown::implausible(number.to_string()).to_string())),
            },
            Ok(Value::State(key)) => (Scalar::Text((*key).to_owned()), None),
            Ok(Value::Text(text)) => (Scalar::Text(text.to_string()), None),
            Err(why) => (Scalar::Null, Some(why.to_string())),
        };
        Self {
            value,
            unit: metric.def().unit.map(ohmstead_model::catalogue::Unit::symbol),
            at: at.map(|at| iso(at.unix)),
            age_ms: at.map(|at| millis(now.since(at))),
            why,
        }
    }

    /// What a device tells of `metric`, usable at `now` or not.
    pub(crate) fn of(device: &DeviceState, metric: Metric, now: Moment) -> Self {
        let at = device.values.get(&metric).map(|observed| observed.at);
        let observation = device.value(metric, now).map(|known| known.value.clone());
        Self::new(metric, &observation, at, now)
    }
}

/// The number at the metric's resolution, if that is a number that JSON can carry. A huge one is rounded to infinity.
pub(crate) fn finite(metric: Metric, number: f64) -> Option<f64> {
    Some(metric.round(number)).filter(|rounded| rounded.is_finite())
}

/// Values by the name of their metric, in the order of the catalogue.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Values(Vec<(&'static str, V)>);

impl Values {
    pub(crate) fn new(values: impl IntoIterator<Item = (Metric, V)>) -> Self {
        Self(values.into_iter().map(|(metric, value)| (metric.id(), value)).collect())
    }

    /// All values that a device has told or is expected to tell.
    pub(crate) fn of(device: &DeviceState, now: Moment) -> Self {
        Self::new(metrics_of(device).into_iter().map(|metric| (metric, V::of(device, metric, now))))
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The metrics of a device: those of the catalogue in its order, then native ones by name.
pub(crate) fn metrics_of(device: &DeviceState) -> Vec<Metric> {
    let all: BTreeSet<Metric> = device.info.metrics.iter().chain(device.values.keys()).copied().collect();
    // As the device has it: a price is in its currency.
    let core = CORE.iter().filter_map(|metric| all.get(metric).copied());
    let native = all.iter().copied().filter(|metric| Metric::by_id(metric.id()).is_none());
    core.chain(native).collect()
}

/// RFC 3339 in UTC with milliseconds. A moment outside of the years -9999 to 9999 is clamped to them.
pub(crate) fn iso(at: UnixMillis) -> String {
    let clamped = if at.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    format!("{:.3}", jiff::Timestamp::from_millisecond(at.0).unwrap_or(clamped))
}

/// Whole milliseconds.
pub(crate) fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
