//! Identify: a session cookie, a token, or both (Qlik help, "JWT authentication").
//!
//! The first valid token opens a session; later requests need the cookie only. A token that is sent
//! is always validated, and an invalid one refuses the request whatever the cookie says. A token of
//! another user opens a new session and leaves the old one alone.

use std::sync::Arc;

use jotgate_model::{Authentication, CsrfProtection, Reason, Refusal, UnixTime, VirtualProxy};
use jotgate_policy::cookies::{self, Found};
use jotgate_policy::csrf;
use jotgate_session::{EndReason, NewSession, Session, SessionError, SessionSecret, SessionState};
use jotgate_token::{Verified, parse_authorization};

use crate::Shared;
use crate::exchange::Exchange;
use crate::sanitized::Sanitized;
use crate::sign_ins::{SignIn, SignInKey};
use crate::single_use;

/// Who sent a request.
pub(crate) struct Identified {
    /// The session of the user.
    pub(crate) session: Arc<Session>,
    /// The secret for the cookie, when the client does not have it yet.
    pub(crate) new_secret: Option<Arc<SessionSecret>>,
    /// Whether the client came over TLS, which decides the form of the cookie.
    pub(crate) over_tls: bool,
}

/// Phase identify.
pub(crate) async fn identify(
    shared: &Arc<Shared>,
    exchange: &Exchange,
    vp: &Arc<VirtualProxy>,
    path: &str,
    request: &Sanitized,
) -> Result<Identified, Refusal> {
    let now = crate::now();
    let over_tls = exchange.client.over_tls;
    let known = by_cookie(shared, exchange, vp, request, now);
    let Some(token) = bearer(vp, request)? else {
        let session = known?;
        check_csrf(shared, vp, path, request, &session)?;
        // A page that shows how long a session still lasts must not make it last longer.
        if !path.eq_ignore_ascii_case("/jotgate/session") {
            session.touch(now);
        }
        return Ok(Identified {
            session,
            new_secret: None,
            over_tls,
        });
    };
    let (verified, token_hash) = shared.keys.verify(vp.id, token, now).await?;
    if let Ok(session) = known
        && session.is_of(&verified.identity.user)
    {
        session.touch(now);
        return Ok(Identified {
            session,
            new_secret: None,
            over_tls,
        });
    }
    let key = SignInKey {
        virtual_proxy: vp.id,
        token: token_hash,
        client: exchange.client.address,
    };
    sign_in(
        shared,
        exchange,
        vp,
        request.user_agent(),
        key,
        &verified,
        now,
    )
    .await
}

/// The token of the request, when the virtual proxy takes tokens.
fn bearer<'a>(vp: &VirtualProxy, request: &'a Sanitized) -> Result<Option<&'a [u8]>, Refusal> {
    match vp.authentication {
        Authentication::Jwt(_) => {
            let fields = request.headers().get_all(http::header::AUTHORIZATION);
            parse_authorization(fields.iter().map(http::HeaderValue::as_bytes))
        }
        _ => Ok(None),
    }
}

/// The live session of the request's cookie.
fn by_cookie(
    shared: &Shared,
    exchange: &Exchange,
    vp: &VirtualProxy,
    request: &Sanitized,
    now: UnixTime,
) -> Result<Arc<Session>, Refusal> {
    let unknown = |detail: &'static str| Refusal::with(Reason::SessionUnknown, detail);
    let name = vp.cookie.form(exchange.client.over_tls).name.as_str();
    let value = match cookies::find(request.headers(), name) {
        Found::Nothing => {
            return Err(Refusal::with(
                Reason::CredentialsMissing,
                format!("the request has neither an Authorization header nor the cookie {name}"),
            ));
        }
        Found::Several => {
            return Err(unknown(
                "the request has several session cookies that differ",
            ));
        }
        Found::One(value) => value,
    };
    let session = jotgate_session::SessionKey::from_cookie(value)
        .and_then(|key| shared.sessions.find(&key))
        .filter(|session| session.virtual_proxy() == vp.id)
        .ok_or_else(|| unknown("the cookie names no session of this virtual proxy"))?;
    match session.state(&vp.session, now) {
        SessionState::Live => Ok(session),
        SessionState::TimedOut => Err(Refusal::with(
            Reason::SessionExpired,
            format!(
                "the session was idle for more than {} s",
                vp.session.inactivity
            ),
        )),
        SessionState::LifetimeOver => Err(Refusal::with(
            Reason::SessionExpired,
            "the longest lifetime of the session, or of the token that opened it, is over",
        )),
    }
}

