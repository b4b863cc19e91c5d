//! Documents: the configuration as it is stored, edited and exported.
//!
//! Field names, limits and defaults are those of Qlik's interface description QRS 38.22.0 with the
//! properties that Jotgate adds. Two things differ from the wire form, which `jotgate-api` makes:
//! enumerations are names here and numbers there, and references are ids here and objects there.
//! Unknown fields are dropped when a document is read, missing ones get their default: two adjacent
//! versions can share a database.

mod label;
mod node;
mod proxy_service;
mod virtual_proxy;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use label::{CustomPropertyDefinition, CustomPropertyValue, Tag};
pub use node::{ServerNodeConfiguration, ServiceConfig};
pub use proxy_service::{LogVerbosity, ProxyService, ProxyServiceSettings};
pub use virtual_proxy::{
    AnonymousAccess, AttributeMapItem, AuthenticationMethod, BackendHeaderConfig,
    HeaderAuthenticationMode, JwtIssuerConfig, LoadBalancingAlgorithm, SameSiteAttribute,
    SamlSigningAlgorithm, VirtualProxyConfig,
};

use crate::Timestamp;

/// What every document has: its id, and who changed it when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// The id, made by the server unless the creator names one.
    pub id: Uuid,
    /// When it was created.
    pub created_date: Timestamp,
    /// When it was last changed: the version that a change must be based on.
    pub modified_date: Timestamp,
    /// `DIRECTORY\user` of whoever changed it last.
    pub modified_by_user_name: String,
}

/// Text that is written and never shown: `Debug` leaves it out, and so does every answer.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(pub String);

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl std::ops::Deref for SecretText {
    type Target = String;

    fn deref(&self) -> &String {
        &self.0
    }
}

impl std::ops::DerefMut for SecretText {
    fn deref_mut(&mut self) -> &mut String {
        &mut self.0
    }
}

impl<T: Into<String>> From<T> for SecretText {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

/// Something that is kept as clients write it: for those that read and write whole entities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Opaque(pub serde_json::Value);
