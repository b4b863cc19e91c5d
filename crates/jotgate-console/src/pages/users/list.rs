//! The list: by directory and id, or those whom the filter names.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{ManageError, Management, StoredUser, UserNarrowing};
use jotgate_model::{Role, Uuid};

use super::HERE;
use crate::dates::minute;
use crate::frame::{Frame, Stop, page};
use crate::paging::{PER_PAGE, Pages, with_query};
use crate::visit::Visit;

/// The most users that the filter finds.
const MAX_FOUND: u32 = 1000;

pub(super) async fn show(visit: Visit) -> Result<Response, Stop> {
    let filter = visit.parameter("filter").trim().to_owned();
    let listed = list(&visit, &filter).await;
    let (pages, users) = listed.map_err(|error| visit.problem(&error))?;
    let list = List {
        frame: visit.frame("Users", HERE),
        is_cut: !filter.is_empty() && pages.count >= MAX_FOUND as usize,
        filter,
        pages,
        rows: users.into_iter().map(Row::from).collect(),
    };
    Ok(page(StatusCode::OK, &list))
}

async fn list(visit: &Visit, filter: &str) -> Result<(Pages, Vec<StoredUser>), ManageError> {
    let management = visit.management();
    let address = with_query(visit.address(HERE), &[("filter", filter)]);
    let asked = visit.parameter("page");
    if filter.is_empty() {
        let count = usize::try_from(management.count_users().await?).unwrap_or(usize::MAX);
        let pages = Pages::new(count, &asked, address);
        let before = u32::try_from(pages.before()).unwrap_or(u32::MAX);
        let users = management.users(before, PER_PAGE as u32).await?;
        return Ok((pages, users));
    }
    let found = named(management, filter, MAX_FOUND as usize).await?;
    let pages = Pages::new(found.len(), &asked, address);
    let users = pages.cut(found);
    Ok((pages, users))
}

/// At most `max` users whom `filter` names.
pub(in crate::pages) async fn named(
    management: &Management,
    filter: &str,
    max: usize,
) -> Result<Vec<StoredUser>, ManageError> {
    let mut found: Vec<StoredUser> = Vec::new();
    let limit = u32::try_from(max).unwrap_or(u32::MAX);
    for narrowing in narrowings(filter) {
        for user in management.users_after(None, limit, &narrowing).await? {
            if found.len() < max && found.iter().all(|one| one.id != user.id) {
                found.push(user);
            }
        }
    }
    Ok(found)
}

/// What the filter can mean: a whole name, or a whole part of one. The database finds these by an index.
fn narrowings(filter: &str) -> Vec<UserNarrowing> {
    let text = || Some(filter.to_owned());
    if let Some((directory, id)) = filter.split_once('\\') {
        return vec![UserNarrowing {
            directory: Some(directory.to_owned()),
            user_id: Some(id.to_owned()),
            ..UserNarrowing::default()
        }];
    }
    vec![
        UserNarrowing {
            user_id: text(),
            ..UserNarrowing::default()
        },
        UserNarrowing {
            name: text(),
            ..UserNarrowing::default()
        },
        UserNarrowing {
            directory: text(),
            ..UserNarrowing::default()
        },
    ]
}

#[derive(Template)]
#[template(path = "users/list.html")]
struct List {
    frame: Frame,
    filter: String,
    /// Whether there may be more than the filter finds.
    is_cut: bool,
    pages: Pages,
    rows: Vec<Row>,
}

/// A user in the list.
struct Row {
    id: Uuid,
    user: String,
    name: String,
    roles: Vec<&'static str>,
    blocked: bool,
    last_seen: String,
}

impl From<StoredUser> for Row {
    fn from(user: StoredUser) -> Self {
        Self {
            id: user.id,
            user: user.user.to_string(),
            name: user.name,
            roles: user.roles.iter().map(Role::name).collect(),
            blocked: user.blocked,
            last_seen: user.last_seen.map_or_else(String::new, minute),
        }
    }
}
