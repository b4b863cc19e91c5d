//! The findings about the keys of a draft, from what is known. No network and no clock.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jotgate_keys::{KeyOrigin, SourceState};
use jotgate_model::{Snapshot, UnixTime, Uuid, VirtualProxy};
use jotgate_observe::RecentRequest;
use jotgate_token::{Key, KeyFamily, KeySet};

use super::{
    DraftKey, FetchedSource, FetchedSources, KeyTrials, MAX_LISTED_KEYS, MissingKey, SourceKeys,
    SourceTrial, TokensSeen, Validity,
};
use crate::key_sessions::{key_settings, origins};

/// A certificate that ends sooner than this is told.
const SOON: i64 = 30 * 86_400;
/// How many prefixes are named.
const MAX_PREFIXES: usize = 10;
/// How many missing keys and key ids are named.
const MAX_MISSING: usize = 20;
/// Characters of a key id, which is foreign text.
const MAX_KID: usize = 100;

/// The virtual proxies that differ, each as it was, if it was there, and as it would be.
pub(super) fn touched<'a>(
    before: &'a Snapshot,
    after: &'a Snapshot,
) -> impl Iterator<Item = (Option<&'a Arc<VirtualProxy>>, &'a Arc<VirtualProxy>)> {
    let pairs = after.virtual_proxies();
    let pairs = pairs.map(|new| (before.virtual_proxy(new.id), new));
    pairs.filter(|(old, new)| old.is_none_or(|old| old.revision != new.revision))
}

/// What the findings follow from.
pub(super) struct Judge<'a> {
    after: &'a Snapshot,
    fetched: &'a FetchedSources,
    /// The newest requests with a token, by virtual proxy.
    tokens: HashMap<Uuid, Vec<Token<'a>>>,
    touched: Vec<Touched<'a>>,
    /// Who has a key, by its fingerprint.
    users: HashMap<String, BTreeSet<Uuid>>,
    now: UnixTime,
}

/// A token that was presented.
struct Token<'a> {
    fingerprint: Option<&'a str>,
    kid: Option<String>,
    accepted: bool,
}

