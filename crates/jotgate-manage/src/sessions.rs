//! What administration does to sessions: showing, opening and ending them.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use jotgate_model::{Identity, Timestamp, UnixTime, User, VirtualProxy};
use jotgate_policy::directory;
use jotgate_repository::AuditEntry;
use jotgate_session::{EndReason, NewSession, Session, SessionError, SessionSecret, Sessions};
use uuid::Uuid;

use crate::audit::{entry, subject};
use crate::authority::{check_may_change, check_opening, check_root};
use crate::{Actor, ManageError, Management};

/// What the trail calls it.
const OPEN: &str = "session.open";
const END: &str = "session.end";

/// A session that a program opens for somebody whom it has authenticated itself (QPS
/// `POST /session`). The program chose the secret, and sets the cookie.
#[derive(Debug)]
pub struct SessionForUser {
    /// Where it is opened.
    pub virtual_proxy: Uuid,
    /// For whom, with which attributes.
    pub identity: Identity,
    /// What the cookie will hold: 16 to 256 characters that a cookie can have, and unused.
    pub secret: SessionSecret,
}

/// What became of a [`SessionForUser`], or of a session that was ended.
#[derive(Debug)]
pub struct SessionChange {
    /// The session.
    pub session: Arc<Session>,
    /// Whether it is, or was, the only one of its user at this virtual proxy.
    pub only_one: bool,
}

impl Management {
    /// The virtual proxy of that prefix, linked or not; the default one for the empty prefix.
    #[must_use]
    pub fn virtual_proxy_of_prefix(&self, prefix: &str) -> Option<Arc<VirtualProxy>> {
        let snapshot = self.snapshot();
        let mut all = snapshot.virtual_proxies();
        all.find(|vp| vp.prefix.as_str() == prefix).cloned()
    }

    /// The same for a prefix as files and programs write it: `/` is the empty one.
    #[must_use]
    pub fn virtual_proxy_named(&self, name: &str) -> Option<Arc<VirtualProxy>> {
        self.virtual_proxy_of_prefix(if name == "/" { "" } else { name })
    }

    /// Waits until this node knows of every session that another one has opened or ended before.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`] when the store that the nodes share does not answer.
    pub async fn learn_of_sessions(&self) -> Result<(), ManageError> {
        self.inner.sessions.catch_up().await.map_err(refused)
    }

    /// The sessions at a virtual proxy that are neither ended nor over, in no order.
    #[must_use]
    pub fn sessions_at(&self, vp: &VirtualProxy, now: Timestamp) -> Vec<Arc<Session>> {
        let mut sessions = self.inner.sessions.list(Some(vp.id));
        sessions.retain(|session| is_live(session, vp, now));
        sessions
    }

    /// The sessions everywhere that are neither ended nor over, in no order. Looks at each once.
    pub(crate) fn live_sessions(&self, now: Timestamp) -> Vec<Arc<Session>> {
        let snapshot = self.snapshot();
        let mut sessions = self.inner.sessions.list(None);
        sessions.retain(|session| {
            let vp = snapshot.virtual_proxy(session.virtual_proxy());
            vp.is_some_and(|vp| is_live(session, vp, now))
        });
        sessions
    }

    /// How many sessions each virtual proxy has, for those that have one; the most first.
    #[must_use]
    pub fn session_counts(&self, now: Timestamp) -> Vec<(Arc<VirtualProxy>, usize)> {
        let snapshot = self.snapshot();
        let mut counts: HashMap<Uuid, usize> = HashMap::new();
        for session in self.live_sessions(now) {
            *counts.entry(session.virtual_proxy()).or_default() += 1;
        }
        let found = counts.into_iter();
        let found =
            found.filter_map(|(id, count)| Some((snapshot.virtual_proxy(id)?.clone(), count)));
        let mut found: Vec<_> = found.collect();
        found.sort_by_key(|(vp, count)| (Reverse(*count), vp.prefix.to_string()));
        found
    }

    /// The sessions of one user at a virtual proxy.
    #[must_use]
    pub fn sessions_of_user(
        &self,
        vp: &VirtualProxy,
        user: &User,
        now: Timestamp,
    ) -> Vec<Arc<Session>> {
        let mut sessions = self.inner.sessions.of_user(vp.id, user);
        sessions.retain(|session| is_live(session, vp, now));
        sessions
    }

