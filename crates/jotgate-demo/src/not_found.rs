//! What an unknown path gets: a page for people, JSON for programs.

use askama::Template;
use axum::response::{IntoResponse, Json, Response};
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode, Uri};
use serde_json::json;

use crate::hub;
use crate::identity::Caller;

#[derive(Template)]
#[template(path = "not_found.html")]
struct NotFound<'a> {
    base: &'a str,
    path: &'a str,
}

pub(crate) async fn not_found(caller: Caller, headers: HeaderMap, uri: Uri) -> Response {
    if wants_html(&headers) {
        let page = NotFound {
            base: &caller.base(),
            path: uri.path(),
        };
        return hub::page(StatusCode::NOT_FOUND, page.render());
    }
    missing(uri.path())
}

/// The same for programs, whatever they accept.
pub(crate) fn missing(path: &str) -> Response {
    let body = json!({ "error": "not_found", "path": path });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .any(|value| String::from_utf8_lossy(value.as_bytes()).contains("text/html"))
}
