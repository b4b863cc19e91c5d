//! Local administrators: another password, another set-up link.

use axum::Extension;
use axum::extract::State;
use http::StatusCode;
use jotgate_manage::LocalError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Native;
use super::endpoint::Endpoint;
use super::input::{Body, Caller};
use super::output::{Created, Deleted};
use super::trouble::Trouble;
use crate::CallerSession;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(
            "/password",
            "Changes the password of whoever asks, and ends their other sessions",
            change,
        )
        .body::<PasswordRequest>()
        .status(StatusCode::NO_CONTENT),
        Endpoint::post(
            "/set-up-link",
            "Makes a link that makes a local administrator, or gives one another password",
            make_link,
        )
        .body::<LinkRequest>()
        .answer::<LinkAnswer>()
        .status(StatusCode::CREATED),
    ]
}

/// For somebody who has signed in with a password of Jotgate's own.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PasswordRequest {
    /// The password as it is.
    password: String,
    /// The one that is to count from now on: 12 characters or more.
    new_password: String,
}

async fn change(
    State(native): State<Native>,
    Caller(actor): Caller,
    session: Option<Extension<CallerSession>>,
    Body(request): Body<PasswordRequest>,
) -> Result<Deleted, Trouble> {
    let session = session.as_ref().map(|Extension(id)| id.0.as_str());
    let passwords = (request.password.as_str(), request.new_password.as_str());
    let now = (native.clock)();
    let management = &native.management;
    let changed = management.change_own_password(&actor, session, passwords, now);
    changed.await?;
    Ok(Deleted)
}

impl From<LocalError> for Trouble {
    fn from(error: LocalError) -> Self {
        let status = match &error {
            LocalError::LinkInvalid | LocalError::NotLocal | LocalError::Wrong => {
                StatusCode::FORBIDDEN
            }
            LocalError::Unusable(_) => StatusCode::BAD_REQUEST,
            LocalError::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
            LocalError::Busy | LocalError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

/// There is nothing to choose.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LinkRequest {}

/// The link works once, for an hour, until a newer one is made.
#[derive(Serialize, JsonSchema)]
struct LinkAnswer {
    /// The path of the page at the default virtual proxy.
    path: String,
}

async fn make_link(
    State(native): State<Native>,
    Caller(actor): Caller,
    Body(LinkRequest {}): Body<LinkRequest>,
) -> Result<Created<LinkAnswer>, Trouble> {
    let now = (native.clock)();
    let secret = native.management.issue_set_up_secret(&actor, now).await?;
    let path = format!("/qmc/setup?token={}", secret.expose());
    Ok(Created(LinkAnswer { path }))
}
