//! The use cases of `documents.rs` for nodes, by their own type.

use std::sync::Arc;

use jotgate_model::Timestamp;
use jotgate_model::entity::ServerNodeConfiguration;
use jotgate_repository::{Document, Kind};
use uuid::Uuid;

use crate::documents::one;
use crate::{Actor, ManageError, Management};

impl Management {
    /// Creates a node: see [`Management::create_documents`].
    ///
    /// # Errors
    /// As there.
    pub async fn create_node(
        &self,
        actor: &Actor,
        draft: ServerNodeConfiguration,
        now: Timestamp,
    ) -> Result<Arc<ServerNodeConfiguration>, ManageError> {
        let drafts = vec![Document::Node(Arc::new(draft))];
        one(self.create_documents(actor, drafts, now).await?, own)
    }

    /// Replaces a node: see [`Management::update_documents`].
    ///
    /// # Errors
    /// As there.
    pub async fn update_node(
        &self,
        actor: &Actor,
        id: Uuid,
        mut draft: ServerNodeConfiguration,
        now: Timestamp,
    ) -> Result<Arc<ServerNodeConfiguration>, ManageError> {
        draft.metadata.id = id;
        let drafts = vec![Document::Node(Arc::new(draft))];
        one(self.update_documents(actor, drafts, now).await?, own)
    }

    /// Deletes a node: see [`Management::delete_documents`].
    ///
    /// # Errors
    /// As there.
    pub async fn delete_node(
        &self,
        actor: &Actor,
        id: Uuid,
        now: Timestamp,
    ) -> Result<(), ManageError> {
        self.delete_documents(actor, Kind::Node, vec![id], now)
            .await
    }
}

fn own(document: Document) -> Option<Arc<ServerNodeConfiguration>> {
    match document {
        Document::Node(document) => Some(document),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