    /// The session of that public id, or of the secret that a program named, at a virtual proxy.
    #[must_use]
    pub fn session_at(&self, vp: &VirtualProxy, id: &str, now: Timestamp) -> Option<Arc<Session>> {
        self.inner
            .sessions
            .find_public(id)
            .filter(|session| session.virtual_proxy() == vp.id && is_live(session, vp, now))
    }

    /// How many WebSockets of the session are open in this process.
    #[must_use]
    pub fn open_sockets(&self, session: &Arc<Session>) -> usize {
        self.inner.sessions.open_sockets(session)
    }

    /// Opens a session for a user whom the caller vouches for. It is on disk when this returns.
    ///
    /// # Errors
    /// [`ManageError::Invalid`] for a secret that is taken, an identity that is too large, or one
    /// session more than the virtual proxy allows; [`ManageError::Unavailable`].
    pub async fn open_session(
        &self,
        actor: &Actor,
        wanted: SessionForUser,
        now: Timestamp,
    ) -> Result<SessionChange, ManageError> {
        let snapshot = self.snapshot();
        let Some(vp) = snapshot.virtual_proxy(wanted.virtual_proxy) else {
            return Err(ManageError::field("virtualProxy", "does not exist"));
        };
        let user = wanted.identity.user.clone();
        let attempt = || entry(actor.for_audit(), OPEN, subject("User", "", &user), now);
        self.inner
            .audit_refusal(check_opening(actor, vp), attempt)?;
        if directory::may_assert(&wanted.identity.user).is_err() {
            let checked = check_root(actor, || {
                "To sign in a user of Jotgate's own directories takes the role RootAdmin."
                    .to_owned()
            });
            self.inner.audit_refusal(checked, attempt)?;
        }
        let only_one = self.sessions_of_user(vp, &user, now).is_empty();
        let rules = vp.session;
        let new = NewSession {
            virtual_proxy: vp.id,
            identity: wanted.identity,
            now: seconds(now),
            expires: rules
                .max_lifetime
                .map(|lifetime| seconds(now).plus(i64::from(lifetime))),
            key_fingerprint: None,
            token_issued: None,
            client_address: actor.source.as_str().into(),
            user_agent: "".into(),
            secret: Some(wanted.secret),
            max_per_user: rules.max_per_user,
            rules,
        };
        let created = self.inner.sessions.create(new).await;
        let (_, session) = created.map_err(refused)?;
        let opened = subject("Session", session.public_id(), &user);
        let entry = entry(actor.for_audit(), OPEN, opened, now);
        self.inner.audit.note(entry);
        tracing::info!(
            session.id = session.public_id(),
            session.user = %user,
            session.opened_by = ?actor.name,
            "a session was opened by a program"
        );
        Ok(SessionChange { session, only_one })
    }

