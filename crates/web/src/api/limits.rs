//! Limits of the site, lowered while the program runs.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ohmstead_model::{Asker, LimitName, LimitRefused};

use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Name};
use crate::shape::{LimitBody, LimitJson};
use crate::state::App;
use crate::suggest;

/// Lower a limit of the site.
///
/// It counts at once and survives restarts. Never more than the configuration allows counts; `null` goes back to that.
#[utoipa::path(
    put, path = "/api/v1/control/limits/{name}", tag = "control", request_body = LimitBody,
    params(("name" = String, Path, description = "`multi_output`, `battery_discharge`, `feed_in` or `grid_import`.", example = "multi_output")),
    responses(
        (status = 200, description = "What counts from now on.", body = LimitJson),
        (status = 400, description = "The power is not between `lowest_w` and `file_max_w`.", body = ErrorBody),
        (status = 404, description = "There is no such limit; the hint lists them.", body = ErrorBody),
        (status = 409, description = "The configuration does not have this limit.", body = ErrorBody),
        (status = 415, description = "The body is not JSON.", body = ErrorBody),
        (status = 503, description = "It would not survive a restart; nothing was changed.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn lower(
    State(app): State<App>,
    Name(name): Name,
    Body(body): Body<LimitBody>,
) -> Result<Json<LimitJson>, ApiError> {
    let name = LimitName::of_key(&name).ok_or_else(|| unknown(&name))?;
    let limited = app.backend.commands().limit(name, body.read(), Asker::Rest).await;
    Ok(Json(LimitJson::from(&limited.map_err(|error| refused(&error))?)))
}

fn unknown(name: &str) -> ApiError {
    let shown: String = name.chars().take(64).collect();
    let hint = suggest::hint(name, LimitName::ALL.into_iter().map(LimitName::key));
    ApiError::not_found("unknown_limit", format!("there is no limit {shown:?}"), hint)
}

fn refused(error: &LimitRefused) -> ApiError {
    let message = error.to_string();
    match error {
        LimitRefused::NotConfigured(name) => {
            let hint = format!("add limits: {{ {name}: {{ max: ... }} }} to ohmstead.yaml");
            ApiError::conflict("not_configured", message, hint)
        }
        LimitRefused::OutOfBounds { .. } => {
            let hint = "the configuration is the owner's bound: for more, change limits: in ohmstead.yaml";
            ApiError::bad("bad_power", message, hint)
        }
        LimitRefused::NotKept(_) => not_kept(message),
        LimitRefused::Busy => {
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "busy", message, "try again").retry_after(1)
        }
        LimitRefused::Stopping => {
            let hint = "try again when it has started";
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", message, hint).retry_after(10)
        }
    }
}

/// What cannot be made durable.
pub(super) fn not_kept(message: String) -> ApiError {
    let hint = "see /readyz and the log; is the disk full or read-only?";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_kept", message, hint).retry_after(60)
}
