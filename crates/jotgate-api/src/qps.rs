//! QPS: the sessions of a running gateway as REST (Qlik help, "Proxy Service API").
//!
//! Programs that authenticate users themselves open sessions here, monitors count them, and
//! administrators end them. The prefix of a virtual proxy stands before the resource; without one,
//! or with an empty one, the default virtual proxy is meant.
//!
//! What is read takes its members in any case, what is written has them in PascalCase, as the live
//! system does. The Xrfkey is needed for everything but `alive`, which load balancers ask for.

mod address;
mod described;
pub(crate) mod openapi;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::Method;
use jotgate_manage::{Actor, Management, SessionForUser};
use jotgate_model::{Timestamp, User, VirtualProxy};
use serde_json::{Value, json};

use self::address::{Address, Resource};
use crate::answer::Answer;
use crate::problem::Problem;
use crate::query::Query;
use crate::{body, caller, xrfkey};

/// The longest body: attributes of a user, 64 KiB of which a session can hold.
const MAX_BODY: usize = 256 * 1024;

/// QPS below `/qps/`, in any case, for callers whose [`Actor`] an outer layer has put into the
/// request's extensions.
///
/// `clock` gives the time by which sessions are over.
pub fn qps_router(management: Management, clock: fn() -> Timestamp) -> Router {
    let state = Qps { management, clock };
    Router::new().fallback(serve).with_state(Arc::new(state))
}

struct Qps {
    management: Management,
    clock: fn() -> Timestamp,
}

