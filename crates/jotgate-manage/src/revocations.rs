//! Revoking tokens.
//!
//! A revocation is on disk, holds for the next request, and has ended the sessions that the revoked
//! tokens opened, when the call returns. It lasts until the token would have run out anyway.
//!
//! A session does not know its token, only the user, the key and the time of issue. The sessions of a
//! revoked token are those that agree in all three: another token of the same user, signed with the
//! same key in the same second, would lose its session as well, and can open a new one.

use std::sync::Arc;

use jotgate_keys::{KeyRing, Revocations, RevokedUser, SourceState, TokenHash};
use jotgate_model::{Timestamp, UnixTime, User};
use jotgate_repository::{AuditEntry, Revocation, Revoked, Subject};
use jotgate_session::{EndReason, Session};
use jotgate_token::Verified;
use uuid::Uuid;

use crate::audit::{entry, subject};
use crate::authority::check_may_change;
use crate::management::Inner;
use crate::{Actor, ManageError, Management};

/// How many revocations there may be at a time.
pub const MAX_REVOCATIONS: u32 = 20_000;

/// Characters of a note, and bytes of a `jti`.
const MAX_TEXT: usize = 1024;

/// Seconds for which a revocation outlasts the `exp` of its token: the largest clock tolerance, and
/// some for a clock that is set back.
const MARGIN: i64 = 3600 + 300;

impl Management {
    /// Lets the verdicts of `keys` know what is revoked. To be called once, before tokens are
    /// judged; without it nothing can be revoked.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`].
    pub async fn use_keys(&self, keys: Arc<KeyRing>, now: Timestamp) -> Result<(), ManageError> {
        let _revoking = self.inner.revoking.lock().await;
        let keys = self.inner.keys.get_or_init(|| keys);
        self.inner.serve_revocations(keys, now).await.map(drop)
    }

    /// The sources of keys, as they are now.
    #[must_use]
    pub fn key_sources(&self) -> Vec<SourceState> {
        self.inner
            .keys
            .get()
            .map(|keys| keys.sources())
            .unwrap_or_default()
    }

    /// The revocations that are not over, oldest first.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`].
    pub async fn revocations(&self, now: Timestamp) -> Result<Vec<Revocation>, ManageError> {
        Ok(self.inner.repository.revocations(seconds(now)).await?)
    }

    /// Revokes one token everywhere and ends its sessions. Only its hash is kept.
    ///
    /// # Errors
    /// [`ManageError::Invalid`] when no virtual proxy accepts the token, or there are too many
    /// revocations, and [`ManageError::Unavailable`].
    pub async fn revoke_token(
        &self,
        actor: &Actor,
        token: &str,
        note: &str,
        now: Timestamp,
    ) -> Result<Revocation, ManageError> {
        let keys = self.inner.keys()?;
        let (at, token) = (seconds(now), token.trim().as_bytes());
        let snapshot = self.snapshot();
        let verdicts = snapshot.virtual_proxies().filter_map(|vp| {
            let verdict = keys.explain(vp.id, token, at)?;
            Some((vp.id, verdict.result.ok()?))
        });
        let accepted: Vec<_> = verdicts.collect();
        let Some((_, first)) = accepted.first() else {
            let problem = "is accepted by no virtual proxy, so there is nothing to revoke; \
                 to end sessions of a token that has run out, end those of its user";
            return Err(ManageError::field("token", problem));
        };
        let until = first.expires.map(|expires| expires.plus(MARGIN));
        let hash = *TokenHash::of(token).as_bytes();
        let revocation = self.new_revocation(actor, Revoked::Token { hash }, until, note, now)?;
        self.revoke(actor, revocation, now, move |session| {
            accepted
                .iter()
                .any(|(vp, token)| opened(session, *vp, token))
        })
        .await
    }

    /// Revokes the tokens with that `jti` at a virtual proxy, until `until` or for ever. The
    /// sessions of those end whose verdict is still in memory; tokens that were used longer ago have
    /// to be revoked by their user.
    ///
    /// # Errors
    /// [`ManageError::Invalid`] and [`ManageError::Unavailable`].
    pub async fn revoke_jti(
        &self,
        actor: &Actor,
        virtual_proxy: Uuid,
        jti: &str,
        until: Option<UnixTime>,
        note: &str,
        now: Timestamp,
    ) -> Result<Revocation, ManageError> {
        if self.snapshot().virtual_proxy(virtual_proxy).is_none() {
            let problem = "is no virtual proxy";
            return Err(ManageError::field("virtualProxy", problem));
        }
        if jti.is_empty() || jti.len() > MAX_TEXT {
            let problem = format!("must have 1 to {MAX_TEXT} bytes");
            return Err(ManageError::field("jti", problem));
        }
        let same = |_: &TokenHash, token: &Verified| token.jti.as_deref() == Some(jti);
        let known = self.inner.keys()?.remembered(virtual_proxy, same);
        let jti = jti.to_owned();
        let subject = Revoked::TokenId { virtual_proxy, jti };
        let revocation = self.new_revocation(actor, subject, until, note, now)?;
        self.revoke(actor, revocation, now, move |session| {
            known
                .iter()
                .any(|token| opened(session, virtual_proxy, token))
        })
        .await
    }

