//! The shape of an answer: JSON with `success`.

use axum::Json as Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};

/// A status and a body.
pub(super) struct Answer(StatusCode, Json);

impl Answer {
    pub(super) fn ok(body: Json) -> Self {
        Self(StatusCode::OK, body)
    }

    pub(super) fn with(status: u16, body: Json) -> Self {
        Self(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body)
    }
}

/// A refusal.
pub(super) fn refused(status: u16, error: &str) -> Answer {
    Answer::with(status, json!({ "error": error, "success": false }))
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.0, Body(self.1)).into_response()
    }
}
