//! From what a client sends to a document.
//!
//! A body is merged over the stored document: absent properties stay as they are, so that a client
//! that does not know a protection cannot switch it off. `null` means the default, as clients with
//! typed objects send it for whatever nobody set. An unknown property is refused: it would be a
//! misspelled protection as often as anything else.

use jotgate_model::FieldErrors;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::shape::{Enumeration, Kind, Property, READ_ONLY, Shape};

type Members = Map<String, Value>;

/// How many entries a list may have that is not a list of links.
const MAX_ENTRIES: usize = 1000;

/// Reads one body for one document.
#[derive(Debug, Default)]
pub(in crate::qrs) struct Reader {
    errors: FieldErrors,
}

impl Reader {
    /// Merges `body` over `stored` (empty for a new entity, whose other properties then get their
    /// defaults). Id, dates and author stay those of `stored`. Secrets of `stored` are left out: the
    /// use cases keep them while what they belong to stays.
    ///
    /// # Errors
    /// Every property that has the wrong type, is out of its limits, is unknown or comes twice.
    pub(in crate::qrs) fn read(
        mut self,
        shape: &Shape,
        body: Members,
        mut stored: Members,
    ) -> Result<Members, FieldErrors> {
        let is_secret = |property: &&Property| matches!(property.kind, Kind::Secret { .. });
        for property in shape.properties.iter().filter(is_secret) {
            stored.shift_remove(property.name);
        }
        let document = self.object(shape, body, stored, "");
        if self.errors.is_empty() {
            Ok(document)
        } else {
            Err(self.errors)
        }
    }

