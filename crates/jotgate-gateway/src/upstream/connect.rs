//! New connections to backends.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jotgate_model::{Node, Reason, Refusal, Scheme, Service};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::state::BackendState;
use super::stream::BackendStream;

/// A connection, and whether HTTP/2 is spoken on it.
pub(super) struct Opened {
    pub(super) stream: BackendStream,
    pub(super) http2: bool,
}

/// Why there is no connection. Worded to follow the name of the node.
#[derive(Debug)]
pub(super) enum NotOpened {
    /// The name has no address.
    Resolve(io::Error),
    /// No address takes connections.
    Connect(io::Error),
    /// What the node's connections are made with cannot be used.
    Material(String),
    /// No certificate can have that name.
    Name,
    /// The handshake failed.
    Tls(io::Error),
    /// It took longer than that.
    TimedOut(Duration),
}

impl fmt::Display for NotOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve(error) | Self::Connect(error) => {
                write!(f, "cannot be reached: {}", plain(error))
            }
            Self::Material(what) => f.write_str(what),
            Self::Name => f.write_str("has a name that no certificate can have"),
            Self::Tls(error) => write!(f, "failed the TLS handshake: {}", plain(error)),
            Self::TimedOut(limit) => {
                let limit = limit.as_secs_f64();
                write!(f, "did not accept a connection within {limit} s")
            }
        }
    }
}

/// Connects to a backend within `limit`, TLS included. `http2` says whether HTTP/2 may be spoken.
pub(super) async fn open(
    (node, service): (&Node, &Service),
    state: &BackendState,
    http2: bool,
    limit: Duration,
) -> Result<Opened, Refusal> {
    let opened = connect(service, || state.tls(node), http2, limit).await;
    opened.map_err(|failure| {
        let reason = match failure {
            NotOpened::TimedOut(_) => Reason::NodeTimeout,
            _ => Reason::NodeFailed,
        };
        let (name, authority) = (&node.name, &service.authority);
        Refusal::with(
            reason,
            format!("the node \"{name}\" at {authority} {failure}"),
        )
    })
}

/// The same for whoever wants to know why not. `tls` says how TLS is spoken.
pub(super) async fn connect(
    service: &Service,
    tls: impl FnOnce() -> Result<Arc<ClientConfig>, String>,
    http2: bool,
    limit: Duration,
) -> Result<Opened, NotOpened> {
    let authority = &service.authority;
    let connecting = async {
        let addresses = lookup_host(authority.as_str()).await;
        let addresses: Vec<_> = addresses.map_err(NotOpened::Resolve)?.collect();
        let stream = TcpStream::connect(&*addresses).await;
        let stream = stream.map_err(NotOpened::Connect)?;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY cannot be set");
        }
        if service.scheme == Scheme::Http {
            return Ok(Opened {
                stream: BackendStream::Plain(stream),
                http2,
            });
        }
        let config = tls().map_err(NotOpened::Material)?;
        let config = if http2 {
            offering_http2(&config)
        } else {
            config
        };
        let host = authority.host().trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| NotOpened::Name)?;
        let stream = TlsConnector::from(config).connect(name, stream).await;
        let stream = stream.map_err(NotOpened::Tls)?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Opened {
            stream: BackendStream::Tls(Box::new(stream)),
            http2,
        })
    };
    let opened = timeout(limit, connecting).await;
    opened.unwrap_or(Err(NotOpened::TimedOut(limit)))
}

/// The same with ALPN; the TLS sessions are shared.
fn offering_http2(config: &ClientConfig) -> Arc<ClientConfig> {
    let mut config = config.clone();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// An error of the system without its number.
pub(super) fn plain(error: &io::Error) -> String {
    error
        .get_ref()
        .map_or_else(|| error.kind().to_string(), ToString::to_string)
}
