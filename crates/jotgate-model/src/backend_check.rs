//! How a backend answered when it was tried, for those who configure it.

use std::time::Duration;

/// What a try of a backend has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendCheck {
    /// What it comes to.
    pub outcome: BackendOutcome,
    /// What was found, as half a sentence that follows "the backend".
    pub detail: String,
    /// How long that took.
    pub elapsed: Duration,
}

/// What a try of a backend comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendOutcome {
    /// It takes connections, and its health path, if it has one, is answered well.
    Reachable,
    /// Its name has no address.
    NameNotResolved,
    /// Nobody listens there.
    Refused,
    /// There is no way to it.
    Unreachable,
    /// It did not answer in time.
    TimedOut,
    /// Nobody whom the gateway trusts vouches for its certificate.
    NotTrusted,
    /// Its certificate is that of another host, or its time is not now.
    CertificateInvalid,
    /// TLS failed for another reason.
    TlsFailed,
    /// Its health path is answered with an error.
    Unhealthy,
    /// It answers, but not in HTTP.
    NoValidAnswer,
}

impl BackendOutcome {
    /// The stable id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::NameNotResolved => "name_not_resolved",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::NotTrusted => "not_trusted",
            Self::CertificateInvalid => "certificate_invalid",
            Self::TlsFailed => "tls_failed",
            Self::Unhealthy => "unhealthy",
            Self::NoValidAnswer => "no_valid_answer",
        }
    }

    /// What to do about it, as a sentence; nothing when all is well.
    #[must_use]
    pub const fn remedy(self) -> Option<&'static str> {
        Some(match self {
            Self::Reachable => return None,
            Self::NameNotResolved => {
                "Check how the host is written, and whether the gateway's machine can resolve it."
            }
            Self::Refused => "Start the backend, or correct the port.",
            Self::Unreachable => {
                "Check the address, and the routes and firewalls between the gateway and the backend."
            }
            Self::TimedOut => {
                "Check whether a firewall drops the connection, and whether the backend is overloaded."
            }
            Self::NotTrusted => {
                "Paste the root that has signed the backend's certificate into caCertificate of the node."
            }
            Self::CertificateInvalid => {
                "Renew the backend's certificate, or write the host as its certificate does."
            }
            Self::TlsFailed => {
                "Check whether the backend speaks TLS on this port, and whether it asks for a client \
                 certificate (clientCertificate and clientKey of the node)."
            }
            Self::Unhealthy => "Look at the backend's own log, or correct healthPath.",
            Self::NoValidAnswer => {
                "Check the port and the scheme: a backend with TLS takes https, and http2 is for those \
                 that speak it."
            }
        })
    }
}
