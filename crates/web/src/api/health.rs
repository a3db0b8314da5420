//! Whether the program lives and is ready, and its figures for Prometheus.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ohmstead_model::Online;
use utoipa::ToSchema;

use crate::error::ErrorBody;
use crate::state::App;
use crate::{prometheus, security};

/// Whether the program serves.
#[derive(serde::Serialize, ToSchema)]
pub(crate) struct Ready {
    /// Whether the store is open and every device was asked at least once.
    ready: bool,
    /// What is missing, one sentence each. Only shown to who may ask for the devices too.
    reasons: Vec<String>,
}

/// marstek-automation's sign of life.
#[derive(serde::Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `healthy`.
    #[schema(example = "healthy")]
    status: &'static str,
    /// Name of the program.
    #[schema(example = "ohmstead")]
    app: &'static str,
    /// Version of the program.
    version: String,
}

/// Whether the process lives.
#[utoipa::path(
    get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, description = "It lives.", body = String, content_type = "text/plain"))
)]
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// Whether the program serves.
#[utoipa::path(
    get, path = "/readyz", tag = "health", security(()),
    responses(
        (status = 200, description = "It serves.", body = Ready),
        (status = 503, description = "It does not yet, or no longer; `reasons` says why.", body = Ready),
    )
)]
pub(crate) async fn ready(State(app): State<App>, request: Request) -> (StatusCode, Json<Ready>) {
    let mut reasons = app.backend.not_ready();
    let snapshot = app.backend.snapshot();
    for id in app.backend.device_order() {
        match snapshot.device(id.as_str()).map(|device| device.online) {
            Some(Online::Yes(_) | Online::No(_)) => {}
            Some(Online::NotAskedYet) | None => reasons.push(format!("{id} has not been asked yet")),
        }
    }
    let ready = reasons.is_empty();
    if !ready && security::authorise(&app, &request).is_err() {
        reasons = vec!["shown only with the token".to_owned()];
    }
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, reasons }))
}

/// Whether the process lives, in the words of marstek-automation.
#[utoipa::path(
    get, path = "/health", tag = "compatibility", security(()),
    responses((status = 200, description = "It lives.", body = Health))
)]
pub(crate) async fn health(State(app): State<App>) -> Json<Health> {
    Json(Health { status: "healthy", app: "ohmstead", version: app.backend.site().version })
}

/// Figures for Prometheus.
///
/// Names end in their base unit, counters in `_total`. A value that is not known right now is absent, never 0.
#[utoipa::path(
    get, path = "/metrics", tag = "health",
    responses(
        (status = 200, description = "OpenMetrics text.", body = String, content_type = "application/openmetrics-text"),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn figures(State(app): State<App>) -> Response {
    let text = prometheus::text(app.backend.as_ref());
    ([(header::CONTENT_TYPE, prometheus::CONTENT_TYPE)], text).into_response()
}
