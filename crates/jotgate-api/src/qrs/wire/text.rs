//! Documents straight to the text that QRS answers, for lists of many. What it writes is what
//! [`Writer::write`] makes, member by member; a test compares them for every type.

use std::collections::HashMap;

use jotgate_manage::Document;
use serde_json::{Error, Map, Value};
use uuid::Uuid;

use super::members::Members;
use super::shape::{Enumeration, Kind, Property, Target};
use super::write::{Form, Writer, privileges_of};
use crate::qrs::entity::EntityType;

/// Writes documents of one type in one form.
pub(in crate::qrs) struct TextWriter<'w, 'a> {
    writer: &'w mut Writer<'a>,
    members: Members,
    steps: Vec<Step>,
    /// What every entity ends with.
    end: String,
    /// The condensed forms of what was referred to.
    references: HashMap<Uuid, Vec<u8>>,
}

/// A property that is written.
struct Step {
    property: &'static Property,
    /// `"name":`, with a comma where one belongs.
    before: String,
    /// Where the member was in the document before.
    hint: usize,
}

impl<'w, 'a> TextWriter<'w, 'a> {
    /// For documents of that type, in that form.
    pub(in crate::qrs) fn new(writer: &'w mut Writer<'a>, entity: EntityType, form: Form) -> Self {
        let shape = entity.shape();
        let is_shown = |property: &&Property| form == Form::Full || shape.is_condensed(property);
        let shown = shape.all().filter(is_shown).enumerate();
        let steps = shown.map(|(at, property)| Step {
            property,
            before: format!("{}\"{}\":", if at == 0 { "{" } else { "," }, property.name),
            hint: at,
        });
        let privileges = privileges_of(entity, writer.with_privileges);
        let schema = match form {
            Form::Condensed => String::new(),
            Form::Full => format!(",\"schemaPath\":\"{}\"", shape.name),
        };
        Self {
            steps: steps.collect(),
            end: format!(",\"privileges\":{privileges}{schema}}}"),
            members: Members::default(),
            references: HashMap::new(),
            writer,
        }
    }

    /// Writes one document behind what `out` has.
    ///
    /// # Errors
    /// A document that is no JSON; there is none.
    pub(in crate::qrs) fn write(
        &mut self,
        document: &Document,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.members.read(document, None)?;
        for step in &mut self.steps {
            out.extend_from_slice(step.before.as_bytes());
            let member = self.members.get(step.property.name, &mut step.hint);
            let member = member.unwrap_or(b"null");
            match step.property.kind {
                Kind::Boolean
                | Kind::Date
                | Kind::Guid
                | Kind::Number { .. }
                | Kind::Opaque
                | Kind::Text { .. }
                | Kind::Texts { .. } => out.extend_from_slice(member),
                Kind::Enumeration(of) => out.extend_from_slice(number(of, member).as_bytes()),
                Kind::Items(_) | Kind::References(_) if member == b"[]" => {
                    out.extend_from_slice(member);
                }
                Kind::References(target) => {
                    let ids: Vec<Uuid> = serde_json::from_slice(member)?;
                    write_references(self.writer, &mut self.references, target, &ids, out)?;
                }
                kind => {
                    let value = self.writer.value(kind, serde_json::from_slice(member)?);
                    serde_json::to_writer(&mut *out, &value)?;
                }
            }
        }
        out.extend_from_slice(self.end.as_bytes());
        Ok(())
    }
}

impl Writer<'_> {
    /// These members of a document alone, as [`Writer::write`] shows them: what a filter looks at.
    ///
    /// # Errors
    /// A document that is no JSON; there is none.
    pub(in crate::qrs) fn excerpt(
        &mut self,
        entity: EntityType,
        document: &Document,
        names: &[&str],
    ) -> Result<Value, Error> {
        let mut members = Members::default();
        members.read(document, Some(names))?;
        let mut excerpt = Map::new();
        for property in entity.shape().all().filter(|p| names.contains(&p.name)) {
            let member = members.get(property.name, &mut 0).unwrap_or(b"null");
            let value = self.value(property.kind, serde_json::from_slice(member)?);
            excerpt.insert(property.name.to_owned(), value);
        }
        Ok(Value::Object(excerpt))
    }
}

fn write_references(
    writer: &mut Writer<'_>,
    known: &mut HashMap<Uuid, Vec<u8>>,
    target: Target,
    ids: &[Uuid],
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let mut between = b'[';
    for id in ids {
        if !known.contains_key(id) {
            let shown = writer.reference(target, &Value::from(id.to_string()));
            let shown = if shown.is_null() {
                Vec::new()
            } else {
                serde_json::to_vec(&shown)?
            };
            known.insert(*id, shown);
        }
        // What leads into nothing is not shown.
        if let Some(shown) = known.get(id).filter(|shown| !shown.is_empty()) {
            out.push(between);
            out.extend_from_slice(shown);
            between = b',';
        }
    }
    if between == b'[' {
        out.push(b'[');
    }
    out.push(b']');
    Ok(())
}

/// The number of what a document calls by its name.
fn number(of: &Enumeration, member: &[u8]) -> String {
    let name = member
        .strip_prefix(b"\"")
        .and_then(|m| m.strip_suffix(b"\""));
    let mut values = of.values.iter();
    match values.find(|(_, known)| Some(known.as_bytes()) == name) {
        Some((number, _)) => number.to_string(),
        None => "null".to_owned(),
    }
}

#[cfg(test)]
mod tests;
