//! The shape of an answer: JSON with `success`.

use axum::Json as Body;
use axum::body::Body as Bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};

use crate::error::ApiError;

/// A status and a body.
pub(super) struct Answer {
    status: StatusCode,
    body: Json,
    /// Seconds after which trying again makes sense.
    retry_after: Option<u64>,
}

impl Answer {
    pub(super) fn ok(body: Json) -> Self {
        Self { status: StatusCode::OK, body, retry_after: None }
    }

    pub(super) fn with(status: u16, body: Json) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, ..Self::ok(body) }
    }

    pub(super) fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }
}

/// A refusal.
pub(super) fn refused(status: u16, error: &str) -> Answer {
    Answer::with(status, json!({ "error": error, "success": false }))
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, Body(self.body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Refusals of the guards, which all interfaces share, in the shape of this one. Status and headers stay.
pub(super) async fn in_this_shape(response: Response) -> Response {
    let Some(refusal) = response.extensions().get::<ApiError>() else { return response };
    let (code, error, hint) = refusal.words();
    let body = json!({ "error": error, "hint": hint_here(code, hint), "success": false });
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Bytes::from(body.to_string()))
}

/// What to do about it, where this interface is configured.
fn hint_here(code: &str, hint: &str) -> String {
    match code {
        "token_required" => "send the header Authorization: Bearer TOKEN".to_owned(),
        "wrong_token" => "it is in the file that serve_dbus_api.token_file names".to_owned(),
        "foreign_origin" => "pages of other origins may not write here".to_owned(),
        _ => hint.replace("web.", "serve_dbus_api."),
    }
}
