//! The sessions of one user at one virtual proxy, and how many they may be.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;
use jotgate_model::User;
use parking_lot::Mutex;
use uuid::Uuid;

use super::table::{Place, SHARDS};
use crate::Session;

/// With more sessions than this a user gets a table of their own.
const CROWD: usize = 16;

/// Every session that is pending or live, by virtual proxy and user.
///
/// Nearly every user has one session, so the common table holds sessions and nothing else: those of
/// one user share a hash. Many equal hashes would make the table slow for everybody, so whoever
/// opens many sessions is moved out of it.
pub(crate) struct Users {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

impl Users {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Adds a session, unless its user has `limit` sessions for which `counts` is true. Checking
    /// and adding are one step: however many come at once, no more than `limit` are let in.
    pub(crate) fn add(
        &self,
        session: &Arc<Session>,
        limit: Option<u32>,
        counts: impl Fn(&Session) -> bool,
    ) -> bool {
        let hash = self.hash_of(session);
        let mut shard = self.shard(hash).lock();
        if let Some(limit) = limit.map(|limit| limit as usize) {
            let counted = shard
                .same_hash(hash)
                .filter(|other| same_user(other, session) && counts(other));
            if counted.take(limit).count() >= limit {
                return false;
            }
        }
        shard.insert(hash, session, |other| self.hash_of(other));
        true
    }

    /// Removes exactly this session.
    pub(crate) fn remove(&self, session: &Arc<Session>) {
        let hash = self.hash_of(session);
        self.shard(hash).lock().remove(hash, session);
    }

    /// The sessions of a user, pending ones too.
    pub(crate) fn sessions_of(&self, virtual_proxy: Uuid, user: &User) -> Vec<Arc<Session>> {
        let hash = self.hash(virtual_proxy, &user.directory, &user.id);
        let shard = self.shard(hash).lock();
        shard
            .same_hash(hash)
            .filter(|session| session.virtual_proxy() == virtual_proxy && session.is_of(user))
            .cloned()
            .collect()
    }

    fn hash_of(&self, session: &Session) -> u64 {
        self.hash(
            session.virtual_proxy(),
            session.user_directory(),
            session.user_id(),
        )
    }

    fn hash(&self, virtual_proxy: Uuid, directory: &str, id: &str) -> u64 {
        self.hasher.hash_one((virtual_proxy, directory, id))
    }

    /// Bits that choose neither the bucket nor the tag within a table.
    fn shard(&self, hash: u64) -> &Mutex<Shard> {
        &self.shards[(hash >> 40) as usize % SHARDS]
    }
}

#[derive(Default)]
struct Shard {
    /// At most [`CROWD`] of each hash.
    few: HashTable<Arc<Session>>,
    /// By the hash of the user; none of those is in `few`.
    crowds: HashMap<u64, HashTable<Arc<Session>>>,
}

impl Shard {
    fn same_hash(&self, hash: u64) -> impl Iterator<Item = &Arc<Session>> {
        let crowd = self.crowds.get(&hash).into_iter().flatten();
        crowd.chain(self.few.iter_hash(hash))
    }

    fn insert(&mut self, hash: u64, session: &Arc<Session>, hash_of: impl Fn(&Session) -> u64) {
        if let Some(crowd) = self.crowds.get_mut(&hash) {
            insert_into_crowd(crowd, session);
            return;
        }
        let session = Arc::clone(session);
        self.few
            .insert_unique(hash, session, |other| hash_of(other));
        if self.few.iter_hash(hash).count() <= CROWD {
            return;
        }
        let crowd = self.crowds.entry(hash).or_default();
        while let Ok(entry) = self.few.find_entry(hash, |other| hash_of(other) == hash) {
            insert_into_crowd(crowd, &entry.remove().0);
        }
    }

    fn remove(&mut self, hash: u64, session: &Arc<Session>) {
        let is_it = |other: &Arc<Session>| Arc::ptr_eq(other, session);
        if let Some(crowd) = self.crowds.get_mut(&hash) {
            if let Ok(entry) = crowd.find_entry(key_hash(session), is_it) {
                entry.remove();
            }
            if crowd.is_empty() {
                self.crowds.remove(&hash);
            }
        } else if let Ok(entry) = self.few.find_entry(hash, is_it) {
            entry.remove();
        }
    }
}

fn insert_into_crowd(crowd: &mut HashTable<Arc<Session>>, session: &Arc<Session>) {
    crowd.insert_unique(key_hash(session), Arc::clone(session), |other| {
        key_hash(other)
    });
}

fn key_hash(session: &Session) -> u64 {
    Place::of_key(&session.key()).hash()
}

fn same_user(a: &Session, b: &Session) -> bool {
    a.virtual_proxy() == b.virtual_proxy()
        && a.user_id() == b.user_id()
        && a.user_directory() == b.user_directory()
}

#[cfg(test)]
mod tests;
