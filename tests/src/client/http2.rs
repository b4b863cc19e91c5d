//! Requests over HTTP/2.

use std::convert::Infallible;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::ext::Protocol;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::raw::Raw;
use super::socket::Socket;
use super::{Answer, Client, Failure, Request, Stream};

/// A connection of HTTP/2, for any number of requests at once.
#[derive(Clone)]
pub struct Http2 {
    sender: SendRequest<Http2Body>,
    client: Client,
}

type Http2Body = BoxBody<Bytes, Infallible>;

impl Http2 {
    pub(super) async fn new(stream: Box<dyn Stream>, client: Client) -> Self {
        let handshake = Builder::new(TokioExecutor::new()).handshake(TokioIo::new(stream));
        let (sender, connection) = handshake.await.expect("HTTP/2");
        // What goes wrong with it, its requests hear of.
        tokio::spawn(async move { drop(connection.await) });
        Self { sender, client }
    }

    /// Sends a request; its target is a path. Fields of the body's trailer follow the body.
    ///
    /// # Errors
    /// There is no answer, or only a part of one.
    pub async fn send(
        &self,
        request: Request,
        trailers: Option<HeaderMap>,
    ) -> Result<Answer, Failure> {
        let builder = self.head(&request, &request.method);
        let body = Full::new(request.body);
        let body = match trailers {
            None => body.boxed(),
            Some(trailers) => body
                .with_trailers(std::future::ready(Some(Ok(trailers))))
                .boxed(),
        };
        let mut sender = self.sender.clone();
        sender.ready().await?;
        Answer::collect(sender.send_request(builder.body(body)?).await?).await
    }

    /// Sends a request without a body whose authority is `host`.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send_to(&self, host: &str, request: Request) -> Answer {
        let address = format!("https://{host}{}", request.target);
        let head = self.head(&request, &request.method).uri(address);
        let request = head.body(Full::default().boxed()).expect("a request");
        let answer = self.sender.clone().send_request(request).await;
        let answer = answer.expect("the head of an answer");
        Answer::collect(answer).await.expect("a whole answer")
    }

    /// Sends a request and gives the answer as soon as its head has come; the body is read by the test.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn stream(&self, request: Request) -> http::Response<Incoming> {
        let builder = self.head(&request, &request.method);
        let body = Full::new(request.body).boxed();
        let mut sender = self.sender.clone();
        sender.ready().await.expect("an open connection");
        let answer = sender.send_request(builder.body(body).expect("a request"));
        answer.await.expect("the head of an answer")
    }

    /// Asks for a WebSocket on a stream of its own (RFC 8441), and gives the answer when there is none.
    ///
    /// # Errors
    /// The answer that is no success.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub async fn open_socket(&self, request: Request) -> Result<Socket, Answer> {
        self.open(request.header("sec-websocket-version", "13"), "websocket")
            .await
    }

    /// Asks for another protocol than that of WebSockets.
    ///
    /// # Errors
    /// The answer that is no success.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub async fn open(&self, request: Request, protocol: &'static str) -> Result<Socket, Answer> {
        // Only the server's settings allow it, and they have come when anything else has.
        let first = self.send(self.client.get("/%00"), None).await;
        first.expect("an answer of any kind");
        let connect = self
            .head(&request, "CONNECT")
            .extension(Protocol::from_static(protocol))
            .body(Full::default().boxed())
            .expect("a request");
        let mut sender = self.sender.clone();
        sender.ready().await.expect("an open connection");
        let mut response = sender.send_request(connect).await.expect("an answer");
        let upgrade = hyper::upgrade::on(&mut response);
        if response.status() != http::StatusCode::OK {
            return Err(Answer::collect(response).await.expect("a whole answer"));
        }
        let answer = Answer {
            status: 200,
            headers: response.headers().clone(),
            body: Bytes::new(),
            trailers: HeaderMap::new(),
        };
        let stream = TokioIo::new(upgrade.await.expect("a stream of bytes"));
        Ok(Socket::new(Raw::new(Box::new(stream)), answer))
    }

    fn head(&self, request: &Request, method: &str) -> http::request::Builder {
        let address = format!("https://{}{}", self.client.host(), request.target);
        let mut builder = http::Request::builder().method(method).uri(address);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        builder
    }
}
