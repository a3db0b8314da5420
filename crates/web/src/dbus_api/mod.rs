//! The port-8088 interface of a GX device, served from what is known of it: programs written for that interface go on
//! working, the device's bus is left alone, and a write goes through the one gate like any other wish.
//!
//! ```text
//! GET  /  /health  /services  /settings            what there is
//! GET  /value?service=S&path=P   /text?...         a leaf, or everything below P (relative keys)
//! POST /value {"service","path","value"}           403 unless writing is allowed and the path is a setting of ours
//! ```
//!
//! A value that is not there is `null`; the original says `[]`, and so does this where it is asked to.

mod answer;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use ohmstead_model::{DeviceId, NativeRow};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::extract::BODY_BYTES_MAX;
use crate::shape::iso;
use crate::state::App;
use crate::{Backend, Settings, security};
use answer::{Answer, refused};

/// How the interface is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DbusApi {
    /// The GX device that it tells about.
    pub device: DeviceId,
    /// Where it listens, and who may ask.
    pub access: Settings,
    /// Whether a value that is not there is `[]`, as in the original, instead of `null`.
    pub empty_lists: bool,
    /// Whether `POST /value` hands in wishes.
    pub writes: bool,
}

/// What every handler can reach.
#[derive(Clone)]
struct Served {
    app: App,
    api: Arc<DbusApi>,
}

/// The interface, testable without a socket.
pub fn dbus_api(backend: Arc<dyn Backend>, api: DbusApi) -> Router {
    let app = App::new(backend, &api.access);
    let served = Served { app: app.clone(), api: Arc::new(api) };
    Router::new()
        .route("/", get(about))
        .route("/health", get(health))
        .route("/services", get(services))
        .route("/settings", get(settings))
        .route("/value", get(value).post(write::write))
        .route("/text", get(text))
        .route_layer(from_fn_with_state(app.clone(), security::require_token))
        .fallback(|| async { refused(404, "there is nothing here; see / for what there is") })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(app, security::guard))
        .layer(from_fn(security::set_headers))
        .with_state(served)
}

impl Served {
    /// The rows of what is there; those of one service, or all.
    fn rows(&self, service: Option<&str>) -> Vec<NativeRow> {
        let snapshot = self.app.backend.snapshot();
        let view = snapshot.device(self.api.device.as_str()).and_then(|device| device.native.clone());
        let mut rows = view.map(|view| view.0.rows(service)).unwrap_or_default();
        rows.retain(|row| {
            let is_here = !matches!(row.observation, Err(ohmstead_model::Unknown::Offline));
            is_here && service.is_none_or(|service| *row.service == *service)
        });
        rows
    }

    fn value_of(&self, row: &NativeRow) -> Json {
        match &row.observation {
            Ok(value) => crate::shape::plain(row.kind, value),
            Err(_) if self.api.empty_lists => json!([]),
            Err(_) => Json::Null,
        }
    }

    fn version(&self) -> &'static str {
        if self.api.writes { "3.2.0" } else { "1.0.0" }
    }
}

async fn about(State(served): State<Served>) -> Answer {
    let writes = served.api.writes;
    let post = if writes { "Write a value" } else { "Refused: this interface only reads" };
    Answer::ok(json!({
        "name": "Victron D-Bus API",
        "version": served.version(),
        "mode": if writes { "read-write" } else { "read-only" },
        "served_by": format!("ohmstead {}", served.app.backend.site().version),
        "endpoints": {
            "GET /": "This list",
            "GET /health": "Whether the device is reached",
            "GET /services": "The services on the bus",
            "GET /settings": "Every setting with its limits",
            "GET /value?service=SERVICE&path=PATH": "One value, or with a path such as / all below it",
            "GET /text?service=SERVICE&path=PATH": "The same as text with units",
            "POST /value": post,
        },
    }))
}

async fn health(State(served): State<Served>) -> Answer {
    let snapshot = served.app.backend.snapshot();
    let device = snapshot.device(served.api.device.as_str());
    let is_online = device.is_some_and(|device| device.is_online());
    let (now, started) = (served.app.backend.now().unix, served.app.backend.site().started_at);
    let body = json!({
        "status": if is_online { "healthy" } else { "unhealthy" },
        "service": "victron-dbus-api",
        "version": served.version(),
        "started_at": iso(started),
        "uptime_seconds": now.0.saturating_sub(started.0) / 1000,
        "success": is_online,
    });
    if is_online { Answer::ok(body) } else { Answer::with(503, body) }
}

async fn services(State(served): State<Served>) -> Answer {
    let names: std::collections::BTreeSet<_> =
        served.rows(None).into_iter().map(|row| row.service.to_string()).collect();
    Answer::ok(json!({ "services": names, "count": names.len(), "success": true }))
}

async fn settings(State(served): State<Served>) -> Answer {
    let rows = served.rows(Some("com.victronenergy.settings"));
    let settings = rows.iter().map(|row| {
        let limits = row.limits.as_deref();
        let default = limits.and_then(|limits| limits.default.as_ref());
        let setting = json!({
            "Value": served.value_of(row),
            "Text": text_of(row),
            "Min": limits.and_then(|limits| limits.min),
            "Max": limits.and_then(|limits| limits.max),
            "Default": default.map(|default| crate::shape::plain(row.kind, default)),
        });
        (row.path.to_string(), setting)
    });
    let settings: Map<_, _> = settings.collect();
    if settings.is_empty() {
        return refused(503, "the settings of the GX device are not known at present");
    }
    Answer::ok(json!({ "settings": settings, "success": true }))
}

/// Which value.
#[derive(Debug, Deserialize)]
struct Wanted {
    service: Option<String>,
    path: Option<String>,
}

async fn value(State(served): State<Served>, Query(wanted): Query<Wanted>) -> Answer {
    look_up(&served, &wanted, "value", |row| served.value_of(row))
}

async fn text(State(served): State<Served>, Query(wanted): Query<Wanted>) -> Answer {
    look_up(&served, &wanted, "text", |row| Json::String(text_of(row)))
}

/// The device's own text, or the value with its unit where the device gives none.
fn text_of(row: &NativeRow) -> String {
    match (&row.observation, &row.text) {
        (Err(_), _) => "---".to_owned(),
        (Ok(_), Some(text)) => text.to_string(),
        (Ok(value), None) => {
            let unit = row.unit.unwrap_or_default();
            match crate::shape::plain(row.kind, value) {
                Json::String(text) => text,
                number => format!("{number}{unit}"),
            }
        }
    }
}

fn look_up(served: &Served, wanted: &Wanted, key: &str, show: impl Fn(&NativeRow) -> Json) -> Answer {
    let (Some(service), Some(path)) = (&wanted.service, &wanted.path) else {
        return refused(400, "the parameters service and path are needed");
    };
    let rows = served.rows(Some(service));
    let found = rows.iter().find(|row| *row.path == **path).map(&show).or_else(|| below(&rows, path, &show));
    match found {
        Some(found) => Answer::ok(json!({ "service": service, "path": path, (key): found, "success": true })),
        None => Answer::with(
            404,
            json!({
                "service": service,
                "path": path,
                (key): null,
                "success": false,
                "error": if rows.is_empty() { "the service is not there" } else { "the service has no such path" },
            }),
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
