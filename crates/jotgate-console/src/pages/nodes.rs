//! The nodes: what requests are forwarded to, how it is now, and how it is set up.

mod edit;
mod list;
mod removal;
mod typed;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use jotgate_model::entity::ServerNodeConfiguration;
use jotgate_model::{Documents, Uuid};

use crate::frame::Stop;
use crate::visit::Visit;
use crate::{Console, pages};

/// The path of the list, which the navigation marks on each of these pages.
const HERE: &str = "/nodes";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, get(list::show))
        .route("/nodes/new", get(edit::create).post(edit::save_new))
        .route("/nodes/{id}", get(edit::edit).post(edit::save))
        .route(
            "/nodes/{id}/delete",
            get(removal::ask).post(removal::delete),
        )
}

/// The node that an address names, or the page that says that there is none.
fn find(visit: &Visit, id: &str) -> Result<Arc<ServerNodeConfiguration>, Stop> {
    let snapshot = visit.snapshot();
    let id = id.parse::<Uuid>().ok();
    let found = id.and_then(|id| snapshot.documents.nodes.get(&id).cloned());
    found.ok_or_else(|| {
        let sentence = "Somebody may have deleted it. The list shows those that exist.";
        let status = StatusCode::NOT_FOUND;
        pages::trouble(visit, status, "There is no such node", sentence).into()
    })
}

/// The virtual proxies that forward to a node: id and description, in their order.
fn used_by(documents: &Documents, node: Uuid) -> Vec<(Uuid, String)> {
    let all = documents.virtual_proxies.values();
    let using = all.filter(|vp| vp.load_balancing_server_nodes.contains(&node));
    let mut using: Vec<_> = using
        .map(|vp| (vp.metadata.id, vp.description.clone()))
        .collect();
    using.sort_by_cached_key(|(_, description)| description.to_lowercase());
    using
}

#[cfg(test)]
mod tests;
