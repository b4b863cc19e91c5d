//! The steps, from the name to the WebSocket. One that makes the next ones pointless is the last.

mod connection;
mod cookie;
mod socket;

use std::net::SocketAddr;

use http::header::{AUTHORIZATION, HeaderValue};
use http::{Method, StatusCode};
use jotgate_model::{Algorithm, ClaimSource, JwtSettings, KeySourceSettings, Reason, UnixTime};
use jotgate_token::{KeySet, Verifier};

use super::findings::{Findings, said};
use super::http1::{Ask, Reply};
use super::site::Site;

/// Every virtual proxy answers it, whatever its backend is.
const USER: &str = "qps/user";

/// What is tried.
pub(super) struct Wanted<'a> {
    pub(super) token: Option<&'a str>,
    /// The key that should verify it, PEM.
    pub(super) key: Option<&'a str>,
    pub(super) origin: Option<&'a str>,
    pub(super) socket_path: &'a str,
    pub(super) now: UnixTime,
}

/// Takes them.
pub(super) async fn all(site: &Site, wanted: &Wanted<'_>, findings: &mut Findings) {
    let Some(addresses) = connection::try_it(site, wanted.now, findings).await else {
        return;
    };
    if !without_credentials(site, &addresses, wanted.now, findings).await {
        return;
    }
    let Some(token) = wanted.token else {
        let remedy = "give one with --token-file";
        findings.note(
            "token",
            "there is no token: signing in was not tried",
            remedy,
        );
        return;
    };
    if let Some(key) = wanted.key {
        judge_here(token, key, wanted.now, findings);
    }
    let Some(cookie) = sign_in(site, &addresses, token, findings).await else {
        return;
    };
    with_the_cookie_alone(site, &addresses, &cookie, findings).await;
    socket::try_it(site, &addresses, &cookie, wanted, findings).await;
    sign_out(site, &addresses, &cookie, findings).await;
}

/// Somebody without anything: is there a virtual proxy, and does it ask for a token?
async fn without_credentials(
    site: &Site,
    addresses: &[SocketAddr],
    now: UnixTime,
    findings: &mut Findings,
) -> bool {
    let step = "prefix";
    let reply = match Ask::get(USER).send(site, addresses).await {
        Ok(reply) => reply,
        Err(error) => {
            let remedy =
                "look whether a web server listens there, and speaks what the address says";
            findings.wrong(
                step,
                format!("there is no answer of HTTP ({error})"),
                remedy,
            );
            return false;
        }
    };
    connection::compare_clocks(&reply, now, findings);
    let shown = if site.prefix.is_empty() {
        "/"
    } else {
        &site.prefix
    };
    match reply.status.as_u16() {
        401 => {
            let missing = "Expected an authentication header";
            let how = match reply.body.contains(missing) {
                true => "asks for a token",
                false => "asks for credentials",
            };
            findings.good(step, format!("{shown} {how} (401)"));
        }
        200 | 204 => findings.note(
            step,
            format!(
                "{shown} lets somebody in who shows nothing ({})",
                reply.status.as_u16()
            ),
            "look whether anonymous access is wanted (anonymousAccessMode)",
        ),
        300..=399 => findings.note(
            step,
            format!(
                "{shown} sends browsers to sign in at {}",
                said(reply.header("location"))
            ),
            "a token in the header Authorization needs no page",
        ),
        400 if reason(&reply).is_none_or(|reason| reason == Reason::PrefixUnknown) => {
            let remedy = "correct the prefix in the address, or create the virtual proxy and link it to the proxy";
            findings.wrong(
                step,
                format!("there is no virtual proxy at {shown} (400)"),
                remedy,
            );
            return false;
        }
        _ => {
            refused(step, "without a token", &reply, findings);
            return false;
        }
    }
    true
}

/// What the token is worth by itself: its form, its signature and its times.
fn judge_here(token: &str, key: &str, now: UnixTime, findings: &mut Findings) {
    let step = "token";
    let keys = match KeySet::from_pem(key) {
        Ok(keys) if !keys.is_empty() => keys,
        Ok(_) => {
            let remedy = "name a certificate or public key in PEM with --token-certificate";
            findings.wrong(step, "the file of the certificate is empty", remedy);
            return;
        }
        Err(error) => {
            let remedy = "name a certificate or public key in PEM with --token-certificate";
            findings.wrong(
                step,
                format!("the certificate cannot be used: it {error}"),
                remedy,
            );
            return;
        }
    };
    // Which claims name the user is for the virtual proxy to say.
    let anybody = || ClaimSource::Constant("somebody".into());
    let settings = JwtSettings {
        keys: KeySourceSettings::default(),
        issuer: None,
        audience: None,
        algorithms: Algorithm::ALL.to_vec(),
        clock_skew: 60,
        require_expiration: false,
        max_lifetime: None,
        single_use: false,
        user_id: anybody(),
        user_directory: anybody(),
        mapping: Vec::new(),
        private_claims: Vec::new(),
    };
    match Verifier::new(settings, keys)
        .explain(token.as_bytes(), now)
        .result
    {
        Ok(_) => findings.good(step, "that certificate verifies it, and its times are good"),
        Err(refusal) => findings.wrong(
            step,
            format!("{}: {}", refusal.reason.id(), said(&refusal.to_string())),
            refusal.reason.remedy(),
        ),
    }
}

