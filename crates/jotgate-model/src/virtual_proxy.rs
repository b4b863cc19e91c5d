//! A virtual proxy in the form that requests are judged by.

mod parse;

use http::header::{HeaderName, HeaderValue};
use uuid::Uuid;

use crate::entity::{AnonymousAccess, SameSiteAttribute};
use crate::{AccessRule, CookieName, FieldErrors, HostPattern, Network, Origin, Prefix};

/// One prefix: who may come in, how, and where requests go.
#[derive(Clone, Debug)]
pub struct VirtualProxy {
    /// The id of its document.
    pub id: Uuid,
    /// The snapshot revision in which it last changed: part of the key of everything cached for it.
    pub revision: u64,
    /// The path segment that leads here.
    pub prefix: Prefix,
    /// The same with its slash, as backends are told what was cut off the path; nothing for none.
    pub prefix_header: Option<HeaderValue>,
    /// The display name.
    pub description: Box<str>,
    /// Whether it takes what no prefix claims.
    pub is_default: bool,
    /// How users prove who they are.
    pub authentication: Authentication,
    /// What tokens of further issuers must be: the policy of the virtual proxy with the issuer, the
    /// audience and the keys of one entry of `jwtIssuers`. Every issuer is there once. Empty for
    /// other methods.
    pub further_issuers: Vec<JwtSettings>,
    /// Whether they have to.
    pub anonymous: AnonymousAccess,
    /// Whether roles count here.
    pub allow_administration: bool,
    /// Who is let in; everybody who authenticates when there is none.
    pub access_rule: Option<AccessRule>,
    /// User directories that no virtual proxy may assert unless it lists them too.
    pub bound_directories: Vec<Box<str>>,
    /// When sessions end.
    pub session: SessionRules,
    /// How sessions are kept in browsers.
    pub cookie: CookieRules,
    /// Whose pages may open sockets.
    pub allow_list: Vec<HostPattern>,
    /// What else a WebSocket needs.
    pub csrf: CsrfProtection,
    /// Who may read answers across sites.
    pub cors_origins: Vec<Origin>,
    /// Added to every response.
    pub response_headers: Vec<(HeaderName, HeaderValue)>,
    /// Added to every request towards a backend.
    pub backend_headers: Vec<BackendHeader>,
    /// Where a browser without a session is sent.
    pub sign_in_page: Option<Box<str>>,
    /// Whether backends learn the client's system, browser and address.
    pub extended_security: bool,
    /// The nodes to forward to, by id.
    pub nodes: Vec<Uuid>,
    /// Which of them the next request goes to.
    pub balancing: Balancing,
    /// How many requests are served.
    pub limits: RateLimits,
    /// How many requests are served at the same time.
    pub max_in_flight: Option<u32>,
    /// How many WebSockets a session may have open.
    pub max_sockets: Option<u32>,
}

/// Which of several nodes a request goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balancing {
    /// One after the other.
    InTurn,
    /// The one with the fewest requests and WebSockets of this process.
    LeastRequests,
    /// The one that the session is bound to.
    Sticky,
}

/// How users prove who they are.
#[derive(Clone, Debug)]
pub enum Authentication {
    /// A trusted header names the user.
    Header(Box<HeaderSettings>),
    /// A signed token.
    Jwt(Box<JwtSettings>),
    /// A one-time ticket, or the form of the default virtual proxy.
    Ticket,
    /// Stored but not served: what is missing, for whoever links it.
    Unserved(FieldErrors),
}

/// Who may name a user in a header, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderSettings {
    /// The header.
    pub name: HeaderName,
    /// What its value means.
    pub form: HeaderForm,
    /// Whose header counts; nobody's when there are none.
    pub trusted: Vec<Network>,
}

/// What the value of a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderForm {
    /// The user's id; the directory is fixed.
    Static {
        /// The directory.
        directory: Box<str>,
    },
    /// Directory and id, with these texts before, between and after them.
    Dynamic {
        /// Before the first.
        before: Box<str>,
        /// Between them.
        between: Box<str>,
        /// After the second.
        after: Box<str>,
        /// Whether the directory comes first.
        directory_first: bool,
    },
}

