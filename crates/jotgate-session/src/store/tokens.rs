//! The ids of tokens that count once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};

use jotgate_model::UnixTime;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::secret::sha256;

const SHARDS: usize = 16;

/// Seconds for which an id is remembered beyond its time: if the clock is set back by less, the
/// token does not come to life again.
const MARGIN: i64 = 300;

/// SHA-256 of virtual proxy and `jti`. Issuers of two virtual proxies may use the same `jti`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TokenId([u8; 32]);

impl TokenId {
    pub(crate) fn new(virtual_proxy: Uuid, jti: &str) -> Self {
        let mut text = Vec::with_capacity(16 + jti.len());
        text.extend_from_slice(virtual_proxy.as_bytes());
        text.extend_from_slice(jti.as_bytes());
        Self(sha256(&text))
    }

    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What became of an attempt to use a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is the first; the id is remembered until the time given.
    First(UnixTime),
    /// There was one before.
    Again,
    /// No more ids can be remembered.
    Full,
}

/// Ids that have been used, each until its token has run out. Full means refusing newcomers: an id
/// that is forgotten early is a token that counts twice.
pub(crate) struct UsedTokens {
    shards: [Mutex<HashMap<TokenId, i64>>; SHARDS],
    count: AtomicUsize,
    max: usize,
}

impl UsedTokens {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            count: AtomicUsize::new(0),
            max,
        }
    }

    /// Uses `id`, whose token runs out at `until`.
    pub(crate) fn take(&self, id: TokenId, until: UnixTime, now: UnixTime) -> Use {
        let remember_until = until.max(now).plus(MARGIN);
        match self.shard(id).lock().entry(id) {
            Entry::Occupied(entry) if *entry.get() > now.0 => Use::Again,
            Entry::Occupied(mut entry) => {
                entry.insert(remember_until.0);
                Use::First(remember_until)
            }
            Entry::Vacant(entry) => {
                let taken =
                    self.count
                        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
                            (count < self.max).then_some(count + 1)
                        });
                if taken.is_err() {
                    return Use::Full;
                }
                entry.insert(remember_until.0);
                Use::First(remember_until)
            }
        }
    }

    /// Takes back a use that could not be written down.
    pub(crate) fn give_back(&self, id: TokenId) {
        if self.shard(id).lock().remove(&id).is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Remembers what the journal remembered.
    pub(crate) fn restore(&self, id: TokenId, until: UnixTime) {
        if self.shard(id).lock().insert(id, until.0).is_none() {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Forgets what has run out. Looks at one part of sixteen, the one that `turn` names.
    pub(crate) fn forget(&self, turn: usize, now: UnixTime) {
        let mut shard = self.shards[turn % SHARDS].lock();
        let before = shard.len();
        shard.retain(|_, until| *until > now.0);
        self.count
            .fetch_sub(before - shard.len(), Ordering::Relaxed);
        if shard.capacity() > 4 * shard.len() + 64 {
            shard.shrink_to_fit();
        }
    }

    fn shard(&self, id: TokenId) -> &Mutex<HashMap<TokenId, i64>> {
        &self.shards[usize::from(id.0[0]) % SHARDS]
    }
}

#[cfg(test)]
mod tests;
