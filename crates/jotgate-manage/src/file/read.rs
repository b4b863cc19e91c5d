//! From the file to the changes that it asks for.

use std::collections::HashSet;

use jotgate_model::{Documents, FieldErrors};
use jotgate_repository::{Change, Document, Kind, SECRET_FIELDS};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::deletions::deletions;
use super::names::{Names, prefix_key};
use super::write::{row, without_nulls};
use super::{FORMAT, KEEP, KINDS, METADATA, OPAQUE, SERVICE_CLUSTER, refers_to, section};

/// How many documents a file may have.
pub const MAX_DOCUMENTS: usize = 20_000;
/// How many mistakes are told at once.
const MAX_ERRORS: usize = 50;

/// The changes that make the stored documents what the file says; none when they are. What the file
/// does not have is deleted, but for proxies, which stay.
pub(crate) fn plan(
    file: &Map<String, Value>,
    documents: &Documents,
) -> Result<Vec<Change>, FieldErrors> {
    let mut errors = FieldErrors::default();
    check_frame(file, &mut errors);
    let mut entries = Vec::new();
    for kind in KINDS {
        entries.extend(tables(file, kind, &mut errors));
    }
    if entries.len() > MAX_DOCUMENTS {
        let problem = format!("has more than {MAX_DOCUMENTS} documents");
        errors.push("the configuration", problem);
    }
    stop_at(&errors)?;
    let mut reader = Reader::new(documents);
    reader.recognise(&mut entries, &mut errors);
    stop_at(&errors)?;
    let mut changes = Vec::new();
    for entry in &entries {
        if let Some(document) = reader.document(entry, &mut errors)
            && Document::find(documents, entry.kind, entry.id).as_ref() != Some(&document)
        {
            changes.push(Change::Put(document));
        }
    }
    stop_at(&errors)?;
    let described = entries.iter().map(|entry| (entry.kind, entry.id));
    changes.extend(deletions(&described.collect(), documents));
    Ok(changes)
}

/// One table of the file.
struct Entry<'a> {
    kind: Kind,
    table: &'a Map<String, Value>,
    /// For people: `virtualProxy "jwt"`.
    label: String,
    /// What tells it from others of its kind.
    key: String,
    /// The stored document that it describes, or a new one.
    id: Uuid,
}

fn check_frame(file: &Map<String, Value>, errors: &mut FieldErrors) {
    if file.get("format").and_then(Value::as_u64) != Some(FORMAT) {
        let problem = format!("must be {FORMAT}, the only form that this version knows");
        errors.push("format", problem);
    }
    let known = |name: &str| name == "format" || KINDS.iter().any(|kind| section(*kind) == name);
    for name in file.keys().filter(|name| !known(name)) {
        let problem = "is no section; use tag, customProperty, node, proxy and virtualProxy";
        errors.push(shortened(name), problem);
    }
}

fn tables<'a>(
    file: &'a Map<String, Value>,
    kind: Kind,
    errors: &mut FieldErrors,
) -> Vec<Entry<'a>> {
    let name = section(kind);
    let items: &[Value] = match file.get(name) {
        None => &[],
        Some(Value::Array(items)) => items,
        Some(_) => {
            errors.push(name, format!("must be a list of tables: [[{name}]]"));
            &[]
        }
    };
    let mut entries = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        let Value::Object(table) = item else {
            errors.push(format!("{name}[{i}]"), "must be a table");
            continue;
        };
        let text = |member: &str| {
            table
                .get(member)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let key = match kind {
            Kind::CustomProperty | Kind::Node | Kind::Tag => text("name").to_owned(),
            Kind::ProxyService => text("serverNodeConfiguration").to_owned(),
            Kind::VirtualProxy => prefix_key(text("prefix")),
        };
        let label = format!("{name} \"{}\"", shortened(&key));
        let id = table
            .get("id")
            .map(|id| id.as_str().and_then(|id| id.parse().ok()));
        if id == Some(None) {
            errors.push(format!("{label}: id"), "must be a UUID, or left out");
        }
        entries.push(Entry {
            kind,
            table,
            label,
            key,
            id: id.flatten().unwrap_or_default(),
        });
    }
    entries
}

/// What documents of a file are called, and what is stored.
struct Reader<'a> {
    stored: &'a Documents,
    names: Names,
}

impl<'a> Reader<'a> {
    fn new(stored: &'a Documents) -> Self {
        Self {
            stored,
            names: Names::default(),
        }
    }

