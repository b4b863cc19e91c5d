//! What is answered when something is wrong: a status and one sentence, as plain text.

use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use jotgate_manage::ManageError;
use jotgate_model::FieldErrors;

/// The longest sentence: a body with ten thousand wrong properties needs no answer of that length.
const MAX_TEXT: usize = 4096;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The status.
    pub(crate) status: StatusCode,
    /// The sentence. It may repeat what the client sent, never what somebody else did.
    pub(crate) text: String,
    /// The methods that are possible, for 405.
    allow: Option<&'static str>,
}

impl Problem {
    /// A problem with that status and sentence.
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            allow: None,
        }
    }

    /// 400.
    pub(crate) fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// 403.
    pub(crate) fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, text)
    }

    /// 404.
    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }

    /// 405 with the methods that are possible (RFC 9110 section 15.5.6).
    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("This address answers {allow} only."),
            )
        }
    }
}

impl From<FieldErrors> for Problem {
    fn from(errors: FieldErrors) -> Self {
        Self::bad_request(errors.to_string())
    }
}

impl From<ManageError> for Problem {
    fn from(error: ManageError) -> Self {
        let status = match &error {
            ManageError::Conflict { .. }
            | ManageError::Outdated { .. }
            | ManageError::UserConflict { .. } => StatusCode::CONFLICT,
            ManageError::Forbidden(_) => StatusCode::FORBIDDEN,
            ManageError::Invalid(_) => StatusCode::BAD_REQUEST,
            ManageError::Missing(_)
            | ManageError::NoRevision(_)
            | ManageError::NoVirtualProxy(_)
            | ManageError::NotFound { .. }
            | ManageError::UserNotFound { .. } => StatusCode::NOT_FOUND,
            ManageError::ProbeFailed(_) => StatusCode::UNPROCESSABLE_ENTITY,
            ManageError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let headers = [
            (
                CONTENT_TYPE,
                HeaderValue::from_static("text/plain;charset=utf-8"),
            ),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (
                HeaderName::from_static("x-content-type-options"),
                HeaderValue::from_static("nosniff"),
            ),
        ];
        let mut response = (self.status, headers, clean(&self.text)).into_response();
        if let Some(allow) = self.allow {
            let allow = HeaderValue::from_static(allow);
            response.headers_mut().insert(ALLOW, allow);
        }
        response
    }
}

/// Cut to a bearable length, without control characters: clients print these texts on terminals.
fn clean(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let mut cleaned: String = text.chars().map(printable).take(MAX_TEXT).collect();
    if text.chars().nth(MAX_TEXT).is_some() {
        cleaned.push('…');
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_have_no_control_characters() {
        assert_eq!(clean("a\r\nb\u{1b}[31m"), "a  b [31m");
        assert_eq!(clean(&"ä".repeat(MAX_TEXT)), "ä".repeat(MAX_TEXT));
        let cut = clean(&"ä".repeat(MAX_TEXT + 1));
        assert!(cut.ends_with("ä…"), "{cut}");
    }
}
