//! Following other processes that serve from the same database.
//!
//! A change of another process is heard of a moment later than it holds there: [`super::late`] has what is to
//! be done about the moment.

use std::collections::HashSet;
use std::sync::OnceLock;

use jotgate_model::{Timestamp, UnixTime};
use jotgate_repository::{Marks, Revocation, Revoked};
use parking_lot::Mutex;
use tokio::task::AbortHandle;

use uuid::Uuid;

use super::Inner;
use crate::gateways::Said;
use crate::revocations::seconds;
use crate::{ManageError, Management};

/// How far others were followed.
#[derive(Debug)]
pub(crate) struct Followed {
    /// [`Marks::changes`] of what was last taken over.
    changes: Mutex<Option<u64>>,
    /// What went wrong the last time, for people; empty when nothing did.
    trouble: Mutex<String>,
    /// The revocations that hold here.
    revocations: Mutex<HashSet<Uuid>>,
    /// Everything that was stored before this holds here.
    caught_up: Mutex<UnixTime>,
    task: OnceLock<AbortHandle>,
}

impl Followed {
    pub(super) fn since(now: Timestamp) -> Self {
        Self {
            changes: Mutex::default(),
            trouble: Mutex::default(),
            revocations: Mutex::default(),
            caught_up: Mutex::new(seconds(now)),
            task: OnceLock::new(),
        }
    }

    /// What keeps this process from following, in one sentence; empty when nothing does.
    pub(crate) fn trouble(&self) -> String {
        self.trouble.lock().clone()
    }

    fn set_trouble(&self, found: Option<&ManageError>) {
        *self.trouble.lock() = found.map(ManageError::to_string).unwrap_or_default();
    }

    /// Notes which revocations hold; gives those that did not before.
    pub(crate) fn new_revocations(&self, all: Vec<Revocation>) -> Vec<Revoked> {
        let ids = all.iter().map(|revocation| revocation.id).collect();
        let before = std::mem::replace(&mut *self.revocations.lock(), ids);
        let new = all.into_iter().filter(|one| !before.contains(&one.id));
        new.map(|revocation| revocation.subject).collect()
    }

    pub(super) fn stop(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Management {
    /// Begins to take over what other nodes store, as soon as they have stored it, until
    /// [`Self::close`]. Nothing to do for a database that no other node has.
    ///
    /// `available` hears whether the database answers, each time that it was asked.
    pub fn follow(
        &self,
        now: impl Fn() -> Timestamp + Send + 'static,
        available: impl Fn(bool) + Send + 'static,
    ) {
        available(true);
        let Some(mut feed) = self.inner.repository.feed() else {
            return;
        };
        let management = self.clone();
        let task = tokio::spawn(async move {
            let (mut trouble, mut said) = (None, Said::default());
            // Once is enough, and not that it succeeds.
            drop(management.inner.repository.forget_old_reports().await);
            loop {
                feed.wait().await;
                let found = management.catch_up(now()).await.err();
                let is_available = !matches!(found, Some(ManageError::Unavailable(_)));
                available(is_available);
                tell(found.as_ref(), trouble.as_ref());
                management.inner.followed.set_trouble(found.as_ref());
                if is_available {
                    management.report(&mut said).await;
                }
                trouble = found;
            }
        });
        // A second one would do no harm, and would not be stopped.
        drop(self.inner.followed.task.set(task.abort_handle()));
    }

    /// Takes over what another process has stored since the last call: configuration, users with a
    /// block or roles, API keys and revocations. Cheap when that is nothing. Sessions that would not have
    /// been opened if it had been known earlier are ended.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`] when the repository cannot be read, and [`ManageError::Invalid`]
    /// when what is stored cannot be served here; then what was served before goes on.
    pub async fn catch_up(&self, now: Timestamp) -> Result<(), ManageError> {
        let marks = self.inner.repository.marks().await?;
        // First whom to keep out: a configuration that cannot be served here must not stop that.
        self.inner.take_over_standing(marks, now).await?;
        self.inner.take_over_configuration(marks).await?;
        *self.inner.followed.caught_up.lock() = seconds(now);
        Ok(())
    }
}

impl Inner {
    async fn take_over_standing(&self, marks: Marks, now: Timestamp) -> Result<(), ManageError> {
        if marks.changes.is_some() && *self.followed.changes.lock() == marks.changes {
            return Ok(());
        }
        self.reload_people().await?;
        let api_keys = self.api_keys.changing().await;
        api_keys.reload(&self.repository).await?;
        drop(api_keys);
        if let Some(keys) = self.keys.get() {
            let _revoking = self.revoking.lock().await;
            let new = self.serve_revocations(keys, now).await?;
            self.end_sessions_of_revoked(keys, &new, now).await;
        }
        // Of two that come at once, the earlier may be the later here: then it is done once more.
        *self.followed.changes.lock() = marks.changes;
        Ok(())
    }

    async fn take_over_configuration(&self, marks: Marks) -> Result<(), ManageError> {
        if marks.revision == self.snapshot.load().revision {
            return Ok(());
        }
        let _saving = self.saving.lock().await;
        // It may have been a save of this process.
        let revision = self.repository.revision().await?;
        if revision == self.snapshot.load().revision {
            return Ok(());
        }
        self.take_over_stored().await?;
        tracing::info!(
            config.revision = revision,
            "the configuration of another process is served"
        );
        Ok(())
    }

    /// Takes over the configuration that another process has stored, and ends what was let in behind its back. For whoever
    /// holds [`Inner::saving`].
    pub(super) async fn take_over_stored(&self) -> Result<(), ManageError> {
        let (before, known) = (self.snapshot.load_full(), self.known_keys());
        self.reload().await?;
        let since = *self.followed.caught_up.lock();
        self.end_sessions_of_removed_keys(&before, &known, since)
            .await;
        Ok(())
    }
}

/// Says each trouble once, and its end.
fn tell(found: Option<&ManageError>, before: Option<&ManageError>) {
    match (found, before) {
        (Some(ManageError::Unavailable(_)), Some(ManageError::Unavailable(_))) => {}
        (Some(error), before) if before == Some(error) => {}
        (Some(error @ ManageError::Unavailable(_)), _) => tracing::error!(
            %error,
            "the database does not answer: traffic goes on, nothing can be saved"
        ),
        (Some(error), _) => tracing::error!(
            %error,
            "the configuration of another node cannot be served here: the one before goes on"
        ),
        (None, Some(ManageError::Unavailable(_))) => tracing::info!("the database answers again"),
        (None, _) => {}
    }
}
