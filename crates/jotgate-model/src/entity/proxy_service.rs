//! ProxyService: a running gateway, and the virtual proxies that it serves.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::label::references;
use super::{CustomPropertyValue, Metadata};

/// A gateway of the site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProxyService {
    /// Id and dates.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// The machine it runs on.
    pub server_node_configuration: Uuid,
    /// Its settings.
    pub settings: ProxyServiceSettings,
    /// What administrators noted about it.
    pub custom_properties: Vec<CustomPropertyValue>,
    /// The tags, by id.
    #[serde(deserialize_with = "references")]
    pub tags: Vec<Uuid>,
}

/// The settings of a gateway that other programs read. Ports are information here: where Jotgate
/// listens is a setting of the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProxyServiceSettings {
    /// HTTPS.
    pub listen_port: u16,
    /// Whether plain HTTP is served as well.
    pub allow_http: bool,
    /// Plain HTTP.
    pub unencrypted_listen_port: u16,
    /// HTTPS of the authentication module.
    pub authentication_listen_port: u16,
    /// Plain HTTP of the authentication module.
    pub unencrypted_authentication_listen_port: u16,
    /// QPS with client certificates.
    pub rest_listen_port: u16,
    /// Kept for clients that write it.
    pub kerberos_authentication: bool,
    /// Kept for clients that write it.
    pub ssl_browser_certificate_thumbprint: String,
    /// Seconds, 1 to 300.
    pub keep_alive_timeout_seconds: u32,
    /// Bytes, 512 to 131072.
    pub max_header_size_bytes: u32,
    /// Lines, 20 to 1000.
    pub max_header_lines: u32,
    /// Kept for clients that write it.
    pub use_ws_trace: bool,
    /// Minutes.
    pub performance_logging_interval: u32,
    /// Levels of the real system's logs.
    pub log_verbosity: LogVerbosity,
    /// The virtual proxies that this gateway serves, by id: the links.
    pub virtual_proxies: Vec<Uuid>,
    /// Kept for clients that write it.
    pub form_authentication_page_template: String,
    /// Kept for clients that write it.
    pub logged_out_page_template: String,
    /// Kept for clients that write it.
    pub error_page_template: String,
}

impl Default for ProxyServiceSettings {
    fn default() -> Self {
        Self {
            listen_port: 443,
            allow_http: false,
            unencrypted_listen_port: 80,
            authentication_listen_port: 4244,
            unencrypted_authentication_listen_port: 4248,
            rest_listen_port: 4243,
            kerberos_authentication: false,
            ssl_browser_certificate_thumbprint: String::new(),
            keep_alive_timeout_seconds: 10,
            max_header_size_bytes: 16384,
            max_header_lines: 100,
            use_ws_trace: false,
            performance_logging_interval: 5,
            log_verbosity: LogVerbosity::default(),
            virtual_proxies: Vec::new(),
            form_authentication_page_template: String::new(),
            logged_out_page_template: String::new(),
            error_page_template: String::new(),
        }
    }
}

/// Log levels of the real system, 0 (off) to 5: kept for clients that read and write whole entities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogVerbosity {
    /// Audit of activity.
    pub log_verbosity_audit_activity: u8,
    /// Audit of security.
    pub log_verbosity_audit_security: u8,
    /// The service log.
    pub log_verbosity_service: u8,
    /// The audit log.
    pub log_verbosity_audit: u8,
    /// The performance log.
    pub log_verbosity_performance: u8,
    /// The security log.
    pub log_verbosity_security: u8,
    /// The system log.
    pub log_verbosity_system: u8,
}

impl Default for LogVerbosity {
    fn default() -> Self {
        Self {
            log_verbosity_audit_activity: 4,
            log_verbosity_audit_security: 4,
            log_verbosity_service: 4,
            log_verbosity_audit: 4,
            log_verbosity_performance: 4,
            log_verbosity_security: 4,
            log_verbosity_system: 4,
        }
    }
}
