//! The live feed: what the most recent requests were and how they ended, for administrators.
//!
//! Every request is kept but for those that a page of the console makes by itself while somebody watches;
//! none is sampled. Refused ones have a ring of their own, so that the one that somebody asks about is
//! still there when thousands of good ones have come after it. What is kept is bounded by entries and by
//! bytes, whatever clients send; the oldest go first.
//!
//! Each worker writes to a part of its own behind a lock that nobody else takes, but for a moment while
//! somebody reads: readers copy a few entries at a time.

mod request;
mod ring;
mod subscription;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

pub use self::request::{FeedFilter, FeedOutcome, RecentRequest, RecentRequests};
use self::ring::Ring;
use self::subscription::Subscribers;
pub use self::subscription::Subscription;
use crate::AccessRecord;
use crate::kept::Kept;

/// How many entries a reader copies before it lets the worker go on.
const READ_AT_ONCE: usize = 64;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedLimits {
    /// Requests that were served, and as many that were refused; 0 keeps nothing.
    pub entries: usize,
    /// The memory of all of them together.
    pub bytes: usize,
}

/// The most recent requests. Cheap to copy.
#[derive(Clone, Debug)]
pub struct Feed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Box<[Mutex<Part>]>,
    /// The number of the next request.
    next: AtomicU64,
    subscribers: Subscribers,
}

/// What one worker writes to.
#[derive(Debug)]
struct Part {
    served: Ring,
    refused: Ring,
}

impl Part {
    const fn rings(&mut self) -> [&mut Ring; 2] {
        [&mut self.served, &mut self.refused]
    }
}

impl Feed {
    /// An empty feed that `workers` threads write to; each has its share of the limits.
    #[must_use]
    pub fn new(limits: FeedLimits, workers: usize) -> Self {
        let workers = if limits.entries == 0 {
            0
        } else {
            workers.max(1)
        };
        let shares = 2 * workers.max(1);
        let ring = || {
            Ring::new(
                limits.entries.div_ceil(workers.max(1)),
                limits.bytes / shares,
            )
        };
        let part = |_| {
            Mutex::new(Part {
                served: ring(),
                refused: ring(),
            })
        };
        Self(Arc::new(Inner {
            parts: (0..workers).map(part).collect(),
            next: AtomicU64::new(1),
            subscribers: Subscribers::default(),
        }))
    }

    /// Keeps a request.
    pub fn note(&self, record: &AccessRecord<'_>) {
        let Some(part) = self.0.part() else {
            return;
        };
        let mut part = part.lock();
        // Taken under the lock, so that the numbers of a part come in their order.
        let sequence = self.0.next.fetch_add(1, Ordering::AcqRel);
        let ring = match record.refusal {
            None => &mut part.served,
            Some(_) => &mut part.refused,
        };
        ring.push(sequence, record);
        drop(part);
        self.0
            .subscribers
            .tell(|| Kept::new(sequence, record, String::new()));
    }

    /// The newest `limit` requests that `filter` lets through, oldest first.
    #[must_use]
    pub fn recent(&self, filter: &FeedFilter, limit: usize) -> RecentRequests {
        // What has a lower number is in its part already, or its part is locked.
        let next = self.0.next.load(Ordering::Acquire);
        let mut requests = Vec::new();
        for part in &self.0.parts {
            for ring in 0..2 {
                let mut found = 0;
                let mut before = next;
                while found < limit {
                    let mut part = part.lock();
                    let [served, refused] = part.rings();
                    let ring = if ring == 0 { &*served } else { &*refused };
                    let size = requests.len();
                    let read = ring.read_back(before, READ_AT_ONCE, filter, &mut requests);
                    drop(part);
                    found += requests.len() - size;
                    match read {
                        Some(oldest) if oldest > filter.after => before = oldest,
                        _ => break,
                    }
                }
            }
        }
        requests.sort_unstable_by_key(|request| std::cmp::Reverse(request.sequence));
        requests.truncate(limit);
        requests.reverse();
        RecentRequests {
            requests,
            last: next - 1,
        }
    }

    /// From now on, each request as it ends. Whoever reads too slowly misses some, and is told how many.
    #[must_use]
    pub fn subscribe(&self, filter: FeedFilter) -> Subscription {
        Subscription::new(self.clone(), filter)
    }
}

impl Inner {
    /// The part of this thread; nothing when nothing is kept.
    fn part(&self) -> Option<&Mutex<Part>> {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static THREAD: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed));
        }
        let number = THREAD.with(Cell::get).checked_rem(self.parts.len())?;
        self.parts.get(number)
    }
}

#[cfg(test)]
mod tests;
