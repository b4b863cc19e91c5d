//! The request path: the ten phases in their order.
//!
//! ```text
//! accept -> sanitize -> route -> admit -> identify -> authorize -> select -> rewrite
//!        -> forward | tunnel -> respond
//! ```
//!
//! Accept is the connection's business (`connection.rs`). Every phase gets what it needs and returns a
//! value or a [`Refusal`]; the snapshot is loaded once and passed down.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use jotgate_model::{Reason, Refusal, Snapshot, VirtualProxy};
use jotgate_observe::Phase;
use jotgate_policy::admit::{self, Asking};
use jotgate_policy::route::{self, Route};
use jotgate_policy::{forwarded, identity_headers};

use crate::body::ResponseBody;
use crate::exchange::{Exchange, Unfinished};
use crate::identify::identify;
use crate::listen::Place;
use crate::sanitized::Sanitized;
use crate::tls::Shown;
use crate::trace::Trace;
use crate::{Shared, https, personal, refuse, respond, sign_in, tunnel, upstream};

/// What is known of the connection that a request came on.
#[derive(Debug)]
pub(crate) struct ConnectionInfo {
    /// The other end.
    pub(crate) peer: IpAddr,
    /// The same, for the log and for `X-Forwarded-For`.
    pub(crate) peer_text: Arc<str>,
    pub(crate) peer_value: HeaderValue,
    /// Whether it is encrypted.
    pub(crate) over_tls: bool,
    /// The certificate that its client was shown, where there are several.
    pub(crate) shown: Option<Shown>,
    /// Names the connection towards backends (`X-Qlik-Trace`).
    pub(crate) trace: HeaderValue,
    /// Its place among the connections that may be open; kept by the WebSocket that it becomes.
    _place: Place,
}

impl ConnectionInfo {
    pub(crate) fn new(
        peer: IpAddr,
        over_tls: bool,
        shown: Option<Shown>,
        id: &str,
        place: Place,
    ) -> Self {
        let text = peer.to_string();
        Self {
            peer,
            peer_value: address_value(&text),
            peer_text: text.into(),
            over_tls,
            shown,
            trace: identity_headers::trace(id),
            _place: place,
        }
    }
}

/// An address as a header: digits, letters, dots and colons always fit.
pub(crate) fn address_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// Serves one request. Never fails: what goes wrong becomes an answer with its reason.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    connection: Arc<ConnectionInfo>,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    let client = forwarded::client(
        connection.peer,
        connection.over_tls,
        request.headers(),
        &shared.settings().trusted_proxies,
    );
    let mut exchange = Exchange::begin(
        request.method(),
        request.uri().path(),
        request.headers(),
        client,
        &connection,
    );
    exchange.trace = Trace::begin(&shared.traces, &request, exchange.client.over_tls);
    let mut served = Unfinished::new(&shared, exchange);
    let exchange = &mut served.exchange;
    let snapshot = shared.snapshot.load_full();
    let accepts = refuse::Accepts::of(request.headers());
    let asking = admit::asking(request.headers());
    let is_connect = request.method() == Method::CONNECT;
    let mut result = answer(&shared, &snapshot, &connection, exchange, request, &asking).await;
    if is_connect {
        result =
            result.and_then(|response| tunnel::refuse_success_without_tunnel(exchange, response));
    }
    let refusal = result.as_ref().err().cloned();
    let mut response =
        result.unwrap_or_else(|refusal| refuse::response(&refusal, exchange, &accepts));
    https::insist(&shared, exchange, &mut response);
    respond::finish(&shared, exchange, &asking, &mut response);
    if let Some(occupied) = exchange.occupied.take() {
        // Until the last byte of the answer.
        response.extensions_mut().insert(Arc::new(occupied));
    }
    served.finish(response.status().as_u16(), refusal.as_ref());
    response
}

