//! What counters grew by, and figures of the history.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use ohmstead_model::catalogue::Kind;
use utoipa::IntoParams;

use super::devices::find;
use super::history::{metric, span};
use super::records::refused;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Params;
use crate::shape::{FiguresJson, GrowthJson, metrics_of};
use crate::state::App;
use crate::suggest;

/// The span of an answer where no `from` is given.
const SPAN_DEFAULT: Duration = Duration::from_secs(24 * 3600);

/// Which counter, from when to when.
#[derive(serde::Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EnergyParams {
    /// Name of the device, or `site` for the whole house.
    #[param(example = "gx")]
    device: String,
    /// The counter, see `/api/v1/metrics`.
    #[param(example = "grid_import_energy")]
    metric: String,
    /// First instant, included: milliseconds since 1970, ISO 8601, or a span before now such as `-24h`. A time without
    /// an offset is in the time zone of the site. A day before `to` if absent.
    #[param(example = "2026-11-21")]
    from: Option<String>,
    /// Last instant, excluded, in the same forms. Now if absent.
    #[param(example = "2026-11-22")]
    to: Option<String>,
}

/// What a counter grew by between two instants.
///
/// A counter that began again is noticed. `null` is not 0: nothing is known of the span.
#[utoipa::path(
    get, path = "/api/v1/energy", tag = "records", params(EnergyParams),
    responses(
        (status = 200, description = "The increase.", body = GrowthJson),
        (status = 400, description = "A time makes no sense, or the metric counts nothing.", body = ErrorBody),
        (status = 404, description = "Unknown device or metric; the hint offers the nearest.", body = ErrorBody),
        (status = 503, description = "The store cannot be read.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn energy(
    State(app): State<App>,
    Params(params): Params<EnergyParams>,
) -> Result<Json<GrowthJson>, ApiError> {
    let snapshot = app.backend.snapshot();
    let device = find(&snapshot, &params.device)?;
    let metric = metric(device, &params.metric)?;
    if !matches!(metric.def().kind, Kind::Counter) {
        let known = metrics_of(device);
        let counters = known.iter().filter(|known| matches!(known.def().kind, Kind::Counter));
        let hint = suggest::hint(metric.id(), counters.map(|counter| counter.id()));
        return Err(ApiError::bad("no_counter", format!("{metric} is no counter"), hint));
    }
    let (from, to) = span(&app, params.from.as_deref(), params.to.as_deref(), SPAN_DEFAULT)?;
    let id = &device.info.id;
    let growth = app.backend.growth(id.clone(), metric, from, to).await.map_err(|error| refused(&error))?;
    Ok(Json(GrowthJson::new(id, metric, (from, to), growth)))
}

/// How much the history holds, from when to when, and how much room it takes.
#[utoipa::path(
    get, path = "/api/v1/history/stats", tag = "records",
    responses(
        (status = 200, description = "Figures of the whole history.", body = FiguresJson),
        (status = 503, description = "The store cannot be read.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn stats(State(app): State<App>) -> Result<Json<FiguresJson>, ApiError> {
    let figures = app.backend.store_figures().await.map_err(|error| refused(&error))?;
    Ok(Json(FiguresJson::from(figures)))
}
