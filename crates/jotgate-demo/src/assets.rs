//! The hub page's own files: style, script and icon. Nothing on the page comes from elsewhere.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::IntoResponse;
use axum::routing::get;

const CSS: &str = include_str!("../assets/hub.css");
const JS: &str = include_str!("../assets/hub.js");
const ICON: &str = include_str!("../assets/icon.svg");

pub(crate) fn routes() -> Router {
    Router::new()
        .route(
            "/resources/jotgate-demo/hub.css",
            get(|| asset("text/css; charset=utf-8", CSS)),
        )
        .route(
            "/resources/jotgate-demo/hub.js",
            get(|| asset("text/javascript; charset=utf-8", JS)),
        )
        .route(
            "/resources/jotgate-demo/icon.svg",
            get(|| asset("image/svg+xml", ICON)),
        )
}

async fn asset(media_type: &'static str, text: &'static str) -> impl IntoResponse {
    // The files are small and change with the binary: asking again is cheaper than a stale page.
    let headers = [
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, "no-cache"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text)
}
