//! A set of changes that is tried before it is made.
//!
//! A draft is checked as a whole, as every save is, and shown as what would differ. Applying it is
//! one save. Where it names the revision that it is based on, nothing is changed unless that is
//! still the current one.

use jotgate_model::{Documents, FieldErrors, Snapshot, Timestamp};
use jotgate_repository::{Change, Difference, Document, Kind, differences};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::management::Intent;
use crate::stamp::stamp;
use crate::{Actor, ManageError, Management, file, rules};

/// Characters of a note.
pub const MAX_NOTE: usize = 1024;

/// What somebody wants to change.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The revision that it is based on; nothing: the current one, whatever it is.
    pub base: Option<u64>,
    /// What it asks for.
    pub content: DraftContent,
}

/// What a draft asks for.
#[derive(Clone)]
pub enum DraftContent {
    /// These changes.
    Changes(Vec<Change>),
    /// The whole configuration, in the form of [`file`].
    Configuration(Map<String, Value>),
}

/// Leaves the contents out: they may hold secrets.
impl std::fmt::Debug for DraftContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DraftContent")
    }
}

/// What differs between two configurations, or would.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The revision before.
    pub before: u64,
    /// The revision after; the same where nothing differs.
    pub after: u64,
    /// The documents that differ, the kinds and their ids in order.
    pub documents: Vec<DocumentDifference>,
}

/// How a document differs.
#[derive(Clone, Debug)]
pub struct DocumentDifference {
    /// What it describes.
    pub kind: Kind,
    /// Its id.
    pub id: Uuid,
    /// Its name for people: of a node its name, of a virtual proxy its description.
    pub name: String,
    /// What happened to it.
    pub change: DocumentChange,
    /// The fields that differ, secrets masked.
    pub fields: Vec<Difference>,
}

/// What happened to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentChange {
    /// It is new.
    Created,
    /// It is gone.
    Deleted,
    /// It is another.
    Updated,
}

impl Management {
    /// Checks a draft as a whole and says what applying it would change. Changes nothing.
    ///
    /// # Errors
    /// Those of [`Self::apply_draft`].
    pub fn compare_draft(
        &self,
        actor: &Actor,
        draft: &Draft,
        now: Timestamp,
    ) -> Result<Comparison, ManageError> {
        let current = self.snapshot();
        let mut changes = changes_of(draft, &current)?;
        if changes.is_empty() {
            return Ok(Comparison {
                before: current.revision,
                after: current.revision,
                documents: Vec::new(),
            });
        }
        let intent = intent(actor, "", now)?;
        stamp(&mut changes, &current.documents, &intent);
        let next = check(&current, &changes, actor)?;
        Ok(compare(&current, &next))
    }

    /// Makes all changes of a draft in one save, or none; no save at all when nothing differs.
    ///
    /// # Errors
    /// [`ManageError::Outdated`] when the draft is based on another revision than the current one;
    /// [`ManageError::Forbidden`], [`ManageError::Invalid`] with every field at fault, and
    /// [`ManageError::Unavailable`].
    pub async fn apply_draft(
        &self,
        actor: &Actor,
        draft: Draft,
        note: &str,
        now: Timestamp,
    ) -> Result<Comparison, ManageError> {
        let (intent, actor) = (intent(actor, note, now)?, actor.clone());
        let saved = self.save_over(intent.clone(), move |current| {
            let changes = changes_of(&draft, current)?;
            let mut stamped = changes.clone();
            stamp(&mut stamped, &current.documents, &intent);
            check(current, &stamped, &actor)?;
            Ok(changes)
        });
        let saved = saved.await?;
        Ok(compare(&saved.before, &saved.after))
    }
}

pub(crate) fn compare(before: &Snapshot, after: &Snapshot) -> Comparison {
    let documents = compare_documents(&before.documents, &after.documents);
    Comparison {
        before: before.revision,
        after: after.revision,
        documents,
    }
}

/// What differs, document by document.
pub(crate) fn compare_documents(before: &Documents, after: &Documents) -> Vec<DocumentDifference> {
    let all = Document::all(before).chain(Document::all(after));
    let mut ids: Vec<(Kind, Uuid)> = all
        .map(|document| (document.kind(), document.id()))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let mut documents = Vec::new();
    for (kind, id) in ids {
        let old = Document::find(before, kind, id);
        let new = Document::find(after, kind, id);
        if old == new {
            continue;
        }
        let fields = differences(old.as_ref(), new.as_ref());
        let change = match (&old, &new) {
            (None, _) => DocumentChange::Created,
            (_, None) => DocumentChange::Deleted,
            // Only the dates differ.
            _ if fields.is_empty() => continue,
            _ => DocumentChange::Updated,
        };
        let name = match (&new, &old) {
            (Some(document), _) => name_of(document, after),
            (None, Some(document)) => name_of(document, before),
            (None, None) => String::new(),
        };
        documents.push(DocumentDifference {
            kind,
            id,
            name,
            change,
            fields,
        });
    }
    documents
}

/// A note is one line of a list.
pub(crate) fn check_note(note: &str) -> Result<(), ManageError> {
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

fn changes_of(draft: &Draft, current: &Snapshot) -> Result<Vec<Change>, ManageError> {
    if draft.base.is_some_and(|base| base != current.revision) {
        return Err(ManageError::Outdated {
            base: draft.base.unwrap_or_default(),
            current: current.revision,
        });
    }
    match &draft.content {
        DraftContent::Changes(changes) => Ok(changes.clone()),
        DraftContent::Configuration(file) => Ok(file::plan(file, &current.documents)?),
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
    let mut named = FieldErrors::default();
    let mut left = error.0;
    for change in changes {
        let Change::Put(document) = change else {
            continue;
        };
        let label = format!("{} \"{}\"", document.kind(), name_of(document, &next));
        for found in rules::check_alone(document, &current.documents, &next).0 {
            if let Some(at) = left.iter().position(|error| *error == found) {
                left.remove(at);
                named.push(format!("{label}: {}", found.field), found.problem);
            }
        }
    }
    named.0.extend(left);
    Err(named.into())
}

/// What people call a document. A proxy has the name of its node.
fn name_of(document: &Document, documents: &Documents) -> String {
    match document {
        Document::ProxyService(proxy) => {
            let node = documents.nodes.get(&proxy.server_node_configuration);
            node.map(|node| node.name.clone()).unwrap_or_default()
        }
        Document::VirtualProxy(vp) if vp.description.is_empty() => vp.prefix.clone(),
        document => document.display_name(),
    }
}

#[cfg(test)]
mod tests;
