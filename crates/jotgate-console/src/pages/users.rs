//! The users: who is known, who is kept out, who may administer.

mod blocking;
mod list;
mod one;

use axum::Router;
use axum::routing::{get, post};
use http::StatusCode;
use jotgate_manage::{Asker, SessionChoice, StoredUser, UserBasis};
use jotgate_model::Uuid;

use crate::form::Fields;
use crate::frame::Stop;
use crate::visit::Visit;
use crate::{Console, pages};

pub(super) use list::named;

/// The path of the list, which the navigation marks on each of these pages.
const HERE: &str = "/users";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, get(list::show))
        .route("/users/{id}", get(one::show).post(one::save))
        .route(
            "/users/{id}/block",
            get(blocking::ask).post(blocking::block),
        )
        .route("/users/{id}/unblock", post(blocking::unblock))
}

/// The address of the page of a user, below `/qmc`.
pub(super) fn page_of(user: &StoredUser) -> String {
    format!("{HERE}/{}", user.id)
}

/// The user that an address names, or the page that says that there is none.
async fn find(visit: &Visit, id: &str) -> Result<StoredUser, Stop> {
    let found = match id.parse::<Uuid>() {
        Ok(id) => visit.management().user(id).await,
        Err(_) => Ok(None),
    };
    let found = found.map_err(|error| visit.problem(&error))?;
    found.ok_or_else(|| {
        let sentence = "Somebody may have deleted the user. The list shows those who are known.";
        let status = StatusCode::NOT_FOUND;
        pages::trouble(visit, status, "There is no such user", sentence).into()
    })
}

/// How many sessions a user has, at all virtual proxies.
fn sessions_of(visit: &Visit, user: &StoredUser) -> Result<usize, Stop> {
    let asker = Asker::Administrator(visit.actor().clone());
    let choice = SessionChoice {
        virtual_proxy: None,
        user: Some(user.user.clone()),
    };
    let found = visit
        .management()
        .readable_sessions(&asker, &choice, visit.now());
    Ok(found.map_err(|error| visit.problem(&error))?.len())
}

/// The version that the page with the form has shown. Without one that can be read, nothing is changed.
fn basis(user: &StoredUser, fields: &Fields) -> UserBasis {
    UserBasis::Read {
        id: user.id,
        modified: fields.text("modified").parse().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
