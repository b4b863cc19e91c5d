//! Tokens that were verified.
//!
//! The key is the whole token and the generation of the rules that judged it. Generations are never
//! used twice, so a change of a key or a rule leaves the old entries unreachable at once; they are
//! removed as well. Only good verdicts are kept: what a peer without a signed token sends never gets
//! in here, and nobody gets the verdict of another token, because the whole token is compared.
//!
//! The token itself is the key and not its SHA-256, which alone would cost three times the rest of
//! a hit.

use std::hash::Hash;
use std::sync::Arc;

use jotgate_model::UnixTime;
use jotgate_token::Verified;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use crate::TokenHash;

/// How many tokens are remembered.
pub(crate) const MAX_ENTRIES: usize = 20_000;
/// How much memory they take, in bytes.
pub(crate) const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// What an entry costs beside its texts: key, verdict, the cache's own.
const OVERHEAD: usize = 512;

/// A good verdict with the token's name.
#[derive(Clone)]
pub(crate) struct Good {
    pub(crate) verified: Arc<Verified>,
    pub(crate) hash: TokenHash,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    generation: u64,
    /// Shared, because looking at all entries copies the keys.
    token: Arc<[u8]>,
}

/// Hashes as [`Key`] does.
#[derive(Hash)]
struct Wanted<'t> {
    generation: u64,
    token: &'t [u8],
}

impl Equivalent<Key> for Wanted<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.generation == key.generation && *self.token == *key.token
    }
}

/// The good verdicts.
pub(crate) struct VerifiedTokens(Cache<Key, Good, Weight>);

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self(Cache::with_weighter(MAX_ENTRIES, MAX_BYTES, Weight))
    }
}

impl VerifiedTokens {
    /// The verdict that the rules of `generation` gave on `token`, if it holds at `now`.
    pub(crate) fn get(
        &self,
        generation: u64,
        token: &[u8],
        clock_skew: u32,
        now: UnixTime,
    ) -> Option<Good> {
        let wanted = Wanted { generation, token };
        let good = self.0.get(&wanted)?;
        if is_current(&good.verified, clock_skew, now) {
            return Some(good);
        }
        self.0.remove(&wanted);
        None
    }

    /// Remembers a good verdict.
    pub(crate) fn insert(&self, generation: u64, token: &[u8], good: Good) {
        let token = token.into();
        self.0.insert(Key { generation, token }, good);
    }

    /// Forgets the verdicts of other generations than those for which `live` is true.
    pub(crate) fn keep(&self, live: impl Fn(u64) -> bool) {
        self.0.retain(|key, _| live(key.generation));
    }

    /// The remembered verdicts, in no order.
    pub(crate) fn each(&self, mut look: impl FnMut(u64, &Good)) {
        for (key, good) in self.0.iter() {
            look(key.generation, &good);
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Whether a token that was good is good still: its end has not come, and the clock has not been set
/// back before its beginning.
fn is_current(verified: &Verified, clock_skew: u32, now: UnixTime) -> bool {
    let skew = i64::from(clock_skew);
    let begins = [verified.not_before, verified.issued]
        .into_iter()
        .flatten()
        .all(|begin| begin <= now.plus(skew));
    begins && verified.expires.is_none_or(|end| now < end.plus(skew))
}

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Good> for Weight {
    /// Bytes, but never less than the share of one entry: one bound holds both.
    fn weight(&self, key: &Key, good: &Good) -> u64 {
        let identity = &good.verified.identity;
        let pairs = identity.attributes.iter();
        let attributes: usize = pairs
            .map(|(name, value)| name.len() + value.len() + 32)
            .sum();
        let user = identity.user.directory.len() + identity.user.id.len();
        let ids = [&good.verified.jti, &good.verified.issuer]
            .into_iter()
            .flatten();
        let ids: usize = ids.map(|id| id.len()).sum();
        let presented = good.verified.presented.size();
        let bytes = OVERHEAD + key.token.len() + attributes + user + ids + presented;
        let share = MAX_BYTES.div_ceil(MAX_ENTRIES as u64);
        u64::try_from(bytes).unwrap_or(u64::MAX).max(share)
    }
}

#[cfg(test)]
mod tests;
