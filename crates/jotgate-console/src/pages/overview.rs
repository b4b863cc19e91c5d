//! The overview: how it goes, as answers to the questions that somebody has who looks at a gateway.

mod health;
mod keys;
mod traffic;

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use jotgate_model::UnixTime;

use crate::Console;
use crate::chart::grouped;
use crate::frame::{Frame, Stop, page};
use crate::visit::Visit;

use health::{Health, health};
use keys::{Warning, warnings};
use traffic::{Traffic, traffic};

/// The path, which the navigation marks.
const HERE: &str = "/";

/// How many virtual proxies are named with their sessions.
const NAMED: usize = 5;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/", get(show))
}

async fn show(visit: Visit) -> Result<Response, Stop> {
    let now = UnixTime(visit.now().as_millis().div_euclid(1000));
    let (management, snapshot) = (visit.management(), visit.snapshot());
    let hour = management.last_hour(now);
    let hour = hour.map_err(|error| visit.problem(&error))?;
    let open = management.open_now();
    let open = open.map_err(|error| visit.problem(&error))?;
    let backends = management.backends();
    let backends = backends.map_err(|error| visit.problem(&error))?;
    let counts = management.session_counts(visit.now());
    let all: usize = counts.iter().map(|(_, count)| count).sum();
    let places = counts.iter().take(NAMED).map(|(vp, count)| Place {
        id: vp.id.to_string(),
        description: vp.description.to_string(),
        prefix: format!("/{}", vp.prefix),
        sessions: counted(*count),
    });
    let overview = Overview {
        frame: visit.frame("Overview", HERE),
        traffic: traffic(&hour),
        sessions: counted(all),
        connections: grouped(open.connections),
        websockets: grouped(open.websockets),
        places: places.collect(),
        more_places: counts.len().saturating_sub(NAMED),
        health: health(&backends),
        warnings: warnings(
            &management.key_sources(),
            &management.tls_certificates(visit.actor()),
            &snapshot,
            now,
        ),
        is_new: snapshot.virtual_proxies().count() == 1,
    };
    Ok(page(StatusCode::OK, &overview))
}

fn counted(number: usize) -> String {
    grouped(u64::try_from(number).unwrap_or(u64::MAX))
}

#[derive(Template)]
#[template(path = "overview/overview.html")]
struct Overview {
    frame: Frame,
    traffic: Option<Traffic>,
    sessions: String,
    connections: String,
    websockets: String,
    places: Vec<Place>,
    more_places: usize,
    health: Health,
    warnings: Vec<Warning>,
    /// Whether there is nothing but the default virtual proxy.
    is_new: bool,
}

/// A virtual proxy, and how many sessions it has.
struct Place {
    id: String,
    description: String,
    prefix: String,
    sessions: String,
}

#[cfg(test)]
mod tests;
