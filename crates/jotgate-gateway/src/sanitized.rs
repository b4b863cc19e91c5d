//! A request of which there is one reading only.

use std::sync::Arc;

use http::header::{HeaderMap, SEC_WEBSOCKET_KEY, UPGRADE};
use http::uri::{Authority, PathAndQuery};
use http::{Method, Request, Uri, Version};
use hyper::body::{Body, Incoming};
use hyper::ext::Protocol;
use jotgate_model::{Reason, Refusal};
use jotgate_policy::sanitize;

use crate::asked_host::AskedHost;
use crate::request::ConnectionInfo;
use crate::tunnel::Handshake;

/// The only form in which a request is passed down the path.
pub(crate) struct Sanitized {
    head: http::request::Parts,
    body: Option<Incoming>,
    host: Arc<AskedHost>,
    websocket: bool,
    handshake: Option<Handshake>,
}

impl Sanitized {
    /// Phase sanitize, all but the removal of headers, which needs the virtual proxy and comes right
    /// before new ones are set.
    pub(crate) fn check(
        mut request: Request<Incoming>,
        connection: &ConnectionInfo,
    ) -> Result<Self, Refusal> {
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
        let host = connection.last_host.judge(&request)?;
        sanitize::path(request.uri().path())?;
        let websocket = extended || is_websocket(&request);
        if websocket && !request.body().is_end_stream() {
            return Err(Refusal::with(
                Reason::RequestMalformed,
                "the WebSocket handshake has a body",
            ));
        }
        let handshake = if extended {
            Some(Handshake::over_http2(&mut request, &connection.activity)?)
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

    /// Takes the values of `qlikTicket` out of the query: they are for the gateway alone.
    pub(crate) fn take_tickets(&mut self) -> Vec<String> {
        let Some(query) = self.query().filter(|query| may_have_ticket(query)) else {
            return Vec::new();
        };
        let mut tickets = Vec::new();
        let rest: Vec<&str> = query
            .split('&')
            .filter(|pair| match ticket_of(pair) {
                Some(ticket) => {
                    tickets.push(ticket.to_owned());
                    false
                }
                None => true,
            })
            .collect();
        let path = self.path();
        let address = match rest.join("&") {
            rest if rest.is_empty() => path.to_owned(),
            rest => format!("{path}?{rest}"),
        };
        // A part of an address that was one is one.
        if let Ok(address) = PathAndQuery::try_from(address) {
            self.head.uri = Uri::from(address);
        }
        tickets
    }

    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// Whether the client asks for a WebSocket. No other upgrade is served.
    pub(crate) const fn is_websocket(&self) -> bool {
        self.websocket
    }

    /// The host that the request is for, as an answer may repeat it.
    pub(crate) fn host(&self) -> &Authority {
        self.host.authority()
    }

    /// The same in its other forms.
    pub(crate) fn asked_host(&self) -> Arc<AskedHost> {
        self.host.clone()
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

/// Quick, because nearly no request has one.
fn may_have_ticket(query: &str) -> bool {
    let mut windows = query.as_bytes().windows(TICKET.len());
    windows.any(|window| window.eq_ignore_ascii_case(TICKET.as_bytes())) || query.contains('%')
}

/// The name of the parameter (Qlik help, "Ticket solution").
const TICKET: &str = "qlikTicket";

/// The ticket in one pair of a query, whatever way the name is written.
fn ticket_of(pair: &str) -> Option<&str> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let name = percent_encoding::percent_decode_str(name)
        .decode_utf8()
        .ok()?;
    name.eq_ignore_ascii_case(TICKET).then_some(value)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_found_however_its_name_is_written() {
        for pair in ["qlikTicket=x", "QLIKTICKET=x", "qlik%54icket=x"] {
            assert!(may_have_ticket(pair), "{pair}");
            assert_eq!(ticket_of(pair), Some("x"), "{pair}");
        }
        for pair in ["qlikTickets=x", "ticket=x", "", "a=qlikTicket"] {
            assert_eq!(ticket_of(pair), None, "{pair}");
        }
    }
}
