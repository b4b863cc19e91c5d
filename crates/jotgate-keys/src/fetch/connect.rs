//! A connection to the server of a document.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::address::is_acceptable;
use super::{FetchError, Fetcher, Location};

/// How many addresses of a name are tried.
const MAX_ADDRESSES: usize = 4;

/// Bytes in both directions. Once per fetch, so the box costs nothing.
pub(super) type Stream = Pin<Box<dyn Io>>;

pub(super) trait Io: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Io for T {}

/// Whom this machine trusts, read once.
static MACHINE: LazyLock<Result<Arc<ClientConfig>, String>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a root certificate of this machine cannot be read");
    }
    roots.add_parsable_certificates(found.certs);
    config(Arc::new(roots)).map_err(|error| error.to_string())
});

pub(super) fn machine_config() -> Result<Arc<ClientConfig>, FetchError> {
    MACHINE.clone().map_err(FetchError::Tls)
}

pub(super) fn config(roots: Arc<RootCertStore>) -> Result<Arc<ClientConfig>, FetchError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| FetchError::Tls(error.to_string()))?;
    Ok(Arc::new(
        builder.with_root_certificates(roots).with_no_client_auth(),
    ))
}

/// Connects to the server of `location`, at an address that is acceptable.
pub(super) async fn open(
    fetcher: &Fetcher,
    location: &Location,
    written: bool,
) -> Result<Stream, FetchError> {
    let limit = fetcher.timings.connect;
    let connecting = async {
        let stream = connect(&resolve(location, written).await?).await?;
        if location.is_tls() {
            handshake(fetcher, location, stream).await
        } else {
            Ok(Box::pin(stream) as Stream)
        }
    };
    timeout(limit, connecting)
        .await
        .unwrap_or(Err(FetchError::Timeout(limit)))
}

/// The addresses of the host that are acceptable, at least one.
async fn resolve(location: &Location, written: bool) -> Result<Vec<SocketAddr>, FetchError> {
    let literal = location.address();
    let port = location.port();
    let found: Vec<SocketAddr> = match literal {
        Some(address) => vec![SocketAddr::new(address, port)],
        None => tokio::net::lookup_host((location.host(), port))
            .await
            .map_err(|error| FetchError::Resolve(plain(&error)))?
            .collect(),
    };
    let first = found.first().copied();
    let accept =
        |to: &SocketAddr| is_acceptable(to.ip(), written, literal.is_some(), location.is_tls());
    let accepted: Vec<_> = found
        .into_iter()
        .filter(accept)
        .take(MAX_ADDRESSES)
        .collect();
    match first {
        _ if !accepted.is_empty() => Ok(accepted),
        Some(refused) => Err(FetchError::Internal(refused.ip())),
        None => Err(FetchError::Resolve("it has no address".to_owned())),
    }
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, FetchError> {
    let mut last = FetchError::Unreachable("it has no address".to_owned());
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = FetchError::Unreachable(plain(&error)),
        }
    }
    Err(last)
}

async fn handshake(
    fetcher: &Fetcher,
    location: &Location,
    stream: TcpStream,
) -> Result<Stream, FetchError> {
    let name = ServerName::try_from(location.host().to_owned())
        .map_err(|_| FetchError::BadAddress(location.host().to_owned()))?;
    let stream = TlsConnector::from(fetcher.tls()?)
        .connect(name, stream)
        .await
        .map_err(|error| FetchError::Tls(plain(&error)))?;
    Ok(Box::pin(stream))
}

/// An error of the system without its number.
fn plain(error: &io::Error) -> String {
    error
        .get_ref()
        .map_or_else(|| error.kind().to_string(), ToString::to_string)
}
