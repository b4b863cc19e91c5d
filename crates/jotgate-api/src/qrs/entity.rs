//! The entities: finding, listing, creating, changing and deleting them.

use jotgate_manage::ManageError;
use jotgate_model::entity::{ProxyService, ServerNodeConfiguration, VirtualProxyConfig};
use jotgate_model::{Documents, FieldErrors, Snapshot};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Asked;
use super::filter::{Bound, Filter};
use super::order::Order;
use super::wire::{
    Form, PROXY_SERVICE, Reader, SERVER_NODE_CONFIGURATION, Shape, VIRTUAL_PROXY_CONFIG, Writer,
    document_of,
};
use crate::answer::Answer;
use crate::problem::Problem;

type Members = Map<String, Value>;

/// The types of entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntityType {
    /// A running gateway. There is one for each, so that nobody creates or deletes them here.
    ProxyService,
    /// A machine with backends.
    ServerNodeConfiguration,
    /// A prefix.
    VirtualProxyConfig,
}

impl EntityType {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [
        Self::ProxyService,
        Self::ServerNodeConfiguration,
        Self::VirtualProxyConfig,
    ];

    /// The type whose name, in lower case, is that segment of an address.
    pub(super) fn from_segment(segment: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|entity| entity.shape().name.eq_ignore_ascii_case(segment))
    }

    /// What it looks like.
    pub(super) fn shape(self) -> &'static Shape {
        match self {
            Self::ProxyService => &PROXY_SERVICE,
            Self::ServerNodeConfiguration => &SERVER_NODE_CONFIGURATION,
            Self::VirtualProxyConfig => &VIRTUAL_PROXY_CONFIG,
        }
    }

    /// Whether there is a POST for it.
    pub(super) fn can_be_created(self) -> bool {
        self != Self::ProxyService
    }

    fn document(self, documents: &Documents, id: Uuid) -> Option<Value> {
        match self {
            Self::ProxyService => documents.proxy_services.get(&id).map(document_of),
            Self::ServerNodeConfiguration => documents.nodes.get(&id).map(document_of),
            Self::VirtualProxyConfig => documents.virtual_proxies.get(&id).map(document_of),
        }
    }

    fn all_documents(self, documents: &Documents) -> Box<dyn ExactSizeIterator<Item = Value> + '_> {
        match self {
            Self::ProxyService => Box::new(documents.proxy_services.values().map(document_of)),
            Self::ServerNodeConfiguration => Box::new(documents.nodes.values().map(document_of)),
            Self::VirtualProxyConfig => {
                Box::new(documents.virtual_proxies.values().map(document_of))
            }
        }
    }
}

/// `GET {entity}` and `GET {entity}/full`.
pub(super) fn list(asked: &Asked<'_>, entity: EntityType, form: Form) -> Result<Answer, Problem> {
    let filter = filter(asked, entity)?;
    let order = match asked.query.value("orderby")? {
        None | Some("") => None,
        Some(text) => Some(Order::parse(text, entity.shape())?),
    };
    let snapshot = asked.qrs.management.snapshot();
    let mut writer = Writer::new(&snapshot.documents, asked.query.flag("privileges")?);
    // Filters and orders see more than the condensed form shows.
    let written = if filter.is_none() && order.is_none() {
        form
    } else {
        Form::Full
    };
    let mut entities = matching(entity, &snapshot, &mut writer, filter.as_ref(), written);
    if let Some(order) = order {
        order.sort(&mut entities);
    }
    if written != form {
        entities
            .iter_mut()
            .for_each(|found| writer.condense(entity, found));
    }
    Ok(Answer::Json(Value::Array(entities)))
}

/// `GET {entity}/count`.
pub(super) fn count(asked: &Asked<'_>, entity: EntityType) -> Result<Answer, Problem> {
    let snapshot = asked.qrs.management.snapshot();
    let count = match filter(asked, entity)? {
        None => entity.all_documents(&snapshot.documents).len(),
        Some(filter) => {
            let mut writer = Writer::new(&snapshot.documents, false);
            matching(entity, &snapshot, &mut writer, Some(&filter), Form::Full).len()
        }
    };
    Ok(Answer::Json(json!({"value": count})))
}

