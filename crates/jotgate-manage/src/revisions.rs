//! The saves of the past: their list, what differs between two, and going back to one.

use std::ops::Range;
use std::sync::Arc;

use jotgate_model::{Documents, Snapshot, Timestamp};
use jotgate_repository::{Revision, Touched};

use crate::background::in_background;
use crate::drafts::difference;
use crate::{
    Actor, Application, Comparison, DocumentDifference, Draft, DraftContent, ManageError,
    Management,
};

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
        let differing = self.differing_between(before, after).await?;
        let documents = differing.part(0..differing.len()).await?;
        Ok(Comparison {
            before,
            after,
            documents,
        })
    }

    /// The documents that differ between two revisions, the older one first or not.
    ///
    /// # Errors
    /// [`ManageError::NoRevision`] and [`ManageError::Unavailable`].
    pub async fn differing_between(
        &self,
        before: u64,
        after: u64,
    ) -> Result<Differing, ManageError> {
        let (older, newer) = (before.min(after), before.max(after));
        let touched = self.inner.repository.touched_between(older, newer).await?;
        let missing = if older == 0 { older } else { newer };
        let mut touched = touched.ok_or(ManageError::NoRevision(missing))?;
        let named = self.snapshot();
        in_background(move || {
            let mut damaged = None;
            touched.retain(|one| match one.was_there() {
                // Its fields may be as they were before.
                (true, true) => match one.documents() {
                    Ok((old, new)) => {
                        difference(old.as_ref(), new.as_ref(), &named.documents, false).is_some()
                    }
                    Err(error) => damaged.replace(error).is_some(),
                },
                (was, is) => was != is,
            });
            damaged.map_or(Ok(()), Err)?;
            Ok(Differing {
                touched: touched.into(),
                is_backward: before > after,
                named,
            })
        })
        .await?
    }

    /// Makes the configuration again what it was at a revision, as a new one. It is checked as every
    /// save is: what was good once may refer to rules that are stricter now. No revision at all
    /// when nothing differs. With `base` only where that is the current revision: whoever has looked at
    /// what would change agrees to that, and to nothing else.
    ///
    /// # Errors
    /// [`ManageError::NoRevision`], [`ManageError::Outdated`], [`ManageError::Forbidden`],
    /// [`ManageError::Invalid`] and [`ManageError::Unavailable`].
    pub async fn restore_revision(
        &self,
        actor: &Actor,
        revision: u64,
        base: Option<u64>,
        note: &str,
        now: Timestamp,
    ) -> Result<Comparison, ManageError> {
        let draft = Draft {
            base,
            content: DraftContent::Revision(revision),
        };
        let application = Application {
            note: note.to_owned(),
            ..Application::default()
        };
        let applied = self.apply_draft(actor, draft, application, now).await?;
        Ok(applied.comparison)
    }

    /// All documents as they were at a revision. Those that nobody has touched since are not read again.
    pub(crate) async fn documents_at(&self, revision: u64) -> Result<Documents, ManageError> {
        let current = self.snapshot();
        let missing = ManageError::NoRevision(revision);
        let repository = &self.inner.repository;
        if revision > current.revision {
            // Another node has saved it, and this one has not heard of it yet.
            let found = repository.documents_at(revision).await?;
            return Ok(found.ok_or(missing)?.documents);
        }
        let touched = repository
            .touched_between(revision, current.revision)
            .await?;
        let touched = touched.ok_or(missing)?;
        in_background(move || {
            let mut documents = current.documents.clone();
            for one in &touched {
                one.take_back(&mut documents)?;
            }
            Ok(documents)
        })
        .await?
    }
}

/// The documents that differ between two revisions. What differs in each is found out for those that somebody
/// looks at.
#[derive(Clone, Debug)]
pub struct Differing {
    touched: Arc<[Touched]>,
    /// Whether the newer revision counts as the one before.
    is_backward: bool,
    /// What documents are called that are named after others, which is as today.
    named: Arc<Snapshot>,
}

impl Differing {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.touched.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.touched.is_empty()
    }

    /// What differs in some of them: those from one number up to another, the kinds and ids in order.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`].
    pub async fn part(&self, wanted: Range<usize>) -> Result<Vec<DocumentDifference>, ManageError> {
        let all = self.clone();
        in_background(move || {
            let wanted = all.touched.iter().skip(wanted.start).take(wanted.len());
            let differences = wanted.map(|one| {
                let (mut old, mut new) = one.documents()?;
                if all.is_backward {
                    std::mem::swap(&mut old, &mut new);
                }
                Ok(difference(
                    old.as_ref(),
                    new.as_ref(),
                    &all.named.documents,
                    true,
                ))
            });
            differences.filter_map(Result::transpose).collect()
        })
        .await?
    }
}

#[cfg(test)]
mod tests;
