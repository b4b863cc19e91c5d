//! The client: requests that are as odd as a test wants them, and what came back.

pub(crate) mod answer;
pub(crate) mod http2;
pub(crate) mod raw;
pub(crate) mod socket;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

pub use self::answer::{Answer, Cookie};
use self::http2::Http2;
use self::raw::Raw;
use self::socket::Socket;
use crate::tls;

/// Bytes to and from the gateway.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A client of one address. It keeps nothing: neither connections nor cookies.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    from: Option<SocketAddr>,
    name: &'static str,
}

impl Client {
    /// Over plain TCP.
    #[must_use]
    pub const fn plain(address: SocketAddr) -> Self {
        Self {
            address,
            tls: None,
            from: None,
            name: "localhost",
        }
    }

    /// Over TLS, trusting the root in that folder.
    #[must_use]
    pub fn tls(address: SocketAddr, certificates: &Path) -> Self {
        Self {
            tls: Some(tls::config(certificates, None, &[])),
            ..Self::plain(address)
        }
    }

    /// Over TLS, showing that certificate of the folder.
    #[must_use]
    pub fn tls_with_certificate(address: SocketAddr, certificates: &Path, name: &str) -> Self {
        Self {
            tls: Some(tls::config(certificates, Some(name), &[])),
            ..Self::plain(address)
        }
    }

    /// Offers these protocols in the TLS handshake, such as `h2`.
    ///
    /// # Panics
    /// When the client does not speak TLS.
    #[must_use]
    pub fn offering(mut self, protocols: &[&str]) -> Self {
        let config = self.tls.as_deref().expect("a client over TLS");
        let mut config = config.clone();
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        self.tls = Some(Arc::new(config));
        self
    }

    /// A connection of HTTP/2.
    ///
    /// # Panics
    /// When there is none.
    pub async fn http2(&self) -> Http2 {
        let stream = self.clone().offering(&["h2"]).stream().await;
        Http2::new(stream.expect("a connection"), self.clone()).await
    }

    /// Asks for that name in the TLS handshake, not for `localhost`; for none when it is an address.
    #[must_use]
    pub const fn asking_for(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// From another address of this machine, such as `127.0.0.2`.
    #[must_use]
    pub fn from(mut self, address: &str) -> Self {
        let address = address.parse().expect("an IP address");
        self.from = Some(SocketAddr::new(address, 0));
        self
    }

    /// `localhost` with the port.
    #[must_use]
    pub fn host(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// `https://localhost:PORT`, or the same with `http`.
    #[must_use]
    pub fn origin(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.host())
    }

    /// A request.
    pub fn request(&self, method: &str, target: &str) -> Request {
        Request {
            client: self.clone(),
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// A `GET`.
    pub fn get(&self, target: &str) -> Request {
        self.request("GET", target)
    }

    /// A `POST`.
    pub fn post(&self, target: &str) -> Request {
        self.request("POST", target)
    }

    /// A connection for bytes.
    pub async fn raw(&self) -> Raw {
        Raw::new(self.stream().await.expect("a connection"))
    }

    /// A connection for requests, one after the other.
    pub async fn connection(&self) -> Connection {
        Connection {
            sender: self.connect().await.expect("a connection"),
            client: self.clone(),
        }
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let stream = self.stream().await?;
        let (sender, connection) = http1::Builder::new()
            .preserve_header_case(true)
            .max_buf_size(1 << 20)
            .handshake(TokioIo::new(stream))
            .await?;
        // What goes wrong with it, its requests hear of.
        tokio::spawn(async move { drop(connection.with_upgrades().await) });
        Ok(sender)
    }

    async fn stream(&self) -> Result<Box<dyn Stream>, Failure> {
        let stream = match self.from {
            None => TcpStream::connect(self.address).await?,
            Some(from) => {
                let socket = tokio::net::TcpSocket::new_v4()?;
                socket.bind(from)?;
                socket.connect(self.address).await?
            }
        };
        stream.set_nodelay(true)?;
        Ok(match &self.tls {
            None => Box::new(stream),
            Some(config) => Box::new(tls::connect(stream, config.clone(), self.name).await?),
        })
    }
}

/// Why there was no answer.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A request that is being made.
#[derive(Clone)]
#[must_use]
pub struct Request {
    client: Client,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Request {
    /// With that header field, after those that are there.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With that token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    /// With that cookie.
    pub fn cookie(self, cookie: &Cookie) -> Self {
        self.header("Cookie", cookie.pair())
    }

    /// From a page of that origin.
    pub fn origin(self, origin: &str) -> Self {
        self.header("Origin", origin)
    }

    /// From something that reads JSON.
    pub fn accepts_json(self) -> Self {
        self.header("Accept", "application/json")
    }

    /// As a browser asks for a page.
    pub fn accepts_html(self) -> Self {
        self.header(
            "Accept",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        )
    }

    /// A form.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let encode = |text: &str| {
            text.bytes()
                .map(|byte| match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                        char::from(byte).to_string()
                    }
                    other => format!("%{other:02X}"),
                })
                .collect::<String>()
        };
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        self.header("Content-Type", "application/x-www-form-urlencoded")
            .body(pairs.join("&"))
    }

    /// With that body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Asks for a WebSocket, for refusals: see [`Request::open_socket`].
    pub fn upgrade(self) -> Self {
        self.header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    }

    /// Sends it on a connection of its own.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.target);
        self.try_send()
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Sends it on a connection of its own.
    ///
    /// # Errors
    /// There is no answer, or only a part of one.
    pub async fn try_send(self) -> Result<Answer, Failure> {
        let mut sender = self.client.connect().await?;
        Answer::collect(sender.send_request(self.build()).await?).await
    }

    /// Sends it and gives the answer as soon as its head has come; the body is read by the test.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn stream(self) -> http::Response<Incoming> {
        let mut sender = self.client.connect().await.expect("a connection");
        sender
            .send_request(self.build())
            .await
            .expect("the head of an answer")
    }

    /// Asks for a WebSocket, and gives the answer when there is none.
    ///
    /// # Errors
    /// The answer that is no 101.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub async fn open_socket(self) -> Result<Socket, Answer> {
        let stream = self.client.stream().await.expect("a connection");
        let mut raw = Raw::new(stream);
        let head = self.upgrade().head();
        raw.send(head).await;
        let answer = raw.read_head().await;
        if answer.status == 101 {
            return Ok(Socket::new(raw, answer));
        }
        Err(raw.read_body(answer).await.into())
    }

    /// The request as text, for [`Raw`].
    #[must_use]
    pub fn head(&self) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        if !self.has("host") {
            head.push_str(&format!("Host: {}\r\n", self.client.host()));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head + "\r\n"
    }

    fn has(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(given, _)| given.eq_ignore_ascii_case(name))
    }

    fn build(self) -> http::Request<Full<Bytes>> {
        let mut builder = http::Request::builder()
            .method(self.method.as_str())
            .uri(&self.target);
        if !self.has("host") {
            builder = builder.header("Host", self.client.host());
        }
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        builder.body(Full::new(self.body)).expect("a request")
    }
}

/// A connection for requests, one after the other.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    client: Client,
}

impl Connection {
    /// A request on this connection; its own connection is not used.
    pub fn get(&self, target: &str) -> Request {
        self.client.get(target)
    }

    /// Sends a request on this connection.
    ///
    /// # Errors
    /// There is no answer, or only a part of one.
    pub async fn send(&mut self, request: Request) -> Result<Answer, Failure> {
        self.sender.ready().await?;
        Answer::collect(self.sender.send_request(request.build()).await?).await
    }
}
