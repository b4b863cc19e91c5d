//! How many connections a backend may have, of all workers (`maxConnections`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many may wait where there are fewer places: they may all come in the same moment.
const LEAST_QUEUE: usize = 64;

/// The places for connections to one backend.
pub(super) struct Places {
    bounded: Option<Bounded>,
}

struct Bounded {
    free: Arc<Semaphore>,
    max: usize,
    waiting: AtomicUsize,
}

/// The place of a connection, free again when it is dropped.
pub(super) struct Place {
    _permit: Option<OwnedSemaphorePermit>,
}

/// Somebody who waits; dropped when that is over.
pub(super) struct Waiting<'a> {
    counters: [&'a AtomicUsize; 2],
}

impl Places {
    pub(super) fn new(max: Option<u32>) -> Self {
        let bounded = max.and_then(|max| usize::try_from(max).ok());
        Self {
            bounded: bounded.map(|max| Bounded {
                free: Arc::new(Semaphore::new(max)),
                max,
                waiting: AtomicUsize::new(0),
            }),
        }
    }

    /// How many there are; nothing for any number.
    pub(super) fn max(&self) -> Option<usize> {
        self.bounded.as_ref().map(|bounded| bounded.max)
    }

    /// A place, when one is free.
    pub(super) fn take(&self) -> Option<Place> {
        let permit = match &self.bounded {
            None => None,
            Some(bounded) => Some(bounded.free.clone().try_acquire_owned().ok()?),
        };
        Some(Place { _permit: permit })
    }

    /// Waits for a place.
    pub(super) async fn wait(&self) -> Place {
        let permit = match &self.bounded {
            None => None,
            // The semaphore is never closed.
            Some(bounded) => bounded.free.clone().acquire_owned().await.ok(),
        };
        Place { _permit: permit }
    }

    /// Counts somebody who is going to wait, here and in `local`: as many as there are places, or
    /// [`LEAST_QUEUE`].
    pub(super) fn queue<'a>(&'a self, local: &'a AtomicUsize) -> Option<Waiting<'a>> {
        let bounded = self.bounded.as_ref()?;
        if bounded.waiting.fetch_add(1, Ordering::Relaxed) >= bounded.max.max(LEAST_QUEUE) {
            bounded.waiting.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        local.fetch_add(1, Ordering::Relaxed);
        Some(Waiting {
            counters: [&bounded.waiting, local],
        })
    }

    /// Whether more wait than `here`: whether other workers do.
    pub(super) fn is_wanted_elsewhere(&self, here: usize) -> bool {
        self.bounded
            .as_ref()
            .is_some_and(|bounded| bounded.waiting.load(Ordering::Relaxed) > here)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        for counter in self.counters {
            counter.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_and_no_more() {
        let places = Places::new(Some(2));
        let local = AtomicUsize::new(0);
        let first = places.take().unwrap();
        let _second = places.take().unwrap();
        assert!(places.take().is_none());
        let queue = || places.queue(&local);
        let waiting: Vec<_> = std::iter::repeat_with(queue).take(LEAST_QUEUE).collect();
        assert!(waiting.iter().all(Option::is_some));
        assert!(places.queue(&local).is_none(), "the queue is bounded too");
        assert!(!places.is_wanted_elsewhere(LEAST_QUEUE) && places.is_wanted_elsewhere(1));
        drop(waiting);
        assert!(!places.is_wanted_elsewhere(0));
        assert_eq!(local.into_inner(), 0);
        drop(first);
        assert!(places.take().is_some());
    }

    #[test]
    fn without_a_bound_there_is_always_one() {
        let places = Places::new(None);
        let all: Vec<_> = (0..1000).map_while(|_| places.take()).collect();
        assert_eq!(all.len(), 1000);
    }
}
