//! The sessions: who is in, and how somebody is put out.

mod ending;
mod list;
mod one;

use axum::Router;
use axum::routing::{get, post};
use jotgate_manage::Asker;

use crate::Console;
use crate::visit::Visit;

/// The path of the list, which the navigation marks on each of these pages.
const HERE: &str = "/sessions";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, get(list::show))
        .route(list::LIVE, get(list::live))
        .route("/sessions/end", get(ending::ask).post(ending::end))
        .route("/sessions/{id}", get(one::show))
        .route("/sessions/{id}/end", post(one::end))
}

fn asker(visit: &Visit) -> Asker {
    Asker::Administrator(visit.actor().clone())
}

#[cfg(test)]
mod tests;