/// `GET {entity}/local`: of the machine that this process runs on.
pub(super) fn local(asked: &Asked<'_>, entity: EntityType) -> Result<Answer, Problem> {
    let snapshot = asked.qrs.management.snapshot();
    let proxy = snapshot.documents.proxy_services.get(&snapshot.proxy_id);
    let id = match entity {
        EntityType::ServerNodeConfiguration => proxy.map(|proxy| proxy.server_node_configuration),
        _ => proxy.map(|proxy| proxy.metadata.id),
    };
    find(asked, entity, id.unwrap_or_default())
}

/// `GET {entity}/{id}`.
pub(super) fn find(asked: &Asked<'_>, entity: EntityType, id: Uuid) -> Result<Answer, Problem> {
    show(asked, entity, id).map(Answer::Json)
}

/// `POST {entity}`.
pub(super) async fn create(
    asked: &Asked<'_>,
    entity: EntityType,
    body: Members,
) -> Result<Answer, Problem> {
    let id = sent_id(&body)?.unwrap_or_default();
    let mut members = Reader::default().read(entity.shape(), body, Members::new())?;
    members.insert("id".to_owned(), Value::from(id.to_string()));
    let (management, actor, now) = (&asked.qrs.management, asked.actor, (asked.qrs.clock)());
    let id = match entity {
        // There is no address for it.
        EntityType::ProxyService => return Err(Problem::method_not_allowed("GET, HEAD")),
        EntityType::ServerNodeConfiguration => {
            let draft: ServerNodeConfiguration = document_from(members)?;
            management.create_node(actor, draft, now).await?.metadata.id
        }
        EntityType::VirtualProxyConfig => {
            let draft: VirtualProxyConfig = document_from(members)?;
            let created = management.create_virtual_proxy(actor, draft, now).await?;
            created.metadata.id
        }
    };
    show(asked, entity, id).map(Answer::Created)
}

/// `PUT {entity}/{id}`.
pub(super) async fn update(
    asked: &Asked<'_>,
    entity: EntityType,
    id: Uuid,
    body: Members,
) -> Result<Answer, Problem> {
    let body = unwrap_details(entity, body);
    if let Some(sent) = sent_id(&body)?.filter(|sent| *sent != id) {
        return Err(wrong_field(
            "id",
            format!("is {sent} in the body and {id} in the address; send the same in both"),
        ));
    }
    let based_on = sent_date(&body)?;
    let snapshot = asked.qrs.management.snapshot();
    let Some(Value::Object(stored)) = entity.document(&snapshot.documents, id) else {
        return Err(not_found(entity, id));
    };
    let mut members = Reader::default().read(entity.shape(), body, stored)?;
    members.insert("modifiedDate".to_owned(), based_on);
    let (management, actor, now) = (&asked.qrs.management, asked.actor, (asked.qrs.clock)());
    match entity {
        EntityType::ProxyService => {
            let draft: ProxyService = document_from(members)?;
            management
                .update_proxy_service(actor, id, draft, now)
                .await?;
        }
        EntityType::ServerNodeConfiguration => {
            let draft: ServerNodeConfiguration = document_from(members)?;
            management.update_node(actor, id, draft, now).await?;
        }
        EntityType::VirtualProxyConfig => {
            let draft: VirtualProxyConfig = document_from(members)?;
            management
                .update_virtual_proxy(actor, id, draft, now)
                .await?;
        }
    }
    show(asked, entity, id).map(Answer::Json)
}

/// `DELETE {entity}/{id}`.
pub(super) async fn delete(
    asked: &Asked<'_>,
    entity: EntityType,
    id: Uuid,
) -> Result<Answer, Problem> {
    let (management, actor, now) = (&asked.qrs.management, asked.actor, (asked.qrs.clock)());
    match entity {
        // There is no method for it.
        EntityType::ProxyService => {
            return Err(Problem::method_not_allowed("GET, HEAD, POST, PUT"));
        }
        EntityType::ServerNodeConfiguration => management.delete_node(actor, id, now).await?,
        EntityType::VirtualProxyConfig => management.delete_virtual_proxy(actor, id, now).await?,
    }
    Ok(Answer::Deleted)
}

