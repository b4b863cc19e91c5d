//! ServerNodeConfiguration: a machine with the backends that run on it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::label::references;
use super::{CustomPropertyValue, Metadata, Opaque, SecretText};
use crate::Timestamp;

/// A machine of the site, and how its services are reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerNodeConfiguration {
    /// Id and dates.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// The display name.
    pub name: String,
    /// The name or address that the gateway connects to.
    pub host_name: String,
    /// Whether this is the central node.
    pub is_central: bool,
    /// 0 production, 1 development, 2 both.
    pub node_purpose: u8,
    /// Whether an engine runs there.
    pub engine_enabled: bool,
    /// Whether a proxy runs there.
    pub proxy_enabled: bool,
    /// Whether a printing service runs there.
    pub printing_enabled: bool,
    /// Whether a scheduler runs there.
    pub scheduler_enabled: bool,
    /// Whether the node can become the central one.
    pub failover_candidate: bool,
    /// Kept for clients that write it.
    pub temporaryfilepath: String,
    /// The service cluster that the node belongs to.
    pub service_cluster: Uuid,
    /// Kept as clients write them.
    pub roles: Vec<Opaque>,
    /// What administrators noted about it.
    pub custom_properties: Vec<CustomPropertyValue>,
    /// The tags, by id.
    #[serde(deserialize_with = "references")]
    pub tags: Vec<Uuid>,
    /// Which backend serves which path below the prefix. Empty: derived from `host_name` with the
    /// real system's ports.
    pub services: Vec<ServiceConfig>,
    /// PEM certificates that sign the backends' certificates, beside the usual ones.
    pub ca_certificate: String,
    /// PEM certificate that the gateway shows to the backends.
    pub client_certificate: String,
    /// PEM private key of `client_certificate`. Written, never returned.
    pub client_key: SecretText,
    /// Whether the node gets no new sessions. Those that are bound to it stay.
    pub draining: bool,
    /// Since when `draining` is set; never while it is not. Filled in by the server.
    pub draining_since: Timestamp,
    /// Connections to each of its services, of the whole process. 0: any number.
    pub max_connections: u32,
}

impl Default for ServerNodeConfiguration {
    fn default() -> Self {
        Self {
            metadata: Metadata::default(),
            name: String::new(),
            host_name: String::new(),
            is_central: false,
            node_purpose: 0,
            engine_enabled: true,
            proxy_enabled: true,
            printing_enabled: false,
            scheduler_enabled: false,
            failover_candidate: false,
            temporaryfilepath: String::new(),
            service_cluster: Uuid::nil(),
            roles: Vec::new(),
            custom_properties: Vec::new(),
            tags: Vec::new(),
            services: Vec::new(),
            ca_certificate: String::new(),
            client_certificate: String::new(),
            client_key: SecretText::default(),
            draining: false,
            draining_since: Timestamp::NEVER,
            max_connections: 0,
        }
    }
}

/// One backend of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceConfig {
    /// The path below the prefix that it serves, by whole segments; `/` for everything.
    pub path: String,
    /// `http://host:port` or `https://host:port`, with an optional path that is put before the request's.
    pub uri: String,
    /// The path that answers 200 while the backend is well. Empty: a connection is proof enough.
    pub health_path: String,
    /// Whether HTTP/2 is spoken: over TLS when the server offers it, in clear text always.
    pub http2: bool,
}
