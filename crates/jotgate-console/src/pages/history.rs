//! The history: every save, what it changed, what differs between two, and the way back.

mod compare;
mod list;
mod restore;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use jotgate_manage::{DocumentChange, DocumentDifference, ManageError, Revision};
use jotgate_model::Documents;

use crate::differences::Field;
use crate::frame::Stop;
use crate::paging::{PER_PAGE, Pages};
use crate::visit::Visit;
use crate::{Console, pages};

/// The path of the list, which the navigation marks on each of these pages.
const HERE: &str = "/history";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, get(list::show))
        .route("/history/compare", get(compare::two))
        .route("/history/{revision}", get(compare::one))
        .route("/history/{revision}/restore", get(restore::ask))
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

/// What differs between two revisions, cut into pages whose addresses begin with `list`.
async fn changes(
    visit: &Visit,
    before: u64,
    after: u64,
    list: String,
) -> Result<(Pages, Vec<Change>), ManageError> {
    let differing = visit.management().differing_between(before, after).await?;
    let pages = Pages::new(differing.len(), &visit.parameter("page"), list);
    let shown = differing.part(pages.before()..pages.before() + PER_PAGE);
    let names = visit.snapshot();
    let shown = shown.await?.into_iter();
    let changes = shown.map(|one| Change::of(one, &names.documents)).collect();
    Ok((pages, changes))
}

/// A document that is not the same on both sides.
pub(super) struct Change {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) what: &'static str,
    pub(super) fields: Vec<Field>,
}

impl Change {
    /// `names` are the documents that have the names of what fields refer to.
    pub(super) fn of(document: DocumentDifference, names: &Documents) -> Self {
        let fields = document.fields.into_iter();
        let fields = fields.map(|field| Field::of(field.field, &field.before, &field.after, names));
        Self {
            kind: document.kind.to_string(),
            name: document.name,
            what: match document.change {
                DocumentChange::Created => "created",
                DocumentChange::Deleted => "deleted",
                DocumentChange::Updated => "changed",
            },
            fields: fields.collect(),
        }
    }
}

#[cfg(test)]
mod tests;
