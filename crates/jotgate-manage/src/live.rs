//! What the request path knows and administrators ask for: recent requests, and how backends are.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use jotgate_model::{BackendCheck, Node, Service, Timestamp, UnixTime, Uuid};
use jotgate_observe::{Feed, FeedFilter, History, Minute, OpenNow, RecentRequests};

use crate::{ManageError, Management, Probe, ProbeAnswer};

/// The most requests that are given at once.
pub const MAX_RECENT: usize = 1000;

/// The request path, as far as administrators ask for it.
pub struct LiveSide {
    /// The most recent requests.
    pub feed: Feed,
    /// What was counted in the last hour.
    pub history: History,
    /// How every service of every node is at this moment.
    pub backends: Box<dyn Fn() -> Vec<BackendStatus> + Send + Sync>,
    /// Sends a request through the request path, and says what came back or why nothing did.
    pub probe: Box<dyn Fn(Probe) -> Answering + Send + Sync>,
    /// Tries a service of a node once, in a few seconds at most. Nothing is held against the node.
    pub try_backend: Box<dyn Fn(Arc<Node>, Arc<Service>) -> Trying + Send + Sync>,
}

/// The answer to a probe, when it has come.
pub type Answering = Pin<Box<dyn Future<Output = Result<ProbeAnswer, String>> + Send>>;

/// What a try of a backend has shown, when it is over.
pub type Trying = Pin<Box<dyn Future<Output = BackendCheck> + Send>>;

impl fmt::Debug for LiveSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSide").finish_non_exhaustive()
    }
}

/// How a service of a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendStatus {
    /// The node.
    pub node: Uuid,
    /// Its name.
    pub node_name: String,
    /// The path of the service; `/` for the one that serves everything.
    pub service: String,
    /// `up`, `returning` or `down`.
    pub state: &'static str,
    /// Since when.
    pub since: Timestamp,
    /// What went wrong last, if anything ever did.
    pub last_error: Option<String>,
}

impl Management {
    /// Lets administrators ask the request path. To be called once; until then they are told that there
    /// is none.
    pub fn use_live(&self, live: LiveSide) {
        if self.inner.live.set(live).is_err() {
            tracing::error!("the request path is known already");
        }
    }

    /// The newest requests that `filter` lets through, oldest first.
    ///
    /// # Errors
    /// [`ManageError::Invalid`] for a `limit` above [`MAX_RECENT`], and [`ManageError::Unavailable`]
    /// where no requests are served.
    pub fn recent_requests(
        &self,
        filter: &FeedFilter,
        limit: usize,
    ) -> Result<RecentRequests, ManageError> {
        if limit > MAX_RECENT {
            let problem = format!("must be at most {MAX_RECENT}");
            return Err(ManageError::field("limit", problem));
        }
        Ok(self.live()?.feed.recent(filter, limit))
    }

    /// How every service of every node is at this moment.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`] where no requests are served.
    pub fn backends(&self) -> Result<Vec<BackendStatus>, ManageError> {
        Ok((self.live()?.backends)())
    }

    /// What was counted in the last hour, in sixty minutes, oldest first.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`] where no requests are served.
    pub fn last_hour(&self, now: UnixTime) -> Result<Vec<Minute>, ManageError> {
        Ok(self.live()?.history.hour(now))
    }

    /// What is open at this moment.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`] where no requests are served.
    pub fn open_now(&self) -> Result<OpenNow, ManageError> {
        Ok(self.live()?.history.open_now())
    }

    pub(crate) fn live(&self) -> Result<&LiveSide, ManageError> {
        let none = || ManageError::Unavailable("no requests are served in this process".to_owned());
        self.inner.live.get().ok_or_else(none)
    }
}
