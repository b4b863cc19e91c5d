//! The current keys of each virtual proxy, and the tokens that were verified with them.
//!
//! [`KeyRing::prepare`] compiles what a snapshot says about keys before that snapshot is served, so
//! that a request never finds a virtual proxy without its verifier. A verified token is remembered
//! under the whole token *and* the revision of the virtual proxy's verifier: a change of a key or a
//! rule leaves the old entries unreachable at once.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use jotgate_model::{Authentication, Reason, Refusal, Snapshot, UnixTime, Uuid};
use jotgate_token::{KeySet, Verified, Verifier};

/// How many verified tokens are remembered. An entry is about a kilobyte.
const CACHE_ENTRIES: usize = 10_000;

/// Every virtual proxy's verifier and the cache of verified tokens.
pub struct KeyRing {
    verifiers: ArcSwap<HashMap<Uuid, Entry>>,
    verified: quick_cache::sync::Cache<CacheKey, Arc<Verified>>,
}

#[derive(Clone)]
struct Entry {
    /// The revision of the virtual proxy that the verifier was made from.
    revision: u64,
    verifier: Arc<Verifier>,
}

/// Who asks with which rules, and for which token: its hash, so that no token is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct CacheKey {
    virtual_proxy: Uuid,
    revision: u64,
    token: TokenHash,
}

/// SHA-256 of a token: names it without being it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of `token`.
    #[must_use]
    pub fn of(token: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, token).as_ref());
        Self(hash)
    }
}

impl Default for KeyRing {
    fn default() -> Self {
        Self {
            verifiers: ArcSwap::default(),
            verified: quick_cache::sync::Cache::new(CACHE_ENTRIES),
        }
    }
}

impl KeyRing {
    /// Compiles the keys of every virtual proxy that `snapshot` has and this ring has not seen in that
    /// revision. To be called before the snapshot is served.
    ///
    /// Keys that cannot be read (the management layer does not store such) leave their virtual proxy
    /// with none: its tokens are refused, the others go on.
    pub fn prepare(&self, snapshot: &Snapshot) {
        let known = self.verifiers.load_full();
        let mut verifiers = HashMap::with_capacity(known.len());
        for vp in snapshot.virtual_proxies() {
            let Authentication::Jwt(settings) = &vp.authentication else {
                continue;
            };
            let entry = match known.get(&vp.id) {
                Some(entry) if entry.revision == vp.revision => entry.clone(),
                _ => {
                    let keys = KeySet::from_pem(&settings.keys.pem).unwrap_or_else(|error| {
                        if !settings.keys.pem.trim().is_empty() {
                            tracing::error!(virtual_proxy = %vp.prefix, %error, "the certificate cannot be used");
                        }
                        KeySet::empty()
                    });
                    let verifier = Arc::new(Verifier::new((**settings).clone(), keys));
                    Entry {
                        revision: vp.revision,
                        verifier,
                    }
                }
            };
            verifiers.insert(vp.id, entry);
        }
        self.verifiers.store(Arc::new(verifiers));
    }

    /// The verifier of a virtual proxy.
    #[must_use]
    pub fn verifier(&self, virtual_proxy: Uuid) -> Option<Arc<Verifier>> {
        self.verifiers
            .load()
            .get(&virtual_proxy)
            .map(|entry| entry.verifier.clone())
    }

    /// The verdict on `token`, from memory when it has been verified with the same keys and rules.
    ///
    /// What is remembered is the good case only; times are checked again on every use.
    ///
    /// # Errors
    /// Why the token is refused.
    pub fn verify(
        &self,
        virtual_proxy: Uuid,
        token: &[u8],
        now: UnixTime,
    ) -> Result<(Arc<Verified>, TokenHash), Refusal> {
        let verifiers = self.verifiers.load();
        let entry = verifiers.get(&virtual_proxy).ok_or_else(|| {
            Refusal::with(
                Reason::KeyNotFound,
                "the virtual proxy has no keys to check tokens with",
            )
        })?;
        let hash = TokenHash::of(token);
        let key = CacheKey {
            virtual_proxy,
            revision: entry.revision,
            token: hash,
        };
        if let Some(verified) = self.verified.get(&key) {
            if is_current(&verified, entry.verifier.settings().clock_skew, now) {
                return Ok((verified, hash));
            }
            self.verified.remove(&key);
        }
        let verified = Arc::new(entry.verifier.verify(token, now)?);
        self.verified.insert(key, verified.clone());
        Ok((verified, hash))
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

/// Counts only: keys are public, but tokens are not.
impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing")
            .field("verifiers", &self.verifiers.load().len())
            .field("verified", &self.verified.len())
            .finish()
    }
}
