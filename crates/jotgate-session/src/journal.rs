//! The journal: what must be on disk before a call returns, written in groups.
//!
//! Whoever has something to write puts it into the queue and waits. One task, the writer, takes the
//! whole queue, writes it in one transaction, and tells everybody: a hundred sign-ins at once cost
//! one wait for the disk (group commit).
//!
//! When a transaction fails, creations and token uses in it have failed. Ends have not: they hold
//! in memory already, are kept, and are written with the next transaction that succeeds.

mod file;
mod queue;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jotgate_model::UnixTime;
use tokio::sync::oneshot;

pub(crate) use self::file::Follower;
use self::file::{JournalFile, explain};
use self::queue::{Creation, Done, Shared, TokenUse};
use self::writer::Writer;
use crate::store::{Memory, TokenId};
use crate::{OpenError, Session, SessionError};

/// How old the last activity on disk may be: what a crash takes from a session's time.
pub const ACTIVITY_INTERVAL: Duration = Duration::from_secs(15);

/// The store's end of the journal. Dropping it lets the writer finish and stop.
pub(crate) struct Journal {
    shared: Arc<Shared>,
    path: PathBuf,
    writer: i64,
}

impl Journal {
    /// Opens the file, takes over what it has, and starts the writer on the current runtime. Also
    /// gives the time at which the journal began.
    pub(crate) async fn open(
        path: &Path,
        now: UnixTime,
        memory: &Arc<Memory>,
    ) -> Result<(Self, UnixTime), OpenError> {
        let mut file = JournalFile::open(path, now).await?;
        let began = file
            .load(memory)
            .await
            .map_err(|error| explain(error, path))?;
        let shared = Arc::new(Shared::default());
        let journal = Self {
            shared: Arc::clone(&shared),
            path: path.to_owned(),
            writer: file.writer(),
        };
        tokio::spawn(Writer::new(file, shared, Arc::clone(memory)).run());
        Ok((journal, began))
    }

    /// From when this returns, every change is noted for another process; gives what reads the
    /// changes that the other one notes.
    pub(crate) async fn share(&self, memory: &Arc<Memory>) -> Result<Follower, OpenError> {
        let follower = Follower::open(&self.path, self.writer, memory).await?;
        self.shared.set_shared(true);
        // The batch that is being written now may not be noted; it is in the file when this is done,
        // where the other process finds it.
        self.flush().await.map_err(|error| OpenError::Unreadable {
            path: self.path.clone(),
            source: Box::new(error),
        })?;
        Ok(follower)
    }

    /// Nothing is noted any more.
    pub(crate) fn stop_sharing(&self) {
        self.shared.set_shared(false);
    }

    /// Writes a session that was reserved.
    pub(crate) async fn create(&self, session: &Arc<Session>) -> Result<(), SessionError> {
        let (done, result) = oneshot::channel();
        self.shared.add_creation(Creation {
            session: Arc::clone(session),
            done,
        })?;
        wait(result).await
    }

    /// Writes the end of sessions, and of those whose end could not be written before.
    pub(crate) async fn end(&self, sessions: Vec<Arc<Session>>) -> Result<(), SessionError> {
        if sessions.is_empty() && !self.shared.has_unwritten_ends() {
            return Ok(());
        }
        let (done, result) = oneshot::channel();
        self.shared.add_ends(sessions, Some(done))?;
        wait(result).await
    }

    /// Writes the end of sessions some time soon.
    pub(crate) fn end_later(&self, sessions: Vec<Arc<Session>>) {
        if !sessions.is_empty() {
            // A closed journal writes nothing any more; what ran out has run out after the restart
            // as well, and a session that nobody was told of harms nobody.
            self.shared.add_ends(sessions, None).ok();
        }
    }

    /// Writes that a token was used; `false` when another process had written that before.
    pub(crate) async fn use_token(
        &self,
        id: TokenId,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<bool, SessionError> {
        let (done, result) = oneshot::channel();
        self.shared.add_token_use(TokenUse {
            id,
            until,
            now,
            done,
        })?;
        match result.await {
            Ok(Done::Written) => Ok(true),
            Ok(Done::Repeated) => Ok(false),
            Ok(Done::Failed) | Err(_) => Err(SessionError::Unavailable),
        }
    }

    /// Notes that tokens that ran out before `now` need not be kept.
    pub(crate) fn forget_tokens(&self, now: UnixTime) {
        self.shared.forget_tokens(now);
    }

    /// Writes everything, last activity included.
    pub(crate) async fn flush(&self) -> Result<(), SessionError> {
        let (done, result) = oneshot::channel();
        self.shared.add_flush(done)?;
        wait(result).await
    }

    /// Writes everything and closes the file.
    pub(crate) async fn close(&self) -> Result<(), SessionError> {
        let (done, result) = oneshot::channel();
        self.shared.add_flush(done)?;
        self.shared.close();
        wait(result).await
    }

    /// Whether the last transaction failed, or there will be no more.
    pub(crate) fn is_failing(&self) -> bool {
        self.shared.is_failing() || self.shared.is_closed()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// The writer's answer. None comes when its runtime has stopped.
async fn wait(result: oneshot::Receiver<Done>) -> Result<(), SessionError> {
    match result.await {
        Ok(Done::Written | Done::Repeated) => Ok(()),
        Ok(Done::Failed) | Err(_) => Err(SessionError::Unavailable),
    }
}
