//! The certificates and public keys that tokens of a virtual proxy are checked with: shown, added and
//! removed, for administrators and for programs that may do only that.

use jotgate_model::entity::VirtualProxyConfig;
use jotgate_model::{Timestamp, VirtualProxy};
use jotgate_token::{KeySet, without_keys};

use crate::authority::check_may_change;
use crate::key_sessions::RemovedKeys;
use crate::{Asker, KeyAction, ManageError, Management};

/// What changes about the keys of a virtual proxy. All of it is one save; old and new may stand
/// together, so that nobody is kept out meanwhile.
#[derive(Clone, Debug, Default)]
pub struct KeyChange {
    /// PEM text with the certificates and public keys to add. Those that are there already stay once.
    pub add: String,
    /// The fingerprints of those to remove: SHA-256 of the public key in DER, in hexadecimal digits.
    pub remove: Vec<String>,
    /// Whether the sessions end that were opened with the removed ones.
    pub end_sessions: bool,
}

/// The keys of a virtual proxy after a change, in their order.
#[derive(Clone, Debug)]
pub struct ChangedKeys {
    /// The keys.
    pub keys: KeySet,
    /// How many sessions were ended.
    pub ended_sessions: usize,
}

impl Management {
    /// The certificates and public keys in the configuration of a virtual proxy, which is named by its
    /// id or prefix.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] and [`ManageError::NoVirtualProxy`].
    pub fn keys_of(&self, asker: &Asker, name: &str) -> Result<KeySet, ManageError> {
        let action = if asker.may(KeyAction::RotateKeys) {
            KeyAction::RotateKeys
        } else {
            KeyAction::ReadConfiguration
        };
        let (_, vp) = self.allowed_at(asker, action, name)?;
        key_set(&self.document(&vp)?.jwt_public_key_certificate)
    }

    /// Changes them, and nothing else of the virtual proxy.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::Invalid`], [`ManageError::NoVirtualProxy`],
    /// [`ManageError::Conflict`] and [`ManageError::Unavailable`].
    pub async fn change_keys(
        &self,
        asker: &Asker,
        name: &str,
        change: &KeyChange,
        now: Timestamp,
    ) -> Result<ChangedKeys, ManageError> {
        let (actor, vp) = self.allowed_at(asker, KeyAction::RotateKeys, name)?;
        check_may_change(&actor)?;
        if change.end_sessions {
            asker.at(KeyAction::EndSessions, vp.id)?;
        }
        let mut draft = self.document(&vp)?;
        let stored = key_set(&draft.jwt_public_key_certificate)?;
        let next = changed(&draft.jwt_public_key_certificate, &stored, change)?;
        let keys = key_set(&next)?;
        if keys.is_empty() && !stored.is_empty() {
            let problem = "would leave no key; add the next one in the same change";
            return Err(ManageError::field("remove", problem));
        }
        if next != draft.jwt_public_key_certificate {
            draft.jwt_public_key_certificate = next;
            self.update_virtual_proxy(&actor, vp.id, draft, now).await?;
        }
        let ended_sessions = if change.end_sessions {
            let removed = RemovedKeys::named(vp.id, &change.remove);
            self.end_sessions_of_keys(&actor, &removed, now).await?
        } else {
            0
        };
        Ok(ChangedKeys {
            keys,
            ended_sessions,
        })
    }

    fn document(&self, vp: &VirtualProxy) -> Result<VirtualProxyConfig, ManageError> {
        let snapshot = self.snapshot();
        let stored = snapshot.documents.virtual_proxies.get(&vp.id);
        let stored = stored.ok_or_else(|| ManageError::NoVirtualProxy(vp.id.to_string()))?;
        Ok(VirtualProxyConfig::clone(stored))
    }
}

/// The PEM text that `stored` becomes.
fn changed(text: &str, stored: &KeySet, change: &KeyChange) -> Result<String, ManageError> {
    for fingerprint in &change.remove {
        let mut keys = stored.keys().iter();
        if !keys.any(|key| is_same(fingerprint, key.fingerprint())) {
            let shown: String = fingerprint.chars().take(80).collect();
            let problem = format!("{shown:?} is the fingerprint of none of the keys");
            return Err(ManageError::field("remove", problem));
        }
    }
    let is_removed = |its: &str| change.remove.iter().any(|one| is_same(one, its));
    let kept = without_keys(text, is_removed);
    let mut next =
        kept.map_err(|error| ManageError::field("jwtPublicKeyCertificate", error.to_string()))?;
    let is_kept = |its: &str| {
        let mut kept = stored.keys().iter();
        kept.any(|key| key.fingerprint() == its) && !is_removed(its)
    };
    let wrong = |error: jotgate_token::PemError| ManageError::field("add", error.to_string());
    let added = without_keys(&change.add, is_kept).map_err(wrong)?;
    if KeySet::from_pem(&added).is_ok_and(|keys| !keys.is_empty()) {
        if !next.is_empty() && !next.ends_with('\n') {
            next.push('\n');
        }
        next.push_str(&added);
    }
    Ok(next)
}

fn key_set(pem: &str) -> Result<KeySet, ManageError> {
    KeySet::from_pem(pem)
        .map_err(|error| ManageError::field("jwtPublicKeyCertificate", error.to_string()))
}

fn is_same(sent: &str, fingerprint: &str) -> bool {
    sent.trim().eq_ignore_ascii_case(fingerprint)
}

#[cfg(test)]
mod tests;
