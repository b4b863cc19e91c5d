//! From a place in memory to a session that is on disk and that requests find.

use std::sync::Arc;

use super::Inner;
use crate::redis::Limit;
use crate::{EndReason, Session, SessionError};

/// A session that nobody finds yet. Dropped without being published, it is as if it had never been.
pub(super) struct Reservation<'a> {
    pub(super) store: &'a Inner,
    pub(super) session: Option<Arc<Session>>,
}

impl Reservation<'_> {
    pub(super) async fn write(&self, limit: Option<Limit>) -> Result<(), SessionError> {
        match (&self.store.journal, &self.session) {
            (Some(journal), Some(session)) => journal.create(session, limit).await,
            _ => Ok(()),
        }
    }

    pub(super) fn publish(mut self) -> Result<Arc<Session>, SessionError> {
        if let Some(session) = self.session.take_if(|session| session.publish()) {
            return Ok(session);
        }
        // Its user was blocked, say, while it was being written.
        let reason = self.ended().unwrap_or(EndReason::ClosedByServer);
        Err(SessionError::Ended(reason))
    }

    pub(super) fn ended(&self) -> Option<EndReason> {
        self.session.as_ref().and_then(|session| session.ended())
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        self.store
            .memory
            .finish(&session, EndReason::ClosedByServer);
        if let Some(journal) = &self.store.journal {
            journal.end_later(vec![session]);
        }
    }
}
