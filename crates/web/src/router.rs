//! All parts put together.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};

use crate::extract::BODY_BYTES_MAX;
use crate::state::App;
use crate::{Backend, Settings, api, assets, security};

/// The whole interface, testable without a socket. Settings that [`crate::check`] refuses must not come here.
pub fn router(backend: Arc<dyn Backend>, settings: &Settings) -> Router {
    let app = App::new(backend, settings);
    let routes = api::open().merge(api::guarded(&app));
    routes
        .fallback(assets::serve)
        .method_not_allowed_fallback(api::unknown_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(app.clone(), security::guard))
        .layer(from_fn(security::set_headers))
        .with_state(app)
}
