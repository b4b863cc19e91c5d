//! Creating, changing and deleting nodes.

use std::sync::Arc;

use jotgate_model::entity::ServerNodeConfiguration;
use jotgate_model::{Documents, Timestamp};
use jotgate_repository::{Change, Document, Kind};
use uuid::Uuid;

use crate::management::Intent;
use crate::rules::{check_new_id, check_version};
use crate::{Actor, ManageError, Management};

const KIND: Kind = Kind::Node;

impl Management {
    /// Creates a node. A draft without an id gets a new one, and one without a service cluster
    /// joins that of the central node.
    ///
    /// # Errors
    /// [`ManageError::Invalid`] and [`ManageError::Unavailable`].
    pub async fn create_node(
        &self,
        actor: &Actor,
        mut draft: ServerNodeConfiguration,
        now: Timestamp,
    ) -> Result<Arc<ServerNodeConfiguration>, ManageError> {
        if draft.metadata.id.is_nil() {
            draft.metadata.id = Uuid::new_v4();
        }
        let id = draft.metadata.id;
        let intent = intent(actor, "create", &draft.name, now);
        let draft = Arc::new(draft);
        let saved = self.save(intent, move |snapshot| {
            check_new_id(KIND, id, &snapshot.documents)?;
            let mut draft = draft.clone();
            if draft.service_cluster.is_nil() {
                let central = snapshot.documents.nodes.values().find(|n| n.is_central);
                let cluster = central.map(|n| n.service_cluster).unwrap_or_default();
                Arc::make_mut(&mut draft).service_cluster = cluster;
            }
            Ok(vec![Change::Put(Document::Node(draft))])
        });
        find(&saved.await?.documents, id).cloned()
    }

    /// Replaces a node. A draft with a client certificate but without its key keeps the stored key,
    /// which is never shown.
    ///
    /// # Errors
    /// [`ManageError::Conflict`] when the stored date is more recent than the draft's, and
    /// [`ManageError::Invalid`], [`ManageError::NotFound`] and [`ManageError::Unavailable`].
    pub async fn update_node(
        &self,
        actor: &Actor,
        id: Uuid,
        mut draft: ServerNodeConfiguration,
        now: Timestamp,
    ) -> Result<Arc<ServerNodeConfiguration>, ManageError> {
        draft.metadata.id = id;
        let intent = intent(actor, "update", &draft.name, now);
        let draft = Arc::new(draft);
        let saved = self.save(intent, move |snapshot| {
            let stored = find(&snapshot.documents, id)?;
            check_version(KIND, &stored.metadata, draft.metadata.modified_date)?;
            let mut draft = draft.clone();
            if draft.client_key.is_empty() && !draft.client_certificate.is_empty() {
                Arc::make_mut(&mut draft)
                    .client_key
                    .clone_from(&stored.client_key);
            }
            Ok(vec![Change::Put(Document::Node(draft))])
        });
        find(&saved.await?.documents, id).cloned()
    }

    /// Deletes a node that nothing refers to.
    ///
    /// # Errors
    /// [`ManageError::Invalid`] that names a virtual proxy or proxy service which refers to it, and
    /// [`ManageError::NotFound`] and [`ManageError::Unavailable`].
    pub async fn delete_node(
        &self,
        actor: &Actor,
        id: Uuid,
        now: Timestamp,
    ) -> Result<(), ManageError> {
        let snapshot = self.snapshot();
        let intent = intent(actor, "delete", &find(&snapshot.documents, id)?.name, now);
        self.save(intent, move |snapshot| {
            find(&snapshot.documents, id)?;
            Ok(vec![Change::Delete { kind: KIND, id }])
        })
        .await?;
        Ok(())
    }
}

fn intent(actor: &Actor, verb: &str, name: &str, now: Timestamp) -> Intent {
    Intent {
        actor: actor.clone(),
        note: format!("{verb} node \"{name}\""),
        now,
    }
}

fn find(documents: &Documents, id: Uuid) -> Result<&Arc<ServerNodeConfiguration>, ManageError> {
    let found = documents.nodes.get(&id);
    found.ok_or(ManageError::NotFound { kind: KIND, id })
}

#[cfg(test)]
mod tests;
