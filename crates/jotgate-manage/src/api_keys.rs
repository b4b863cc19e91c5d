//! API keys: a program gets what it needs and nothing else.
//!
//! A key is 256 random bits, shown once; its hash is stored. It names actions and virtual proxies, and
//! it expires. Whatever it names, it never changes how users prove who they are where roles count:
//! whoever could do that could make administrators (`authority.rs`).

mod caller;
mod kept;

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use jotgate_model::{FieldErrors, Timestamp};
use jotgate_repository::{AuditEntry, StoredApiKey};
use jotgate_session::SessionSecret;
use serde_json::Value;
use uuid::Uuid;

pub use self::caller::{KeyCaller, KeyRefused};
pub(crate) use self::kept::ApiKeys;
use crate::audit::{entry, subject};
use crate::authority::check_root;
use crate::{Actor, ManageError, Management};

/// How many keys there may be.
const MAX_KEYS: u32 = 1000;
/// The longest life, in days.
const MAX_DAYS: u32 = 3650;
/// What every key begins with: scanners of published code look for it.
const PREFIX: &str = "jotgate_";
/// How long a use may stay unnoted, in milliseconds.
const USE_INTERVAL: i64 = 60_000;

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAction {
    /// Read the virtual proxies that it names.
    ReadConfiguration,
    /// Replace the certificates and public keys that tokens are checked with.
    RotateKeys,
    /// See who has a session.
    ReadSessions,
    /// End sessions.
    EndSessions,
}

impl KeyAction {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::ReadConfiguration,
        Self::RotateKeys,
        Self::ReadSessions,
        Self::EndSessions,
    ];

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadConfiguration => "configuration.read",
            Self::RotateKeys => "keys.rotate",
            Self::ReadSessions => "sessions.read",
            Self::EndSessions => "sessions.end",
        }
    }

    /// The action of that exact name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// A key that somebody wants to have.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// What people call it: 1 to 255 characters.
    pub name: String,
    /// What it may do, at least one thing.
    pub actions: Vec<KeyAction>,
    /// At which virtual proxies, at least one.
    pub virtual_proxies: Vec<Uuid>,
    /// How many days it works: 1 to 3650.
    pub days: u32,
}

/// A key as its owner gets it, once. Never printed.
pub struct ApiKeyText(String);

impl ApiKeyText {
    /// The key itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyText(..)")
    }
}

impl Management {
    /// Makes a key. What is answered first is shown once and stored nowhere.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] without the role RootAdmin, [`ManageError::Invalid`] and
    /// [`ManageError::Unavailable`].
    pub async fn create_api_key(
        &self,
        actor: &Actor,
        new: NewApiKey,
        now: Timestamp,
    ) -> Result<(ApiKeyText, StoredApiKey), ManageError> {
        let named = new.name.clone();
        let attempt = || {
            entry(
                actor.for_audit(),
                "api_key.create",
                subject("ApiKey", "", named),
                now,
            )
        };
        let checked = check_root(actor, || {
            "To make API keys takes the role RootAdmin.".to_owned()
        });
        self.inner.audit_refusal(checked, attempt)?;
        self.check_new_key(&new)?;
        let secret = SessionSecret::generate();
        let text = format!("{PREFIX}{}", secret.expose());
        let mut actions: Vec<String> = new.actions.iter().map(|a| a.name().to_owned()).collect();
        actions.sort_unstable();
        actions.dedup();
        let mut virtual_proxies = new.virtual_proxies;
        virtual_proxies.sort_unstable();
        virtual_proxies.dedup();
        let key = StoredApiKey {
            id: Uuid::new_v4(),
            name: new.name,
            hash: hash(&text),
            actions,
            virtual_proxies,
            created: now,
            created_by: actor.name.clone(),
            expires: Timestamp::from_millis(
                now.as_millis() + i64::from(new.days) * 24 * 60 * 60 * 1000,
            ),
            last_used: None,
            last_used_from: None,
        };
        let keys = self.inner.api_keys.changing().await;
        let entry = key_entry(actor, "api_key.create", &key, now);
        let added = self.inner.repository.add_api_key(&key, MAX_KEYS, entry);
        if !added.await? {
            let problem = format!("there are {MAX_KEYS} keys already; delete one first");
            return Err(ManageError::field("name", problem));
        }
        keys.reload(&self.inner.repository).await?;
        tracing::info!(key.id = %key.id, key.name = ?key.name, key.created_by = ?actor.name, "an API key was made");
        Ok((ApiKeyText(text), key))
    }

    fn check_new_key(&self, new: &NewApiKey) -> Result<(), ManageError> {
        let mut errors = FieldErrors::default();
        let length = new.name.trim().chars().count();
        if !(1..=255).contains(&length) || new.name.chars().any(char::is_control) {
            errors.push(
                "name",
                "must have 1 to 255 characters, none of them a control character",
            );
        }
        if new.actions.is_empty() {
            errors.push("actions", "must name one at least");
        }
        let snapshot = self.snapshot();
        if new.virtual_proxies.is_empty() {
            errors.push("virtualProxies", "must name one at least");
        }
        for id in &new.virtual_proxies {
            if !snapshot.documents.virtual_proxies.contains_key(id) {
                errors.push(
                    "virtualProxies",
                    format!("there is no virtual proxy with the id {id}"),
                );
            }
        }
        if !(1..=MAX_DAYS).contains(&new.days) {
            errors.push(
                "days",
                format!("must be a whole number from 1 to {MAX_DAYS}"),
            );
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors.into())
        }
    }

    /// Every key, without its secret, also those that are over.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`].
    pub async fn api_keys(&self) -> Result<Vec<StoredApiKey>, ManageError> {
        Ok(self.inner.repository.api_keys().await?)
    }

    /// Deletes a key: it opens nothing any more when this returns.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] without the role RootAdmin, [`ManageError::Unavailable`]. `false`
    /// when there is none of that id.
    pub async fn delete_api_key(
        &self,
        actor: &Actor,
        id: Uuid,
        now: Timestamp,
    ) -> Result<bool, ManageError> {
        let attempt = || {
            entry(
                actor.for_audit(),
                "api_key.delete",
                subject("ApiKey", id, ""),
                now,
            )
        };
        let checked = check_root(actor, || {
            "To delete API keys takes the role RootAdmin.".to_owned()
        });
        self.inner.audit_refusal(checked, attempt)?;
        let keys = self.inner.api_keys.changing().await;
        let removed = self.inner.repository.remove_api_key(id, attempt()).await?;
        keys.reload(&self.inner.repository).await?;
        if removed {
            tracing::info!(key.id = %id, key.deleted_by = ?actor.name, "an API key was deleted");
        }
        Ok(removed)
    }
}

/// What the trail has of a key: what it may do, not what it is.
fn key_entry(
    actor: &Actor,
    action: &'static str,
    key: &StoredApiKey,
    now: Timestamp,
) -> AuditEntry {
    let ids: Vec<String> = key.virtual_proxies.iter().map(Uuid::to_string).collect();
    let fields = [
        ("actions", Value::from(key.actions.clone())),
        ("virtualProxies", Value::from(ids)),
        ("expires", Value::from(key.expires.to_string())),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value));
    AuditEntry {
        after: Some(fields.into_iter().collect()),
        ..entry(
            actor.for_audit(),
            action,
            subject("ApiKey", key.id, &key.name),
            now,
        )
    }
}

fn hash(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests;
