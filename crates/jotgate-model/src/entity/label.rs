//! Tags and custom properties: what administrators sort entities by. Nothing of it is looked at when
//! a request is served.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Metadata;

/// A word that entities are marked with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tag {
    /// Id and dates.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// The word, at most 255 characters; unique in any case.
    pub name: String,
}

/// A property that administrators invented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CustomPropertyDefinition {
    /// Id and dates.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// The name, 1 to 100 letters, digits and underscores; unique in any case.
    pub name: String,
    /// Always `Text`.
    pub value_type: String,
    /// The values that are possible; empty: any.
    pub choice_values: Vec<String>,
    /// The types of entities that can have it, such as `VirtualProxyConfig`.
    pub object_types: Vec<String>,
    /// At most 512 characters.
    pub description: String,
}

impl Default for CustomPropertyDefinition {
    fn default() -> Self {
        Self {
            metadata: Metadata::default(),
            name: String::new(),
            value_type: "Text".to_owned(),
            choice_values: Vec::new(),
            object_types: Vec::new(),
            description: String::new(),
        }
    }
}

/// A value that an entity has for a custom property. An entity may have several of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CustomPropertyValue {
    /// Id and dates.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// The value, at most 1024 characters.
    pub value: String,
    /// The definition, by id.
    #[serde(deserialize_with = "reference")]
    pub definition: Uuid,
}

/// An id. Documents of the first versions hold the object that the client wrote.
fn reference<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(id_of(&value).unwrap_or_default())
}

/// Ids. Documents of the first versions hold the objects that clients wrote.
pub(super) fn references<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Uuid>, D::Error> {
    let values = Vec::<Value>::deserialize(deserializer)?;
    Ok(values.iter().filter_map(id_of).collect())
}

fn id_of(value: &Value) -> Option<Uuid> {
    value.get("id").unwrap_or(value).as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::ServerNodeConfiguration;
    use super::*;

    #[test]
    fn documents_of_the_first_versions_are_read() {
        let id = Uuid::from_u128(7);
        let read = |tags, properties| -> ServerNodeConfiguration {
            let document = json!({"tags": tags, "customProperties": properties});
            serde_json::from_value(document).unwrap()
        };
        let old = read(
            json!([{"id": id, "name": "x"}, {"name": "without an id"}]),
            json!([{"value": "a", "definition": {"id": id, "name": "Team"}, "schemaPath": "y"}]),
        );
        let new = read(json!([id]), json!([{"value": "a", "definition": id}]));
        assert_eq!(old, new);
        assert_eq!(new.tags, [id]);
        assert_eq!(new.custom_properties[0].definition, id);
    }
}
