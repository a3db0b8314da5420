//! What control wants, and its switches.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ohmstead_model::{Asker, Part};

use super::mode::refused;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Name};
use crate::shape::{ControlOverview, ControlParts, SwitchBody, SwitchesJson};
use crate::state::App;
use crate::suggest;

/// What is wanted of each device, by whom and how far it has got, and which parts of control are on.
#[utoipa::path(
    get, path = "/api/v1/control", tag = "control",
    responses(
        (status = 200, description = "Switches, times, devices, limits, windows.", body = ControlOverview),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn control(State(app): State<App>) -> Json<ControlOverview> {
    let backend = &app.backend;
    let (snapshot, order) = (backend.snapshot(), backend.device_order());
    let commands = backend.commands();
    let (switches, limits) = (commands.switches(), commands.limits());
    let parts = ControlParts { switches, limits, rules: backend.control_rules() };
    Json(ControlOverview::new(&snapshot, &order, &parts))
}

/// Switch a part of control off or on.
///
/// What is off wants nothing any more: the devices are given back, unless another part or a wish by hand has them. A switch
/// survives restarts.
#[utoipa::path(
    put, path = "/api/v1/control/{part}", tag = "control", request_body = SwitchBody,
    params(("part" = String, Path, description = "`limits`, `plan`, `tempo`, `schedule` or `rotation`.", example = "schedule")),
    responses(
        (status = 200, description = "What is so from now on.", body = SwitchesJson),
        (status = 404, description = "There is no such part; the hint lists them.", body = ErrorBody),
        (status = 409, description = "The configuration has nothing that could be switched.", body = ErrorBody),
        (status = 415, description = "The body is not JSON.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn switch(
    State(app): State<App>,
    Name(part): Name,
    Body(SwitchBody { on }): Body<SwitchBody>,
) -> Result<Json<SwitchesJson>, ApiError> {
    let part = Part::of_key(&part).ok_or_else(|| unknown(&part))?;
    let commands = app.backend.commands();
    if commands.switches().get(part).is_none() {
        return Err(not_there(part));
    }
    let switched = commands.switch(part, on, Asker::Rest).await;
    Ok(Json(switched.map_err(|error| refused(&error, "see /api/v1/control"))?.into()))
}

fn unknown(name: &str) -> ApiError {
    let shown: String = name.chars().take(64).collect();
    let hint = suggest::hint(name, Part::ALL.into_iter().map(Part::key));
    ApiError::not_found("unknown_part", format!("control has no part {shown:?}"), hint)
}

fn not_there(part: Part) -> ApiError {
    let key = match part {
        Part::Schedule => "schedules",
        Part::Plan => "planner",
        Part::Limits | Part::Tempo | Part::Rotation => part.key(),
    };
    let message = format!("there is no {} to switch: the configuration has none", part.key());
    ApiError::new(StatusCode::CONFLICT, "not_configured", message, format!("add {key}: to ohmstead.yaml"))
}
