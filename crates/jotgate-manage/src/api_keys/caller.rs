//! Whose key somebody shows, and what it allows.

use std::net::IpAddr;
use std::sync::Arc;

use jotgate_model::{ActorKind, Timestamp};
use jotgate_repository::{AuditActor, StoredApiKey};
use uuid::Uuid;

use super::{KeyAction, PREFIX, hash};
use crate::{Actor, ManageError, Management, Privilege};

/// Who shows a key that works. It is no [`Actor`]: only use cases that take an
/// [`Asker`](crate::Asker) do anything for it, each for one action at one virtual proxy.
#[derive(Clone, Debug)]
pub struct KeyCaller {
    key: Arc<StoredApiKey>,
    source: IpAddr,
}

/// Why somebody with a key is not let in. For the log: a client learns nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// It is no key, or was deleted.
    #[error("there is no such API key; it may have been deleted")]
    Unknown,
    /// It has run out.
    #[error("the API key \"{name}\" ran out at {expired}; make another one")]
    Expired {
        /// What people call it.
        name: String,
        /// When.
        expired: Timestamp,
    },
    /// The address has shown too many that do not work.
    #[error(
        "the address has shown too many API keys that do not work; it may try again in {0} seconds"
    )]
    Wait(u32),
}

impl KeyCaller {
    /// The key as the trail names it.
    pub(crate) fn for_audit(&self) -> AuditActor {
        AuditActor {
            name: format!("API key {}", self.key.name),
            kind: ActorKind::ApiKey,
            source: self.source.to_string(),
        }
    }

    /// The actor that may do this at that virtual proxy, and nothing but what the caller of this
    /// function does with it.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] with what the key may not do.
    pub(crate) fn allowed(
        &self,
        action: KeyAction,
        virtual_proxy: Uuid,
    ) -> Result<Actor, ManageError> {
        self.allowed_somewhere(action)?;
        if !self.key.virtual_proxies.contains(&virtual_proxy) {
            return Err(self.not_named());
        }
        Ok(self.actor())
    }

    /// In whose name the trail has it. Whoever gets this can do what a SecurityAdmin can.
    fn actor(&self) -> Actor {
        Actor {
            name: format!("API key {}", self.key.name),
            kind: ActorKind::ApiKey,
            source: self.source.to_string(),
            privilege: Privilege::SecurityAdmin,
        }
    }

    /// Whether it allows that somewhere.
    pub(crate) fn has(&self, action: KeyAction) -> bool {
        let mut actions = self.key.actions.iter();
        actions.any(|allowed| allowed == action.name())
    }

    /// Whether it allows that at any virtual proxy.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`].
    pub(crate) fn allowed_somewhere(&self, action: KeyAction) -> Result<(), ManageError> {
        if self.has(action) {
            return Ok(());
        }
        let (key, name) = (&self.key.name, action.name());
        Err(ManageError::Forbidden(format!(
            "The API key \"{key}\" does not allow {name}."
        )))
    }

    /// Whether it names that virtual proxy.
    pub(crate) fn names(&self, virtual_proxy: Uuid) -> bool {
        self.key.virtual_proxies.contains(&virtual_proxy)
    }

    /// The same for a virtual proxy that there is and for one that there is not.
    pub(crate) fn not_named(&self) -> ManageError {
        let key = &self.key.name;
        ManageError::Forbidden(format!(
            "The API key \"{key}\" does not name this virtual proxy."
        ))
    }

    /// What is answered to everything else.
    pub(crate) fn not_for_keys(&self) -> ManageError {
        let (key, actions) = (&self.key.name, self.key.actions.join(", "));
        ManageError::Forbidden(format!(
            "The API key \"{key}\" allows {actions}, and not this."
        ))
    }
}

impl Management {
    /// Whose key that is. A key that works is never refused for what others at its address did.
    ///
    /// # Errors
    /// Why it is nobody's. Attempts that fail are counted for the address, as wrong passwords are.
    pub async fn api_key_caller(
        &self,
        text: &str,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<KeyCaller, KeyRefused> {
        let judged = self.judge_key(text, source, now).await;
        if let Err(refused) = &judged {
            let actor = AuditActor {
                name: "unknown".to_owned(),
                kind: ActorKind::ApiKey,
                source: source.to_string(),
            };
            self.note_refused(actor, "management.connect", &refused.to_string(), now);
        }
        judged
    }

    async fn judge_key(
        &self,
        text: &str,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<KeyCaller, KeyRefused> {
        let keys = &self.inner.api_keys;
        // The look-up is by the hash: nobody can choose its bytes, so its time tells nothing of a key.
        let found = text.starts_with(PREFIX).then(|| keys.find(&hash(text)));
        let key = match found.flatten() {
            Some(key) if key.expires > now => key,
            other => {
                keys.failures
                    .failed(source, now)
                    .map_err(KeyRefused::Wait)?;
                return Err(
                    other.map_or(KeyRefused::Unknown, |key| KeyRefused::Expired {
                        name: key.name.clone(),
                        expired: key.expires,
                    }),
                );
            }
        };
        if keys.is_use_to_be_noted(key.id, now) {
            let repository = &self.inner.repository;
            let from = source.to_string();
            let noted = repository.note_api_key_use(key.id, now, &from).await;
            if let Err(error) = noted {
                tracing::warn!(key.id = %key.id, %error, "the use of an API key was not noted");
            }
        }
        Ok(KeyCaller { key, source })
    }
}
