//! Select, rewrite, forward: from the judged request to a backend's answer.

mod connect;
mod health;
mod identity;
mod pool;
mod roots;
mod stream;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, HeaderValue,
    TRANSFER_ENCODING, UPGRADE,
};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::{Body, Incoming};
use jotgate_model::{
    Authentication, BackendHeader, Node, Reason, Refusal, Service, Snapshot, VirtualProxy,
};
use jotgate_policy::select::{self, Standing};
use jotgate_policy::trailers::Announced;
use jotgate_policy::{cookies, forwarded, identity_headers, sanitize};
use jotgate_session::Session;

use crate::Shared;
use crate::body::{RequestBody, ResponseBody};
use crate::exchange::Exchange;
use crate::request::ConnectionInfo;
use crate::sanitized::{Sanitized, header_text};
use crate::timed_io::{Activity, InFlight};

pub(crate) use self::connect::Backends;
pub(crate) use self::pool::Lease;
pub(crate) use self::stream::{BackendIo, BackendStream};

/// What a request towards a backend is made from.
pub(crate) struct Outgoing<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) connection: &'a Arc<ConnectionInfo>,
    pub(crate) virtual_proxy: &'a VirtualProxy,
    /// The path below the prefix.
    pub(crate) path: &'a str,
    pub(crate) session: &'a Arc<Session>,
    /// Whether requests of this session stay with one node.
    pub(crate) sticky: bool,
}

/// The backend that was chosen.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) node: Arc<Node>,
    pub(crate) service: Arc<Service>,
}

/// Phase select: a connection to a node that serves the path. Nodes that cannot be reached are passed
/// over, here and, for a moment, by the requests that follow.
pub(crate) async fn connect_to_a_node(
    sent: &Outgoing<'_>,
    exchange: &mut Exchange,
) -> Result<(Lease, Target), Refusal> {
    let backends = &sent.shared.backends;
    let turn = sent.shared.turn.fetch_add(1, Ordering::Relaxed);
    let sticky = sent.sticky.then(|| fold(sent.session.public_id()));
    let mut last = None;
    let mut tried: Vec<Target> = Vec::new();
    loop {
        let standing = |node: &Node, service: &Service| {
            let is_this =
                |target: &Target| target.node.id == node.id && *target.service == *service;
            if tried.iter().any(is_this) {
                Standing::Tried
            } else if backends.health.is_well(node.id, service) {
                Standing::Well
            } else {
                Standing::Failing
            }
        };
        let chosen = match select::select(
            sent.snapshot,
            sent.virtual_proxy,
            sent.path,
            standing,
            turn,
            sticky,
        ) {
            Ok(chosen) => chosen,
            // When all have failed, what the last one said tells more.
            Err(refusal) => return Err(last.unwrap_or(refusal)),
        };
        let target = Target {
            node: chosen.node.clone(),
            service: chosen.service.clone(),
        };
        exchange.node = Some(target.node.name.clone());
        match pool::take_or_connect(backends, &target).await {
            Ok(lease) => return Ok((lease, target)),
            Err(refusal) => {
                backends
                    .health
                    .note_failure(target.node.id, &target.service);
                last = Some(refusal);
                tried.push(target);
            }
        }
    }
}