/// What a token must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtSettings {
    /// Where the keys come from.
    pub keys: KeySourceSettings,
    /// The expected `iss`.
    pub issuer: Option<Box<str>>,
    /// The expected `aud`.
    pub audience: Option<Box<str>>,
    /// What signatures may be made with.
    pub algorithms: Vec<Algorithm>,
    /// Seconds by which clocks may differ.
    pub clock_skew: u32,
    /// Whether `exp` is required.
    pub require_expiration: bool,
    /// The longest time from `iat` to `exp`, in seconds.
    pub max_lifetime: Option<u32>,
    /// Whether a `jti` counts once.
    pub single_use: bool,
    /// The user's id.
    pub user_id: ClaimSource,
    /// The user's directory.
    pub user_directory: ClaimSource,
    /// What else is taken from the token.
    pub mapping: Vec<AttributeMapping>,
    /// Claims whose values are never shown to administrators.
    pub private_claims: Vec<Box<str>>,
}

/// Where verification keys come from; any mix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySourceSettings {
    /// PEM text with certificates and public keys; may be empty.
    pub pem: Box<str>,
    /// The address of a JWKS document.
    pub jwks_uri: Option<Box<str>>,
    /// The issuer whose discovery document names the JWKS document.
    pub discovery_issuer: Option<Box<str>>,
}

/// A signature algorithm (RFC 7518 section 3.1, RFC 8037). There is no `none` and no HMAC to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those of the RFC")]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// The name in a token's `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }

    /// The algorithm of that exact name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimSource {
    /// The claim of that exact name.
    Claim(Box<str>),
    /// Always this.
    Constant(Box<str>),
}

/// A claim that becomes an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeMapping {
    /// Where the value comes from.
    pub source: ClaimSource,
    /// What backends call it.
    pub attribute: Box<str>,
    /// Whether a token without it is refused.
    pub mandatory: bool,
}

/// When sessions end and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRules {
    /// Seconds without a request.
    pub inactivity: u32,
    /// Seconds from the beginning, whatever happens.
    pub max_lifetime: Option<u32>,
    /// Whether the token's `exp` ends the session.
    pub ends_with_token: bool,
    /// How many a user may have here.
    pub max_per_user: Option<u32>,
}

/// The session cookie in its two forms: the name differs with the transport, so that a cookie that
/// was set over plain HTTP is never taken for one that came over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieRules {
    /// Over TLS.
    pub https: CookieForm,
    /// Over plain HTTP: the name has the suffix `-HTTP`.
    pub http: CookieForm,
}

impl CookieRules {
    /// The form for a request that came over TLS or not.
    #[must_use]
    pub fn form(&self, over_tls: bool) -> &CookieForm {
        if over_tls { &self.https } else { &self.http }
    }
}

/// A cookie's name and everything that follows its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieForm {
    /// The name.
    pub name: CookieName,
    /// `; Path=/; HttpOnly` and what else is configured.
    pub attributes: Box<str>,
}

impl CookieForm {
    fn new(
        name: CookieName,
        domain: &str,
        secure: bool,
        same_site: SameSiteAttribute,
        partitioned: bool,
    ) -> Self {
        let mut attributes = String::from("; Path=/; HttpOnly");
        if !domain.is_empty() {
            attributes.push_str("; Domain=");
            attributes.push_str(domain);
        }
        if secure {
            attributes.push_str("; Secure");
        }
        attributes.push_str(match same_site {
            SameSiteAttribute::NoAttribute => "",
            SameSiteAttribute::None => "; SameSite=None",
            SameSiteAttribute::Lax => "; SameSite=Lax",
            SameSiteAttribute::Strict => "; SameSite=Strict",
        });
        if partitioned {
            attributes.push_str("; Partitioned");
        }
        Self {
            name,
            attributes: attributes.into(),
        }
    }
}

/// What a WebSocket handshake with a cookie needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsrfProtection {
    /// An allowed origin.
    Origin,
    /// An allowed origin and the `qlik-csrf-token` of the session.
    OriginAndToken,
}

/// A header for backends, made from the identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendHeader {
    /// Its name.
    pub name: HeaderName,
    /// Its value, piece by piece.
    pub parts: Vec<BackendHeaderPart>,
}

/// A piece of a header's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendHeaderPart {
    /// The values of an attribute, with commas between them.
    Attribute(Box<str>),
    /// This text.
    Text(Box<str>),
    /// The user's directory.
    UserDirectory,
    /// The user's id.
    UserId,
}

/// Requests per second that are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// In all.
    pub in_all: Option<u32>,
    /// Of one user.
    pub per_user: Option<u32>,
}
