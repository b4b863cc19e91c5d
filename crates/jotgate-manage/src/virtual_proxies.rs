//! Creating, changing and deleting virtual proxies.

use std::sync::Arc;

use jotgate_model::entity::VirtualProxyConfig;
use jotgate_model::{Documents, Timestamp};
use jotgate_repository::{Change, Document, Kind};
use uuid::Uuid;

use crate::management::Intent;
use crate::rules::{check_new_id, check_version};
use crate::{Actor, ManageError, Management};

const KIND: Kind = Kind::VirtualProxy;

impl Management {
    /// Creates a virtual proxy. It serves nothing until a proxy service is linked to it. A draft
    /// without an id gets a new one.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::Invalid`] and [`ManageError::Unavailable`].
    pub async fn create_virtual_proxy(
        &self,
        actor: &Actor,
        mut draft: VirtualProxyConfig,
        now: Timestamp,
    ) -> Result<Arc<VirtualProxyConfig>, ManageError> {
        if draft.metadata.id.is_nil() {
            draft.metadata.id = Uuid::new_v4();
        }
        let id = draft.metadata.id;
        let intent = intent(actor, "create", &draft.description, now);
        let draft = Arc::new(draft);
        let saved = self.save(intent, move |snapshot| {
            check_new_id(KIND, id, &snapshot.documents)?;
            Ok(vec![Change::Put(Document::VirtualProxy(draft.clone()))])
        });
        find(&saved.await?.documents, id).cloned()
    }

    /// Replaces a virtual proxy. Nobody's session ends. A draft with a client id but without a
    /// client secret keeps the stored secret, which is never shown.
    ///
    /// # Errors
    /// [`ManageError::Conflict`] when the stored date is more recent than the draft's, and
    /// [`ManageError::Forbidden`], [`ManageError::Invalid`], [`ManageError::NotFound`] and
    /// [`ManageError::Unavailable`].
    pub async fn update_virtual_proxy(
        &self,
        actor: &Actor,
        id: Uuid,
        mut draft: VirtualProxyConfig,
        now: Timestamp,
    ) -> Result<Arc<VirtualProxyConfig>, ManageError> {
        draft.metadata.id = id;
        let intent = intent(actor, "update", &draft.description, now);
        let draft = Arc::new(draft);
        let saved = self.save(intent, move |snapshot| {
            let stored = find(&snapshot.documents, id)?;
            check_version(KIND, &stored.metadata, draft.metadata.modified_date)?;
            let mut draft = draft.clone();
            if draft.oidc_client_secret.is_empty() && !draft.oidc_client_id.is_empty() {
                let secret = &stored.oidc_client_secret;
                Arc::make_mut(&mut draft)
                    .oidc_client_secret
                    .clone_from(secret);
            }
            Ok(vec![Change::Put(Document::VirtualProxy(draft))])
        });
        find(&saved.await?.documents, id).cloned()
    }

    /// Deletes a virtual proxy, unlinks it everywhere in the same transaction, and ends its
    /// sessions.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] for the default virtual proxy, and [`ManageError::NotFound`] and
    /// [`ManageError::Unavailable`].
    pub async fn delete_virtual_proxy(
        &self,
        actor: &Actor,
        id: Uuid,
        now: Timestamp,
    ) -> Result<(), ManageError> {
        let snapshot = self.snapshot();
        let stored = find(&snapshot.documents, id)?;
        let intent = intent(actor, "delete", &stored.description, now);
        self.save(intent, move |snapshot| {
            find(&snapshot.documents, id)?;
            let mut changes = unlink(id, &snapshot.documents);
            changes.push(Change::Delete { kind: KIND, id });
            Ok(changes)
        })
        .await?;
        Ok(())
    }
}

fn intent(actor: &Actor, verb: &str, description: &str, now: Timestamp) -> Intent {
    Intent {
        actor: actor.clone(),
        note: format!("{verb} virtual proxy \"{description}\""),
        now,
    }
}

fn find(documents: &Documents, id: Uuid) -> Result<&Arc<VirtualProxyConfig>, ManageError> {
    let found = documents.virtual_proxies.get(&id);
    found.ok_or(ManageError::NotFound { kind: KIND, id })
}

/// The proxy services that are linked to it, without the link.
fn unlink(id: Uuid, documents: &Documents) -> Vec<Change> {
    let linked = |proxy: &&Arc<_>| {
        let proxy: &jotgate_model::entity::ProxyService = proxy;
        proxy.settings.virtual_proxies.contains(&id)
    };
    let proxies = documents.proxy_services.values().filter(linked);
    proxies
        .map(|proxy| {
            let mut proxy = proxy.clone();
            let settings = &mut Arc::make_mut(&mut proxy).settings;
            settings.virtual_proxies.retain(|linked| *linked != id);
            Change::Put(Document::ProxyService(proxy))
        })
        .collect()
}

#[cfg(test)]
mod tests;
