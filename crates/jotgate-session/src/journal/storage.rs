//! Where the journal is: a file of this process, or a Redis that several nodes share.

use std::sync::Arc;
use std::time::Duration;

use jotgate_model::UnixTime;

use super::ACTIVITY_INTERVAL;
use super::file::JournalFile;
use super::queue::Batch;
use crate::redis::{ACTIVITY_PACE, RedisStorage};
use crate::store::TokenId;
use crate::{Session, SessionError};

/// Why nothing could be written. Its text holds no secret.
pub(crate) type StorageError = Box<dyn std::error::Error + Send + Sync>;

/// What a batch became.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// The rows of the created sessions, in the order of the batch.
    pub(crate) numbers: Vec<i64>,
    /// The tokens that were used before.
    pub(crate) repeated: Vec<TokenId>,
    /// The creations of the batch that were not written, and why.
    pub(crate) refused: Vec<(usize, SessionError)>,
}

/// What the writer writes to.
pub(crate) enum Storage {
    File(JournalFile),
    Redis(RedisStorage),
}

impl Storage {
    /// How often last activity is written.
    pub(crate) const fn activity_interval(&self) -> Duration {
        match self {
            Self::File(_) => ACTIVITY_INTERVAL,
            Self::Redis(_) => ACTIVITY_PACE,
        }
    }

    /// Writes a batch. When a file is `shared`, notes the changes for another process.
    pub(crate) async fn write(
        &mut self,
        batch: &Batch,
        shared: bool,
    ) -> Result<Written, StorageError> {
        match self {
            Self::File(file) => Ok(file.write(batch, shared).await?),
            Self::Redis(redis) => redis.write(batch).await,
        }
    }

    /// Writes when sessions were last used.
    pub(crate) async fn write_activity(
        &mut self,
        sessions: &[Arc<Session>],
        shared: bool,
    ) -> Result<(), StorageError> {
        match self {
            Self::File(file) => {
                file.write_activity(sessions).await?;
                if shared {
                    file.note_activity(sessions).await?;
                }
                Ok(())
            }
            Self::Redis(redis) => redis.write_activity(sessions).await,
        }
    }

    /// Writes something that changes nothing, to see whether that works.
    pub(crate) async fn probe(&mut self) -> Result<(), StorageError> {
        match self {
            Self::File(file) => Ok(file.probe().await?),
            Self::Redis(redis) => redis.probe().await,
        }
    }

    /// What has to be done now and then, whether there is something to write or not.
    pub(crate) async fn tend(&mut self) -> Result<(), StorageError> {
        match self {
            Self::File(_) => Ok(()),
            Self::Redis(redis) => redis.probe().await,
        }
    }

    /// Removes tokens that ran out before `now`. Redis does that by itself.
    pub(crate) async fn forget_tokens(&mut self, now: UnixTime) -> Result<(), StorageError> {
        match self {
            Self::File(file) => Ok(file.forget_tokens(now).await?),
            Self::Redis(_) => Ok(()),
        }
    }

    /// Nothing is written any more.
    pub(crate) async fn close(self) -> Result<(), StorageError> {
        match self {
            Self::File(file) => Ok(file.close().await?),
            Self::Redis(_) => Ok(()),
        }
    }
}
