//! Wishes for a battery's mode. This only hands them to the one gate to the hardware.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ohmstead_model::{AskError, Asker, Request, Wish};

use super::devices::find;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Name, Names};
use crate::shape::{ModeBody, ModeResult, SettingBody};
use crate::state::App;
use crate::suggest;

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
    if device.is_site() {
        let why = "the whole house has no mode of its own; ask one of its batteries".to_owned();
        return Err(refused(&AskError::NotControllable(why)));
    }
    let request = Request { device, wish: mode.into(), lease, asked_by: Asker::Rest };
    let entry = app.backend.commands().ask(request).await.map_err(|error| refused(&error))?;
    Ok(Json(ModeResult::from(entry)))
}

/// Set something else than the mode of a device.
///
/// The device's `settings` list what it offers and which values it takes. The answer comes when the attempt has ended,
/// as with the mode: settings are read back, written only if they change, and written rarely, because the memory that
/// they are kept in wears out.
#[utoipa::path(
    put, path = "/api/v1/devices/{name}/settings/{setting}", tag = "control", request_body = SettingBody,
    params(
        ("name" = String, Path, description = "Name of the device in the configuration.", example = "axpert"),
        ("setting" = String, Path, description = "Name of the setting.", example = "output_priority"),
    ),
    responses(
        (status = 200, description = "The attempt has ended; see `outcome`.", body = ModeResult),
        (status = 400, description = "The value is not one that the setting takes.", body = ErrorBody),
        (status = 404, description = "There is no such device or setting; the hint offers the nearest.", body = ErrorBody),
        (status = 409, description = "The device cannot be controlled.", body = ErrorBody),
        (status = 415, description = "The body is not JSON.", body = ErrorBody),
        (status = 429, description = "The device is busy with earlier wishes.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn set_setting(
    State(app): State<App>,
    Names(name, setting): Names,
    Body(body): Body<SettingBody>,
) -> Result<Json<ModeResult>, ApiError> {
    let snapshot = app.backend.snapshot();
    let device = find(&snapshot, &name)?;
    let offered = &device.info.settings;
    let Some(wanted) = offered.iter().find(|offered| offered.metric.id() == setting) else {
        let shown: String = setting.chars().take(64).collect();
        let hint = if offered.is_empty() {
            format!("{name} offers no settings")
        } else {
            suggest::hint(&setting, offered.iter().map(|offered| offered.metric.id()))
        };
        return Err(ApiError::not_found("unknown_setting", format!("{name} has no setting {shown:?}"), hint));
    };
    let wish = Wish::Setting(body.read(wanted)?);
    let request = Request { device: device.info.id.clone(), wish, lease: None, asked_by: Asker::Rest };
    let entry = app.backend.commands().ask(request).await.map_err(|error| refused(&error))?;
    Ok(Json(ModeResult::from(entry)))
}

fn refused(error: &AskError) -> ApiError {
    let message = error.to_string();
    match error {
        AskError::UnknownDevice => ApiError::not_found("unknown_device", message, "see /api/v1/devices"),
        AskError::NotControllable(_) => {
            let hint = "the device's `modes` lists what may be asked of it";
            ApiError::new(StatusCode::CONFLICT, "not_controllable", message, hint)
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
