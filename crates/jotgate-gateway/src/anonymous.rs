//! Anonymous access: users who come without credentials (Qlik help, "Anonymous authentication").
//!
//! A visitor gets a session with a cookie, so that backends keep visitors apart. Under
//! AlwaysAnonymous only pages and WebSockets do: whatever else comes without a cookie passes on one
//! session that all such requests of the virtual proxy share. It costs no session and sets no cookie.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hashbrown::HashMap;
use http::Method;
use jotgate_model::{
    ANONYMOUS_DIRECTORY, Identity, Reason, Refusal, UnixTime, User, Uuid, VirtualProxy,
};
use jotgate_policy::anonymous as policy;
use jotgate_session::{NewSession, Session, SessionState};
use tokio::sync::Mutex;

use crate::Shared;
use crate::exchange::Exchange;
use crate::identify::Identified;
use crate::open;
use crate::refuse::Accepts;
use crate::sanitized::Sanitized;
use crate::sign_ins::SignIn;

/// New anonymous sessions in a second: of one address, and of a virtual proxy. Whoever keeps no
/// cookies could fill the store with them.
const OPENINGS_OF_ADDRESS: u32 = 20;
const OPENINGS: u32 = 500;

/// The sessions that requests without a cookie share, by virtual proxy.
#[derive(Default)]
pub(crate) struct Passers {
    sessions: ArcSwap<HashMap<Uuid, Arc<Session>>>,
    opening: Mutex<()>,
}

impl Passers {
    fn current(&self, vp: &VirtualProxy, now: UnixTime) -> Option<Arc<Session>> {
        let sessions = self.sessions.load();
        let session = sessions.get(&vp.id)?;
        let live =
            session.ended().is_none() && session.state(&vp.session, now) == SessionState::Live;
        live.then(|| session.clone())
    }

    /// Keeps a session that is new, and forgets those that are over.
    fn keep(&self, vp: &VirtualProxy, session: &Arc<Session>) {
        let mut sessions = HashMap::clone(&self.sessions.load());
        sessions.retain(|_, session| session.ended().is_none());
        sessions.insert(vp.id, session.clone());
        self.sessions.store(Arc::new(sessions));
    }
}

/// Whether its user came without credentials.
pub(crate) fn is_anonymous(session: &Session) -> bool {
    policy::is_anonymous(session.user_directory())
}

/// A new session for somebody without credentials.
///
/// # Errors
/// [`Reason::RateLimited`] when too many are opened, and what keeps every session from being opened.
pub(crate) async fn open(
    shared: &Arc<Shared>,
    exchange: &Exchange,
    vp: &Arc<VirtualProxy>,
    request: &Sanitized,
    now: UnixTime,
) -> Result<Identified, Refusal> {
    may_open(shared, vp, exchange.client.address)?;
    let new = new_session(exchange, vp, request, now);
    let SignIn { secret, session } = open::in_background(shared, vp, new).await?;
    Ok(Identified {
        session,
        new_secret: Some(secret),
        over_tls: exchange.client.over_tls,
        shared: false,
    })
}

/// Everybody is anonymous: credentials are not looked at.
///
/// # Errors
/// What keeps every session from being opened.
pub(crate) async fn always(
    shared: &Arc<Shared>,
    exchange: &Exchange,
    vp: &Arc<VirtualProxy>,
    request: &Sanitized,
    now: UnixTime,
) -> Result<Identified, Refusal> {
    if wants_session(request) {
        match open(shared, exchange, vp, request, now).await {
            Err(refusal) if refusal.reason == Reason::RateLimited => {}
            opened => return opened,
        }
    }
    let session = match shared.passers.current(vp, now) {
        Some(session) => session,
        None => {
            let new = new_session(exchange, vp, request, now);
            shared_session(shared, vp, new, now).await?
        }
    };
    session.touch(now);
    Ok(Identified {
        session,
        new_secret: None,
        over_tls: exchange.client.over_tls,
        shared: true,
    })
}

/// Pages and WebSockets: what a backend keeps something for.
fn wants_session(request: &Sanitized) -> bool {
    let page = *request.method() == Method::GET && Accepts::of(request.headers()) == Accepts::Html;
    page || request.is_websocket()
}

/// Opens the session that is shared, once for everybody who waits for it.
async fn shared_session(
    shared: &Arc<Shared>,
    vp: &Arc<VirtualProxy>,
    new: NewSession,
    now: UnixTime,
) -> Result<Arc<Session>, Refusal> {
    let _opening = shared.passers.opening.lock().await;
    if let Some(session) = shared.passers.current(vp, now) {
        return Ok(session);
    }
    let session = open::in_background(shared, vp, new).await?.session;
    shared.passers.keep(vp, &session);
    Ok(session)
}

fn may_open(shared: &Shared, vp: &VirtualProxy, address: IpAddr) -> Result<(), Refusal> {
    shared
        .rates
        .count_opening(vp, Some(address), OPENINGS_OF_ADDRESS)
        .and_then(|()| shared.rates.count_opening(vp, None, OPENINGS))
        .map_err(|()| {
            Refusal::with(
                Reason::RateLimited,
                format!(
                    "more than {OPENINGS_OF_ADDRESS} anonymous sessions of one address, or \
                     {OPENINGS} in all, would be opened in a second; a client must keep its cookie"
                ),
            )
        })
}

/// The user that the real system makes up for everybody who comes without credentials
/// (`NONE\anonymous` and a UUID).
fn new_session(
    exchange: &Exchange,
    vp: &VirtualProxy,
    request: &Sanitized,
    now: UnixTime,
) -> NewSession {
    let id = format!("anonymous{}", Uuid::new_v4());
    let identity = Identity {
        user: User::new(ANONYMOUS_DIRECTORY, id),
        attributes: Vec::new(),
    };
    NewSession {
        max_per_user: None,
        ..open::new_session(
            vp,
            identity,
            &exchange.client_text,
            request.user_agent(),
            now,
        )
    }
}
