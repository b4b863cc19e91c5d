//! The sessions: listed, ended.

use axum::extract::State;
use jotgate_manage::{Management, Session, SessionChoice};
use jotgate_model::User;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Native;
use super::endpoint::Endpoint;
use super::input::{Anybody, Body, Parameters, Path};
use super::output::{Answer, date};
use super::trouble::Trouble;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/sessions", "The sessions, oldest first", list)
            .query::<SessionsRequest>()
            .answer::<SessionsAnswer>()
            .for_keys(),
        Endpoint::post(
            "/sessions/end",
            "Ends the sessions of a user, of a virtual proxy, or of a user there",
            end_many,
        )
        .body::<SessionsRequest>()
        .answer::<SessionsAnswer>()
        .for_keys(),
        Endpoint::delete("/sessions/{session}", "Ends a session", end_one)
            .answer::<SessionAnswer>()
            .for_keys(),
    ]
}

/// Which sessions.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SessionsRequest {
    /// The id or prefix of a virtual proxy.
    virtual_proxy: Option<String>,
    /// The directory of a user.
    user_directory: Option<String>,
    /// The id of that user.
    user_id: Option<String>,
}

impl TryFrom<SessionsRequest> for SessionChoice {
    type Error = Trouble;

    fn try_from(request: SessionsRequest) -> Result<Self, Trouble> {
        let user = match (request.user_directory, request.user_id) {
            (Some(directory), Some(id)) => Some(User::new(directory, id)),
            (None, None) => None,
            _ => {
                let detail =
                    "A user has a directory and an id: give both userDirectory and userId.";
                return Err(Trouble::bad_request(detail));
            }
        };
        Ok(Self {
            virtual_proxy: request.virtual_proxy,
            user,
        })
    }
}

/// The sessions.
#[derive(Serialize, JsonSchema)]
struct SessionsAnswer {
    sessions: Vec<SessionAnswer>,
}

/// A session. The id is public: nobody can take the session over with it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SessionAnswer {
    id: String,
    /// The id of its virtual proxy.
    virtual_proxy: String,
    /// The prefix of its virtual proxy.
    prefix: String,
    user_directory: String,
    user_id: String,
    opened: String,
    last_activity: String,
    /// When it ends, whatever the user does.
    expires: Option<String>,
    client_address: String,
    user_agent: String,
}

fn answer(management: &Management, session: &Session) -> SessionAnswer {
    let vp = session.virtual_proxy();
    SessionAnswer {
        id: session.public_id().to_owned(),
        virtual_proxy: vp.to_string(),
        prefix: management.prefix_of(vp).unwrap_or_default(),
        user_directory: session.user_directory().to_owned(),
        user_id: session.user_id().to_owned(),
        opened: date(session.created()),
        last_activity: date(session.last_activity()),
        expires: session.expires().map(date),
        client_address: session.client_address().to_owned(),
        user_agent: session.user_agent().to_owned(),
    }
}

async fn list(
    State(native): State<Native>,
    Anybody(asker): Anybody,
    Parameters(request): Parameters<SessionsRequest>,
) -> Result<Answer<SessionsAnswer>, Trouble> {
    let (management, now) = (&native.management, (native.clock)());
    let found = management.readable_sessions(&asker, &request.try_into()?, now)?;
    let sessions = found.iter().map(|one| answer(management, one)).collect();
    Ok(Answer(SessionsAnswer { sessions }))
}

async fn end_many(
    State(native): State<Native>,
    Anybody(asker): Anybody,
    Body(request): Body<SessionsRequest>,
) -> Result<Answer<SessionsAnswer>, Trouble> {
    let management = &native.management;
    let choice = request.try_into()?;
    let ended = management
        .end_chosen_sessions(&asker, &choice, (native.clock)())
        .await?;
    let sessions = ended.iter().map(|one| answer(management, one)).collect();
    Ok(Answer(SessionsAnswer { sessions }))
}

async fn end_one(
    State(native): State<Native>,
    Anybody(asker): Anybody,
    Path(id): Path<String>,
) -> Result<Answer<SessionAnswer>, Trouble> {
    let (management, now) = (&native.management, (native.clock)());
    let ended = management.end_readable_session(&asker, &id, now).await?;
    Ok(Answer(answer(management, &ended)))
}
