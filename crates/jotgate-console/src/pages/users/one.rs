//! One user: what is known, and the roles.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{ManageError, StoredUser, UserChange};
use jotgate_model::{Role, Roles, Uuid};

use super::{HERE, basis, find, sessions_of};
use crate::dates::minute;
use crate::form::Posted;
use crate::frame::{Done, Frame, Stop, page};
use crate::paging::with_query;
use crate::visit::Visit;

pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Result<Response, Stop> {
    let user = find(&visit, &id).await?;
    let typed = Typed {
        name: user.name.clone(),
        roles: user.roles,
        problem: String::new(),
    };
    Ok(page(StatusCode::OK, &one(&visit, &user, typed)?))
}

/// Changes display name and roles.
pub(super) async fn save(
    Path(id): Path<String>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Stop> {
    let user = find(&visit, &id).await?;
    let name = fields.text("name").trim().to_owned();
    let roles: Roles = fields.all("role").filter_map(Role::from_name).collect();
    let change = UserChange {
        basis: Some(basis(&user, &fields)),
        name: Some(name.clone()),
        roles: Some(roles),
        blocked: None,
    };
    let management = visit.management();
    let saved = management.change_user(visit.actor(), user.user.clone(), change, visit.now());
    let Err(error) = saved.await else {
        return Ok(visit.done(&format!("{HERE}/{}", user.id), Done::Saved));
    };
    let status = match error {
        ManageError::Invalid(_) => StatusCode::BAD_REQUEST,
        ManageError::Forbidden(_) => StatusCode::FORBIDDEN,
        ManageError::UserConflict { .. } => StatusCode::CONFLICT,
        other => return Err(visit.problem(&other).into()),
    };
    let typed = Typed {
        name,
        roles,
        problem: error.to_string(),
    };
    Ok(page(status, &one(&visit, &user, typed)?))
}

/// What the form shows, and why it was not accepted.
struct Typed {
    name: String,
    roles: Roles,
    problem: String,
}

#[derive(Template)]
#[template(path = "users/one.html")]
struct One {
    frame: Frame,
    id: Uuid,
    user: String,
    typed: Typed,
    blocked: bool,
    /// Whether it is the visitor.
    is_own: bool,
    last_seen: String,
    created: String,
    changed: String,
    changed_by: String,
    /// The version, as the form sends it back.
    modified: String,
    attributes: Vec<(String, String)>,
    sessions: usize,
    show_sessions: String,
}

impl One {
    fn roles(&self) -> [(&'static str, &'static str, bool); 3] {
        Role::ALL.map(|role| {
            let may = match role {
                Role::RootAdmin => "may do everything",
                Role::SecurityAdmin => "may do everything but what would make an administrator",
                Role::AuditAdmin => "sees everything and changes nothing",
            };
            (role.name(), may, self.typed.roles.contains(role))
        })
    }
}

fn one(visit: &Visit, user: &StoredUser, typed: Typed) -> Result<One, Stop> {
    let name = user.user.to_string();
    let attributes = user.attributes.iter();
    Ok(One {
        frame: visit.frame(&name, HERE),
        id: user.id,
        typed,
        blocked: user.blocked,
        is_own: visit.actor().name == name,
        last_seen: user.last_seen.map_or_else(String::new, minute),
        created: minute(user.created),
        changed: minute(user.modified),
        changed_by: user.modified_by.clone(),
        modified: user.modified.to_string(),
        attributes: attributes
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        sessions: sessions_of(visit, user)?,
        show_sessions: with_query(visit.address("/sessions"), &[("user", &name)]),
        user: name,
    })
}
