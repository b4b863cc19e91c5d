//! The entities: finding, creating, changing and deleting them. `list.rs` has those of many.

use jotgate_manage::{Document, Kind as DocumentKind, ManageError};
use jotgate_model::{Documents, FieldErrors};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::list::no_json;
use super::sent::{sent_date, sent_id, unwrap_details};
use super::wire::{
    CUSTOM_PROPERTY_DEFINITION, Form, PROXY_SERVICE, Reader, SERVER_NODE_CONFIGURATION,
    SERVICE_CLUSTER, SERVICE_STATUS, Shape, TAG, TextWriter, USER, VIRTUAL_PROXY_CONFIG, Writer,
    privileges,
};
use super::{Asked, computed, users};
use crate::answer::Answer;
use crate::problem::Problem;

pub(super) type Members = Map<String, Value>;

/// The types of entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntityType {
    /// A property that administrators invented.
    CustomPropertyDefinition,
    /// A running gateway. There is one for each, so that nobody creates or deletes them here.
    ProxyService,
    /// A machine with backends.
    ServerNodeConfiguration,
    /// The cluster of all machines: only read.
    ServiceCluster,
    /// Whether services run: only read.
    ServiceStatus,
    /// A word that entities are marked with.
    Tag,
    /// Somebody who has signed in, or whom an administrator has named.
    User,
    /// A prefix.
    VirtualProxyConfig,
}

impl EntityType {
    /// All of them.
    pub(super) const ALL: [Self; 8] = [
        Self::CustomPropertyDefinition,
        Self::ProxyService,
        Self::ServerNodeConfiguration,
        Self::ServiceCluster,
        Self::ServiceStatus,
        Self::Tag,
        Self::User,
        Self::VirtualProxyConfig,
    ];

    /// The type of that name, in any case.
    pub(super) fn from_segment(segment: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|entity| entity.shape().name.eq_ignore_ascii_case(segment))
    }

    /// What it looks like.
    pub(super) fn shape(self) -> &'static Shape {
        match self {
            Self::CustomPropertyDefinition => &CUSTOM_PROPERTY_DEFINITION,
            Self::ProxyService => &PROXY_SERVICE,
            Self::ServerNodeConfiguration => &SERVER_NODE_CONFIGURATION,
            Self::ServiceCluster => &SERVICE_CLUSTER,
            Self::ServiceStatus => &SERVICE_STATUS,
            Self::Tag => &TAG,
            Self::User => &USER,
            Self::VirtualProxyConfig => &VIRTUAL_PROXY_CONFIG,
        }
    }

    /// What it is stored as; nothing for users, which are no part of the configuration, and for what
    /// follows from the rest of the site and is only read.
    pub(super) const fn kind(self) -> Option<DocumentKind> {
        match self {
            Self::CustomPropertyDefinition => Some(DocumentKind::CustomProperty),
            Self::ProxyService => Some(DocumentKind::ProxyService),
            Self::ServerNodeConfiguration => Some(DocumentKind::Node),
            Self::ServiceCluster | Self::ServiceStatus | Self::User => None,
            Self::Tag => Some(DocumentKind::Tag),
            Self::VirtualProxyConfig => Some(DocumentKind::VirtualProxy),
        }
    }

    /// Whether there is a POST for it.
    pub(super) const fn can_be_created(self) -> bool {
        matches!(self, Self::User) || self.is_edited_together()
    }

    /// Whether several of them are made or deleted in one save. Users are changed one by one.
    pub(super) const fn is_edited_together(self) -> bool {
        self.kind().is_some() && !matches!(self, Self::ProxyService)
    }

    /// Whether one of them belongs to the machine that this process runs on.
    pub(super) const fn has_local(self) -> bool {
        matches!(self, Self::ProxyService | Self::ServerNodeConfiguration)
    }

    pub(super) fn document(self, documents: &Documents, id: Uuid) -> Option<Document> {
        Document::find(documents, self.kind()?, id)
    }
}

/// `GET {entity}/local`: of the machine that this process runs on.
pub(super) async fn local(asked: &Asked<'_>, entity: EntityType) -> Result<Answer, Problem> {
    let snapshot = asked.qrs.management.snapshot();
    let proxy = snapshot.documents.proxy_services.get(&snapshot.proxy_id);
    let id = match entity {
        EntityType::ServerNodeConfiguration => proxy.map(|proxy| proxy.server_node_configuration),
        _ => proxy.map(|proxy| proxy.metadata.id),
    };
    find(asked, entity, id.unwrap_or_default()).await
}

/// `GET {entity}/{id}`.
pub(super) async fn find(
    asked: &Asked<'_>,
    entity: EntityType,
    id: Uuid,
) -> Result<Answer, Problem> {
    match entity {
        EntityType::User => users::find(asked, id).await.map(Answer::Json),
        _ => show(asked, entity, id).await,
    }
}

/// `POST {entity}`.
pub(super) async fn create(
    asked: &Asked<'_>,
    entity: EntityType,
    body: Members,
) -> Result<Answer, Problem> {
    if entity == EntityType::User {
        return users::create(asked, body).await.map(Answer::Created);
    }
    let created = create_all(asked, entity, vec![draft(entity, body)?]).await?;
    Ok(Answer::Created(
        created.into_iter().next().unwrap_or_default(),
    ))
}

/// `POST {entity}/many`: all of them or none.
pub(super) async fn create_many(
    asked: &Asked<'_>,
    entity: EntityType,
    bodies: Vec<Members>,
) -> Result<Answer, Problem> {
    let drafts = bodies.into_iter().map(|body| draft(entity, body));
    let drafts = drafts.collect::<Result<Vec<_>, _>>()?;
    Ok(Answer::Created(
        create_all(asked, entity, drafts).await?.into(),
    ))
}

