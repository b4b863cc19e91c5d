//! What a change would do, before it is made; the configuration as one file.
//!
//! A change comes as a posted form, from the page that it was made on or from this one, and is judged by
//! the use cases each time anew. What was previewed is the revision that it is applied to.

mod effects;
mod file;
mod keys;
mod proposal;

use askama::Template;
use axum::Router;
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use jotgate_manage::{Application, Applied, ManageError, Preview, Probe, USUAL_PROBE_TIME};

use super::history::Change;
use crate::Console;
use crate::form::{Fields, Posted};
use crate::frame::{Done, Frame, Stop, page};
use crate::paging::PER_PAGE;
use crate::visit::Visit;
use effects::Effects;
pub(super) use proposal::{Origin, Proposal};

/// The path of the page with the file, which the navigation marks on each of these pages.
const HERE: &str = "/configuration";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, get(file::ask))
        .route("/configuration/jotgate.toml", get(file::download))
        .route("/changes", post(answer).get(back))
}

/// To where most changes come from. Whoever had to sign in again is sent to the address of a form, which nothing
/// is posted to then.
async fn back(visit: Visit) -> Redirect {
    Redirect::to(&visit.address("/virtual-proxies"))
}

async fn answer(Posted { visit, fields }: Posted) -> Result<Response, Stop> {
    let proposal = match Proposal::read(&fields) {
        Ok(proposal) => proposal,
        Err(problem) => return Ok(file::show(&visit, fields.text("file"), vec![problem])),
    };
    let wanted = Wanted::read(&fields);
    if fields.text("do") == "apply" {
        apply(&visit, proposal, wanted).await
    } else {
        show(&visit, proposal, wanted, Vec::new(), StatusCode::OK).await
    }
}

/// How a change is to be applied, as somebody has typed it.
#[derive(Default)]
struct Wanted {
    note: String,
    end_sessions: bool,
    probe_path: String,
    probe_token: String,
    probe_expect: String,
}

impl Wanted {
    fn read(fields: &Fields) -> Self {
        let text = |name| fields.text(name).trim().to_owned();
        Self {
            note: text("note"),
            end_sessions: !fields.text("end-sessions").is_empty(),
            probe_path: text("probe-path"),
            probe_token: jotgate_manage::pasted(fields.text("probe-token")).token,
            probe_expect: text("probe-expect"),
        }
    }

    /// Nothing is probed without a path.
    fn application(&self) -> Application {
        let token = Some(self.probe_token.clone()).filter(|token| !token.is_empty());
        let probe = (!self.probe_path.is_empty()).then(|| Probe {
            path: self.probe_path.clone(),
            token,
            // What cannot be read is no status, which the use case says.
            expect: self.probe_expect.parse().unwrap_or_default(),
            limit: USUAL_PROBE_TIME,
            keep: 0,
        });
        Application {
            note: self.note.clone(),
            end_sessions: self.end_sessions,
            probe,
        }
    }
}

/// Shows what a change would do.
pub(super) async fn preview(visit: &Visit, proposal: Proposal) -> Result<Response, Stop> {
    let wanted = Wanted::default();
    show(visit, proposal, wanted, Vec::new(), StatusCode::OK).await
}

async fn apply(visit: &Visit, proposal: Proposal, wanted: Wanted) -> Result<Response, Stop> {
    let management = visit.management();
    let (draft, application) = (proposal.draft(), wanted.application());
    let what = match proposal.restores() {
        Some(_) => Done::Restored,
        None => Done::Applied,
    };
    let applied = management.apply_draft(visit.actor(), draft, application, visit.now());
    let (error, again) = match applied.await {
        Ok(applied) => return Ok(done(visit, &applied, what)),
        // What others have changed is in the difference that is shown now.
        Err(error @ ManageError::Outdated { .. }) => (error, proposal.rebased()),
        Err(error @ (ManageError::Invalid(_) | ManageError::ProbeFailed(_))) => (error, proposal),
        Err(error) => return Err(visit.problem(&error).into()),
    };
    let (status, problems) = match error {
        ManageError::Invalid(errors) => (StatusCode::BAD_REQUEST, told(&errors)),
        error @ ManageError::ProbeFailed(_) => {
            (StatusCode::UNPROCESSABLE_ENTITY, vec![error.to_string()])
        }
        error => (StatusCode::CONFLICT, vec![error.to_string()]),
    };
    show(visit, again, wanted, problems, status).await
}

