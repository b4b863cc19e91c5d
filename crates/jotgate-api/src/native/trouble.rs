//! What is answered when something is wrong: problem details (RFC 9457).

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use jotgate_manage::{Conflict, ManageError, ProbeFailure};
use serde::Serialize;
use serde_json::Value;

use crate::problem::Problem;

/// The members of the answer.
#[derive(Debug, Serialize)]
pub(super) struct Trouble {
    #[serde(serialize_with = "number")]
    status: StatusCode,
    title: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldTrouble>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conflicts: Vec<ConflictTrouble>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<Box<ProbeTrouble>>,
}

/// A change whose probe has failed: what came, which revision it was, and which one has taken it back.
#[derive(Debug, Serialize)]
struct ProbeTrouble {
    path: String,
    expected: u16,
    status: Option<u16>,
    reason: Option<String>,
    revision: u64,
    restored: Option<u64>,
}

/// A document that somebody else has changed as well.
#[derive(Debug, Serialize)]
struct ConflictTrouble {
    kind: &'static str,
    id: String,
    name: String,
    fields: Vec<ConflictFieldTrouble>,
}

/// A field in its three versions.
#[derive(Debug, Serialize)]
struct ConflictFieldTrouble {
    field: String,
    base: Value,
    mine: Value,
    theirs: Value,
}

/// A field at fault.
#[derive(Debug, Serialize)]
struct FieldTrouble {
    field: String,
    problem: String,
}

impl Trouble {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            title: status.canonical_reason().unwrap_or_default(),
            detail: detail.into(),
            errors: Vec::new(),
            conflicts: Vec::new(),
            probe: None,
        }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is nothing at this address.")
    }

    /// 404 for something that is no longer there, or never was.
    pub(super) fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn method_not_allowed() -> Self {
        let detail = "This address does not answer that method.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, detail)
    }
}

fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::new(problem.status, problem.text)
    }
}

impl From<ManageError> for Trouble {
    fn from(error: ManageError) -> Self {
        let (mut errors, mut conflicts, mut probe) = (Vec::new(), Vec::new(), None);
        match &error {
            ManageError::Invalid(fields) => errors.clone_from(&fields.0),
            ManageError::Outdated {
                conflicts: both, ..
            } => conflicts.clone_from(both),
            ManageError::ProbeFailed(failure) => probe = Some(Box::new(failed_probe(failure))),
            _ => {}
        }
        let errors = errors.into_iter().map(|error| FieldTrouble {
            field: error.field,
            problem: error.problem,
        });
        Self {
            errors: errors.collect(),
            conflicts: conflicts.into_iter().map(conflict).collect(),
            probe,
            ..Self::from(Problem::from(error))
        }
    }
}

fn failed_probe(failure: &ProbeFailure) -> ProbeTrouble {
    let found = failure.found.as_ref().ok();
    ProbeTrouble {
        path: failure.path.clone(),
        expected: failure.expected,
        status: found.map(|answer| answer.status),
        reason: found.and_then(|answer| answer.reason.clone()),
        revision: failure.revision,
        restored: failure.restored.as_ref().ok().copied(),
    }
}

fn conflict(conflict: Conflict) -> ConflictTrouble {
    let fields = conflict.fields.into_iter();
    let fields = fields.map(|field| ConflictFieldTrouble {
        field: field.field,
        base: field.base,
        mine: field.mine,
        theirs: field.theirs,
    });
    ConflictTrouble {
        kind: conflict.kind.name(),
        id: conflict.id.to_string(),
        name: conflict.name,
        fields: fields.collect(),
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let headers = [
            (
                CONTENT_TYPE,
                HeaderValue::from_static("application/problem+json"),
            ),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (
                HeaderName::from_static("x-content-type-options"),
                HeaderValue::from_static("nosniff"),
            ),
        ];
        let body = serde_json::to_string(&self).unwrap_or_default();
        (self.status, headers, body).into_response()
    }
}
