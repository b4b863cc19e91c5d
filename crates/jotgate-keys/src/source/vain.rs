//! Key ids that were looked up in vain a moment ago.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use tokio::time::Instant;

/// How many are remembered. More are looked up again, which the spacing bounds.
const MAX_KIDS: usize = 4096;

/// A hash of a key id that nobody outside can predict. Key ids may have kilobytes, and come from
/// anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KidHash(u64);

impl KidHash {
    /// The hash of a token's key id, or of the whole token when it names no key.
    pub(crate) fn of(kid: &[u8]) -> Self {
        static RANDOM: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Self(RANDOM.hash_one(kid))
    }
}

/// Key ids, each until a time.
#[derive(Default)]
pub(super) struct VainKids(HashMap<KidHash, Instant>);

impl VainKids {
    pub(super) fn contains(&self, kid: KidHash, now: Instant) -> bool {
        self.0.get(&kid).is_some_and(|until| now < *until)
    }

    pub(super) fn insert(&mut self, kid: KidHash, until: Instant, now: Instant) {
        if self.0.len() >= MAX_KIDS {
            self.0.retain(|_, until| now < *until);
        }
        if self.0.len() < MAX_KIDS {
            self.0.insert(kid, until);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn they_are_forgotten_in_time_and_bounded() {
        let now = Instant::now();
        let until = now + Duration::from_secs(10);
        let mut kids = VainKids::default();
        for i in 0..MAX_KIDS + 100 {
            kids.insert(KidHash::of(i.to_string().as_bytes()), until, now);
        }
        assert_eq!(kids.0.len(), MAX_KIDS);
        assert!(kids.contains(KidHash::of(b"0"), now));
        assert!(!kids.contains(KidHash::of(b"x"), now));
        assert!(!kids.contains(KidHash::of(b"0"), until));
        kids.insert(KidHash::of(b"x"), until + Duration::from_secs(10), until);
        assert_eq!(kids.0.len(), 1);
    }
}
