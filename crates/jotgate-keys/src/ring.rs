//! The verdict on a token, as the request path asks for it.

mod sources;
mod trial;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jotgate_model::{Reason, Refusal, Snapshot, UnixTime, Uuid, VirtualProxy};
use jotgate_token::{Verdict, Verified, Verifier};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::cache::{Good, VerifiedTokens};
use crate::fetch::Fetcher;
use crate::rules::{Refused, Rules};
use crate::source::Waited;
use crate::state::{SourceEvent, SourceState};
use crate::timings::Timings;
use crate::{Revocations, Shelf, TokenHash};
use sources::Running;

/// Every virtual proxy's rules and keys, the cache of verified tokens, and the revocations.
pub struct KeyRing {
    inner: Arc<Inner>,
    background: Handle,
    fetcher: Arc<Fetcher>,
}

type Observer = Box<dyn Fn(&SourceEvent<'_>) + Send + Sync>;

struct Inner {
    rules: ArcSwap<HashMap<Uuid, Arc<Rules>>>,
    verified: VerifiedTokens,
    revocations: ArcSwap<Revocations>,
    /// Held while rules are compiled, never by a request.
    running: Running,
    observer: Observer,
}

impl KeyRing {
    /// A ring that fetches on the runtime `background`, and tells `observer` about every fetch.
    #[must_use]
    pub fn new(
        background: Handle,
        observer: impl Fn(&SourceEvent<'_>) + Send + Sync + 'static,
    ) -> Self {
        let fetcher = Fetcher::new(Timings::default());
        Self::with_fetcher(background, observer, fetcher)
    }

    pub(crate) fn with_fetcher(
        background: Handle,
        observer: impl Fn(&SourceEvent<'_>) + Send + Sync + 'static,
        fetcher: Fetcher,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                rules: ArcSwap::default(),
                verified: VerifiedTokens::default(),
                revocations: ArcSwap::default(),
                running: Running::default(),
                observer: Box::new(observer),
            }),
            background,
            fetcher: Arc::new(fetcher),
        }
    }

    /// Shares key sets with other nodes from now on. To be called before the first [`KeyRing::prepare`], once.
    pub fn share(&self, shelf: Arc<dyn Shelf>) {
        // A second one would do no harm, and is not needed.
        drop(self.fetcher.shelf.set(shelf));
    }

    /// Compiles the rules of every virtual proxy that `snapshot` has and this ring has not seen in
    /// that revision, begins to fetch the key sets that are new, and stops fetching those that
    /// nobody names any more. To be called before the snapshot is served; does not block.
    pub fn prepare(&self, snapshot: &Snapshot) {
        Inner::prepare(&self.inner, snapshot, &self.background, &self.fetcher);
    }

    /// Replaces the revocations. They hold for the next verdict, remembered or not.
    pub fn set_revocations(&self, revocations: Revocations) {
        self.inner.revocations.store(Arc::new(revocations));
    }

    /// The revocations that hold now.
    #[must_use]
    pub fn revocations(&self) -> Arc<Revocations> {
        self.inner.revocations.load_full()
    }

    /// The verdict on `token`, from memory when it has been verified with the same keys and rules.
    ///
    /// Waits only for a token that names a key which a published key set could have by now, or while
    /// that key set has not come for the first time, and at most five seconds. Whether a single-use
    /// token was used before is not known here.
    ///
    /// # Errors
    /// Why the token is refused.
    pub async fn verify(
        &self,
        virtual_proxy: Uuid,
        token: &[u8],
        now: UnixTime,
    ) -> Result<(Arc<Verified>, TokenHash), Refusal> {
        let good = match self.inner.judge(virtual_proxy, token, now) {
            Ok(good) => good,
            Err(Refused {
                refusal,
                lacks: None,
            }) => return Err(refusal),
            // Boxed, so that the future of the usual case stays small.
            Err(refused) => Box::pin(self.judge_again(virtual_proxy, token, now, refused)).await?,
        };
        Ok((good.verified, good.hash))
    }

    /// The verdict with every step, for people, from the keys that are known now. A revocation
    /// shows in the result.
    #[must_use]
    pub fn explain(&self, virtual_proxy: Uuid, token: &[u8], now: UnixTime) -> Option<Verdict> {
        let rules = self.inner.rules_of(virtual_proxy)?;
        self.inner.explain(virtual_proxy, &rules, token, now)
    }

    /// The same by the rules of a virtual proxy that is not served. Of published key sets only those
    /// count that are fetched already for one that is: asking fetches nothing.
    #[must_use]
    pub fn explain_draft(
        &self,
        draft: &VirtualProxy,
        token: &[u8],
        now: UnixTime,
    ) -> Option<Verdict> {
        let rules = Rules::compile(draft, &self.inner.running())?;
        self.inner.explain(draft.id, &rules, token, now)
    }

    /// The verifier of a virtual proxy, without those of further issuers.
    #[must_use]
    pub fn verifier(&self, virtual_proxy: Uuid) -> Option<Arc<Verifier>> {
        let rules = self.inner.rules_of(virtual_proxy)?;
        rules.judges().first().map(|judge| judge.verifier.clone())
    }

    /// Whether tokens of a virtual proxy can be verified with the key of that fingerprint, now.
    #[must_use]
    pub fn has_key(&self, virtual_proxy: Uuid, fingerprint: &str) -> bool {
        let Some(rules) = self.inner.rules_of(virtual_proxy) else {
            return false;
        };
        let mut keys = rules
            .judges()
            .iter()
            .flat_map(|judge| judge.verifier.keys().keys());
        keys.any(|key| key.fingerprint() == fingerprint)
    }

    /// Every source of keys, as it is now: published key sets in the order of their names, then the
    /// PEM texts of each virtual proxy.
    #[must_use]
    pub fn sources(&self) -> Vec<SourceState> {
        self.inner.sources()
    }

    /// The good verdicts of a virtual proxy that are remembered and for which `choose` is true. What
    /// was pushed out of the memory is not among them.
    #[must_use]
    pub fn remembered(
        &self,
        virtual_proxy: Uuid,
        choose: impl Fn(&TokenHash, &Verified) -> bool,
    ) -> Vec<Verified> {
        let Some(rules) = self.inner.rules_of(virtual_proxy) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        self.inner.verified.each(|generation, good| {
            if generation == rules.generation && choose(&good.hash, &good.verified) {
                found.push(Verified::clone(&good.verified));
            }
        });
        found
    }

    /// Lets the sources look for newer keys, one after the other, until the token is accepted, no
    /// source can know more, or time is up.
    async fn judge_again(
        &self,
        virtual_proxy: Uuid,
        token: &[u8],
        now: UnixTime,
        mut refused: Refused,
    ) -> Result<Good, Refusal> {
        let came = Instant::now();
        let deadline = came + self.fetcher.timings.patience;
        while let Some(kid) = refused.lacks {
            let candidates = self.inner.sources_of(virtual_proxy, token);
            let mut candidates = candidates.into_iter();
            let Some(source) = candidates.find(|source| source.may_know_more(kid, came)) else {
                break;
            };
            if source.next_fetch(came, deadline).await == Waited::TooLong {
                break;
            }
            match self.inner.judge(virtual_proxy, token, now) {
                Ok(good) => return Ok(good),
                Err(again) => refused = again,
            }
            if refused.lacks == Some(kid) && !source.may_know_more(kid, came) {
                source.note_vain(kid);
            }
        }
        Err(refused.refusal)
    }
}

