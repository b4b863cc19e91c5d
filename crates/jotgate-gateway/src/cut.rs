//! Connections that end because of what their client sent, before there was a request to refuse.
//!
//! hyper answers a head that it cannot read by itself, and ends a connection of HTTP/2 that breaks the
//! rules. Nothing of that passes the request path, so it is counted here, and a head that got an answer
//! gets a line in the access log.

use std::error::Error as _;
use std::net::IpAddr;

use http::{HeaderMap, Method};
use jotgate_model::{Reason, Refusal};
use jotgate_observe::Phase;
use jotgate_policy::forwarded::Client;

use crate::Shared;
use crate::exchange::Exchange;
use crate::request::ConnectionInfo;
use crate::timed_io::Activity;

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    HeadMalformed,
    HeadTooLarge,
    HeadTimeout,
    Http2Flood,
    Http2Protocol,
}

impl Cause {
    /// The label in the metric.
    const fn label(self) -> &'static str {
        match self {
            Self::HeadMalformed => "head_malformed",
            Self::HeadTooLarge => "head_too_large",
            Self::HeadTimeout => "head_timeout",
            Self::Http2Flood => "http2_flood",
            Self::Http2Protocol => "http2_protocol",
        }
    }

    /// The status that the client got, and what the log says; nothing where there was no answer.
    const fn answer(self) -> Option<(u16, &'static str)> {
        match self {
            Self::HeadMalformed => Some((400, "the head of the request is no HTTP/1.1")),
            Self::HeadTooLarge => Some((
                431,
                "the head of the request exceeds --max-header-bytes or 100 fields",
            )),
            Self::HeadTimeout => Some((
                408,
                "the head of the request did not arrive within --header-timeout",
            )),
            Self::Http2Flood | Self::Http2Protocol => None,
        }
    }

    fn of(activity: &Activity, ended: &Result<(), hyper::Error>) -> Option<Self> {
        if activity.head_timed_out() {
            return Some(Self::HeadTimeout);
        }
        let error = ended.as_ref().err()?;
        if error.is_parse_too_large() {
            return Some(Self::HeadTooLarge);
        }
        if error.is_parse() {
            return Some(Self::HeadMalformed);
        }
        let h2 = error.source()?.downcast_ref::<h2::Error>()?;
        let ours = !h2.is_remote() && !h2.is_io();
        match h2.reason()? {
            h2::Reason::ENHANCE_YOUR_CALM if ours => Some(Self::Http2Flood),
            h2::Reason::NO_ERROR | h2::Reason::CANCEL => None,
            _ if ours => Some(Self::Http2Protocol),
            _ => None,
        }
    }
}

/// Notes how a connection ended.
pub(crate) fn note(
    shared: &Shared,
    connection: &ConnectionInfo,
    activity: &Activity,
    ended: &Result<(), hyper::Error>,
) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a client's connection ended");
    }
    let Some(cause) = Cause::of(activity, ended) else {
        return;
    };
    shared.metrics.connection_refused(cause.label());
    let (Some((status, detail)), Ok(unknown)) = (cause.answer(), Method::from_bytes(b"-")) else {
        return;
    };
    let client = Client {
        address: connection.peer,
        over_tls: connection.over_tls,
    };
    let mut exchange = Exchange::begin(&unknown, "", &HeaderMap::new(), client, connection);
    exchange.enter(Phase::Accept);
    let refusal = Refusal::with(Reason::RequestMalformed, detail);
    exchange.finish(shared, status, Some(&refusal));
}

/// Notes a connection that is closed at once, because its address has as many as it may.
pub(crate) fn note_too_many(shared: &Shared, peer: IpAddr) {
    shared.metrics.connection_refused("address");
    tracing::debug!(%peer, "an address has as many connections as it may");
}
