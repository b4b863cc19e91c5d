//! One store for two processes: an upgrade puts the one in the other's place without losing a session.

use std::path::Path;

use super::Sessions;
use crate::journal::Follower;
use crate::{OpenError, SessionError};

impl Sessions {
    /// Shares the journal with another process until [`SharedSessions::end`]: while one takes the
    /// other's place, both serve. What was written before this returns, the other one finds when it
    /// opens the journal; what comes after, it hears of from [`SharedSessions::catch_up`]. A token
    /// that counts once counts once in both together, always.
    ///
    /// # Errors
    /// The journal cannot be read or written. A store without a journal cannot be shared.
    pub async fn share(&self) -> Result<SharedSessions, OpenError> {
        match &self.0.journal {
            Some(journal) => Ok(SharedSessions {
                follower: journal.share(&self.0.memory).await?,
                sessions: self.clone(),
            }),
            None => Err(OpenError::NotAJournal {
                path: Path::new("memory").to_owned(),
            }),
        }
    }
}

/// The sessions of two processes that are kept the same.
#[derive(Debug)]
pub struct SharedSessions {
    /// `None` when both processes write to a Redis.
    follower: Option<Follower>,
    sessions: Sessions,
}

impl SharedSessions {
    /// Takes over what the other process has written: new sessions, their ends (which reach the
    /// sockets in this one), and when they were used.
    ///
    /// # Errors
    /// The journal cannot be read. The next call begins where this one began.
    pub async fn catch_up(&mut self) -> Result<(), SessionError> {
        let Some(follower) = &mut self.follower else {
            return Ok(());
        };
        follower.catch_up().await.map_err(|error| {
            tracing::error!(%error, "the sessions of the other process cannot be read");
            SessionError::Unavailable
        })
    }

    /// The other process is gone: takes over the last of it, and stops sharing.
    ///
    /// # Errors
    /// As [`Self::catch_up`].
    pub async fn end(mut self) -> Result<(), SessionError> {
        if let Some(journal) = &self.sessions.0.journal {
            journal.stop_sharing();
        }
        self.catch_up().await?;
        if let Some(follower) = self.follower {
            follower.forget().await;
        }
        Ok(())
    }
}