async fn serve(State(qps): State<Arc<Qps>>, request: Request) -> Response {
    match answer(&qps, request).await {
        Ok(answer) => answer.into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn answer(qps: &Qps, request: Request) -> Result<Answer, Problem> {
    let (head, body) = request.into_parts();
    let address = Address::parse(head.uri.path())?;
    if address.resource != Resource::Alive {
        let query = Query::parse(head.uri.query())?;
        xrfkey::check(&query, &head.headers)?;
    }
    let actor = head.extensions.get::<Actor>().ok_or_else(caller::unknown)?;
    address.check_method(&head.method)?;
    let asked = Asked {
        qps,
        actor,
        now: (qps.clock)(),
    };
    let vp = asked.virtual_proxy(&address.prefix)?;
    if matches!(
        address.resource,
        Resource::Sessions | Resource::Session(_) | Resource::User(_)
    ) {
        qps.management.learn_of_sessions().await?;
    }
    match (address.resource, head.method) {
        (Resource::Addresses, _) => Ok(Answer::Json(openapi::lines())),
        (Resource::Defaults, _) => Ok(Answer::Json(described::defaults())),
        (Resource::Enumerations, _) => Ok(Answer::Json(described::enumerations())),
        (Resource::Relations, _) => Ok(Answer::Json(described::relations())),
        (Resource::Interfaces, _) => Ok(Answer::Json(json!(crate::openapi::INTERFACES))),
        (Resource::Interface(name), _) => {
            let described = crate::openapi::interface(&name);
            let unknown = || Problem::not_found("There is no interface of that name.");
            described.map(Answer::Json).ok_or_else(unknown)
        }
        (Resource::Alive, _) => Ok(Answer::Json(json!({"value": true}))),
        (Resource::Health, _) => Ok(Answer::Json(Value::from("OK"))),
        // Modules of the real system report here what they did; nothing of ours asks them to.
        (Resource::Error, _) => {
            body::object(body::read(body, MAX_BODY).await?)?;
            Ok(Answer::Deleted)
        }
        (Resource::Notified, _) => {
            body::objects(body::read(body, MAX_BODY).await?)?;
            Ok(Answer::Deleted)
        }
        (Resource::Sessions, Method::POST) => {
            let body = body::read(body, MAX_BODY).await?;
            asked.open(&vp, body::object(body)?).await
        }
        (Resource::Sessions, _) => asked.list(&vp),
        (Resource::Session(id), Method::DELETE) => asked.end(&vp, &id).await,
        (Resource::Session(id), _) => asked.find(&vp, &id),
        (Resource::Tickets, _) => {
            let body = body::read(body, MAX_BODY).await?;
            asked.issue_ticket(&vp, body::object(body)?).await
        }
        (Resource::User(user), Method::DELETE) => asked.end_user(&vp, &user).await,
        (Resource::User(user), _) => asked.of_user(&vp, &user),
    }
}

/// What a request asks for, once it is known to be one.
struct Asked<'a> {
    qps: &'a Qps,
    actor: &'a Actor,
    now: Timestamp,
}

impl Asked<'_> {
    fn virtual_proxy(&self, prefix: &str) -> Result<Arc<VirtualProxy>, Problem> {
        let found = self.qps.management.virtual_proxy_of_prefix(prefix);
        found.ok_or_else(|| {
            Problem::not_found(format!(
                "There is no virtual proxy with the prefix {prefix:?}."
            ))
        })
    }

    fn list(&self, vp: &VirtualProxy) -> Result<Answer, Problem> {
        let mut sessions = self.qps.management.sessions_at(vp, self.now);
        // The store has no order; an answer that can be compared with the one before needs one.
        sessions
            .sort_unstable_by_key(|session| (session.created(), session.public_id().to_owned()));
        Ok(Answer::Json(
            sessions.iter().map(|s| wire::session(s)).collect(),
        ))
    }

    fn find(&self, vp: &VirtualProxy, id: &str) -> Result<Answer, Problem> {
        let found = self.qps.management.session_at(vp, id, self.now);
        let session = found.ok_or_else(no_session)?;
        Ok(Answer::Json(wire::session(&session)))
    }

    fn of_user(&self, vp: &VirtualProxy, user: &User) -> Result<Answer, Problem> {
        let sessions = self.qps.management.sessions_of_user(vp, user, self.now);
        Ok(Answer::Json(
            sessions.iter().map(|s| wire::session(s)).collect(),
        ))
    }

    async fn open(
        &self,
        vp: &VirtualProxy,
        members: serde_json::Map<String, Value>,
    ) -> Result<Answer, Problem> {
        let wanted = wire::read_session(members)?;
        let named = wanted.secret.expose().to_owned();
        let opened = self.qps.management.open_session(
            self.actor,
            SessionForUser {
                virtual_proxy: vp.id,
                identity: wanted.identity,
                secret: wanted.secret,
            },
            self.now,
        );
        let opened = opened.await?;
        Ok(Answer::Created(wire::added_session(
            &opened.session,
            &named,
            opened.only_one,
        )))
    }

    async fn issue_ticket(
        &self,
        vp: &VirtualProxy,
        members: serde_json::Map<String, Value>,
    ) -> Result<Answer, Problem> {
        let identity = wire::read_ticket(members)?;
        let management = &self.qps.management;
        let issued = management.issue_ticket(self.actor, vp.id, identity.clone(), self.now);
        let secret = issued.await?;
        Ok(Answer::Created(wire::ticket(&identity, secret.expose())))
    }

    async fn end(&self, vp: &VirtualProxy, id: &str) -> Result<Answer, Problem> {
        let ended = self
            .qps
            .management
            .end_session(self.actor, vp, id, self.now);
        let ended = ended.await?.ok_or_else(no_session)?;
        Ok(Answer::Json(json!({
            "Session": wire::session(&ended.session),
            "LastSessionForUser": ended.only_one,
        })))
    }

    async fn end_user(&self, vp: &VirtualProxy, user: &User) -> Result<Answer, Problem> {
        let ended = self
            .qps
            .management
            .end_sessions_of_user(self.actor, vp, user, self.now);
        let ended = ended.await?;
        Ok(Answer::Json(
            ended.iter().map(|s| wire::session(s)).collect(),
        ))
    }
}

/// The id is not repeated: it may be the secret of a session at another virtual proxy.
fn no_session() -> Problem {
    Problem::not_found("There is no session with that id at this virtual proxy.")
}
