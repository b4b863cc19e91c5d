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

mod address;
mod certificates;
mod computed;
mod described;
mod entity;
mod filter;
mod foreign;
mod import;
mod list;
pub(crate) mod openapi;
mod order;
mod selection;
mod sent;
mod synthetic;
mod table;
mod users;
mod wire;

use std::collections::HashSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jotgate_manage::{Actor, Management, Privilege};
use jotgate_model::Timestamp;
use serde_json::Value;
use tokio::sync::Mutex;
use uuid::Uuid;

use address::{Address, Part, Verb};
use entity::EntityType;
use selection::Selections;

pub use certificates::CertificateExports;
pub use import::{IMPORTED, ImportedSite, import};

use crate::answer::Answer;
use crate::body;
use crate::problem::Problem;
use crate::query::Query;

/// What `GET /qrs/about` says of the program.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// Four numbers with dots. Clients refuse to work below 3.0.0.
    pub version: &'static str,
    /// When the program was built.
    pub date: Timestamp,
}

impl Build {
    /// The version of Qlik's interface description that the entities follow.
    pub const INTERFACE_VERSION: &str = "38.22.0.0";
}

/// QRS below `/qrs/`, in any case, for callers whose [`Actor`] an outer layer has put into the
/// request's extensions: [`certificate_caller`] on port 4242, the session behind a virtual proxy.
///
/// `clock` gives the date of changes. Without `certificates`, none are made for other machines.
pub fn qrs_router(
    management: Management,
    clock: fn() -> Timestamp,
    build: Build,
    certificates: Option<Arc<dyn CertificateExports>>,
) -> Router {
    let state = Qrs {
        management,
        clock,
        build,
        certificates,
        exporting: Mutex::default(),
        selections: Selections::default(),
    };
    Router::new().fallback(serve).with_state(Arc::new(state))
}

/// What every request needs.
struct Qrs {
    management: Management,
    clock: fn() -> Timestamp,
    build: Build,
    certificates: Option<Arc<dyn CertificateExports>>,
    /// Making keys takes a core for a while.
    exporting: Mutex<()>,
    selections: Selections,
}

/// What a request asks for, once it is known to be one.
struct Asked<'a> {
    qrs: &'a Qrs,
    actor: &'a Actor,
    query: &'a Query,
}

impl Asked<'_> {
    /// Whose privileges the answer shows: the caller's, when the parameter `privileges` asks for them.
    fn privileges(&self) -> Result<Option<Privilege>, Problem> {
        let shown = self.query.flag("privileges")?;
        Ok(shown.then_some(self.actor.privilege))
    }
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
        Verb::Create | Verb::Update => body::read(body, address.body_limit()).await?,
        Verb::Delete | Verb::Read => Value::Null,
    };
    let asked = Asked {
        qrs,
        actor,
        query: &query,
    };
    match address {
        Address::About => Ok(Answer::Json(described::about(qrs.build))),
        Address::Described(what) => described::answer(&what),
        Address::Certificates => certificates::export(&asked, body::object(body)?).await,
        Address::CertificatesPath => certificates::path(&asked),
        Address::Entity(entity, part) => of_entity(&asked, entity, part, verb, body).await,
        Address::Foreign(foreign) => foreign.answer(),
        Address::Ping => Ok(Answer::Json(Value::from("pong"))),
        Address::SamlMetadata(_) => Err(Problem::new(
            StatusCode::NOT_IMPLEMENTED,
            "SAML is not supported: its settings are stored, and no metadata can be made of them.",
        )),
        Address::Selected(id, entity, part) => {
            let ids = selection::ids(&asked, id, entity)?;
            of_selected(&asked, entity, part, verb, &ids, body).await
        }
        Address::Selection(id) => match verb {
            Verb::Delete => selection::delete(&asked, id),
            Verb::Update => selection::replace(&asked, id, &body::object(body)?),
            _ => selection::show(&asked, id),
        },
        Address::SelectionOf(entity) => selection::create_of(&asked, entity).await,
        Address::Selections => match verb {
            Verb::Create => selection::create(&asked, &body::object(body)?),
            _ => Ok(selection::list(&asked)),
        },
    }
}

async fn of_entity(
    asked: &Asked<'_>,
    entity: EntityType,
    part: Part,
    verb: Verb,
    body: Value,
) -> Result<Answer, Problem> {
    match (part, verb) {
        (Part::Collection, Verb::Create) => {
            entity::create(asked, entity, body::object(body)?).await
        }
        (Part::Collection, _) => list::list(asked, entity, wire::Form::Condensed, None).await,
        (Part::Count, _) => list::count(asked, entity, None).await,
        (Part::Full, _) => list::list(asked, entity, wire::Form::Full, None).await,
        (Part::Item(id), Verb::Delete) => entity::delete(asked, entity, vec![id]).await,
        (Part::Item(id), Verb::Update) => {
            entity::update(asked, entity, id, body::object(body)?).await
        }
        (Part::Item(id), _) => entity::find(asked, entity, id).await,
        (Part::Local, _) => entity::local(asked, entity).await,
        (Part::Many, _) => entity::create_many(asked, entity, body::objects(body)?).await,
        (Part::PreviewCreatePrivilege, _) => entity::may_create(asked, entity, body::object(body)?),
        (Part::PreviewPrivileges, _) => Ok(entity::preview_privileges(asked, entity)),
        (Part::Table, _) => table::table(asked, entity, &body::object(body)?, None).await,
        // Of selections alone; no address leads here.
        (Part::Synthetic, _) => Err(Problem::not_found("There is nothing at this address.")),
    }
}

async fn of_selected(
    asked: &Asked<'_>,
    entity: EntityType,
    part: Part,
    verb: Verb,
    ids: &[Uuid],
    body: Value,
) -> Result<Answer, Problem> {
    let wanted: HashSet<Uuid> = ids.iter().copied().collect();
    let chosen = Some(&wanted);
    match (part, verb) {
        (Part::Collection, Verb::Delete) => entity::delete(asked, entity, ids.to_vec()).await,
        (Part::Collection, _) => list::list(asked, entity, wire::Form::Condensed, chosen).await,
        (Part::Count, _) => list::count(asked, entity, chosen).await,
        (Part::Synthetic, Verb::Update) => {
            synthetic::update(asked, entity, ids, &body::object(body)?).await
        }
        (Part::Synthetic, _) => synthetic::show(asked, entity, ids).await,
        (Part::Table, _) => table::table(asked, entity, &body::object(body)?, chosen).await,
        _ => list::list(asked, entity, wire::Form::Full, chosen).await,
    }
}
