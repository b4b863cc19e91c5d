//! Opening a session, whatever its user has proved who they are with.

use std::sync::Arc;

use jotgate_model::{Identity, Reason, Refusal, UnixTime, VirtualProxy};
use jotgate_session::{EndReason, NewSession};

use crate::identify::session_refusal;
use crate::sign_ins::SignIn;
use crate::{Shared, anonymous, authorize};

/// What a session of `identity` is made from, under the rules of its virtual proxy.
pub(crate) fn new_session(
    vp: &VirtualProxy,
    identity: Identity,
    client_address: &str,
    user_agent: &str,
    now: UnixTime,
) -> NewSession {
    let rules = vp.session;
    NewSession {
        virtual_proxy: vp.id,
        identity,
        now,
        expires: rules
            .max_lifetime
            .map(|seconds| now.plus(i64::from(seconds))),
        key_fingerprint: None,
        token_issued: None,
        client_address: client_address.into(),
        user_agent: user_agent.into(),
        secret: None,
        max_per_user: rules.max_per_user,
        rules,
    }
}

/// Opens it on the background runtime.
///
/// # Errors
/// Why there is no session.
pub(crate) async fn in_background(
    shared: &Arc<Shared>,
    vp: &Arc<VirtualProxy>,
    new: NewSession,
) -> Result<SignIn, Refusal> {
    let (stores, vp) = (shared.clone(), vp.clone());
    let opening = shared
        .background
        .spawn(async move { open(&stores, &vp, new, || Ok(())).await });
    opening
        .await
        .unwrap_or_else(|_| Err(Reason::SessionStoreUnavailable.into()))
}

/// Opens it. To be called on the background runtime: a client that goes away meanwhile must not leave
/// half a session.
///
/// While it is being made, its virtual proxy may be deleted or its user blocked, together with the
/// sessions that there are; `still_welcome` says what else may have happened meanwhile.
///
/// # Errors
/// Why there is no session: what was made of it has ended again.
pub(crate) async fn open(
    shared: &Shared,
    vp: &VirtualProxy,
    new: NewSession,
    still_welcome: impl FnOnce() -> Result<(), Refusal>,
) -> Result<SignIn, Refusal> {
    let identity = new.identity.clone();
    authorize::newcomer(shared, vp, &identity)?;
    let created = shared.sessions.create(new).await;
    let (secret, session) = created.map_err(|error| session_refusal(&error, vp))?;
    let welcome = if shared.snapshot.load().virtual_proxy(vp.id).is_none() {
        let detail = "the virtual proxy has just been deleted";
        let refusal = Refusal::with(Reason::PrefixUnknown, detail);
        Err((refusal, EndReason::VirtualProxyDeleted))
    } else {
        still_welcome()
            .and_then(|()| authorize::newcomer(shared, vp, &identity))
            .map_err(|refusal| (refusal, EndReason::ClosedByServer))
    };
    if let Err((refusal, reason)) = welcome {
        if let Err(error) = shared.sessions.end(&secret.key(), reason).await {
            tracing::warn!(%error, "the end of a session is not on disk yet");
        }
        return Err(refusal);
    }
    shared.metrics.sessions_opened.inc();
    if !anonymous::is_anonymous(&session) && !(shared.signed_in)(&identity) {
        shared.metrics.sign_ins_not_noted.inc();
    }
    Ok(SignIn {
        secret: Arc::new(secret),
        session,
    })
}