fn filter(asked: &Asked<'_>, entity: EntityType) -> Result<Option<Bound>, Problem> {
    let text = match asked.query.value("filter")? {
        None | Some("") => return Ok(None),
        Some(text) => text,
    };
    let bound = Filter::parse(text).and_then(|filter| filter.bind(entity.shape()));
    bound.map(Some).map_err(|error| {
        // Clients get what the real system says; whoever looks for the mistake finds it in the log.
        tracing::debug!(%error, "a filter was refused");
        Problem::bad_request(format!("Cannot parse the expression: {text}"))
    })
}

fn matching(
    entity: EntityType,
    snapshot: &Snapshot,
    writer: &mut Writer<'_>,
    filter: Option<&Bound>,
    form: Form,
) -> Vec<Value> {
    let documents = entity.all_documents(&snapshot.documents);
    let written = documents.map(|document| writer.write(entity, document, form));
    written
        .filter(|found| filter.is_none_or(|filter| filter.holds(found)))
        .collect()
}

fn show(asked: &Asked<'_>, entity: EntityType, id: Uuid) -> Result<Value, Problem> {
    let snapshot = asked.qrs.management.snapshot();
    let document = entity
        .document(&snapshot.documents, id)
        .ok_or_else(|| not_found(entity, id))?;
    let mut writer = Writer::new(&snapshot.documents, asked.query.flag("privileges")?);
    Ok(writer.write(entity, document, Form::Full))
}

fn not_found(entity: EntityType, id: Uuid) -> Problem {
    Problem::not_found(format!(
        "There is no {} with the id {id}.",
        entity.shape().name
    ))
}

/// qlik-repo-api sends the proxy service inside of an object of its own, `{"details": {...}}`, when
/// it links a virtual proxy.
fn unwrap_details(entity: EntityType, mut body: Members) -> Members {
    let is_wrapped = entity == EntityType::ProxyService
        && body.len() == 1
        && body.get("details").is_some_and(Value::is_object);
    match is_wrapped.then(|| body.shift_remove("details")).flatten() {
        Some(Value::Object(details)) => details,
        _ => body,
    }
}

/// The id in a body. The nil id, which typed clients send for none, is none.
fn sent_id(body: &Members) -> Result<Option<Uuid>, Problem> {
    let id: Option<Uuid> = match member(body, "id") {
        None | Some(Value::Null) => None,
        Some(id) => match id.as_str().map(str::parse) {
            Some(Ok(id)) => Some(id),
            _ => return Err(wrong_field("id", "is no GUID")),
        },
    };
    Ok(id.filter(|id| !id.is_nil()))
}

/// The version that a change is based on. A missing one stays "never": the use cases say so.
fn sent_date(body: &Members) -> Result<Value, Problem> {
    let date = match member(body, "modifiedDate") {
        None | Some(Value::Null) => jotgate_model::Timestamp::NEVER,
        Some(date) => match date.as_str().map(str::parse) {
            Some(Ok(date)) => date,
            _ => {
                let problem = "is no date like 2026-11-22T08:55:17.372Z";
                return Err(wrong_field("modifiedDate", problem));
            }
        },
    };
    Ok(Value::from(date.to_string()))
}

fn member<'a>(body: &'a Members, name: &str) -> Option<&'a Value> {
    let mut members = body.iter();
    let found = members.find(|(member, _)| member.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

/// What was read property by property is a document. Should it not be, the tables of the wire form
/// and the documents have parted, and nothing is saved.
fn document_from<T: DeserializeOwned>(members: Members) -> Result<T, Problem> {
    serde_json::from_value(Value::Object(members)).map_err(|error| {
        tracing::error!(%error, "an entity passed the tables and is no document");
        ManageError::Unavailable("of an error in Jotgate itself".to_owned()).into()
    })
}

fn wrong_field(field: &str, problem: impl Into<String>) -> Problem {
    let mut errors = FieldErrors::default();
    errors.push(field, problem);
    errors.into()
}
