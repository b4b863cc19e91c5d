//! The list: filtered by user and virtual proxy, the one used last on top.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{Asker, ManageError, Management, Session, SessionChoice};
use jotgate_model::{Timestamp, Uuid};

use super::{HERE, asker};
use crate::agents::short;
use crate::assets::LIVE as LIVE_SCRIPT;
use crate::dates::minute_of;
use crate::frame::{Frame, Stop, page};
use crate::pages::places::{Place, places};
use crate::paging::{Pages, with_query};
use crate::visit::Visit;

/// Where the page asks for what has changed (`assets/live.js`).
pub(super) const LIVE: &str = "/live/sessions";

pub(super) async fn show(visit: Visit) -> Result<Response, Stop> {
    let asked = Asked::of(&visit);
    let places = places(&visit.snapshot());
    let list = List {
        frame: visit.frame("Sessions", HERE),
        live_script: &LIVE_SCRIPT.name,
        reload: with_query(visit.address(HERE), &asked.parameters()),
        here: places
            .iter()
            .find(|place| place.id.to_string() == asked.place)
            .map(|place| place.id),
        shown: Rows::of(&visit, &asked, &places).await?,
        user: asked.user,
        places,
    };
    Ok(page(StatusCode::OK, &list))
}

/// The rows again.
pub(super) async fn live(visit: Visit) -> Result<Response, Stop> {
    let places = places(&visit.snapshot());
    let shown = Rows::of(&visit, &Asked::of(&visit), &places).await?;
    Ok(page(StatusCode::OK, &Live { shown }))
}

/// What is asked of the list, as the address has it.
#[derive(Clone)]
struct Asked {
    user: String,
    place: String,
}

impl Asked {
    fn of(visit: &Visit) -> Self {
        Self {
            user: visit.parameter("user"),
            place: visit.parameter("virtual-proxy"),
        }
    }

    fn parameters(&self) -> [(&'static str, &str); 2] {
        [("user", &self.user), ("virtual-proxy", &self.place)]
    }
}

#[derive(Template)]
#[template(path = "sessions/list.html")]
struct List {
    frame: Frame,
    live_script: &'static str,
    /// The address of this list as it is now.
    reload: String,
    user: String,
    /// The virtual proxy whose sessions are shown; nothing for all.
    here: Option<Uuid>,
    places: Vec<Place>,
    shown: Rows,
}

/// The rows alone, for a page that has the rest.
#[derive(Template)]
#[template(path = "sessions/rows.html")]
struct Live {
    shown: Rows,
}

/// What of the page changes while somebody looks.
struct Rows {
    base: String,
    /// Where the rows of later are asked for; empty on all pages but the first, which stay as they are.
    live: String,
    /// How many there are without the filter by user.
    all: usize,
    pages: Pages,
    rows: Vec<Row>,
}

impl Rows {
    async fn of(visit: &Visit, asked: &Asked, places: &[Place]) -> Result<Self, Stop> {
        let (management, asker, now) = (visit.management().clone(), asker(visit), visit.now());
        let (wanted, page) = (asked.clone(), visit.parameter("page"));
        let list = with_query(visit.address(HERE), &asked.parameters());
        // With a million sessions this takes a second, which other requests do not wait for.
        let found = tokio::task::spawn_blocking(move || {
            let (all, found) = find(&management, &asker, &wanted, now)?;
            let pages = Pages::new(found.len(), &page, list);
            let shown = pages.cut(found).into_iter();
            let shown: Vec<_> = shown
                .map(|session| (management.open_sockets(&session), session))
                .collect();
            Ok::<_, ManageError>((all, pages, shown))
        });
        // The log has the panic.
        let ended = |_| ManageError::Unavailable("the sessions could not be read".to_owned());
        let found = found.await.map_err(ended).and_then(|found| found);
        let (all, pages, shown) = found.map_err(|error| visit.problem(&error))?;
        let live = with_query(visit.address(LIVE), &asked.parameters());
        Ok(Self {
            base: visit.address(""),
            live: if pages.page == 1 { live } else { String::new() },
            all,
            rows: rows(shown, places, visit.session()),
            pages,
        })
    }
}

/// How many sessions there are, and those that the filter lets through, the one used last first.
fn find(
    management: &Management,
    asker: &Asker,
    asked: &Asked,
    now: Timestamp,
) -> Result<(usize, Vec<Arc<Session>>), ManageError> {
    let choice = SessionChoice {
        virtual_proxy: (!asked.place.is_empty()).then(|| asked.place.clone()),
        user: None,
    };
    let mut found = management.readable_sessions(asker, &choice, now)?;
    let all = found.len();
    let wanted = asked.user.trim().to_lowercase();
    if !wanted.is_empty() {
        found.retain(|one| one.user().to_string().to_lowercase().contains(&wanted));
    }
    // Once for each: they are used while they are sorted.
    found.sort_by_cached_key(|session| Reverse(session.last_activity()));
    Ok((all, found))
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
    /// How many WebSockets are open.
    sockets: usize,
    address: String,
    /// What the client says of itself, and in short.
    user_agent: String,
    agent: String,
}

fn rows(sessions: Vec<(usize, Arc<Session>)>, places: &[Place], own: &str) -> Vec<Row> {
    let places: HashMap<Uuid, &Place> = places.iter().map(|place| (place.id, place)).collect();
    let row = |(sockets, session): (usize, Arc<Session>)| {
        let place = places.get(&session.virtual_proxy());
        Row {
            id: session.public_id().to_owned(),
            user: session.user().to_string(),
            is_own: session.public_id() == own,
            prefix: place.map_or_else(String::new, |place| place.prefix.clone()),
            description: place.map_or_else(String::new, |place| place.description.clone()),
            since: minute_of(session.created()),
            last_use: minute_of(session.last_activity()),
            sockets,
            address: session.client_address().to_owned(),
            user_agent: session.user_agent().to_owned(),
            agent: short(session.user_agent()),
        }
    };
    sessions.into_iter().map(row).collect()
}
