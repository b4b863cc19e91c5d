//! What a node knows of the shared store: when it last heard from it, up to where it has read, and how
//! far its clock is away.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use jotgate_model::UnixTime;
use parking_lot::RwLock;
use tokio::sync::watch;
use tokio::time::Instant;

use super::follower::Position;
use super::seal::hex;
use crate::secret::fill_random;

/// How long sockets stay open after the lease is over (decision 9 of the product).
const SOCKETS_AFTER_LEASE: Duration = Duration::from_secs(60);

/// Shared by the tasks of the store and the request path.
pub(crate) struct Pulse {
    /// Tells what this process wrote from what others did.
    node: String,
    began: Instant,
    lease: Duration,
    /// Milliseconds after `began`.
    heard: AtomicU64,
    /// The store's clock minus ours, in milliseconds.
    offset: AtomicI64,
    /// Counts how often everything was read anew.
    generation: AtomicU64,
    /// Counts how often the follower lost the store.
    losses: AtomicU64,
    store: RwLock<Store>,
    position: watch::Sender<Position>,
}

/// Which store it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Store {
    pub(crate) id: String,
    /// When it began to remember used tokens, by its own clock.
    pub(crate) began: i64,
}

impl Pulse {
    pub(crate) fn new(lease: Duration) -> Self {
        let mut node = [0; 8];
        fill_random(&mut node);
        Self {
            node: hex(&node),
            began: Instant::now(),
            lease,
            heard: AtomicU64::new(0),
            offset: AtomicI64::new(0),
            generation: AtomicU64::new(0),
            losses: AtomicU64::new(0),
            store: RwLock::new(Store {
                id: String::new(),
                began: i64::MAX,
            }),
            position: watch::Sender::new(Position::default()),
        }
    }

    /// The name of this process in the stream.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// An answer came that shows everything which had happened before `asked`.
    pub(crate) fn heard_at(&self, asked: Instant) {
        let millis = asked.saturating_duration_since(self.began).as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        self.heard.fetch_max(millis, Ordering::Release);
    }

    /// How long ago the store was heard of.
    pub(crate) fn silence(&self) -> Duration {
        let heard = self.began + Duration::from_millis(self.heard.load(Ordering::Acquire));
        heard.elapsed()
    }

    /// Whether sessions in memory may be relied on.
    pub(crate) fn is_current(&self) -> bool {
        // At least what two reads take: a lease of 0 means "only while the store answers".
        self.silence() <= self.lease.max(Duration::from_secs(1))
    }

    /// Whether open sockets must close.
    pub(crate) fn sockets_must_close(&self) -> bool {
        self.silence() > self.lease + SOCKETS_AFTER_LEASE
    }

    /// Notes the store's clock, which showed `store_millis` about now.
    pub(crate) fn set_clock(&self, store_millis: i64, local_millis: i64) {
        self.offset
            .store(store_millis.saturating_sub(local_millis), Ordering::Release);
    }

    /// A local time as the store has it.
    pub(crate) fn to_store(&self, local: UnixTime) -> i64 {
        local.plus(self.offset_seconds()).0
    }

    /// A time of the store as the local clock has it.
    pub(crate) fn to_local(&self, store: i64) -> UnixTime {
        UnixTime(store).plus(self.offset_seconds().saturating_neg())
    }

    fn offset_seconds(&self) -> i64 {
        let millis = self.offset.load(Ordering::Acquire);
        // The nearest: a difference of milliseconds is none.
        millis.saturating_add(500).div_euclid(1_000)
    }

    pub(crate) fn store(&self) -> Store {
        self.store.read().clone()
    }

    pub(crate) fn set_store(&self, store: Store) {
        *self.store.write() = store;
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(crate) fn next_generation(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// How often the follower lost the store: connections from before are not to be used.
    pub(crate) fn losses(&self) -> u64 {
        self.losses.load(Ordering::Acquire)
    }

    pub(crate) fn note_loss(&self) {
        self.losses.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn set_position(&self, position: Position) {
        self.position.send_replace(position);
    }

    /// Waits until everything up to `position` was read.
    pub(crate) async fn reached(&self, position: Position) -> Result<(), watch::error::RecvError> {
        let mut read = self.position.subscribe();
        read.wait_for(|read| *read >= position).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_lease_runs_from_the_last_word() {
        let pulse = Pulse::new(Duration::from_secs(5));
        pulse.heard_at(Instant::now());
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(pulse.is_current());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!pulse.is_current());
        assert!(!pulse.sockets_must_close());
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(pulse.sockets_must_close());
        pulse.heard_at(Instant::now());
        assert!(pulse.is_current() && !pulse.sockets_must_close());
        // An answer to an older question takes nothing back.
        pulse.heard_at(Instant::now() - Duration::from_secs(30));
        assert!(pulse.is_current());
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_of_zero_lasts_while_the_store_answers() {
        let pulse = Pulse::new(Duration::ZERO);
        pulse.heard_at(Instant::now());
        tokio::time::advance(Duration::from_millis(900)).await;
        assert!(pulse.is_current());
        tokio::time::advance(Duration::from_millis(200)).await;
        assert!(!pulse.is_current());
    }

    #[tokio::test]
    async fn times_go_there_and_back() {
        let pulse = Pulse::new(Duration::from_secs(5));
        for offset in [-300_000, -501, -400, 0, 499, 300_000] {
            pulse.set_clock(1_800_000_000_000 + offset, 1_800_000_000_000);
            let local = UnixTime(1_800_000_123);
            let stored = pulse.to_store(local);
            assert_eq!(pulse.to_local(stored), local);
            assert!((stored - local.0 - offset / 1_000).abs() <= 1, "{offset}");
        }
        pulse.set_clock(1_000_400, 1_000_000);
        assert_eq!(pulse.to_store(UnixTime(7)), 7);
    }
}
