//! VirtualProxyConfig: how one prefix is authenticated and forwarded.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::label::references;
use super::{CustomPropertyValue, Metadata, Opaque, SecretText};

/// A virtual proxy as an administrator writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VirtualProxyConfig {
    /// Id and dates.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// What administrators noted about it.
    pub custom_properties: Vec<CustomPropertyValue>,
    /// The path segment that leads here; empty for the default virtual proxy only.
    pub prefix: String,
    /// The display name, at most 500 characters.
    pub description: String,
    /// Where an unauthenticated browser navigation is sent.
    pub authentication_module_redirect_uri: String,
    /// External session module (kept; linking is refused).
    pub session_module_base_uri: String,
    /// External load-balancing module (kept; linking is refused).
    pub load_balancing_module_base_uri: String,
    /// Whether a session stays with the node that served it first.
    pub use_sticky_load_balancing: bool,
    /// The nodes to forward to, by id.
    pub load_balancing_server_nodes: Vec<Uuid>,
    /// How the next node is chosen.
    pub load_balancing_algorithm: LoadBalancingAlgorithm,
    /// Kept for clients that write it.
    pub enable_engine_health_check_data: bool,
    /// Kept for clients that write it.
    pub enable_engine_saturation_check: bool,
    /// How users prove who they are.
    pub authentication_method: AuthenticationMethod,
    /// Deprecated in the real system; kept.
    pub header_authentication_mode: HeaderAuthenticationMode,
    /// The header that names the user, for the header methods.
    pub header_authentication_header_name: String,
    /// The directory of the static header method.
    pub header_authentication_static_user_directory: String,
    /// The pattern of the dynamic header method, such as `$ud\\$id`.
    pub header_authentication_dynamic_user_directory: String,
    /// Whether users may come without credentials.
    pub anonymous_access_mode: AnonymousAccess,
    /// Kept for clients that write it.
    pub windows_authentication_enabled_device_pattern: String,
    /// The name of the session cookie.
    pub session_cookie_header_name: String,
    /// The cookie's Domain; empty for a host-only cookie.
    pub session_cookie_domain: String,
    /// Secure on cookies that are set over HTTPS.
    pub has_secure_attribute_https: bool,
    /// SameSite on cookies that are set over HTTPS.
    pub same_site_attribute_https: SameSiteAttribute,
    /// Secure on cookies that are set over plain HTTP.
    pub has_secure_attribute_http: bool,
    /// SameSite on cookies that are set over plain HTTP.
    pub same_site_attribute_http: SameSiteAttribute,
    /// Header lines added to every response, at most 1024 characters.
    pub additional_response_headers: String,
    /// Minutes without a request until a session ends, 1 to 71582.
    pub session_inactivity_timeout: u32,
    /// Whether X-Qlik-Security tells the client's system, browser and address.
    pub extended_security_environment: bool,
    /// Hosts whose pages may open WebSockets and send cross-origin requests.
    pub websocket_cross_origin_white_list: Vec<String>,
    /// Whether this is the one with the empty prefix.
    pub default_virtual_proxy: bool,
    /// The tags, by id.
    #[serde(deserialize_with = "references")]
    pub tags: Vec<Uuid>,

    /// PEM of the certificates and public keys that tokens are checked with.
    pub jwt_public_key_certificate: String,
    /// The claim that names the user, or `[constant]`.
    pub jwt_attribute_user_id: String,
    /// The claim that names the user directory, or `[constant]`.
    pub jwt_attribute_user_directory: String,
    /// The expected `aud`; empty: not compared.
    pub jwt_audience: String,
    /// Which claims become which attributes.
    pub jwt_attribute_map: Vec<AttributeMapItem>,

    /// SAML (kept; linking is refused).
    #[serde(rename = "samlMetadataIdP")]
    pub saml_metadata_id_p: String,
    /// SAML (kept).
    pub saml_host_uri: String,
    /// SAML (kept).
    pub saml_entity_id: String,
    /// SAML (kept).
    pub saml_attribute_user_id: String,
    /// SAML (kept).
    pub saml_attribute_user_directory: String,
    /// SAML (kept).
    pub saml_attribute_signing_algorithm: SamlSigningAlgorithm,
    /// SAML (kept).
    pub saml_attribute_map: Vec<Opaque>,
    /// SAML (kept).
    pub saml_slo: bool,
    /// QMC "Client authentication link host URI".
    pub magic_link_host_uri: String,
    /// QMC "Client authentication link friendly name".
    pub magic_link_friendly_name: String,
    /// OIDC (kept; linking is refused).
    pub oidc_configuration_endpoint_uri: String,
    /// OIDC (kept).
    pub oidc_client_id: String,
    /// OIDC (kept). Written, never returned.
    pub oidc_client_secret: SecretText,
    /// OIDC (kept).
    pub oidc_realm: String,
    /// OIDC (kept).
    pub oidc_attribute_sub: String,
    /// OIDC (kept).
    pub oidc_attribute_name: String,
    /// OIDC (kept).
    pub oidc_attribute_groups: String,
    /// OIDC (kept).
    pub oidc_attribute_email: String,
    /// OIDC (kept).
    pub oidc_attribute_client_id: String,
    /// OIDC (kept).
    pub oidc_attribute_picture: String,
    /// OIDC (kept).
    pub oidc_scope: String,
    /// OIDC (kept).
    pub oidc_attribute_map: Vec<Opaque>,
    /// OIDC (kept).
    pub disable_oidc_optional_attributes_parsing: bool,

    /// Where the issuer publishes its keys.
    pub jwt_jwks_uri: String,
    /// The expected `iss`; with `jwt_discovery` also where the JWKS URI is found.
    pub jwt_issuer: String,
    /// Whether the JWKS URI comes from the issuer's discovery document.
    pub jwt_discovery: bool,
    /// Further issuers, each with its own keys and audience; the other rules are shared.
    pub jwt_issuers: Vec<JwtIssuerConfig>,
    /// The signature algorithms that are accepted.
    pub jwt_algorithms: Vec<String>,
    /// Seconds by which clocks may differ.
    pub jwt_clock_skew_seconds: u32,
    /// Whether a token without `exp` is refused.
    pub jwt_require_expiration: bool,
    /// Longest lifetime of a token in seconds; 0: any.
    pub jwt_max_lifetime_seconds: u32,
    /// Whether a token is accepted once only, by its `jti`.
    pub jwt_single_use: bool,
    /// Claims whose values are masked wherever requests are shown.
    pub private_claims: Vec<String>,
    /// Minutes until a session ends whatever happens; 0: never.
    pub session_max_lifetime: u32,
    /// Whether a session ends with the `exp` of its token.
    pub session_ends_with_token: bool,
    /// Sessions that a user may have here; 0: any number.
    pub max_sessions_per_user: u32,
    /// 0: origin check only; 1: WebSockets need the `qlik-csrf-token` as well.
    pub csrf_protection: u8,
    /// Whether the cookie is Partitioned (CHIPS).
    pub cookie_partitioned: bool,
    /// Origins that may read answers across sites.
    pub cors_allowed_origins: Vec<String>,
    /// Whether roles count through this virtual proxy.
    pub allow_administration: bool,
    /// Which users are let in; empty: everybody who authenticates.
    pub access_rule: String,
    /// User directories that only this virtual proxy, and others that list them, may assert.
    pub bound_user_directories: Vec<String>,
    /// The addresses and networks that may send the header of the header methods.
    pub header_authentication_trusted_addresses: Vec<String>,
    /// Requests per second in all; 0: any number.
    pub requests_per_second: u32,
    /// Requests per second of one user; 0: any number.
    pub requests_per_second_per_user: u32,
    /// Requests that are served at the same time; 0: any number.
    pub max_requests_in_flight: u32,
    /// Open WebSockets of one session; 0: any number.
    pub max_sockets_per_session: u32,
    /// Headers that backends get beside the identity headers.
    pub backend_headers: Vec<BackendHeaderConfig>,
}

