//! The journal: what must be on disk before a call returns, written in groups.
//!
//! Whoever has something to write puts it into the queue and waits. One task, the writer, takes the
//! whole queue, writes it in one transaction, and tells everybody: a hundred sign-ins at once cost
//! one wait for the disk (group commit).
//!
//! When a transaction fails, creations and token uses in it have failed, and those that wait behind it. Ends have not: they hold
//! in memory already, are kept, and are written with the next transaction that succeeds.

mod file;
mod queue;
mod storage;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jotgate_model::UnixTime;
use tokio::sync::oneshot;

pub(crate) use self::file::Follower;
use self::file::{JournalFile, explain};
pub(crate) use self::queue::Batch;
use self::queue::{Creation, Done, Shared, TokenUse};
use self::storage::Storage;
pub(crate) use self::storage::{StorageError, Written};
use self::writer::Writer;
use crate::redis::{Limit, RedisStorage};
use crate::store::{Memory, TokenId};
use crate::{OpenError, Session, SessionError};

/// How old the last activity on disk may be: what a crash takes from a session's time.
pub const ACTIVITY_INTERVAL: Duration = Duration::from_secs(15);

/// The store's end of the journal. Dropping it lets the writer finish and stop.
pub(crate) struct Journal {
    shared: Arc<Shared>,
    /// The file, and who this process is in it. Redis needs neither.
    file: Option<(PathBuf, i64)>,
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
            file: Some((path.to_owned(), file.writer())),
        };
        tokio::spawn(Writer::new(Storage::File(file), shared, Arc::clone(memory)).run());
        Ok((journal, began))
    }

    /// Starts the writer of a shared store on the current runtime.
    pub(crate) fn over_redis(redis: RedisStorage, memory: &Arc<Memory>) -> Self {
        let shared = Arc::new(Shared::default());
        let journal = Self {
            shared: Arc::clone(&shared),
            file: None,
        };
        tokio::spawn(Writer::new(Storage::Redis(redis), shared, Arc::clone(memory)).run());
        journal
    }

    /// From when this returns, every change is noted for another process; gives what reads the
    /// changes that the other one notes. `None` when Redis is where both write to.
    pub(crate) async fn share(&self, memory: &Arc<Memory>) -> Result<Option<Follower>, OpenError> {
        let Some((path, writer)) = &self.file else {
            return Ok(None);
        };
        let follower = Follower::open(path, *writer, memory).await?;
        self.shared.set_shared(true);
        // The batch that is being written now may not be noted; it is in the file when this is done,
        // where the other process finds it.
        self.flush().await.map_err(|error| OpenError::Unreadable {
            path: path.clone(),
            source: Box::new(error),
        })?;
        Ok(Some(follower))
    }

    /// Nothing is noted any more.
    pub(crate) fn stop_sharing(&self) {
        self.shared.set_shared(false);
    }

    /// Writes a session that was reserved, unless the store that others write to has a reason not to.
    pub(crate) async fn create(
        &self,
        session: &Arc<Session>,
        limit: Option<Limit>,
    ) -> Result<(), SessionError> {
        let (done, result) = oneshot::channel();
        self.shared.add_creation(Creation {
            session: Arc::clone(session),
            limit,
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
            Ok(Done::Refused(why)) => Err(why),
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
        Ok(Done::Refused(why)) => Err(why),
        Ok(Done::Failed) | Err(_) => Err(SessionError::Unavailable),
    }
}
