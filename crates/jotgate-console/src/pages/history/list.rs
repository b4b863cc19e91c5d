//! The list of the saves, the newest on top.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::Revision;

use super::HERE;
use crate::dates::minute;
use crate::frame::{Frame, Stop, page};
use crate::paging::PER_PAGE;
use crate::visit::Visit;

pub(super) async fn show(visit: Visit) -> Result<Response, Stop> {
    let before = visit.parameter("before").parse().ok();
    let found = visit.management().revisions(before, PER_PAGE as u32).await;
    let found = found.map_err(|error| visit.problem(&error))?;
    let current = visit.snapshot().revision;
    let oldest = found.last().map_or(0, |one| one.revision);
    let list = List {
        frame: visit.frame("History", HERE),
        current,
        is_first: before.is_none(),
        older: (oldest > 1).then_some(oldest),
        rows: found.into_iter().map(Row::from).collect(),
    };
    Ok(page(StatusCode::OK, &list))
}

#[derive(Template)]
#[template(path = "history/list.html")]
struct List {
    frame: Frame,
    current: u64,
    is_first: bool,
    /// The next page has those before this one.
    older: Option<u64>,
    rows: Vec<Row>,
}

/// A save.
struct Row {
    revision: u64,
    at: String,
    author: String,
    note: String,
}

impl From<Revision> for Row {
    fn from(revision: Revision) -> Self {
        Self {
            revision: revision.revision,
            at: minute(revision.at),
            author: revision.author,
            note: revision.note,
        }
    }
}
