//! The saves of the past: their list, what differs between two, and going back to one.

use jotgate_model::{Documents, Timestamp};
use jotgate_repository::Revision;

use crate::drafts::{check_note, compare, compare_documents, steps};
use crate::management::Intent;
use crate::{Actor, Comparison, ManageError, Management};

/// How many revisions one call lists.
pub const MAX_REVISIONS: u32 = 1000;

impl Management {
    /// The newest revisions, or the newest of those before `before`; newest first, at most `limit`
    /// and [`MAX_REVISIONS`].
    ///
    /// # Errors
    /// [`ManageError::Unavailable`].
    pub async fn revisions(
        &self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Revision>, ManageError> {
        let limit = limit.min(MAX_REVISIONS);
        Ok(self.inner.repository.revisions(before, limit).await?)
    }

    /// What differs between two revisions, the older one first or not.
    ///
    /// # Errors
    /// [`ManageError::NoRevision`] and [`ManageError::Unavailable`].
    pub async fn compare_revisions(
        &self,
        before: u64,
        after: u64,
    ) -> Result<Comparison, ManageError> {
        let (old, new) = (
            self.documents_at(before).await?,
            self.documents_at(after).await?,
        );
        Ok(Comparison {
            before,
            after,
            documents: compare_documents(&old, &new),
        })
    }

    /// Makes the configuration again what it was at a revision, as a new one. It is checked as every
    /// save is: what was good once may refer to rules that are stricter now. No revision at all
    /// when nothing differs.
    ///
    /// # Errors
    /// [`ManageError::NoRevision`], [`ManageError::Forbidden`], [`ManageError::Invalid`] and
    /// [`ManageError::Unavailable`].
    pub async fn restore_revision(
        &self,
        actor: &Actor,
        revision: u64,
        note: &str,
        now: Timestamp,
    ) -> Result<Comparison, ManageError> {
        check_note(note)?;
        let wanted = self.documents_at(revision).await?;
        let note = match note {
            "" => format!("restore revision {revision}"),
            note => note.to_owned(),
        };
        let intent = Intent {
            actor: actor.clone(),
            note,
            now,
        };
        let saved = self.save_over(intent, move |current| {
            Ok(steps(&current.documents, &wanted))
        });
        let saved = saved.await?;
        Ok(compare(&saved.before, &saved.after))
    }

    pub(crate) async fn documents_at(&self, revision: u64) -> Result<Documents, ManageError> {
        let found = self.inner.repository.documents_at(revision).await?;
        let found = found.ok_or(ManageError::NoRevision(revision))?;
        Ok(found.documents)
    }
}

#[cfg(test)]
mod tests;
