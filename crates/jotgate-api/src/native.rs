//! Jotgate's own endpoints below `/jotgate/v1/`: what the command line and the console use.
//!
//! | address | methods |
//! |---|---|
//! | `configuration` | GET |
//! | `configuration/difference`, `configuration/apply` | POST |
//! | `revisions` | GET |
//! | `revisions/{a}/difference/{b}` | GET |
//! | `revisions/{a}/restore` | POST |
//! | `backup` | POST, not through virtual proxies |
//!
//! Invariants:
//! - The router knows no authentication: an outer layer inserts the [`Actor`], and a request without
//!   one is refused.
//! - Whatever changes something is a POST with `Content-Type: application/json`. A page of another
//!   site cannot make a browser send that without asking first, and is never told that it may.
//! - Errors are problem details (RFC 9457) with one sentence, and the fields at fault.

mod backup;
mod configuration;
mod input;
mod output;
mod revisions;
mod trouble;

use axum::Router;
use axum::routing::{get, post};
use jotgate_manage::Management;
use jotgate_model::Timestamp;

pub use backup::backup_router;
use trouble::Trouble;

/// What every request needs.
#[derive(Clone)]
struct Native {
    management: Management,
    clock: fn() -> Timestamp,
}

/// The endpoints, for callers whose [`jotgate_manage::Actor`] an outer layer has put into the
/// request's extensions. `clock` gives the date of changes.
pub fn native_router(management: Management, clock: fn() -> Timestamp) -> Router {
    let v1 = Router::new()
        .route("/configuration", get(configuration::export))
        .route("/configuration/difference", post(configuration::difference))
        .route("/configuration/apply", post(configuration::apply))
        .route("/revisions", get(revisions::list))
        .route(
            "/revisions/{before}/difference/{after}",
            get(revisions::difference),
        )
        .route("/revisions/{revision}/restore", post(revisions::restore))
        .fallback(async || Trouble::not_found())
        .method_not_allowed_fallback(async || Trouble::method_not_allowed())
        .with_state(Native { management, clock });
    Router::new().nest("/jotgate/v1", v1)
}
