//! Documents and changes in the form in which they are stored.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jotgate_model::entity::{
    CustomPropertyDefinition, Metadata, ProxyService, ServerNodeConfiguration, Tag,
    VirtualProxyConfig,
};
use jotgate_model::{Documents, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use crate::{AuditActor, RepositoryError};

/// What kind of thing a document describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A property that administrators invented.
    CustomProperty,
    /// A machine with backends.
    Node,
    /// A gateway.
    ProxyService,
    /// A word that entities are marked with.
    Tag,
    /// A prefix and how it is authenticated.
    VirtualProxy,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::CustomProperty,
        Self::Node,
        Self::ProxyService,
        Self::Tag,
        Self::VirtualProxy,
    ];

    /// The name that is stored: the one of the QRS entity.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CustomProperty => "CustomPropertyDefinition",
            Self::Node => "ServerNodeConfiguration",
            Self::ProxyService => "ProxyService",
            Self::Tag => "Tag",
            Self::VirtualProxy => "VirtualProxyConfig",
        }
    }

    /// The kind of that exact name. A name that a newer version has written is unknown here.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Writes the words that administrators use.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CustomProperty => "custom property",
            Self::Node => "node",
            Self::ProxyService => "proxy service",
            Self::Tag => "tag",
            Self::VirtualProxy => "virtual proxy",
        })
    }
}

/// A document of any kind. Shared, so that a copy costs nothing.
// `Eq` as well: two that share one `Arc` are then not looked into.
#[derive(Clone, PartialEq, Eq)]
pub enum Document {
    /// A property that administrators invented.
    CustomProperty(Arc<CustomPropertyDefinition>),
    /// A machine with backends.
    Node(Arc<ServerNodeConfiguration>),
    /// A gateway.
    ProxyService(Arc<ProxyService>),
    /// A word that entities are marked with.
    Tag(Arc<Tag>),
    /// A prefix and how it is authenticated.
    VirtualProxy(Arc<VirtualProxyConfig>),
}

/// The same expression for a document of whatever kind.
macro_rules! of_any_kind {
    ($on:expr, $document:ident => $expression:expr) => {
        match $on {
            Document::CustomProperty($document) => $expression,
            Document::Node($document) => $expression,
            Document::ProxyService($document) => $expression,
            Document::Tag($document) => $expression,
            Document::VirtualProxy($document) => $expression,
        }
    };
}

impl Document {
    /// The document of that kind and id among `documents`.
    #[must_use]
    pub fn find(documents: &Documents, kind: Kind, id: Uuid) -> Option<Self> {
        match kind {
            Kind::CustomProperty => found(&documents.custom_properties, id, Self::CustomProperty),
            Kind::Node => found(&documents.nodes, id, Self::Node),
            Kind::ProxyService => found(&documents.proxy_services, id, Self::ProxyService),
            Kind::Tag => found(&documents.tags, id, Self::Tag),
            Kind::VirtualProxy => found(&documents.virtual_proxies, id, Self::VirtualProxy),
        }
    }

