//! The keys that may verify the tokens of one virtual proxy.

use std::sync::Arc;

use crate::jwks::{JwksError, SkippedKey};
use crate::key::Key;
use crate::pem::PemError;

/// An immutable set of keys; cheap to clone.
///
/// Two keys with the same id stay both: during a rotation an issuer may reuse an id, and the
/// signature decides which of them it was. The same key twice is kept once.
#[derive(Clone, Debug, Default)]
pub struct KeySet(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    keys: Vec<Key>,
    skipped: Vec<SkippedKey>,
}

impl KeySet {
    /// No keys.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The keys in PEM text (RFC 7468): any mix of at most 32 X.509 certificates and public keys
    /// (`PUBLIC KEY`, `RSA PUBLIC KEY`), in at most 100,000 characters.
    ///
    /// Text around the blocks is passed over, and blocks may have lost their line breaks, as some
    /// clients and web forms do. Text of nothing but blanks gives the empty set.
    ///
    /// # Errors
    /// The first block that cannot be used, and a private key anywhere.
    pub fn from_pem(text: &str) -> Result<Self, PemError> {
        crate::pem::read(text).map(|keys| Self::new(keys, Vec::new()))
    }

    /// The keys of a JWK set (RFC 7517 section 5) of at most 512 KiB and 100 keys.
    ///
    /// A key that cannot be used is left out and listed in [`Self::skipped`]: one bad key among good
    /// ones must not lock everybody out.
    ///
    /// # Errors
    /// When the document is no JWK set, exceeds a limit, or no key of it can be used.
    pub fn from_jwks(document: &[u8]) -> Result<Self, JwksError> {
        crate::jwks::read(document).map(|(keys, skipped)| Self::new(keys, skipped))
    }

    fn new(keys: impl IntoIterator<Item = Key>, skipped: Vec<SkippedKey>) -> Self {
        let mut kept: Vec<Key> = Vec::new();
        for key in keys {
            match kept.iter_mut().find(|earlier| earlier.is_same(&key)) {
                // A certificate says more than the bare key that it certifies.
                Some(earlier) if earlier.certificate().is_none() => *earlier = key,
                Some(_) => {}
                None => kept.push(key),
            }
        }
        Self(Arc::new(Inner {
            keys: kept,
            skipped,
        }))
    }

    /// The keys of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let keys = self.keys().iter().chain(other.keys()).cloned();
        let skipped = self.skipped().iter().chain(other.skipped()).cloned();
        Self::new(keys, skipped.collect())
    }

    /// The keys, in the order of their source.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.0.keys
    }

    /// The keys of the source that are not used, and why.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.0.skipped
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.keys.is_empty()
    }
}

#[cfg(test)]
mod tests;
