//! Revocations of tokens: listed, made, taken back.

use axum::extract::State;
use http::StatusCode;
use jotgate_manage::{Actor, ManageError, Revocation, Revoked};
use jotgate_model::{FieldErrors, Timestamp, UnixTime, User};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Native;
use super::endpoint::Endpoint;
use super::input::{Body, Caller, Path};
use super::output::{Answer, Created, Deleted, date};
use super::trouble::Trouble;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/revocations", "The revocations that are not over", list)
            .answer::<RevocationsAnswer>(),
        Endpoint::post(
            "/revocations",
            "Revokes a token, the tokens with a jti, or those of a user, and ends their sessions",
            create,
        )
        .body::<RevocationRequest>()
        .answer::<RevocationAnswer>()
        .status(StatusCode::CREATED),
        Endpoint::delete("/revocations/{id}", "Takes a revocation back", delete)
            .status(StatusCode::NO_CONTENT),
    ]
}

/// Oldest first.
#[derive(Serialize, JsonSchema)]
struct RevocationsAnswer {
    revocations: Vec<RevocationAnswer>,
}

/// A revocation. Which of the members that name its subject are there depends on `kind`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RevocationAnswer {
    id: String,
    /// token, jti or user.
    kind: &'static str,
    /// The SHA-256 of the token, in hexadecimal digits.
    token_hash: Option<String>,
    /// The id of the virtual proxy of the `jti`.
    virtual_proxy: Option<String>,
    jti: Option<String>,
    user_directory: Option<String>,
    user_id: Option<String>,
    /// Tokens of the user that were issued before this are refused.
    before: Option<String>,
    /// When it is over; null: never.
    until: Option<String>,
    at: String,
    author: String,
    note: String,
}

impl From<Revocation> for RevocationAnswer {
    fn from(revocation: Revocation) -> Self {
        let mut answer = Self {
            id: revocation.id.to_string(),
            kind: "token",
            token_hash: None,
            virtual_proxy: None,
            jti: None,
            user_directory: None,
            user_id: None,
            before: None,
            until: revocation.until.map(date),
            at: revocation.at.to_string(),
            author: revocation.author,
            note: revocation.note,
        };
        match revocation.subject {
            Revoked::Token { hash } => {
                answer.token_hash = Some(hash.iter().map(|byte| format!("{byte:02x}")).collect());
            }
            Revoked::TokenId { virtual_proxy, jti } => {
                answer.kind = "jti";
                answer.virtual_proxy = Some(virtual_proxy.to_string());
                answer.jti = Some(jti);
            }
            Revoked::UserTokens {
                user,
                issued_before,
            } => {
                answer.kind = "user";
                answer.user_directory = Some(user.directory.to_string());
                answer.user_id = Some(user.id.to_string());
                answer.before = Some(date(issued_before));
            }
        }
        answer
    }
}

async fn list(
    State(native): State<Native>,
    Caller(_): Caller,
) -> Result<Answer<RevocationsAnswer>, Trouble> {
    let found = native.management.revocations((native.clock)()).await?;
    let revocations = found.into_iter().map(RevocationAnswer::from).collect();
    Ok(Answer(RevocationsAnswer { revocations }))
}

/// What is revoked: `token`; or `virtualProxy` and `jti`; or `userDirectory` and `userId`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RevocationRequest {
    /// A token that has not run out.
    token: Option<String>,
    /// The id or prefix of a virtual proxy.
    virtual_proxy: Option<String>,
    /// The `jti` of tokens there.
    jti: Option<String>,
    /// The directory of a user.
    user_directory: Option<String>,
    /// The id of that user.
    user_id: Option<String>,
    /// For a user: tokens that were issued before this date; without it, before now.
    #[schemars(with = "Option<String>")]
    before: Option<Timestamp>,
    /// For a jti or a user: when it is over; without it, never.
    #[schemars(with = "Option<String>")]
    until: Option<Timestamp>,
    /// Why, in one line.
    #[serde(default)]
    note: String,
}

async fn create(
    State(native): State<Native>,
    Caller(actor): Caller,
    Body(request): Body<RevocationRequest>,
) -> Result<Created<RevocationAnswer>, Trouble> {
    Ok(Created(native.revoke(&actor, request).await?.into()))
}

impl Native {
    async fn revoke(
        &self,
        actor: &Actor,
        request: RevocationRequest,
    ) -> Result<Revocation, ManageError> {
        let (management, now) = (&self.management, (self.clock)());
        let (before, until) = (request.before.map(seconds), request.until.map(seconds));
        let note = &request.note;
        match request {
            RevocationRequest {
                token: Some(token),
                virtual_proxy: None,
                jti: None,
                user_directory: None,
                user_id: None,
                before: None,
                until: None,
                ..
            } => management.revoke_token(actor, &token, note, now).await,
            RevocationRequest {
                token: None,
                virtual_proxy: Some(name),
                jti: Some(jti),
                user_directory: None,
                user_id: None,
                before: None,
                ..
            } => {
                let named = Uuid::parse_str(&name).ok();
                let found = named.or_else(|| management.virtual_proxy_named(&name).map(|vp| vp.id));
                let vp = found.ok_or(ManageError::NoVirtualProxy(name))?;
                management
                    .revoke_jti(actor, vp, &jti, until, note, now)
                    .await
            }
            RevocationRequest {
                token: None,
                virtual_proxy: None,
                jti: None,
                user_directory: Some(directory),
                user_id: Some(id),
                ..
            } => {
                let user = User::new(directory, id);
                let revoked =
                    management.revoke_user_tokens_before(actor, user, before, until, note, now);
                revoked.await
            }
            _ => Err(not_one_subject()),
        }
    }
}

fn not_one_subject() -> ManageError {
    let mut errors = FieldErrors::default();
    errors.push(
        "token",
        "must stand alone, beside note; or name virtualProxy and jti (with until), or userDirectory and \
         userId (with before and until)",
    );
    errors.into()
}

const fn seconds(at: Timestamp) -> UnixTime {
    UnixTime(at.as_millis().div_euclid(1000))
}

async fn delete(
    State(native): State<Native>,
    Caller(actor): Caller,
    Path(id): Path<Uuid>,
) -> Result<Deleted, Trouble> {
    let now = (native.clock)();
    native.management.remove_revocation(&actor, id, now).await?;
    Ok(Deleted)
}