/// With the token; gives the cookie.
async fn sign_in(
    site: &Site,
    addresses: &[SocketAddr],
    token: &str,
    findings: &mut Findings,
) -> Option<HeaderValue> {
    let step = "sign-in";
    let Ok(mut bearer) = HeaderValue::try_from(format!("Bearer {token}")) else {
        let remedy = "copy it again: three parts with dots between them, on one line";
        findings.wrong(
            step,
            "the token has characters that no header can have",
            remedy,
        );
        return None;
    };
    bearer.set_sensitive(true);
    let ask = Ask::get(USER).with(AUTHORIZATION, bearer);
    let reply = match ask.send(site, addresses).await {
        Ok(reply) => reply,
        Err(error) => {
            let remedy = "look at the log of the server";
            findings.wrong(
                step,
                format!("there is no answer to the token ({error})"),
                remedy,
            );
            return None;
        }
    };
    if !reply.status.is_success() && reply.status != StatusCode::NOT_FOUND {
        refused(step, "with the token", &reply, findings);
        return None;
    }
    let session = cookie::of_session(&reply);
    for value in reply.cookies().filter_map(cookie::value) {
        findings.hide(value);
    }
    let user: serde_json::Value = serde_json::from_str(&reply.body).unwrap_or_default();
    let word = |name: &str| said(user[name].as_str().unwrap_or_default());
    findings.good(
        step,
        match (word("userDirectory"), word("userId")) {
            (_, id) if id.is_empty() => "the token is accepted".to_owned(),
            (directory, id) => format!(r"the token is accepted: {directory}\{id}"),
        },
    );
    let Some(session) = session else {
        let remedy = "look whether a proxy in front takes Set-Cookie away";
        findings.wrong("cookie", "the answer sets no session cookie", remedy);
        return None;
    };
    cookie::judge(site, session, findings);
    cookie::to_send(session)
}

/// The rest of the session: the cookie and nothing else, up to the backend.
async fn with_the_cookie_alone(
    site: &Site,
    addresses: &[SocketAddr],
    cookie: &HeaderValue,
    findings: &mut Findings,
) {
    let step = "session";
    match Ask::get("hub/").cookie(cookie).send(site, addresses).await {
        Ok(reply) if !matches!(reply.status.as_u16(), 400 | 401 | 403 | 429 | 500..) => {
            let status = reply.status.as_u16();
            findings.good(
                step,
                format!("the cookie alone is let through to the backend ({status})"),
            );
        }
        Ok(reply) => refused(step, "with the cookie alone", &reply, findings),
        Err(error) => {
            let remedy = "look at the log of the server";
            findings.wrong(
                step,
                format!("there is no answer to the cookie ({error})"),
                remedy,
            );
        }
    }
}

/// Leaves nothing behind: users can have few sessions.
async fn sign_out(
    site: &Site,
    addresses: &[SocketAddr],
    cookie: &HeaderValue,
    findings: &mut Findings,
) {
    let mut ask = Ask::get(USER).cookie(cookie);
    ask.method = Method::DELETE;
    match ask.send(site, addresses).await {
        Ok(reply) if reply.status.is_success() => findings.good("sign-out", "the session is ended"),
        _ => findings.note(
            "sign-out",
            "the session was not ended",
            "it ends by itself when it is not used",
        ),
    }
}

/// The reason that a gateway of ours names.
fn reason(reply: &Reply) -> Option<Reason> {
    let id = reply.header("jotgate-reason");
    Reason::ALL.iter().copied().find(|reason| reason.id() == id)
}

/// An answer that lets nobody in, and what to do about it.
fn refused(step: &'static str, how: &str, reply: &Reply, findings: &mut Findings) {
    let status = reply.status.as_u16();
    if let Some(reason) = reason(reply) {
        let found = format!("{how}: {status}, {}", reason.id());
        findings.wrong(step, found, reason.remedy());
        return;
    }
    let remedy = match status {
        400 | 401 => {
            "compare the token with the virtual proxy: key, claims, times, audience; `jotgate token check` judges it step by step"
        }
        403 => "look at the host allow list, and whether the user may come in",
        404 => "look whether the address leads to the virtual proxy",
        429 => "wait, and look at the limits of the virtual proxy",
        502..=504 => "look at the nodes of the virtual proxy, and whether their services run",
        _ => "look at the log of the server",
    };
    let words = reply.body.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = if words.starts_with('<') {
        "a page"
    } else {
        &words
    };
    findings.wrong(step, format!("{how}: {status}, {}", said(words)), remedy);
}
