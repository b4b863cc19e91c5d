//! Going back to what was: first what would change, then the deed.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::ManageError;

use super::{Change, HERE, changes, find};
use crate::dates::minute;
use crate::form::Posted;
use crate::frame::{Done, Frame, Stop, page};
use crate::visit::Visit;

pub(super) async fn ask(visit: Visit, Path(number): Path<String>) -> Result<Response, Stop> {
    show(&visit, &number, Typed::default(), StatusCode::OK).await
}

pub(super) async fn restore(
    Path(number): Path<String>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Stop> {
    let revision = find(&visit, &number).await?.revision;
    let note = fields.text("note").trim().to_owned();
    // What the page has shown is what is agreed to.
    if fields.text("current") != visit.snapshot().revision.to_string() {
        let problem =
            "Somebody has saved since this page was shown. Look again at what would change.";
        let problem = problem.to_owned();
        return show(
            &visit,
            &number,
            Typed { note, problem },
            StatusCode::CONFLICT,
        )
        .await;
    }
    let management = visit.management();
    let restored = management.restore_revision(visit.actor(), revision, &note, visit.now());
    let Err(error) = restored.await else {
        return Ok(visit.done(HERE, Done::Restored));
    };
    let status = match error {
        ManageError::Invalid(_) => StatusCode::BAD_REQUEST,
        ManageError::Forbidden(_) => StatusCode::FORBIDDEN,
        other => return Err(visit.problem(&other).into()),
    };
    let problem = error.to_string();
    show(&visit, &number, Typed { note, problem }, status).await
}

/// What the form shows, and why it was not accepted.
#[derive(Default)]
struct Typed {
    note: String,
    problem: String,
}

async fn show(
    visit: &Visit,
    number: &str,
    typed: Typed,
    status: StatusCode,
) -> Result<Response, Stop> {
    let revision = find(visit, number).await?;
    let current = visit.snapshot().revision;
    let changes = changes(visit, current, revision.revision).await;
    let changes = changes.map_err(|error| visit.problem(&error))?;
    let restoring = Restoring {
        frame: visit.frame(&format!("Restore revision {}", revision.revision), HERE),
        revision: revision.revision,
        at: minute(revision.at),
        author: revision.author,
        current,
        before: current,
        after: revision.revision,
        changes,
        typed,
    };
    Ok(page(status, &restoring))
}

#[derive(Template)]
#[template(path = "history/restoring.html")]
struct Restoring {
    frame: Frame,
    revision: u64,
    at: String,
    author: String,
    current: u64,
    before: u64,
    after: u64,
    changes: Vec<Change>,
    typed: Typed,
}
