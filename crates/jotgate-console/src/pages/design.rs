//! The design system: every component once, to look at.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

use crate::Console;
use crate::frame::{Frame, page};
use crate::visit::Visit;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/design", get(show))
}

#[derive(Template)]
#[template(path = "design.html")]
struct Design {
    frame: Frame,
    colours: &'static [&'static str],
}

const COLOURS: &[&str] = &[
    "ground", "surface", "sunken", "line", "ink", "muted", "accent", "good", "warn", "bad",
];

async fn show(visit: Visit) -> Response {
    let frame = visit.frame("Design system", "/design");
    let design = Design {
        frame,
        colours: COLOURS,
    };
    page(StatusCode::OK, &design)
}
