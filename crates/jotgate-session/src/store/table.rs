//! All sessions, found by the hash of the secret or by the public id.
//!
//! One table serves both: a public id begins with the first 48 bits of the key. That tells nobody
//! anything: the key is the SHA-256 of a secret with 256 random bits. The other bits are random, so
//! that public ids are as unique as other UUIDs of version 4 (RFC 9562 section 5.4).

use std::sync::Arc;

use hashbrown::HashTable;
use parking_lot::RwLock;
use uuid::Uuid;

use crate::secret::fill_random;
use crate::{Session, SessionKey};

/// How many parts the table has, each with a lock of its own.
pub(crate) const SHARDS: usize = 64;

/// Bytes that key and public id share.
const SHARED: usize = 6;

/// Every session that is pending or live.
pub(crate) struct Table {
    shards: [Shard; SHARDS],
}

/// On a cache line of its own, so that neighbours do not slow each other down.
#[derive(Default)]
#[repr(align(64))]
struct Shard(RwLock<HashTable<Arc<Session>>>);

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Shard::default()),
        }
    }

    /// The live session of that key.
    pub(crate) fn find(&self, key: &SessionKey) -> Option<Arc<Session>> {
        let place = Place::of_key(key);
        let shard = self.shard(place).read();
        shard
            .find(place.hash(), |session| session.key() == *key)
            .filter(|session| session.is_live())
            .cloned()
    }

    /// The live session with that public id, in either case of its letters.
    pub(crate) fn find_public(&self, public_id: &str) -> Option<Arc<Session>> {
        let place = Place::of_bytes(Uuid::try_parse(public_id).ok()?.as_bytes());
        let shard = self.shard(place).read();
        shard
            .find(place.hash(), |session| {
                session.public_id().eq_ignore_ascii_case(public_id)
            })
            .filter(|session| session.is_live())
            .cloned()
    }

    /// Adds a session. `false` when there is one with that key, even if it is still pending.
    pub(crate) fn insert(&self, session: &Arc<Session>) -> bool {
        let key = session.key();
        let place = Place::of_key(&key);
        let mut shard = self.shard(place).write();
        if shard
            .find(place.hash(), |other| other.key() == key)
            .is_some()
        {
            return false;
        }
        shard.insert_unique(place.hash(), Arc::clone(session), |other| {
            Place::of_key(&other.key()).hash()
        });
        true
    }

    /// Removes exactly this session.
    pub(crate) fn remove(&self, session: &Arc<Session>) {
        let place = Place::of_key(&session.key());
        let mut shard = self.shard(place).write();
        if let Ok(entry) = shard.find_entry(place.hash(), |other| Arc::ptr_eq(other, session)) {
            entry.remove();
        }
    }

    /// Adds what `choose` makes of the sessions of one shard to `found`, pending ones too. The
    /// shard is locked meanwhile: `choose` must be quick. Returns how many were looked at.
    pub(crate) fn collect<T>(
        &self,
        shard: usize,
        found: &mut Vec<T>,
        choose: impl FnMut(&Arc<Session>) -> Option<T>,
    ) -> usize {
        let Some(shard) = self.shards.get(shard) else {
            return 0;
        };
        let shard = shard.0.read();
        found.extend(shard.iter().filter_map(choose));
        shard.len()
    }

    fn shard(&self, place: Place) -> &RwLock<HashTable<Arc<Session>>> {
        &self.shards[place.shard()].0
    }
}

/// A new public id for the session of `key`.
pub(crate) fn new_public_id(key: &SessionKey) -> Uuid {
    let mut bytes = [0; 16];
    fill_random(&mut bytes);
    bytes[..SHARED].copy_from_slice(&key.as_bytes()[..SHARED]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// Whether the table would find the session of `key` by that public id.
pub(crate) fn belong_together(key: &SessionKey, public_id: &Uuid) -> bool {
    key.as_bytes()[..SHARED] == public_id.as_bytes()[..SHARED]
}

/// Where a session is: the 48 bits that key and public id share.
#[derive(Clone, Copy)]
pub(crate) struct Place(u64);

impl Place {
    pub(crate) fn of_key(key: &SessionKey) -> Self {
        Self::of_bytes(key.as_bytes())
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        let shared = bytes.iter().take(SHARED);
        Self(shared.fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }

    /// Below [`SHARDS`]: the highest of the 48 bits, which do not choose the bucket.
    pub(crate) const fn shard(self) -> usize {
        (self.0 >> 42) as usize % SHARDS
    }

    /// The bits are as good as random; the product moves some of them to the top, where the table
    /// takes its tags from.
    pub(crate) const fn hash(self) -> u64 {
        self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}
