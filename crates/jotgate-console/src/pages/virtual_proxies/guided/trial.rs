//! The look at a backend before anything is saved.

use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{BackendTrial, ManageError};
use jotgate_model::entity::ServerNodeConfiguration;
use jotgate_model::{BackendOutcome, FieldErrors, Uuid};

use super::draft::{merge, new_node};
use super::{NODE, URI};
use crate::form::Fields;
use crate::frame::Stop;
use crate::visit::Visit;

/// What the button wants that tries the backend.
pub(super) const TRY: &str = "try";

/// How a backend answered.
pub(super) struct ShownTrial {
    pub(super) is_good: bool,
    pub(super) sentence: String,
}

/// The form again, with how the backend answers that is chosen or written in it.
pub(super) async fn show(visit: &Visit, typed: &Fields) -> Result<Response, Stop> {
    let mut errors = FieldErrors::default();
    let mut trials = Vec::new();
    match node(visit, typed) {
        None => errors.push(URI, "is empty; write where requests are forwarded to"),
        Some(node) => match visit.management().try_node(visit.actor(), node).await {
            Ok(tried) => trials = tried.tried.iter().map(shown).collect(),
            Err(ManageError::Invalid(found)) => merge(&mut errors, found),
            Err(other) => return Err(visit.problem(&other).into()),
        },
    }
    let status = match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::BAD_REQUEST,
    };
    Ok(super::show(visit, Some(typed), &errors, trials, status))
}

fn node(visit: &Visit, typed: &Fields) -> Option<ServerNodeConfiguration> {
    let snapshot = visit.snapshot();
    let chosen = typed.text(NODE).parse::<Uuid>().ok();
    let chosen = chosen.and_then(|id| snapshot.documents.nodes.get(&id));
    let uri = typed.text(URI).trim();
    match chosen {
        Some(node) => Some(ServerNodeConfiguration::clone(node)),
        None => (!uri.is_empty()).then(|| new_node(uri)),
    }
}

fn shown(trial: &BackendTrial) -> ShownTrial {
    let check = &trial.check;
    let millis = check.elapsed.as_millis();
    let remedy = check.outcome.remedy().unwrap_or_default();
    let sentence = format!(
        "{}: the backend {}, after {millis} ms. {remedy}",
        trial.address, check.detail
    );
    ShownTrial {
        is_good: check.outcome == BackendOutcome::Reachable,
        sentence: sentence.trim_end().to_owned(),
    }
}
