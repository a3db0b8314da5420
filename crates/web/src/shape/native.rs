//! A device's own vocabulary as `ohmstead read --native` shows it.

use ohmstead_model::{DeviceState, Metric, Moment, NativeKind, NativeRow, Value};
use serde_json::{Map, Value as Json, json};

use super::value::{V, iso, metrics_of, millis};

/// The device's own values by part and path (`battery/512/Dc/0/Voltage`), those without unit and meaning too. Of a device
/// without a vocabulary: its metrics that are not in the core catalogue.
///
/// A value that is not there is `null` with a `why`.
pub fn native_json(device: &DeviceState, now: Moment) -> Json {
    let Some(view) = &device.native else { return metrics(device, now) };
    let rows = view.0.rows(None);
    Json::Object(rows.iter().map(|row| (format!("{}{}", row.part, row.path), of_row(row, now))).collect())
}

fn metrics(device: &DeviceState, now: Moment) -> Json {
    let own = metrics_of(device).into_iter().filter(|metric| Metric::by_id(metric.id()).is_none());
    let shown = |metric: Metric| serde_json::to_value(V::of(device, metric, now)).unwrap_or_default();
    Json::Object(own.map(|metric| (metric.id().to_owned(), shown(metric))).collect())
}

fn of_row(row: &NativeRow, now: Moment) -> Json {
    let mut shown = Map::new();
    let value = row.observation.as_ref().map_or(Json::Null, |value| plain(row.kind, value));
    shown.insert("value".to_owned(), value);
    shown.insert("unit".to_owned(), json!(row.unit));
    shown.insert("at".to_owned(), json!(iso(row.at.unix)));
    shown.insert("age_ms".to_owned(), json!(millis(now.since(row.at))));
    if let Err(why) = &row.observation {
        shown.insert("why".to_owned(), json!(why.to_string()));
    }
    let optional = [
        ("state", row.word),
        ("text", row.text.as_deref().filter(|_| row.observation.is_ok())),
        ("meaning", Some(row.meaning).filter(|meaning| !meaning.is_empty())),
        ("service", Some(&*row.service)),
    ];
    let optional = optional.into_iter().filter_map(|(key, text)| Some((key.to_owned(), json!(text?))));
    shown.extend(optional);
    Json::Object(shown)
}

/// A native value in the device's own type.
pub(crate) fn plain(kind: NativeKind, value: &Value) -> Json {
    match (kind, value) {
        #[expect(clippy::cast_possible_truncation, reason = "it was an integer of at most 53 bits")]
        (NativeKind::Int, Value::Number(number)) if number.fract() == 0.0 => json!(*number as i64),
        (NativeKind::Bool, Value::Number(number)) => json!(*number != 0.0),
        (_, Value::Number(number)) => json!(number),
        (NativeKind::Json, Value::Text(text)) => {
            serde_json::from_str(text).unwrap_or_else(|_| json!(&**text))
        }
        (_, Value::Text(text)) => json!(&**text),
        (_, Value::State(key)) => json!(key),
    }
}
