//! The use cases of `documents.rs` for virtual proxies, by their own type.

use std::sync::Arc;

use jotgate_model::entity::VirtualProxyConfig;
use jotgate_model::{Snapshot, Timestamp, VirtualProxy};
use jotgate_repository::{Change, Document, Kind};
use uuid::Uuid;

use crate::documents::one;
use crate::management::Intent;
use crate::stamp::stamp;
use crate::{Actor, ManageError, Management, rules};

impl Management {
    /// Creates a virtual proxy: see [`Management::create_documents`].
    ///
    /// # Errors
    /// As there.
    pub async fn create_virtual_proxy(
        &self,
        actor: &Actor,
        draft: VirtualProxyConfig,
        now: Timestamp,
    ) -> Result<Arc<VirtualProxyConfig>, ManageError> {
        let drafts = vec![Document::VirtualProxy(Arc::new(draft))];
        one(self.create_documents(actor, drafts, now).await?, own)
    }

    /// Replaces a virtual proxy: see [`Management::update_documents`].
    ///
    /// # Errors
    /// As there.
    pub async fn update_virtual_proxy(
        &self,
        actor: &Actor,
        id: Uuid,
        mut draft: VirtualProxyConfig,
        now: Timestamp,
    ) -> Result<Arc<VirtualProxyConfig>, ManageError> {
        draft.metadata.id = id;
        let drafts = vec![Document::VirtualProxy(Arc::new(draft))];
        one(self.update_documents(actor, drafts, now).await?, own)
    }

    /// Checks a virtual proxy as a save would, and gives it in the configuration that would be served.
    /// Changes nothing. With the nil id it is a new one.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], and [`ManageError::Invalid`] with every field at fault.
    pub fn check_virtual_proxy(
        &self,
        actor: &Actor,
        mut draft: VirtualProxyConfig,
        now: Timestamp,
    ) -> Result<(Arc<Snapshot>, Arc<VirtualProxy>), ManageError> {
        if draft.metadata.id.is_nil() {
            draft.metadata.id = Uuid::new_v4();
        }
        let id = draft.metadata.id;
        let intent = Intent {
            actor: actor.clone(),
            note: String::new(),
            now,
        };
        let current = self.snapshot();
        let mut changes = vec![Change::Put(Document::VirtualProxy(Arc::new(draft)))];
        stamp(&mut changes, &current.documents, &intent);
        let next = rules::check(&current, &changes, actor)?;
        let vp = next.virtual_proxy(id).cloned();
        let vp = vp.ok_or_else(|| ManageError::NoVirtualProxy(id.to_string()))?;
        Ok((Arc::new(next), vp))
    }

    /// Deletes a virtual proxy: see [`Management::delete_documents`].
    ///
    /// # Errors
    /// As there.
    pub async fn delete_virtual_proxy(
        &self,
        actor: &Actor,
        id: Uuid,
        now: Timestamp,
    ) -> Result<(), ManageError> {
        self.delete_documents(actor, Kind::VirtualProxy, vec![id], now)
            .await
    }
}

fn own(document: Document) -> Option<Arc<VirtualProxyConfig>> {
    match document {
        Document::VirtualProxy(document) => Some(document),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
