//! An HTTPS server made to order.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

/// How a server answers.
#[derive(Clone, Debug)]
pub(crate) enum Mode {
    /// With a document, and more header lines.
    Document { body: String, headers: &'static str },
    /// With a document a path; anything else is not found.
    Paths(Vec<(&'static str, String)>),
    /// With a status.
    Status(u16),
    /// Not at all.
    Silence,
    /// With a document, a byte in ten milliseconds.
    Drip,
    /// With a redirect to this address; `/end` answers with the document.
    Redirect { to: String, body: String },
    /// With 100 MB, announced or not.
    Huge { announced: bool },
    /// With the end of the connection in the middle of the document.
    Reset,
    /// With bytes that are no HTTP.
    Nonsense,
}

impl Mode {
    pub(crate) fn document(body: impl Into<String>) -> Self {
        let (body, headers) = (body.into(), "");
        Self::Document { body, headers }
    }
}

/// The certificate of a server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Certificate {
    Good,
    Expired,
    /// For another name.
    Foreign,
    /// Plain HTTP.
    None,
}

/// A server that counts.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    scheme: &'static str,
    mode: Arc<Mutex<Mode>>,
    requests: Arc<AtomicUsize>,
    tls: Arc<Mutex<Option<TlsAcceptor>>>,
    task: AbortHandle,
}

impl Server {
    pub(crate) async fn start(mode: Mode) -> Self {
        Self::with(Certificate::Good, mode).await
    }

    pub(crate) async fn with(certificate: Certificate, mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, requests) = (Arc::new(Mutex::new(mode)), Arc::<AtomicUsize>::default());
        let tls = Arc::new(Mutex::new(acceptor(certificate)));
        let (for_task, counter, acceptors) = (mode.clone(), requests.clone(), tls.clone());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (mode, counter) = (for_task.clone(), counter.clone());
                let tls = acceptors.lock().clone();
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &mode, &counter).await;
                            }
                        }
                        None => serve(stream, &mode, &counter).await,
                    }
                });
            }
        });
        let tls_used = certificate != Certificate::None;
        Self {
            address,
            scheme: if tls_used { "https" } else { "http" },
            mode,
            requests,
            tls,
            task: task.abort_handle(),
        }
    }

    /// An address on it.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.scheme, self.address.port())
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.lock() = mode;
    }

    pub(crate) fn set_certificate(&self, certificate: Certificate) {
        *self.tls.lock() = acceptor(certificate);
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    mode: &Mutex<Mode>,
    counter: &AtomicUsize,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    counter.fetch_add(1, Ordering::Relaxed);
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let mode = mode.lock().clone();
    // The client may have gone away: that is what some tests are about.
    drop(answer(&mut stream, &path, mode).await);
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    path: &str,
    mode: Mode,
) -> std::io::Result<()> {
    let document = |body: &str, headers: &str| {
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{headers}\r\n{body}").into_bytes()
    };
    let missing = || b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec();
    let bytes = match mode {
        Mode::Document { body, headers } => document(&body, headers),
        Mode::Paths(paths) => match paths.iter().find(|(known, _)| *known == path) {
            Some((_, body)) => document(body, ""),
            None => missing(),
        },
        Mode::Status(status) => {
            format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nno").into_bytes()
        }
        Mode::Silence => std::future::pending().await,
        Mode::Drip => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
                .await?;
            loop {
                stream.write_all(b" ").await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Mode::Redirect { body, .. } if path == "/end" => document(&body, ""),
        Mode::Redirect { to, .. } => {
            format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
                .into_bytes()
        }
        Mode::Huge { announced } => {
            let head = if announced {
                "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n"
            } else {
                "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
            };
            stream.write_all(head.as_bytes()).await?;
            let block = vec![b' '; 64 * 1024];
            for _ in 0..1600 {
                stream.write_all(&block).await?;
            }
            Vec::new()
        }
        Mode::Reset => b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{\"keys\":".to_vec(),
        Mode::Nonsense => b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
    };
    stream.write_all(&bytes).await?;
    stream.shutdown().await
}

static AUTHORITY: LazyLock<CertifiedIssuer<'static, KeyPair>> = LazyLock::new(|| {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
});

/// The root that vouches for the test servers.
pub(crate) fn roots() -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(AUTHORITY.der().clone()).unwrap();
    Arc::new(roots)
}

fn acceptor(certificate: Certificate) -> Option<TlsAcceptor> {
    let name = match certificate {
        Certificate::None => return None,
        Certificate::Foreign => "elsewhere.example.com",
        Certificate::Good | Certificate::Expired => "localhost",
    };
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    if certificate == Certificate::Expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let signed = params.signed_by(&key, &AUTHORITY).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.der().clone()], key)
        .unwrap();
    Some(TlsAcceptor::from(Arc::new(config)))
}

/// A connection that is reset as soon as it is made.
pub(crate) async fn resetting() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _): (TcpStream, _) = listener.accept().await.unwrap();
            stream.set_zero_linger().unwrap();
        }
    });
    address
}
