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
use std::sync::{Arc, OnceLock};

use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use jotgate_model::{Balancing, Reason, Refusal, Snapshot};
use jotgate_observe::Phase;
use jotgate_policy::admit::{self, Asking};
use jotgate_policy::route::{self, Route};
use jotgate_policy::{forwarded, identity_headers};

use crate::asked_host::LastHost;
use crate::body::ResponseBody;
use crate::exchange::{Exchange, Unfinished};
use crate::identify::identify;
use crate::listen::Place;
use crate::sanitized::Sanitized;
use crate::timed_io::Activity;
use crate::tls::Shown;
use crate::trace::Trace;
use crate::{
    Shared, api_key, authorize, https, local_sign_in, personal, prefixed_administration, refuse,
    respond, sign_in, tickets, tunnel, upstream,
};

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
    /// What it is busy with.
    pub(crate) activity: Arc<Activity>,
    /// What its last request was for.
    pub(crate) last_host: LastHost,
    /// Where the reference of its first request goes, when it is a probe's.
    pub(crate) told_reference: Option<Arc<OnceLock<String>>>,
    /// Its place among the connections that may be open; kept by the WebSocket that it becomes.
    _place: Place,
}

impl ConnectionInfo {
    pub(crate) fn new(
        peer: IpAddr,
        over_tls: bool,
        shown: Option<Shown>,
        id: &str,
        activity: Arc<Activity>,
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
            activity,
            last_host: LastHost::default(),
            told_reference: None,
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
    if let Some(told) = &connection.told_reference {
        told.get_or_init(|| exchange.reference.clone());
    }
    exchange.trace = Trace::begin(&shared.traces, &request, exchange.client.over_tls);
    let mut served = Unfinished::new(&shared, exchange);
    let exchange = &mut served.exchange;
    let snapshot = shared.snapshot.load_full();
    let accepts = refuse::Accepts::of(request.headers());
    let asking = admit::asking(request.headers());
    let is_connect = request.method() == Method::CONNECT;
    let is_head = request.method() == Method::HEAD;
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
    if is_head {
        respond::leave_text_out(&mut response);
    }
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
    let mut request = Sanitized::check(request, connection)?;
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
    if let Some(response) =
        local_sign_in::answer(shared, exchange, virtual_proxy, path, &mut request).await?
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

    if let Some(response) =
        api_key::answer(shared, exchange, virtual_proxy, path, &mut request).await?
    {
        return Ok(response);
    }

    exchange.enter_now(Phase::Identify);
    let by_ticket = tickets::redeem(shared, exchange, virtual_proxy, &mut request).await?;
    if let Some(identified) = &by_ticket {
        exchange.session = Some(identified.session.clone());
        if let Some(response) = tickets::send_on(virtual_proxy, &request, identified) {
            return Ok(response);
        }
    }
    let identified = match by_ticket {
        Some(identified) => Ok(identified),
        None => {
            identify(
                shared,
                exchange,
                virtual_proxy,
                path,
                &request,
                connection.peer,
            )
            .await
        }
    };
    let identified = match identified {
        Ok(identified) => identified,
        Err(refusal) => {
            return sign_in::or_refuse(shared, exchange, virtual_proxy, &request, refusal);
        }
    };
    exchange.session = Some(identified.session.clone());

    exchange.enter(Phase::Authorize);
    authorize::session(
        snapshot,
        &shared.people.load(),
        virtual_proxy,
        &identified.session,
    )?;
    shared
        .rates
        .count_user(virtual_proxy, &identified, exchange.client.address)?;
    let administered = prefixed_administration::answer(
        shared,
        snapshot,
        exchange,
        virtual_proxy,
        path,
        &mut request,
        (&identified, asking),
    );
    if let Some(mut response) = administered.await? {
        respond::set_cookie(&mut response, virtual_proxy, &identified);
        return Ok(response);
    }
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
        balancing: match virtual_proxy.balancing {
            // What many share is bound to no node.
            Balancing::Sticky if identified.shared => Balancing::InTurn,
            balancing => balancing,
        },
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
    let (connection, target) =
        upstream::connect_to_a_node(sent, exchange, request.is_websocket()).await?;

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

/// Whether `path` is the way into a virtual proxy, with or without its slash.
pub(crate) fn is_entry(path: &str) -> bool {
    matches!(path, "" | "/")
}
