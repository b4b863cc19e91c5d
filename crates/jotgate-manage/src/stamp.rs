//! Dates, authors and ids that the server fills in.

use std::sync::Arc;

use jotgate_model::entity::{
    AttributeMapItem, CustomPropertyValue, Metadata, ServerNodeConfiguration,
};
use jotgate_model::{Documents, Timestamp};
use jotgate_repository::{Change, Document};
use uuid::Uuid;

use crate::labels::{labels, labels_mut};
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
        if !labels(document).1.is_empty()
            && let Some((_, values)) = labels_mut(document)
        {
            let stored = stored.as_ref().map_or(&[][..], |stored| labels(stored).1);
            stamp_rows(values, stored, intent);
        }
        if let Document::Node(document) = document {
            let stored = documents.nodes.get(&id);
            note_drain(
                Arc::make_mut(document),
                stored.map(|node| &**node),
                intent.now,
            );
        }
        if let Document::VirtualProxy(document) = document {
            let stored = documents.virtual_proxies.get(&id);
            let stored = stored.map_or(&[][..], |stored| &stored.jwt_attribute_map);
            stamp_rows(
                &mut Arc::make_mut(document).jwt_attribute_map,
                stored,
                intent,
            );
        }
    }
}

/// Notes since when a node is drained: sessions that are older may stay with it.
fn note_drain(
    draft: &mut ServerNodeConfiguration,
    stored: Option<&ServerNodeConfiguration>,
    now: Timestamp,
) {
    draft.draining_since = match stored {
        _ if !draft.draining => Timestamp::NEVER,
        Some(stored) if stored.draining => stored.draining_since,
        _ => now,
    };
}

/// A row of a document that has an id and dates of its own.
trait Row {
    fn metadata(&self) -> &Metadata;
    fn metadata_mut(&mut self) -> &mut Metadata;
    /// Whether both say the same, whatever their dates.
    fn says_the_same(&self, other: &Self) -> bool;
}

impl Row for AttributeMapItem {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    fn says_the_same(&self, other: &Self) -> bool {
        self.jwt_attribute == other.jwt_attribute
            && self.sense_attribute == other.sense_attribute
            && self.is_mandatory == other.is_mandatory
    }
}

impl Row for CustomPropertyValue {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    fn says_the_same(&self, other: &Self) -> bool {
        self.value == other.value && self.definition == other.definition
    }
}

/// Rows that did not change keep their dates.
fn stamp_rows<R: Row>(rows: &mut [R], stored: &[R], intent: &Intent) {
    for row in rows {
        if row.metadata().id.is_nil() {
            row.metadata_mut().id = Uuid::new_v4();
        }
        let id = row.metadata().id;
        let stored = stored.iter().find(|stored| stored.metadata().id == id);
        match stored.filter(|stored| stored.says_the_same(row)) {
            Some(stored) => row.metadata_mut().clone_from(stored.metadata()),
            None => stamp_one(row.metadata_mut(), stored.map(R::metadata), intent),
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

#[cfg(test)]
mod tests;
