//! The use cases of `documents.rs` for proxy services, by their own type.

use std::sync::Arc;

use jotgate_model::Timestamp;
use jotgate_model::entity::ProxyService;
use jotgate_repository::Document;
use uuid::Uuid;

use crate::documents::one;
use crate::{Actor, ManageError, Management};

impl Management {
    /// Replaces a proxy service: see [`Management::update_documents`].
    ///
    /// # Errors
    /// As there.
    pub async fn update_proxy_service(
        &self,
        actor: &Actor,
        id: Uuid,
        mut draft: ProxyService,
        now: Timestamp,
    ) -> Result<Arc<ProxyService>, ManageError> {
        draft.metadata.id = id;
        let drafts = vec![Document::ProxyService(Arc::new(draft))];
        one(self.update_documents(actor, drafts, now).await?, own)
    }
}

fn own(document: Document) -> Option<Arc<ProxyService>> {
    match document {
        Document::ProxyService(document) => Some(document),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
