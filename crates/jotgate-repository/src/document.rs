//! Documents and changes in the form in which they are stored.

use std::fmt;
use std::sync::Arc;

use jotgate_model::entity::{Metadata, ProxyService, ServerNodeConfiguration, VirtualProxyConfig};
use jotgate_model::{Documents, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::RepositoryError;

/// What kind of thing a document describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A machine with backends.
    Node,
    /// A gateway.
    ProxyService,
    /// A prefix and how it is authenticated.
    VirtualProxy,
}

impl Kind {
    /// The name that is stored: the one of the QRS entity.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "ServerNodeConfiguration",
            Self::ProxyService => "ProxyService",
            Self::VirtualProxy => "VirtualProxyConfig",
        }
    }

    /// The kind of that exact name. A name that a newer version has written is unknown here.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Node, Self::ProxyService, Self::VirtualProxy]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// Writes the words that administrators use.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node => "node",
            Self::ProxyService => "proxy service",
            Self::VirtualProxy => "virtual proxy",
        })
    }
}

/// A document of any kind. Shared, so that a copy costs nothing.
#[derive(Clone, PartialEq)]
pub enum Document {
    /// A machine with backends.
    Node(Arc<ServerNodeConfiguration>),
    /// A gateway.
    ProxyService(Arc<ProxyService>),
    /// A prefix and how it is authenticated.
    VirtualProxy(Arc<VirtualProxyConfig>),
}

impl Document {
    /// What it describes.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Node(_) => Kind::Node,
            Self::ProxyService(_) => Kind::ProxyService,
            Self::VirtualProxy(_) => Kind::VirtualProxy,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.metadata().id
    }

    /// Its id and dates.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        match self {
            Self::Node(document) => &document.metadata,
            Self::ProxyService(document) => &document.metadata,
            Self::VirtualProxy(document) => &document.metadata,
        }
    }

    /// Its id and dates, to change them. Copies a document that is shared.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        match self {
            Self::Node(document) => &mut Arc::make_mut(document).metadata,
            Self::ProxyService(document) => &mut Arc::make_mut(document).metadata,
            Self::VirtualProxy(document) => &mut Arc::make_mut(document).metadata,
        }
    }

    /// The text that is stored.
    pub(crate) fn encode(&self) -> Result<String, RepositoryError> {
        fn text<T: Serialize>(document: &T) -> Result<String, serde_json::Error> {
            serde_json::to_string(document)
        }
        let encoded = match self {
            Self::Node(document) => text(&**document),
            Self::ProxyService(document) => text(&**document),
            Self::VirtualProxy(document) => text(&**document),
        };
        encoded.map_err(|error| damaged(self.kind(), &self.id().to_string(), &error))
    }

    /// Reads what is stored under `kind` and `id`.
    pub(crate) fn decode(kind: Kind, id: &str, json: &str) -> Result<Self, RepositoryError> {
        fn parse<T: DeserializeOwned>(json: &str) -> Result<Arc<T>, serde_json::Error> {
            serde_json::from_str(json).map(Arc::new)
        }
        let document = match kind {
            Kind::Node => parse(json).map(Self::Node),
            Kind::ProxyService => parse(json).map(Self::ProxyService),
            Kind::VirtualProxy => parse(json).map(Self::VirtualProxy),
        }
        .map_err(|error| damaged(kind, id, &error))?;
        if document.id().to_string() != id {
            return Err(damaged(kind, id, &"it contains another id"));
        }
        Ok(document)
    }

    pub(crate) fn insert_into(self, documents: &mut Documents) {
        let id = self.id();
        match self {
            Self::Node(document) => {
                documents.nodes.insert(id, document);
            }
            Self::ProxyService(document) => {
                documents.proxy_services.insert(id, document);
            }
            Self::VirtualProxy(document) => {
                documents.virtual_proxies.insert(id, document);
            }
        }
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
                Kind::Node => {
                    documents.nodes.remove(id);
                }
                Kind::ProxyService => {
                    documents.proxy_services.remove(id);
                }
                Kind::VirtualProxy => {
                    documents.virtual_proxies.remove(id);
                }
            },
        }
    }
}

/// What one save does, and who did it when and why.
#[derive(Clone, Debug)]
pub struct ChangeSet {
    /// In this order.
    pub changes: Vec<Change>,
    /// `DIRECTORY\user`, or what else stands for the author.
    pub author: String,
    /// One line for the list of revisions.
    pub note: String,
    /// When.
    pub at: Timestamp,
}

fn damaged(kind: Kind, id: &str, problem: &dyn fmt::Display) -> RepositoryError {
    RepositoryError::Damaged {
        kind,
        id: id.to_owned(),
        problem: problem.to_string(),
    }
}
