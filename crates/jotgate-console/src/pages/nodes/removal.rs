//! Deleting a node: first what would come of it, then the deed.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use jotgate_model::Uuid;

use super::{HERE, find, used_by};
use crate::form::Posted;
use crate::frame::{Done, Frame, Stop, page};
use crate::visit::Visit;

pub(super) async fn ask(visit: Visit, Path(id): Path<String>) -> Result<Response, Stop> {
    let node = find(&visit, &id)?;
    let snapshot = visit.snapshot();
    let id = node.metadata.id;
    let mut proxies = snapshot.documents.proxy_services.values();
    let removal = Removal {
        frame: visit.frame(&format!("Delete {}", node.name), HERE),
        id,
        name: node.name.clone(),
        is_central: node.is_central,
        has_proxy: proxies.any(|proxy| proxy.server_node_configuration == id),
        used_by: used_by(&snapshot.documents, id),
    };
    Ok(page(StatusCode::OK, &removal))
}

pub(super) async fn delete(
    Path(id): Path<String>,
    Posted { visit, .. }: Posted,
) -> Result<Response, Stop> {
    let node = find(&visit, &id)?;
    let management = visit.management();
    let deleted = management.delete_node(visit.actor(), node.metadata.id, visit.now());
    Ok(match deleted.await {
        Ok(()) => visit.done(HERE, Done::Deleted),
        Err(error) => visit.problem(&error),
    })
}

#[derive(Template)]
#[template(path = "nodes/removal.html")]
struct Removal {
    frame: Frame,
    id: Uuid,
    name: String,
    is_central: bool,
    has_proxy: bool,
    used_by: Vec<(Uuid, String)>,
}