impl Default for VirtualProxyConfig {
    #[rustfmt::skip] // a table
    fn default() -> Self {
        let text = String::new;
        Self {
            metadata: Metadata::default(),
            custom_properties: Vec::new(),
            prefix: text(),
            description: text(),
            authentication_module_redirect_uri: text(),
            session_module_base_uri: text(),
            load_balancing_module_base_uri: text(),
            use_sticky_load_balancing: false,
            load_balancing_server_nodes: Vec::new(),
            load_balancing_algorithm: LoadBalancingAlgorithm::RoundRobin,
            enable_engine_health_check_data: false,
            enable_engine_saturation_check: false,
            authentication_method: AuthenticationMethod::Ticket,
            header_authentication_mode: HeaderAuthenticationMode::NotAllowed,
            header_authentication_header_name: text(),
            header_authentication_static_user_directory: text(),
            header_authentication_dynamic_user_directory: text(),
            anonymous_access_mode: AnonymousAccess::NoAnonymousUser,
            windows_authentication_enabled_device_pattern: "Windows".to_owned(),
            session_cookie_header_name: text(),
            session_cookie_domain: text(),
            has_secure_attribute_https: true,
            same_site_attribute_https: SameSiteAttribute::Lax,
            has_secure_attribute_http: false,
            same_site_attribute_http: SameSiteAttribute::NoAttribute,
            additional_response_headers: text(),
            session_inactivity_timeout: 30,
            extended_security_environment: false,
            websocket_cross_origin_white_list: Vec::new(),
            default_virtual_proxy: false,
            tags: Vec::new(),
            jwt_public_key_certificate: text(),
            jwt_attribute_user_id: text(),
            jwt_attribute_user_directory: text(),
            jwt_audience: text(),
            jwt_attribute_map: Vec::new(),
            saml_metadata_id_p: text(),
            saml_host_uri: text(),
            saml_entity_id: text(),
            saml_attribute_user_id: text(),
            saml_attribute_user_directory: text(),
            saml_attribute_signing_algorithm: SamlSigningAlgorithm::Sha1,
            saml_attribute_map: Vec::new(),
            saml_slo: false,
            magic_link_host_uri: text(),
            magic_link_friendly_name: text(),
            oidc_configuration_endpoint_uri: text(),
            oidc_client_id: text(),
            oidc_client_secret: SecretText::default(),
            oidc_realm: text(),
            oidc_attribute_sub: text(),
            oidc_attribute_name: text(),
            oidc_attribute_groups: text(),
            oidc_attribute_email: text(),
            oidc_attribute_client_id: text(),
            oidc_attribute_picture: text(),
            oidc_scope: text(),
            oidc_attribute_map: Vec::new(),
            disable_oidc_optional_attributes_parsing: false,
            jwt_jwks_uri: text(),
            jwt_issuer: text(),
            jwt_discovery: false,
            jwt_issuers: Vec::new(),
            jwt_algorithms: ["RS256", "RS384", "RS512"].map(str::to_owned).to_vec(),
            jwt_clock_skew_seconds: 60,
            jwt_require_expiration: false,
            jwt_max_lifetime_seconds: 0,
            jwt_single_use: false,
            private_claims: Vec::new(),
            session_max_lifetime: 0,
            session_ends_with_token: false,
            max_sessions_per_user: 0,
            csrf_protection: 0,
            cookie_partitioned: false,
            cors_allowed_origins: Vec::new(),
            allow_administration: false,
            access_rule: text(),
            bound_user_directories: Vec::new(),
            header_authentication_trusted_addresses: Vec::new(),
            requests_per_second: 0,
            requests_per_second_per_user: 0,
            max_requests_in_flight: 0,
            max_sockets_per_session: 0,
            backend_headers: Vec::new(),
        }
    }
}

