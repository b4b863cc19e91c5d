//! One session, and its end.

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::Session;
use jotgate_model::VirtualProxy;

use super::{HERE, asker};
use crate::dates::minute_of;
use crate::form::Posted;
use crate::frame::{Done, Frame, Stop, page};
use crate::pages;
use crate::paging::with_query;
use crate::visit::Visit;

pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Result<Response, Stop> {
    let snapshot = visit.snapshot();
    let (management, now) = (visit.management(), visit.now());
    let mut all = snapshot.virtual_proxies();
    let found = all.find_map(|vp| Some((vp, management.session_at(vp, &id, now)?)));
    let Some((vp, session)) = found else {
        let sentence =
            "It has ended, or nobody has used it for too long. The list shows those that go on.";
        let title = "There is no such session";
        return Err(pages::trouble(&visit, StatusCode::NOT_FOUND, title, sentence).into());
    };
    Ok(page(StatusCode::OK, &one(&visit, vp, &session)))
}

pub(super) async fn end(
    Path(id): Path<String>,
    Posted { visit, .. }: Posted,
) -> Result<Response, Stop> {
    let (management, asker) = (visit.management(), asker(&visit));
    let ended = management.end_readable_session(&asker, &id, visit.now());
    ended.await.map_err(|error| visit.problem(&error))?;
    Ok(visit.done(HERE, Done::Ended))
}

#[derive(Template)]
#[template(path = "sessions/one.html")]
struct One {
    frame: Frame,
    id: String,
    user: String,
    is_own: bool,
    place: String,
    prefix: String,
    since: String,
    last_use: String,
    /// When it ends whatever the user does.
    expires: Option<String>,
    /// How many are open.
    sockets: usize,
    address: String,
    user_agent: String,
    attributes: Vec<(String, String)>,
    /// How many sessions the user has at all virtual proxies, and where all of them are ended.
    of_user: usize,
    end_all: String,
}

fn one(visit: &Visit, vp: &VirtualProxy, session: &Arc<Session>) -> One {
    let (snapshot, user) = (visit.snapshot(), session.user());
    let of_user = snapshot.virtual_proxies().map(|vp| {
        let sessions = visit.management().sessions_of_user(vp, &user, visit.now());
        sessions.len()
    });
    let attributes = session.attributes();
    One {
        frame: visit.frame(&format!("Session of {user}"), HERE),
        id: session.public_id().to_owned(),
        user: user.to_string(),
        is_own: session.public_id() == visit.session(),
        place: vp.description.to_string(),
        prefix: format!("/{}", vp.prefix.as_str()),
        since: minute_of(session.created()),
        last_use: minute_of(session.last_activity()),
        expires: session.expires().map(minute_of),
        sockets: visit.management().open_sockets(session),
        address: session.client_address().to_owned(),
        user_agent: session.user_agent().to_owned(),
        attributes: attributes
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect(),
        of_user: of_user.sum(),
        end_all: with_query(
            visit.address("/sessions/end"),
            &[("directory", &user.directory), ("id", &user.id)],
        ),
    }
}
