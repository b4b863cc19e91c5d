//! What one save changed, and what differs between any two.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;

use super::{Change, HERE, changes, find};
use crate::dates::minute;
use crate::frame::{Frame, Stop, page};
use crate::paging::Pages;
use crate::visit::Visit;

/// What a save changed.
pub(super) async fn one(visit: Visit, Path(number): Path<String>) -> Result<Response, Stop> {
    let revision = find(&visit, &number).await?;
    let number = revision.revision;
    // Before the first one there is nothing to compare it with.
    let before = number.saturating_sub(1).max(1);
    let list = visit.address(&format!("{HERE}/{number}"));
    let found = changes(&visit, before, number, list).await;
    let (pages, changes) = found.map_err(|error| visit.problem(&error))?;
    let compared = Compared {
        frame: visit.frame(&format!("Revision {number}"), HERE),
        saved: Some(Saved {
            at: minute(revision.at),
            author: revision.author,
            note: revision.note,
        }),
        before,
        after: number,
        current: visit.snapshot().revision,
        pages,
        changes,
    };
    Ok(page(StatusCode::OK, &compared))
}

/// What differs between two revisions, in the order in which the address names them.
pub(super) async fn two(visit: Visit) -> Result<Response, Stop> {
    let before = find(&visit, &visit.parameter("from")).await?.revision;
    let after = find(&visit, &visit.parameter("to")).await?.revision;
    let list = visit.address(&format!("{HERE}/compare?from={before}&to={after}"));
    let found = changes(&visit, before, after, list).await;
    let (pages, changes) = found.map_err(|error| visit.problem(&error))?;
    let title = format!("From revision {before} to {after}");
    let compared = Compared {
        frame: visit.frame(&title, HERE),
        saved: None,
        before,
        after,
        current: visit.snapshot().revision,
        pages,
        changes,
    };
    Ok(page(StatusCode::OK, &compared))
}

#[derive(Template)]
#[template(path = "history/compared.html")]
struct Compared {
    frame: Frame,
    /// Who saved, when only one save is shown.
    saved: Option<Saved>,
    before: u64,
    after: u64,
    current: u64,
    pages: Pages,
    changes: Vec<Change>,
}

struct Saved {
    at: String,
    author: String,
    note: String,
}
