//! The proxies: the gateways of the site, and which virtual proxies each of them serves.

mod list;
mod one;

use axum::Router;
use axum::routing::get;

use crate::Console;

/// The path of the list, which the navigation marks on each of these pages.
const HERE: &str = "/proxies";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, get(list::show))
        .route("/proxies/{id}", get(one::show).post(one::save))
}

#[cfg(test)]
mod tests;
