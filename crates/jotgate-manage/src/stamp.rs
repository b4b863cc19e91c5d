//! Dates, authors and ids that the server fills in.

use std::sync::Arc;

use jotgate_model::entity::{AttributeMapItem, Metadata};
use jotgate_model::{Documents, Timestamp};
use jotgate_repository::{Change, Document};
use uuid::Uuid;

use crate::management::Intent;

/// Fills in the metadata of every document that is written.
pub(crate) fn stamp(changes: &mut [Change], documents: &Documents, intent: &Intent) {
    for change in changes {
        let Change::Put(document) = change else {
            continue;
        };
        let id = document.id();
        let stored = Document::find(documents, document.kind(), id);
        stamp_one(
            document.metadata_mut(),
            stored.as_ref().map(Document::metadata),
            intent,
        );
        if let Document::VirtualProxy(document) = document {
            let stored = documents.virtual_proxies.get(&id);
            let stored_rows = stored.map_or(&[][..], |d| &d.jwt_attribute_map);
            for row in &mut Arc::make_mut(document).jwt_attribute_map {
                stamp_row(row, stored_rows, intent);
            }
        }
    }
}

/// A change is always later than the one before it, whatever the clock says: the date is the
/// version that the next change must be based on.
fn stamp_one(metadata: &mut Metadata, stored: Option<&Metadata>, intent: &Intent) {
    metadata.created_date = stored.map_or(intent.now, |stored| stored.created_date);
    metadata.modified_date = stored.map_or(intent.now, |stored| {
        let next = stored.modified_date.as_millis().saturating_add(1);
        intent.now.max(Timestamp::from_millis(next))
    });
    metadata
        .modified_by_user_name
        .clone_from(&intent.actor.name);
}

/// A row that did not change keeps its dates.
fn stamp_row(row: &mut AttributeMapItem, stored: &[AttributeMapItem], intent: &Intent) {
    if row.metadata.id.is_nil() {
        row.metadata.id = Uuid::new_v4();
    }
    let stored = stored.iter().find(|s| s.metadata.id == row.metadata.id);
    let unchanged = stored.filter(|stored| {
        stored.jwt_attribute == row.jwt_attribute
            && stored.sense_attribute == row.sense_attribute
            && stored.is_mandatory == row.is_mandatory
    });
    match unchanged {
        Some(stored) => row.metadata.clone_from(&stored.metadata),
        None => stamp_one(&mut row.metadata, stored.map(|s| &s.metadata), intent),
    }
}

#[cfg(test)]
mod tests;
