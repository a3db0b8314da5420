//! The ledger of writes and the list of events.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa::IntoParams;

use crate::HistoryError;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Params;
use crate::shape::{EventJson, LedgerJson};
use crate::state::App;

const LIMIT_MAX: u16 = 1000;

/// How much of a list is wanted.
#[derive(serde::Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Limit {
    /// At most so many, newest first.
    #[serde(default = "limit_default")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: u16,
}

fn limit_default() -> u16 {
    100
}

impl Limit {
    fn checked(&self) -> Result<usize, ApiError> {
        if (1..=LIMIT_MAX).contains(&self.limit) {
            return Ok(usize::from(self.limit));
        }
        let message = format!("limit must be 1 to {LIMIT_MAX}, not {}", self.limit);
        Err(ApiError::bad("bad_limit", message, "leave it out for 100"))
    }
}

/// Every attempt to change a device, newest first.
#[utoipa::path(
    get, path = "/api/v1/ledger", tag = "records", params(Limit),
    responses(
        (status = 200, description = "Who asked for what, what was sent, what came of it.", body = Vec<LedgerJson>),
        (status = 400, description = "The limit is out of range.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn ledger(
    State(app): State<App>,
    Params(limit): Params<Limit>,
) -> Result<Json<Vec<LedgerJson>>, ApiError> {
    let entries = app.backend.ledger(limit.checked()?).await.map_err(|error| refused(&error))?;
    Ok(Json(entries.into_iter().map(LedgerJson::from).collect()))
}

/// What happened, newest first.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "records", params(Limit),
    responses(
        (status = 200, description = "Devices that went away and came back, notices, faults.", body = Vec<EventJson>),
        (status = 400, description = "The limit is out of range.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn events(
    State(app): State<App>,
    Params(limit): Params<Limit>,
) -> Result<Json<Vec<EventJson>>, ApiError> {
    let events = app.backend.events(limit.checked()?).await.map_err(|error| refused(&error))?;
    Ok(Json(events.into_iter().map(EventJson::from).collect()))
}

/// A failure of the store as a refusal.
pub(super) fn refused(error: &HistoryError) -> ApiError {
    let message = error.to_string();
    match error {
        HistoryError::TooManyPoints { step: Some(step), .. } => {
            let hint = format!("give step={}", ohmstead_units::Timespan(*step).to_string().replace(' ', ""));
            ApiError::bad("too_many_points", message, hint)
        }
        HistoryError::TooManyPoints { step: None, .. } => {
            ApiError::bad("too_many_points", message, "ask for a shorter span or give a larger step")
        }
        HistoryError::Unavailable(_) => {
            tracing::debug!(target: "web", message, "a question to the store failed");
            ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "store_unavailable",
                message,
                "see /readyz and the log",
            )
            .retry_after(30)
        }
    }
}
