//! Modes as marstek-automation offered them, for scripts that were written for it. There a mode never ended;
//! here it is a wish by hand like any other, with an end.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{Timestamp, Zoned};
use ohmstead_model::{AskError, Asker, BatteryMode, ControlPhase, DeviceState, Moment, Request, Snapshot};

use super::mode::{OFFERED, refused};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Name};
use crate::shape::{
    Asked, BatteryAnswer, BatteryModeBody, ManualBody, ModeStatus, ModesAnswer, OverrideBody, Together,
    Wanted, batteries,
};
use crate::state::App;
use crate::suggest;

/// How long all batteries together are waited for; what goes on after it is told as `pending`.
const ATTEMPTS_TIME: Duration = Duration::from_secs(170);

/// The mode of each battery.
#[utoipa::path(
    get, path = "/api/v1/modes/current", tag = "compatibility",
    responses(
        (status = 200, description = "The batteries and what is wanted of them.", body = Vec<ModeStatus>),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn current(State(app): State<App>) -> Json<Vec<ModeStatus>> {
    let (snapshot, now) = (app.backend.snapshot(), app.backend.now());
    let order = app.backend.device_order();
    Json(batteries(&snapshot, &order).map(|(id, device)| ModeStatus::new(id, device, now)).collect())
}

/// All batteries back to their own automatic, one after the other.
///
/// Where the schedule wants something else now, this ends after the usual time; see `ends`.
#[utoipa::path(
    post, path = "/api/v1/modes/auto", tag = "compatibility",
    responses(
        (status = 200, description = "All do so, or would if they were not read-only.", body = ModesAnswer),
        (status = 202, description = "Some attempts go on; see `/api/v1/ledger`.", body = ModesAnswer),
        (status = 409, description = "Some do not, or there is no battery.", body = ModesAnswer),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn auto(State(app): State<App>) -> Result<Response, ApiError> {
    ask_all(&app, (BatteryMode::Auto, None)).await
}

/// All batteries into a slot that is open now, until it closes, one after the other.
///
/// Nothing is written into the battery's own schedule: it is a wish by hand that ends with the slot.
#[utoipa::path(
    post, path = "/api/v1/modes/manual", tag = "compatibility", request_body = ManualBody,
    responses(
        (status = 200, description = "All do so, or would if they were not read-only.", body = ModesAnswer),
        (status = 202, description = "Some attempts go on; see `/api/v1/ledger`.", body = ModesAnswer),
        (status = 400, description = "The slot makes no sense.", body = ErrorBody),
        (status = 409, description = "Some do not, the slot is not open now, or there is no battery.", body = ModesAnswer),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn manual(
    State(app): State<App>,
    Body(body): Body<ManualBody>,
) -> Result<Response, ApiError> {
    let wanted = body.read(&site_time(&app)?)?;
    ask_all(&app, wanted).await
}

/// All batteries into a mode for a time, one after the other.
#[utoipa::path(
    post, path = "/api/v1/modes/override", tag = "compatibility", request_body = OverrideBody,
    responses(
        (status = 200, description = "All do so, or would if they were not read-only.", body = ModesAnswer),
        (status = 202, description = "Some attempts go on; see `/api/v1/ledger`.", body = ModesAnswer),
        (status = 400, description = "The mode or the time makes no sense.", body = ErrorBody),
        (status = 409, description = "Some do not, or there is no battery.", body = ModesAnswer),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn override_mode(
    State(app): State<App>,
    Body(body): Body<OverrideBody>,
) -> Result<Response, ApiError> {
    ask_all(&app, body.read()?).await
}

/// One battery into a mode.
#[utoipa::path(
    post, path = "/api/v1/batteries/{id}/mode", tag = "compatibility", request_body = BatteryModeBody,
    params(("id" = String, Path, description = "Its place in the configuration, from 1, or its name.", example = "1")),
    responses(
        (status = 200, description = "It does so, or would if it were not read-only.", body = ModesAnswer),
        (status = 202, description = "The attempt goes on; see `/api/v1/ledger`.", body = ModesAnswer),
        (status = 400, description = "The mode or the time makes no sense.", body = ErrorBody),
        (status = 404, description = "There is no such battery.", body = ErrorBody),
        (status = 409, description = "It does not.", body = ModesAnswer),
        (status = 429, description = "The device is busy with earlier wishes.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn battery(
    State(app): State<App>,
    Name(id): Name,
    Body(body): Body<BatteryModeBody>,
) -> Result<Response, ApiError> {
    let wanted = body.read()?;
    let (snapshot, order) = (app.backend.snapshot(), app.backend.device_order());
    let is_it = |place: usize, device: &DeviceState| {
        device.info.id.as_str() == id || id.parse::<usize>().is_ok_and(|number| number == place)
    };
    let found = batteries(&snapshot, &order).find(|(place, device)| is_it(*place, device));
    let (place, device) = found.ok_or_else(|| no_such_battery(&snapshot, &id))?;
    let asked = ask(&app, place, device, &wanted, ATTEMPTS_TIME).await;
    let answer = asked.map_err(|error| refused(&error, OFFERED))?;
    Ok(answered(vec![answer], &wanted.0))
}

fn no_such_battery(snapshot: &Snapshot, id: &str) -> ApiError {
    let shown: String = id.chars().take(64).collect();
    let names = snapshot.devices().map(|device| device.info.id.as_str());
    let hint = format!("{}; or its place in the configuration, from 1", suggest::hint(id, names));
    ApiError::not_found("unknown_battery", format!("there is no battery {shown:?}"), hint)
}

fn site_time(app: &App) -> Result<Zoned, ApiError> {
    let now = Timestamp::from_millisecond(app.backend.now().unix.0);
    let now = now.map_err(|_| ApiError::conflict("no_time", "the clock is wrong", "set the clock"))?;
    Ok(now.to_zoned(app.backend.site().time_zone))
}

/// Asks the batteries one after the other. Each has its share of the time; what goes on then is told as pending, and the
/// next one is asked all the same.
async fn ask_all(app: &App, wanted: Wanted) -> Result<Response, ApiError> {
    let (snapshot, order) = (app.backend.snapshot(), app.backend.device_order());
    let all: Vec<_> = batteries(&snapshot, &order).collect();
    let Ok(count) = u32::try_from(all.len()) else { return Err(no_batteries()) };
    if count == 0 {
        return Err(no_batteries());
    }
    let mut answers = Vec::new();
    for (place, device) in all {
        let answer = ask(app, place, device, &wanted, ATTEMPTS_TIME / count).await;
        answers.push(answer.unwrap_or_else(|error| {
            let asked = asked(app, place, device, &wanted);
            let phase = match error {
                AskError::NotControllable(_) | AskError::UnknownDevice => ControlPhase::NotControllable,
                AskError::Busy | AskError::Stopping => ControlPhase::Failed,
            };
            BatteryAnswer::new(&asked, phase, error.to_string())
        }));
    }
    Ok(answered(answers, &wanted.0))
}

fn no_batteries() -> ApiError {
    ApiError::conflict("no_battery", "no battery is configured", "`ohmstead discover` finds them")
}

async fn ask(
    app: &App,
    place: usize,
    device: &DeviceState,
    wanted: &Wanted,
    patience: Duration,
) -> Result<BatteryAnswer, AskError> {
    let asked = asked(app, place, device, wanted);
    let (mode, lease) = wanted.clone();
    let request = Request { device: device.info.id.clone(), wish: mode.into(), lease, asked_by: Asker::Rest };
    // Dropping the answer does not end the attempt.
    match tokio::time::timeout(patience, app.backend.commands().ask(request)).await {
        Ok(Ok(entry)) => Ok(BatteryAnswer::ended(&asked, &entry)),
        Ok(Err(error)) => Err(error),
        Err(_) => {
            let why = "the attempt goes on; its end will be in the ledger".to_owned();
            Ok(BatteryAnswer::new(&asked, ControlPhase::Pending, why))
        }
    }
}

fn asked<'a>(app: &App, battery_id: usize, state: &'a DeviceState, wanted: &'a Wanted) -> Asked<'a> {
    let (mode, lease) = wanted;
    let Moment { unix, .. } = app.backend.now();
    let lasts = match (mode, lease) {
        (_, Some(lease)) => Some(*lease),
        // A device that is left in its own automatic is nobody's.
        (BatteryMode::Auto, None) => None,
        (mode, None) => Some(app.backend.control_rules().lasts(mode)),
    };
    Asked { battery_id, state, mode, ends: lasts.map(|lasts| unix.plus(lasts)) }
}

fn answered(batteries: Vec<BatteryAnswer>, mode: &BatteryMode) -> Response {
    let answer = ModesAnswer::new(batteries, mode);
    let status = match answer.together() {
        Together::Done => StatusCode::OK,
        Together::UnderWay => StatusCode::ACCEPTED,
        Together::NotAll => StatusCode::CONFLICT,
    };
    (status, Json(answer)).into_response()
}