/// To what it has made of the configuration.
fn done(visit: &Visit, applied: &Applied, what: Done) -> Response {
    let comparison = &applied.comparison;
    let path = if comparison.before == comparison.after {
        "/history".to_owned()
    } else {
        format!("/history/{}", comparison.after)
    };
    visit.done(&path, what)
}

fn told(errors: &jotgate_model::FieldErrors) -> Vec<String> {
    errors.0.iter().map(ToString::to_string).collect()
}

async fn show(
    visit: &Visit,
    proposal: Proposal,
    wanted: Wanted,
    mut problems: Vec<String>,
    status: StatusCode,
) -> Result<Response, Stop> {
    let management = visit.management();
    // Applying is for what was looked at.
    let proposal = proposal.based_on(visit.snapshot().revision);
    let draft = proposal.draft();
    let found = management.preview_draft(
        visit.actor(),
        &draft,
        wanted.end_sessions,
        PER_PAGE,
        visit.now(),
    );
    let found = match found.await {
        Ok(found) => Some(found),
        Err(ManageError::Invalid(errors)) => {
            let new: Vec<_> = told(&errors);
            problems.extend(
                new.into_iter()
                    .filter(|problem| !problems.contains(problem))
                    .collect::<Vec<_>>(),
            );
            None
        }
        Err(error @ ManageError::Outdated { .. }) => {
            problems.push(error.to_string());
            None
        }
        Err(error) => return Err(visit.problem(&error).into()),
    };
    if let (None, Some(text)) = (&found, proposal.file()) {
        return Ok(file::show(visit, text, problems));
    }
    let status = match (status, &found) {
        (StatusCode::OK, None) => StatusCode::BAD_REQUEST,
        (status, _) => status,
    };
    let shown = Shown::new(visit, proposal, wanted, problems, found);
    Ok(page(status, &shown))
}

#[derive(Template)]
#[template(path = "changes/preview.html")]
struct Shown {
    frame: Frame,
    problems: Vec<String>,
    hidden: Vec<(&'static str, String)>,
    origin: Option<Origin>,
    /// The revision that would hold again.
    restores: Option<u64>,
    wanted: Wanted,
    before: u64,
    after: u64,
    /// Nothing when it cannot be previewed.
    changes: Option<Vec<Change>>,
    /// How many more documents differ than are shown.
    more: usize,
    effects: Effects,
}

impl Shown {
    fn new(
        visit: &Visit,
        proposal: Proposal,
        mut wanted: Wanted,
        problems: Vec<String>,
        found: Option<Preview>,
    ) -> Self {
        if wanted.probe_expect.is_empty() {
            wanted.probe_expect = "200".to_owned();
        }
        let effects = found.as_ref().map(Effects::of).unwrap_or_default();
        let comparison = found.map(|found| found.comparison);
        let snapshot = visit.snapshot();
        let names = &snapshot.documents;
        Self {
            frame: match proposal.restores() {
                Some(number) => visit.frame(&format!("Restore revision {number}"), "/history"),
                None => visit.frame("What it would do", HERE),
            },
            restores: proposal.restores(),
            problems,
            hidden: proposal.hidden(),
            before: comparison.as_ref().map_or(0, |found| found.before),
            after: comparison.as_ref().map_or(0, |found| found.after),
            more: comparison
                .as_ref()
                .map_or(0, |found| found.documents.len().saturating_sub(PER_PAGE)),
            changes: comparison.map(|found| {
                let shown = found.documents.into_iter().take(PER_PAGE);
                shown.map(|one| Change::of(one, names)).collect()
            }),
            origin: proposal.origin,
            wanted,
            effects,
        }
    }
}

#[cfg(test)]
mod tests;
