//! What QRS and QPS answer when nothing is wrong.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

/// What is answered when nothing is wrong. Never with a `Location`: a client takes that for a
/// redirect.
pub(crate) enum Answer {
    /// 201 with the new entity.
    Created(Value),
    /// 204.
    Deleted,
    /// 200.
    Json(Value),
    /// 200 with JSON that is text already.
    Text(Vec<u8>),
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Created(value) => (StatusCode::CREATED, value.to_string().into_bytes()),
            Self::Deleted => return StatusCode::NO_CONTENT.into_response(),
            Self::Json(value) => (StatusCode::OK, value.to_string().into_bytes()),
            Self::Text(text) => (StatusCode::OK, text),
        };
        let headers = [
            (
                CONTENT_TYPE,
                HeaderValue::from_static("application/json;charset=utf-8"),
            ),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (
                HeaderName::from_static("x-content-type-options"),
                HeaderValue::from_static("nosniff"),
            ),
        ];
        (status, headers, text).into_response()
    }
}
