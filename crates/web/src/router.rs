//! All parts put together.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::extract::BODY_BYTES_MAX;
use crate::openapi::Description;
use crate::state::App;
use crate::{Backend, Settings, api, assets, security};

/// The whole interface, testable without a socket. Settings that [`crate::check`] refuses must not come here.
pub fn router(backend: Arc<dyn Backend>, settings: &Settings) -> Router {
    let app = App::new(backend, settings);
    let (routes, description) = OpenApiRouter::with_openapi(Description::openapi())
        .merge(api::open())
        .merge(api::guarded(&app))
        .split_for_parts();
    let description = description.to_pretty_json().expect("the description is plain data");
    let description = Bytes::from(description + "\n");
    routes
        .route("/api/v1/openapi.json", get(async move || document(description)))
        .fallback(assets::serve)
        .method_not_allowed_fallback(api::unknown_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(app.clone(), security::guard))
        .layer(from_fn(security::set_headers))
        .with_state(app)
}

fn document(description: Bytes) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], description)
}
