//! The personal API: what a signed-in user asks the gateway itself (Qlik help, "Personal API").

use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use jotgate_model::{Reason, Refusal, VirtualProxy};
use jotgate_policy::route::split_first;
use jotgate_session::EndReason;
use serde_json::json;

use crate::Shared;
use crate::body::ResponseBody;
use crate::exchange::Exchange;
use crate::identify::{Identified, session_refusal};
use crate::respond;
use crate::sanitized::Sanitized;

/// Answers what is below `/qps/` and `/jotgate/`; nothing when the path leads to a backend.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    exchange: &Exchange,
    vp: &Arc<VirtualProxy>,
    path: &str,
    request: &Sanitized,
    who: &Identified,
) -> Result<Option<Response<ResponseBody>>, Refusal> {
    let (area, rest) = split_first(path);
    let is_own = |name: &str| area.eq_ignore_ascii_case(name);
    if !is_own("qps") && !is_own("jotgate") {
        return Ok(None);
    }
    let area = area.to_ascii_lowercase();
    let rest = rest.trim_end_matches('/').to_ascii_lowercase();
    let method = request.method();
    let response = match (area.as_str(), rest.as_str()) {
        ("qps", "/csrftoken") if method == Method::GET => csrf_token(shared, who)?,
        ("qps", "/user") if method == Method::GET => user(exchange, vp, request, who),
        ("qps", "/user") if method == Method::DELETE => log_out(shared, exchange, vp, who).await?,
        ("jotgate", "/session") if method == Method::GET => session(vp, who),
        ("qps", "/csrftoken" | "/user") | ("jotgate", "/session") => method_not_allowed(&rest),
        _ => status(StatusCode::NOT_FOUND),
    };
    Ok(Some(response))
}

/// The live system answers 204 with the token in a header.
fn csrf_token(shared: &Shared, who: &Identified) -> Result<Response<ResponseBody>, Refusal> {
    let token = shared.csrf.token(who.session.public_id());
    let mut response = status(StatusCode::NO_CONTENT);
    let value = HeaderValue::try_from(token).map_err(|_| Refusal::new(Reason::RequestMalformed))?;
    response
        .headers_mut()
        .insert(HeaderName::from_static("qlik-csrf-token"), value);
    Ok(response)
}

fn user(
    exchange: &Exchange,
    vp: &VirtualProxy,
    request: &Sanitized,
    who: &Identified,
) -> Response<ResponseBody> {
    let scheme = if exchange.client.over_tls {
        "https"
    } else {
        "http"
    };
    let prefix = respond::prefix_path(vp);
    let session = &who.session;
    json_response(&json!({
        "userDirectory": session.user_directory(),
        "userId": session.user_id(),
        "userName": session.user_id(),
        "logoutUri": format!("{scheme}://{}{prefix}/qps/user", request.host()),
    }))
}

/// Logging out ends every session that the user holds on this virtual proxy, as the live system does.
/// A session that others share is nobody's to end.
async fn log_out(
    shared: &Arc<Shared>,
    exchange: &Exchange,
    vp: &Arc<VirtualProxy>,
    who: &Identified,
) -> Result<Response<ResponseBody>, Refusal> {
    if who.shared {
        return Ok(status(StatusCode::NO_CONTENT));
    }
    let sessions = shared.sessions.clone();
    let (id, user) = (vp.id, who.session.user());
    let ended = shared
        .background
        .spawn(async move { sessions.end_user(id, &user, EndReason::LoggedOut).await });
    match ended.await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(session_refusal(&error, vp)),
        Err(_) => return Err(Reason::SessionStoreUnavailable.into()),
    }
    let mut response = status(StatusCode::NO_CONTENT);
    respond::clear_cookie(&mut response, vp, exchange.client.over_tls);
    Ok(response)
}

/// How long the session lasts, for pages that show it. Asking does not prolong it.
fn session(vp: &VirtualProxy, who: &Identified) -> Response<ResponseBody> {
    let session = &who.session;
    let now = crate::now();
    let idle_end = session
        .last_activity()
        .plus(i64::from(vp.session.inactivity));
    let lifetime_end = vp
        .session
        .max_lifetime
        .map(|seconds| session.created().plus(i64::from(seconds)));
    let fixed_end = [session.expires(), lifetime_end]
        .into_iter()
        .flatten()
        .min();
    let end = fixed_end.map_or(idle_end, |fixed| fixed.min(idle_end));
    json_response(&json!({
        "sessionId": session.public_id(),
        "userDirectory": session.user_directory(),
        "userId": session.user_id(),
        "createdAt": session.created().to_string(),
        "expiresAt": fixed_end.map(|end| end.to_string()),
        "idleTimeoutSeconds": vp.session.inactivity,
        "remainingSeconds": (end.0 - now.0).max(0),
    }))
}

fn method_not_allowed(path: &str) -> Response<ResponseBody> {
    let mut response = status(StatusCode::METHOD_NOT_ALLOWED);
    let allow = if path == "/user" {
        "GET, DELETE"
    } else {
        "GET"
    };
    response
        .headers_mut()
        .insert(http::header::ALLOW, HeaderValue::from_static(allow));
    response
}

fn status(status: StatusCode) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn json_response(value: &serde_json::Value) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::full(value.to_string()));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/json;charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
