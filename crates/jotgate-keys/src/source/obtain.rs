//! Where a key set comes from: another node that has just fetched it, or its issuer.

use std::time::Duration;

use jotgate_token::KeySet;
use tokio::time::Instant;

use super::{Discovered, Source, Target};
use crate::fetch::FetchError;
use crate::shelf;

/// A key set, from wherever.
pub(super) struct Obtained {
    pub(super) keys: KeySet,
    pub(super) fresh_for: Option<Duration>,
    /// How long ago it was fetched.
    pub(super) age: Duration,
    pub(super) is_shared: bool,
}

impl Source {
    /// The key set as another node has fetched it just now, or else fetched here, for other nodes as well.
    pub(super) async fn obtain(
        &self,
        known: &mut Discovered,
        asked: bool,
    ) -> Result<Obtained, FetchError> {
        let shelf = self.fetcher.shelf.get();
        let (name, timings) = (self.target.on_shelf(), &self.fetcher.timings);
        // Any key set is better than none, and what a token asks for may not be there yet.
        if let Some(shelf) = shelf.filter(|_| !asked || !self.has_answered())
            && let Some(shared) = shelf::look(&**shelf, &name, timings).await
            && self.is_newer(shared.age)
        {
            return Ok(Obtained {
                keys: shared.keys,
                fresh_for: Some(shared.fresh_for),
                age: shared.age,
                is_shared: true,
            });
        }
        let fetched = self.fetch(known).await?;
        let keys = KeySet::from_jwks(&fetched.body)?;
        if let Some(shelf) = shelf {
            let fresh_for = timings.fresh_for(fetched.fresh_for);
            shelf::leave(&**shelf, &name, &fetched.body, fresh_for).await;
        }
        Ok(Obtained {
            keys,
            fresh_for: fetched.fresh_for,
            age: Duration::ZERO,
            is_shared: false,
        })
    }

    /// Whether a key set of that age was fetched after the one that is there: what this node has fetched may not
    /// have reached the shelf.
    fn is_newer(&self, age: Duration) -> bool {
        let fetched = Instant::now().checked_sub(age);
        let last = self.progress.borrow().last_began;
        last.is_none_or(|last| fetched.is_some_and(|fetched| fetched > last))
    }
}

impl Target {
    /// What other nodes know it by.
    fn on_shelf(&self) -> String {
        match self {
            Self::Jwks(address) => format!("jwks {address}"),
            Self::Discovery(issuer) => format!("discovery {issuer}"),
        }
    }
}
