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

    /// What to do about it, as a sentence.
    pub(crate) const fn remedy(&self) -> &'static str {
        match self {
            Self::BadAddress(_) | Self::Redirect(_) | Self::TooManyRedirects(_) => {
                "Write the https address at which the keys are in the end."
            }
            Self::Discovery(_) => "Write the issuer exactly as its discovery document does.",
            Self::Encoded(_) | Self::KeySet(_) | Self::TooLarge(_) => {
                "Check whether the address is that of a JWK set with keys for signatures."
            }
            Self::Internal(_) => {
                "The name leads into the network: write the internal host itself if that is meant."
            }
            Self::Protocol(_) => "Look at the log of that server: it broke off.",
            Self::Resolve(_) => {
                "Check how the host is written, and whether the gateway's machine can resolve it."
            }
            Self::Status(_) => {
                "Check the path, and whether the server asks who is there: key sets are fetched by nobody \
                 in particular."
            }
            Self::Timeout(_) => {
                "Check whether a firewall drops the connection, and whether the server is overloaded."
            }
            Self::Tls(_) => {
                "Let the gateway's machine trust the root of the server's certificate, or renew that."
            }
            Self::Unreachable(_) => {
                "Check the port, and the firewalls between the gateway and the server."
            }
        }
    }
}
