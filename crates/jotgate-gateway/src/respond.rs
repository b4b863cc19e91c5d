//! Respond: what every answer gets before it leaves.

use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, LOCATION,
    SET_COOKIE,
};
use http::{Response, StatusCode};
use jotgate_model::{Refusal, Snapshot, VirtualProxy};
use jotgate_policy::admit::{self, Asking};
use jotgate_policy::sanitize;
use jotgate_policy::trailers::Announced;

use crate::Shared;
use crate::body::ResponseBody;
use crate::exchange::Exchange;
use crate::identify::Identified;
use crate::refuse::REASON;
use crate::request::is_entry;

/// The answer to a CORS preflight; what it allows is added with the other response headers.
pub(crate) fn preflight() -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.extensions_mut().insert(Preflight);
    response
}

#[derive(Clone, Copy)]
struct Preflight;

/// Sends a browser from the bare prefix to the hub, when a node of the virtual proxy serves one.
pub(crate) fn hub_redirect(
    snapshot: &Snapshot,
    vp: &VirtualProxy,
    path: &str,
    query: Option<&str>,
) -> Option<Response<ResponseBody>> {
    let serves_hub = |id: &jotgate_model::Uuid| {
        snapshot
            .node(*id)
            .is_some_and(|node| node.services.iter().any(|service| &*service.path == "/hub"))
    };
    if !is_entry(path) || !vp.nodes.iter().any(serves_hub) {
        return None;
    }
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    redirect(
        &format!("{}/hub/{query}", prefix_path(vp)),
        StatusCode::FOUND,
    )
}

/// A redirect; nothing when the address cannot be a header.
pub(crate) fn redirect(to: &str, status: StatusCode) -> Option<Response<ResponseBody>> {
    let location = HeaderValue::try_from(to).ok()?;
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(LOCATION, location);
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(response)
}

/// `/prefix`, or nothing for the default virtual proxy.
pub(crate) fn prefix_path(vp: &VirtualProxy) -> String {
    let prefix = vp.prefix.as_str();
    if prefix.is_empty() {
        String::new()
    } else {
        format!("/{prefix}")
    }
}

/// Takes from a backend's answer what belongs to its connection, what only the gateway may say, and
/// cookies that are not its own.
pub(crate) fn clean(snapshot: &Snapshot, response: &mut Response<ResponseBody>) {
    let upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.remove(REASON);
    if !upgraded {
        let announced = Announced::take(headers, std::iter::empty());
        sanitize::strip_connection_headers(headers);
        announced.announce(headers);
    }
    if headers.contains_key(SET_COOKIE) {
        keep_foreign_cookies(snapshot, headers);
    }
}

/// A backend cannot set, overwrite or remove a session cookie.
fn keep_foreign_cookies(snapshot: &Snapshot, headers: &mut HeaderMap) {
    let is_own = |cookie: &HeaderValue| {
        let name = cookie
            .as_bytes()
            .split(|b| *b == b'=')
            .next()
            .unwrap_or_default();
        // A cookie without a name is sent back as whatever its value looks like.
        let name = name.trim_ascii();
        name.is_empty() || snapshot.is_own_cookie(name)
    };
    if headers.get_all(SET_COOKIE).iter().any(is_own) {
        let kept: Vec<_> = headers
            .get_all(SET_COOKIE)
            .iter()
            .filter(|cookie| !is_own(cookie))
            .cloned()
            .collect();
        headers.remove(SET_COOKIE);
        for cookie in kept {
            headers.append(SET_COOKIE, cookie);
        }
    }
}

/// Gives the client the cookie of a session that it did not have, and keeps the answer out of caches
/// that others read.
pub(crate) fn set_cookie(
    response: &mut Response<ResponseBody>,
    vp: &VirtualProxy,
    who: &Identified,
) {
    let Some(secret) = &who.new_secret else {
        return;
    };
    if who.session.ended().is_some() {
        return;
    }
    let form = vp.cookie.form(who.over_tls);
    let text = format!(
        "{}={}{}",
        form.name.as_str(),
        secret.expose(),
        form.attributes
    );
    if let Ok(mut value) = HeaderValue::try_from(text) {
        value.set_sensitive(true);
        let headers = response.headers_mut();
        headers.append(SET_COOKIE, value);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Tells the client to forget the session cookie.
pub(crate) fn clear_cookie(
    response: &mut Response<ResponseBody>,
    vp: &VirtualProxy,
    over_tls: bool,
) {
    let form = vp.cookie.form(over_tls);
    let text = format!("{}={}; Max-Age=0", form.name.as_str(), form.attributes);
    if let Ok(value) = HeaderValue::try_from(text) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// Leaves the text of our own out of an answer to `HEAD`, and how long it is in its head (RFC 9110 section 9.3.2). hyper does so over HTTP/1.1;
/// over HTTP/2 it sends the text, for which clients end the stream (RFC 9113 section 8.1.1).
pub(crate) fn leave_text_out(response: &mut Response<ResponseBody>) {
    if let ResponseBody::Own(Some(text)) = response.body() {
        let length = HeaderValue::from(text.len());
        let headers = response.headers_mut();
        headers.entry(CONTENT_LENGTH).or_insert(length);
        *response.body_mut() = ResponseBody::empty();
    }
}

/// Marks an answer that has headers of its own to protect it.
#[derive(Clone, Copy)]
struct Guarded;

/// Marks a page of administrators, or a form that takes a password: what the virtual proxy adds for its portal, such as the leave to be
/// framed, weakens nothing there.
pub(crate) fn guard(response: &mut Response<ResponseBody>) {
    response.extensions_mut().insert(Guarded);
}

/// The last step of every answer: what the virtual proxy adds for browsers, and the word that the
/// connection ends with it.
pub(crate) fn finish(
    shared: &Shared,
    exchange: &Exchange,
    asking: &Result<Asking, Refusal>,
    response: &mut Response<ResponseBody>,
) {
    let preflight = response.extensions_mut().remove::<Preflight>().is_some();
    let guarded = response.extensions_mut().remove::<Guarded>().is_some();
    match (&exchange.virtual_proxy, asking) {
        (Some(vp), _) if guarded => admit::add_beside(vp, response.headers_mut()),
        (Some(vp), Ok(asking))
            if !(vp.cors_origins.is_empty() && vp.response_headers.is_empty()) =>
        {
            admit::share(vp, asking, preflight, response.headers_mut());
        }
        _ => {}
    }
    // HTTP/2 has no such field (RFC 9113 section 8.2.2): there it is removed again, and GOAWAY says it.
    if shared.drain.is_leaving() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Headers of pages that the gateway writes itself.
pub(crate) const OWN_PAGE: [(HeaderName, HeaderValue); 3] = [
    (
        http::header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        http::header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];
