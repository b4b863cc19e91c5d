//! The keys in memory: a request is judged without asking the database.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jotgate_model::Timestamp;
use jotgate_repository::{Repository, RepositoryError, StoredApiKey};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use super::USE_INTERVAL;
use crate::local::AddressFailures;

/// Every key by its hash.
#[derive(Default)]
pub(crate) struct ApiKeys {
    keys: ArcSwap<HashMap<[u8; 32], Arc<StoredApiKey>>>,
    /// When the last use of each was noted.
    noted: parking_lot::Mutex<HashMap<Uuid, Timestamp>>,
    /// Held from a change in the database until it holds for requests.
    changing: Mutex<()>,
    /// Who shows keys that do not work.
    pub(super) failures: AddressFailures,
}

/// The right to change the keys.
pub(crate) struct Changing<'a> {
    keys: &'a ApiKeys,
    _guard: MutexGuard<'a, ()>,
}

impl ApiKeys {
    /// Reads the keys at the start.
    pub(crate) async fn load(repository: &Repository) -> Result<Self, RepositoryError> {
        let keys = Self::default();
        keys.changing().await.reload(repository).await?;
        Ok(keys)
    }

    pub(crate) async fn changing(&self) -> Changing<'_> {
        Changing {
            keys: self,
            _guard: self.changing.lock().await,
        }
    }

    pub(super) fn find(&self, hash: &[u8; 32]) -> Option<Arc<StoredApiKey>> {
        self.keys.load().get(hash).cloned()
    }

    /// Whether the last use was noted long enough ago; if so, this one counts as noted.
    pub(super) fn is_use_to_be_noted(&self, id: Uuid, now: Timestamp) -> bool {
        let mut noted = self.noted.lock();
        let last = noted.get(&id).map_or(i64::MIN, |at| at.as_millis());
        let due = now.as_millis().saturating_sub(last) >= USE_INTERVAL;
        if due {
            noted.insert(id, now);
        }
        due
    }
}

impl Changing<'_> {
    /// Reads the keys anew.
    pub(crate) async fn reload(&self, repository: &Repository) -> Result<(), RepositoryError> {
        let keys = repository.api_keys().await?;
        let by_hash = keys.into_iter().map(|key| (key.hash, Arc::new(key)));
        let by_hash: HashMap<_, _> = by_hash.collect();
        let is_there = |id: &Uuid| by_hash.values().any(|key| key.id == *id);
        self.keys.noted.lock().retain(|id, _| is_there(id));
        self.keys.keys.store(Arc::new(by_hash));
        Ok(())
    }
}
