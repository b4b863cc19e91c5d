//! The two handshakes that open a WebSocket: the upgrade of a connection of HTTP/1.1 (RFC 6455
//! section 4), and the extended `CONNECT` of one stream of HTTP/2 (RFC 8441).
//!
//! The backend is always asked in the form of HTTP/1.1. For a client of HTTP/2, which sends no key and
//! cannot check the answer to one, the gateway makes the key and checks the answer.

use std::sync::Arc;

use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use jotgate_model::{Reason, Refusal};
use jotgate_policy::websocket;

use crate::body::ResponseBody;
use crate::exchange::{Exchange, next_number};
use crate::timed_io::{Activity, InFlight};

/// The client's side of a WebSocket that is to be opened.
pub(crate) struct Handshake {
    client: OnUpgrade,
    http2: Option<Http2>,
}

/// What a stream of HTTP/2 needs besides.
struct Http2 {
    /// What the backend must answer to the key.
    accept: String,
    /// Keeps the connection from counting as idle while the WebSocket is open.
    in_flight: Option<InFlight>,
}

/// The mark of an answer that opens a WebSocket.
#[derive(Clone, Copy)]
struct Opened;

impl Handshake {
    pub(crate) fn over_http1(request: &mut Request<Incoming>) -> Self {
        Self {
            client: hyper::upgrade::on(request),
            http2: None,
        }
    }

    /// Also puts the key into the request that the backend gets.
    pub(crate) fn over_http2(
        request: &mut Request<Incoming>,
        activity: &Arc<Activity>,
    ) -> Result<Self, Refusal> {
        let nonce = u128::from(next_number()) << 64 | u128::from(next_number());
        let key = websocket::key(nonce.to_be_bytes());
        let accept = websocket::accept_for(&key);
        let key = HeaderValue::try_from(key).map_err(|_| Reason::RequestMalformed)?;
        request.headers_mut().insert(SEC_WEBSOCKET_KEY, key);
        let in_flight = Some(InFlight::socket(activity));
        Ok(Self {
            client: hyper::upgrade::on(request),
            http2: Some(Http2 { accept, in_flight }),
        })
    }

    /// Turns the backend's 101 into the answer that the client understands.
    pub(super) fn complete(
        self,
        response: &mut Response<ResponseBody>,
    ) -> Result<(OnUpgrade, Option<InFlight>), Refusal> {
        let Self { client, http2 } = self;
        let headers = response.headers_mut();
        let Some(http2) = http2 else {
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            return Ok((client, None));
        };
        let answered = headers.remove(SEC_WEBSOCKET_ACCEPT);
        if answered.is_none_or(|answered| answered != http2.accept) {
            return Err(Refusal::with(
                Reason::NodeFailed,
                "the node's Sec-WebSocket-Accept does not fit the key that it was sent",
            ));
        }
        for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE] {
            headers.remove(name);
        }
        *response.status_mut() = StatusCode::OK;
        response.extensions_mut().insert(Opened);
        Ok((client, http2.in_flight))
    }
}

/// An answer to `CONNECT` that tells of a success opens a tunnel (RFC 8441 section 5). The client must
/// not take a page for one.
pub(crate) fn refuse_success_without_tunnel(
    exchange: &Exchange,
    response: Response<ResponseBody>,
) -> Result<Response<ResponseBody>, Refusal> {
    let status = response.status();
    if !status.is_success() || response.extensions().get::<Opened>().is_some() {
        return Ok(response);
    }
    Err(if exchange.node.is_some() {
        Refusal::with(
            Reason::NodeFailed,
            format!("the node answered {status} to a WebSocket handshake"),
        )
    } else {
        Refusal::with(
            Reason::RequestMalformed,
            "there is no WebSocket at this address",
        )
    })
}
