//! What waits to be written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use jotgate_model::UnixTime;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::redis::Limit;
use crate::store::TokenId;
use crate::{Session, SessionError};

/// How many creations and token uses may wait; more are refused at once instead of late.
const MAX_WAITING: usize = 65_536;

/// How many of them one transaction takes, so that none waits for too many others.
const MAX_BATCH: usize = 1_024;

/// What the writer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// It is not on disk. Ends will be.
    Failed,
    /// The store, which other nodes write to as well, does not take the session.
    Refused(SessionError),
    /// Another process has used the token before.
    Repeated,
    /// It is on disk.
    Written,
}

/// A session to write.
pub(crate) struct Creation {
    pub(crate) session: Arc<Session>,
    /// How many its user may have. A journal file does not ask: memory has counted.
    pub(crate) limit: Option<Limit>,
    pub(crate) done: oneshot::Sender<Done>,
}

/// A token use to write.
pub(crate) struct TokenUse {
    pub(crate) id: TokenId,
    pub(crate) until: UnixTime,
    pub(crate) now: UnixTime,
    pub(crate) done: oneshot::Sender<Done>,
}

/// What one transaction writes. Ends come after creations, so that a session which ended while it
/// was being created is not on disk afterwards.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) creations: Vec<Creation>,
    pub(crate) ends: Vec<Arc<Session>>,
    pub(crate) token_uses: Vec<TokenUse>,
    /// Who waits for the ends.
    pub(crate) waiting: Vec<oneshot::Sender<Done>>,
    /// Who waits for everything that is waiting now, last activity included.
    pub(crate) flushes: Vec<oneshot::Sender<Done>>,
}

impl Batch {
    pub(crate) fn has_nothing_to_write(&self) -> bool {
        self.creations.is_empty() && self.ends.is_empty() && self.token_uses.is_empty()
    }
}

/// What store and writer share.
#[derive(Default)]
pub(crate) struct Shared {
    queue: Mutex<Queue>,
    wake: Notify,
    unwritten_ends: AtomicUsize,
    failing: AtomicBool,
    is_shared: AtomicBool,
}

#[derive(Default)]
struct Queue {
    next: Batch,
    forget_tokens: Option<UnixTime>,
    /// Nothing is added any more.
    closed: bool,
}

/// The store's side.
impl Shared {
    pub(crate) fn add_creation(&self, creation: Creation) -> Result<(), SessionError> {
        self.add(|batch| {
            let room = batch.creations.len() < MAX_WAITING;
            room.then(|| batch.creations.push(creation))
        })
    }

    pub(crate) fn add_token_use(&self, token_use: TokenUse) -> Result<(), SessionError> {
        self.add(|batch| {
            let room = batch.token_uses.len() < MAX_WAITING;
            room.then(|| batch.token_uses.push(token_use))
        })
    }

    /// Ends are never refused: each session ends once, so there are never more than sessions.
    pub(crate) fn add_ends(
        &self,
        sessions: Vec<Arc<Session>>,
        done: Option<oneshot::Sender<Done>>,
    ) -> Result<(), SessionError> {
        self.add(|batch| {
            batch.ends.extend(sessions);
            batch.waiting.extend(done);
            Some(())
        })
    }

    pub(crate) fn add_flush(&self, done: oneshot::Sender<Done>) -> Result<(), SessionError> {
        self.add(|batch| {
            batch.flushes.push(done);
            Some(())
        })
    }

    pub(crate) fn forget_tokens(&self, now: UnixTime) {
        self.queue.lock().forget_tokens = Some(now);
    }

    /// Whether batches from now on are noted for another process.
    pub(crate) fn set_shared(&self, is_shared: bool) {
        self.is_shared.store(is_shared, Ordering::Release);
    }

    pub(crate) fn close(&self) {
        self.queue.lock().closed = true;
        self.wake.notify_one();
    }

    pub(crate) fn has_unwritten_ends(&self) -> bool {
        self.unwritten_ends.load(Ordering::Acquire) > 0
    }

    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.queue.lock().closed
    }

    fn add(&self, add: impl FnOnce(&mut Batch) -> Option<()>) -> Result<(), SessionError> {
        let mut queue = self.queue.lock();
        if queue.closed {
            return Err(SessionError::Unavailable);
        }
        add(&mut queue.next).ok_or(SessionError::Unavailable)?;
        drop(queue);
        self.wake.notify_one();
        Ok(())
    }
}

/// The writer's side.
impl Shared {
    /// Completes when there is something to do.
    pub(crate) async fn wait(&self) {
        self.wake.notified().await;
    }

    /// The next batch, and whether it is the last one.
    pub(crate) fn take(&self) -> (Batch, bool) {
        let mut queue = self.queue.lock();
        let mut batch = std::mem::take(&mut queue.next);
        if batch.creations.len() > MAX_BATCH {
            queue.next.creations = batch.creations.split_off(MAX_BATCH);
        }
        if batch.token_uses.len() > MAX_BATCH {
            queue.next.token_uses = batch.token_uses.split_off(MAX_BATCH);
        }
        let rest = !queue.next.has_nothing_to_write();
        if rest {
            // Everything that a flush waits for comes before it.
            queue.next.flushes = std::mem::take(&mut batch.flushes);
            self.wake.notify_one();
        }
        (batch, queue.closed && !rest)
    }

    /// Those who wait for something that can be refused: what else there is stays.
    pub(crate) fn take_refusable(&self) -> Vec<oneshot::Sender<Done>> {
        let mut queue = self.queue.lock();
        let creations = std::mem::take(&mut queue.next.creations);
        let token_uses = std::mem::take(&mut queue.next.token_uses);
        drop(queue);
        let creations = creations.into_iter().map(|creation| creation.done);
        let token_uses = token_uses.into_iter().map(|token_use| token_use.done);
        creations.chain(token_uses).collect()
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.is_shared.load(Ordering::Acquire)
    }

    pub(crate) fn take_forget_tokens(&self) -> Option<UnixTime> {
        self.queue.lock().forget_tokens.take()
    }

    pub(crate) fn set_unwritten_ends(&self, count: usize) {
        self.unwritten_ends.store(count, Ordering::Release);
    }

    /// Notes how the last transaction went; gives how the one before went.
    pub(crate) fn set_failing(&self, failing: bool) -> bool {
        self.failing.swap(failing, Ordering::Relaxed)
    }

    /// Nobody writes any more: everybody who waits is told so by the end of their channel.
    pub(crate) fn abandon(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        let left = std::mem::take(&mut queue.next);
        drop(queue);
        drop(left);
    }
}