impl Inner {
    fn rules_of(&self, virtual_proxy: Uuid) -> Option<Arc<Rules>> {
        self.rules.load().get(&virtual_proxy).cloned()
    }

    fn explain(
        &self,
        virtual_proxy: Uuid,
        rules: &Rules,
        token: &[u8],
        now: UnixTime,
    ) -> Option<Verdict> {
        let mut verdict = rules.judge_of(token)?.verifier.explain(token, now);
        if let Ok(verified) = &verdict.result {
            let revocations = self.revocations.load();
            let hash = TokenHash::of(token);
            if let Err(refusal) = revocations.check(virtual_proxy, &hash, verified, now) {
                verdict.result = Err(refusal);
            }
        }
        Some(verdict)
    }

    /// The verdict with the keys that are known now. Takes no lock that a compilation or another
    /// token's verdict holds for long, and allocates nothing for a token that is remembered.
    fn judge(&self, virtual_proxy: Uuid, token: &[u8], now: UnixTime) -> Result<Good, Refused> {
        let all = self.rules.load();
        let rules = all.get(&virtual_proxy).ok_or_else(no_keys)?;
        let skew = rules.clock_skew();
        let good = match self.verified.get(rules.generation, token, skew, now) {
            Some(good) => good,
            None => {
                let judge = rules.judge_of(token).ok_or_else(no_keys)?;
                let good = Good {
                    verified: Arc::new(judge.verify(token, now)?),
                    hash: TokenHash::of(token),
                };
                self.verified.insert(rules.generation, token, good.clone());
                good
            }
        };
        let revocations = self.revocations.load();
        revocations.check(virtual_proxy, &good.hash, &good.verified, now)?;
        Ok(good)
    }
}

fn no_keys() -> Refusal {
    let detail = "the virtual proxy has no keys to check tokens with";
    Refusal::with(Reason::KeyNotFound, detail)
}

/// Counts only: keys are public, but tokens are not.
impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing")
            .field("virtual_proxies", &self.inner.rules.load().len())
            .field("verified", &self.inner.verified.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