/// A virtual proxy with the keys that it would have.
struct Touched<'a> {
    vp: &'a VirtualProxy,
    pem: KeySet,
    /// The fingerprints that it has in PEM text now.
    before: HashSet<String>,
    fingerprints: HashSet<String>,
    kids: HashSet<String>,
    /// Whether a key set that it names is not known.
    uncertain: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        (before, after): (&'a Snapshot, &'a Snapshot),
        fetched: &'a FetchedSources,
        known: &[SourceState],
        recent: &'a [RecentRequest],
        now: UnixTime,
    ) -> Self {
        let published: BTreeMap<_, _> = known.iter().map(|one| (&one.origin, one)).collect();
        let touched: Vec<_> = touched(before, after)
            .map(|(old, new)| Touched::of(old, new, fetched, &published))
            .collect();
        let mut users: HashMap<String, BTreeSet<Uuid>> = HashMap::new();
        let ids: HashSet<Uuid> = touched.iter().map(|touched| touched.vp.id).collect();
        for source in known {
            let kept = |id: &&Uuid| !ids.contains(*id) && after.virtual_proxy(**id).is_some();
            let of: Vec<Uuid> = source
                .virtual_proxies
                .iter()
                .filter(kept)
                .copied()
                .collect();
            for key in source.keys.iter().filter(|_| !of.is_empty()) {
                users
                    .entry(key.fingerprint.to_string())
                    .or_default()
                    .extend(&of);
            }
        }
        for touched in &touched {
            for fingerprint in &touched.fingerprints {
                users
                    .entry(fingerprint.clone())
                    .or_default()
                    .insert(touched.vp.id);
            }
        }
        Self {
            after,
            fetched,
            tokens: tokens_of(recent),
            touched,
            users,
            now,
        }
    }

    pub(super) fn findings(&self) -> KeyTrials {
        let mut keys: Vec<_> = self
            .touched
            .iter()
            .flat_map(|vp| self.keys_of(vp))
            .collect();
        keys.sort_by(|a, b| {
            let order = |key: &DraftKey| (key.validity, !key.is_new);
            (order(a), &a.prefix).cmp(&(order(b), &b.prefix))
        });
        let not_listed = keys.len().saturating_sub(MAX_LISTED_KEYS);
        keys.truncate(MAX_LISTED_KEYS);
        let mut tokens: Vec<_> = self
            .touched
            .iter()
            .filter_map(|vp| self.seen_at(vp))
            .collect();
        tokens.sort_by(|a, b| a.prefix.cmp(&b.prefix));
        KeyTrials {
            keys,
            not_listed,
            sources: self
                .fetched
                .all
                .iter()
                .map(|source| self.source(source))
                .collect(),
            not_tried: self.fetched.not_tried,
            tokens,
        }
    }

    fn keys_of(&self, of: &Touched<'_>) -> Vec<DraftKey> {
        let keys = of.pem.keys().iter();
        keys.map(|key| DraftKey {
            virtual_proxy: of.vp.id,
            prefix: of.vp.prefix.as_str().to_owned(),
            family: family(key),
            bits: key.bits(),
            fingerprint: key.fingerprint().to_owned(),
            certificate: key.certificate().cloned(),
            validity: self.validity(key),
            is_new: !of.before.contains(key.fingerprint()),
            used_by: self.others_with(key.fingerprint(), of.vp.id),
        })
        .collect()
    }

    fn validity(&self, key: &Key) -> Validity {
        let Some(certificate) = key.certificate() else {
            return Validity::Valid;
        };
        if certificate.is_expired(self.now) {
            Validity::Expired
        } else if certificate.not_before > self.now {
            Validity::NotYetValid
        } else if certificate.is_expired(self.now.plus(SOON)) {
            Validity::ExpiresSoon
        } else {
            Validity::Valid
        }
    }

    fn others_with(&self, fingerprint: &str, vp: Uuid) -> Vec<String> {
        let users = self.users.get(fingerprint).into_iter().flatten();
        self.prefixes(users.filter(|user| **user != vp))
    }

    /// The first prefixes, in order.
    fn prefixes<'b>(&self, ids: impl Iterator<Item = &'b Uuid>) -> Vec<String> {
        let found = ids.filter_map(|id| self.after.virtual_proxy(*id));
        let mut prefixes: Vec<_> = found.map(|vp| vp.prefix.as_str().to_owned()).collect();
        prefixes.sort_unstable();
        prefixes.truncate(MAX_PREFIXES);
        prefixes
    }

    fn source(&self, source: &FetchedSource) -> SourceTrial {
        let found = source.keys.as_ref().map_err(Clone::clone);
        SourceTrial {
            origin: source.origin.clone(),
            virtual_proxies: self.prefixes(source.virtual_proxies.iter()),
            found: found.map(|keys| SourceKeys {
                usable: keys.keys().len(),
                skipped: keys.skipped().iter().map(ToString::to_string).collect(),
                missing_kids: self.missing_kids(&source.virtual_proxies),
            }),
            elapsed: source.elapsed,
        }
    }

    /// The key ids that tokens at these virtual proxies name and that none of their keys has.
    fn missing_kids(&self, virtual_proxies: &[Uuid]) -> Vec<String> {
        let users = self.touched.iter();
        let users = users.filter(|touched| virtual_proxies.contains(&touched.vp.id));
        let mut missing = BTreeSet::new();
        for touched in users {
            let tokens = self.tokens.get(&touched.vp.id).into_iter().flatten();
            let lacking = tokens.filter(|token| {
                let known = |one: &str| touched.fingerprints.contains(one);
                !token.fingerprint.is_some_and(known)
            });
            let kids = lacking.filter_map(|token| token.kid.as_ref());
            missing.extend(kids.filter(|kid| !touched.kids.contains(*kid)));
        }
        let missing = missing.into_iter().take(MAX_MISSING);
        missing.map(|kid| shortened(kid)).collect()
    }

    /// Nothing where no token was accepted.
    fn seen_at(&self, touched: &Touched<'_>) -> Option<TokensSeen> {
        let tokens = self.tokens.get(&touched.vp.id)?;
        let (mut accepted, mut lost) = (0, 0);
        let mut missing: BTreeMap<&str, MissingKey> = BTreeMap::new();
        for token in tokens.iter().filter(|token| token.accepted) {
            let Some(fingerprint) = token.fingerprint else {
                continue;
            };
            accepted += 1;
            if touched.fingerprints.contains(fingerprint) {
                continue;
            }
            lost += 1;
            let key = missing.entry(fingerprint).or_insert_with(|| MissingKey {
                fingerprint: fingerprint.to_owned(),
                kid: token.kid.as_deref().map(shortened),
                requests: 0,
            });
            key.requests += 1;
        }
        let (lost, unknown) = if touched.uncertain {
            (0, lost)
        } else {
            (lost, 0)
        };
        let mut missing: Vec<_> = missing.into_values().collect();
        missing.sort_by_key(|key| std::cmp::Reverse(key.requests));
        missing.truncate(MAX_MISSING);
        (accepted > 0).then(|| TokensSeen {
            virtual_proxy: touched.vp.id,
            prefix: touched.vp.prefix.as_str().to_owned(),
            accepted,
            lost,
            unknown,
            missing,
        })
    }
}

