//! Watching requests as they end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::broadcast::{Receiver, Sender, error::RecvError};

use super::{Feed, FeedFilter, RecentRequest};
use crate::kept::Kept;

/// How many requests a subscriber may lag behind before it misses some.
const LAG: usize = 1024;

/// Everybody who watches.
#[derive(Debug)]
pub(super) struct Subscribers {
    sender: Sender<Arc<Kept>>,
    /// How many there are: asked for each request, so it takes no lock.
    pub(super) count: AtomicUsize,
}

impl Default for Subscribers {
    fn default() -> Self {
        Self {
            sender: Sender::new(LAG),
            count: AtomicUsize::new(0),
        }
    }
}

impl Subscribers {
    /// Hands over what `make` makes, if anybody watches. Never waits.
    pub(super) fn tell(&self, make: impl FnOnce() -> Kept) {
        if self.count.load(Ordering::Relaxed) > 0 {
            // Refused when the last one has just gone.
            self.sender.send(Arc::new(make())).unwrap_or_default();
        }
    }
}

/// What comes to somebody who watches.
#[derive(Debug)]
pub struct Subscription {
    feed: Feed,
    receiver: Receiver<Arc<Kept>>,
    filter: FeedFilter,
    missed: u64,
}

impl Subscription {
    pub(super) fn new(feed: Feed, filter: FeedFilter) -> Self {
        let subscribers = &feed.0.subscribers;
        let receiver = subscribers.sender.subscribe();
        subscribers.count.fetch_add(1, Ordering::Relaxed);
        Self {
            feed,
            receiver,
            filter,
            missed: 0,
        }
    }

    /// The next request that the filter lets through. May be dropped while it waits.
    pub async fn next(&mut self) -> RecentRequest {
        loop {
            match self.receiver.recv().await {
                Ok(kept) if kept.passes(&self.filter) => return kept.to_request(),
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => self.missed += missed,
                // The feed, which this holds, has the other end.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// How many requests went by unseen because this was read too slowly, whatever the filter.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.missed
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.feed
            .0
            .subscribers
            .count
            .fetch_sub(1, Ordering::Relaxed);
    }
}
