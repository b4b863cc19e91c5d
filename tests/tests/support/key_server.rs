//! A server of key sets on this machine that counts, and fails in any way that it is told to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

/// How it answers.
#[derive(Clone, Debug)]
pub(crate) enum Mode {
    /// 200 with this document and these header lines.
    Document {
        body: String,
        fields: String,
    },
    /// The same after a while.
    Late {
        body: String,
        after: Duration,
    },
    /// 200 with a document for each path; other paths are not found.
    Paths(Vec<(String, String)>),
    Status(u16),
    /// The connection stays open, and nothing comes.
    Silence,
    /// The document comes with a byte in ten milliseconds.
    Drip,
    Redirect(String),
    /// 100 MB of blanks, without a length.
    Huge,
    /// The connection ends inside of the document.
    Cut,
    /// The connection is reset before there is an answer.
    Reset,
    /// Over TLS: the certificate is of 2020.
    ExpiredCertificate,
}

impl Mode {
    pub(crate) fn document(body: impl Into<String>) -> Self {
        let fields = "Content-Type: application/json\r\n".to_owned();
        Self::Document {
            body: body.into(),
            fields,
        }
    }
}

/// The server. It serves until it is dropped.
pub(crate) struct KeyServer {
    address: SocketAddr,
    mode: Arc<Mutex<Mode>>,
    requests: Arc<AtomicUsize>,
    scheme: &'static str,
    task: AbortHandle,
}

impl KeyServer {
    /// Over plain HTTP.
    pub(crate) async fn start(mode: Mode) -> Self {
        Self::with("http", mode).await
    }

    /// Over TLS, with a certificate of [`authority`].
    pub(crate) async fn start_tls(mode: Mode) -> Self {
        Self::with("https", mode).await
    }

    async fn with(scheme: &'static str, mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (mode, requests) = (Arc::new(Mutex::new(mode)), Arc::<AtomicUsize>::default());
        let (modes, counter) = (mode.clone(), requests.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let tls = scheme == "https";
                tokio::spawn(serve(stream, tls, modes.clone(), counter.clone()));
            }
        });
        Self {
            address,
            mode,
            requests,
            scheme,
            task: task.abort_handle(),
        }
    }

    /// An address on it.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.scheme, self.address.port())
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.lock().expect("the mode") = mode;
    }

    /// How often something was asked for, connections without a request included.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, tls: bool, mode: Arc<Mutex<Mode>>, counter: Arc<AtomicUsize>) {
    let now = mode.lock().expect("the mode").clone();
    // Nobody has to be polite to us: what goes wrong is what some tests are about.
    match now {
        Mode::Reset => {
            counter.fetch_add(1, Ordering::SeqCst);
            drop(stream.set_zero_linger());
        }
        Mode::ExpiredCertificate => {
            counter.fetch_add(1, Ordering::SeqCst);
            drop(acceptor(true).accept(stream).await);
        }
        _ if tls => {
            if let Ok(mut stream) = acceptor(false).accept(stream).await {
                drop(answer(&mut stream, &mode, &counter).await);
            }
        }
        _ => {
            let mut stream = stream;
            drop(answer(&mut stream, &mode, &counter).await);
        }
    }
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    mode: &Mutex<Mode>,
    counter: &AtomicUsize,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    counter.fetch_add(1, Ordering::SeqCst);
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let document = |body: &str, fields: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n{fields}\r\n{body}"
        )
    };
    let mode = mode.lock().expect("the mode").clone();
    let bytes = match mode {
        Mode::Document { body, fields } => document(&body, &fields),
        Mode::Late { body, after } => {
            tokio::time::sleep(after).await;
            document(&body, "")
        }
        Mode::Paths(paths) => match paths
            .iter()
            .find(|(known, _)| Some(known.as_str()) == path.split('?').next())
        {
            Some((_, body)) => document(body, ""),
            None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        },
        Mode::Status(status) => format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nno"),
        Mode::Silence => std::future::pending().await,
        Mode::Drip => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
                .await?;
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Mode::Redirect(to) => {
            format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
        }
        Mode::Huge => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                .await?;
            let block = vec![b' '; 64 * 1024];
            for _ in 0..1600 {
                stream.write_all(&block).await?;
            }
            String::new()
        }
        Mode::Cut => "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{\"keys\":[".to_owned(),
        Mode::Reset | Mode::ExpiredCertificate => return Ok(()),
    };
    stream.write_all(bytes.as_bytes()).await?;
    stream.shutdown().await
}

static AUTHORITY: LazyLock<CertifiedIssuer<'static, KeyPair>> = LazyLock::new(|| {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("a root")
});

/// The root that vouches for servers over TLS, as PEM.
pub(crate) fn authority() -> String {
    AUTHORITY.pem()
}

fn acceptor(expired: bool) -> TlsAcceptor {
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    if expired {
        (params.not_before, params.not_after) =
            (date_time_ymd(2020, 1, 1), date_time_ymd(2020, 2, 1));
    }
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &AUTHORITY).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a certificate");
    TlsAcceptor::from(Arc::new(config))
}
