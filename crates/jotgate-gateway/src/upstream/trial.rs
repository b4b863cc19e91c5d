//! A backend tried once, before anything is sent to it: for those who configure it.
//!
//! Nothing is held against a node for it, and nothing of it is kept: the connection ends with the try.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jotgate_model::{BackendCheck, BackendOutcome, Node, Service};
use rustls::{CertificateError, Error as TlsError};
use tokio::time::timeout;

use super::checks::{NotWell, ask};
use super::connect::{NotOpened, connect, plain};
use super::roots::{Witness, witnessed};

/// How long a try may take, the connection and the answer together.
const LIMIT: Duration = Duration::from_secs(3);

/// Connects to a service of a node as requests would, and asks for its health path if it has one.
pub async fn try_backend(node: Arc<Node>, service: Arc<Service>) -> BackendCheck {
    let began = Instant::now();
    let tried = timeout(LIMIT, attempt(&node, &service)).await;
    let (outcome, detail) = tried.unwrap_or_else(|_| {
        let detail = format!("did not answer within {} s", LIMIT.as_secs());
        (BackendOutcome::TimedOut, detail)
    });
    BackendCheck {
        outcome,
        detail,
        elapsed: began.elapsed(),
    }
}

async fn attempt(node: &Node, service: &Service) -> (BackendOutcome, String) {
    let (tls, witness) = match witnessed(&node.tls) {
        Ok((config, witness)) => (Ok(config), Some(witness)),
        Err(what) => (Err(what), None),
    };
    let opened = match connect(service, || tls, service.http2, LIMIT).await {
        Ok(opened) => opened,
        Err(failure) => return told(&failure, witness.as_deref()),
    };
    if service.health_path.is_none() {
        return (BackendOutcome::Reachable, "takes connections".to_owned());
    }
    match ask(node, service, opened, LIMIT).await {
        Ok(status) => {
            let detail = format!("answers its health path with {status}");
            (BackendOutcome::Reachable, detail)
        }
        Err(NotWell::Status(status)) => {
            let detail = format!("answers its health path with {status}");
            (BackendOutcome::Unhealthy, detail)
        }
        Err(NotWell::NoAnswer(what)) => {
            let detail = format!("gives no valid answer ({what})");
            (BackendOutcome::NoValidAnswer, detail)
        }
    }
}

/// What a failure means for whoever can do something about it.
fn told(failure: &NotOpened, witness: Option<&Witness>) -> (BackendOutcome, String) {
    let (outcome, detail) = match failure {
        NotOpened::Resolve(error) => (
            BackendOutcome::NameNotResolved,
            format!("has a name that cannot be resolved: {}", plain(error)),
        ),
        NotOpened::Connect(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            (BackendOutcome::Refused, "refuses connections".to_owned())
        }
        NotOpened::Connect(_) => (BackendOutcome::Unreachable, failure.to_string()),
        NotOpened::TimedOut(_) => (BackendOutcome::TimedOut, failure.to_string()),
        NotOpened::Material(what) => (
            BackendOutcome::TlsFailed,
            format!("cannot be asked over TLS: {what}"),
        ),
        NotOpened::Name => (BackendOutcome::TlsFailed, failure.to_string()),
        NotOpened::Tls(error) => return of_handshake(error, witness),
    };
    (outcome, detail)
}

fn of_handshake(error: &io::Error, witness: Option<&Witness>) -> (BackendOutcome, String) {
    let cause = error.get_ref().and_then(|error| error.downcast_ref());
    match cause {
        Some(TlsError::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            let signer = witness.and_then(Witness::signer);
            let signer = signer.map_or_else(String::new, |name| format!(" by {name:?}"));
            let detail = format!(
                "shows a certificate that is signed{signer}, whom neither this machine nor \
                 caCertificate of the node vouches for"
            );
            (BackendOutcome::NotTrusted, detail)
        }
        Some(TlsError::InvalidCertificate(_)) => (
            BackendOutcome::CertificateInvalid,
            format!("shows a certificate that is not good: {}", plain(error)),
        ),
        _ => (
            BackendOutcome::TlsFailed,
            format!("failed the TLS handshake: {}", plain(error)),
        ),
    }
}
