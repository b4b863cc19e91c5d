//! What a draft does to the keys that tokens are verified with: what is wrong with those that it has, and
//! which tokens that came a moment ago they do not fit.
//!
//! Published key sets that a draft names anew are fetched once. What cannot be had is a finding with a
//! remedy, not an error.

mod judge;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jotgate_keys::{KeyOrigin, SourceFailure};
use jotgate_model::{Snapshot, UnixTime, Uuid};
use jotgate_token::{CertificateInfo, KeySet};
use tokio::task::JoinSet;

use crate::Management;
use crate::key_sessions::{key_settings, origins};
use crate::live::MAX_RECENT;
use judge::{Judge, touched};

/// How many key sets are fetched at once; more are only counted.
pub const MAX_TRIED_SOURCES: usize = 50;
/// How many keys are listed; more are only counted.
pub const MAX_LISTED_KEYS: usize = 200;
/// How long the fetch of one may take, discovery included.
const LIMIT: Duration = Duration::from_secs(8);

/// What a draft does to keys.
#[derive(Clone, Debug, Default)]
pub struct KeyTrials {
    /// The certificates and public keys in the virtual proxies that the draft touches; those that
    /// somebody should look at come first. At most [`MAX_LISTED_KEYS`].
    pub keys: Vec<DraftKey>,
    /// How many more there are.
    pub not_listed: usize,
    /// The published key sets that the draft names anew, in the order of their addresses.
    pub sources: Vec<SourceTrial>,
    /// How many more there are.
    pub not_tried: usize,
    /// The touched virtual proxies that have accepted tokens among the newest requests.
    pub tokens: Vec<TokensSeen>,
}

/// A certificate or public key of a virtual proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftKey {
    /// The virtual proxy.
    pub virtual_proxy: Uuid,
    /// Its prefix in the draft.
    pub prefix: String,
    /// `RSA`, `P-256`, `P-384` or `Ed25519`.
    pub family: &'static str,
    /// The size of the modulus or of the curve.
    pub bits: usize,
    /// SHA-256 of the public key, in hexadecimal digits.
    pub fingerprint: String,
    /// The certificate that it came in.
    pub certificate: Option<CertificateInfo>,
    /// What its dates come to; a bare public key has none.
    pub validity: Validity,
    /// Whether the virtual proxy does not have it now.
    pub is_new: bool,
    /// The prefixes of other virtual proxies that have it too; at most ten.
    pub used_by: Vec<String>,
}

/// What the dates of a certificate come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Validity {
    /// Its time is over. Its key goes on verifying tokens, as in the real system.
    Expired,
    /// Its time has not begun. Its key verifies tokens all the same.
    NotYetValid,
    /// It is over within 30 days.
    ExpiresSoon,
    /// All is well, or there are no dates.
    Valid,
}

/// A published key set, fetched once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceTrial {
    /// Where it is.
    pub origin: KeyOrigin,
    /// The prefixes of the virtual proxies that name it anew; at most ten.
    pub virtual_proxies: Vec<String>,
    /// What came, or why nothing did.
    pub found: Result<SourceKeys, SourceFailure>,
    /// How long that took.
    pub elapsed: Duration,
}

/// What a published key set holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceKeys {
    /// How many keys can be used.
    pub usable: usize,
    /// Why others cannot, as sentences.
    pub skipped: Vec<String>,
    /// The key ids of tokens seen at these virtual proxies that none of their keys has; at most twenty.
    pub missing_kids: Vec<String>,
}

/// Accepted requests with a token at a virtual proxy, among the newest of the live feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokensSeen {
    /// The virtual proxy.
    pub virtual_proxy: Uuid,
    /// Its prefix in the draft.
    pub prefix: String,
    /// How many there are.
    pub accepted: usize,
    /// How many of them were verified by keys that the draft does not have.
    pub lost: usize,
    /// How many may or may not be: a key set could not be fetched.
    pub unknown: usize,
    /// The keys that are missing; at most twenty.
    pub missing: Vec<MissingKey>,
}

/// A key that has verified tokens a moment ago and that a draft does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingKey {
    /// SHA-256 of the public key, in hexadecimal digits.
    pub fingerprint: String,
    /// Its id, when the tokens name one.
    pub kid: Option<String>,
    /// How many requests it has verified.
    pub requests: usize,
}

impl Validity {
    /// The stable id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::ExpiresSoon => "expires_soon",
            Self::Valid => "valid",
        }
    }
}

/// Published key sets, as they came.
#[derive(Default)]
pub(crate) struct FetchedSources {
    all: Vec<FetchedSource>,
    not_tried: usize,
}

struct FetchedSource {
    origin: KeyOrigin,
    virtual_proxies: Vec<Uuid>,
    keys: Result<KeySet, SourceFailure>,
    elapsed: Duration,
}

impl Management {
    /// Fetches the key sets that `after` names anew, all at once; none where no keys are used.
    pub(crate) async fn try_sources(&self, before: &Snapshot, after: &Snapshot) -> FetchedSources {
        let Some(keys) = self.inner.keys.get() else {
            return FetchedSources::default();
        };
        let wanted = named_anew(before, after);
        let not_tried = wanted.len().saturating_sub(MAX_TRIED_SOURCES);
        let mut running = JoinSet::new();
        for (origin, virtual_proxies) in wanted.into_iter().take(MAX_TRIED_SOURCES) {
            let keys = keys.clone();
            running.spawn(async move {
                let began = Instant::now();
                let keys = keys.try_source(&origin, LIMIT).await;
                FetchedSource {
                    origin,
                    virtual_proxies,
                    keys,
                    elapsed: began.elapsed(),
                }
            });
        }
        let mut all = Vec::new();
        while let Some(ended) = running.join_next().await {
            match ended {
                Ok(source) => all.push(source),
                Err(error) => tracing::error!(%error, "the fetch of a key set ended early"),
            }
        }
        all.sort_unstable_by(|a, b| a.origin.cmp(&b.origin));
        FetchedSources { all, not_tried }
    }

    /// What the draft does to keys, once its key sets have come. Not for the threads that answer: a draft
    /// may touch 10,000 virtual proxies.
    pub(crate) fn try_keys(
        &self,
        (before, after): (&Snapshot, &Snapshot),
        fetched: &FetchedSources,
        now: UnixTime,
    ) -> KeyTrials {
        let recent = self.recent_requests(&Default::default(), MAX_RECENT);
        let recent = recent.map_or_else(|_| Vec::new(), |recent| recent.requests);
        let known = self.key_sources();
        Judge::new((before, after), fetched, &known, &recent, now).findings()
    }
}

/// The published key sets that a virtual proxy names in `after` and not in `before`.
fn named_anew(before: &Snapshot, after: &Snapshot) -> BTreeMap<KeyOrigin, Vec<Uuid>> {
    let mut wanted: BTreeMap<KeyOrigin, Vec<Uuid>> = BTreeMap::new();
    for (old, new) in touched(before, after) {
        let known: Vec<_> = old.iter().flat_map(|vp| key_settings(vp)).collect();
        let known: Vec<_> = known.into_iter().flat_map(origins).collect();
        for origin in key_settings(new).flat_map(origins) {
            if !known.contains(&origin) {
                let users = wanted.entry(origin).or_default();
                if users.last() != Some(&new.id) {
                    users.push(new.id);
                }
            }
        }
    }
    wanted
}

#[cfg(test)]
mod tests;