    /// Every document of one kind among `documents`, by id.
    pub fn all_of(documents: &Documents, kind: Kind) -> Box<dyn Iterator<Item = Self> + '_> {
        match kind {
            Kind::CustomProperty => wrapped(&documents.custom_properties, Self::CustomProperty),
            Kind::Node => wrapped(&documents.nodes, Self::Node),
            Kind::ProxyService => wrapped(&documents.proxy_services, Self::ProxyService),
            Kind::Tag => wrapped(&documents.tags, Self::Tag),
            Kind::VirtualProxy => wrapped(&documents.virtual_proxies, Self::VirtualProxy),
        }
    }

    /// Every document of every kind among `documents`, in a fixed order.
    pub fn all(documents: &Documents) -> impl Iterator<Item = Self> {
        let kinds = Kind::ALL.into_iter();
        kinds.flat_map(|kind| Self::all_of(documents, kind))
    }

    /// A document of that kind in which nothing is set.
    #[must_use]
    pub fn default_of(kind: Kind) -> Self {
        match kind {
            Kind::CustomProperty => Self::CustomProperty(Arc::default()),
            Kind::Node => Self::Node(Arc::default()),
            Kind::ProxyService => Self::ProxyService(Arc::default()),
            Kind::Tag => Self::Tag(Arc::default()),
            Kind::VirtualProxy => Self::VirtualProxy(Arc::default()),
        }
    }

    /// What it describes.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::CustomProperty(_) => Kind::CustomProperty,
            Self::Node(_) => Kind::Node,
            Self::ProxyService(_) => Kind::ProxyService,
            Self::Tag(_) => Kind::Tag,
            Self::VirtualProxy(_) => Kind::VirtualProxy,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.metadata().id
    }

    /// What people call it; a proxy service has no name but its id.
    #[must_use]
    pub fn display_name(&self) -> String {
        match self {
            Self::CustomProperty(document) => document.name.clone(),
            Self::Node(document) => document.name.clone(),
            Self::ProxyService(document) => document.metadata.id.to_string(),
            Self::Tag(document) => document.name.clone(),
            Self::VirtualProxy(document) => document.description.clone(),
        }
    }

    /// Its id and dates.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        of_any_kind!(self, document => &document.metadata)
    }

    /// Its id and dates, to change them. Copies a document that is shared.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        of_any_kind!(self, document => &mut Arc::make_mut(document).metadata)
    }

    /// The document as JSON, secrets included.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let value = serde_json::to_value(self);
        // Nothing in a document can fail to serialise; should it ever, it shows nothing rather than
        // half of itself.
        value.unwrap_or_default()
    }

    /// A document from JSON. Unknown members are ignored, missing ones get their default.
    ///
    /// # Errors
    /// A member has the wrong type.
    pub fn from_value(kind: Kind, value: Value) -> Result<Self, serde_json::Error> {
        fn parse<T: DeserializeOwned>(value: Value) -> Result<Arc<T>, serde_json::Error> {
            serde_json::from_value(value).map(Arc::new)
        }
        match kind {
            Kind::CustomProperty => parse(value).map(Self::CustomProperty),
            Kind::Node => parse(value).map(Self::Node),
            Kind::ProxyService => parse(value).map(Self::ProxyService),
            Kind::Tag => parse(value).map(Self::Tag),
            Kind::VirtualProxy => parse(value).map(Self::VirtualProxy),
        }
    }

    /// The text that is stored.
    pub(crate) fn encode(&self) -> Result<String, RepositoryError> {
        let encoded = serde_json::to_string(self);
        encoded.map_err(|error| damaged(self.kind(), &self.id().to_string(), &error))
    }

    /// Reads what is stored under `kind` and `id`.
    pub(crate) fn decode(kind: Kind, id: &str, json: &str) -> Result<Self, RepositoryError> {
        let document = serde_json::from_str(json)
            .and_then(|value| Self::from_value(kind, value))
            .map_err(|error| damaged(kind, id, &error))?;
        if document.id().to_string() != id {
            return Err(damaged(kind, id, &"it contains another id"));
        }
        Ok(document)
    }

    pub(crate) fn insert_into(self, documents: &mut Documents) {
        let id = self.id();
        // What was there before is dropped.
        match self {
            Self::CustomProperty(document) => {
                drop(documents.custom_properties.insert(id, document));
            }
            Self::Node(document) => drop(documents.nodes.insert(id, document)),
            Self::ProxyService(document) => drop(documents.proxy_services.insert(id, document)),
            Self::Tag(document) => drop(documents.tags.insert(id, document)),
            Self::VirtualProxy(document) => drop(documents.virtual_proxies.insert(id, document)),
        }
    }
}

fn wrapped<'a, T: 'a>(
    among: &'a BTreeMap<Uuid, Arc<T>>,
    wrap: impl Fn(Arc<T>) -> Document + 'a,
) -> Box<dyn Iterator<Item = Document> + 'a> {
    Box::new(among.values().cloned().map(wrap))
}

fn found<T>(
    among: &BTreeMap<Uuid, Arc<T>>,
    id: Uuid,
    wrap: impl Fn(Arc<T>) -> Document,
) -> Option<Document> {
    among.get(&id).cloned().map(wrap)
}

/// As JSON has it, secrets included.
impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        of_any_kind!(self, document => document.serialize(serializer))
    }
}

/// Leaves the contents out: documents hold private keys and client secrets.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind().name(), self.id())
    }
}

/// One change of one document.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Removes a document. Nothing happens when there is none.
    Delete {
        /// Of this kind.
        kind: Kind,
        /// With this id.
        id: Uuid,
    },
    /// Creates a document, or replaces the one of the same kind and id.
    Put(Document),
}

impl Change {
    /// The kind of the document that it changes.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Delete { kind, .. } => *kind,
            Self::Put(document) => document.kind(),
        }
    }

    /// The id of the document that it changes.
    #[must_use]
    pub fn id(&self) -> Uuid {
        match self {
            Self::Delete { id, .. } => *id,
            Self::Put(document) => document.id(),
        }
    }

    /// Does to documents in memory what [`crate::Repository::apply`] does to the stored ones.
    pub fn apply_to(&self, documents: &mut Documents) {
        match self {
            Self::Put(document) => document.clone().insert_into(documents),
            Self::Delete { kind, id } => match kind {
                Kind::CustomProperty => drop(documents.custom_properties.remove(id)),
                Kind::Node => drop(documents.nodes.remove(id)),
                Kind::ProxyService => drop(documents.proxy_services.remove(id)),
                Kind::Tag => drop(documents.tags.remove(id)),
                Kind::VirtualProxy => drop(documents.virtual_proxies.remove(id)),
            },
        }
    }
}

/// What one save does, and who did it when and why.
#[derive(Clone, Debug)]
pub struct ChangeSet {
    /// In this order.
    pub changes: Vec<Change>,
    /// Who.
    pub author: AuditActor,
    /// One line for the list of revisions.
    pub note: String,
    /// When.
    pub at: Timestamp,
}

pub(crate) fn damaged(kind: Kind, id: &str, problem: &dyn fmt::Display) -> RepositoryError {
    RepositoryError::Damaged {
        kind,
        id: id.to_owned(),
        problem: problem.to_string(),
    }
}