    /// Revokes what a user got before a time, everywhere, and ends the sessions that came of it.
    /// Without a time: everything up to now, this second included. Tokens without `iat` are refused
    /// as well while the revocation lasts: until `until`, or for ever.
    ///
    /// # Errors
    /// [`ManageError::Invalid`] and [`ManageError::Unavailable`].
    pub async fn revoke_user_tokens_before(
        &self,
        actor: &Actor,
        user: User,
        before: Option<UnixTime>,
        until: Option<UnixTime>,
        note: &str,
        now: Timestamp,
    ) -> Result<Revocation, ManageError> {
        if user.id.is_empty() {
            return Err(ManageError::field("userId", "is empty; name the user"));
        }
        let issued_before = before.unwrap_or_else(|| seconds(now).plus(1));
        let of_user = user.clone();
        let subject = Revoked::UserTokens {
            user,
            issued_before,
        };
        let revocation = self.new_revocation(actor, subject, until, note, now)?;
        self.revoke(actor, revocation, now, move |session| {
            came_of_tokens_before(session, &of_user, issued_before)
        })
        .await
    }

    /// Takes a revocation back. Sessions that it ended stay ended.
    ///
    /// # Errors
    /// [`ManageError::Missing`], [`ManageError::Forbidden`] and [`ManageError::Unavailable`].
    pub async fn remove_revocation(
        &self,
        actor: &Actor,
        id: Uuid,
        now: Timestamp,
    ) -> Result<(), ManageError> {
        let attempt = || {
            let revocation = subject("Revocation", id, "");
            entry(actor.for_audit(), "revocation.remove", revocation, now)
        };
        self.inner.audit_refusal(check_may_change(actor), attempt)?;
        let keys = self.inner.keys()?.clone();
        let (inner, author, entry) = (self.inner.clone(), actor.name.clone(), attempt());
        carry_through(async move {
            let _revoking = inner.revoking.lock().await;
            if !inner.repository.remove_revocation(id, entry).await? {
                return Err(ManageError::Missing("revocation"));
            }
            tracing::info!(revocation.id = %id, revocation.author = %author, "revocation removed");
            inner.serve_revocations(&keys, now).await.map(drop)
        })
        .await
    }

    fn new_revocation(
        &self,
        actor: &Actor,
        subject: Revoked,
        until: Option<UnixTime>,
        note: &str,
        now: Timestamp,
    ) -> Result<Revocation, ManageError> {
        let attempt = || entry(actor.for_audit(), "token.revoke", Subject::default(), now);
        let checked = new(actor, subject, until, note, now);
        self.inner.audit_refusal(checked, attempt)
    }

    /// Stores the revocation, lets it hold, and ends the sessions that `ends` chooses.
    async fn revoke(
        &self,
        actor: &Actor,
        revocation: Revocation,
        now: Timestamp,
        ends: impl Fn(&Session) -> bool + Send + Sync + 'static,
    ) -> Result<Revocation, ManageError> {
        let keys = self.inner.keys()?.clone();
        let inner = self.inner.clone();
        let entry = revocation_entry(actor, &revocation);
        carry_through(async move {
            let _revoking = inner.revoking.lock().await;
            let stored =
                inner
                    .repository
                    .add_revocation(&revocation, MAX_REVOCATIONS, seconds(now), entry);
            if !stored.await? {
                let problem = format!("{MAX_REVOCATIONS} are there already; remove some first");
                return Err(ManageError::field("revocations", problem));
            }
            inner.serve_revocations(&keys, now).await?;
            tracing::info!(
                revocation.id = %revocation.id,
                revocation.author = %revocation.author,
                "tokens revoked"
            );
            inner.end_sessions(ends).await;
            Ok(revocation)
        })
        .await
    }
}

impl Inner {
    pub(crate) fn keys(&self) -> Result<&Arc<KeyRing>, ManageError> {
        self.keys.get().ok_or_else(|| {
            ManageError::Unavailable("tokens are not judged in this process".to_owned())
        })
    }

