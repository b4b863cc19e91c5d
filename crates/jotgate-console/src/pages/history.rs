//! The history: every save, what it changed, what differs between two, and the way back.

mod compare;
mod list;
mod restore;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use jotgate_manage::{Comparison, DocumentChange, ManageError, Revision};
use serde_json::Value;

use crate::frame::Stop;
use crate::visit::Visit;
use crate::{Console, pages};

/// The path of the list, which the navigation marks on each of these pages.
const HERE: &str = "/history";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, get(list::show))
        .route("/history/compare", get(compare::two))
        .route("/history/{revision}", get(compare::one))
        .route(
            "/history/{revision}/restore",
            get(restore::ask).post(restore::restore),
        )
}

/// The revision that an address names, or the page that says that there is none.
async fn find(visit: &Visit, number: &str) -> Result<Revision, Stop> {
    let missing = || {
        let sentence = "The history shows every save there was.";
        let status = StatusCode::NOT_FOUND;
        Stop::from(pages::trouble(
            visit,
            status,
            "There is no such revision",
            sentence,
        ))
    };
    let number: u64 = number.parse().map_err(|_| missing())?;
    let next = number.saturating_add(1);
    let found = visit.management().revisions(Some(next), 1).await;
    let found = found.map_err(|error| visit.problem(&error))?;
    let found = found.into_iter().find(|one| one.revision == number);
    found.ok_or_else(missing)
}

/// What differs between two revisions, for a page.
async fn changes(visit: &Visit, before: u64, after: u64) -> Result<Vec<Change>, ManageError> {
    let compared = visit.management().compare_revisions(before, after).await?;
    Ok(changes_of(compared))
}

/// A document that is not the same on both sides.
struct Change {
    kind: String,
    name: String,
    what: &'static str,
    fields: Vec<Field>,
}

/// A field with its values; empty for one that is not there.
struct Field {
    name: String,
    before: String,
    after: String,
}

fn changes_of(compared: Comparison) -> Vec<Change> {
    let documents = compared.documents.into_iter();
    let changes = documents.map(|document| Change {
        kind: document.kind.to_string(),
        name: document.name,
        what: match document.change {
            DocumentChange::Created => "created",
            DocumentChange::Deleted => "deleted",
            DocumentChange::Updated => "changed",
        },
        fields: document
            .fields
            .into_iter()
            .map(|field| Field {
                name: field.field,
                before: text(&field.before),
                after: text(&field.after),
            })
            .collect(),
    });
    changes.collect()
}

/// A value as people write it: a text without its quotes.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
