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

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};

use crate::endpoints::{Endpoints, endpoint};
use crate::error::ApiError;
use crate::security;
use crate::state::App;

/// How long an answer may take: the store's slowest question on the slowest gateway.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// How long an attempt to change a device is waited for: three rounds of write, read-back and measurement.
const ATTEMPT_TIME: Duration = Duration::from_secs(180);

/// Everything that needs the token.
pub(crate) fn guarded(app: &App) -> Router<App> {
    let quick = quick(Router::new()).route_layer(from_fn(|request, next| within(ANSWER_TIME, request, next)));
    let attempts =
        attempts(Router::new()).route_layer(from_fn(|request, next| within(ATTEMPT_TIME, request, next)));
    let routes = quick.merge(attempts).merge(endless(Router::new()));
    routes.route_layer(from_fn_with_state(app.clone(), security::require_token))
}

/// What everybody who reaches the port may ask.
pub(crate) fn open() -> Router<App> {
    free(Router::new()).route_layer(from_fn(|request, next| within(ANSWER_TIME, request, next)))
}

/// All of them.
pub(crate) fn all<E: Endpoints>(to: E) -> E {
    endless(attempts(quick(free(to))))
}

fn free<E: Endpoints>(to: E) -> E {
    to.with(endpoint!(health::alive))
        .with(endpoint!(health::ready))
        .with(endpoint!(health::health))
        .with(endpoint!(security::login))
        .with(endpoint!(security::logout))
}

fn quick<E: Endpoints>(to: E) -> E {
    to.with(endpoint!(site::site))
        .with(endpoint!(devices::devices))
        .with(endpoint!(devices::device))
        .with(endpoint!(devices::house))
        .with(endpoint!(devices::metrics))
        .with(endpoint!(history::history))
        .with(endpoint!(export::export))
        .with(endpoint!(stored::stats))
        .with(endpoint!(stored::energy))
        .with(endpoint!(control::control))
        .with(endpoint!(control::switch))
        .with(endpoint!(limits::lower))
        .with(endpoint!(ahead::outlook))
        .with(endpoint!(ahead::plan))
        .with(endpoint!(by_hand::list))
        .with(endpoint!(by_hand::add))
        .with(endpoint!(by_hand::remove))
        .with(endpoint!(ahead::tempo))
        .with(endpoint!(ahead::set_colour))
        .with(endpoint!(ahead::money))
        .with(endpoint!(records::ledger))
        .with(endpoint!(records::events))
        .with(endpoint!(batteries::status))
        .with(endpoint!(automation::current))
        .with(endpoint!(schedules::list))
        .with(endpoint!(schedules::add))
        .with(endpoint!(schedules::change))
        .with(endpoint!(schedules::remove))
        .with(endpoint!(health::figures))
}

fn attempts<E: Endpoints>(to: E) -> E {
    to.with(endpoint!(mode::set_mode))
        .with(endpoint!(mode::release))
        .with(endpoint!(setting::set_setting))
        .with(endpoint!(automation::auto))
        .with(endpoint!(automation::manual))
        .with(endpoint!(automation::override_mode))
        .with(endpoint!(automation::battery))
}

fn endless<E: Endpoints>(to: E) -> E {
    to.with(endpoint!(stream::stream))
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
