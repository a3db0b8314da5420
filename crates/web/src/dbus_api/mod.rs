//! The port-8088 interface of a GX device, served from what is known of it: programs written for that interface go on
//! working, the device's bus is left alone, and a write goes through the one gate like any other wish.
//!
//! ```text
//! GET  /  /health  /services  /settings            what there is
//! GET  /value?service=S&path=P   /text?...         a leaf, or everything below P (relative keys)
//! GET  /ai-write-status                            whether a write would be carried out
//! POST /value {"service","path","value"}           403 unless writing is allowed and the path is a setting of ours
//! ```
//!
//! A value that is not there is `null`; the original says `[]`, and so does this where it is asked to. A service is
//! known by its name on the bus, by `class/instance`, and by its class where there is one of it.

mod answer;
mod look;
mod permit;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::routing::get;
use ohmstead_model::{DeviceId, NativeRow, Unknown};
use serde_json::{Value as Json, json};

use crate::extract::BODY_BYTES_MAX;
use crate::shape::iso;
use crate::state::App;
use crate::{Backend, Settings, security};
use answer::{Answer, refused};
use permit::Permit;

const PREFIX: &str = "com.victronenergy.";
const SETTINGS: &str = "com.victronenergy.settings";

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
    /// What the device's own configuration says about writing, if anything; else the installation's counts.
    pub read_only: Option<bool>,
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
        .route("/services", get(look::services))
        .route("/settings", get(look::settings))
        .route("/value", get(look::value).post(write::write))
        .route("/text", get(look::text))
        .route("/ai-write-status", get(permit::status))
        .route_layer(from_fn_with_state(app.clone(), security::require_token))
        .fallback(|| async { refused(404, "there is nothing here; see / for what there is") })
        .method_not_allowed_fallback(|| async { refused(405, "this cannot be asked in that way; see /") })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(app, security::guard))
        .layer(map_response(answer::in_this_shape))
        .layer(from_fn(security::set_headers))
        .with_state(served)
}

impl Served {
    /// The rows of what is there: of the parts of this name, or of all.
    fn rows(&self, of: Option<&str>) -> Vec<NativeRow> {
        let snapshot = self.app.backend.snapshot();
        let view = snapshot.device(self.api.device.as_str()).and_then(|device| device.native.clone());
        let mut rows = view.map(|view| view.0.rows(of)).unwrap_or_default();
        rows.retain(|row| !matches!(row.observation, Err(Unknown::Offline)));
        rows
    }

    /// The rows of one service, by its name on the bus; else by `class/instance`, or by the class of which it is the only
    /// one, both also behind the prefix of all names.
    fn rows_of(&self, service: &str) -> Result<Vec<NativeRow>, &'static str> {
        let mut rows = self.rows(Some(service));
        if rows.iter().any(|row| *row.service == *service) {
            rows.retain(|row| *row.service == *service);
            return Ok(rows);
        }
        let rows = self.rows(Some(service.strip_prefix(PREFIX).unwrap_or(service)));
        match rows.first() {
            None => Err("the service is not there"),
            Some(first) if rows.iter().all(|row| row.service == first.service) => Ok(rows),
            Some(_) => Err("there are several services of this class: see /services"),
        }
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
    let mut body = json!({
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
            "GET /ai-write-status": "Whether a write would be carried out",
            "POST /value": post,
        },
    });
    if writes {
        let permit = Permit::of(&served);
        body["ai_write_enabled"] = json!(permit.is_given());
        body["ai_write_status"] = json!(permit.message());
        // There is no second server to start and stop this one with.
        body["control_port"] = Json::Null;
    }
    Answer::ok(body)
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
