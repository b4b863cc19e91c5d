//! Ending all sessions of a user or of a virtual proxy: first how many there are, then the deed.

use std::collections::HashSet;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::SessionChoice;
use jotgate_model::User;

use super::{HERE, asker};
use crate::form::Posted;
use crate::frame::{Done, Frame, Stop, page};
use crate::pages;
use crate::visit::Visit;

/// The fields that choose the sessions, in the address and in the form.
const DIRECTORY: &str = "directory";
const ID: &str = "id";
const PLACE: &str = "virtual-proxy";

pub(super) async fn ask(visit: Visit) -> Result<Response, Stop> {
    let choice = choice(&visit, |name| visit.parameter(name))?;
    let found = visit
        .management()
        .readable_sessions(&asker(&visit), &choice, visit.now());
    let found = found.map_err(|error| visit.problem(&error))?;
    let users: HashSet<String> = found.iter().map(|one| one.user().to_string()).collect();
    let user = choice.user.as_ref();
    let place = choice.virtual_proxy.as_deref().map(|id| named(&visit, id));
    let whose = match (user, &place) {
        (Some(user), _) => user.to_string(),
        (None, Some(place)) => format!("\u{201c}{place}\u{201d}"),
        (None, None) => String::new(),
    };
    let ending = Ending {
        frame: visit.frame(&format!("End all sessions of {whose}"), HERE),
        directory: visit.parameter(DIRECTORY),
        id: visit.parameter(ID),
        place: visit.parameter(PLACE),
        of_user: user.is_some(),
        sessions: found.len(),
        users: users.len(),
        has_own: found.iter().any(|one| one.public_id() == visit.session()),
    };
    Ok(page(StatusCode::OK, &ending))
}

pub(super) async fn end(Posted { visit, fields }: Posted) -> Result<Response, Stop> {
    let choice = choice(&visit, |name| fields.text(name).to_owned())?;
    let (management, asker) = (visit.management(), asker(&visit));
    let ended = management.end_chosen_sessions(&asker, &choice, visit.now());
    ended.await.map_err(|error| visit.problem(&error))?;
    Ok(visit.done(HERE, Done::Ended))
}

/// Whose sessions are meant, or the page that says that nobody is named.
fn choice(visit: &Visit, said: impl Fn(&str) -> String) -> Result<SessionChoice, Stop> {
    let (directory, id, place) = (said(DIRECTORY), said(ID), said(PLACE));
    if id.is_empty() && place.is_empty() {
        let sentence = "The address names neither a user nor a virtual proxy.";
        let status = StatusCode::BAD_REQUEST;
        return Err(pages::trouble(visit, status, "Whose sessions?", sentence).into());
    }
    Ok(SessionChoice {
        virtual_proxy: (!place.is_empty()).then_some(place),
        user: (!id.is_empty()).then(|| User::new(directory, id)),
    })
}

/// The description of a virtual proxy.
fn named(visit: &Visit, id: &str) -> String {
    let snapshot = visit.snapshot();
    let id = id.parse().ok();
    let vp = id.and_then(|id| snapshot.virtual_proxy(id));
    vp.map_or_else(String::new, |vp| vp.description.to_string())
}

#[derive(Template)]
#[template(path = "sessions/ending.html")]
struct Ending {
    frame: Frame,
    directory: String,
    id: String,
    place: String,
    of_user: bool,
    sessions: usize,
    users: usize,
    /// Whether the visitor's own session is among them.
    has_own: bool,
}
