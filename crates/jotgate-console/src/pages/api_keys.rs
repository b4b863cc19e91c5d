//! API keys: listed, made and shown once, deleted.

mod creation;
mod list;
mod removal;

use axum::Router;
use axum::routing::get;

use crate::Console;

/// The path of the list, which the navigation marks on each of these pages.
const HERE: &str = "/api-keys";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, get(list::show))
        .route("/api-keys/new", get(creation::ask).post(creation::create))
        .route(
            "/api-keys/{id}/delete",
            get(removal::ask).post(removal::delete),
        )
}

#[cfg(test)]
mod tests;
