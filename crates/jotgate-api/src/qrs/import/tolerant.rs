//! Reading what another version of the interface wrote: what is unknown or out of our limits is left
//! out and told, unlike in what clients send.

use std::collections::BTreeMap;

use jotgate_manage::Document;
use serde_json::{Map, Value};

use crate::qrs::entity::EntityType;
use crate::qrs::sent::sent_id;
use crate::qrs::wire::{Kind, READ_ONLY, Reader, Shape};

type Members = Map<String, Value>;

/// What was left out: how often each unknown property came, and everything else in words.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    unknown: BTreeMap<String, usize>,
    notes: Vec<String>,
}

impl LeftOut {
    /// Everything, in words.
    pub(super) fn into_notes(self) -> Vec<String> {
        let unknown = self.unknown.into_iter().map(|(property, times)| {
            format!("{property} is unknown here and was left out ({times} times)")
        });
        unknown.chain(self.notes).collect()
    }
}

/// What an entity of a list describes.
///
/// # Errors
/// It is no entity at all.
pub(super) fn document(
    entity: EntityType,
    item: Value,
    left_out: &mut LeftOut,
) -> Result<Document, String> {
    let shape = entity.shape();
    let no_entity = || format!("a {} in the list has no usable id", shape.name);
    let Value::Object(mut members) = item else {
        return Err(format!(
            "the list of {} has something else in it",
            shape.name
        ));
    };
    without_unknown(shape, &mut members, shape.name, &mut left_out.unknown);
    let id = sent_id(&members).ok().flatten().ok_or_else(no_entity)?;
    let label = label(shape, &members);
    for property in shape.properties {
        // Where a file says that a secret is kept, one has to be stored already.
        if matches!(property.kind, Kind::Secret { .. })
            && members
                .remove(property.name)
                .is_some_and(|secret| secret != "")
        {
            let note = format!("{label}: {} was left out: it is a secret", property.name);
            left_out.notes.push(note);
        }
    }
    let mut read = loop {
        let errors = match Reader::default().read(shape, members.clone(), Members::new()) {
            Ok(read) => break read,
            Err(errors) => errors,
        };
        let before = members.clone();
        for error in errors.0 {
            let (field, problem) = (error.field, error.problem);
            let note = format!("{label}: {field} was left out: it {problem}");
            left_out.notes.push(note);
            remove(&mut members, &field);
        }
        if members == before {
            return Err(format!("{label} cannot be read"));
        }
    };
    read.insert("id".to_owned(), Value::from(id.to_string()));
    let kind = entity.kind().ok_or_else(no_entity)?;
    Document::from_value(kind, Value::Object(read))
        .map_err(|error| format!("{label} cannot be read ({error})"))
}

/// What people call it.
fn label(shape: &Shape, members: &Members) -> String {
    let names = ["name", "description", "prefix", "id"];
    let mut names = names.iter().filter_map(|name| members.get(*name)?.as_str());
    let name = names.find(|name| !name.is_empty()).unwrap_or_default();
    format!("{} \"{name}\"", shape.name)
}

/// Takes out what no table names, and counts it by its place.
fn without_unknown(
    shape: &Shape,
    members: &mut Members,
    path: &str,
    unknown: &mut BTreeMap<String, usize>,
) {
    members.retain(|name, value| {
        let Some(property) = shape.property(name) else {
            let known = READ_ONLY
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name));
            if !known {
                let shown: String = name.chars().take(100).collect();
                *unknown.entry(format!("{path}.{shown}")).or_default() += 1;
            }
            return known;
        };
        let path = format!("{path}.{}", property.name);
        match (property.kind, value) {
            (Kind::Object(shape), Value::Object(members)) => {
                without_unknown(shape, members, &path, unknown);
            }
            (Kind::Items(shape), Value::Array(items)) => {
                for members in items.iter_mut().filter_map(Value::as_object_mut) {
                    without_unknown(shape, members, &path, unknown);
                }
            }
            _ => {}
        }
        true
    });
}

/// Takes out what a path such as `settings.listenPort` or `tags[3]` leads to; of a list, all of it.
fn remove(members: &mut Members, path: &str) {
    let (first, rest) = match path.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    let (name, rest) = match first.split_once('[') {
        Some((name, _)) => (name, None),
        None => (first, rest),
    };
    let same = |member: &str| member.eq_ignore_ascii_case(name);
    match rest {
        Some(rest) => {
            let inner = members.iter_mut().find(|(member, _)| same(member));
            if let Some((_, Value::Object(inner))) = inner {
                remove(inner, rest);
            }
        }
        None => members.retain(|member, _| !same(member)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_is_taken_out_at_its_place() {
        let whole = json!({"a": {"B": {"c": 1}, "d": [1]}, "e": 1});
        for (path, left) in [
            ("a.b.c", json!({"a": {"B": {}, "d": [1]}, "e": 1})),
            ("a.d[0].x", json!({"a": {"B": {"c": 1}}, "e": 1})),
            ("E", json!({"a": {"B": {"c": 1}, "d": [1]}})),
            ("e.f", whole.clone()),
            ("none", whole.clone()),
        ] {
            let mut members = whole.as_object().unwrap().clone();
            remove(&mut members, path);
            assert_eq!(Value::Object(members), left, "{path}");
        }
    }

    #[test]
    fn what_is_no_entity_is_refused() {
        let id = uuid::Uuid::from_u128(7);
        for item in [
            json!(1),
            json!({}),
            json!({"id": "x"}),
            json!({"id": uuid::Uuid::nil()}),
        ] {
            assert!(document(EntityType::Tag, item, &mut LeftOut::default()).is_err());
        }
        let mut left_out = LeftOut::default();
        let item = json!({"id": id, "name": "x".repeat(256), "Colour": "red"});
        let tag = document(EntityType::Tag, item, &mut left_out).unwrap();
        assert_eq!((tag.id(), tag.display_name().as_str()), (id, ""));
        let notes = left_out.into_notes();
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(
            notes[0].starts_with("Tag.Colour is unknown here"),
            "{notes:?}"
        );
    }
}
