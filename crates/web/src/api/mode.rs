//! Wishes for a battery's mode. This only hands them to the one gate to the hardware.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ohmstead_model::{AskError, Asker, DeviceId, Request};

use super::devices::find;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Name};
use crate::shape::{ModeBody, ModeResult};
use crate::state::App;

pub(super) const OFFERED: &str = "the device's `modes` lists what may be asked of it";

/// Ask a battery for a mode.
///
/// The answer comes when the attempt has ended: written, read back and measured, or not written at all. `outcome` says
/// how it ended; only `confirmed` means that a meter shows it. Where the installation is read-only the outcome is
/// `dry_run` and the entry shows what would have been written.
#[utoipa::path(
    post, path = "/api/v1/devices/{name}/mode", tag = "control", request_body = ModeBody,
    params(("name" = String, Path, description = "Name of the device in the configuration.", example = "fase_a")),
    responses(
        (status = 200, description = "The attempt has ended; see `outcome`.", body = ModeResult),
        (status = 400, description = "The wish makes no sense.", body = ErrorBody),
        (status = 404, description = "No device has that name; the hint offers the nearest.", body = ErrorBody),
        (status = 409, description = "The device cannot be controlled.", body = ErrorBody),
        (status = 415, description = "The body is not JSON.", body = ErrorBody),
        (status = 429, description = "The device is busy with earlier wishes.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn set_mode(
    State(app): State<App>,
    Name(name): Name,
    Body(body): Body<ModeBody>,
) -> Result<Json<ModeResult>, ApiError> {
    let device = find(&app.backend.snapshot(), &name)?.info.id.clone();
    let (mode, lease) = body.read()?;
    refuse_site(&device)?;
    let request = Request { device, wish: mode.into(), lease, asked_by: Asker::Rest };
    let entry = app.backend.commands().ask(request).await.map_err(|error| refused(&error, OFFERED))?;
    Ok(Json(ModeResult::from(entry)))
}

/// End what was asked of a battery by hand.
///
/// It does again what the schedule or the rotation wants, or what it did before it was asked. The answer comes when that
/// has been tried. What has ended already is no error: the outcome is `unchanged`, and the entry has the number 0.
#[utoipa::path(
    delete, path = "/api/v1/devices/{name}/mode", tag = "control",
    params(("name" = String, Path, description = "Name of the device in the configuration.", example = "fase_a")),
    responses(
        (status = 200, description = "It has ended; `outcome` says what the device does of it.", body = ModeResult),
        (status = 404, description = "No device has that name; the hint offers the nearest.", body = ErrorBody),
        (status = 409, description = "The device cannot be controlled.", body = ErrorBody),
        (status = 429, description = "The device is busy with earlier wishes.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn release(State(app): State<App>, Name(name): Name) -> Result<Json<ModeResult>, ApiError> {
    let device = find(&app.backend.snapshot(), &name)?.info.id.clone();
    refuse_site(&device)?;
    let released = app.backend.commands().release(device, Asker::Rest).await;
    Ok(Json(ModeResult::from(released.map_err(|error| refused(&error, OFFERED))?)))
}

/// The whole house is not asked for a mode.
fn refuse_site(device: &DeviceId) -> Result<(), ApiError> {
    if !device.is_site() {
        return Ok(());
    }
    let why = "the whole house has no mode of its own; ask one of its batteries".to_owned();
    Err(refused(&AskError::NotControllable(why), OFFERED))
}

/// The refusal of a wish; `offered` says where to see what may be asked.
pub(super) fn refused(error: &AskError, offered: &str) -> ApiError {
    let message = error.to_string();
    match error {
        AskError::UnknownDevice => ApiError::not_found("unknown_device", message, "see /api/v1/devices"),
        AskError::NotControllable(_) => {
            ApiError::new(StatusCode::CONFLICT, "not_controllable", message, offered)
        }
        AskError::Busy => {
            let hint = "wait for the attempts under way; see /api/v1/ledger";
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "busy", message, hint).retry_after(5)
        }
        AskError::Stopping => {
            let hint = "try again when it has started";
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", message, hint).retry_after(10)
        }
    }
}
