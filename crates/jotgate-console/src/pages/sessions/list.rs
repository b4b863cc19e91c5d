//! The list: filtered by user and virtual proxy, the one used last on top.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{Session, SessionChoice};
use jotgate_model::Uuid;

use super::{HERE, asker};
use crate::dates::minute_of;
use crate::frame::{Frame, Stop, page};
use crate::pages::places::{Place, places};
use crate::paging::{Pages, with_query};
use crate::visit::Visit;

pub(super) async fn show(visit: Visit) -> Result<Response, Stop> {
    let (user, at) = (visit.parameter("user"), visit.parameter("virtual-proxy"));
    let choice = SessionChoice {
        virtual_proxy: (!at.is_empty()).then(|| at.clone()),
        user: None,
    };
    let found = visit
        .management()
        .readable_sessions(&asker(&visit), &choice, visit.now());
    let mut found = found.map_err(|error| visit.problem(&error))?;
    let all = found.len();
    let wanted = user.trim().to_lowercase();
    if !wanted.is_empty() {
        found.retain(|one| one.user().to_string().to_lowercase().contains(&wanted));
    }
    found.sort_by_key(|session| Reverse(session.last_activity()));
    let list = with_query(
        visit.address(HERE),
        &[("user", &user), ("virtual-proxy", &at)],
    );
    let pages = Pages::new(found.len(), &visit.parameter("page"), list);
    let places = places(&visit.snapshot());
    let rows = rows(pages.cut(found), &places, visit.session());
    let list = List {
        frame: visit.frame("Sessions", HERE),
        here: places
            .iter()
            .find(|place| place.id.to_string() == at)
            .map(|place| place.id),
        user,
        places,
        all,
        pages,
        rows,
    };
    Ok(page(StatusCode::OK, &list))
}

#[derive(Template)]
#[template(path = "sessions/list.html")]
struct List {
    frame: Frame,
    user: String,
    /// The virtual proxy whose sessions are shown; nothing for all.
    here: Option<Uuid>,
    places: Vec<Place>,
    /// How many there are without the filter by user.
    all: usize,
    pages: Pages,
    rows: Vec<Row>,
}

impl List {
    fn is_here(&self, place: &Place) -> bool {
        self.here == Some(place.id)
    }
}

/// A session in the list.
struct Row {
    id: String,
    user: String,
    is_own: bool,
    prefix: String,
    description: String,
    since: String,
    last_use: String,
    address: String,
    user_agent: String,
}

fn rows(sessions: Vec<Arc<Session>>, places: &[Place], own: &str) -> Vec<Row> {
    let places: HashMap<Uuid, &Place> = places.iter().map(|place| (place.id, place)).collect();
    let row = |session: Arc<Session>| {
        let place = places.get(&session.virtual_proxy());
        Row {
            id: session.public_id().to_owned(),
            user: session.user().to_string(),
            is_own: session.public_id() == own,
            prefix: place.map_or_else(String::new, |place| place.prefix.clone()),
            description: place.map_or_else(String::new, |place| place.description.clone()),
            since: minute_of(session.created()),
            last_use: minute_of(session.last_activity()),
            address: session.client_address().to_owned(),
            user_agent: session.user_agent().to_owned(),
        }
    };
    sessions.into_iter().map(row).collect()
}
