//! The one shape of every refusal: `{"error": {"code", "message", "hint"}}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;

/// A refusal on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    hint: String,
    /// Seconds after which trying again makes sense.
    retry_after: Option<u64>,
}

impl ApiError {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { status, code, message: message.into(), hint: hint.into(), retry_after: None }
    }

    /// 400 with this code.
    pub(crate) fn bad(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message, hint)
    }

    /// 404 with this code.
    pub(crate) fn not_found(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message, hint)
    }

    /// Its stable key, what is wrong, and what to do about it.
    pub(crate) fn words(&self) -> (&'static str, &str, &str) {
        (self.code, &self.message, &self.hint)
    }

    /// 409 with this code.
    pub(crate) fn conflict(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message, hint)
    }

    /// The same, saying when to try again.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }
}

/// Why a request was refused.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorBody {
    /// The refusal.
    error: ErrorDetail,
}

/// What is wrong and what to do about it.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(crate) struct ErrorDetail {
    /// Stable key.
    #[schema(example = "unknown_device")]
    code: &'static str,
    /// What is wrong.
    #[schema(example = "no device is named \"fase_b\"")]
    message: String,
    /// What to do about it.
    #[schema(example = "did you mean \"fase_a\"?")]
    hint: String,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, retry_after, refusal) = (self.status, self.retry_after, self.clone());
        let detail = ErrorDetail { code: self.code, message: self.message, hint: self.hint };
        let mut response = (status, Json(ErrorBody { error: detail })).into_response();
        // An interface with another shape finds here what to say in its own.
        response.extensions_mut().insert(refusal);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"ohmstead\""));
        }
        response
    }
}
