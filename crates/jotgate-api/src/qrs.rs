//! QRS: the configuration as REST (Qlik help, "Repository Service API").
//!
//! One request goes through [`answer`], top to bottom. What can be asked is the table in
//! [`address`]; what entities look like, the tables below [`wire`].
//!
//! Invariants:
//! - The router knows no authentication: an outer layer inserts the [`Actor`], and a request without
//!   one is refused.
//! - Every request needs the Xrfkey, also a reading one.
//! - Whatever is refused is refused before anything is changed, with one sentence as plain text.

mod about;
mod address;
mod entity;
mod filter;
mod order;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use jotgate_manage::{Actor, Management};
use jotgate_model::Timestamp;
use serde_json::Value;

use address::{Address, Verb};

use crate::answer::Answer;
use crate::problem::Problem;
use crate::query::Query;

/// What `GET /qrs/about` says of the program.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// Four numbers with dots. Clients refuse to work below 3.0.0.
    pub version: &'static str,
    /// A date, for people.
    pub date: &'static str,
}

impl Build {
    /// The version of Qlik's interface description that the entities follow.
    pub const INTERFACE_VERSION: &str = "38.22.0.0";
}

/// QRS below `/qrs/`, in any case, for callers whose [`Actor`] an outer layer has put into the
/// request's extensions: [`certificate_caller`] on port 4242, the session behind a virtual proxy.
///
/// `clock` gives the date of changes.
pub fn qrs_router(management: Management, clock: fn() -> Timestamp, build: Build) -> Router {
    let state = Qrs {
        management,
        clock,
        build,
    };
    Router::new().fallback(serve).with_state(Arc::new(state))
}

/// What every request needs.
struct Qrs {
    management: Management,
    clock: fn() -> Timestamp,
    build: Build,
}

/// What a request asks for, once it is known to be one.
struct Asked<'a> {
    qrs: &'a Qrs,
    actor: &'a Actor,
    query: &'a Query,
}

async fn serve(State(qrs): State<Arc<Qrs>>, request: Request) -> Response {
    match answer(&qrs, request).await {
        Ok(answer) => answer.into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn answer(qrs: &Qrs, request: Request) -> Result<Answer, Problem> {
    let (head, body) = request.into_parts();
    let query = Query::parse(head.uri.query())?;
    crate::xrfkey::check(&query, &head.headers)?;
    let actor = head
        .extensions
        .get::<Actor>()
        .ok_or_else(crate::caller::unknown)?;
    let address = Address::parse(head.uri.path())?;
    let verb = address.verb(&head.method)?;
    let body = match verb {
        Verb::Create | Verb::Update => Some(crate::body::read(body, address.body_limit()).await?),
        Verb::Delete | Verb::Read => None,
    };
    let asked = Asked {
        qrs,
        actor,
        query: &query,
    };
    match address {
        Address::About => Ok(Answer::Json(about::about(qrs.build))),
        Address::Enumerations => Ok(Answer::Json(about::enumerations())),
        Address::Ping => Ok(Answer::Json(Value::from("pong"))),
        Address::Count(entity) => entity::count(&asked, entity),
        Address::Full(entity) => entity::list(&asked, entity, wire::Form::Full),
        Address::Local(entity) => entity::local(&asked, entity),
        Address::Collection(entity) => match body {
            None => entity::list(&asked, entity, wire::Form::Condensed),
            Some(body) => entity::create(&asked, entity, body).await,
        },
        Address::Item(entity, id) => match (verb, body) {
            (Verb::Delete, _) => entity::delete(&asked, entity, id).await,
            (_, None) => entity::find(&asked, entity, id),
            (_, Some(body)) => entity::update(&asked, entity, id, body).await,
        },
    }
}
