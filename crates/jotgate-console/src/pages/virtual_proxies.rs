//! The virtual proxies.

mod edit;
mod explained;
mod fields;
mod guided;
mod keys;
mod links;
mod mashup;
mod overview;
mod removal;
mod selected;
mod shown;
mod typed;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use http::StatusCode;
use jotgate_model::entity::VirtualProxyConfig;
use uuid::Uuid;

use crate::frame::Stop;
use crate::visit::Visit;
use crate::{Console, pages};

pub(super) use edit::{draft_of, filled_in};

/// The path of the overview, which the navigation marks on each of these pages.
const HERE: &str = "/virtual-proxies";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, get(overview::show))
        .route(guided::START, get(guided::ask).post(guided::create))
        .route("/start/{id}", get(guided::portal))
        .route(
            "/virtual-proxies/new",
            get(edit::create).post(edit::save_new),
        )
        .route("/virtual-proxies/selected", post(selected::change))
        .route("/virtual-proxies/{id}", get(edit::edit).post(edit::save))
        .route(
            "/virtual-proxies/{id}/keys",
            get(keys::show).post(keys::change),
        )
        .route(
            "/virtual-proxies/{id}/proxies",
            get(links::show).post(links::change),
        )
        .route(
            "/virtual-proxies/{id}/delete",
            get(removal::ask).post(removal::delete),
        )
}

/// The virtual proxy that an address names, or the page that says that there is none.
fn find(visit: &Visit, id: &str) -> Result<Arc<VirtualProxyConfig>, Stop> {
    let snapshot = visit.snapshot();
    let id = id.parse::<Uuid>().ok();
    let found = id.and_then(|id| snapshot.documents.virtual_proxies.get(&id).cloned());
    found.ok_or_else(|| {
        let sentence = "Somebody may have deleted it. The overview shows those that exist.";
        let status = StatusCode::NOT_FOUND;
        pages::trouble(visit, status, "There is no such virtual proxy", sentence).into()
    })
}

/// What the edit page calls a field.
pub(super) fn label_of(name: &str) -> Option<&'static str> {
    let mut all = fields::all();
    all.find(|field| field.name == name)
        .map(|field| field.label)
}

/// The address of a page of one virtual proxy, below `/qmc`.
fn path_of(id: Uuid, tab: &str) -> String {
    format!("{HERE}/{id}{tab}")
}

#[cfg(test)]
mod tests;
