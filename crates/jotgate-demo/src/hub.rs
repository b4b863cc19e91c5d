//! The hub page: who the gateway says you are, and everything it told this backend.
//!
//! The page is complete without script; script adds the session's remaining time, the log-out and
//! the engine panel. Claim values are an attacker's to choose, so every value goes through the
//! template's escaping, and the policy below forbids inline code on top of it.

use askama::Template;
use axum::Router;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, StatusCode};

use crate::header_table::{self, HeaderRow};
use crate::identity::{Attribute, Caller, User};

/// Nothing but the page's own files. `frame-ancestors` is left to the gateway's response headers:
/// being embedded in a portal is what the product is for.
const POLICY: &str = "default-src 'self'; connect-src 'self' wss: ws:; object-src 'none'; \
                      base-uri 'none'; form-action 'self'";

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/hub", get(hub))
        .route("/hub/", get(hub))
        .route("/hub/my/work", get(hub))
}

#[derive(Template)]
#[template(path = "hub.html")]
struct Hub<'a> {
    base: &'a str,
    user: Option<&'a User>,
    session_id: Option<&'a str>,
    attributes: &'a [Attribute],
    circumstances: &'a [Attribute],
    headers: &'a [HeaderRow],
    saw_token: bool,
}

async fn hub(caller: Caller, headers: HeaderMap) -> Response {
    let hub = Hub {
        base: &caller.base(),
        user: caller.user.as_ref(),
        session_id: caller.session_id.as_deref(),
        attributes: &caller.attributes,
        circumstances: &caller.circumstances,
        headers: &header_table::rows(&headers),
        saw_token: headers.contains_key(AUTHORIZATION),
    };
    page(StatusCode::OK, hub.render())
}

impl Hub<'_> {
    /// The first letter of the user's id, for the round badge.
    fn initial(&self) -> String {
        let first = self
            .user
            .and_then(|user| user.id.chars().find(|c| c.is_alphanumeric()));
        first.map_or_else(|| "?".to_owned(), |c| c.to_uppercase().collect())
    }
}

/// A rendered page with the headers that every page of this backend has.
pub(crate) fn page(status: StatusCode, rendered: askama::Result<String>) -> Response {
    let html = match rendered {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        // The page shows one user's data: no cache may keep it for the next one.
        (CACHE_CONTROL, "no-store"),
        (VARY, "Cookie, Authorization"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
    ];
    (status, headers, Html(html)).into_response()
}
