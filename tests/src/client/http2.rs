//! Requests over HTTP/2.

use std::convert::Infallible;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};

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
        let address = format!("https://{}{}", self.client.host(), request.target);
        let mut builder = http::Request::builder()
            .method(request.method.as_str())
            .uri(address);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
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
}
