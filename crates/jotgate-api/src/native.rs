//! Jotgate's own endpoints below `/jotgate/v1/`: what the command line and the console use.
//!
//! Each module has its rows of the table [`endpoints`], which the router and the description
//! (`openapi.json`) are both made of.
//!
//! `backup` stands aside (`backup.rs`): it is answered on the ports of administrators alone.
//!
//! Invariants:
//! - The router knows no authentication: an outer layer inserts an [`Actor`](jotgate_manage::Actor)
//!   or, for a program with an API key, a [`KeyCaller`](jotgate_manage::KeyCaller). A request without
//!   either is refused.
//! - What an API key may do is decided by the use cases that take an
//!   [`Asker`](jotgate_manage::Asker); whatever takes an actor refuses every key.
//! - Whatever changes something is no GET, and has `Content-Type: application/json` where it has a
//!   body. A page of another site cannot make a browser send that without asking first.
//! - Errors are problem details (RFC 9457) with one sentence, and the fields at fault.

mod api_keys;
mod audit;
mod backup;
mod configuration;
mod draft;
mod endpoint;
mod gateways;
mod input;
mod keys_tried;
mod openapi;
mod output;
mod passwords;
mod preview;
mod revisions;
mod revocations;
mod sessions;
mod status;
mod trouble;
mod users;
mod virtual_proxies;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{KeyCaller, Management};
use jotgate_model::Timestamp;

pub use backup::backup_router;
use endpoint::Endpoint;
use trouble::Trouble;

/// What every address begins with.
const BASE: &str = "/jotgate/v1";

/// What every request needs.
#[derive(Clone)]
struct Native {
    management: Management,
    clock: fn() -> Timestamp,
}

/// Every endpoint.
fn endpoints() -> Vec<Endpoint> {
    let all = [
        api_keys::endpoints(),
        audit::endpoints(),
        configuration::endpoints(),
        gateways::endpoints(),
        openapi::endpoints(),
        passwords::endpoints(),
        preview::endpoints(),
        revisions::endpoints(),
        revocations::endpoints(),
        sessions::endpoints(),
        status::endpoints(),
        users::endpoints(),
        virtual_proxies::endpoints(),
    ];
    all.into_iter().flatten().collect()
}

/// Notes programs that ask for what their key does not allow.
async fn note_refused_keys(State(native): State<Native>, request: Request, next: Next) -> Response {
    let Some(key) = request.extensions().get::<KeyCaller>().cloned() else {
        return next.run(request).await;
    };
    let path = request.extensions().get::<MatchedPath>();
    let path = path.map_or_else(String::new, |path| path.as_str().to_owned());
    let what = format!("{} {path}", request.method());
    let answer = next.run(request).await;
    if answer.status() == StatusCode::FORBIDDEN {
        let now = (native.clock)();
        native.management.note_refused_key(&key, &what, now);
    }
    answer
}

/// The endpoints, for callers whom an outer layer has put into the request's extensions. `clock` gives
/// the date of changes.
pub fn native_router(management: Management, clock: fn() -> Timestamp) -> Router {
    let mut v1 = Router::new();
    for endpoint in endpoints() {
        v1 = v1.route(endpoint.path, endpoint.handler);
    }
    let native = Native { management, clock };
    let note = middleware::from_fn_with_state(native.clone(), note_refused_keys);
    let v1 = v1
        .route_layer(note)
        .fallback(async || Trouble::not_found())
        .method_not_allowed_fallback(async || Trouble::method_not_allowed())
        .with_state(native);
    Router::new().nest(BASE, v1)
}
