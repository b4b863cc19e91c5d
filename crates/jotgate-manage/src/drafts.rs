//! A set of changes that is tried before it is made.
//!
//! A draft is checked as a whole, as every save is, and shown as what would differ. Applying it is
//! one save. Where it names the revision that it is based on, what others have changed since stays,
//! and a document that both have changed is refused.

mod base;
mod comparison;
mod edits;

use std::sync::Arc;

use jotgate_model::{Documents, FieldErrors, Snapshot, Timestamp};
use jotgate_repository::Change;
use serde_json::{Map, Value};

use crate::background::in_background;
use crate::key_sessions::{KnownKeys, removed_keys};
use crate::labels::TakenNames;
use crate::management::{Intent, Saved};
use crate::stamp::stamp;
use crate::{Actor, ManageError, Management, Probe, ProbeAnswer, file, rules};
pub(crate) use base::{Base, steps};
pub use base::{Conflict, ConflictField};
pub use comparison::{Comparison, DocumentChange, DocumentDifference};
pub(crate) use comparison::{compare, difference, name_of};
pub use edits::{Edit, MAX_EDITS};

/// Characters of a note.
pub const MAX_NOTE: usize = 1024;

/// What somebody wants to change.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The revision that it was made from; nothing: the current one, whatever it is.
    pub base: Option<u64>,
    /// What it asks for.
    pub content: DraftContent,
}

/// What a draft asks for.
#[derive(Clone)]
pub enum DraftContent {
    /// These changes, one after the other.
    Edits(Vec<Edit>),
    /// The whole configuration, in the form of [`file`].
    Configuration(Map<String, Value>),
    /// What was stored at a revision. With a base only over that one: whoever has looked at what would
    /// change agrees to that, and to nothing else.
    Revision(u64),
}

/// Leaves the contents out: they may hold secrets.
impl std::fmt::Debug for DraftContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DraftContent")
    }
}

/// How a draft is applied.
#[derive(Clone, Debug, Default)]
pub struct Application {
    /// One line for the list of revisions.
    pub note: String,
    /// Whether sessions end that were opened with a key that the draft removes.
    pub end_sessions: bool,
    /// A request that must be answered as expected: else the change is taken back.
    pub probe: Option<Probe>,
}

/// What applying a draft has done.
#[derive(Clone, Debug)]
pub struct Applied {
    /// To the configuration.
    pub comparison: Comparison,
    /// How many sessions it has ended because their key is gone.
    pub ended_sessions: usize,
    /// How the probe was answered. None is sent when nothing differs.
    pub probe: Option<ProbeAnswer>,
}

impl Management {
    /// Checks a draft as a whole and says what applying it would change. Changes nothing.
    ///
    /// # Errors
    /// Those of [`Self::apply_draft`].
    pub async fn compare_draft(
        &self,
        actor: &Actor,
        draft: &Draft,
        now: Timestamp,
    ) -> Result<Comparison, ManageError> {
        let (current, next) = self.tried(actor, draft, now).await?;
        in_background(move || compare(&current, &next, usize::MAX)).await
    }

    /// Makes all changes of a draft in one save, or none; no save at all when nothing differs. With a
    /// probe the change is taken back when that fails; sessions end after it has succeeded. What has
    /// begun is carried through when nobody waits for the answer any more.
    ///
    /// # Errors
    /// [`ManageError::Outdated`] when others have changed the same documents since the revision that
    /// the draft is based on, [`ManageError::NoRevision`] when there never was that one;
    /// [`ManageError::ProbeFailed`]; [`ManageError::Forbidden`], [`ManageError::Invalid`] with every
    /// field at fault, and [`ManageError::Unavailable`].
    pub async fn apply_draft(
        &self,
        actor: &Actor,
        draft: Draft,
        application: Application,
        now: Timestamp,
    ) -> Result<Applied, ManageError> {
        let intent = intent(actor, &draft.note_or_usual(&application.note), now)?;
        if let Some(probe) = &application.probe {
            probe.check()?;
            self.live()?;
        }
        let read = self.read_for(&draft).await?;
        let management = self.clone();
        let applying = async move {
            let known = management.inner.known_keys();
            let planned = intent.clone();
            let saved = management.save_over(intent.clone(), move |current| {
                let changes = changes_of(&draft, &read, current)?;
                let mut stamped = changes.clone();
                stamp(&mut stamped, &current.documents, &planned);
                check(current, &stamped, &planned.actor)?;
                Ok(changes)
            });
            let saved = saved.await?;
            management
                .finish(&intent, &application, &saved, &known)
                .await
        };
        let applied = tokio::spawn(applying).await;
        applied.unwrap_or_else(|error| {
            tracing::error!(%error, "a change ended early");
            let reason = "of an error in Jotgate itself, which its log describes";
            Err(ManageError::Unavailable(reason.to_owned()))
        })
    }