/// A number that stays the same for a session.
fn fold(text: &str) -> usize {
    text.bytes().fold(0_usize, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(usize::from(byte))
    })
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
    let host = request.host_value();
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
    let announced = Announced::take(&mut headers, own_names.clone());
    sanitize::strip_request_headers(&mut headers, own_names);
    headers.remove(EXPECT);
    // Tokens are credentials for the gateway alone. Other virtual proxies leave the header to backends.
    if matches!(vp.authentication, Authentication::Jwt(_)) {
        headers.remove(AUTHORIZATION);
    }
    cookies::remove(&mut headers, |name| sent.snapshot.is_own_cookie(name));
    let user_agent = header_text(&headers, "user-agent").to_owned();
    for (name, value) in &*identity::headers(sent, exchange, &user_agent)? {
        headers.insert(name.clone(), value.clone());
    }
    identity_headers::set_for_request(&mut headers, &sent.connection.trace, sent.path);
    forwarded::set(
        &mut headers,
        forwarded::Told {
            client: &exchange.client_value,
            over_tls: exchange.client.over_tls,
            host: &host,
            prefix: vp.prefix.as_str(),
        },
    );
    if let Some(trace) = &exchange.trace {
        trace.tell(&mut headers);
    }
    headers.insert(HOST, host);
    if websocket {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    let limits = sent.shared.settings();
    let activity = head.extensions.get::<Arc<Activity>>();
    let body = match body {
        Some(incoming) if !websocket => RequestBody::new(
            incoming,
            limits.max_body_bytes,
            limits.body_timeout,
            activity.map(InFlight::also),
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
    frame(&mut outgoing);
    Ok(outgoing)
}

/// Says how long the body is: by what is really going to be sent, never by what the client said. A
/// length without its bytes would make a backend take the next user's request for them.
fn frame(outgoing: &mut Request<RequestBody>) {
    let announced = outgoing.body().announced().cloned();
    // Only behind chunks can anything follow (RFC 9112 section 7.1.2).
    let exact = outgoing
        .body()
        .size_hint()
        .exact()
        .filter(|_| announced.is_none());
    let empty = outgoing.body().is_empty();
    // RFC 9110 section 8.6: methods that mean something by a body say so when there is none.
    let says_none = matches!(
        *outgoing.method(),
        Method::PATCH | Method::POST | Method::PUT
    );
    let headers = outgoing.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);
    if let Some(announced) = announced {
        announced.announce(headers);
    }
    match exact {
        _ if empty && !says_none => {}
        Some(length) => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        None => {
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
    }
}

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

/// Phase forward: sends the request and waits for the head of the answer.
///
/// A connection that was idle may have been closed by the backend at that very moment. A request that
/// was never written is sent again on a new one; so is one without a body that may be repeated
/// (RFC 9110 section 9.2.2), once.
pub(crate) async fn send(
    sent: &Outgoing<'_>,
    exchange: &mut Exchange,
    target: &Target,
    mut lease: Lease,
    outgoing: Request<RequestBody>,
) -> Result<Response<ResponseBody>, Refusal> {
    let upgrade = outgoing.headers().contains_key(UPGRADE);
    let verdict = outgoing.body().verdict();
    let spare =
        (lease.was_idle() && outgoing.body().is_empty() && is_repeatable(outgoing.method()))
            .then(|| copy_head(&outgoing));
    let timeout = sent.shared.settings().response_timeout;
    // An answer that has begun may pause as long as a connection may be idle.
    let silence = sent.shared.settings().idle_timeout;
    let mut answer = lease.send(outgoing, &verdict, timeout).await;
    if let Err(pool::SendFailure::Broken { unsent, .. }) = &mut answer
        && let Some(again) = unsent.take().map(|request| *request).or(spare)
        && lease.was_idle()
    {
        lease = pool::connect(&sent.shared.backends, target).await?;
        let verdict = again.body().verdict();
        answer = lease.send(again, &verdict, timeout).await;
    }
    exchange.end_waiting();
    match answer {
        Ok(response) => {
            if upgrade {
                lease.use_once();
            }
            receive(response, lease, target, silence)
        }
        Err(failure) => Err(match verdict.reason() {
            Some(reason) => reason.into(),
            None => failure.refusal(target),
        }),
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
    if head.headers.contains_key(TRANSFER_ENCODING) {
        // RFC 9112 section 6.3: the length that stands beside a transfer coding is wrong.
        head.headers.remove(CONTENT_LENGTH);
    }
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return match head.headers.get(UPGRADE) {
            Some(to) if to.as_bytes().eq_ignore_ascii_case(b"websocket") => {
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

fn copy_head(request: &Request<RequestBody>) -> Request<RequestBody> {
    let mut copy = Request::new(RequestBody::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_without_its_bytes_is_not_passed_on() {
        let framed = |method: Method| {
            let mut request = Request::new(RequestBody::empty());
            *request.method_mut() = method;
            request
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from_static("64"));
            frame(&mut request);
            request.headers().get(CONTENT_LENGTH).cloned()
        };
        assert_eq!(framed(Method::GET), None);
        assert_eq!(framed(Method::POST).unwrap(), "0");
    }

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
