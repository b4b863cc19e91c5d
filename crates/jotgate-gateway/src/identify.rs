//! Identify: a session cookie, a token, or both (Qlik help, "JWT authentication").
//!
//! The first valid token opens a session; later requests need the cookie only. A token that is sent
//! is always validated, and an invalid one refuses the request whatever the cookie says. A token of
//! another user opens a new session and leaves the old one alone.

mod opening;

use std::net::IpAddr;
use std::sync::Arc;

use jotgate_keys::TokenHash;
use jotgate_model::entity::AnonymousAccess;
use jotgate_model::{
    Authentication, CsrfProtection, Identity, Reason, Refusal, UnixTime, User, VirtualProxy,
};
use jotgate_policy::anonymous::fits_mode;
use jotgate_policy::cookies::{self, Found};
use jotgate_policy::header_user::header_user;
use jotgate_policy::{csrf, directory};
use jotgate_session::{EndReason, Session, SessionError, SessionSecret, SessionState};
use jotgate_token::{Verified, parse_authorization, presented};

use crate::exchange::Exchange;
use crate::prefixed_administration::is_watching;
use crate::sanitized::Sanitized;
use crate::sign_ins::{SignIn, SignInKey};
use crate::{Shared, anonymous, single_use};
use opening::Opening;

/// Who sent a request.
pub(crate) struct Identified {
    /// The session of the user.
    pub(crate) session: Arc<Session>,
    /// The secret for the cookie, when the client does not have it yet.
    pub(crate) new_secret: Option<Arc<SessionSecret>>,
    /// Whether the client came over TLS, which decides the form of the cookie.
    pub(crate) over_tls: bool,
    /// Whether others have the same session: nobody may end it, or be counted by it.
    pub(crate) shared: bool,
}

/// Phase identify.
pub(crate) async fn identify(
    shared: &Arc<Shared>,
    exchange: &mut Exchange,
    vp: &Arc<VirtualProxy>,
    path: &str,
    request: &Sanitized,
    peer: IpAddr,
) -> Result<Identified, Refusal> {
    let now = crate::now();
    let over_tls = exchange.client.over_tls;
    let known = known_session(shared, exchange, vp, request, now).await?;
    let mode = vp.anonymous;
    if let Authentication::Header(settings) = &vp.authentication
        && mode != AnonymousAccess::AlwaysAnonymous
        && let Some(user) = header_user(settings, peer, request.headers())?
    {
        directory::may_assert(&user)?;
        return by_header(shared, exchange, vp, path, request, (user, known.ok()), now).await;
    }
    let token = match mode {
        // Credentials are not looked at.
        AnonymousAccess::AlwaysAnonymous => None,
        _ => bearer(vp, request)?,
    };
    let Some(token) = token else {
        let session = match (known, mode) {
            (Ok(session), _) => session,
            (Err(none), AnonymousAccess::NoAnonymousUser) => {
                return Err(none.refusal(cookie_name(exchange, vp)));
            }
            (Err(_), AnonymousAccess::AllowAnonymous) => {
                return Box::pin(anonymous::open(shared, exchange, vp, request, now)).await;
            }
            (Err(_), AnonymousAccess::AlwaysAnonymous) => {
                return anonymous::always(shared, exchange, vp, request, now).await;
            }
        };
        check_csrf(shared, vp, path, request, &session)?;
        // A page that shows how long a session still lasts must not make it last longer, nor a page that
        // nobody looks at any more.
        if !path.eq_ignore_ascii_case("/jotgate/session") && !is_watching(path) {
            session.touch(now);
        }
        return Ok(Identified {
            session,
            new_secret: None,
            over_tls,
            shared: false,
        });
    };
    let (verified, token_hash) = verify(shared, exchange, vp, token, now).await?;
    if let Ok(session) = known
        && session.is_of(&verified.identity.user)
    {
        session.touch(now);
        return Ok(Identified {
            session,
            new_secret: None,
            over_tls,
            shared: false,
        });
    }
    let key = SignInKey {
        virtual_proxy: vp.id,
        revision: vp.revision,
        token: token_hash,
        client: exchange.client.address,
    };
    // Large: what waits elsewhere is not made larger by it.
    Box::pin(sign_in(
        shared,
        exchange,
        vp,
        request.user_agent(),
        key,
        &Proof::Token(verified),
        now,
    ))
    .await
}

