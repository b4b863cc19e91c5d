//! What is answered when nothing is wrong.

use axum::response::{IntoResponse, Response};
use http::header::CACHE_CONTROL;
use http::{HeaderName, HeaderValue, StatusCode};
use jotgate_manage::{Comparison, Difference, DocumentChange, DocumentDifference, Revision};
use jotgate_model::{Timestamp, UnixTime};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// 200 with JSON that nobody keeps.
pub(super) struct Answer<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let headers = [
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (
                HeaderName::from_static("x-content-type-options"),
                HeaderValue::from_static("nosniff"),
            ),
        ];
        (headers, axum::Json(self.0)).into_response()
    }
}

/// A time as answers have it.
pub(super) fn date(at: UnixTime) -> String {
    Timestamp::from_millis(at.0.saturating_mul(1000)).to_string()
}

/// 201 with the same.
pub(super) struct Created<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Answer(self.0)).into_response()
    }
}

/// 204.
pub(super) struct Deleted;

impl IntoResponse for Deleted {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// What differs, or would. `before` and `after` are the same revision where nothing does.
#[derive(Serialize, JsonSchema)]
pub(super) struct ComparisonAnswer {
    before: u64,
    after: u64,
    documents: Vec<DocumentAnswer>,
}

#[derive(Serialize, JsonSchema)]
struct DocumentAnswer {
    kind: &'static str,
    id: String,
    name: String,
    change: &'static str,
    fields: Vec<FieldAnswer>,
}

#[derive(Serialize, JsonSchema)]
struct FieldAnswer {
    field: String,
    before: Value,
    after: Value,
}

impl From<Comparison> for ComparisonAnswer {
    fn from(comparison: Comparison) -> Self {
        let documents = comparison.documents.into_iter();
        Self {
            before: comparison.before,
            after: comparison.after,
            documents: documents.map(document).collect(),
        }
    }
}

fn document(difference: DocumentDifference) -> DocumentAnswer {
    let field = |difference: Difference| FieldAnswer {
        field: difference.field,
        before: difference.before,
        after: difference.after,
    };
    DocumentAnswer {
        kind: difference.kind.name(),
        id: difference.id.to_string(),
        name: difference.name,
        change: match difference.change {
            DocumentChange::Created => "created",
            DocumentChange::Deleted => "deleted",
            DocumentChange::Updated => "updated",
        },
        fields: difference.fields.into_iter().map(field).collect(),
    }
}

/// One save.
#[derive(Serialize, JsonSchema)]
pub(super) struct RevisionAnswer {
    revision: u64,
    at: String,
    author: String,
    note: String,
}

impl From<Revision> for RevisionAnswer {
    fn from(revision: Revision) -> Self {
        Self {
            revision: revision.revision,
            at: revision.at.to_string(),
            author: revision.author,
            note: revision.note,
        }
    }
}
