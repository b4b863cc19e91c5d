//! New connections to backends.

use std::sync::{Arc, Weak};
use std::time::Duration;

use jotgate_model::{Node, Reason, Refusal, Scheme};
use parking_lot::Mutex;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::health::Health;
use super::stream::BackendStream;
use super::{Target, roots};

/// How long a connection may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What connections to backends of all workers share.
#[derive(Default)]
pub(crate) struct Backends {
    pub(crate) health: Health,
    /// The TLS configuration of each node, made once. A node that was edited is another node.
    tls: Mutex<Vec<(Weak<Node>, Arc<ClientConfig>)>>,
}

impl Backends {
    fn tls_for(&self, node: &Arc<Node>) -> Result<Arc<ClientConfig>, String> {
        let mut configs = self.tls.lock();
        configs.retain(|(known, _)| known.strong_count() > 0);
        let found = configs.iter().find(|(known, _)| {
            known
                .upgrade()
                .is_some_and(|known| Arc::ptr_eq(&known, node))
        });
        if let Some((_, config)) = found {
            return Ok(config.clone());
        }
        let config = roots::client_config(&node.tls)?;
        configs.push((Arc::downgrade(node), config.clone()));
        Ok(config)
    }
}

/// Connects to a backend.
pub(crate) async fn open(backends: &Backends, target: &Target) -> Result<BackendStream, Refusal> {
    let authority = &target.service.authority;
    let failed = |reason, what: String| {
        Refusal::with(
            reason,
            format!("the node \"{}\" at {authority} {what}", target.node.name),
        )
    };
    let connecting = async {
        let stream = TcpStream::connect(authority.as_str())
            .await
            .map_err(|error| {
                failed(
                    Reason::NodeFailed,
                    format!("cannot be reached: {}", plain(&error)),
                )
            })?;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY cannot be set");
        }
        if target.service.scheme == Scheme::Http {
            return Ok(BackendStream::Plain(stream));
        }
        let config = backends
            .tls_for(&target.node)
            .map_err(|what| failed(Reason::NodeFailed, what))?;
        let host = authority.host().trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            failed(
                Reason::NodeFailed,
                "has a name that no certificate can have".to_owned(),
            )
        })?;
        let stream = TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|error| {
                failed(
                    Reason::NodeFailed,
                    format!("failed the TLS handshake: {}", plain(&error)),
                )
            })?;
        Ok(BackendStream::Tls(Box::new(stream)))
    };
    match timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(result) => result,
        Err(_) => Err(failed(
            Reason::NodeTimeout,
            format!(
                "did not accept a connection within {} s",
                CONNECT_TIMEOUT.as_secs()
            ),
        )),
    }
}

/// An error of the system without its number.
fn plain(error: &std::io::Error) -> String {
    error
        .get_ref()
        .map_or_else(|| error.kind().to_string(), ToString::to_string)
}