/// What somebody who opens a session has proved who they are with.
#[derive(Clone)]
pub(crate) enum Proof {
    /// A header of somebody who may name users.
    Header(Identity),
    /// A token.
    Token(Arc<Verified>),
}

impl Proof {
    fn identity(&self) -> &Identity {
        match self {
            Self::Header(identity) => identity,
            Self::Token(verified) => &verified.identity,
        }
    }
}

/// The session of the user whom a trusted header names: that of the cookie, or one that the same
/// client shares, as with tokens.
async fn by_header(
    shared: &Arc<Shared>,
    exchange: &Exchange,
    vp: &Arc<VirtualProxy>,
    path: &str,
    request: &Sanitized,
    (user, known): (User, Option<Arc<Session>>),
    now: UnixTime,
) -> Result<Identified, Refusal> {
    if let Some(session) = known.filter(|session| session.is_of(&user)) {
        check_csrf(shared, vp, path, request, &session)?;
        session.touch(now);
        return Ok(Identified {
            session,
            new_secret: None,
            over_tls: exchange.client.over_tls,
            shared: false,
        });
    }
    // No token has a control character in it.
    let name = format!("header\0{}\0{}", user.directory, user.id);
    let key = SignInKey {
        virtual_proxy: vp.id,
        revision: vp.revision,
        token: TokenHash::of(name.as_bytes()),
        client: exchange.client.address,
    };
    let proof = Proof::Header(Identity {
        user,
        attributes: Vec::new(),
    });
    sign_in(shared, exchange, vp, request.user_agent(), key, &proof, now).await
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

/// The verdict of the virtual proxy's verifier, and whether it may assert the user's directory. What
/// the token says is noted, without its signature.
pub(crate) async fn verify(
    shared: &Shared,
    exchange: &mut Exchange,
    vp: &VirtualProxy,
    token: &[u8],
    now: UnixTime,
) -> Result<(Arc<Verified>, TokenHash), Refusal> {
    let verdict = shared.keys.verify(vp.id, token, now).await;
    exchange.token = match (&verdict, &vp.authentication) {
        (Ok((verified, _)), _) => Some(verified.presented.clone()),
        (Err(_), Authentication::Jwt(settings)) => {
            presented(token, &settings.private_claims).map(Arc::new)
        }
        (Err(_), _) => None,
    };
    let (verified, hash) = verdict?;
    directory::may_assert(&verified.identity.user)?;
    Ok((verified, hash))
}

/// Why there is no session. Where a token or nothing at all is enough, nobody is told: then the text is
/// not made.
enum NoSession {
    NoCookie,
    Unusable(Refusal),
}

impl NoSession {
    fn refusal(self, cookie: &str) -> Refusal {
        match self {
            Self::NoCookie => Refusal::with(
                Reason::CredentialsMissing,
                format!("the request has neither an Authorization header nor the cookie {cookie}"),
            ),
            Self::Unusable(refusal) => refusal,
        }
    }
}

fn cookie_name<'a>(exchange: &Exchange, vp: &'a VirtualProxy) -> &'a str {
    vp.cookie.form(exchange.client.over_tls).name.as_str()
}

