//! What makes a client use HTTPS, and the right certificate.

use http::header::STRICT_TRANSPORT_SECURITY;
use http::uri::Authority;
use http::{Response, StatusCode};
use jotgate_model::{Reason, Refusal};

use crate::Shared;
use crate::body::ResponseBody;
use crate::exchange::Exchange;
use crate::request::ConnectionInfo;
use crate::respond;
use crate::sanitized::Sanitized;

/// Refuses a request for a host that this connection was not opened for (RFC 9110 section 15.5.20):
/// its client was shown another certificate, and may have shown other things in turn.
///
/// # Errors
/// [`Reason::RequestMisdirected`].
pub(crate) fn check_host(connection: &ConnectionInfo, host: &Authority) -> Result<(), Refusal> {
    match &connection.shown {
        Some(shown) if !shown.serves(host) => Err(Refusal::with(
            Reason::RequestMisdirected,
            format!(
                "the connection was opened for {:?}, and {:?} has another certificate",
                shown.name(),
                host.host()
            ),
        )),
        _ => Ok(()),
    }
}

/// Sends a request over plain HTTP to the same address over HTTPS, where that is switched on. Only
/// ever to a name of the gateway itself: the client may have made up the host.
///
/// # Errors
/// [`Reason::HostInvalid`] for other names.
pub(crate) fn redirect(
    shared: &Shared,
    exchange: &Exchange,
    request: &Sanitized,
) -> Result<Option<Response<ResponseBody>>, Refusal> {
    let Some(port) = shared.settings().https_port else {
        return Ok(None);
    };
    if exchange.client.over_tls {
        return Ok(None);
    }
    let host = request.host().host();
    if !shared.own_names.load().has_host(host) {
        return Err(Refusal::with(
            Reason::HostInvalid,
            format!(
                "plain HTTP is redirected, but only for the gateway's own names, and {host:?} is none (--public-host)"
            ),
        ));
    }
    let port = match port {
        443 => String::new(),
        port => format!(":{port}"),
    };
    let query = request.query().map(|query| format!("?{query}"));
    let address = format!(
        "https://{host}{port}{path}{query}",
        path = request.path(),
        query = query.unwrap_or_default()
    );
    // 308 and not 301: what was a POST stays one.
    Ok(respond::redirect(&address, StatusCode::PERMANENT_REDIRECT))
}

/// Tells browsers to come over TLS only, where that is switched on. Never over plain HTTP (RFC 6797
/// section 7.2), and in place of what a backend says: there must be one such field.
pub(crate) fn insist(shared: &Shared, exchange: &Exchange, response: &mut Response<ResponseBody>) {
    if exchange.client.over_tls
        && let Some(value) = &shared.settings().strict_transport
    {
        response
            .headers_mut()
            .insert(STRICT_TRANSPORT_SECURITY, value.clone());
    }
}
