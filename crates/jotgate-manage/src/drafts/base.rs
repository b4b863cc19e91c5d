//! The revision that a draft was made from, and what others have changed since.

use std::collections::BTreeMap;

use jotgate_model::{Documents, Snapshot};
use jotgate_repository::{Change, Document, Kind, differences};
use serde_json::Value;
use uuid::Uuid;

use super::comparison::name_of;
use crate::ManageError;

/// What a draft was made from.
#[derive(Clone)]
pub(crate) struct Base {
    pub(crate) revision: u64,
    pub(crate) documents: Documents,
}

/// A document that a draft changes, and that others have changed since the draft was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What it describes.
    pub kind: Kind,
    /// Its id.
    pub id: Uuid,
    /// Its name for people.
    pub name: String,
    /// Every field that either of them has changed, secrets masked.
    pub fields: Vec<ConflictField>,
}

/// A field in its three versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictField {
    /// The field with the path to it.
    pub field: String,
    /// What it was in the revision that the draft is based on.
    pub base: Value,
    /// What the draft makes of it.
    pub mine: Value,
    /// What it is now.
    pub theirs: Value,
}

impl Base {
    /// The same changes, made from `current`. What others have changed stays.
    ///
    /// # Errors
    /// [`ManageError::Outdated`] when others have changed a document that the changes are about.
    pub(crate) fn carry_over(
        &self,
        changes: Vec<Change>,
        current: &Snapshot,
    ) -> Result<Vec<Change>, ManageError> {
        let mut mine = self.documents.clone();
        for change in &changes {
            change.apply_to(&mut mine);
        }
        let (mut kept, mut conflicts) = (Vec::new(), Vec::new());
        for change in changes {
            let find = |among: &Documents| Document::find(among, change.kind(), change.id());
            let (base, theirs) = (find(&self.documents), find(&current.documents));
            if same(base.as_ref(), theirs.as_ref()) {
                kept.push(change);
                continue;
            }
            let mine = find(&mine);
            if !same(mine.as_ref(), theirs.as_ref()) {
                let named = theirs.as_ref().or(base.as_ref()).or(mine.as_ref());
                conflicts.push(Conflict {
                    kind: change.kind(),
                    id: change.id(),
                    name: named
                        .map(|document| name_of(document, &current.documents))
                        .unwrap_or_default(),
                    fields: fields(base.as_ref(), mine.as_ref(), theirs.as_ref()),
                });
            }
        }
        if conflicts.is_empty() {
            return Ok(kept);
        }
        Err(ManageError::Outdated {
            base: self.revision,
            current: current.revision,
            conflicts,
        })
    }
}

/// The changes that lead from `current` to `wanted`. Dates do not count. A proxy that is there now
/// stays: none can be deleted.
pub(crate) fn steps(current: &Documents, wanted: &Documents) -> Vec<Change> {
    let mut changes: Vec<Change> = Document::all(wanted)
        .filter(|document| {
            let stored = Document::find(current, document.kind(), document.id());
            !same(stored.as_ref(), Some(document))
        })
        .map(Change::Put)
        .collect();
    let gone = Document::all(current).filter(|document| {
        document.kind() != Kind::ProxyService
            && Document::find(wanted, document.kind(), document.id()).is_none()
    });
    changes.extend(gone.map(|document| Change::Delete {
        kind: document.kind(),
        id: document.id(),
    }));
    changes
}

/// Whether both say the same, whenever they were saved.
fn same(a: Option<&Document>, b: Option<&Document>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) if a == b => true,
        (Some(a), Some(b)) => {
            let mut a = a.clone();
            *a.metadata_mut() = b.metadata().clone();
            a == *b
        }
        (None, None) => true,
        _ => false,
    }
}

fn fields(
    base: Option<&Document>,
    mine: Option<&Document>,
    theirs: Option<&Document>,
) -> Vec<ConflictField> {
    let mut found: BTreeMap<String, ConflictField> = BTreeMap::new();
    for (changed, is_mine) in [(mine, true), (theirs, false)] {
        for difference in differences(base, changed) {
            let field = found
                .entry(difference.field.clone())
                .or_insert_with(|| ConflictField {
                    field: difference.field,
                    mine: difference.before.clone(),
                    theirs: difference.before.clone(),
                    base: difference.before,
                });
            let changed = if is_mine {
                &mut field.mine
            } else {
                &mut field.theirs
            };
            *changed = difference.after;
        }
    }
    found.into_values().collect()
}
