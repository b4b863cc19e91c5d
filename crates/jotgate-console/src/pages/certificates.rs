//! Certificates and keys: what tokens are checked with, everywhere, how published key sets are, and the
//! certificates of the gateway itself.

mod keys;
mod sources;
mod tls;

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use jotgate_model::{Snapshot, UnixTime, Uuid};

use crate::Console;
use crate::frame::{Frame, page};
use crate::paging::{Pages, with_query};
use crate::visit::Visit;

use keys::{Key, keys};
use sources::{Source, sources};
use tls::{Certificate, certificates};

/// The path, which the navigation marks.
const HERE: &str = "/certificates";

pub(super) fn routes() -> Router<Console> {
    Router::new().route(HERE, get(show))
}

async fn show(visit: Visit) -> Response {
    let snapshot = visit.snapshot();
    let now = UnixTime(visit.now().as_millis().div_euclid(1000));
    let states = visit.management().key_sources();
    let filter = visit.parameter("filter");
    let mut found = keys(&states, &snapshot);
    let all = found.len();
    let wanted = filter.trim().to_lowercase();
    found.retain(|key| key.has(&wanted));
    let list = with_query(visit.address(HERE), &[("filter", &filter)]);
    let pages = Pages::new(found.len(), &visit.parameter("page"), list);
    let rows = pages.cut(found).into_iter();
    let certificates = Certificates {
        frame: visit.frame("Certificates and keys", HERE),
        keys: rows
            .map(|key| key.described(&snapshot, visit.management(), now))
            .collect(),
        filter,
        all,
        pages,
        sources: sources(&states, &snapshot),
        certificates: certificates(visit.management().tls_certificates(visit.actor()), now),
    };
    page(StatusCode::OK, &certificates)
}

#[derive(Template)]
#[template(path = "certificates/certificates.html")]
struct Certificates {
    frame: Frame,
    filter: String,
    all: usize,
    pages: Pages,
    keys: Vec<Key>,
    sources: Vec<Source>,
    /// Those of the gateway itself.
    certificates: Vec<Certificate>,
}

/// Virtual proxies: id and description, in the order of their descriptions.
fn places(ids: &[Uuid], snapshot: &Snapshot) -> Vec<(Uuid, String)> {
    let named: HashMap<Uuid, String> = ids
        .iter()
        .filter_map(|id| Some((*id, snapshot.virtual_proxy(*id)?.description.to_string())))
        .collect();
    let mut named: Vec<_> = named.into_iter().collect();
    named.sort_by_cached_key(|(id, description)| (description.to_lowercase(), *id));
    named
}

#[cfg(test)]
mod tests;
