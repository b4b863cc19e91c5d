//! Deleting a key: first what would come of it, then the deed.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::StoredApiKey;
use jotgate_model::Uuid;

use super::HERE;
use crate::dates::minute;
use crate::form::Posted;
use crate::frame::{Done, Frame, Stop, page};
use crate::pages;
use crate::visit::Visit;

pub(super) async fn ask(visit: Visit, Path(id): Path<String>) -> Result<Response, Stop> {
    let key = find(&visit, &id).await?;
    let removal = Removal {
        frame: visit.frame(&format!("Delete the API key {}", key.name), HERE),
        id: key.id,
        last_used: key.last_used.map_or_else(String::new, minute),
        from: key.last_used_from.unwrap_or_default(),
    };
    Ok(page(StatusCode::OK, &removal))
}

pub(super) async fn delete(
    Path(id): Path<String>,
    Posted { visit, .. }: Posted,
) -> Result<Response, Stop> {
    let key = find(&visit, &id).await?;
    let management = visit.management();
    let deleted = management.delete_api_key(visit.actor(), key.id, visit.now());
    deleted.await.map_err(|error| visit.problem(&error))?;
    // When somebody else was faster, it is deleted all the same.
    Ok(visit.done(HERE, Done::Deleted))
}

/// The key that an address names, or the page that says that there is none.
async fn find(visit: &Visit, id: &str) -> Result<StoredApiKey, Stop> {
    let all = visit.management().api_keys().await;
    let all = all.map_err(|error| visit.problem(&error))?;
    let id = id.parse::<Uuid>().ok();
    let found = all.into_iter().find(|key| Some(key.id) == id);
    found.ok_or_else(|| {
        let sentence = "Somebody may have deleted it. The list shows those that exist.";
        let status = StatusCode::NOT_FOUND;
        pages::trouble(visit, status, "There is no such API key", sentence).into()
    })
}

#[derive(Template)]
#[template(path = "api_keys/removal.html")]
struct Removal {
    frame: Frame,
    id: Uuid,
    last_used: String,
    from: String,
}
