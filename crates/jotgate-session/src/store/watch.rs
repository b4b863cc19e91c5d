//! Sockets that must hear of the end of their session.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hashbrown::HashTable;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::table::{Place, SHARDS};
use crate::{EndReason, Session};

/// Every session that somebody watches.
///
/// A session without sockets is not in it and costs nothing; one with sockets costs about 100
/// bytes, and each of its sockets as much as a waiting task.
pub(crate) struct Watches {
    shards: [Mutex<HashTable<Entry>>; SHARDS],
}

struct Entry {
    watched: Arc<Watched>,
    sockets: usize,
}

struct Watched {
    session: Arc<Session>,
    ended: Notify,
    /// Set when its sockets must close although the session goes on.
    closed: AtomicBool,
}

/// Tells one socket of the end of its session. Dropping it unregisters the socket.
pub struct SessionWatch {
    watched: Arc<Watched>,
    watches: Arc<Watches>,
}

impl SessionWatch {
    /// Waits until the session ends, or its sockets must close, and gives the reason; at once when it has ended already, even
    /// before it was watched. May be dropped and called again at any time.
    pub async fn ended(&mut self) -> EndReason {
        loop {
            // Before the look at the session: what ends it later wakes this.
            let ended = self.watched.ended.notified();
            if let Some(reason) = self.watched.session.ended() {
                return reason;
            }
            if self.watched.closed.load(Ordering::Acquire) {
                return EndReason::ClosedByServer;
            }
            ended.await;
        }
    }

    /// The session that is watched.
    #[must_use]
    pub fn session(&self) -> &Arc<Session> {
        &self.watched.session
    }
}

impl Drop for SessionWatch {
    fn drop(&mut self) {
        let session = &self.watched.session;
        let (hash, mut shard) = self.watches.lock(session);
        if let Ok(mut entry) = shard.find_entry(hash, |entry| entry.is_of(session)) {
            entry.get_mut().sockets -= 1;
            if entry.get().sockets == 0 {
                entry.remove();
            }
        }
    }
}

impl fmt::Debug for SessionWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionWatch").field(self.session()).finish()
    }
}

impl Watches {
    pub(crate) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Registers a socket of `session`.
    pub(crate) fn watch(self: &Arc<Self>, session: &Arc<Session>) -> SessionWatch {
        let (hash, mut shard) = self.lock(session);
        let entry = shard.entry(hash, |entry| entry.is_of(session), Entry::hash);
        let mut entry = entry.or_insert_with(|| Entry {
            watched: Arc::new(Watched {
                session: Arc::clone(session),
                ended: Notify::new(),
                closed: AtomicBool::new(false),
            }),
            sockets: 0,
        });
        entry.get_mut().sockets += 1;
        SessionWatch {
            watched: Arc::clone(&entry.get().watched),
            watches: Arc::clone(self),
        }
    }

    /// How many sockets of `session` are registered.
    pub(crate) fn sockets(&self, session: &Arc<Session>) -> usize {
        let (hash, shard) = self.lock(session);
        shard
            .find(hash, |entry| entry.is_of(session))
            .map_or(0, |entry| entry.sockets)
    }

    /// Tells the sockets of `session`, which has ended.
    pub(crate) fn wake(&self, session: &Arc<Session>) {
        let watched = {
            let (hash, shard) = self.lock(session);
            shard
                .find(hash, |entry| entry.is_of(session))
                .map(|entry| Arc::clone(&entry.watched))
        };
        if let Some(watched) = watched {
            watched.ended.notify_waiters();
        }
    }

    /// Tells the sockets of every watched session for which `must_close` is true that they must close.
    /// Whoever watches such a session before they have gone is told the same.
    pub(crate) fn close(&self, must_close: impl Fn(&Session) -> bool) {
        for shard in &self.shards {
            let shard = shard.lock();
            for entry in shard.iter().filter(|e| must_close(&e.watched.session)) {
                entry.watched.closed.store(true, Ordering::Release);
                entry.watched.ended.notify_waiters();
            }
        }
    }

    /// Adds what `choose` makes of the watched sessions to `found`.
    pub(crate) fn collect<T>(
        &self,
        found: &mut Vec<T>,
        mut choose: impl FnMut(&Arc<Session>) -> Option<T>,
    ) {
        for shard in &self.shards {
            let shard = shard.lock();
            found.extend(shard.iter().filter_map(|e| choose(&e.watched.session)));
        }
    }

    fn lock(&self, session: &Session) -> (u64, parking_lot::MutexGuard<'_, HashTable<Entry>>) {
        let place = Place::of_key(&session.key());
        (place.hash(), self.shards[place.shard()].lock())
    }
}

impl Entry {
    fn is_of(&self, session: &Arc<Session>) -> bool {
        Arc::ptr_eq(&self.watched.session, session)
    }

    fn hash(&self) -> u64 {
        Place::of_key(&self.watched.session.key()).hash()
    }
}