/// A WebSocket that relies on a cookie may need the session's token, which a page of another site
/// cannot read, whatever its origin claims.
fn check_csrf(
    shared: &Shared,
    vp: &VirtualProxy,
    path: &str,
    request: &Sanitized,
    session: &Session,
) -> Result<(), Refusal> {
    if vp.csrf == CsrfProtection::Origin || !request.is_websocket() {
        return Ok(());
    }
    match csrf::token_in_address(path, request.query()) {
        None => Err(Refusal::with(
            Reason::CsrfTokenInvalid,
            "the WebSocket has no qlik-csrf-token in its address",
        )),
        Some(token) if shared.csrf.verify(session.public_id(), token) => Ok(()),
        Some(_) => Err(Refusal::with(
            Reason::CsrfTokenInvalid,
            "the qlik-csrf-token belongs to another session",
        )),
    }
}

/// The session that this client's token opened before, or a new one. Requests that come at the same
/// time wait for the first of them and share its session.
pub(crate) async fn sign_in(
    shared: &Arc<Shared>,
    exchange: &Exchange,
    vp: &Arc<VirtualProxy>,
    user_agent: &str,
    key: SignInKey,
    verified: &Verified,
    now: UnixTime,
) -> Result<Identified, Refusal> {
    loop {
        let slot = shared.sign_ins.slot(key);
        if slot.initialized() && single_use::is_on(vp) {
            return Err(single_use::used());
        }
        let open = || create(shared, exchange, vp, user_agent, key, verified, now);
        let SignIn { secret, session } = slot.get_or_try_init(open).await?;
        let live =
            session.ended().is_none() && session.state(&vp.session, now) == SessionState::Live;
        if live && session.is_of(&verified.identity.user) {
            session.touch(now);
            let over_tls = exchange.client.over_tls;
            return Ok(Identified {
                session: session.clone(),
                new_secret: Some(secret.clone()),
                over_tls,
            });
        }
        shared.sign_ins.forget(&key, &slot);
    }
}

async fn create(
    shared: &Arc<Shared>,
    exchange: &Exchange,
    vp: &Arc<VirtualProxy>,
    user_agent: &str,
    key: SignInKey,
    verified: &Verified,
    now: UnixTime,
) -> Result<SignIn, Refusal> {
    single_use::use_up(shared, vp, verified, now).await?;
    let lifetime = vp
        .session
        .max_lifetime
        .map(|seconds| now.plus(i64::from(seconds)));
    let token_end = verified.expires.filter(|_| vp.session.ends_with_token);
    let new = NewSession {
        virtual_proxy: vp.id,
        identity: verified.identity.clone(),
        now,
        expires: [lifetime, token_end].into_iter().flatten().min(),
        key_fingerprint: bytes_of(&verified.key_fingerprint),
        token_issued: verified.issued,
        client_address: (*exchange.client_text).into(),
        user_agent: user_agent.into(),
        secret: None,
        max_per_user: vp.session.max_per_user,
        rules: vp.session,
    };
    // On the background runtime: a client that goes away meanwhile does not tear the creation apart.
    let sessions = shared.sessions.clone();
    let created = shared
        .background
        .spawn(async move { sessions.create(new).await })
        .await;
    let (secret, session) = match created {
        Ok(Ok(created)) => created,
        Ok(Err(error)) => return Err(session_refusal(&error, vp)),
        Err(_) => return Err(Reason::SessionStoreUnavailable.into()),
    };
    // The virtual proxy may have been deleted, with its sessions, while this one was being made.
    if shared.snapshot.load().virtual_proxy(vp.id).is_none() {
        let (sessions, key) = (shared.sessions.clone(), secret.key());
        let end = async move { sessions.end(&key, EndReason::VirtualProxyDeleted).await };
        drop(shared.background.spawn(end));
        return Err(Refusal::with(
            Reason::PrefixUnknown,
            "the virtual proxy has just been deleted",
        ));
    }
    // So may the token have been revoked, with the sessions that it opened.
    let revocations = shared.keys.revocations();
    if let Err(refusal) = revocations.check(vp.id, &key.token, verified, now) {
        let (sessions, key) = (shared.sessions.clone(), secret.key());
        let end = async move { sessions.end(&key, EndReason::ClosedByServer).await };
        drop(shared.background.spawn(end));
        return Err(refusal);
    }
    shared.metrics.sessions_opened.inc();
    Ok(SignIn {
        secret: Arc::new(secret),
        session,
    })
}

/// The 32 bytes that a fingerprint's hexadecimal digits stand for.
fn bytes_of(fingerprint: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(fingerprint.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

pub(crate) fn session_refusal(error: &SessionError, vp: &VirtualProxy) -> Refusal {
    match error {
        SessionError::Exhausted => Refusal::with(
            Reason::SessionsExhausted,
            format!(
                "the user has {} sessions here, as many as allowed",
                vp.session.max_per_user.unwrap_or_default()
            ),
        ),
        other => Refusal::with(Reason::SessionStoreUnavailable, other.to_string()),
    }
}
