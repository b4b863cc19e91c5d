//! Single changes, as programs write them: the properties of a document that are to be others, or a
//! document that is to go.

use jotgate_model::{Documents, FieldErrors};
use jotgate_repository::{Change, Document, Kind, MASK, SECRET_FIELDS};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::base::steps;
use crate::ManageError;
use crate::documents::{completed, without_references};
use crate::file::{METADATA, SERVICE_CLUSTER, check_members, shortened, with_stored_rows};

/// How many changes one draft may have.
pub const MAX_EDITS: usize = 20_000;
/// How many mistakes are told at once.
const MAX_ERRORS: usize = 50;

/// One change of one document.
#[derive(Clone)]
pub enum Edit {
    /// Gives a document these properties; others stay, and secrets with them. A new document has the
    /// defaults.
    Put {
        /// Of this kind.
        kind: Kind,
        /// Which one. One that is not there yet is created under this id, or without it under a new
        /// one.
        id: Option<Uuid>,
        /// The properties, with the names and in the form of a difference.
        properties: Map<String, Value>,
    },
    /// Removes a document, and what refers to it where that can be.
    Delete {
        /// Of this kind.
        kind: Kind,
        /// Which one.
        id: Uuid,
    },
}

/// The changes that the edits ask for, one after the other, of the stored documents; none when they
/// change nothing.
pub(super) fn plan(edits: &[Edit], documents: &Documents) -> Result<Vec<Change>, ManageError> {
    if edits.len() > MAX_EDITS {
        let problem = format!("has more than {MAX_EDITS} entries");
        return Err(ManageError::field("changes", problem));
    }
    let mut next = documents.clone();
    let mut errors = FieldErrors::default();
    for (at, edit) in edits.iter().enumerate() {
        if errors.0.len() >= MAX_ERRORS {
            break;
        }
        let label = format!("changes[{at}]");
        match edit {
            Edit::Put {
                kind,
                id,
                properties,
            } => {
                let document = document(&label, *kind, *id, properties, &next, &mut errors);
                if let Some(document) = document {
                    Change::Put(completed(document, &next)).apply_to(&mut next);
                }
            }
            Edit::Delete { kind, id } => {
                if Document::find(&next, *kind, *id).is_none() {
                    errors.push(label, format!("there is no {kind} with the id {id}"));
                    continue;
                }
                let mut changes = without_references(*kind, &[*id], &next);
                changes.push(Change::Delete {
                    kind: *kind,
                    id: *id,
                });
                for change in changes {
                    change.apply_to(&mut next);
                }
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    Ok(steps(documents, &next))
}

/// The document with its new properties.
fn document(
    label: &str,
    kind: Kind,
    id: Option<Uuid>,
    properties: &Map<String, Value>,
    documents: &Documents,
    errors: &mut FieldErrors,
) -> Option<Document> {
    let before = errors.0.len();
    let stored = id.and_then(|id| Document::find(documents, kind, id));
    let base = stored.unwrap_or_else(|| Document::default_of(kind));
    let mut whole = base.to_value();
    let members = whole.as_object_mut()?;
    for (name, value) in properties {
        let field = || format!("{label}.{}", shortened(name));
        match property(kind, name, value, members.get(name)) {
            Ok(value) => drop(members.insert(name.clone(), value)),
            Err(problem) => errors.push(field(), problem),
        }
    }
    if errors.0.len() > before {
        return None;
    }
    let id = id.unwrap_or_else(Uuid::new_v4);
    members.insert("id".to_owned(), Value::from(id.to_string()));
    errors.take(label, Document::from_value(kind, whole))
}

/// A value that the property can have. Nothing of it is ignored.
fn property(
    kind: Kind,
    name: &str,
    value: &Value,
    stored: Option<&Value>,
) -> Result<Value, String> {
    if METADATA.contains(&name) || name == SERVICE_CLUSTER {
        return Err("is filled in by the gateway; leave it out".to_owned());
    }
    if SECRET_FIELDS.contains(&name) && value == MASK {
        return Err("is what stands for a secret; leave it out to keep the stored one".to_owned());
    }
    let mut alone = Document::default_of(kind).to_value();
    let Some(place) = alone.get_mut(name) else {
        return Err(format!("is no property of a {kind}; look at the manual"));
    };
    *place = value.clone();
    let read = Document::from_value(kind, alone).map_err(|error| error.to_string())?;
    check_members(value, &read.to_value()[name], "")?;
    Ok(with_stored_rows(value, stored))
}