    /// Lets what is stored hold for the next request. Gives those that did not hold before.
    pub(crate) async fn serve_revocations(
        &self,
        keys: &KeyRing,
        now: Timestamp,
    ) -> Result<Vec<Revoked>, ManageError> {
        let stored = self.repository.revocations(seconds(now)).await?;
        keys.set_revocations(revocations_of(
            stored.iter().map(|one| (&one.subject, one.until)),
        ));
        Ok(self.followed.new_revocations(stored))
    }

    /// An end that could not be written holds all the same: the revocation stands, and the log tells.
    pub(crate) async fn end_sessions(&self, ends: impl Fn(&Session) -> bool) {
        match self
            .sessions
            .end_where(EndReason::ClosedByServer, ends)
            .await
        {
            Ok(ended) => tracing::info!(count = ended.len(), "sessions of revoked tokens ended"),
            Err(error) => {
                tracing::warn!(%error, "the ends of sessions of revoked tokens were not all written");
            }
        }
    }
}

/// A client that goes away in the middle must not leave a change that is stored and does not hold.
pub(crate) async fn carry_through<T: Send + 'static>(
    work: impl Future<Output = Result<T, ManageError>> + Send + 'static,
) -> Result<T, ManageError> {
    tokio::spawn(work).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a change ended early");
        let reason = "of an error in Jotgate itself, which its log describes";
        Err(ManageError::Unavailable(reason.to_owned()))
    })
}

fn new(
    actor: &Actor,
    subject: Revoked,
    until: Option<UnixTime>,
    note: &str,
    now: Timestamp,
) -> Result<Revocation, ManageError> {
    check_may_change(actor)?;
    if note.chars().count() > MAX_TEXT || note.contains(char::is_control) {
        let problem = format!("must be one line of at most {MAX_TEXT} characters");
        return Err(ManageError::field("note", problem));
    }
    if until.is_some_and(|until| until <= seconds(now)) {
        let problem = "is over already; name a time to come, or none";
        return Err(ManageError::field("until", problem));
    }
    Ok(Revocation {
        id: Uuid::new_v4(),
        subject,
        until,
        at: now,
        author: actor.name.clone(),
        note: note.to_owned(),
    })
}

/// What the trail has of a revocation: no token, and not its hash.
fn revocation_entry(actor: &Actor, revocation: &Revocation) -> AuditEntry {
    let name = match &revocation.subject {
        Revoked::Token { .. } => "a token".to_owned(),
        Revoked::TokenId { jti, .. } => format!("the tokens with the jti {jti}"),
        Revoked::UserTokens { user, .. } => format!("the tokens of {user}"),
    };
    let subject = subject("Revocation", revocation.id, name);
    AuditEntry {
        reason: revocation.note.clone(),
        ..entry(actor.for_audit(), "token.revoke", subject, revocation.at)
    }
}

/// As tokens are checked against them.
pub(crate) fn revocations_of<'a>(
    stored: impl Iterator<Item = (&'a Revoked, Option<UnixTime>)>,
) -> Revocations {
    let mut served = Revocations::default();
    for (subject, until) in stored {
        match subject {
            Revoked::Token { hash } => served.add_token(TokenHash::from_bytes(*hash)),
            Revoked::TokenId { virtual_proxy, jti } => served.add_id(*virtual_proxy, jti),
            Revoked::UserTokens {
                user,
                issued_before,
            } => {
                let revoked = RevokedUser {
                    issued_before: *issued_before,
                    until,
                };
                served.add_user(user.clone(), revoked);
            }
        }
    }
    served
}

/// Whether the session came of a token that the user got before that time, or may have.
pub(crate) fn came_of_tokens_before(session: &Session, user: &User, before: UnixTime) -> bool {
    let issued = session.token_issued();
    session.key_fingerprint().is_some()
        && session.is_of(user)
        && issued.is_none_or(|issued| issued < before)
}

/// Whether the session was opened with that token, as far as the session can tell.
pub(crate) fn opened(session: &Session, virtual_proxy: Uuid, token: &Verified) -> bool {
    let fingerprint = session.key_fingerprint().map(hex);
    session.virtual_proxy() == virtual_proxy
        && session.is_of(&token.identity.user)
        && session.token_issued() == token.issued
        && fingerprint.as_deref() == Some(&*token.key_fingerprint)
}

pub(crate) fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn seconds(time: Timestamp) -> UnixTime {
    UnixTime(time.as_millis().div_euclid(1000))
}

#[cfg(test)]
mod tests;