async fn answer(
    shared: &Arc<Shared>,
    snapshot: &Snapshot,
    connection: &Arc<ConnectionInfo>,
    exchange: &mut Exchange,
    request: Request<Incoming>,
    asking: &Result<Asking, Refusal>,
) -> Result<Response<ResponseBody>, Refusal> {
    let mut request = Sanitized::check(request)?;
    https::check_host(connection, request.host())?;
    if let Some(response) = https::redirect(shared, exchange, &request)? {
        return Ok(response);
    }

    exchange.enter(Phase::Route);
    let full_path = request.path().to_owned();
    let Route {
        virtual_proxy,
        path,
    } = route::route(snapshot, &full_path)?;
    exchange.virtual_proxy = Some(virtual_proxy.clone());

    exchange.enter(Phase::Admit);
    shared.rates.count(virtual_proxy)?;
    exchange.occupied = shared.occupancy.enter(virtual_proxy)?;
    if let Some(response) =
        sign_in::without_origin_check(shared, exchange, virtual_proxy, path, &mut request).await?
    {
        return Ok(response);
    }
    let asking = asking.as_ref().map_err(Clone::clone)?;
    admit::admit(
        virtual_proxy,
        &shared.own_names.load(),
        asking,
        request.is_websocket(),
    )?;
    if admit::is_preflight(request.method(), request.headers()) {
        return Ok(respond::preflight());
    }

    exchange.enter_now(Phase::Identify);
    let identified = match identify(shared, exchange, virtual_proxy, path, &request).await {
        Ok(identified) => identified,
        Err(refusal) => {
            return sign_in::or_refuse(shared, exchange, virtual_proxy, &request, refusal);
        }
    };
    exchange.session = Some(identified.session.clone());

    exchange.enter(Phase::Authorize);
    authorize(virtual_proxy, path)?;
    shared
        .rates
        .count_user(virtual_proxy, &identified, exchange.client.address)?;
    if let Some(mut response) =
        personal::answer(shared, exchange, virtual_proxy, path, &request, &identified).await?
    {
        respond::set_cookie(&mut response, virtual_proxy, &identified);
        return Ok(response);
    }
    if let Some(mut response) =
        respond::hub_redirect(snapshot, virtual_proxy, path, request.query())
    {
        respond::set_cookie(&mut response, virtual_proxy, &identified);
        return Ok(response);
    }

    let sent = upstream::Outgoing {
        shared,
        snapshot,
        connection,
        virtual_proxy,
        path,
        session: &identified.session,
        sticky: virtual_proxy.sticky && !identified.shared,
    };
    let mut response = forward_or_tunnel(&sent, exchange, request).await?;
    exchange.enter(Phase::Respond);
    respond::clean(snapshot, &mut response);
    respond::set_cookie(&mut response, virtual_proxy, &identified);
    Ok(response)
}

/// Select, rewrite, forward or tunnel. A node that cannot be reached is passed over.
async fn forward_or_tunnel(
    sent: &upstream::Outgoing<'_>,
    exchange: &mut Exchange,
    mut request: Sanitized,
) -> Result<Response<ResponseBody>, Refusal> {
    let socket = match request.take_handshake() {
        Some(handshake) => Some((handshake, tunnel::watch(sent)?)),
        None => None,
    };
    exchange.enter_now(Phase::Select);
    let (connection, target) = upstream::connect_to_a_node(sent, exchange).await?;

    exchange.enter_now(Phase::Rewrite);
    let outgoing = upstream::rewrite(sent, exchange, &target, request)?;

    exchange.enter(if socket.is_some() {
        Phase::Tunnel
    } else {
        Phase::Forward
    });
    let response = upstream::send(sent, exchange, &target, connection, outgoing).await?;
    match (socket, response.status()) {
        (Some((handshake, watch)), StatusCode::SWITCHING_PROTOCOLS) => {
            tunnel::open(sent, handshake, watch, response)
        }
        (None, StatusCode::SWITCHING_PROTOCOLS) => Err(Refusal::with(
            Reason::NodeFailed,
            "the node switched protocols without being asked to",
        )),
        _ => Ok(response),
    }
}

/// Whether this user may go there. Through a virtual proxy that does not allow administration nobody
/// administers, whatever the roles: whoever sets its key could make administrators.
fn authorize(vp: &VirtualProxy, path: &str) -> Result<(), Refusal> {
    if vp.allow_administration || !is_administration(path) {
        return Ok(());
    }
    Err(Refusal::with(
        Reason::AccessDenied,
        format!(
            "the virtual proxy \"{}\" does not allow administration (allowAdministration)",
            vp.description
        ),
    ))
}

/// The console, and the entity types of QRS that Jotgate keeps itself. Read as generously as any
/// backend might read it: in any case, without empty segments, decoded, without path parameters.
fn is_administration(path: &str) -> bool {
    const OWNED: [&str; 5] = [
        "certificatedistribution",
        "proxyservice",
        "selection",
        "servernodeconfiguration",
        "virtualproxyconfig",
    ];
    let decoded = percent_encoding::percent_decode_str(path)
        .decode_utf8_lossy()
        .to_ascii_lowercase();
    let mut segments = decoded
        .split(['/', '\\'])
        .map(|segment| segment.split(';').next().unwrap_or_default())
        .filter(|segment| !segment.is_empty());
    match segments.next() {
        Some("qmc") => true,
        Some("qrs") => segments
            .next()
            .is_some_and(|entity| OWNED.contains(&entity)),
        _ => false,
    }
}

/// Whether `path` is the way into a virtual proxy, with or without its slash.
pub(crate) fn is_entry(path: &str) -> bool {
    matches!(path, "" | "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_administration() {
        for path in [
            "/qmc/",
            "/QMC",
            "/qrs/VirtualProxyConfig/full",
            "/qrs/proxyservice",
            "//qrs//proxyservice",
            "/qrs/%70roxyservice",
            "/qrs/proxyservice;x",
        ] {
            assert!(is_administration(path), "{path}");
        }
        for path in ["/qrs/app/count", "/hub/", "/qrs", "/app/qmc"] {
            assert!(!is_administration(path), "{path}");
        }
    }
}