/// A row of the attribute mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AttributeMapItem {
    /// Id and dates.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// The claim in the token, 1 to 255 characters.
    pub jwt_attribute: String,
    /// The name that backends know, 1 to 255 characters.
    pub sense_attribute: String,
    /// Whether a token without the claim is refused.
    pub is_mandatory: bool,
}

/// A further issuer: tokens with this `iss` are judged with these keys and this audience.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JwtIssuerConfig {
    /// The `iss`, compared letter by letter; with `discovery` also where the JWKS URI is found.
    pub issuer: String,
    /// The expected `aud`; empty: not compared.
    pub audience: String,
    /// Where the issuer publishes its keys.
    pub jwks_uri: String,
    /// Whether the JWKS URI comes from the issuer's discovery document.
    pub discovery: bool,
    /// PEM of the certificates and public keys that its tokens are checked with.
    pub public_key_certificate: String,
}

/// A header that backends get, made from the identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BackendHeaderConfig {
    /// The header's name.
    pub name: String,
    /// Text with `{userId}`, `{userDirectory}` and `{attribute.NAME}`.
    pub value: String,
}

/// Declares an enumeration with the real system's numbers: the names are stored, QRS shows numbers.
macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* $variant = $number,)+ }

        impl $name {
            /// Number and name of each value, as QRS enumerates them.
            pub const NAMES: &[(u8, &str)] = &[$(($number, stringify!($variant)),)+];
        }
    };
}
numbered! {
    /// How users prove who they are.
    AuthenticationMethod {
        /// A one-time ticket from the QPS interface.
        Ticket = 0,
        /// A trusted header names the user; the directory is fixed.
        HeaderStaticUserDirectory = 1,
        /// A trusted header names user and directory.
        HeaderDynamicUserDirectory = 2,
        /// SAML: stored, not served.
        SAML = 3,
        /// A signed token.
        JWT = 4,
        /// OpenID Connect: stored, not served.
        OIDC = 5,
    }
}

numbered! {
    /// Whether users may come without credentials.
    AnonymousAccess {
        /// Identity and credentials are required.
        NoAnonymousUser = 0,
        /// Without credentials a user is anonymous, and may sign in later.
        AllowAnonymous = 1,
        /// Everybody is anonymous.
        AlwaysAnonymous = 2,
    }
}

numbered! {
    /// Deprecated in the real system; kept.
    HeaderAuthenticationMode {
        /// No header authentication.
        NotAllowed = 0,
        /// Fixed directory.
        StaticUserDirectory = 1,
        /// Directory from the header.
        DynamicUserDirectory = 2,
        /// Not set.
        Undefined = 3,
    }
}

numbered! {
    /// The SameSite attribute of a cookie (RFC 6265bis section 4.1.2.7).
    SameSiteAttribute {
        /// Left out: the browser decides.
        NoAttribute = 0,
        /// `SameSite=None`.
        None = 1,
        /// `SameSite=Lax`.
        Lax = 2,
        /// `SameSite=Strict`.
        Strict = 3,
    }
}

numbered! {
    /// SAML (kept).
    SamlSigningAlgorithm {
        /// SHA-1.
        Sha1 = 0,
        /// SHA-256.
        Sha256 = 1,
    }
}

numbered! {
    /// How the next node is chosen.
    LoadBalancingAlgorithm {
        /// One after the other.
        RoundRobin = 0,
        /// Kept; served as round robin.
        MemoryAllocation = 1,
        /// The node with the fewest requests. Jotgate's own.
        LeastRequests = 2,
    }
}
