//! What a save is in the trail: one row for each document that it changes.

use serde_json::{Map, Value};

use super::{AuditEntry, Outcome, Subject};
use crate::difference::differences;
use crate::{Change, ChangeSet, Document};

/// The entry for a change of the document that was stored as `before`. Only what differs is in it,
/// with secrets masked; of a document that is new or deleted, what differs from the defaults.
pub(crate) fn change_entry(
    set: &ChangeSet,
    revision: u64,
    change: &Change,
    before: Option<&str>,
) -> AuditEntry {
    let (kind, id) = (change.kind(), change.id().to_string());
    let was_there = before.is_some();
    // What cannot be read any more has no fields to show.
    let before = before.and_then(|json| Document::decode(kind, &id, json).ok());
    let after = match change {
        Change::Put(document) => Some(document),
        Change::Delete { .. } => None,
    };
    let (mut old, mut new) = (Map::new(), Map::new());
    for difference in differences(before.as_ref(), after) {
        old.insert(difference.field.clone(), difference.before);
        new.insert(difference.field, difference.after);
    }
    let named = after.or(before.as_ref());
    let some = |fields: Map<String, Value>, is_there: bool| is_there.then_some(fields);
    AuditEntry {
        at: set.at,
        actor: set.author.clone(),
        action: match (was_there, after) {
            (false, _) => "configuration.create",
            (true, Some(_)) => "configuration.update",
            (true, None) => "configuration.delete",
        },
        subject: Subject {
            kind: kind.name().to_owned(),
            id,
            name: named.map(Document::display_name).unwrap_or_default(),
        },
        revision: Some(revision),
        before: some(old, was_there),
        after: some(new, after.is_some()),
        outcome: Outcome::Done,
        reason: set.note.clone(),
    }
}
