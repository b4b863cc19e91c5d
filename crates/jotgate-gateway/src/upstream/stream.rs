//! A connection to a backend.

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::maybe_tls::MaybeTls;

/// Bytes to and from a backend.
pub(crate) type BackendStream = MaybeTls<TlsStream<TcpStream>>;

/// The form that hyper reads and writes.
pub(crate) type BackendIo = TokioIo<BackendStream>;
