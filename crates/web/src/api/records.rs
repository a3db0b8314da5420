//! The ledger of writes and the list of events.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::tz::TimeZone;
use ohmstead_model::{DeviceId, DeviceIdError, LedgerQuery, Outcome, UnixMillis};
use utoipa::IntoParams;

use super::history::instant;
use crate::HistoryError;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Params;
use crate::shape::{EventJson, LedgerJson};
use crate::state::App;
use crate::suggest;

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

/// Which attempts are wanted.
#[derive(serde::Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LedgerParams {
    /// At most so many, newest first.
    #[serde(default = "limit_default")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: u16,
    /// Only those of this device, which need not be configured any more.
    #[param(example = "fase_a")]
    device: Option<String>,
    /// Only those that ended so.
    #[param(example = "ineffective")]
    outcome: Option<String>,
    /// Only those that were asked then or later: milliseconds since 1970, ISO 8601, or a span before now such as `-24h`.
    /// A time without an offset is in the time zone of the site.
    #[param(example = "2026-11-21T08:00:00Z")]
    since: Option<String>,
}

impl LedgerParams {
    fn query(&self, zone: &TimeZone, now: UnixMillis) -> Result<LedgerQuery, ApiError> {
        Ok(LedgerQuery {
            limit: Limit { limit: self.limit }.checked()?,
            device: self.device.as_deref().map(name).transpose()?,
            outcome: self.outcome.as_deref().map(outcome).transpose()?,
            since: self.since.as_deref().map(|since| instant("since", since, zone, now)).transpose()?,
        })
    }
}

fn name(text: &str) -> Result<DeviceId, ApiError> {
    text.parse().map_err(|error: DeviceIdError| {
        ApiError::bad("bad_device", error.to_string(), "names are letters, digits, '_' and '-'")
    })
}

fn outcome(text: &str) -> Result<Outcome, ApiError> {
    Outcome::of_key(text).ok_or_else(|| {
        let shown: String = text.chars().take(64).collect();
        let hint = suggest::hint(text, Outcome::ALL.into_iter().map(Outcome::key));
        ApiError::bad("bad_outcome", format!("{shown:?} is no outcome"), hint)
    })
}

/// Every attempt to change a device, newest first.
#[utoipa::path(
    get, path = "/api/v1/ledger", tag = "records", params(LedgerParams),
    responses(
        (status = 200, description = "Who asked for what, what was sent, what came of it.", body = Vec<LedgerJson>),
        (status = 400, description = "A parameter makes no sense.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn ledger(
    State(app): State<App>,
    Params(params): Params<LedgerParams>,
) -> Result<Json<Vec<LedgerJson>>, ApiError> {
    let query = params.query(&app.backend.site().time_zone, app.backend.now().unix)?;
    let entries = app.backend.ledger(query).await.map_err(|error| refused(&error))?;
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
