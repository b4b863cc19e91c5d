//! Users: listed, made, blocked, given roles.

use axum::extract::State;
use http::StatusCode;
use jotgate_manage::{ManageError, StoredUser, UserBasis, UserChange};
use jotgate_model::{FieldErrors, Role, Roles, User};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Native;
use super::endpoint::Endpoint;
use super::input::{Body, Caller, Parameters, Path};
use super::output::{Answer, Created, Deleted};
use super::trouble::Trouble;

/// How many users are listed when nobody says, and at most.
const USUAL: u32 = 100;
const MAX: u32 = 1000;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let one = "/users/{id}";
    vec![
        Endpoint::get("/users", "The users, by directory and id", list)
            .query::<Page>()
            .answer::<UsersAnswer>(),
        Endpoint::post("/users", "Makes a user who has not signed in yet", create)
            .body::<NewUserRequest>()
            .answer::<UserAnswer>()
            .status(StatusCode::CREATED),
        Endpoint::get(one, "A user", show).answer::<UserAnswer>(),
        Endpoint::patch(
            one,
            "Blocks a user or lets one in, gives and takes roles",
            change,
        )
        .body::<UserRequest>()
        .answer::<UserAnswer>(),
        Endpoint::delete(
            one,
            "Deletes a user; sessions go on, but those of a local user end",
            delete,
        )
        .status(StatusCode::NO_CONTENT),
    ]
}

/// Which users: `limit` of them, 100 when nothing is said, without the first `offset`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Page {
    offset: Option<u32>,
    #[schemars(range(max = 1000))]
    limit: Option<u32>,
}

/// A part of the users.
#[derive(Serialize, JsonSchema)]
struct UsersAnswer {
    users: Vec<UserAnswer>,
    /// How many there are in all.
    total: u64,
}

/// A user.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct UserAnswer {
    id: String,
    user_directory: String,
    user_id: String,
    /// The display name.
    name: String,
    roles: Vec<String>,
    /// Whether the user is kept out.
    blocked: bool,
    /// What the newest sign-in told.
    attributes: Vec<AttributeAnswer>,
    last_seen: Option<String>,
    modified: String,
    modified_by: String,
}

/// An attribute with one of its values.
#[derive(Serialize, JsonSchema)]
struct AttributeAnswer {
    name: String,
    value: String,
}

impl From<StoredUser> for UserAnswer {
    fn from(user: StoredUser) -> Self {
        let attribute = |(name, value): &(_, _)| AttributeAnswer {
            name: ToString::to_string(name),
            value: ToString::to_string(value),
        };
        Self {
            id: user.id.to_string(),
            user_directory: user.user.directory.to_string(),
            user_id: user.user.id.to_string(),
            name: user.name,
            roles: user
                .roles
                .iter()
                .map(|role| role.name().to_owned())
                .collect(),
            blocked: user.blocked,
            attributes: user.attributes.iter().map(attribute).collect(),
            last_seen: user.last_seen.map(|at| at.to_string()),
            modified: user.modified.to_string(),
            modified_by: user.modified_by,
        }
    }
}

async fn list(
    State(native): State<Native>,
    Caller(_): Caller,
    Parameters(page): Parameters<Page>,
) -> Result<Answer<UsersAnswer>, Trouble> {
    let limit = page.limit.unwrap_or(USUAL);
    if limit > MAX {
        return Err(Trouble::bad_request(format!(
            "limit must be at most {MAX}."
        )));
    }
    let management = &native.management;
    let users = management.users(page.offset.unwrap_or(0), limit).await?;
    Ok(Answer(UsersAnswer {
        users: users.into_iter().map(UserAnswer::from).collect(),
        total: management.count_users().await?,
    }))
}

/// A user who has not signed in yet.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewUserRequest {
    user_directory: String,
    user_id: String,
    /// The display name.
    name: Option<String>,
    /// RootAdmin, SecurityAdmin, AuditAdmin.
    roles: Option<Vec<String>>,
    /// Whether the user is kept out.
    blocked: Option<bool>,
}

async fn create(
    State(native): State<Native>,
    Caller(actor): Caller,
    Body(request): Body<NewUserRequest>,
) -> Result<Created<UserAnswer>, Trouble> {
    let user = User::new(request.user_directory, request.user_id);
    let change = UserChange {
        basis: Some(UserBasis::New),
        name: request.name,
        roles: request.roles.map(|names| roles(&names)).transpose()?,
        blocked: request.blocked,
    };
    let now = (native.clock)();
    let made = native.management.change_user(&actor, user, change, now);
    Ok(Created(made.await?.into()))
}

async fn show(
    State(native): State<Native>,
    Caller(_): Caller,
    Path(id): Path<Uuid>,
) -> Result<Answer<UserAnswer>, Trouble> {
    Ok(Answer(native.user(id).await?.into()))
}

/// What changes about a user. What is left out stays.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UserRequest {
    /// The display name.
    name: Option<String>,
    /// All the roles that the user has from now on.
    roles: Option<Vec<String>>,
    /// Whether the user is kept out: every session ends.
    blocked: Option<bool>,
}

async fn change(
    State(native): State<Native>,
    Caller(actor): Caller,
    Path(id): Path<Uuid>,
    Body(request): Body<UserRequest>,
) -> Result<Answer<UserAnswer>, Trouble> {
    let stored = native.user(id).await?;
    let change = UserChange {
        basis: Some(UserBasis::Read {
            id,
            modified: stored.modified,
        }),
        name: request.name,
        roles: request.roles.map(|names| roles(&names)).transpose()?,
        blocked: request.blocked,
    };
    let now = (native.clock)();
    let changed = native
        .management
        .change_user(&actor, stored.user, change, now);
    Ok(Answer(changed.await?.into()))
}

async fn delete(
    State(native): State<Native>,
    Caller(actor): Caller,
    Path(id): Path<Uuid>,
) -> Result<Deleted, Trouble> {
    native
        .management
        .delete_user(&actor, id, (native.clock)())
        .await?;
    Ok(Deleted)
}

impl Native {
    async fn user(&self, id: Uuid) -> Result<StoredUser, ManageError> {
        let found = self.management.user(id).await?;
        found.ok_or(ManageError::UserNotFound { id })
    }
}

fn roles(names: &[String]) -> Result<Roles, ManageError> {
    let mut errors = FieldErrors::default();
    let mut found = Vec::new();
    for name in names {
        match Role::from_name(name) {
            Some(role) => found.push(role),
            None => errors.push(
                "roles",
                format!("{name:?} is none of RootAdmin, SecurityAdmin, AuditAdmin"),
            ),
        }
    }
    if errors.is_empty() {
        Ok(found.into_iter().collect())
    } else {
        Err(errors.into())
    }
}
