//! Path, query and body of a request, with refusals in the one shape.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// The largest body that is read, in bytes. The largest sensible one has a few hundred.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;
/// The longest query that is parsed, in bytes.
const QUERY_BYTES_MAX: usize = 2 * 1024;

/// The one name in the path.
pub(crate) struct Name(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        path.map(|Path(name)| Self(name)).map_err(|error| {
            ApiError::bad("bad_path", error.body_text(), "names are letters, digits, '_' and '-'")
        })
    }
}

/// The two names in the path.
pub(crate) struct Names(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Names {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path: Result<Path<(String, String)>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        path.map(|Path((first, second))| Self(first, second)).map_err(|error| {
            ApiError::bad("bad_path", error.body_text(), "names are letters, digits, '_' and '-'")
        })
    }
}

/// The query of a request.
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if parts.uri.query().is_some_and(|query| query.len() > QUERY_BYTES_MAX) {
            return Err(ApiError::new(
                StatusCode::URI_TOO_LONG,
                "query_too_long",
                format!("the query is longer than {QUERY_BYTES_MAX} bytes"),
                "see /docs for the parameters",
            ));
        }
        let query: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        query.map(|Query(params)| Self(params)).map_err(|error| {
            let text = error.body_text();
            let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            ApiError::bad("bad_query", text, "see /docs for the parameters")
        })
    }
}

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        Json::from_request(request, state).await.map(|Json(body)| Self(body)).map_err(refused)
    }
}

fn refused(rejection: JsonRejection) -> ApiError {
    let hint = "see /docs for the body";
    match rejection {
        JsonRejection::MissingJsonContentType(_) => ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            "the body must be JSON",
            "send it with the header Content-Type: application/json",
        ),
        JsonRejection::JsonDataError(error) => {
            let text = error.body_text();
            let text = text.strip_prefix("Failed to deserialize the JSON body into the target type: ");
            ApiError::bad("bad_body", text.unwrap_or("the body has the wrong shape"), hint)
        }
        JsonRejection::JsonSyntaxError(error) => {
            let text = error.body_text();
            let text = text.strip_prefix("Failed to parse the request body as JSON: ").unwrap_or(&text);
            ApiError::bad("bad_json", format!("the body is no valid JSON: {text}"), hint)
        }
        other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("the body is larger than {BODY_BYTES_MAX} bytes"),
            hint,
        ),
        other => ApiError::bad("bad_body", other.body_text(), hint),
    }
}
