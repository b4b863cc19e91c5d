//! The list, with how each node is now.

use std::collections::HashMap;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jotgate_model::Uuid;

use super::HERE;
use crate::frame::{Frame, page};
use crate::paging::{Pages, with_query};
use crate::visit::Visit;

pub(super) async fn show(visit: Visit) -> Response {
    let snapshot = visit.snapshot();
    let documents = &snapshot.documents;
    let filter = visit.parameter("filter");
    let wanted = filter.trim().to_lowercase();
    let mut found: Vec<_> = documents.nodes.values().collect();
    let all = found.len();
    found.retain(|node| {
        let texts = [&node.name, &node.host_name];
        texts
            .into_iter()
            .any(|text| text.to_lowercase().contains(&wanted))
    });
    found.sort_by_cached_key(|node| node.name.to_lowercase());
    let address = with_query(visit.address(HERE), &[("filter", &filter)]);
    let pages = Pages::new(found.len(), &visit.parameter("page"), address);
    let states = states(&visit);
    let mut users: HashMap<Uuid, usize> = HashMap::new();
    for vp in documents.virtual_proxies.values() {
        for node in &vp.load_balancing_server_nodes {
            *users.entry(*node).or_default() += 1;
        }
    }
    let rows = pages.cut(found).into_iter().map(|node| {
        let (up, services) = states.get(&node.metadata.id).copied().unwrap_or((0, 0));
        Row {
            id: node.metadata.id,
            name: node.name.clone(),
            host_name: node.host_name.clone(),
            is_central: node.is_central,
            is_draining: node.draining,
            up,
            services,
            used_by: users.get(&node.metadata.id).copied().unwrap_or(0),
        }
    });
    let list = List {
        frame: visit.frame("Nodes", HERE),
        rows: rows.collect(),
        filter,
        all,
        pages,
    };
    page(StatusCode::OK, &list)
}

/// How many services of each node are up, and how many there are. Nothing where no requests are served.
fn states(visit: &Visit) -> HashMap<Uuid, (usize, usize)> {
    let mut states: HashMap<Uuid, (usize, usize)> = HashMap::new();
    for status in visit.management().backends().unwrap_or_default() {
        let (up, all) = states.entry(status.node).or_default();
        *up += usize::from(status.state == "up");
        *all += 1;
    }
    states
}

#[derive(Template)]
#[template(path = "nodes/list.html")]
struct List {
    frame: Frame,
    filter: String,
    all: usize,
    pages: Pages,
    rows: Vec<Row>,
}

/// A node in the list.
struct Row {
    id: Uuid,
    name: String,
    host_name: String,
    is_central: bool,
    is_draining: bool,
    up: usize,
    services: usize,
    used_by: usize,
}
