//! What the tokens of one virtual proxy are judged with.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jotgate_model::{
    Authentication, JwtSettings, KeySourceSettings, Reason, Refusal, UnixTime, VirtualProxy,
};
use jotgate_token::{KeySet, Verified, Verifier, unverified_parts};

use crate::clock;
use crate::source::{KidHash, Source, Target};

/// The sources that are running.
pub(crate) type Sources = HashMap<Target, Arc<Source>>;

/// The verifiers of one virtual proxy, with the keys of one moment. Immutable.
pub(crate) struct Rules {
    /// The snapshot revision in which the virtual proxy last changed.
    pub(crate) revision: u64,
    /// A number that no other rules have or had.
    pub(crate) generation: u64,
    /// That of the virtual proxy itself first, then those of further issuers.
    judges: Vec<Judge>,
}

/// The policy for one issuer, with its keys.
pub(crate) struct Judge {
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) pem: KeySet,
    pub(crate) sources: Vec<Arc<Source>>,
}

impl Rules {
    /// Compiles the rules of a virtual proxy; nothing when it takes no tokens. `sources` has every
    /// source that it names.
    ///
    /// Keys that cannot be read (the management layer does not store such) are left out: tokens of
    /// that virtual proxy are refused, the others go on.
    pub(crate) fn compile(vp: &VirtualProxy, sources: &Sources) -> Option<Self> {
        let Authentication::Jwt(main) = &vp.authentication else {
            return None;
        };
        let judge = |settings: &JwtSettings| {
            let pem = KeySet::from_pem(&settings.keys.pem).unwrap_or_else(|error| {
                if !settings.keys.pem.trim().is_empty() {
                    tracing::error!(virtual_proxy = %vp.prefix, %error, "the certificate cannot be used");
                }
                KeySet::empty()
            });
            warn_of_expired(vp, &pem);
            let named = targets(&settings.keys);
            let sources = named.filter_map(|target| sources.get(&target).cloned());
            Judge::new(settings, pem, sources.collect())
        };
        let settings = std::iter::once(&**main).chain(&vp.further_issuers);
        Some(Self::with(vp.revision, settings.map(judge).collect()))
    }

    /// The same rules with the keys that the sources have now.
    pub(crate) fn renewed(&self) -> Self {
        let judges = self.judges.iter().map(|judge| {
            let settings = judge.verifier.settings();
            Judge::new(settings, judge.pem.clone(), judge.sources.clone())
        });
        Self::with(self.revision, judges.collect())
    }

    fn with(revision: u64, judges: Vec<Judge>) -> Self {
        static GENERATION: AtomicU64 = AtomicU64::new(0);
        Self {
            revision,
            generation: GENERATION.fetch_add(1, Ordering::Relaxed),
            judges,
        }
    }

    pub(crate) fn judges(&self) -> &[Judge] {
        &self.judges
    }

    /// How much clocks may differ: the same for every issuer.
    pub(crate) fn clock_skew(&self) -> u32 {
        let main = self.judges.first();
        main.map_or(0, |judge| judge.verifier.settings().clock_skew)
    }

    pub(crate) fn uses(&self, source: &Source) -> bool {
        let mut sources = self.judges.iter().flat_map(|judge| &judge.sources);
        sources.any(|used| used.target() == source.target())
    }

    /// Who judges `token`: what it says of its issuer is not believed here, it only chooses whose
    /// keys have to prove it. The verdict compares the issuer again.
    pub(crate) fn judge_of(&self, token: &[u8]) -> Option<&Judge> {
        let (main, further) = self.judges.split_first()?;
        if further.is_empty() {
            return Some(main);
        }
        let claims = unverified_parts(token).claims.unwrap_or_default();
        let issuer = claims.get("iss").and_then(|issuer| issuer.as_str());
        let named = |judge: &&Judge| judge.verifier.settings().issuer.as_deref() == issuer;
        let named = issuer.and_then(|_| further.iter().find(named));
        Some(named.unwrap_or(main))
    }
}

impl Judge {
    fn new(settings: &JwtSettings, pem: KeySet, sources: Vec<Arc<Source>>) -> Self {
        let keys = sources
            .iter()
            .fold(pem.clone(), |keys, source| keys.union(&source.keys()));
        Self {
            verifier: Arc::new(Verifier::new(settings.clone(), keys)),
            pem,
            sources,
        }
    }

    /// The verdict, or why the token is refused and which newer key could change that.
    pub(crate) fn verify(&self, token: &[u8], now: UnixTime) -> Result<Verified, Refused> {
        self.verifier.verify(token, now).map_err(|refusal| {
            let lacks = self.lacks(token, &refusal);
            let refusal = self.name_source(refusal);
            Refused { refusal, lacks }
        })
    }

    /// The key id that a newer key set could have, if that could change the verdict.
    fn lacks(&self, token: &[u8], refusal: &Refusal) -> Option<KidHash> {
        if self.sources.is_empty() || !is_about_keys(refusal.reason) {
            return None;
        }
        if let Some(kid) = self.verifier.unknown_kid(token) {
            return Some(KidHash::of(kid.as_bytes()));
        }
        let header = unverified_parts(token).header.unwrap_or_default();
        // Tokens of an issuer that does not name its keys look alike before and after a rotation.
        let unnamed = !header.contains_key("kid");
        let waiting = self.sources.iter().any(|source| !source.has_answered());
        (unnamed || waiting).then(|| KidHash::of(token))
    }

    /// While a source has never answered, nobody can say that the key does not exist.
    fn name_source(&self, refusal: Refusal) -> Refusal {
        let silent = self.sources.iter().find(|source| !source.has_answered());
        match silent {
            Some(source) if is_about_keys(refusal.reason) => {
                let detail = source.last_error().map_or_else(
                    || format!("the key set of {} has not come yet", source.target().name()),
                    String::from,
                );
                Refusal::with(Reason::KeySourceUnavailable, detail)
            }
            _ => refusal,
        }
    }
}

/// A refused token.
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    /// The key id to look for in a newer key set.
    pub(crate) lacks: Option<KidHash>,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            lacks: None,
        }
    }
}

/// The published key sets that settings name.
pub(crate) fn targets(keys: &KeySourceSettings) -> impl Iterator<Item = Target> {
    let jwks = keys.jwks_uri.as_deref().map(|uri| Target::Jwks(uri.into()));
    let issuer = keys.discovery_issuer.as_deref();
    let discovery = issuer.map(|issuer| Target::Discovery(issuer.into()));
    jwks.into_iter().chain(discovery)
}

/// Whether another key could change the verdict. A signature of another length than the known keys
/// make looks as if it was cut.
const fn is_about_keys(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::KeyNotFound | Reason::SignatureInvalid | Reason::TokenTruncated
    )
}

/// A certificate goes on verifying tokens when its time is over, as in the real system; whoever
/// watches over it should know.
fn warn_of_expired(vp: &VirtualProxy, keys: &KeySet) {
    let now = clock::now();
    let certificates = keys.keys().iter().filter_map(|key| key.certificate());
    for certificate in certificates.filter(|certificate| certificate.is_expired(now)) {
        tracing::warn!(
            virtual_proxy = %vp.prefix,
            subject = ?certificate.subject,
            expired = %certificate.not_after,
            "a certificate that tokens are checked with has expired; its key goes on"
        );
    }
}
