//! Documents straight to the text that QRS answers, for lists of many. What it writes is what
//! [`Writer::write`] makes, member by member; a test compares them for every type.

use std::collections::HashMap;

use jotgate_manage::Document;
use serde_json::{Error, Map, Value};
use uuid::Uuid;

use super::members::Members;
use super::shape::{Enumeration, Kind, Property, Shape, Target};
use super::write::{Form, Writer, entity_of, privileges_of};
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
        let privileges = privileges_of(entity, writer.privileges);
        Self::with_privileges(writer, entity, form, &privileges)
    }

    fn with_privileges(
        writer: &'w mut Writer<'a>,
        entity: EntityType,
        form: Form,
        privileges: &Value,
    ) -> Self {
        let shape = entity.shape();
        let is_shown = |property: &&Property| form == Form::Full || shape.is_condensed(property);
        let shown = shape.all().filter(is_shown).enumerate();
        let steps = shown.map(|(at, property)| Step {
            property,
            before: format!("{}\"{}\":", if at == 0 { "{" } else { "," }, property.name),
            hint: at,
        });
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
                Kind::Object(shape) => {
                    let part = serde_json::from_slice(member)?;
                    write_part(self.writer, &mut self.references, shape, part, out)?;
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

/// A part of an entity, as [`Writer::value`] shows it: a proxy refers to every virtual proxy there is.
fn write_part(
    writer: &mut Writer<'_>,
    known: &mut HashMap<Uuid, Vec<u8>>,
    shape: &Shape,
    mut part: Value,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    out.push(b'{');
    for property in shape.all() {
        serde_json::to_writer(&mut *out, property.name)?;
        out.push(b':');
        let value = part.get_mut(property.name).map(Value::take);
        match (property.kind, value.unwrap_or_default()) {
            (Kind::References(target), value @ Value::Array(_)) => {
                let ids: Vec<Uuid> = serde_json::from_value(value)?;
                write_references(writer, known, target, &ids, out)?;
            }
            (kind, value) => serde_json::to_writer(&mut *out, &writer.value(kind, value))?,
        }
        out.push(b',');
    }
    out.extend_from_slice(b"\"schemaPath\":");
    serde_json::to_writer(&mut *out, shape.name)?;
    out.push(b'}');
    Ok(())
}

fn write_references(
    writer: &mut Writer<'_>,
    known: &mut HashMap<Uuid, Vec<u8>>,
    target: Target,
    ids: &[Uuid],
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let unknown: Vec<Uuid> = ids
        .iter()
        .filter(|id| !known.contains_key(id))
        .copied()
        .collect();
    if !unknown.is_empty() {
        known.extend(condensed(writer, target, &unknown)?);
    }
    let mut between = b'[';
    for id in ids {
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

/// What references lead to, each in its condensed form; empty for what leads into nothing.
fn condensed(
    writer: &mut Writer<'_>,
    target: Target,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Vec<u8>)>, Error> {
    let Some(entity) = entity_of(target) else {
        let shown = ids.iter().map(|id| {
            let cluster = writer.reference(target, &Value::from(id.to_string()));
            Ok((*id, serde_json::to_vec(&cluster)?))
        });
        return shown.collect();
    };
    let documents = writer.documents();
    let form = Form::Condensed;
    let mut text = TextWriter::with_privileges(writer, entity, form, &Value::Null);
    let shown = ids.iter().map(|id| {
        let mut shown = Vec::new();
        if let Some(document) = entity.document(documents, *id) {
            text.write(&document, &mut shown)?;
        }
        Ok((*id, shown))
    });
    shown.collect()
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
