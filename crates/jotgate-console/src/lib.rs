//! The console: the pages at `/qmc/`, for administrators with a browser.
//!
//! Pages are rendered here and work without a script: a form is posted, the answer is a redirect or the
//! same page with what is wrong at each field and everything that was typed. The one small script adds
//! comfort only (`assets/console.js`).
//!
//! Invariants:
//! - The router knows no authentication: an outer layer inserts a [`Visitor`]. A request without one is
//!   refused.
//! - Whatever changes something is a `POST` with the token of the session in it (`form.rs`), and comes
//!   from a page of the same origin (`guard.rs`).
//! - Text reaches a page through the escaping of the templates only; no template uses `safe`.
//! - What somebody may do is decided by the use cases of `jotgate-manage`, never by a page.
//!
//! A page is a module below `pages`, a template, and a row in `pages.rs` and `navigation.rs`.

mod agents;
mod assets;
mod chart;
mod custom_properties;
mod dates;
mod differences;
mod form;
mod frame;
mod guard;
mod navigation;
mod pages;
mod paging;
#[cfg(test)]
mod testing;
mod visit;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::response::Redirect;
use axum::routing::get;
use axum::{Router, middleware};
use jotgate_manage::Management;
use jotgate_model::Timestamp;
use jotgate_policy::csrf::CsrfKey;

pub use visit::Visitor;

/// The longest form: every field of a virtual proxy at its limit.
const MAX_FORM: usize = 4 * 1024 * 1024;

/// What every page needs.
#[derive(Clone)]
struct Console {
    management: Management,
    clock: fn() -> Timestamp,
    csrf: Arc<CsrfKey>,
}

/// The console below `/qmc`, for visitors whom an outer layer has put into the request's extensions.
/// `clock` gives the date of changes, `csrf` makes the tokens of the forms.
pub fn router(management: Management, clock: fn() -> Timestamp, csrf: CsrfKey) -> Router {
    let console = Console {
        management,
        clock,
        csrf: Arc::new(csrf),
    };
    let pages = pages::routes()
        .merge(assets::routes())
        .fallback(pages::not_found)
        .method_not_allowed_fallback(pages::another_method)
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(middleware::from_fn(guard::guard))
        .with_state(console);
    Router::new()
        // Relative: the prefix is in front of it.
        .route("/qmc", get(async || Redirect::permanent("qmc/")))
        .nest("/qmc/", pages)
}
