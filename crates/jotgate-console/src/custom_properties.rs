//! The custom properties of a node or a proxy, in its form: a field for each value and an empty one, by the
//! definitions for that type of entity.

use jotgate_model::entity::{CustomPropertyValue, Metadata};
use jotgate_model::{Documents, Uuid};

use crate::form::Fields;

/// A property, as a form shows it.
pub(crate) struct Property {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) description: String,
    /// What it has, and an empty one for one more.
    pub(crate) values: Vec<String>,
    /// The values that are possible; none: any.
    pub(crate) choices: Vec<String>,
}

/// Those that are defined for entities of type `kind`, by name.
pub(crate) fn shown(
    documents: &Documents,
    kind: &str,
    values: &[CustomPropertyValue],
) -> Vec<Property> {
    let all = documents.custom_properties.values();
    let fitting = all.filter(|definition| definition.object_types.iter().any(|one| one == kind));
    let mut shown: Vec<_> = fitting
        .map(|definition| {
            let id = definition.metadata.id;
            let own = values.iter().filter(|value| value.definition == id);
            let own = own.map(|value| value.value.clone());
            Property {
                id,
                name: definition.name.clone(),
                description: definition.description.clone(),
                values: own.chain([String::new()]).collect(),
                choices: definition.choice_values.clone(),
            }
        })
        .collect();
    shown.sort_by_cached_key(|property| property.name.to_lowercase());
    shown
}

/// What was typed. A value that was there keeps its id and dates; an empty one is dropped.
pub(crate) fn read(
    typed: &Fields,
    mut before: Vec<CustomPropertyValue>,
) -> Vec<CustomPropertyValue> {
    let definitions = typed.all("customProperties.definition");
    let values = typed.all("customProperties.value").map(str::trim);
    let rows = definitions
        .zip(values)
        .filter(|(_, value)| !value.is_empty());
    rows.filter_map(|(definition, value)| {
        let definition = definition.parse::<Uuid>().ok()?;
        let known = before
            .iter()
            .position(|had| had.definition == definition && had.value == value);
        let metadata = match known {
            Some(at) => before.swap_remove(at).metadata,
            None => Metadata::default(),
        };
        Some(CustomPropertyValue {
            metadata,
            definition,
            value: value.to_owned(),
        })
    })
    .collect()
}
