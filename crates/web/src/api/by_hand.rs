//! What is asked by hand for a time to come, within the plan.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ohmstead_model::{Asker, TimeSpan};

use super::devices::find;
use super::history::instant_ahead;
use super::schedules::refused;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Name};
use crate::shape::{AskedAheadBody, AskedAheadJson};
use crate::state::App;
use crate::{AheadChange, AskedAhead};

/// What was asked by hand for a time to come, in the order of time.
///
/// What has begun is in it until it ends. What was asked for now is not: see `GET /api/v1/control`.
#[utoipa::path(
    get, path = "/api/v1/plan/overrides", tag = "ahead",
    responses(
        (status = 200, description = "All of it.", body = Vec<AskedAheadJson>),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn list(State(app): State<App>) -> Json<Vec<AskedAheadJson>> {
    Json(app.backend.asked_ahead().iter().map(AskedAheadJson::from).collect())
}

/// Ask a battery for a mode in a stretch of time ahead.
///
/// It begins and ends by itself, and survives restarts. It takes the time of what was asked ahead of the same battery
/// before; what is asked for now, when its time has come, goes before it. The plan is made anew around it. At most 32 are
/// kept for one battery.
#[utoipa::path(
    post, path = "/api/v1/plan/overrides", tag = "ahead", request_body = AskedAheadBody,
    responses(
        (status = 201, description = "It will be done.", body = AskedAheadJson),
        (status = 400, description = "It makes no sense; the hint says what would.", body = ErrorBody),
        (status = 404, description = "No device has that name; the hint offers the nearest.", body = ErrorBody),
        (status = 409, description = "The device has no such mode, or there are too many.", body = ErrorBody),
        (status = 415, description = "The body is not JSON.", body = ErrorBody),
        (status = 503, description = "It would not survive a restart; nothing was changed.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn add(
    State(app): State<App>,
    Body(body): Body<AskedAheadBody>,
) -> Result<(StatusCode, Json<AskedAheadJson>), ApiError> {
    let device = find(&app.backend.snapshot(), &body.device)?.info.id.clone();
    let mode = body.mode()?;
    let (zone, now) = (app.backend.site().time_zone, app.backend.now().unix);
    let (from, to) =
        (instant_ahead("from", &body.from, &zone, now)?, instant_ahead("to", &body.to, &zone, now)?);
    let change = AheadChange::Add { device, mode, span: span(from, to)? };
    Ok((StatusCode::CREATED, Json(AskedAheadJson::from(&change_to(&app, change).await?))))
}

/// Take back what was asked by hand for a time to come.
///
/// What has begun ends at once.
#[utoipa::path(
    delete, path = "/api/v1/plan/overrides/{id}", tag = "ahead",
    params(("id" = String, Path, description = "Its `id`.", example = "3")),
    responses(
        (status = 200, description = "It is taken back; this is what it was.", body = AskedAheadJson),
        (status = 404, description = "There is no such number.", body = ErrorBody),
        (status = 503, description = "It would not survive a restart; nothing was changed.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn remove(State(app): State<App>, Name(id): Name) -> Result<Json<AskedAheadJson>, ApiError> {
    let id = id.parse().map_err(|_| {
        let shown: String = id.chars().take(64).collect();
        let hint = "GET /api/v1/plan/overrides lists them with their id";
        ApiError::not_found("unknown_override", format!("nothing was asked under {shown:?}"), hint)
    })?;
    Ok(Json(AskedAheadJson::from(&change_to(&app, AheadChange::Remove { id }).await?)))
}

async fn change_to(app: &App, change: AheadChange) -> Result<AskedAhead, ApiError> {
    app.backend.change_ahead(change, Asker::Rest).await.map_err(refused)
}

/// A time that ends before it begins would be none.
fn span(from: ohmstead_model::UnixMillis, to: ohmstead_model::UnixMillis) -> Result<TimeSpan, ApiError> {
    if from < to {
        return Ok(TimeSpan::new(from, to));
    }
    Err(ApiError::bad("bad_span", "it must end after it begins", "give a `to` that is after `from`"))
}
