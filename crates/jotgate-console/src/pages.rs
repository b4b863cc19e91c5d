//! The pages, and what leads to them. Each module has its routes, below `/qmc`.

mod api_keys;
mod audit;
mod design;
mod history;
mod places;
mod requests;
mod sessions;
mod sign_out;
mod users;
mod virtual_proxies;

use askama::Template;
use axum::Router;
use axum::response::{Redirect, Response};
use axum::routing::get;
use http::StatusCode;

use crate::Console;
use crate::frame::{Frame, page};
use crate::visit::Visit;

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/", get(start))
        .merge(api_keys::routes())
        .merge(audit::routes())
        .merge(design::routes())
        .merge(history::routes())
        .merge(requests::routes())
        .merge(sessions::routes())
        .merge(sign_out::routes())
        .merge(users::routes())
        .merge(virtual_proxies::routes())
}

async fn start(visit: Visit) -> Redirect {
    Redirect::to(&visit.address("/virtual-proxies"))
}

/// There is no such page.
pub(crate) async fn not_found(visit: Visit) -> Response {
    let sentence = "The address leads to no page of the console.";
    trouble(
        &visit,
        StatusCode::NOT_FOUND,
        "There is no such page",
        sentence,
    )
}

/// A page that says what went wrong.
pub(crate) fn trouble(visit: &Visit, status: StatusCode, title: &str, sentence: &str) -> Response {
    let frame = visit.frame(title, "");
    page(status, &Trouble { frame, sentence })
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct Trouble<'a> {
    frame: Frame,
    sentence: &'a str,
}

#[cfg(test)]
mod tests;
