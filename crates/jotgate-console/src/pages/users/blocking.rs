//! Keeping a user out: first what would come of it, then the deed. And letting one in again.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{StoredUser, UserChange};
use jotgate_model::Uuid;

use super::{HERE, basis, find, sessions_of};
use crate::form::Posted;
use crate::frame::{Done, Frame, Stop, page};
use crate::visit::Visit;

pub(super) async fn ask(visit: Visit, Path(id): Path<String>) -> Result<Response, Stop> {
    let user = find(&visit, &id).await?;
    let name = user.user.to_string();
    let blocking = Blocking {
        frame: visit.frame(&format!("Block {name}"), HERE),
        id: user.id,
        modified: user.modified.to_string(),
        is_own: visit.actor().name == name,
        has_roles: !user.roles.is_empty(),
        blocked: user.blocked,
        sessions: sessions_of(&visit, &user)?,
    };
    Ok(page(StatusCode::OK, &blocking))
}

pub(super) async fn block(Path(id): Path<String>, posted: Posted) -> Result<Response, Stop> {
    let user = find(&posted.visit, &id).await?;
    set(posted, user, true).await
}

pub(super) async fn unblock(Path(id): Path<String>, posted: Posted) -> Result<Response, Stop> {
    let user = find(&posted.visit, &id).await?;
    set(posted, user, false).await
}

async fn set(posted: Posted, user: StoredUser, blocked: bool) -> Result<Response, Stop> {
    let Posted { visit, fields } = posted;
    let change = UserChange {
        basis: Some(basis(&user, &fields)),
        blocked: Some(blocked),
        ..UserChange::default()
    };
    let path = format!("{HERE}/{}", user.id);
    let management = visit.management();
    let changed = management.change_user(visit.actor(), user.user, change, visit.now());
    changed.await.map_err(|error| visit.problem(&error))?;
    let done = if blocked {
        Done::Blocked
    } else {
        Done::Unblocked
    };
    Ok(visit.done(&path, done))
}

#[derive(Template)]
#[template(path = "users/blocking.html")]
struct Blocking {
    frame: Frame,
    id: Uuid,
    modified: String,
    is_own: bool,
    has_roles: bool,
    blocked: bool,
    sessions: usize,
}
