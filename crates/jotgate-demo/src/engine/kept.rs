//! Engine sessions that outlive their socket for the `ttl` in its path, so that a client which lost
//! its connection finds its handles again (`SESSION_ATTACHED`; enigma.js calls it resuming).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::identity::User;

use super::session::EngineSession;
use super::target::Target;

/// How many sessions are kept at once; when all places are taken, the next one is not kept.
const MAX_KEPT: usize = 64;

/// Who may have a kept session: the same user, asking for the same app with the same identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    user: User,
    app: String,
    identity: Option<String>,
}

impl Key {
    pub(super) fn new(user: &User, target: &Target) -> Self {
        Self {
            user: user.clone(),
            app: target.app.clone(),
            identity: target.identity.clone(),
        }
    }
}

struct Kept {
    session: EngineSession,
    until: Instant,
}

/// The sessions without a socket.
#[derive(Clone, Default)]
pub(super) struct KeptSessions(Arc<Mutex<HashMap<Key, Kept>>>);

impl KeptSessions {
    /// Keeps a session for `ttl`; not at all when that is zero.
    pub(super) fn keep(&self, key: Key, ttl: Duration, session: EngineSession) {
        self.keep_at(Instant::now(), key, ttl, session);
    }

    /// Hands out a session that is still kept.
    pub(super) fn take(&self, key: &Key) -> Option<EngineSession> {
        self.take_at(Instant::now(), key)
    }

    fn keep_at(&self, now: Instant, key: Key, ttl: Duration, session: EngineSession) {
        if ttl.is_zero() {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| kept.until > now);
        if kept.len() < MAX_KEPT {
            kept.insert(
                key,
                Kept {
                    session,
                    until: now + ttl,
                },
            );
        }
    }

    fn take_at(&self, now: Instant, key: &Key) -> Option<EngineSession> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.remove(key)?;
        (found.until > now).then_some(found.session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(5);

    fn key(user: &str, path: &str) -> Key {
        let user = User {
            id: user.to_owned(),
            directory: "QT".to_owned(),
        };
        Key::new(&user, &Target::parse(path).unwrap())
    }

    #[test]
    fn a_session_is_kept_for_its_owner_only_and_not_for_long() {
        let kept = KeptSessions::default();
        let now = Instant::now();
        let ann = key("ann", "/app/a/identity/1");
        kept.keep_at(now, ann.clone(), TTL, EngineSession::default());
        assert!(
            kept.take_at(now, &key("bob", "/app/a/identity/1"))
                .is_none()
        );
        assert!(
            kept.take_at(now, &key("ann", "/app/a/identity/2"))
                .is_none()
        );
        assert!(
            kept.take_at(now, &key("ann", "/app/b/identity/1"))
                .is_none()
        );
        assert!(kept.take_at(now, &ann).is_some());
        assert!(
            kept.take_at(now, &ann).is_none(),
            "it was handed out already"
        );

        kept.keep_at(now, ann.clone(), TTL, EngineSession::default());
        assert!(kept.take_at(now + TTL, &ann).is_none());
    }

    #[test]
    fn the_number_of_kept_sessions_is_bounded() {
        let kept = KeptSessions::default();
        let now = Instant::now();
        for i in 0..MAX_KEPT + 10 {
            kept.keep_at(
                now,
                key(&i.to_string(), "/app/a"),
                TTL,
                EngineSession::default(),
            );
        }
        assert_eq!(kept.0.lock().unwrap().len(), MAX_KEPT);
        kept.keep_at(
            now + TTL,
            key("late", "/app/a"),
            TTL,
            EngineSession::default(),
        );
        assert_eq!(kept.0.lock().unwrap().len(), 1);
    }
}