async fn create_all(
    asked: &Asked<'_>,
    entity: EntityType,
    drafts: Vec<Document>,
) -> Result<Vec<Value>, Problem> {
    let (management, actor, now) = (&asked.qrs.management, asked.actor, (asked.qrs.clock)());
    let created = management.create_documents(actor, drafts, now).await?;
    let snapshot = management.snapshot();
    let mut writer = Writer::new(&snapshot.documents, asked.privileges()?);
    let written = created
        .iter()
        .map(|created| writer.write(entity, created, Form::Full));
    Ok(written.collect())
}

/// What a body describes, as a new document.
pub(super) fn draft(entity: EntityType, body: Members) -> Result<Document, Problem> {
    let id = sent_id(&body)?.unwrap_or_default();
    let mut members = Reader::default().read(entity.shape(), body, Members::new())?;
    members.insert("id".to_owned(), Value::from(id.to_string()));
    document_from(entity, members)
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
    if entity == EntityType::User {
        let changed = users::update(asked, id, body, based_on).await;
        return changed.map(Answer::Json);
    }
    let snapshot = asked.qrs.management.snapshot();
    let stored = entity
        .document(&snapshot.documents, id)
        .ok_or_else(|| not_found(entity, id))?;
    let draft = merged(entity, body, &stored, Value::from(based_on.to_string()))?;
    let (management, actor, now) = (&asked.qrs.management, asked.actor, (asked.qrs.clock)());
    management.update_documents(actor, vec![draft], now).await?;
    show(asked, entity, id).await
}

/// What a body makes of a stored document, based on the version of that date.
pub(super) fn merged(
    entity: EntityType,
    body: Members,
    stored: &Document,
    based_on: Value,
) -> Result<Document, Problem> {
    let Value::Object(stored) = stored.to_value() else {
        return Err(not_found(entity, stored.id()));
    };
    let mut members = Reader::default().read(entity.shape(), body, stored)?;
    members.insert("modifiedDate".to_owned(), based_on);
    document_from(entity, members)
}

/// `DELETE {entity}/{id}`.
pub(super) async fn delete(
    asked: &Asked<'_>,
    entity: EntityType,
    ids: Vec<Uuid>,
) -> Result<Answer, Problem> {
    let (management, actor, now) = (&asked.qrs.management, asked.actor, (asked.qrs.clock)());
    if entity == EntityType::User {
        for id in ids {
            management.delete_user(actor, id, now).await?;
        }
        return Ok(Answer::Deleted);
    }
    // There is no method for others.
    let kind = entity
        .kind()
        .ok_or_else(|| Problem::method_not_allowed("GET, HEAD"))?;
    management.delete_documents(actor, kind, ids, now).await?;
    Ok(Answer::Deleted)
}

async fn show(asked: &Asked<'_>, entity: EntityType, id: Uuid) -> Result<Answer, Problem> {
    let gateways = computed::gateways(asked.qrs, entity).await;
    let snapshot = asked.qrs.management.snapshot();
    let mut writer = Writer::new(&snapshot.documents, asked.privileges()?);
    if let Some(document) = entity.document(&snapshot.documents, id) {
        let mut text = Vec::new();
        let mut writer = TextWriter::new(&mut writer, entity, Form::Full);
        let written = writer.write(&document, &mut text);
        written.map_err(|error| no_json(&error))?;
        return Ok(Answer::Text(text));
    }
    let computed = computed::all(entity, &snapshot, &mut writer, &gateways);
    let mut computed = computed.into_iter();
    let found = computed.find(|found| found["id"].as_str() == Some(&id.to_string()));
    found.map(Answer::Json).ok_or_else(|| not_found(entity, id))
}

/// `{entity}/previewcreateprivilege`: whether the caller may create what the body describes.
pub(super) fn may_create(
    asked: &Asked<'_>,
    entity: EntityType,
    body: Members,
) -> Result<Answer, Problem> {
    match entity {
        EntityType::User => users::draft(body).map(drop)?,
        _ => draft(entity, body).map(drop)?,
    }
    let allowed = privileges(entity, asked.actor.privilege);
    Ok(Answer::Created(allowed.contains(&"create").into()))
}

/// `{entity}/previewprivileges`: what the caller may do with what the body describes.
pub(super) fn preview_privileges(asked: &Asked<'_>, entity: EntityType) -> Answer {
    Answer::Created(json!(privileges(entity, asked.actor.privilege)))
}

pub(super) fn not_found(entity: EntityType, id: Uuid) -> Problem {
    Problem::not_found(format!(
        "There is no {} with the id {id}.",
        entity.shape().name
    ))
}

/// What was read property by property is a document. Should it not be, the tables of the wire form
/// and the documents have parted, and nothing is saved.
fn document_from(entity: EntityType, members: Members) -> Result<Document, Problem> {
    // There is no method for others.
    let kind = entity
        .kind()
        .ok_or_else(|| Problem::method_not_allowed("GET, HEAD"))?;
    Document::from_value(kind, Value::Object(members)).map_err(|error| {
        tracing::error!(%error, "an entity passed the tables and is no document");
        ManageError::Unavailable("of an error in Jotgate itself".to_owned()).into()
    })
}

pub(super) fn wrong_field(field: &str, problem: impl Into<String>) -> Problem {
    let mut errors = FieldErrors::default();
    errors.push(field, problem);
    errors.into()
}
