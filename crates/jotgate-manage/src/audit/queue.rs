//! What is written a moment later, so that nobody waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jotgate_model::Timestamp;
use jotgate_repository::{AuditEntry, Outcome, Repository, Subject};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};

use super::entry;
use super::refusals::Refusals;
use crate::Actor;

/// Entries that may wait to be written.
const WAITING: usize = 1024;
/// Entries that are written in one transaction.
const BATCH: usize = 128;
/// How long refusals are counted together.
const MINUTE: Duration = Duration::from_secs(60);

/// Takes what belongs into the trail, and never waits. A copy leads to the same trail.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    sender: mpsc::Sender<Message>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    refusals: Mutex<Refusals>,
    /// How many entries have no row and never will.
    lost: AtomicU64,
}

#[derive(Debug)]
enum Message {
    Entry(Box<AuditEntry>),
    /// Everything before this is to be written, and then said so.
    Flush(oneshot::Sender<()>),
}

impl Audit {
    /// Starts the task that writes. It ends with the last copy.
    pub(crate) fn start(repository: Repository) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        let shared = Arc::new(Shared::default());
        let writer = Writer {
            repository,
            shared: shared.clone(),
        };
        tokio::spawn(writer.run(receiver));
        Self { sender, shared }
    }

    /// Hands over what was done.
    pub(crate) fn note(&self, entry: AuditEntry) {
        if self
            .sender
            .try_send(Message::Entry(Box::new(entry)))
            .is_err()
        {
            self.lose(1);
        }
    }

    /// Hands over what was refused, or failed: bounded, since strangers can cause it.
    pub(crate) fn refused(&self, entry: AuditEntry) {
        // Not held while it is handed over.
        let row = self.shared.refusals.lock().take(entry);
        if let Some(row) = row {
            self.note(row);
        }
    }

    /// Counts entries that will never have a row.
    pub(crate) fn lose(&self, count: u64) {
        self.shared.lost.fetch_add(count, Ordering::Relaxed);
    }

    /// Waits until everything that was handed over has been written, also what was only counted.
    pub(crate) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.sender.send(Message::Flush(done)).await.is_ok() {
            written.await.ok();
        }
    }
}

struct Writer {
    repository: Repository,
    shared: Arc<Shared>,
}

impl Writer {
    async fn run(self, mut receiver: mpsc::Receiver<Message>) {
        let mut minute = interval(MINUTE);
        minute.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut messages = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                count = receiver.recv_many(&mut messages, BATCH) => {
                    if count == 0 {
                        return;
                    }
                    self.take(messages.drain(..)).await;
                }
                _ = minute.tick() => self.write(self.counted()).await,
            }
        }
    }

    async fn take(&self, messages: impl Iterator<Item = Message>) {
        let (mut entries, mut waiting) = (Vec::new(), Vec::new());
        for message in messages {
            match message {
                Message::Entry(entry) => entries.push(*entry),
                Message::Flush(done) => waiting.push(done),
            }
        }
        if !waiting.is_empty() {
            entries.extend(self.counted());
        }
        self.write(entries).await;
        for done in waiting {
            // Whoever asked may have gone.
            done.send(()).ok();
        }
    }

    fn counted(&self) -> Vec<AuditEntry> {
        self.shared.refusals.lock().drain()
    }

    async fn write(&self, mut entries: Vec<AuditEntry>) {
        let Some(at) = entries.last().map(|entry| entry.at) else {
            return;
        };
        let (count, lost) = (entries.len(), self.shared.lost.swap(0, Ordering::Relaxed));
        if lost > 0 {
            entries.push(loss(lost, at));
        }
        if let Err(error) = self.repository.append_audit(&entries).await {
            tracing::error!(%error, count, "rows of the audit trail were not written");
            let lost = lost.saturating_add(count as u64);
            self.shared.lost.fetch_add(lost, Ordering::Relaxed);
        }
    }
}

fn loss(count: u64, at: Timestamp) -> AuditEntry {
    AuditEntry {
        outcome: Outcome::Failed,
        reason: format!("{count} entries could not be written; the log has them"),
        ..entry(
            Actor::system().for_audit(),
            "audit.lost",
            Subject::default(),
            at,
        )
    }
}
