//! The pages, and what leads to them. Each module has its routes, below `/qmc`.

mod api_keys;
mod audit;
mod certificates;
mod changes;
mod design;
mod history;
mod labels;
mod nodes;
mod overview;
mod places;
mod proxies;
mod requests;
mod search;
mod sessions;
mod settings;
mod sign_out;
mod tokens;
mod users;
mod virtual_proxies;

use askama::Template;
use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use http::{Method, StatusCode, Uri};

use crate::Console;
use crate::frame::{Frame, page};
use crate::visit::Visit;

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .merge(api_keys::routes())
        .merge(audit::routes())
        .merge(certificates::routes())
        .merge(changes::routes())
        .merge(design::routes())
        .merge(history::routes())
        .merge(labels::routes())
        .merge(nodes::routes())
        .merge(overview::routes())
        .merge(proxies::routes())
        .merge(requests::routes())
        .merge(search::routes())
        .merge(sessions::routes())
        .merge(settings::routes())
        .merge(sign_out::routes())
        .merge(tokens::routes())
        .merge(users::routes())
        .merge(virtual_proxies::routes())
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

/// Somebody comes to an address that takes posts only: with the form to sign in, which leads back to where a form was posted, or by a
/// reload. The page that it belongs to is one step up.
pub(crate) async fn another_method(visit: Visit, method: Method, address: Uri) -> Response {
    match address.path().rsplit_once('/') {
        Some((page, _)) if matches!(method, Method::GET | Method::HEAD) => {
            let page = if page.is_empty() { "/" } else { page };
            Redirect::to(&visit.address(page)).into_response()
        }
        _ => not_found(visit).await,
    }
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