    fn object(&mut self, shape: &Shape, body: Members, mut base: Members, path: &str) -> Members {
        let mut seen: Vec<&str> = Vec::with_capacity(body.len());
        for (name, value) in body {
            let Some(property) = shape.property(&name) else {
                if !READ_ONLY
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(&name))
                {
                    self.refuse_unknown(shape, path, &name);
                }
                continue;
            };
            let path = join(path, property.name);
            if seen.contains(&property.name) {
                self.errors
                    .push(path, "comes twice, in different spellings; send it once");
                continue;
            }
            seen.push(property.name);
            if !property.read_only {
                self.property(property, value, &mut base, &path);
            }
        }
        base
    }

    fn refuse_unknown(&mut self, shape: &Shape, path: &str, name: &str) {
        // The name is the client's: long ones are cut before they come back in the answer.
        let shown: String = name.chars().take(100).collect();
        self.errors.push(
            join(path, &shown),
            format!(
                "is no property of {}; remove it or correct its name",
                shape.name
            ),
        );
    }

    fn property(&mut self, property: &Property, value: Value, base: &mut Members, path: &str) {
        if value.is_null() {
            // Documents get their defaults where a member is missing.
            base.shift_remove(property.name);
            return;
        }
        let stored = base.get(property.name);
        if let Some(value) = self.value(property.kind, value, stored, path) {
            base.insert(property.name.to_owned(), value);
        }
    }

    fn value(
        &mut self,
        kind: Kind,
        value: Value,
        stored: Option<&Value>,
        path: &str,
    ) -> Option<Value> {
        match kind {
            Kind::Boolean if value.is_boolean() => Some(value),
            Kind::Boolean => self.wrong(path, "true or false", &value),
            // Read-only; the tables have them nowhere else.
            Kind::Date | Kind::Guid => None,
            Kind::Enumeration(of) => self.enumeration(of, &value, path),
            Kind::Items(shape) => self.items(shape, value, stored, path),
            Kind::Number { min, max } => match value.as_u64() {
                Some(number) if (u64::from(min)..=u64::from(max)).contains(&number) => Some(value),
                _ => self.wrong(path, &format!("a whole number from {min} to {max}"), &value),
            },
            Kind::Object(shape) => match value {
                Value::Object(members) => {
                    let stored = stored.and_then(Value::as_object).cloned();
                    let object = self.object(shape, members, stored.unwrap_or_default(), path);
                    Some(Value::Object(object))
                }
                other => self.wrong(path, "an object", &other),
            },
            Kind::Opaque => self.opaque(value, path),
            Kind::Reference(_) => self.reference(&value, path),
            Kind::References(_) => {
                let expected = "a list of objects with ids";
                self.list(value, usize::MAX, path, expected, |reader, item, path| {
                    reader.reference(&item, path)
                })
            }
            Kind::Secret { max } | Kind::Text { max } => self.text(value, max, path),
            Kind::Texts { max } => self.list(
                value,
                MAX_ENTRIES,
                path,
                "a list of texts",
                |reader, item, path| reader.text(item, max, path),
            ),
        }
    }

    fn text(&mut self, value: Value, max: usize, path: &str) -> Option<Value> {
        let Value::String(text) = &value else {
            return self.wrong(path, "a text", &value);
        };
        let length = text.chars().count();
        if length > max {
            self.errors.push(
                path,
                format!("is {length} characters long; shorten it to at most {max}"),
            );
            return None;
        }
        Some(value)
    }

    /// Clients send the number; one sends the name.
    fn enumeration(&mut self, of: &Enumeration, value: &Value, path: &str) -> Option<Value> {
        let found = of.values.iter().find(|(number, name)| match value {
            Value::Number(sent) => sent.as_u64() == Some(u64::from(*number)),
            Value::String(sent) => sent.eq_ignore_ascii_case(name),
            _ => false,
        });
        if let Some((_, name)) = found {
            return Some(Value::from(*name));
        }
        let known: Vec<_> = of
            .values
            .iter()
            .map(|(number, name)| format!("{number} ({name})"))
            .collect();
        let found = match value {
            // No enumeration holds a secret; the first letters of a name tell which was meant.
            Value::String(name) => format!("{:?}", name.chars().take(40).collect::<String>()),
            other => describe(other),
        };
        let known = known.join(", ");
        self.errors
            .push(path, format!("must be one of {known}, not {found}"));
        None
    }

    /// An object with an id, as QRS has them everywhere, or the bare id.
    fn reference(&mut self, value: &Value, path: &str) -> Option<Value> {
        let id = match value {
            Value::Object(members) => members
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("id"))
                .map(|(_, id)| id),
            bare => Some(bare),
        };
        let parsed = id
            .and_then(Value::as_str)
            .and_then(|id| id.parse::<Uuid>().ok());
        match parsed {
            Some(id) => Some(Value::from(id.to_string())),
            None => self.wrong(
                path,
                "the id of an entity or an object with one",
                id.unwrap_or(value),
            ),
        }
    }

    fn opaque(&mut self, value: Value, path: &str) -> Option<Value> {
        self.list(
            value,
            MAX_ENTRIES,
            path,
            "a list of objects",
            |reader, item, path| {
                if item.is_object() {
                    Some(item)
                } else {
                    reader.wrong(path, "an object", &item)
                }
            },
        )
    }

    /// Items replace the stored ones; one that comes with the id of a stored one is merged over it.
    fn items(
        &mut self,
        shape: &'static Shape,
        value: Value,
        stored: Option<&Value>,
        path: &str,
    ) -> Option<Value> {
        let stored = stored.and_then(Value::as_array);
        self.list(
            value,
            MAX_ENTRIES,
            path,
            "a list of objects",
            |reader, item, path| {
                let Value::Object(members) = item else {
                    return reader.wrong(path, "an object", &item);
                };
                let id = id_of(&members);
                let known = id.filter(|_| shape.metadata).and_then(|id| {
                    stored?
                        .iter()
                        .filter_map(Value::as_object)
                        .find(|item| id_of(item) == Some(id))
                });
                let base = known.cloned().unwrap_or_default();
                let mut item = reader.object(shape, members, base, path);
                if let Some(id) = id.filter(|_| shape.metadata) {
                    item.insert("id".to_owned(), Value::from(id.to_string()));
                }
                Some(Value::Object(item))
            },
        )
    }

    fn list(
        &mut self,
        value: Value,
        limit: usize,
        path: &str,
        expected: &str,
        mut read: impl FnMut(&mut Self, Value, &str) -> Option<Value>,
    ) -> Option<Value> {
        let Value::Array(items) = value else {
            return self.wrong(path, expected, &value);
        };
        if items.len() > limit {
            self.errors.push(
                path,
                format!("has {} entries; at most {limit} are possible", items.len()),
            );
            return None;
        }
        let items = items.into_iter().enumerate();
        let read = items.filter_map(|(i, item)| read(self, item, &format!("{path}[{i}]")));
        Some(Value::Array(read.collect()))
    }

    fn wrong(&mut self, path: &str, expected: &str, found: &Value) -> Option<Value> {
        self.errors
            .push(path, format!("must be {expected}, not {}", describe(found)));
        None
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn id_of(members: &Members) -> Option<Uuid> {
    let id: Uuid = members.get("id")?.as_str()?.parse().ok()?;
    (!id.is_nil()).then_some(id)
}

/// What it is instead, without repeating texts: they may be long, and they may be secrets.
fn describe(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null => "null".to_owned(),
        Value::Number(number) => format!("the number {number}"),
        Value::Object(_) => "an object".to_owned(),
        Value::String(_) => "a text".to_owned(),
    }
}

#[cfg(test)]
mod tests;
