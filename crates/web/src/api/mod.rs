//! The handlers, one file per subject.

mod ahead;
mod automation;
mod batteries;
mod by_hand;
mod control;
mod devices;
mod export;
mod health;
mod history;
mod limits;
mod mode;
mod records;
mod schedules;
mod setting;
mod site;
mod stored;
mod stream;

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::security;
use crate::state::App;

/// How long an answer may take: the store's slowest question on the slowest gateway.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// How long an attempt to change a device is waited for: three rounds of write, read-back and measurement.
const ATTEMPT_TIME: Duration = Duration::from_secs(180);

/// Everything that needs the token.
pub(crate) fn guarded(app: &App) -> OpenApiRouter<App> {
    let quick = OpenApiRouter::new()
        .routes(routes!(site::site))
        .routes(routes!(devices::devices))
        .routes(routes!(devices::device))
        .routes(routes!(devices::house))
        .routes(routes!(devices::metrics))
        .routes(routes!(history::history))
        .routes(routes!(export::export))
        .routes(routes!(stored::stats))
        .routes(routes!(stored::energy))
        .routes(routes!(control::control))
        .routes(routes!(control::switch))
        .routes(routes!(limits::lower))
        .routes(routes!(ahead::outlook))
        .routes(routes!(ahead::plan))
        .routes(routes!(by_hand::list, by_hand::add))
        .routes(routes!(by_hand::remove))
        .routes(routes!(ahead::tempo))
        .routes(routes!(ahead::set_colour))
        .routes(routes!(ahead::money))
        .routes(routes!(records::ledger))
        .routes(routes!(records::events))
        .routes(routes!(batteries::status))
        .routes(routes!(automation::current))
        .routes(routes!(schedules::list, schedules::add))
        .routes(routes!(schedules::change, schedules::remove))
        .routes(routes!(health::figures))
        .route_layer(from_fn(|request, next| within(ANSWER_TIME, request, next)));
    let attempt = OpenApiRouter::new()
        .routes(routes!(mode::set_mode, mode::release))
        .routes(routes!(setting::set_setting))
        .routes(routes!(automation::auto))
        .routes(routes!(automation::manual))
        .routes(routes!(automation::override_mode))
        .routes(routes!(automation::battery))
        .route_layer(from_fn(|request, next| within(ATTEMPT_TIME, request, next)));
    let endless = OpenApiRouter::new().routes(routes!(stream::stream));
    quick.merge(attempt).merge(endless).route_layer(from_fn_with_state(app.clone(), security::require_token))
}

/// What everybody who reaches the port may ask.
pub(crate) fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::health))
        .routes(routes!(security::login))
        .routes(routes!(security::logout))
        .route_layer(from_fn(|request, next| within(ANSWER_TIME, request, next)))
}

/// Gives up on an answer that takes longer than `limit`.
async fn within(limit: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::new(
            StatusCode::GATEWAY_TIMEOUT,
            "timeout",
            format!("there was no answer within {} s", limit.as_secs()),
            "an attempt to change a device goes on: see /api/v1/ledger; a long history is faster with a larger step",
        )
        .into_response(),
    }
}

/// A path that does not exist.
pub(crate) async fn unknown_path(request: Request) -> ApiError {
    let path = request.uri().path().chars().take(100).collect::<String>();
    ApiError::not_found(
        "unknown_path",
        format!("there is nothing at {path:?}"),
        "see /docs for what there is",
    )
}

/// A path that exists, asked with a method that it does not have.
pub(crate) async fn unknown_method(State(_): State<App>, request: Request) -> ApiError {
    let message = format!("{} is not possible here", request.method());
    let hint = "the header Allow lists what is; see /docs";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "unknown_method", message, hint)
}
