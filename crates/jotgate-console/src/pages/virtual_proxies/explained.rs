//! Keys and certificates, explained: what they are, until when they are good, and where else they are used.

use jotgate_manage::{Key, KeySet, SourceState};
use jotgate_model::{Documents, Timestamp, UnixTime};
use uuid::Uuid;

use crate::dates::minute_of;
use crate::visit::Visit;

/// A certificate that runs out within so many days is pointed at.
const SOON_DAYS: i64 = 30;
const DAY: i64 = 86_400;
/// Decision 3 of the product: good for trying things, and said.
const OF_TLS: &str = "This is the key of the gateway's own TLS certificate: whoever can read its file can \
                      sign anybody in. Good to try things with; make a pair of its own for a portal";

/// A key or certificate.
#[derive(Clone)]
pub(super) struct ShownKey {
    pub(super) what: String,
    pub(super) subject: String,
    pub(super) validity: String,
    pub(super) warnings: Vec<String>,
    pub(super) fingerprint: String,
    /// Other virtual proxies whose tokens it verifies.
    pub(super) elsewhere: Vec<Elsewhere>,
}

/// Another virtual proxy.
#[derive(Clone)]
pub(super) struct Elsewhere {
    pub(super) id: Uuid,
    pub(super) description: String,
}

/// The keys of a text; none when it cannot be read, which a save says. `own` is the virtual proxy whose
/// field it is.
pub(super) fn explain(visit: &Visit, pem: &str, own: Option<Uuid>) -> Vec<ShownKey> {
    let Ok(set) = KeySet::from_pem(pem) else {
        return Vec::new();
    };
    let snapshot = visit.snapshot();
    let sources = visit.management().key_sources();
    let keys = set.keys().iter().enumerate();
    let shown = keys.map(|(at, key)| {
        let mut shown = explained(at, set.keys(), visit.now());
        shown.elsewhere = elsewhere(key.fingerprint(), own, &sources, &snapshot.documents);
        if visit.management().is_key_of_tls(key.fingerprint()) {
            shown.warnings.push(OF_TLS.to_owned());
        }
        shown
    });
    shown.collect()
}

fn explained(at: usize, all: &[Key], now: Timestamp) -> ShownKey {
    let key = &all[at];
    let what = format!("{}, {} bits", key.family(), key.bits());
    let Some(certificate) = key.certificate() else {
        return ShownKey {
            what: format!("Public key: {what}"),
            subject: String::new(),
            validity: String::new(),
            warnings: Vec::new(),
            fingerprint: key.fingerprint().to_owned(),
            elsewhere: Vec::new(),
        };
    };
    let warnings = [expiry(certificate.not_after, now), authority(at, all)];
    ShownKey {
        what: format!("Certificate: {what}"),
        subject: certificate.subject.to_string(),
        validity: format!(
            "{} to {} UTC",
            minute_of(certificate.not_before),
            minute_of(certificate.not_after)
        ),
        warnings: warnings.into_iter().flatten().collect(),
        fingerprint: key.fingerprint().to_owned(),
        elsewhere: Vec::new(),
    }
}

/// What is to be said of a certificate that runs out.
pub(super) fn expiry(not_after: UnixTime, now: Timestamp) -> Option<String> {
    let left = not_after.0.saturating_sub(now.as_millis().div_euclid(1000));
    match left.div_euclid(DAY) {
        _ if left < 0 => Some("Expired; its tokens are accepted all the same".to_owned()),
        0 => Some("Expires within a day".to_owned()),
        1 => Some("Expires in 1 day".to_owned()),
        days if days < SOON_DAYS => Some(format!("Expires in {days} days")),
        _ => None,
    }
}

/// A chain was pasted, in whatever order: each of its certificates verifies tokens, and those above the
/// first one belong to somebody else.
fn authority(at: usize, all: &[Key]) -> Option<String> {
    let own = all[at].certificate()?;
    let mut others = all.iter().enumerate().filter(|(other, _)| *other != at);
    let (signed, _) = others.find(|(_, other)| {
        let other = other.certificate();
        other.is_some_and(|other| other.issuer == own.subject && other.subject != other.issuer)
    })?;
    Some(format!(
        "It has signed number {}: this is a chain, and whoever holds the key of the authority could sign \
         tokens, too. The order does not matter; take this one out",
        signed + 1
    ))
}

fn elsewhere(
    fingerprint: &str,
    own: Option<Uuid>,
    sources: &[SourceState],
    documents: &Documents,
) -> Vec<Elsewhere> {
    let has = |source: &&SourceState| {
        source
            .keys
            .iter()
            .any(|key| &*key.fingerprint == fingerprint)
    };
    let using = sources.iter().filter(has);
    let mut ids: Vec<Uuid> = using
        .flat_map(|source| source.virtual_proxies.iter().copied())
        .filter(|id| Some(*id) != own)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let known = ids.into_iter().filter_map(|id| {
        let vp = documents.virtual_proxies.get(&id)?;
        Some(Elsewhere {
            id,
            description: vp.description.clone(),
        })
    });
    known.collect()
}

#[cfg(test)]
mod tests;
