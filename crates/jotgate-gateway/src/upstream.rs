//! Select, rewrite, forward: from the judged request to a backend's answer.

mod checks;
mod choose;
mod connect;
mod form;
mod identity;
mod places;
mod pool;
mod roots;
mod sender;
mod spare;
mod state;
mod stream;
mod trial;

use std::sync::Arc;
use std::time::Duration;

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue,
    TE, TRANSFER_ENCODING, UPGRADE,
};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use jotgate_model::{
    Authentication, BackendHeader, Balancing, Reason, Refusal, Snapshot, VirtualProxy,
};
use jotgate_policy::health::Failure;
use jotgate_policy::trailers::Announced;
use jotgate_policy::{cookies, forwarded, identity_headers, sanitize};
use jotgate_session::Session;

use crate::body::{RequestBody, ResponseBody};
use crate::exchange::Exchange;
use crate::request::ConnectionInfo;
use crate::sanitized::{Sanitized, header_text};
use crate::timed_io::InFlight;
use crate::{Shared, api_key};

use self::sender::SendFailure;
use self::spare::Spare;

pub use self::checks::{BackendCondition, BackendHealth, check_backends};
pub(crate) use self::choose::connect_to_a_node;
pub(crate) use self::pool::{Held, Lease, Target, tend};
pub(crate) use self::state::Backends;
pub(crate) use self::stream::{BackendIo, BackendStream};
pub use self::trial::try_backend;

/// What a request towards a backend is made from.
pub(crate) struct Outgoing<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) connection: &'a Arc<ConnectionInfo>,
    pub(crate) virtual_proxy: &'a VirtualProxy,
    /// The path below the prefix.
    pub(crate) path: &'a str,
    pub(crate) session: &'a Arc<Session>,
    /// Which node the next request of this session goes to.
    pub(crate) balancing: Balancing,
}