    /// What follows a save: the probe, then the end of sessions.
    async fn finish(
        &self,
        intent: &Intent,
        application: &Application,
        saved: &Saved,
        known: &KnownKeys,
    ) -> Result<Applied, ManageError> {
        let (before, after) = (saved.before.clone(), saved.after.clone());
        let mut applied = Applied {
            comparison: in_background(move || compare(&before, &after, usize::MAX)).await?,
            ended_sessions: 0,
            probe: None,
        };
        if saved.before.revision == saved.after.revision {
            return Ok(applied);
        }
        if let Some(probe) = &application.probe {
            let answer = self.prove(&intent.actor, probe, saved, intent.now).await?;
            applied.probe = Some(answer);
        }
        if application.end_sessions {
            let removed = removed_keys(&saved.before, &saved.after, known);
            let ended = self.end_sessions_of_keys(&intent.actor, &removed, intent.now);
            applied.ended_sessions = ended.await?;
        }
        Ok(applied)
    }

    /// The current configuration, and what a draft would make of it.
    pub(crate) async fn tried(
        &self,
        actor: &Actor,
        draft: &Draft,
        now: Timestamp,
    ) -> Result<(Arc<Snapshot>, Arc<Snapshot>), ManageError> {
        let read = self.read_for(draft).await?;
        let (draft, intent) = (draft.clone(), intent(actor, "", now)?);
        let current = self.snapshot();
        let trying = move || {
            let mut changes = changes_of(&draft, &read, &current)?;
            if changes.is_empty() {
                return Ok((current.clone(), current));
            }
            stamp(&mut changes, &current.documents, &intent);
            let next = check(&current, &changes, &intent.actor)?;
            Ok((current, Arc::new(next)))
        };
        in_background(trying).await?
    }

    async fn read_for(&self, draft: &Draft) -> Result<Read, ManageError> {
        let current = self.snapshot();
        let base = match draft.base {
            None => None,
            Some(revision) => Some(Base {
                revision,
                documents: if revision == current.revision {
                    current.documents.clone()
                } else {
                    self.documents_at(revision).await?
                },
            }),
        };
        let wanted = match draft.content {
            DraftContent::Revision(revision) => Some(self.documents_at(revision).await?),
            DraftContent::Edits(_) | DraftContent::Configuration(_) => None,
        };
        Ok(Read { base, wanted })
    }
}

impl Draft {
    /// What the list of revisions says of it when nobody says anything.
    fn note_or_usual(&self, note: &str) -> String {
        match self.content {
            DraftContent::Revision(revision) if note.is_empty() => {
                format!("restore revision {revision}")
            }
            _ => note.to_owned(),
        }
    }
}

/// What is stored of the past and a draft refers to.
struct Read {
    /// What it was made from.
    base: Option<Base>,
    /// What it wants again.
    wanted: Option<Documents>,
}

/// A note is one line of a list.
fn check_note(note: &str) -> Result<(), ManageError> {
    if note.chars().count() > MAX_NOTE || note.contains(char::is_control) {
        let problem = format!("must be one line of at most {MAX_NOTE} characters");
        return Err(ManageError::field("note", problem));
    }
    Ok(())
}

fn intent(actor: &Actor, note: &str, now: Timestamp) -> Result<Intent, ManageError> {
    check_note(note)?;
    Ok(Intent {
        actor: actor.clone(),
        note: note.to_owned(),
        now,
    })
}

fn changes_of(draft: &Draft, read: &Read, current: &Snapshot) -> Result<Vec<Change>, ManageError> {
    let base = read.base.as_ref();
    if let Some(wanted) = &read.wanted {
        return match base {
            Some(base) if base.revision != current.revision => Err(ManageError::Outdated {
                base: base.revision,
                current: current.revision,
                conflicts: Vec::new(),
            }),
            _ => Ok(steps(&current.documents, wanted)),
        };
    }
    let documents = base.map_or(&current.documents, |base| &base.documents);
    let changes = match &draft.content {
        DraftContent::Edits(edits) => edits::plan(edits, documents)?,
        DraftContent::Configuration(file) => file::plan(file, documents)?,
        // It was read.
        DraftContent::Revision(_) => Vec::new(),
    };
    match base {
        None => Ok(changes),
        Some(base) => base.carry_over(changes, current),
    }
}

/// As [`rules::check`], but names the document of each field at fault: a draft has many.
fn check(current: &Snapshot, changes: &[Change], actor: &Actor) -> Result<Snapshot, ManageError> {
    let error = match rules::check(current, changes, actor) {
        Err(ManageError::Invalid(errors)) => errors,
        other => return other,
    };
    let mut next = current.documents.clone();
    for change in changes {
        change.apply_to(&mut next);
    }
    let taken = TakenNames::default();
    let mut named = FieldErrors::default();
    let mut left = error.0;
    for change in changes {
        let Change::Put(document) = change else {
            continue;
        };
        let label = format!("{} \"{}\"", document.kind(), name_of(document, &next));
        for found in rules::check_alone(document, &current.documents, &next, &taken).0 {
            if let Some(at) = left.iter().position(|error| *error == found) {
                left.remove(at);
                named.push(format!("{label}: {}", found.field), found.problem);
            }
        }
    }
    named.0.extend(left);
    Err(named.into())
}

#[cfg(test)]
mod tests;
