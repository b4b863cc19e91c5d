//! The list: filtered by virtual proxy, user, outcome and reason, the newest on top.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use jotgate_manage::{FeedFilter, FeedOutcome, MAX_RECENT, RecentRequest};
use jotgate_model::{Reason, Uuid};

use super::{HERE, millis, prefix_of, time_of, user_of};
use crate::assets::LIVE as LIVE_SCRIPT;
use crate::frame::{Frame, Stop, page};
use crate::pages::places::{Place, places};
use crate::paging::{Pages, with_query};
use crate::visit::Visit;

/// Where the page asks for what has changed (`assets/live.js`).
pub(super) const LIVE: &str = "/live/requests";

pub(super) async fn show(visit: Visit) -> Result<Response, Stop> {
    let reference = visit.parameter("reference").trim().to_owned();
    if !reference.is_empty() {
        let path: String = form_urlencoded::byte_serialize(reference.as_bytes()).collect();
        // In a path a plus is no space.
        let path = path.replace('+', "%20");
        return Ok(Redirect::to(&visit.address(&format!("{HERE}/{path}"))).into_response());
    }
    let asked = Asked::of(&visit);
    let Some(shown) = Rows::of(&visit, &asked)? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let list = List {
        frame: visit.frame("Live requests", HERE),
        live_script: &LIVE_SCRIPT.name,
        reload: with_query(visit.address(HERE), &asked.parameters()),
        places: places(&visit.snapshot()),
        asked,
        shown,
    };
    Ok(page(StatusCode::OK, &list))
}

/// The rows again, when there was any request since; else no content.
pub(super) async fn live(visit: Visit) -> Result<Response, Stop> {
    let rows = Rows::of(&visit, &Asked::of(&visit))?;
    let nothing_new = || StatusCode::NO_CONTENT.into_response();
    Ok(rows.map_or_else(nothing_new, |shown| page(StatusCode::OK, &Live { shown })))
}

/// What is asked of the list, as the address has it.
struct Asked {
    place: String,
    user: String,
    outcome: String,
    reason: String,
    /// `shown`: also the pages of the console.
    console: String,
}

impl Asked {
    fn of(visit: &Visit) -> Self {
        Self {
            place: visit.parameter("virtual-proxy"),
            user: visit.parameter("user").trim().to_owned(),
            outcome: visit.parameter("outcome"),
            reason: visit.parameter("reason"),
            console: visit.parameter("console"),
        }
    }

    /// What of it the feed can look for. It knows users by their whole names, so that one is found
    /// among all requests that it keeps.
    fn filter(&self) -> FeedFilter {
        let user = self.user.split_once('\\');
        FeedFilter {
            virtual_proxy: self.place.parse::<Uuid>().ok(),
            user: user.map(|(directory, id)| (directory.to_owned(), id.to_owned())),
            outcome: match &*self.outcome {
                "served" => Some(FeedOutcome::Served),
                "refused" => Some(FeedOutcome::Refused),
                _ => None,
            },
            reason: Reason::ALL.iter().copied().find(|r| r.id() == self.reason),
            without_console: self.console != "shown",
            ..FeedFilter::default()
        }
    }

    fn parameters(&self) -> [(&'static str, &str); 5] {
        [
            ("virtual-proxy", &self.place),
            ("user", &self.user),
            ("outcome", &self.outcome),
            ("reason", &self.reason),
            ("console", &self.console),
        ]
    }
}

#[derive(Template)]
#[template(path = "requests/list.html")]
struct List {
    frame: Frame,
    live_script: &'static str,
    /// The address of this list as it is now.
    reload: String,
    places: Vec<Place>,
    asked: Asked,
    shown: Rows,
}

/// The rows alone, for a page that has the rest.
#[derive(Template)]
#[template(path = "requests/rows.html")]
struct Live {
    shown: Rows,
}

/// What of the page changes while somebody looks.
struct Rows {
    base: String,
    /// Where the rows of later are asked for; empty on all pages but the first, which stay as they are.
    live: String,
    pages: Pages,
    rows: Vec<Row>,
}

impl Rows {
    /// What there is now; nothing when nothing has come since the request that the address names.
    fn of(visit: &Visit, asked: &Asked) -> Result<Option<Self>, Stop> {
        let found = visit
            .management()
            .recent_requests(&asked.filter(), MAX_RECENT);
        let found = found.map_err(|error| visit.problem(&error))?;
        let last = found.last.to_string();
        if visit.parameter("after") == last {
            return Ok(None);
        }
        let mut found = found.requests;
        found.reverse();
        let wanted = asked.user.to_lowercase();
        found.retain(|request| user_of(request).to_lowercase().contains(&wanted));
        let pages = Pages::new(
            found.len(),
            &visit.parameter("page"),
            with_query(visit.address(HERE), &asked.parameters()),
        );
        let mut parameters = asked.parameters().to_vec();
        parameters.push(("after", &last));
        let live = with_query(visit.address(LIVE), &parameters);
        Ok(Some(Self {
            base: visit.address(""),
            live: if pages.page == 1 { live } else { String::new() },
            rows: pages.cut(&found).into_iter().map(Row::of).collect(),
            pages,
        }))
    }
}

impl List {
    fn reasons(&self) -> &'static [Reason] {
        Reason::ALL
    }

    fn is_here(&self, place: &Place) -> bool {
        self.asked.place == place.id.to_string()
    }
}

/// A request in the list.
struct Row {
    reference: String,
    time: String,
    method: String,
    path: String,
    prefix: String,
    user: String,
    status: u16,
    reason: Option<&'static str>,
    total: String,
}

impl Row {
    fn of(request: &RecentRequest) -> Self {
        Self {
            reference: request.reference.to_string(),
            time: time_of(request),
            method: request.method.to_string(),
            path: request.path.to_string(),
            prefix: prefix_of(request),
            user: user_of(request),
            status: request.status,
            reason: request.reason.map(Reason::id),
            total: millis(request.total),
        }
    }
}
