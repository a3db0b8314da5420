//! What is known right now: devices, the house, and what the metrics mean.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use ohmstead_model::catalogue::CORE;
use ohmstead_model::{DeviceState, Metric, Snapshot};

use crate::error::{ApiError, ErrorBody};
use crate::extract::Name;
use crate::shape::{Device, House, MetricJson, metrics_of};
use crate::state::App;
use crate::suggest;

/// All devices with their present values.
#[utoipa::path(
    get, path = "/api/v1/devices", tag = "house",
    responses(
        (status = 200, description = "The devices in the order of the configuration.", body = Vec<Device>),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn devices(State(app): State<App>) -> Json<Vec<Device>> {
    let (snapshot, now) = (app.backend.snapshot(), app.backend.now());
    let order = app.backend.device_order();
    let states = order.iter().filter_map(|id| snapshot.device(id.as_str()));
    Json(states.map(|state| Device::new(state, now)).collect())
}

/// One device with its present values.
#[utoipa::path(
    get, path = "/api/v1/devices/{name}", tag = "house",
    params(("name" = String, Path, description = "Name of the device in the configuration.", example = "fase_a")),
    responses(
        (status = 200, description = "The device.", body = Device),
        (status = 404, description = "No device has that name; the hint offers the nearest.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn device(State(app): State<App>, Name(name): Name) -> Result<Json<Device>, ApiError> {
    let snapshot = app.backend.snapshot();
    let state = find(&snapshot, &name)?;
    Ok(Json(Device::new(state, app.backend.now())))
}

/// The whole house.
#[utoipa::path(
    get, path = "/api/v1/house", tag = "house",
    responses(
        (status = 200, description = "Power of grid, batteries, sun and load, and the state of charge.", body = House),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn house(State(app): State<App>) -> Json<House> {
    Json(House::new(&app.backend.snapshot(), app.backend.now()))
}

/// What the metrics are: unit, decimals, sign, states, names in five languages.
#[utoipa::path(
    get, path = "/api/v1/metrics", tag = "house",
    responses(
        (status = 200, description = "The catalogue, then what the devices add to it.", body = Vec<MetricJson>),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn metrics(State(app): State<App>) -> Json<Vec<MetricJson>> {
    let snapshot = app.backend.snapshot();
    let all: BTreeSet<Metric> = snapshot.all().flat_map(|device| metrics_of(device)).collect();
    // As a device has it: a price is in the currency of the site.
    let core = CORE.iter().map(|metric| all.get(metric).copied().unwrap_or(*metric));
    let native = all.iter().copied().filter(|metric| Metric::by_id(metric.id()).is_none());
    Json(core.chain(native).map(MetricJson::from).collect())
}

/// The device of that name, `site` included, or a refusal with the nearest name.
pub(super) fn find<'a>(snapshot: &'a Snapshot, name: &str) -> Result<&'a Arc<DeviceState>, ApiError> {
    snapshot.device(name).ok_or_else(|| {
        let names = snapshot.devices().map(|device| device.info.id.as_str());
        let shown: String = name.chars().take(64).collect();
        ApiError::not_found(
            "unknown_device",
            format!("no device is named {shown:?}"),
            suggest::hint(name, names),
        )
    })
}