    /// Finds the stored document of each entry, or gives it a new id, and learns what the entries
    /// call each other.
    fn recognise(&mut self, entries: &mut [Entry<'_>], errors: &mut FieldErrors) {
        let known = Names::of_documents(self.stored);
        for kind in KINDS {
            let (mut ids, mut keys) = (HashSet::new(), HashSet::new());
            for entry in entries.iter_mut().filter(|entry| entry.kind == kind) {
                if entry.id.is_nil() {
                    if !keys.insert(entry.key.clone()) {
                        let problem = "is there twice; give each its id, or another name";
                        errors.push(entry.label.clone(), problem);
                    }
                    let found = known.find(kind, &entry.key);
                    let found = found.filter(|id| Document::find(self.stored, kind, *id).is_some());
                    entry.id = found.unwrap_or_else(Uuid::new_v4);
                }
                if !ids.insert(entry.id) {
                    let problem = "is the same document as another table; remove one of them";
                    errors.push(entry.label.clone(), problem);
                }
            }
            let named = entries.iter().filter(|entry| entry.kind == kind);
            let keys = named.map(|entry| (entry.id, entry.key.clone())).collect();
            self.names.learn(kind, keys);
        }
    }

    /// The document that an entry describes. What it leaves out has its default, what the server
    /// fills in stays.
    fn document(&self, entry: &Entry<'_>, errors: &mut FieldErrors) -> Option<Document> {
        let before = errors.0.len();
        let stored = Document::find(self.stored, entry.kind, entry.id);
        let stored = stored.map(|document| document.to_value());
        let mut whole = Document::default_of(entry.kind).to_value();
        let members = whole.as_object_mut()?;
        keep_what_the_server_fills_in(members, stored.as_ref());
        if stored.is_none() {
            members.insert("id".to_owned(), Value::from(entry.id.to_string()));
            if entry.kind == Kind::Node {
                let cluster = self.stored.nodes.values().find(|node| node.is_central);
                let cluster = cluster.map(|node| node.service_cluster).unwrap_or_default();
                let cluster = Value::from(cluster.to_string());
                members.insert(SERVICE_CLUSTER.to_owned(), cluster);
            }
        }
        for (name, value) in entry.table {
            if name == "id" {
                continue;
            }
            let field = format!("{}: {}", entry.label, shortened(name));
            let stored = stored.as_ref().and_then(|stored| stored.get(name));
            match self.property(entry.kind, name, value, stored) {
                Ok(value) => {
                    members.insert(name.clone(), value);
                }
                Err(problem) => errors.push(field, problem),
            }
        }
        if errors.0.len() > before {
            return None;
        }
        errors.take(entry.label.clone(), Document::from_value(entry.kind, whole))
    }

    /// The value of a property as a document has it.
    fn property(
        &self,
        kind: Kind,
        name: &str,
        value: &Value,
        stored: Option<&Value>,
    ) -> Result<Value, String> {
        let mut alone = Document::default_of(kind).to_value();
        let settable = !METADATA.contains(&name) && name != SERVICE_CLUSTER;
        let Some(place) = alone.get_mut(name).filter(|_| settable) else {
            return Err(format!("is no property of a {kind}; look at the manual"));
        };
        let value = match name {
            "customProperties" => with_stored_rows(&self.custom_properties(value)?, stored),
            "serverNodeConfiguration" => self.reference(Kind::Node, value)?,
            "settings" => self.settings(value, stored)?,
            name if SECRET_FIELDS.contains(&name) => secret(value, stored)?,
            name if OPAQUE.contains(&name) => {
                let same = stored.filter(|stored| without_nulls(stored) == *value);
                same.unwrap_or(value).clone()
            }
            name => match refers_to(name) {
                Some(kind) => self.references(kind, value)?,
                None => with_stored_rows(value, stored),
            },
        };
        *place = value.clone();
        let read = Document::from_value(kind, alone).map_err(|error| error.to_string())?;
        let read = read.to_value();
        check_members(&value, &read[name], "")?;
        Ok(value)
    }

    /// The order of links says nothing: that of the stored ones stays.
    fn settings(&self, value: &Value, stored: Option<&Value>) -> Result<Value, String> {
        let mut value = value.clone();
        if let Some(links) = value.get_mut("virtualProxies") {
            let found = self
                .references(Kind::VirtualProxy, links)
                .map_err(|problem| format!("virtualProxies: {problem}"))?;
            let stored = stored.and_then(|stored| stored.get("virtualProxies"));
            let set = |links: &Value| -> HashSet<Value> {
                links.as_array().into_iter().flatten().cloned().collect()
            };
            let same = stored.filter(|stored| set(stored) == set(&found));
            *links = same.cloned().unwrap_or(found);
        }
        Ok(value)
    }
}

impl Reader<'_> {
    /// The values of custom properties: each names its definition.
    fn custom_properties(&self, value: &Value) -> Result<Value, String> {
        let mut value = value.clone();
        for row in value.as_array_mut().into_iter().flatten() {
            if let Some(definition) = row.get_mut("definition") {
                *definition = self.reference(Kind::CustomProperty, definition)?;
            }
        }
        Ok(value)
    }

