//! Changing a gateway's settings, and which virtual proxies it serves.

use std::sync::Arc;

use jotgate_model::entity::ProxyService;
use jotgate_model::{Documents, Timestamp};
use jotgate_repository::{Change, Document, Kind};
use uuid::Uuid;

use crate::management::Intent;
use crate::rules::check_version;
use crate::{Actor, ManageError, Management};

const KIND: Kind = Kind::ProxyService;

impl Management {
    /// Replaces the settings of a gateway. The virtual proxies in them are the ones that it serves:
    /// naming one links it, leaving one out unlinks it.
    ///
    /// # Errors
    /// [`ManageError::Conflict`] when the stored date is more recent than the draft's, and
    /// [`ManageError::Invalid`], [`ManageError::NotFound`] and [`ManageError::Unavailable`].
    pub async fn update_proxy_service(
        &self,
        actor: &Actor,
        id: Uuid,
        mut draft: ProxyService,
        now: Timestamp,
    ) -> Result<Arc<ProxyService>, ManageError> {
        draft.metadata.id = id;
        keep_first_of_each(&mut draft.settings.virtual_proxies);
        let intent = Intent {
            actor: actor.clone(),
            note: format!("update proxy service {id}"),
            now,
        };
        let draft = Arc::new(draft);
        let saved = self.save(intent, move |snapshot| {
            let stored = find(&snapshot.documents, id)?;
            check_version(KIND, &stored.metadata, draft.metadata.modified_date)?;
            Ok(vec![Change::Put(Document::ProxyService(draft.clone()))])
        });
        find(&saved.await?.documents, id).cloned()
    }
}

/// A client that links what is linked already means no harm.
fn keep_first_of_each(ids: &mut Vec<Uuid>) {
    let mut seen = std::collections::HashSet::with_capacity(ids.len());
    ids.retain(|id| seen.insert(*id));
}

fn find(documents: &Documents, id: Uuid) -> Result<&Arc<ProxyService>, ManageError> {
    let found = documents.proxy_services.get(&id);
    found.ok_or(ManageError::NotFound { kind: KIND, id })
}

#[cfg(test)]
mod tests;
