//! A request of which there is one reading only.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue, SEC_WEBSOCKET_KEY, UPGRADE};
use http::uri::Authority;
use http::{Method, Request, Version};
use hyper::body::{Body, Incoming};
use hyper::ext::Protocol;
use jotgate_model::{Reason, Refusal};
use jotgate_policy::sanitize;

use crate::tunnel::Handshake;

/// The only form in which a request is passed down the path.
pub(crate) struct Sanitized {
    head: http::request::Parts,
    body: Option<Incoming>,
    host: Authority,
    websocket: bool,
    handshake: Option<Handshake>,
}

impl Sanitized {
    /// Phase sanitize, all but the removal of headers, which needs the virtual proxy and comes right
    /// before new ones are set.
    pub(crate) fn check(mut request: Request<Incoming>) -> Result<Self, Refusal> {
        let extended = is_extended_connect(&request);
        if extended {
            // From here on it is the handshake that the backend gets.
            *request.method_mut() = Method::GET;
        }
        sanitize::message(
            request.method(),
            request.uri(),
            request.version(),
            request.headers(),
        )?;
        let host = sanitize::host(request.uri(), request.headers())?;
        sanitize::path(request.uri().path())?;
        let websocket = extended || is_websocket(&request);
        if websocket && !request.body().is_end_stream() {
            return Err(Refusal::with(
                Reason::RequestMalformed,
                "the WebSocket handshake has a body",
            ));
        }
        let handshake = if extended {
            Some(Handshake::over_http2(&mut request)?)
        } else {
            websocket.then(|| Handshake::over_http1(&mut request))
        };
        let (head, body) = request.into_parts();
        Ok(Self {
            head,
            body: Some(body),
            host,
            websocket,
            handshake,
        })
    }

    pub(crate) const fn method(&self) -> &Method {
        &self.head.method
    }

    pub(crate) fn path(&self) -> &str {
        self.head.uri.path()
    }

    pub(crate) fn query(&self) -> Option<&str> {
        self.head.uri.query()
    }

    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// Whether the client asks for a WebSocket. No other upgrade is served.
    pub(crate) const fn is_websocket(&self) -> bool {
        self.websocket
    }

    /// The host that the request is for, as an answer may repeat it.
    pub(crate) const fn host(&self) -> &Authority {
        &self.host
    }

    /// The host as a header.
    pub(crate) fn host_value(&self) -> HeaderValue {
        HeaderValue::from_maybe_shared(Bytes::copy_from_slice(self.host.as_str().as_bytes()))
            .unwrap_or_else(|_| HeaderValue::from_static("invalid"))
    }

    pub(crate) fn user_agent(&self) -> &str {
        header_text(&self.head.headers, "user-agent")
    }

    /// The body, once.
    pub(crate) const fn take_body(&mut self) -> Option<Incoming> {
        self.body.take()
    }

    pub(crate) const fn take_handshake(&mut self) -> Option<Handshake> {
        self.handshake.take()
    }

    pub(crate) fn into_parts(self) -> (http::request::Parts, Option<Incoming>) {
        (self.head, self.body)
    }
}

/// A header's value, or nothing when it is absent or not visible ASCII.
pub(crate) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// RFC 8441 section 4: `CONNECT` with `:protocol` is the handshake of a WebSocket over HTTP/2.
fn is_extended_connect(request: &Request<Incoming>) -> bool {
    request.method() == Method::CONNECT
        && request
            .extensions()
            .get::<Protocol>()
            .is_some_and(|protocol| protocol.as_str() == "websocket")
}

/// RFC 6455 section 4.1. Something that is not quite a handshake is a request like any other: its
/// `Upgrade` is removed with the other fields of the connection.
fn is_websocket(request: &Request<Incoming>) -> bool {
    let headers = request.headers();
    let connection_says_so = headers
        .get_all(http::header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"upgrade"));
    request.version() == Version::HTTP_11
        && request.method() == Method::GET
        && headers
            .get(UPGRADE)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
        && connection_says_so
        && headers.contains_key(SEC_WEBSOCKET_KEY)
}
