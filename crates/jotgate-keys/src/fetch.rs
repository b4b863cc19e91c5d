//! Fetching a small document over HTTPS, from where it may be fetched.
//!
//! Names are resolved first, the addresses are judged, and the connection goes to a judged address:
//! a name that resolves differently the next time (DNS rebinding) gains nothing. Time, size and
//! redirects are bounded; nothing is believed of what a server says about its document.

mod address;
mod connect;
mod discovery;
mod error;
mod exchange;
mod location;

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

pub use discovery::key_set_address;
pub(crate) use error::FetchError;
use exchange::Answer;
pub(crate) use location::Location;

use crate::Shelf;
use crate::timings::Timings;

/// The largest key set, in bytes; the reader of key sets has the same limit.
pub(crate) const MAX_KEY_SET: usize = 512 * 1024;
/// The largest discovery document, in bytes.
pub(crate) const MAX_DISCOVERY: usize = 256 * 1024;
/// How many redirects are followed for one document.
const MAX_REDIRECTS: usize = 3;

/// Fetches documents. Cheap to share.
pub(crate) struct Fetcher {
    roots: Roots,
    pub(crate) timings: Timings,
    /// What other nodes have fetched, where there are any.
    pub(crate) shelf: OnceLock<Arc<dyn Shelf>>,
}

/// Who may vouch for a server.
enum Roots {
    /// Whom this machine trusts. Read when the first https address is fetched.
    Machine,
    /// Only these.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "tests have a root of their own")
    )]
    Given(Arc<RootCertStore>),
}

/// A document, as it came.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) body: Bytes,
    /// How much longer it is fresh, if the server says so.
    pub(crate) fresh_for: Option<Duration>,
}

/// The hosts that an administrator wrote: they may be inside of the network.
#[derive(Debug, Default)]
pub(crate) struct WrittenHosts(HashSet<Box<str>>);

impl WrittenHosts {
    pub(crate) fn of(location: &Location) -> Self {
        Self(HashSet::from([location.host().into()]))
    }

    fn contains(&self, location: &Location) -> bool {
        self.0.contains(location.host())
    }
}

impl Fetcher {
    pub(crate) const fn new(timings: Timings) -> Self {
        Self::of(timings, Roots::Machine)
    }

    #[cfg(test)]
    pub(crate) const fn with_roots(timings: Timings, roots: Arc<RootCertStore>) -> Self {
        Self::of(timings, Roots::Given(roots))
    }

    const fn of(timings: Timings, roots: Roots) -> Self {
        Self {
            roots,
            timings,
            shelf: OnceLock::new(),
        }
    }

    /// Fetches the document at `location`, of at most `limit` bytes.
    ///
    /// # Errors
    /// Why there is none, worded to follow the name of the document.
    pub(crate) async fn get(
        &self,
        location: &Location,
        written: &WrittenHosts,
        limit: usize,
    ) -> Result<Fetched, FetchError> {
        let all = self.timings.document;
        match timeout(all, self.follow(location.clone(), written, limit)).await {
            Ok(result) => result,
            Err(_) => Err(FetchError::Timeout(all)),
        }
    }

    async fn follow(
        &self,
        mut location: Location,
        written: &WrittenHosts,
        limit: usize,
    ) -> Result<Fetched, FetchError> {
        for _ in 0..=MAX_REDIRECTS {
            let stream = connect::open(self, &location, written.contains(&location)).await?;
            match exchange::get(stream, &location, limit).await? {
                Answer::Document(fetched) => return Ok(fetched),
                Answer::Redirect(target) => location = location.follow(&target)?,
            }
        }
        Err(FetchError::TooManyRedirects(MAX_REDIRECTS))
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, FetchError> {
        match &self.roots {
            Roots::Machine => connect::machine_config(),
            Roots::Given(roots) => connect::config(roots.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
