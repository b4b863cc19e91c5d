//! A WebSocket with the cookie, from a page.

use std::net::SocketAddr;

use http::header::{
    CONNECTION, HeaderValue, ORIGIN, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};

use super::super::findings::Findings;
use super::super::http1::Ask;
use super::super::site::Site;
use super::{Wanted, reason, refused};

/// The example of RFC 6455 section 1.3: nothing is sent over the socket.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

pub(super) async fn try_it(
    site: &Site,
    addresses: &[SocketAddr],
    cookie: &HeaderValue,
    wanted: &Wanted<'_>,
    findings: &mut Findings,
) {
    let step = "socket";
    let own = site.origin();
    let origin = wanted.origin.unwrap_or(&own).trim_end_matches('/');
    let Ok(origin_value) = HeaderValue::from_str(origin) else {
        let remedy = "give one such as https://portal.example.com with --origin";
        findings.wrong(step, "the origin cannot be sent", remedy);
        return;
    };
    let token = csrf_token(site, addresses, cookie).await;
    let mut path = wanted.socket_path.trim_start_matches('/').to_owned();
    if let Some(token) = token {
        findings.hide(&token);
        let joint = if path.contains('?') { '&' } else { '?' };
        path.push_str(&format!("{joint}qlik-csrf-token={token}"));
    }
    let ask = Ask::get(&path)
        .cookie(cookie)
        .with(ORIGIN, origin_value)
        .with(CONNECTION, HeaderValue::from_static("Upgrade"))
        .with(UPGRADE, HeaderValue::from_static("websocket"))
        .with(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
        .with(SEC_WEBSOCKET_KEY, HeaderValue::from_static(KEY));
    let how = format!("a WebSocket from a page of {origin}");
    match ask.send(site, addresses).await {
        Ok(reply) if reply.status.as_u16() == 101 => {
            findings.good(step, format!("{how} is opened (101)"));
        }
        Ok(reply) if reason(&reply).is_none() && reply.status.as_u16() == 403 => findings.wrong(
            step,
            format!("{how}: 403"),
            "add the page's host to the host allow list (websocketCrossOriginWhiteList)",
        ),
        Ok(reply) if reason(&reply).is_none() && reply.status.as_u16() < 500 => findings.note(
            step,
            format!("{how}: the backend answers {}", reply.status.as_u16()),
            "where the backend takes WebSockets is said with --socket-path",
        ),
        Ok(reply) => refused(step, &how, &reply, findings),
        Err(error) => {
            let remedy = "look whether a proxy in front lets WebSockets pass";
            findings.wrong(step, format!("{how}: there is no answer ({error})"), remedy);
        }
    }
}

/// The token against pages of other sites, where the server gives one.
async fn csrf_token(site: &Site, addresses: &[SocketAddr], cookie: &HeaderValue) -> Option<String> {
    let asked = Ask::get("qps/csrftoken").cookie(cookie);
    let reply = asked.send(site, addresses).await.ok()?;
    let token = reply.header("qlik-csrf-token");
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
    (!token.is_empty() && token.len() <= 1024 && token.chars().all(usable))
        .then(|| token.to_owned())
}
