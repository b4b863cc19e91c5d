//! Sessions that were opened here although another process had just stored something that forbids it.
//!
//! It ended those that it knew of. What this process let in before it heard, it ends itself; then none is
//! left anywhere. Users that were blocked are ended with [`Inner::reload_people`], virtual proxies that were
//! deleted with [`Inner::reload`].

use jotgate_keys::KeyRing;
use jotgate_model::{Snapshot, Timestamp, UnixTime};
use jotgate_repository::Revoked;
use jotgate_session::EndReason;

use super::Inner;
use crate::key_sessions::{KnownKeys, removed_keys};
use crate::revocations::{came_of_tokens_before, opened, revocations_of, seconds};

impl Inner {
    /// Ends the sessions of tokens that are newly revoked. The tokens that were let in a moment ago are remembered,
    /// so that one that was revoked by its hash or its `jti` leads to its session.
    pub(super) async fn end_sessions_of_revoked(
        &self,
        keys: &KeyRing,
        new: &[Revoked],
        now: Timestamp,
    ) {
        if new.is_empty() {
            return;
        }
        let revoked = revocations_of(new.iter().map(|subject| (subject, None)));
        let mut tokens = Vec::new();
        for vp in self.snapshot.load().virtual_proxies() {
            let of_vp = keys.remembered(vp.id, |hash, token| {
                revoked.check(vp.id, hash, token, seconds(now)).is_err()
            });
            tokens.extend(of_vp.into_iter().map(|token| (vp.id, token)));
        }
        self.end_sessions(|session| {
            let of_user = new.iter().any(|subject| match subject {
                Revoked::UserTokens {
                    user,
                    issued_before,
                } => came_of_tokens_before(session, user, *issued_before),
                Revoked::Token { .. } | Revoked::TokenId { .. } => false,
            });
            of_user || tokens.iter().any(|(vp, token)| opened(session, *vp, token))
        })
        .await;
    }

    /// Ends the sessions that were opened since `since`, when everything stored was known, with keys that are no
    /// longer there. Those of the time before go on, unless whoever removed the key has ended them.
    pub(super) async fn end_sessions_of_removed_keys(
        &self,
        before: &Snapshot,
        known: &KnownKeys,
        since: UnixTime,
    ) {
        let removed = removed_keys(before, &self.snapshot.load(), known);
        if removed.is_empty() {
            return;
        }
        let ended = self.sessions.end_where(EndReason::KeyRemoved, |session| {
            session.created() >= since && removed.opened(session)
        });
        match ended.await {
            Ok(ended) => tracing::info!(
                count = ended.len(),
                "sessions ended that were opened with a key while it was being removed"
            ),
            Err(error) => {
                tracing::warn!(%error, "the ends of sessions of removed keys were not all written");
            }
        }
    }
}
