//! Who is calling: the identity that the gateway put into the request's headers.
//!
//! Everything here is total: no header, however broken, makes a request fail. What cannot be read
//! is shown as it stands, because the point of the demo is to see what arrived.

use std::borrow::Cow;
use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};

/// `UserDirectory=<dir>; UserId=<id>`, both URL-encoded (Qlik help: X-Qlik-User).
const X_QLIK_USER: HeaderName = HeaderName::from_static("x-qlik-user");
/// The request's circumstances, then the user's attributes (Qlik help: X-Qlik-Security).
const X_QLIK_SECURITY: HeaderName = HeaderName::from_static("x-qlik-security");
/// The session's public id (Qlik help: X-Qlik-ProxySession).
const X_QLIK_PROXY_SESSION: HeaderName = HeaderName::from_static("x-qlik-proxysession");
/// The virtual proxy's prefix, empty for the default one (Qlik help: X-Qlik-Virtual-Proxy-Prefix).
const X_QLIK_PREFIX: HeaderName = HeaderName::from_static("x-qlik-virtual-proxy-prefix");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The last entry of X-Qlik-Security that describes the request and not the user.
const LAST_CIRCUMSTANCE: &str = "Context";
/// Names of circumstances, for a header that lacks [`LAST_CIRCUMSTANCE`].
const CIRCUMSTANCES: [&str; 7] = [
    "OS",
    "Device",
    "Browser",
    "IP",
    "ClientOsVersion",
    "SecureRequest",
    LAST_CIRCUMSTANCE,
];

/// What may stand in a path without encoding (RFC 3986 section 3.3, less what HTML cares about).
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// What would change the meaning of `UserDirectory=...; UserId=...`.
const SEPARATORS: &AsciiSet = &CONTROLS.add(b';').add(b'=').add(b'%');

/// A user as the gateway names one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) directory: String,
}

impl User {
    /// `UserDirectory=QT; UserId=ann`: how the engine answers `GetAuthenticatedUser`.
    ///
    /// Separators inside the values stay encoded, so that an id cannot pass for a second entry;
    /// so does what is not ASCII.
    pub(crate) fn engine_name(&self) -> String {
        let directory = utf8_percent_encode(&self.directory, SEPARATORS);
        let id = utf8_percent_encode(&self.id, SEPARATORS);
        format!("UserDirectory={directory}; UserId={id}")
    }
}

/// One name with its values, in the order of arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
}

/// What the gateway says about a request's sender. Extracting it never fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Nobody, when the backend was reached without the gateway.
    pub(crate) user: Option<User>,
    /// The session's public id.
    pub(crate) session_id: Option<String>,
    /// Facts about the request: `SecureRequest`, `Context`, and the browser's in extended mode.
    pub(crate) circumstances: Vec<Attribute>,
    /// The user's attributes, as the virtual proxy's attribute mapping made them.
    pub(crate) attributes: Vec<Attribute>,
    prefix: String,
    origin: String,
}

impl Caller {
    /// Reads the gateway's headers.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let (circumstances, attributes) = security(&joined(headers, &X_QLIK_SECURITY));
        Self {
            user: user(&joined(headers, &X_QLIK_USER)),
            session_id: Some(joined(headers, &X_QLIK_PROXY_SESSION)).filter(|id| !id.is_empty()),
            circumstances,
            attributes,
            prefix: prefix(&joined(headers, &X_QLIK_PREFIX)),
            origin: origin(headers),
        }
    }

    /// What links start with: `/jwt`, or nothing for the default virtual proxy.
    pub(crate) fn base(&self) -> String {
        if self.prefix.is_empty() {
            String::new()
        } else {
            format!("/{}", self.prefix)
        }
    }

    /// An address of the gateway as the client sees it: `https://host/jwt` and `path`.
    pub(crate) fn outside(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.base())
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::from_headers(&parts.headers))
    }
}

/// All lines of one header as one text. The gateway sends one line; more are shown, not hidden.
fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    let lines: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|v| String::from_utf8_lossy(v.as_bytes()))
        .collect();
    lines.join("; ").trim().to_owned()
}

fn user(header: &str) -> Option<User> {
    let pairs = pairs(header);
    let first = |wanted: &str| {
        pairs
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.clone())
    };
    let id = first("UserId").filter(|id| !id.is_empty())?;
    Some(User {
        id,
        directory: first("UserDirectory").unwrap_or_default(),
    })
}

/// Splits X-Qlik-Security into circumstances and attributes.
///
/// `Context` is the last circumstance, so an attribute that happens to be called `IP` stays one.
fn security(header: &str) -> (Vec<Attribute>, Vec<Attribute>) {
    let pairs = pairs(header);
    let boundary = pairs.iter().position(|(name, _)| name == LAST_CIRCUMSTANCE);
    let mut circumstances = Vec::new();
    let mut attributes = Vec::new();
    for (index, (name, value)) in pairs.into_iter().enumerate() {
        let is_circumstance = match boundary {
            Some(last) => index <= last,
            None => CIRCUMSTANCES.contains(&name.as_str()),
        };
        add(
            if is_circumstance {
                &mut circumstances
            } else {
                &mut attributes
            },
            name,
            value,
        );
    }
    (circumstances, attributes)
}

/// Repeated names become one attribute with several values.
fn add(attributes: &mut Vec<Attribute>, name: String, value: String) {
    match attributes
        .iter_mut()
        .find(|attribute| attribute.name == name)
    {
        Some(attribute) => attribute.values.push(value),
        None => attributes.push(Attribute {
            name,
            values: vec![value],
        }),
    }
}

/// `a=1; b=2; ` as names and values. A part without `=` is a name with an empty value.
fn pairs(header: &str) -> Vec<(String, String)> {
    header
        .split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// Form-url-decoding: `+` is a space, and a bad percent sign stands for itself.
fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

fn prefix(header: &str) -> String {
    utf8_percent_encode(header.trim_matches('/'), PATH).to_string()
}

/// The gateway's own address: `https://host:8443`.
fn origin(headers: &HeaderMap) -> String {
    let proto = match joined(headers, &X_FORWARDED_PROTO).as_str() {
        "https" => "https",
        _ => "http",
    };
    let host = [X_FORWARDED_HOST, HOST]
        .iter()
        .map(|name| joined(headers, name))
        .find(|host| is_host(host))
        .map_or(Cow::Borrowed("localhost"), Cow::Owned);
    format!("{proto}://{host}")
}

/// Whether `text` has only the characters of a host with a port (RFC 3986 section 3.2.2).
fn is_host(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b);
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests;
