//! Wishes for one of a device's settings. This only hands them to the one gate to the hardware.

use axum::Json;
use axum::extract::State;
use ohmstead_model::{Asker, DeviceState, Request, Setting, Wish};

use super::devices::find;
use super::mode::refused;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Names};
use crate::shape::{ModeResult, SettingBody};
use crate::state::App;
use crate::suggest;

/// Set something else than the mode of a device.
///
/// The device's `settings` list what it offers and which values it takes; which of it may be set at all follows from the
/// configuration. The answer comes when the attempt has ended, as with the mode: settings are read back, written only if
/// they change, and written rarely, because the memory that they are kept in wears out.
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
    let wish = Wish::Setting(body.read(offered(device, &setting)?)?);
    let request = Request { device: device.info.id.clone(), wish, lease: None, asked_by: Asker::Rest };
    let asked = app.backend.commands().ask(request).await;
    let entry = asked.map_err(|error| refused(&error, "the device's `settings` list what can be set"))?;
    Ok(Json(ModeResult::from(entry)))
}

/// The setting of that name, or a refusal with the nearest one.
fn offered<'a>(device: &'a DeviceState, name: &str) -> Result<&'a Setting, ApiError> {
    let settings = &device.info.settings;
    settings.iter().find(|setting| setting.metric.id() == name).ok_or_else(|| {
        let shown: String = name.chars().take(64).collect();
        let message = format!("{} offers no setting {shown:?}", device.info.id);
        ApiError::not_found("unknown_setting", message, hint(device, name))
    })
}

fn hint(device: &DeviceState, wrong: &str) -> String {
    let settings = &device.info.settings;
    if device.info.id.is_site() {
        return "the whole house has no settings of its own; ask one of its devices".to_owned();
    }
    if settings.is_empty() {
        return "it offers none: it has none that can be set, the configuration forbids it, or it has not answered yet"
            .to_owned();
    }
    suggest::hint(wrong, settings.iter().map(|setting| setting.metric.id()))
}
