//! Windows of the schedule, made and changed while the program runs, as marstek-automation offered it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ohmstead_model::{Asker, Part};

use super::limits::not_kept;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Name};
use crate::shape::{ScheduleAnswer, ScheduleBody, ScheduleEditBody, ScheduleJson, is_active};
use crate::state::App;
use crate::{Refusal, ScheduleChange, ScheduleRefused, ScheduleWindow};

/// The windows of the schedule in the order in which they count: those that were made at run time, then those of the
/// configuration.
///
/// Of those that are open for a device the first counts.
#[utoipa::path(
    get, path = "/api/v1/schedules", tag = "compatibility",
    responses(
        (status = 200, description = "The windows.", body = Vec<ScheduleJson>),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn list(State(app): State<App>) -> Json<Vec<ScheduleJson>> {
    let is_on = is_on(&app);
    Json(app.backend.control_rules().schedule.iter().map(|window| ScheduleJson::new(window, is_on)).collect())
}

/// Make a window.
///
/// It counts at once and before those of the configuration, and survives restarts. At most 64 are kept.
#[utoipa::path(
    post, path = "/api/v1/schedules", tag = "compatibility", request_body = ScheduleBody,
    responses(
        (status = 201, description = "The window as it is from now on.", body = ScheduleJson),
        (status = 400, description = "It makes no sense; the hint says what would.", body = ErrorBody),
        (status = 409, description = "The name is taken, or there are too many.", body = ErrorBody),
        (status = 415, description = "The body is not JSON.", body = ErrorBody),
        (status = 503, description = "It would not survive a restart; nothing was changed.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn add(
    State(app): State<App>,
    Body(body): Body<ScheduleBody>,
) -> Result<(StatusCode, Json<ScheduleJson>), ApiError> {
    let window = change_to(&app, ScheduleChange::Add(body.read()?)).await?;
    Ok((StatusCode::CREATED, Json(ScheduleJson::new(&window, is_on(&app)))))
}

/// Change a window, or switch it off and on with `is_active`.
///
/// What is absent stays. A window of the configuration is not changed in its file: one that is made at run time takes its
/// place, under a number of its own, until that is deleted.
#[utoipa::path(
    put, path = "/api/v1/schedules/{id}", tag = "compatibility", request_body = ScheduleEditBody,
    params(("id" = String, Path, description = "Its `id`.", example = "1001")),
    responses(
        (status = 200, description = "The window as it is from now on.", body = ScheduleJson),
        (status = 400, description = "It makes no sense; the hint says what would.", body = ErrorBody),
        (status = 404, description = "There is no such window.", body = ErrorBody),
        (status = 409, description = "The name is taken or fixed, or there are too many.", body = ErrorBody),
        (status = 415, description = "The body is not JSON.", body = ErrorBody),
        (status = 503, description = "It would not survive a restart; nothing was changed.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn change(
    State(app): State<App>,
    Name(id): Name,
    Body(body): Body<ScheduleEditBody>,
) -> Result<Json<ScheduleJson>, ApiError> {
    let id = number(&id)?;
    let windows = app.backend.control_rules().schedule;
    let before = windows.iter().find(|window| window.id == id || window.place == Some(id));
    let before = before.ok_or_else(|| unknown(&id.to_string()))?;
    let edit = body.read(before, is_active(before, is_on(&app)))?;
    let window = change_to(&app, ScheduleChange::Edit { id, edit }).await?;
    Ok(Json(ScheduleJson::new(&window, is_on(&app))))
}

/// Delete a window that was made at run time.
///
/// Where it took the place of one of the configuration, that one counts again. A window of the configuration itself is not
/// deleted here (409).
#[utoipa::path(
    delete, path = "/api/v1/schedules/{id}", tag = "compatibility",
    params(("id" = String, Path, description = "Its `id`.", example = "1001")),
    responses(
        (status = 200, description = "It is gone; `schedule` is what it was.", body = ScheduleAnswer),
        (status = 404, description = "There is no such window.", body = ErrorBody),
        (status = 409, description = "It stands in the configuration; the hint says what can be done.", body = ErrorBody),
        (status = 503, description = "It would not survive a restart; nothing was changed.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn remove(State(app): State<App>, Name(id): Name) -> Result<Json<ScheduleAnswer>, ApiError> {
    let window = change_to(&app, ScheduleChange::Remove { id: number(&id)? }).await?;
    let message = format!("the window {:?} is deleted", window.name);
    let schedule = ScheduleJson::new(&window, is_on(&app));
    Ok(Json(ScheduleAnswer { message, success: true, schedule }))
}

/// Whether the schedule as a whole is on.
fn is_on(app: &App) -> bool {
    app.backend.commands().switches().get(Part::Schedule) == Some(true)
}

async fn change_to(app: &App, change: ScheduleChange) -> Result<ScheduleWindow, ApiError> {
    app.backend.change_schedule(change, Asker::Rest).await.map_err(refused)
}

fn number(id: &str) -> Result<u32, ApiError> {
    id.parse().map_err(|_| unknown(id))
}

fn unknown(id: &str) -> ApiError {
    let shown: String = id.chars().take(64).collect();
    let hint = "GET /api/v1/schedules lists them with their id";
    ApiError::not_found("unknown_window", format!("there is no window {shown}"), hint)
}

pub(super) fn refused(refused: ScheduleRefused) -> ApiError {
    let ScheduleRefused { kind, code, message, hint } = refused;
    let of = |status| ApiError::new(status, code, message.clone(), hint.clone());
    match kind {
        Refusal::NotFound => of(StatusCode::NOT_FOUND),
        Refusal::Bad => of(StatusCode::BAD_REQUEST),
        Refusal::Conflict => of(StatusCode::CONFLICT),
        Refusal::NotKept => not_kept(message),
        Refusal::Busy => of(StatusCode::TOO_MANY_REQUESTS).retry_after(1),
        Refusal::Stopping => of(StatusCode::SERVICE_UNAVAILABLE).retry_after(10),
    }
}