    fn references(&self, kind: Kind, value: &Value) -> Result<Value, String> {
        let Value::Array(items) = value else {
            return Err("must be a list of names".to_owned());
        };
        let ids = items.iter().map(|item| self.reference(kind, item));
        let mut ids: Vec<Value> = ids.collect::<Result<_, _>>()?;
        let mut seen = HashSet::new();
        ids.retain(|id| seen.insert(id.clone()));
        Ok(Value::Array(ids))
    }

    fn reference(&self, kind: Kind, value: &Value) -> Result<Value, String> {
        let Value::String(name) = value else {
            return Err(format!("must be the name of a {kind}"));
        };
        let found = self.names.find(kind, name).ok_or_else(|| {
            let name = shortened(name);
            format!("there is no {kind} \"{name}\" in the configuration; correct it, or add one")
        })?;
        Ok(Value::from(found.to_string()))
    }
}

fn keep_what_the_server_fills_in(members: &mut Map<String, Value>, stored: Option<&Value>) {
    for name in METADATA.iter().copied().chain([SERVICE_CLUSTER]) {
        if let Some(value) = stored.and_then(|stored| stored.get(name)) {
            members.insert(name.to_owned(), value.clone());
        }
    }
}

/// A secret is a text, or stays what it is.
fn secret(value: &Value, stored: Option<&Value>) -> Result<Value, String> {
    let keeps = |members: &Map<String, Value>| {
        members.len() == 1 && members.get(KEEP) == Some(&Value::Bool(true))
    };
    match value {
        Value::String(text) => Ok(Value::from(text.clone())),
        Value::Object(members) if keeps(members) => {
            let stored = stored.filter(|stored| stored.as_str() != Some(""));
            stored.cloned().ok_or_else(|| {
                "is to be kept, and nothing is stored; name a { file = \"...\" } or { env = \"...\" }"
                    .to_owned()
            })
        }
        _ => Err("must be { file = \"...\" }, { env = \"...\" } or { keep = true }".to_owned()),
    }
}

/// A row that says what a stored one says is that one, with its id and dates.
pub(crate) fn with_stored_rows(value: &Value, stored: Option<&Value>) -> Value {
    let (Value::Array(rows), Some(Value::Array(stored))) = (value, stored) else {
        return value.clone();
    };
    let mut left: Vec<&Value> = stored.iter().collect();
    let rows = rows.iter().map(|wanted| {
        let same = left.iter().position(|stored| row(stored) == row(wanted));
        same.map_or(wanted, |at| left.remove(at)).clone()
    });
    rows.collect()
}

/// A member that was not read is a mistyped one: nothing in a file is ignored.
pub(crate) fn check_members(written: &Value, read: &Value, path: &str) -> Result<(), String> {
    match (written, read) {
        (Value::Object(written), Value::Object(read)) => {
            for (name, value) in written {
                let path = format!("{path}.{}", shortened(name));
                let Some(read) = read.get(name) else {
                    let path = path.trim_start_matches('.');
                    return Err(format!("{path} is no property"));
                };
                check_members(value, read, &path)?;
            }
            Ok(())
        }
        (Value::Array(written), Value::Array(read)) => {
            for (i, (written, read)) in written.iter().zip(read).enumerate() {
                check_members(written, read, &format!("{path}[{i}]"))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Everything that follows from a mistake would only hide it.
fn stop_at(errors: &FieldErrors) -> Result<(), FieldErrors> {
    if errors.is_empty() {
        return Ok(());
    }
    let told = errors.0.iter().take(MAX_ERRORS).cloned();
    Err(FieldErrors(told.collect()))
}

/// What somebody wrote, short enough for a sentence.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}
