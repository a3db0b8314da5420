//! What is read: services, settings, values and texts.

use std::collections::BTreeSet;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use ohmstead_model::{NativeKind, NativeRow, Value};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::answer::{Answer, refused};
use super::{SETTINGS, Served};
use crate::shape::plain;

pub(super) async fn services(State(served): State<Served>) -> Answer {
    let names: BTreeSet<_> = served.rows(None).into_iter().map(|row| row.service.to_string()).collect();
    Answer::ok(json!({ "services": names, "count": names.len(), "success": true }))
}

pub(super) async fn settings(State(served): State<Served>) -> Answer {
    let rows = served.rows_of(SETTINGS).unwrap_or_default();
    let settings: Map<_, _> = rows.iter().map(|row| (row.path.to_string(), setting(&served, row))).collect();
    if settings.is_empty() {
        return refused(503, "the settings of the GX device are not known at present");
    }
    Answer::ok(json!({ "settings": settings, "success": true }))
}

/// A setting with the limits that are known, in its own type.
fn setting(served: &Served, row: &NativeRow) -> Json {
    let mut shown = Map::new();
    shown.insert("Value".to_owned(), served.value_of(row));
    shown.insert("Text".to_owned(), Json::String(text_of(row)));
    if let Some(limits) = row.limits.as_deref() {
        let number = |number: Option<f64>| number.map(Value::Number);
        let known =
            [("Min", number(limits.min)), ("Max", number(limits.max)), ("Default", limits.default.clone())];
        let known = known.into_iter().filter_map(|(name, value)| Some((name, value?)));
        shown.extend(known.map(|(name, value)| (name.to_owned(), plain(row.kind, &value))));
    }
    Json::Object(shown)
}

/// Which value.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    service: String,
    #[serde(default)]
    path: String,
}

/// A query that may not be one.
type Asked = Result<Query<Wanted>, QueryRejection>;

pub(super) async fn value(State(served): State<Served>, wanted: Asked) -> Answer {
    look_up(&served, wanted, "value", |row| served.value_of(row))
}

pub(super) async fn text(State(served): State<Served>, wanted: Asked) -> Answer {
    look_up(&served, wanted, "text", |row| Json::String(text_of(row)))
}

/// The device's own text. Where the way to the device tells none: the name of the state, or the value with its unit.
fn text_of(row: &NativeRow) -> String {
    match (&row.observation, &row.text, row.word) {
        (Err(_), ..) => "---".to_owned(),
        (Ok(_), Some(text), _) => text.to_string(),
        (Ok(_), None, Some(word)) => word.to_owned(),
        (Ok(value), None, None) => match plain(row.kind, value) {
            Json::String(text) => text,
            // As the device writes a flag.
            Json::Bool(truth) => u8::from(truth).to_string(),
            number if row.kind == NativeKind::Json => number.to_string(),
            number => format!("{number}{}", row.unit.unwrap_or_default()),
        },
    }
}

fn look_up(served: &Served, wanted: Asked, key: &str, show: impl Fn(&NativeRow) -> Json) -> Answer {
    let Ok(Query(Wanted { service, path })) = wanted else {
        return refused(400, "the query cannot be read; the parameters are service and path");
    };
    if service.is_empty() || path.is_empty() {
        return refused(400, "the parameters service and path are needed");
    }
    let found = served.rows_of(&service).and_then(|rows| {
        let leaf = rows.iter().find(|row| *row.path == *path).map(&show);
        leaf.or_else(|| below(&rows, &path, &show)).ok_or("the service has no such path")
    });
    match found {
        Ok(found) => Answer::ok(json!({ "service": service, "path": path, (key): found, "success": true })),
        Err(error) => Answer::with(
            404,
            json!({ "service": service, "path": path, (key): null, "success": false, "error": error }),
        ),
    }
}

/// Everything below `path` by the rest of its path.
fn below(rows: &[NativeRow], path: &str, show: impl Fn(&NativeRow) -> Json) -> Option<Json> {
    let node = format!("{}/", path.trim_end_matches('/'));
    let leaves = rows.iter().filter_map(|row| Some((row.path.strip_prefix(&node)?.to_owned(), show(row))));
    let leaves: Map<_, _> = leaves.collect();
    (!leaves.is_empty()).then_some(Json::Object(leaves))
}
