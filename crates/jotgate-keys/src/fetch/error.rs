//! Why a document could not be fetched or used.

use std::net::IpAddr;
use std::time::Duration;

use jotgate_token::JwksError;

/// Why there is no document. Worded to follow its name, as in "the key set at https://... ".
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// An address that nothing is fetched from.
    #[error("is redirected to, or named as, {0:?}, which is no address that keys may come from")]
    BadAddress(String),
    /// The wrong kind of body.
    #[error("came in the encoding {0:?}, which was not asked for")]
    Encoded(String),
    /// The name leads into the network, and nobody wrote it.
    #[error(
        "is at the internal address {0}, which only an address that an administrator wrote may lead to"
    )]
    Internal(IpAddr),
    /// A discovery document that cannot be used. Worded to follow "the discovery document".
    #[error("has a discovery document that {0}")]
    Discovery(String),
    /// A document without keys.
    #[error("{0}")]
    KeySet(#[from] JwksError),
    /// The bytes that came are no HTTP, or the connection broke.
    #[error("did not come: {0}")]
    Protocol(String),
    /// The name has no address.
    #[error("is on a host whose name cannot be resolved: {0}")]
    Resolve(String),
    /// A redirect without a target, or to another scheme.
    #[error("is redirected {0}")]
    Redirect(&'static str),
    /// Any other status than 200.
    #[error("was answered with status {0}")]
    Status(u16),
    /// Too slow.
    #[error("did not come within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// The certificate is not good, say.
    #[error("failed the TLS handshake: {0}")]
    Tls(String),
    /// More than may come.
    #[error("has more than {0} bytes")]
    TooLarge(usize),
    /// Redirected in circles.
    #[error("is redirected more than {0} times")]
    TooManyRedirects(usize),
    /// No connection.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
}

impl FetchError {
    /// The kind, for metrics: a word out of a short list.
    pub(crate) const fn outcome(&self) -> &'static str {
        match self {
            Self::BadAddress(_) | Self::Internal(_) => "address_refused",
            Self::Discovery(_) => "discovery_invalid",
            Self::Encoded(_) | Self::KeySet(_) => "key_set_invalid",
            Self::Protocol(_) => "connection_failed",
            Self::Redirect(_) | Self::TooManyRedirects(_) => "redirect_refused",
            Self::Resolve(_) | Self::Unreachable(_) => "unreachable",
            Self::Status(_) => "status",
            Self::Timeout(_) => "timeout",
            Self::Tls(_) => "tls_failed",
            Self::TooLarge(_) => "too_large",
        }
    }
}
