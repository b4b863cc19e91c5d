//! Who asks for what also programs with an API key may do.

use std::sync::Arc;

use jotgate_model::VirtualProxy;
use uuid::Uuid;

use crate::{Actor, KeyAction, KeyCaller, ManageError, Management};

/// Somebody with a role, or a program with a key. What a key may do is decided here, in the use cases
/// that take an `Asker`; every other use case takes an [`Actor`], which a key is not.
#[derive(Clone, Debug)]
pub enum Asker {
    /// Somebody with a role.
    Administrator(Actor),
    /// A program with a key.
    Key(KeyCaller),
}

impl Asker {
    /// Somebody with a role.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] for a program with a key.
    pub fn administrator(self) -> Result<Actor, ManageError> {
        match self {
            Self::Administrator(actor) => Ok(actor),
            Self::Key(key) => Err(key.not_for_keys()),
        }
    }

    /// Whether that may be done somewhere.
    pub(crate) fn may(&self, action: KeyAction) -> bool {
        match self {
            Self::Administrator(_) => true,
            Self::Key(key) => key.has(action),
        }
    }

    /// Who acts at that virtual proxy.
    pub(crate) fn at(&self, action: KeyAction, vp: Uuid) -> Result<Actor, ManageError> {
        match self {
            Self::Administrator(actor) => Ok(actor.clone()),
            Self::Key(key) => key.allowed(action, vp),
        }
    }
}

impl Management {
    /// The virtual proxy of that id or prefix, and who acts there. A key learns nothing of those that
    /// it does not name.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], and [`ManageError::NoVirtualProxy`] for somebody with a role.
    pub(crate) fn allowed_at(
        &self,
        asker: &Asker,
        action: KeyAction,
        name: &str,
    ) -> Result<(Actor, Arc<VirtualProxy>), ManageError> {
        let snapshot = self.snapshot();
        let found = match Uuid::parse_str(name) {
            Ok(id) => snapshot.virtual_proxy(id).cloned(),
            Err(_) => self.virtual_proxy_named(name),
        };
        match (found, asker) {
            (Some(vp), _) => Ok((asker.at(action, vp.id)?, vp)),
            (None, Asker::Key(key)) => {
                key.allowed_somewhere(action)?;
                Err(key.not_named())
            }
            (None, Asker::Administrator(_)) => Err(ManageError::NoVirtualProxy(name.to_owned())),
        }
    }

    /// The virtual proxies at which that may be done, in the order of their prefixes.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] for a key that does not allow it anywhere.
    pub(crate) fn allowed_places(
        &self,
        asker: &Asker,
        action: KeyAction,
    ) -> Result<Vec<Arc<VirtualProxy>>, ManageError> {
        if let Asker::Key(key) = asker {
            key.allowed_somewhere(action)?;
        }
        let snapshot = self.snapshot();
        let is_named = |vp: &&Arc<VirtualProxy>| match asker {
            Asker::Administrator(_) => true,
            Asker::Key(key) => key.names(vp.id),
        };
        let mut all: Vec<_> = snapshot
            .virtual_proxies()
            .filter(is_named)
            .cloned()
            .collect();
        all.sort_by(|a, b| a.prefix.as_str().cmp(b.prefix.as_str()));
        Ok(all)
    }
}