/// The session of the request's cookie, as this node knows it. Where several nodes share sessions, one that it
/// does not know may have been opened at another a moment ago, and while the store is silent for longer
/// than the lease nothing that is known here counts.
async fn known_session(
    shared: &Shared,
    exchange: &Exchange,
    vp: &VirtualProxy,
    request: &Sanitized,
    now: UnixTime,
) -> Result<Result<Arc<Session>, NoSession>, Refusal> {
    let sessions = &shared.sessions;
    let known = by_cookie(shared, exchange, vp, request, now);
    if !sessions.is_shared() {
        return Ok(known);
    }
    if !sessions.is_current() {
        let detail = "nothing was heard of the shared session store for longer than the lease";
        return Err(Refusal::with(Reason::SessionStoreUnavailable, detail));
    }
    if !matches!(&known, Err(NoSession::Unusable(refusal)) if refusal.reason == Reason::SessionUnknown)
    {
        return Ok(known);
    }
    // Large: what waits elsewhere is not made larger by it.
    let caught_up = Box::pin(sessions.catch_up()).await;
    caught_up.map_err(|error| session_refusal(&error, vp))?;
    Ok(by_cookie(shared, exchange, vp, request, now))
}

/// The live session of the request's cookie.
fn by_cookie(
    shared: &Shared,
    exchange: &Exchange,
    vp: &VirtualProxy,
    request: &Sanitized,
    now: UnixTime,
) -> Result<Arc<Session>, NoSession> {
    let unknown =
        |detail: &'static str| NoSession::Unusable(Refusal::with(Reason::SessionUnknown, detail));
    let value = match cookies::find(request.headers(), cookie_name(exchange, vp)) {
        Found::Nothing => return Err(NoSession::NoCookie),
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
    if !fits_mode(session.user_directory(), vp.anonymous) {
        return Err(unknown(
            "the session is of a time when anonymous access was configured otherwise",
        ));
    }
    match session.state(&vp.session, now) {
        SessionState::Live => Ok(session),
        SessionState::TimedOut => Err(NoSession::Unusable(Refusal::with(
            Reason::SessionExpired,
            format!(
                "the session was idle for more than {} s",
                vp.session.inactivity
            ),
        ))),
        SessionState::LifetimeOver => Err(NoSession::Unusable(Refusal::with(
            Reason::SessionExpired,
            "the longest lifetime of the session, or of the token that opened it, is over",
        ))),
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
    proof: &Proof,
    now: UnixTime,
) -> Result<Identified, Refusal> {
    loop {
        let slot = shared.sign_ins.slot(key);
        if slot.initialized() && single_use::is_on(vp) {
            return Err(single_use::used());
        }
        if !slot.initialized() {
            let opening = Opening {
                shared: shared.clone(),
                vp: vp.clone(),
                proof: proof.clone(),
                client_address: exchange.client_text.clone(),
                user_agent: user_agent.into(),
                key,
                now,
            };
            let filled = slot.clone();
            // On the background runtime: a client that goes away meanwhile leaves a session that its
            // next request finds, not one that nobody has the cookie of.
            let open = async move { filled.get_or_try_init(|| opening.open()).await.map(|_| ()) };
            match shared.background.spawn(open).await {
                Ok(opened) => opened?,
                Err(_) => return Err(Reason::SessionStoreUnavailable.into()),
            }
        }
        let Some(SignIn { secret, session }) = slot.get() else {
            return Err(Reason::SessionStoreUnavailable.into());
        };
        let live =
            session.ended().is_none() && session.state(&vp.session, now) == SessionState::Live;
        if live && session.is_of(&proof.identity().user) {
            session.touch(now);
            let over_tls = exchange.client.over_tls;
            return Ok(Identified {
                session: session.clone(),
                new_secret: Some(secret.clone()),
                over_tls,
                shared: false,
            });
        }
        shared.sign_ins.forget(&key, &slot);
    }
}

/// What somebody is told whose session ended before they had it.
const fn reason_of(end: EndReason) -> Reason {
    match end {
        EndReason::KeyRemoved => Reason::KeyNotFound,
        EndReason::UserBlocked => Reason::UserBlocked,
        EndReason::VirtualProxyDeleted => Reason::PrefixUnknown,
        _ => Reason::SessionUnknown,
    }
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
        SessionError::Ended(why) => Refusal::with(reason_of(*why), error.to_string()),
        other => Refusal::with(Reason::SessionStoreUnavailable, other.to_string()),
    }
}
