//! From documents to the file.

use jotgate_model::Documents;
use jotgate_repository::{Document, Kind, SECRET_FIELDS};
use serde_json::{Map, Value, json};

use super::names::Names;
use super::{FORMAT, KEEP, KINDS, METADATA, OPAQUE, SERVICE_CLUSTER, refers_to, section};

/// Writes the whole configuration: the central node and the default virtual proxy first, everything
/// else by its name.
#[must_use]
pub fn export(documents: &Documents) -> Map<String, Value> {
    let names = Names::of_documents(documents);
    let mut file = Map::new();
    file.insert("format".to_owned(), Value::from(FORMAT));
    for kind in KINDS {
        let mut sorted: Vec<Document> = Document::all_of(documents, kind).collect();
        sorted.sort_by_cached_key(|document| {
            let first = match document {
                Document::Node(node) => node.is_central,
                Document::VirtualProxy(vp) => vp.default_virtual_proxy,
                _ => false,
            };
            (!first, names.key(document), document.id())
        });
        let tables: Vec<Value> = sorted
            .iter()
            .map(|document| table(document, &names))
            .collect();
        if !tables.is_empty() {
            file.insert(section(kind).to_owned(), Value::Array(tables));
        }
    }
    file
}

/// One of the documents, as it stands in the file.
#[must_use]
pub fn export_one(documents: &Documents, document: &Document) -> Map<String, Value> {
    match table(document, &Names::of_documents(documents)) {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The properties of a document that differ from the default.
fn table(document: &Document, names: &Names) -> Value {
    let kind = document.kind();
    let mut table = prune(&document.to_value(), &Document::default_of(kind).to_value());
    if let Value::Object(members) = &mut table {
        members.shift_remove(SERVICE_CLUSTER);
        for (name, value) in members.iter_mut() {
            name_references(name, value, names);
        }
        if !names.tells(kind, document.id()) {
            members.insert("id".to_owned(), Value::from(document.id().to_string()));
        }
    }
    table
}

/// Puts names where a document has ids.
fn name_references(property: &str, value: &mut Value, names: &Names) {
    let name = |kind: Kind, value: &mut Value| {
        if let Some(id) = value.as_str().and_then(|id| id.parse().ok()) {
            *value = Value::from(names.of(kind, id));
        }
    };
    match (property, value) {
        ("customProperties", Value::Array(rows)) => {
            for definition in rows.iter_mut().filter_map(|row| row.get_mut("definition")) {
                name(Kind::CustomProperty, definition);
            }
        }
        ("settings", settings) => {
            if let Some(Value::Array(links)) = settings.get_mut("virtualProxies") {
                links
                    .iter_mut()
                    .for_each(|link| name(Kind::VirtualProxy, link));
                links.sort_by_key(|link| link.as_str().map(str::to_owned));
            }
        }
        (property, value) => match (refers_to(property), value) {
            (Some(kind), Value::Array(items)) => {
                items.iter_mut().for_each(|item| name(kind, item));
            }
            (Some(kind), value) => name(kind, value),
            (None, _) => {}
        },
    }
}

/// What of an object is not in `default`, without what the server fills in and without secrets.
fn prune(value: &Value, default: &Value) -> Value {
    let Value::Object(members) = value else {
        return value.clone();
    };
    let mut kept = Map::new();
    for (name, value) in members {
        let default = default.get(name);
        if METADATA.contains(&name.as_str()) || Some(value) == default {
            continue;
        }
        let value = match value {
            Value::String(_) if SECRET_FIELDS.contains(&name.as_str()) => json!({KEEP: true}),
            Value::Array(items) if OPAQUE.contains(&name.as_str()) => {
                items.iter().map(without_nulls).collect()
            }
            Value::Array(items) => items.iter().map(row).collect(),
            Value::Object(_) => prune(value, default.unwrap_or(&Value::Null)),
            value => value.clone(),
        };
        kept.insert(name.clone(), value);
    }
    Value::Object(kept)
}

/// A row of a list, without ids, dates and what is not set. The defaults of rows are all empty.
pub(super) fn row(item: &Value) -> Value {
    let Value::Object(members) = item else {
        return item.clone();
    };
    let is_set = |value: &Value| *value != json!("") && *value != json!(false);
    let members = members.iter();
    let kept = members.filter(|(name, value)| !METADATA.contains(&name.as_str()) && is_set(value));
    Value::Object(kept.map(|(n, v)| (n.clone(), v.clone())).collect())
}

/// Files have no `null`; a member that is `null` says as much as one that is not there.
pub(super) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Array(items) => items
            .iter()
            .filter(|value| !value.is_null())
            .map(without_nulls)
            .collect(),
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(n, v)| (n.clone(), without_nulls(v))).collect())
        }
        value => value.clone(),
    }
}
