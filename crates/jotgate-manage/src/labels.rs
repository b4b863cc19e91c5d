//! Tags and custom properties: what they may be called, and who has them.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use jotgate_model::entity::{CustomPropertyDefinition, CustomPropertyValue, Tag};
use jotgate_model::{Documents, FieldErrors};
use jotgate_repository::Document;
use uuid::Uuid;

/// The entities that can have a custom property.
const OBJECT_TYPES: [&str; 3] = [
    "ProxyService",
    "ServerNodeConfiguration",
    "VirtualProxyConfig",
];
/// Values of one custom property that can be chosen from.
const MAX_CHOICES: usize = 1000;
/// The longest value.
const MAX_VALUE: usize = 1024;

/// A document without the tags and custom properties of these ids; nothing when it has none.
pub(crate) fn without_label(mut document: Document, ids: &[Uuid]) -> Option<Document> {
    let (tags, properties) = labels(&document);
    let mut used = tags
        .iter()
        .chain(properties.iter().map(|value| &value.definition));
    if !used.any(|id| ids.contains(id)) {
        return None;
    }
    let (tags, properties) = labels_mut(&mut document)?;
    tags.retain(|tag| !ids.contains(tag));
    properties.retain(|value| !ids.contains(&value.definition));
    Some(document)
}

/// The labels of a document, to change them; nothing for those that are labels themselves.
pub(crate) fn labels_mut(
    document: &mut Document,
) -> Option<(&mut Vec<Uuid>, &mut Vec<CustomPropertyValue>)> {
    match document {
        Document::CustomProperty(_) | Document::Tag(_) => None,
        Document::Node(document) => {
            let document = Arc::make_mut(document);
            Some((&mut document.tags, &mut document.custom_properties))
        }
        Document::ProxyService(document) => {
            let document = Arc::make_mut(document);
            Some((&mut document.tags, &mut document.custom_properties))
        }
        Document::VirtualProxy(document) => {
            let document = Arc::make_mut(document);
            Some((&mut document.tags, &mut document.custom_properties))
        }
    }
}

/// The labels of a document.
pub(crate) fn labels(document: &Document) -> (&[Uuid], &[CustomPropertyValue]) {
    match document {
        Document::CustomProperty(_) | Document::Tag(_) => (&[], &[]),
        Document::Node(document) => (&document.tags, &document.custom_properties),
        Document::ProxyService(document) => (&document.tags, &document.custom_properties),
        Document::VirtualProxy(document) => (&document.tags, &document.custom_properties),
    }
}

/// Who has which name, without case: looked up once for all the changes that are checked together.
#[derive(Default)]
pub(crate) struct TakenNames {
    tags: OnceCell<HashMap<String, Vec<Uuid>>>,
    properties: OnceCell<HashMap<String, Vec<Uuid>>>,
}

fn is_taken<'a>(
    taken: &OnceCell<HashMap<String, Vec<Uuid>>>,
    named: impl Iterator<Item = (&'a Uuid, &'a str)>,
    (id, name): (Uuid, &str),
) -> bool {
    let taken = taken.get_or_init(|| {
        let mut taken: HashMap<String, Vec<Uuid>> = HashMap::new();
        for (id, name) in named {
            taken.entry(name.to_lowercase()).or_default().push(*id);
        }
        taken
    });
    let of_name = taken.get(&name.to_lowercase());
    of_name.is_some_and(|others| others.iter().any(|other| *other != id))
}

/// Checks that the labels of a document exist and fit it.
pub(crate) fn check_labels(document: &Document, next: &Documents, errors: &mut FieldErrors) {
    let (tags, properties) = labels(document);
    for (i, tag) in tags.iter().enumerate() {
        if !next.tags.contains_key(tag) {
            errors.push(
                format!("tags[{i}]"),
                format!("there is no tag with the id {tag}"),
            );
        }
    }
    for (i, value) in properties.iter().enumerate() {
        let field = format!("customProperties[{i}]");
        let Some(definition) = next.custom_properties.get(&value.definition) else {
            let problem = format!(
                "there is no custom property with the id {}",
                value.definition
            );
            errors.push(field, problem);
            continue;
        };
        let name = &definition.name;
        let kind = document.kind().name();
        if !definition.object_types.iter().any(|object| object == kind) {
            errors.push(
                field,
                format!("the custom property {name} is not one of {kind}"),
            );
        } else if !definition.choice_values.is_empty()
            && !definition.choice_values.contains(&value.value)
        {
            errors.push(field, format!("is none of the values that {name} can have"));
        } else if value.value.chars().count() > MAX_VALUE {
            errors.push(field, format!("must have at most {MAX_VALUE} characters"));
        }
    }
}

pub(crate) fn check_tag(
    draft: &Tag,
    next: &Documents,
    taken: &TakenNames,
    errors: &mut FieldErrors,
) {
    if draft.name.trim().is_empty() || draft.name.chars().count() > 255 {
        errors.push("name", "must have 1 to 255 characters");
    }
    let named = next.tags.iter().map(|(id, tag)| (id, &*tag.name));
    if is_taken(&taken.tags, named, (draft.metadata.id, &draft.name)) {
        errors.push("name", format!("there is a tag \"{}\" already", draft.name));
    }
}

pub(crate) fn check_custom_property(
    draft: &CustomPropertyDefinition,
    next: &Documents,
    taken: &TakenNames,
    errors: &mut FieldErrors,
) {
    let usable = |c: char| c.is_alphanumeric() || c == '_';
    if !(1..=100).contains(&draft.name.chars().count()) || !draft.name.chars().all(usable) {
        errors.push("name", "must have 1 to 100 letters, digits and underscores");
    }
    let named = next.custom_properties.iter();
    let named = named.map(|(id, property)| (id, &*property.name));
    if is_taken(&taken.properties, named, (draft.metadata.id, &draft.name)) {
        let problem = format!("there is a custom property \"{}\" already", draft.name);
        errors.push("name", problem);
    }
    if draft.value_type != "Text" {
        errors.push("valueType", "must be Text");
    }
    if draft.choice_values.len() > MAX_CHOICES {
        errors.push(
            "choiceValues",
            format!("can have at most {MAX_CHOICES} entries"),
        );
    }
    let too_long = |value: &String| value.is_empty() || value.chars().count() > MAX_VALUE;
    if draft.choice_values.iter().any(too_long) {
        let problem = format!("must have 1 to {MAX_VALUE} characters each");
        errors.push("choiceValues", problem);
    }
    // Types that only the real system has are kept: an import brings them along.
    if !draft
        .object_types
        .iter()
        .any(|object| OBJECT_TYPES.contains(&object.as_str()))
    {
        let problem = format!("must name one of {} at least", OBJECT_TYPES.join(", "));
        errors.push("objectTypes", problem);
    }
    if draft.description.chars().count() > 512 {
        errors.push("description", "can have at most 512 characters");
    }
}

#[cfg(test)]
mod tests;
