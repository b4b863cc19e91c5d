//! New connections to backends.

use std::sync::Arc;
use std::time::Duration;

use jotgate_model::{Node, Reason, Refusal, Scheme, Service};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::state::BackendState;
use super::stream::BackendStream;

/// A connection, and whether HTTP/2 is spoken on it.
pub(super) struct Opened {
    pub(super) stream: BackendStream,
    pub(super) http2: bool,
}

/// Connects to a backend within `limit`, TLS included. `http2` says whether HTTP/2 may be spoken.
pub(super) async fn open(
    (node, service): (&Node, &Service),
    state: &BackendState,
    http2: bool,
    limit: Duration,
) -> Result<Opened, Refusal> {
    let authority = &service.authority;
    let failed = |reason, what: String| {
        Refusal::with(
            reason,
            format!("the node \"{}\" at {authority} {what}", node.name),
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
        if service.scheme == Scheme::Http {
            return Ok(Opened {
                stream: BackendStream::Plain(stream),
                http2,
            });
        }
        let config = state
            .tls(node)
            .map_err(|what| failed(Reason::NodeFailed, what))?;
        let config = if http2 {
            offering_http2(&config)
        } else {
            config
        };
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
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Opened {
            stream: BackendStream::Tls(Box::new(stream)),
            http2,
        })
    };
    match timeout(limit, connecting).await {
        Ok(result) => result,
        Err(_) => Err(failed(
            Reason::NodeTimeout,
            format!(
                "did not accept a connection within {} s",
                limit.as_secs_f64()
            ),
        )),
    }
}

/// The same with ALPN; the TLS sessions are shared.
fn offering_http2(config: &ClientConfig) -> Arc<ClientConfig> {
    let mut config = config.clone();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// An error of the system without its number.
fn plain(error: &std::io::Error) -> String {
    error
        .get_ref()
        .map_or_else(|| error.kind().to_string(), ToString::to_string)
}
