//! What marstek-automation offered, for programs that were written for it.

use axum::Json;
use axum::extract::State;

use crate::error::ErrorBody;
use crate::shape::BatteriesStatus;
use crate::state::App;

/// All batteries in the words of marstek-automation.
#[utoipa::path(
    get, path = "/api/v1/batteries/status", tag = "compatibility",
    responses(
        (status = 200, description = "The batteries; mind the sign of `bat_power`.", body = BatteriesStatus),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn status(State(app): State<App>) -> Json<BatteriesStatus> {
    let order = app.backend.device_order();
    Json(BatteriesStatus::new(&app.backend.snapshot(), &order, app.backend.now()))
}
