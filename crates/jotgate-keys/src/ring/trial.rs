//! A published key set fetched once, before anything hangs on it.

use std::time::Duration;

use jotgate_token::KeySet;
use tokio::time::timeout;

use super::KeyRing;
use crate::fetch::FetchError;
use crate::source::{Source, Target};
use crate::state::{KeyOrigin, SourceFailure};

impl KeyRing {
    /// Fetches a published key set within `limit`, by the rules that hold for every source, and keeps
    /// nothing of it. PEM text is never fetched: it gives the empty set.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn try_source(
        &self,
        origin: &KeyOrigin,
        limit: Duration,
    ) -> Result<KeySet, SourceFailure> {
        let target = match origin {
            KeyOrigin::Pem => return Ok(KeySet::empty()),
            KeyOrigin::Jwks(address) => Target::Jwks(address.clone()),
            KeyOrigin::Discovery(issuer) => Target::Discovery(issuer.clone()),
        };
        let source = Source::new(target, self.fetcher.clone());
        let fetched = timeout(limit, source.fetch_once()).await;
        let fetched = fetched.unwrap_or(Err(FetchError::Timeout(limit)));
        fetched.map_err(|error| SourceFailure {
            outcome: error.outcome(),
            detail: error.to_string(),
            remedy: error.remedy(),
        })
    }
}
