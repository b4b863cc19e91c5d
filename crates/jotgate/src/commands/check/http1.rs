//! Connections and requests, one after the other, of HTTP/1.1. Redirections are not followed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{COOKIE, HOST, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::site::Site;
use crate::client::Stream;

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long an answer may take: the real system's first sign-in took 20 seconds.
const ANSWERING: Duration = Duration::from_secs(60);
/// How much of a body is read.
const MAX_BODY: usize = 64 << 10;

/// What came back.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Its beginning, as text.
    pub(super) body: String,
}

impl Reply {
    /// A header as text; empty when there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Every `Set-Cookie`.
    pub(super) fn cookies(&self) -> impl Iterator<Item = &str> {
        let all = self.headers.get_all(SET_COOKIE).iter();
        all.filter_map(|value| value.to_str().ok())
    }
}

/// The addresses of a name.
pub(super) async fn resolve(site: &Site) -> Result<Vec<SocketAddr>, String> {
    let looked_up = tokio::net::lookup_host((site.host.as_str(), site.port));
    match tokio::time::timeout(CONNECTING, looked_up).await {
        Ok(Ok(addresses)) => Ok(addresses.collect()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer in 10 seconds".to_owned()),
    }
}

/// A connection without TLS.
pub(super) async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, String> {
    match tokio::time::timeout(CONNECTING, TcpStream::connect(addresses)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer in 10 seconds".to_owned()),
    }
}

/// TLS over a connection, with a server whose certificate is good.
pub(super) async fn encrypt(
    site: &Site,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, std::io::Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_root_certificates(site.roots.clone())
        .with_no_client_auth();
    let name = ServerName::try_from(site.host.clone()).map_err(std::io::Error::other)?;
    let shaking = TlsConnector::from(Arc::new(config)).connect(name, stream);
    match tokio::time::timeout(CONNECTING, shaking).await {
        Ok(done) => done,
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    }
}

/// The certificate that a server showed.
pub(super) fn certificate(stream: &TlsStream<TcpStream>) -> Option<CertificateDer<'static>> {
    let (_, session) = stream.get_ref();
    session
        .peer_certificates()?
        .first()
        .cloned()
        .map(CertificateDer::into_owned)
}

/// A request that is about to be sent.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    /// Below the prefix, without a slash at its beginning.
    pub(super) path: &'a str,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl<'a> Ask<'a> {
    pub(super) fn get(path: &'a str) -> Self {
        Self {
            method: Method::GET,
            path,
            headers: Vec::new(),
        }
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn cookie(self, cookie: &HeaderValue) -> Self {
        self.with(COOKIE, cookie.clone())
    }

    /// Sends it on a connection of its own.
    ///
    /// # Errors
    /// There is no answer of HTTP: why.
    pub(super) async fn send(self, site: &Site, addresses: &[SocketAddr]) -> Result<Reply, String> {
        let asked = self.exchange(site, addresses);
        let answered = tokio::time::timeout(ANSWERING, asked).await;
        answered.unwrap_or_else(|_| Err("no answer in 60 seconds".to_owned()))
    }

    async fn exchange(self, site: &Site, addresses: &[SocketAddr]) -> Result<Reply, String> {
        let stream = connect(addresses).await?;
        let stream: Box<dyn Stream> = if site.tls {
            let encrypted = encrypt(site, stream).await;
            Box::new(encrypted.map_err(|error| error.to_string())?)
        } else {
            Box::new(stream)
        };
        let broken = |error: hyper::Error| error.to_string();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(self.method)
            .uri(format!("{}/{}", site.prefix, self.path))
            .header(HOST, &site.authority);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request
            .body(Empty::<Bytes>::new())
            .map_err(|error| error.to_string())?;
        let answer = sender.send_request(request).await.map_err(broken)?;
        let (head, body) = answer.into_parts();
        // An answer that goes on longer is an answer.
        let body = match head.status {
            StatusCode::SWITCHING_PROTOCOLS => Bytes::new(),
            _ => Limited::new(body, MAX_BODY)
                .collect()
                .await
                .map_or_else(|_| Bytes::new(), |body| body.to_bytes()),
        };
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }
}
