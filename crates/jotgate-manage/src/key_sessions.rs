//! Keys that a change removes, and the sessions that were opened with them.
//!
//! The preview of a change and the change itself ask the same function, so that they agree.

use std::collections::HashSet;

use jotgate_keys::KeyOrigin;
use jotgate_model::{Authentication, KeySourceSettings, Snapshot, Timestamp, Uuid, VirtualProxy};
use jotgate_repository::AuditEntry;
use jotgate_session::{EndReason, Session};
use jotgate_token::KeySet;

use crate::audit::{entry, subject};
use crate::management::Inner;
use crate::sessions::note_ends;
use crate::{Actor, ManageError, Management};

/// The SHA-256 of a public key.
type Fingerprint = [u8; 32];

/// What published key sets hold at one moment. One that was never fetched holds nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownKeys(Vec<(KeyOrigin, Vec<Fingerprint>)>);

/// Keys that tokens were verified with before a change and are not verified with after it.
#[derive(Clone, Debug, Default)]
pub(crate) struct RemovedKeys(HashSet<(Uuid, Fingerprint)>);

impl KnownKeys {
    fn of(&self, origin: &KeyOrigin) -> impl Iterator<Item = Fingerprint> {
        let found = self.0.iter().find(|(known, _)| known == origin);
        found.into_iter().flat_map(|(_, keys)| keys).copied()
    }
}

impl RemovedKeys {
    /// Those of a virtual proxy, by their fingerprints in hexadecimal digits.
    pub(crate) fn named(virtual_proxy: Uuid, fingerprints: &[String]) -> Self {
        let read = fingerprints.iter().filter_map(|text| bytes_of(text.trim()));
        Self(
            read.map(|fingerprint| (virtual_proxy, fingerprint))
                .collect(),
        )
    }

    /// Whether no key is removed.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them, by its fingerprint in hexadecimal digits, is removed from a virtual proxy.
    pub(crate) fn has(&self, virtual_proxy: Uuid, fingerprint: &str) -> bool {
        bytes_of(fingerprint).is_some_and(|one| self.0.contains(&(virtual_proxy, one)))
    }

    /// Whether a session was opened with one of them, at the virtual proxy that lost it.
    pub(crate) fn opened(&self, session: &Session) -> bool {
        let fingerprint = session.key_fingerprint();
        fingerprint.is_some_and(|one| self.0.contains(&(session.virtual_proxy(), *one)))
    }
}

/// The keys that the step from `before` to `after` removes. Virtual proxies that are gone lose none:
/// their sessions end anyway.
pub(crate) fn removed_keys(before: &Snapshot, after: &Snapshot, known: &KnownKeys) -> RemovedKeys {
    let mut removed = HashSet::new();
    for old in before.virtual_proxies() {
        let Some(new) = after.virtual_proxy(old.id) else {
            continue;
        };
        if old.revision == new.revision {
            continue;
        }
        let kept = keys_of(new, known);
        let gone = keys_of(old, known).into_iter();
        let gone = gone.filter(|fingerprint| !kept.contains(fingerprint));
        removed.extend(gone.map(|fingerprint| (old.id, fingerprint)));
    }
    RemovedKeys(removed)
}

impl Inner {
    /// What the published key sets hold now.
    pub(crate) fn known_keys(&self) -> KnownKeys {
        let sources = self.keys.get().map(|keys| keys.sources());
        let published = sources.unwrap_or_default().into_iter();
        let published = published.filter(|source| source.origin != KeyOrigin::Pem);
        let known = published.map(|source| {
            let keys = source.keys.iter();
            let keys = keys.filter_map(|key| bytes_of(&key.fingerprint));
            (source.origin.clone(), keys.collect())
        });
        KnownKeys(known.collect())
    }
}

impl Management {
    /// Ends the sessions that were opened with removed keys, their sockets with them, and says how
    /// many those are.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`] when the ends are not on disk yet; they hold all the same.
    pub(crate) async fn end_sessions_of_keys(
        &self,
        actor: &Actor,
        removed: &RemovedKeys,
        now: Timestamp,
    ) -> Result<usize, ManageError> {
        if removed.is_empty() {
            return Ok(0);
        }
        let sessions = &self.inner.sessions;
        let ended = sessions.end_where(EndReason::KeyRemoved, |session| removed.opened(session));
        let ended = ended.await.map_err(crate::sessions::refused)?;
        note_ends(actor, &ended);
        if !ended.is_empty() {
            let attempt = entry(
                actor.for_audit(),
                "session.end",
                subject("Session", "", ""),
                now,
            );
            let reason = format!("{} sessions whose key was removed", ended.len());
            self.inner
                .audit_done(AuditEntry { reason, ..attempt })
                .await;
        }
        Ok(ended.len())
    }
}

/// The keys that tokens of a virtual proxy are verified with.
fn keys_of(vp: &VirtualProxy, known: &KnownKeys) -> HashSet<Fingerprint> {
    key_settings(vp)
        .flat_map(|keys| of_sources(keys, known))
        .collect()
}

/// Where its keys come from, for each issuer; nothing where it takes no tokens.
pub(crate) fn key_settings(vp: &VirtualProxy) -> impl Iterator<Item = &KeySourceSettings> {
    let main = match &vp.authentication {
        Authentication::Jwt(main) => Some(&**main),
        _ => None,
    };
    let further = main.is_some().then_some(&vp.further_issuers);
    let all = main.into_iter().chain(further.into_iter().flatten());
    all.map(|settings| &settings.keys)
}

/// The published key sets that settings name.
pub(crate) fn origins(sources: &KeySourceSettings) -> impl Iterator<Item = KeyOrigin> {
    let jwks = sources.jwks_uri.as_deref();
    let jwks = jwks.map(|uri| KeyOrigin::Jwks(uri.into()));
    let discovery = sources.discovery_issuer.as_deref();
    let discovery = discovery.map(|issuer| KeyOrigin::Discovery(issuer.into()));
    jwks.into_iter().chain(discovery)
}

fn of_sources(sources: &KeySourceSettings, known: &KnownKeys) -> Vec<Fingerprint> {
    let pem = KeySet::from_pem(&sources.pem).unwrap_or_else(|_| KeySet::empty());
    let pem = pem.keys().iter();
    let mut found: Vec<_> = pem.filter_map(|key| bytes_of(key.fingerprint())).collect();
    for origin in origins(sources) {
        found.extend(known.of(&origin));
    }
    found
}

/// The 32 bytes that hexadecimal digits stand for.
fn bytes_of(digits: &str) -> Option<Fingerprint> {
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    (digits.len() == 64).then_some(bytes)
}

#[cfg(test)]
mod tests;