/// Phase rewrite: the request as the backend gets it, written anew. What the client may not say goes
/// first, then what Jotgate says is set.
pub(crate) fn rewrite(
    sent: &Outgoing<'_>,
    exchange: &Exchange,
    target: &Target,
    request: Sanitized,
) -> Result<Request<RequestBody>, Refusal> {
    let websocket = request.is_websocket();
    let host = request.asked_host();
    let (head, body) = request.into_parts();
    let mut headers = head.headers;
    let vp = sent.virtual_proxy;
    let trusted_name = match &vp.authentication {
        Authentication::Header(settings) => Some(&settings.name),
        _ => None,
    };
    let own_names = vp
        .backend_headers
        .iter()
        .map(backend_header_name)
        .chain(trusted_name);
    let takes_trailers = takes_trailers(&headers);
    let announced = Announced::take(&mut headers, own_names.clone());
    sanitize::strip_request_headers(&mut headers, own_names);
    if takes_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    headers.remove(EXPECT);
    // Tokens and API keys are credentials for the gateway alone. Otherwise the header is the backend's.
    if matches!(vp.authentication, Authentication::Jwt(_)) || api_key::is_shown(&headers) {
        headers.remove(AUTHORIZATION);
    }
    cookies::remove(&mut headers, |name| sent.snapshot.is_own_cookie(name));
    let who = identity::headers(sent, exchange, header_text(&headers, "user-agent"))?;
    headers.reserve(who.len() + OTHER_HEADERS);
    for (name, value) in &*who {
        headers.insert(name.clone(), value.clone());
    }
    identity_headers::set_for_request(&mut headers, &sent.connection.trace, sent.path);
    forwarded::set(
        &mut headers,
        forwarded::Told {
            client: &exchange.client_value,
            over_tls: exchange.client.over_tls,
            host: host.value(),
            prefix: vp.prefix_header.as_ref(),
            element: host.element(&exchange.client, &exchange.client_value),
        },
    );
    if let Some(trace) = &exchange.trace {
        trace.tell(&mut headers);
    }
    headers.insert(HOST, host.value().clone());
    if websocket {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    let limits = sent.shared.settings();
    let body = match body {
        Some(incoming) if !websocket => RequestBody::new(
            incoming,
            limits.max_body_bytes,
            limits.body_timeout,
            Some(InFlight::also(&sent.connection.activity)),
        )
        .with_trailers(announced),
        _ => RequestBody::empty(),
    };
    if body.is_announced_too_large() {
        return Err(Reason::BodyTooLarge.into());
    }
    let mut outgoing = Request::new(body);
    *outgoing.method_mut() = head.method;
    *outgoing.uri_mut() = address(&target.service.base_path, sent.path, head.uri.query())?;
    *outgoing.version_mut() = Version::HTTP_11;
    *outgoing.headers_mut() = headers;
    form::frame(&mut outgoing);
    Ok(outgoing)
}

/// How many more headers than [`identity::headers`] a request usually gets.
const OTHER_HEADERS: usize = 8;

fn backend_header_name(header: &BackendHeader) -> &HeaderName {
    &header.name
}

/// The path below the prefix, behind the backend's own base path; the query as it came.
fn address(base: &str, path: &str, query: Option<&str>) -> Result<Uri, Refusal> {
    let mut text = String::with_capacity(base.len() + path.len() + query.map_or(0, str::len) + 2);
    text.push_str(base);
    text.push_str(if path.is_empty() { "/" } else { path });
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    let path = PathAndQuery::try_from(text)
        .map_err(|_| Refusal::with(Reason::RequestMalformed, "the path cannot be forwarded"))?;
    Ok(Uri::from(path))
}

/// Whether the client says `te: trailers`, which programs that need them ask for (gRPC does).
fn takes_trailers(headers: &HeaderMap) -> bool {
    headers.get_all(TE).iter().any(|value| {
        value
            .as_bytes()
            .split(|byte| *byte == b',')
            .any(|part| part.trim_ascii().eq_ignore_ascii_case(b"trailers"))
    })
}

/// Phase forward: sends the request and waits for the head of the answer.
///
/// A connection that was idle may have been closed by the backend at that very moment. A request that
/// was never written is sent again on a new one; so is one without a body that may be repeated
/// (RFC 9110 section 9.2.2) or that the backend says it did not touch, once.
pub(crate) async fn send(
    sent: &Outgoing<'_>,
    exchange: &mut Exchange,
    target: &Arc<Target>,
    mut lease: Lease,
    outgoing: Request<RequestBody>,
) -> Result<Response<ResponseBody>, Refusal> {
    let shared = sent.shared;
    let upgrade = outgoing.headers().contains_key(UPGRADE);
    let verdict = outgoing.body().verdict();
    let repeatable = is_repeatable(outgoing.method());
    let spare = (outgoing.body().is_empty()
        && (lease.is_shared() || (lease.was_idle() && repeatable)))
        .then(|| Spare::of(&outgoing));
    let timeout = shared.settings().response_timeout;
    let mut answer = lease.send(outgoing, &verdict, timeout).await;
    if let Err(SendFailure::Broken {
        unsent, untouched, ..
    }) = &mut answer
    {
        let untouched = *untouched;
        let may_repeat = lease.was_idle() && repeatable;
        let again = match unsent.take() {
            Some(request) if lease.was_idle() || lease.is_shared() => Some(*request),
            _ => spare
                .filter(|_| untouched || may_repeat)
                .and_then(Spare::request),
        };
        if let Some(again) = again {
            lease = choose::connect_again(shared, target, upgrade).await?;
            let verdict = again.body().verdict();
            answer = lease.send(again, &verdict, timeout).await;
        }
    }
    exchange.end_waiting();
    match answer {
        Ok(response) => {
            if upgrade {
                lease.use_once();
            }
            note_answer(shared, target, response.status());
            // An answer that has begun may pause as long as a connection may be idle.
            let pause = shared.settings().idle_timeout;
            receive(response, lease, target, pause)
        }
        Err(failure) => Err(match verdict.reason() {
            Some(reason) => reason.into(),
            None => {
                let refusal = failure.refusal(&target.node);
                choose::note_failure(shared, target, Failure::Answer, &refusal);
                refusal
            }
        }),
    }
}

/// Statuses of the 500s count against a backend, when there are many in a row.
fn note_answer(shared: &Shared, target: &Target, status: StatusCode) {
    if status.is_server_error() {
        let what = Refusal::with(Reason::NodeFailed, format!("the answer was {status}"));
        choose::note_failure(shared, target, Failure::Answer, &what);
    } else {
        target.state.note_success();
    }
}

/// A connection that has become a WebSocket is no longer one for requests.
fn receive(
    response: Response<Incoming>,
    lease: Lease,
    target: &Target,
    pause: Duration,
) -> Result<Response<ResponseBody>, Refusal> {
    let (mut head, incoming) = response.into_parts();
    head.version = Version::HTTP_11;
    if head.headers.contains_key(TRANSFER_ENCODING) {
        // RFC 9112 section 6.3: the length that stands beside a transfer coding is wrong.
        head.headers.remove(CONTENT_LENGTH);
    }
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return match head.headers.get(UPGRADE) {
            Some(to) if to.as_bytes().eq_ignore_ascii_case(b"websocket") => {
                head.extensions.insert(lease.hold());
                Ok(Response::from_parts(head, ResponseBody::empty()))
            }
            _ => Err(Refusal::with(
                Reason::NodeFailed,
                format!(
                    "the node \"{}\" switched to a protocol that was not asked for",
                    target.node.name
                ),
            )),
        };
    }
    Ok(Response::from_parts(
        head,
        ResponseBody::backend(incoming, lease, pause),
    ))
}

fn is_repeatable(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_path_and_query_as_they_came() {
        let of = |base, path, query| address(base, path, query).unwrap().to_string();
        assert_eq!(
            of("", "/app/%3Ftransient%3D", Some("a=%20b")),
            "/app/%3Ftransient%3D?a=%20b"
        );
        assert_eq!(of("/base", "/x", None), "/base/x");
        assert_eq!(of("", "", Some("")), "/?");
    }
}
