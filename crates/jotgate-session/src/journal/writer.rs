//! The one task that writes to the journal, wherever that is.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::queue::{Done, Shared};
use super::storage::{Storage, StorageError, Written};
use crate::Session;
use crate::store::{Memory, SHARDS};

/// How soon writing is tried again after a failure.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// How many times of last activity are written at once.
const ACTIVITY_BATCH: usize = 2_000;

/// How many activity passes go by between two removals of tokens that ran out.
const FORGET_EVERY: u32 = 20;

/// Takes what is waiting and writes it, until the store is gone or closed.
pub(crate) struct Writer {
    storage: Storage,
    shared: Arc<Shared>,
    memory: Arc<Memory>,
    /// Ends that a failed transaction left behind.
    unwritten: Vec<Arc<Session>>,
    flushes: Vec<oneshot::Sender<Done>>,
    closing: bool,
    passes: u32,
    _abandon: Abandon,
}

impl Writer {
    pub(crate) fn new(storage: Storage, shared: Arc<Shared>, memory: Arc<Memory>) -> Self {
        Self {
            _abandon: Abandon(Arc::clone(&shared)),
            storage,
            shared,
            memory,
            unwritten: Vec::new(),
            flushes: Vec::new(),
            closing: false,
            passes: 0,
        }
    }

    pub(crate) async fn run(mut self) {
        let interval = self.storage.activity_interval();
        let mut next_pass = Instant::now() + interval;
        let (flushes, done) = loop {
            if self.flushes.is_empty() {
                self.wait_until(next_pass).await;
                self.write_batch().await;
            }
            if !self.closing && self.flushes.is_empty() && Instant::now() < next_pass {
                continue;
            }
            // Those that come in during the pass may have missed a part of it.
            let flushes = std::mem::take(&mut self.flushes);
            let done = self.write_everything_else().await;
            if self.closing && self.flushes.is_empty() {
                break (flushes, done);
            }
            tell(flushes, done);
            next_pass = Instant::now() + interval;
        };
        if let Err(error) = self.storage.close().await {
            tracing::warn!(%error, "the session store was not closed in order");
        }
        tell(flushes, done);
    }

    /// Waits for work, for `next_pass`, or for the next attempt after a failure.
    async fn wait_until(&self, next_pass: Instant) {
        let retry = self
            .shared
            .is_failing()
            .then(|| Instant::now() + RETRY_INTERVAL);
        let wake = retry.map_or(next_pass, |retry| retry.min(next_pass));
        // Whether woken or timed out, the queue says what there is to do.
        timeout_at(wake, self.shared.wait()).await.ok();
    }

    /// Writes what is waiting now, in one transaction, and tells everybody.
    async fn write_batch(&mut self) {
        let (mut batch, last) = self.shared.take();
        self.closing |= last;
        self.flushes.append(&mut batch.flushes);
        batch.ends.append(&mut self.unwritten);
        // Nobody waits for these any more; the rest of the store knows nothing of them.
        batch
            .creations
            .retain(|creation| creation.session.ended().is_none());
        let result = if !batch.has_nothing_to_write() {
            self.storage.write(&batch, self.shared.is_shared()).await
        } else if self.shared.is_failing() {
            self.storage.probe().await.map(|()| Written::default())
        } else {
            Ok(Written::default())
        };
        let mut repeated = Vec::new();
        let mut refused = Vec::new();
        let done = match result {
            Ok(written) => {
                repeated = written.repeated;
                refused = written.refused;
                for (creation, number) in batch.creations.iter().zip(written.numbers) {
                    creation.session.set_number(number);
                }
                self.note(None);
                Done::Written
            }
            Err(error) => {
                self.note(Some(&error));
                batch.ends.retain(|session| session.number().is_some());
                self.unwritten = std::mem::take(&mut batch.ends);
                Done::Failed
            }
        };
        self.shared.set_unwritten_ends(self.unwritten.len());
        for (at, creation) in batch.creations.into_iter().enumerate() {
            let refused = refused.iter().find(|(of, _)| *of == at);
            tell(
                [creation.done],
                refused.map_or(done, |(_, why)| Done::Refused(*why)),
            );
        }
        tell(batch.waiting, done);
        for token_use in batch.token_uses {
            let again = repeated.contains(&token_use.id);
            tell([token_use.done], if again { Done::Repeated } else { done });
        }
    }

    /// Writes last activity, and now and then removes tokens that ran out. Sign-ins go first.
    async fn write_everything_else(&mut self) -> Done {
        if let Err(error) = self.storage.tend().await {
            self.note(Some(&error));
            return Done::Failed;
        }
        for shard in 0..SHARDS {
            let mut changed = Vec::new();
            let dirty = |session: &Arc<Session>| {
                (session.number().is_some() && session.take_dirty()).then(|| Arc::clone(session))
            };
            self.memory.table.collect(shard, &mut changed, dirty);
            while !changed.is_empty() {
                let chunk = changed.split_off(changed.len().saturating_sub(ACTIVITY_BATCH));
                if let Err(error) = self.write_activity(&chunk).await {
                    self.note(Some(&error));
                    // The next pass tries again.
                    chunk.iter().chain(&changed).for_each(|s| s.set_dirty());
                    return Done::Failed;
                }
                self.write_batch().await;
            }
        }
        self.forget_tokens().await;
        if self.unwritten.is_empty() {
            Done::Written
        } else {
            Done::Failed
        }
    }

    async fn write_activity(&mut self, sessions: &[Arc<Session>]) -> Result<(), StorageError> {
        let shared = self.shared.is_shared();
        self.storage.write_activity(sessions, shared).await
    }

    async fn forget_tokens(&mut self) {
        self.passes = self.passes.wrapping_add(1);
        if !self.passes.is_multiple_of(FORGET_EVERY) {
            return;
        }
        if let Some(now) = self.shared.take_forget_tokens()
            && let Err(error) = self.storage.forget_tokens(now).await
        {
            self.note(Some(&error));
        }
    }

    /// Logs the first of several failures, and the first success after them. Whoever waits behind a failure
    /// need not wait for the next.
    fn note(&self, error: Option<&StorageError>) {
        let failed_before = self.shared.set_failing(error.is_some());
        if error.is_some() {
            tell(self.shared.take_refusable(), Done::Failed);
        }
        match error {
            Some(error) if !failed_before => {
                tracing::error!(%error, "sessions cannot be written: nobody can sign in");
            }
            None if failed_before => tracing::info!("sessions can be written again"),
            _ => {}
        }
    }
}

fn tell(waiting: impl IntoIterator<Item = oneshot::Sender<Done>>, done: Done) {
    for waiting in waiting {
        // Whoever stopped waiting cleans up after themselves.
        waiting.send(done).ok();
    }
}

/// Goes with the writer, even if its runtime stops before it has begun: nobody may wait for ever.
struct Abandon(Arc<Shared>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
