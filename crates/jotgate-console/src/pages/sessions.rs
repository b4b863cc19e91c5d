//! The sessions: who is in, and how somebody is put out.

mod ending;
mod list;
mod one;

use axum::Router;
use axum::routing::{get, post};
use jotgate_manage::Asker;
use jotgate_model::{Snapshot, Uuid};

use crate::Console;
use crate::visit::Visit;

/// The path of the list, which the navigation marks on each of these pages.
const HERE: &str = "/sessions";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, get(list::show))
        .route("/sessions/end", get(ending::ask).post(ending::end))
        .route("/sessions/{id}", get(one::show))
        .route("/sessions/{id}/end", post(one::end))
}

fn asker(visit: &Visit) -> Asker {
    Asker::Administrator(visit.actor().clone())
}

/// A virtual proxy as these pages name it.
struct Place {
    id: Uuid,
    description: String,
    prefix: String,
}

/// Every virtual proxy, in the order of their descriptions.
fn places(snapshot: &Snapshot) -> Vec<Place> {
    let all = snapshot.virtual_proxies();
    let mut all: Vec<_> = all
        .map(|vp| Place {
            id: vp.id,
            description: vp.description.to_string(),
            prefix: format!("/{}", vp.prefix.as_str()),
        })
        .collect();
    all.sort_by_cached_key(|place| place.description.to_lowercase());
    all
}

#[cfg(test)]
mod tests;
