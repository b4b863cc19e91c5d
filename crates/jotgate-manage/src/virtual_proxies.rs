//! The use cases of `documents.rs` for virtual proxies, by their own type.

use std::sync::Arc;

use jotgate_model::Timestamp;
use jotgate_model::entity::VirtualProxyConfig;
use jotgate_repository::{Document, Kind};
use uuid::Uuid;

use crate::documents::one;
use crate::{Actor, ManageError, Management};

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
