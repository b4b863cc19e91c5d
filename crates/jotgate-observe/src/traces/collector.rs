//! The collector: where it is, and one message to it.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::uri::{PathAndQuery, Scheme, Uri};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long one message may take, from the connection to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read.
const MAX_ANSWER: usize = 64 * 1024;

/// Whom this machine trusts, read when the first https collector is asked.
static TLS: LazyLock<Result<Arc<ClientConfig>, String>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(
        config.with_root_certificates(roots).with_no_client_auth(),
    ))
});

/// Where traces are sent: OTLP over HTTP, in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    host: Box<str>,
    port: u16,
    over_tls: bool,
    host_field: HeaderValue,
    path: PathAndQuery,
}

/// The text is no address of a collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no http or https address without user name and query")]
pub struct BadCollector;

/// How a message was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// All of it, but for so many spans.
    But(u64),
    /// Not now: the collector is not there, or asks to try again.
    NotNow(String),
    /// It never will be.
    Never(String),
}

impl Collector {
    /// Reads an address such as `http://127.0.0.1:4318`; `/v1/traces` is put behind its path, as the
    /// protocol's exporters do.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, BadCollector> {
        let uri: Uri = text.parse().map_err(|_| BadCollector)?;
        let authority = uri.authority().ok_or(BadCollector)?;
        let over_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(BadCollector),
        };
        let host = authority.host().trim_matches(['[', ']']);
        if host.is_empty() || authority.as_str().contains('@') || uri.query().is_some() {
            return Err(BadCollector);
        }
        let path = format!("{}/v1/traces", uri.path().trim_end_matches('/'));
        Ok(Self {
            host: host.into(),
            port: authority
                .port_u16()
                .unwrap_or(if over_tls { 443 } else { 80 }),
            over_tls,
            host_field: HeaderValue::from_str(authority.as_str()).map_err(|_| BadCollector)?,
            path: path.parse().map_err(|_| BadCollector)?,
        })
    }

    /// Sends a message and reads the answer.
    pub(super) async fn send(&self, message: Vec<u8>) -> Taken {
        match timeout(TIMEOUT, self.exchange(message)).await {
            Ok(Ok(taken)) => taken,
            Ok(Err(error)) => Taken::NotNow(error),
            Err(_) => Taken::NotNow(format!("no answer within {} s", TIMEOUT.as_secs())),
        }
    }

    async fn exchange(&self, message: Vec<u8>) -> Result<Taken, String> {
        let stream = TcpStream::connect((&*self.host, self.port))
            .await
            .map_err(|error| error.to_string())?;
        if !self.over_tls {
            return self.over(stream, message).await;
        }
        let name = ServerName::try_from(self.host.to_string()).map_err(|e| e.to_string())?;
        let stream = TlsConnector::from(TLS.clone()?)
            .connect(name, stream)
            .await
            .map_err(|error| error.to_string())?;
        self.over(stream, message).await
    }

    async fn over<S>(&self, stream: S, message: Vec<u8>) -> Result<Taken, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let text = |error: hyper::Error| error.to_string();
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(text)?;
        // Ends with this function, whichever way that is left.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let request = Request::post(self.path.as_str())
            .header(HOST, &self.host_field)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("jotgate/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(Bytes::from(message)))
            .map_err(|error| error.to_string())?;
        let response = sender.send_request(request).await.map_err(text)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect();
        let body = body.await.map_err(|error| error.to_string())?.to_bytes();
        Ok(judge(status, &body))
    }
}

/// The protocol's rules (section "OTLP/HTTP Response").
fn judge(status: StatusCode, body: &[u8]) -> Taken {
    match status {
        status if status.is_success() => Taken::But(rejected(body)),
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Taken::NotNow(format!("it answers {status}")),
        status => Taken::Never(format!("it answers {status}")),
    }
}

/// How many spans a collector did not want, which it says as a number or as text.
fn rejected(body: &[u8]) -> u64 {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let rejected = &answer["partialSuccess"]["rejectedSpans"];
    let as_text = || rejected.as_str().and_then(|text| text.parse().ok());
    rejected.as_u64().or_else(as_text).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let of = |text| Collector::parse(text).map(|c| (c.port, c.over_tls, c.path.to_string()));
        assert_eq!(
            of("http://127.0.0.1:4318"),
            Ok((4318, false, "/v1/traces".into()))
        );
        assert_eq!(
            of("https://c.example.com/otlp/"),
            Ok((443, true, "/otlp/v1/traces".into()))
        );
        assert!(of("http://[::1]:4318").is_ok());
        for wrong in [
            "",
            "4318",
            "c:4318",
            "ftp://c",
            "http://u@c",
            "http://c/?x=1",
            "grpc://c:1",
        ] {
            assert_eq!(of(wrong), Err(BadCollector), "{wrong}");
        }
    }

    #[test]
    fn answers() {
        let of = |status: u16, body: &str| judge(status.try_into().unwrap(), body.as_bytes());
        assert_eq!(of(200, "{}"), Taken::But(0));
        assert_eq!(of(200, ""), Taken::But(0));
        assert_eq!(
            of(202, r#"{"partialSuccess":{"rejectedSpans":"3"}}"#),
            Taken::But(3)
        );
        assert_eq!(
            of(200, r#"{"partialSuccess":{"rejectedSpans":4}}"#),
            Taken::But(4)
        );
        assert!(matches!(of(503, ""), Taken::NotNow(_)));
        assert!(matches!(of(400, ""), Taken::Never(_)));
    }
}