    /// Ends one session, and its sockets with it. Nothing when there is none.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`] when the end is not on disk yet; it holds all the same.
    pub async fn end_session(
        &self,
        actor: &Actor,
        vp: &VirtualProxy,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<SessionChange>, ManageError> {
        let attempt = || entry(actor.for_audit(), END, subject("Session", id, ""), now);
        self.inner.audit_refusal(check_may_change(actor), attempt)?;
        let Some(session) = self.session_at(vp, id, now) else {
            return Ok(None);
        };
        let key = session.key();
        let ended = self.inner.sessions.end(&key, EndReason::ClosedByServer);
        let Some(session) = ended.await.map_err(refused)? else {
            return Ok(None);
        };
        note_ends(actor, std::slice::from_ref(&session));
        let ended = subject("Session", session.public_id(), session.user());
        let entry = entry(actor.for_audit(), END, ended, now);
        self.inner.audit_done(entry).await;
        let only_one = self.sessions_of_user(vp, &session.user(), now).is_empty();
        Ok(Some(SessionChange { session, only_one }))
    }

    /// Ends the session of somebody who signs out, whatever they may do otherwise.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`], as [`Self::end_session`].
    pub async fn sign_out(&self, id: &str) -> Result<(), ManageError> {
        if let Some(session) = self.inner.sessions.find_public(id) {
            let key = session.key();
            let ended = self.inner.sessions.end(&key, EndReason::LoggedOut);
            ended.await.map_err(refused)?;
        }
        Ok(())
    }

    /// Ends the sessions of a user at a virtual proxy, and gives them back.
    ///
    /// # Errors
    /// As [`Self::end_session`].
    pub async fn end_sessions_of_user(
        &self,
        actor: &Actor,
        vp: &VirtualProxy,
        user: &User,
        now: Timestamp,
    ) -> Result<Vec<Arc<Session>>, ManageError> {
        let attempt = || entry(actor.for_audit(), END, subject("User", "", user), now);
        self.inner.audit_refusal(check_may_change(actor), attempt)?;
        let ended = self
            .inner
            .sessions
            .end_user(vp.id, user, EndReason::ClosedByServer);
        let ended = ended.await.map_err(refused)?;
        note_ends(actor, &ended);
        self.audit_ends(&ended, vp, attempt()).await;
        Ok(ended)
    }

    /// Ends every session at a virtual proxy, and gives them back.
    ///
    /// # Errors
    /// As [`Self::end_session`].
    pub(crate) async fn end_sessions_at(
        &self,
        actor: &Actor,
        vp: &VirtualProxy,
        now: Timestamp,
    ) -> Result<Vec<Arc<Session>>, ManageError> {
        let of_it = subject("VirtualProxyConfig", vp.id, &vp.description);
        let attempt = || entry(actor.for_audit(), END, of_it.clone(), now);
        self.inner.audit_refusal(check_may_change(actor), attempt)?;
        let of_it = |session: &Session| session.virtual_proxy() == vp.id;
        let sessions = &self.inner.sessions;
        let ended = sessions.end_where(EndReason::ClosedByServer, of_it);
        let ended = ended.await.map_err(refused)?;
        note_ends(actor, &ended);
        self.audit_ends(&ended, vp, attempt()).await;
        Ok(ended)
    }

    async fn audit_ends(&self, ended: &[Arc<Session>], vp: &VirtualProxy, entry: AuditEntry) {
        if !ended.is_empty() {
            let reason = format!("{} sessions at \"{}\"", ended.len(), vp.description);
            self.inner.audit_done(AuditEntry { reason, ..entry }).await;
        }
    }
}

pub(crate) fn note_ends(actor: &Actor, ended: &[Arc<Session>]) {
    for session in ended {
        tracing::info!(
            session.id = session.public_id(),
            session.user = %session.user(),
            session.ended_by = ?actor.name,
            "a session was ended by an administrator"
        );
    }
}

fn is_live(session: &Session, vp: &VirtualProxy, now: Timestamp) -> bool {
    session.ended().is_none() && session.state(&vp.session, seconds(now)).is_live()
}

const fn seconds(now: Timestamp) -> UnixTime {
    UnixTime(now.as_millis().div_euclid(1000))
}

pub(crate) fn refused(error: SessionError) -> ManageError {
    match error {
        SessionError::IdTaken => {
            ManageError::field("SessionId", "is in use; choose another, a random one")
        }
        SessionError::IdentityTooLarge => ManageError::field("Attributes", error.to_string()),
        SessionError::Exhausted => ManageError::Forbidden(format!("Not opened: {error}.")),
        SessionError::Ended(_) | SessionError::Unavailable => {
            ManageError::Unavailable(error.to_string())
        }
    }
}

/// Ends every session of a virtual proxy that is gone.
///
/// An end that could not be written holds all the same, and nothing leads to these sessions any
/// more: the deletion stands, and the log tells.
pub(crate) async fn end_sessions_of(sessions: &Sessions, virtual_proxy: Uuid) {
    let of_it = |session: &Session| session.virtual_proxy() == virtual_proxy;
    let ended = sessions.end_where(EndReason::VirtualProxyDeleted, of_it);
    if let Err(error) = ended.await {
        tracing::warn!(
            virtual_proxy.id = %virtual_proxy,
            %error,
            "the ends of the sessions of a deleted virtual proxy were not all written"
        );
    }
}

#[cfg(test)]
mod tests;