impl<'a> Touched<'a> {
    fn of(
        old: Option<&Arc<VirtualProxy>>,
        vp: &'a VirtualProxy,
        fetched: &FetchedSources,
        published: &BTreeMap<&KeyOrigin, &SourceState>,
    ) -> Self {
        let pem = pem_of(vp);
        let before = old
            .map(|old| fingerprints(&pem_of(old)))
            .unwrap_or_default();
        let mut touched = Self {
            vp,
            fingerprints: fingerprints(&pem),
            pem,
            before,
            kids: HashSet::new(),
            uncertain: false,
        };
        for origin in key_settings(vp).flat_map(origins) {
            touched.add(&origin, fetched, published.get(&origin).copied());
        }
        touched
    }

    /// The keys of a published key set, if they are known.
    fn add(&mut self, origin: &KeyOrigin, fetched: &FetchedSources, known: Option<&SourceState>) {
        let came = fetched.all.iter().find(|source| source.origin == *origin);
        if let Some(keys) = came.and_then(|source| source.keys.as_ref().ok()) {
            self.fingerprints.extend(fingerprints(keys));
            let kids = keys.keys().iter().filter_map(Key::kid);
            self.kids.extend(kids.map(str::to_owned));
            return;
        }
        match known.filter(|source| source.last_success.is_some()) {
            Some(source) => {
                for key in &source.keys {
                    self.fingerprints.insert(key.fingerprint.to_string());
                    self.kids.extend(key.kid.as_deref().map(str::to_owned));
                }
            }
            None => self.uncertain = true,
        }
    }
}

/// Every key in PEM text. Text that cannot be read (no draft with such is accepted) holds none.
fn pem_of(vp: &VirtualProxy) -> KeySet {
    let all = key_settings(vp).map(|keys| KeySet::from_pem(&keys.pem));
    all.flatten()
        .reduce(|all, keys| all.union(&keys))
        .unwrap_or_else(KeySet::empty)
}

fn fingerprints(keys: &KeySet) -> HashSet<String> {
    let keys = keys.keys().iter();
    keys.map(|key| key.fingerprint().to_owned()).collect()
}

fn tokens_of(recent: &[RecentRequest]) -> HashMap<Uuid, Vec<Token<'_>>> {
    let mut tokens: HashMap<Uuid, Vec<Token<'_>>> = HashMap::new();
    for request in recent {
        if let (Some((vp, _)), Some(token)) = (&request.virtual_proxy, &request.token) {
            tokens.entry(*vp).or_default().push(Token {
                fingerprint: token.key_fingerprint.as_deref(),
                kid: token.header.as_deref().and_then(kid_of),
                accepted: request.reason.is_none(),
            });
        }
    }
    tokens
}

fn kid_of(header: &str) -> Option<String> {
    let header: serde_json::Value = serde_json::from_str(header).ok()?;
    header["kid"].as_str().map(str::to_owned)
}

fn family(key: &Key) -> &'static str {
    match key.family() {
        KeyFamily::Rsa => "RSA",
        KeyFamily::P256 => "P-256",
        KeyFamily::P384 => "P-384",
        KeyFamily::Ed25519 => "Ed25519",
    }
}

fn shortened(kid: &str) -> String {
    kid.chars().take(MAX_KID).collect()
}
