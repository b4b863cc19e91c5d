//! What differs between two versions of a document, field by field, without secrets.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::{Document, Kind};

/// The fields that are written and never shown, wherever they stand in a document.
pub const SECRET_FIELDS: [&str; 2] = ["clientKey", "oidcClientSecret"];

/// What stands in the place of a secret that is set.
pub const MASK: &str = "[secret]";

/// Id, dates and author: they change with every save and say nothing about it.
const METADATA: [&str; 4] = ["id", "createdDate", "modifiedDate", "modifiedByUserName"];

/// One field that has another value.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The field with the path to it: `jwtAttributeMap[2].jwtAttribute`.
    pub field: String,
    /// Its value before; `null` when there was none. A secret is masked.
    pub before: Value,
    /// Its value after; `null` when there is none. A secret is masked.
    pub after: Value,
}

/// The fields in which two versions of a document differ, in the order of the document. A document
/// that is not there yet, or no more, is compared with the default of its kind: what is left out of
/// both says nothing.
#[must_use]
pub fn differences(before: Option<&Document>, after: Option<&Document>) -> Vec<Difference> {
    let Some(kind) = before.or(after).map(Document::kind) else {
        return Vec::new();
    };
    let value = |document: Option<&Document>| match document {
        Some(document) => Cow::Owned(document.to_value()),
        None => Cow::Borrowed(default_of(kind)),
    };
    let mut found = Vec::new();
    compare(String::new(), &value(before), &value(after), &mut found);
    found
}

/// A thousand documents that go are compared with the same one.
fn default_of(kind: Kind) -> &'static Value {
    static DEFAULTS: LazyLock<Vec<(Kind, Value)>> = LazyLock::new(|| {
        let default = |kind| (kind, Document::default_of(kind).to_value());
        Kind::ALL.into_iter().map(default).collect()
    });
    let mut all = DEFAULTS.iter();
    let found = all.find(|(of, _)| *of == kind);
    found.map_or(&Value::Null, |(_, value)| value)
}

fn compare(field: String, before: &Value, after: &Value, found: &mut Vec<Difference>) {
    match (before, after) {
        (Value::Object(b), Value::Object(a)) => compare_objects(&field, b, a, found),
        (Value::Array(b), Value::Array(a)) if has_objects(b) || has_objects(a) => {
            for i in 0..b.len().max(a.len()) {
                let item = |items: &[Value]| items.get(i).map(without_metadata).unwrap_or_default();
                compare(format!("{field}[{i}]"), &item(b), &item(a), found);
            }
        }
        (before, after) if before == after => {}
        (before, after) => found.push(Difference {
            before: masked(&field, before),
            after: masked(&field, after),
            field,
        }),
    }
}

fn compare_objects<'a>(
    path: &str,
    before: &'a Map<String, Value>,
    after: &'a Map<String, Value>,
    found: &mut Vec<Difference>,
) {
    let new = after.keys().filter(|name| !before.contains_key(*name));
    for name in before.keys().chain(new) {
        if METADATA.contains(&name.as_str()) {
            continue;
        }
        let value = |members: &'a Map<String, Value>| members.get(name).unwrap_or(&Value::Null);
        if value(before) == value(after) {
            continue;
        }
        let field = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        compare(field, value(before), value(after), found);
    }
}

fn has_objects(items: &[Value]) -> bool {
    items.iter().any(Value::is_object)
}

/// An item that is there on one side only is shown whole, but for its id and dates.
fn without_metadata(item: &Value) -> Value {
    let mut item = item.clone();
    if let Value::Object(members) = &mut item {
        members.retain(|name, _| !METADATA.contains(&name.as_str()));
    }
    item
}

fn masked(field: &str, value: &Value) -> Value {
    let name = field.rsplit('.').next().unwrap_or(field);
    match value {
        Value::String(text) if SECRET_FIELDS.contains(&name) && !text.is_empty() => {
            Value::from(MASK)
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jotgate_model::entity::{
        AttributeMapItem, SecretText, ServerNodeConfiguration, VirtualProxyConfig,
    };

    use super::*;

    fn shown(before: Option<&Document>, after: Option<&Document>) -> Vec<String> {
        let found = differences(before, after);
        let line = |d: Difference| format!("{}: {} -> {}", d.field, d.before, d.after);
        found.into_iter().map(line).collect()
    }

    fn row(claim: &str) -> AttributeMapItem {
        let mut row = AttributeMapItem {
            jwt_attribute: claim.to_owned(),
            sense_attribute: "x".to_owned(),
            ..Default::default()
        };
        row.metadata.id = uuid::Uuid::new_v4();
        row
    }

    #[test]
    fn each_field_is_named_with_what_it_was_and_is() {
        let before = VirtualProxyConfig {
            prefix: "a".to_owned(),
            jwt_attribute_map: vec![row("email")],
            ..Default::default()
        };
        let mut after = before.clone();
        after.metadata.modified_by_user_name = "LAB\\root".to_owned();
        after.prefix = "b".to_owned();
        after.jwt_algorithms = vec!["ES256".to_owned()];
        after.jwt_attribute_map[0].jwt_attribute = "mail".to_owned();
        after.jwt_attribute_map.push(row("Group"));
        let document = |vp: &VirtualProxyConfig| Document::VirtualProxy(Arc::new(vp.clone()));
        let (before, after) = (document(&before), document(&after));
        assert_eq!(
            shown(Some(&before), Some(&after)),
            [
                r#"prefix: "a" -> "b""#,
                r#"jwtAttributeMap[0].jwtAttribute: "email" -> "mail""#,
                r#"jwtAttributeMap[1]: null -> {"jwtAttribute":"Group","senseAttribute":"x","isMandatory":false}"#,
                r#"jwtAlgorithms: ["RS256","RS384","RS512"] -> ["ES256"]"#,
            ]
        );
        assert!(shown(Some(&after), Some(&after)).is_empty());
        let created = shown(None, Some(&before));
        assert_eq!(created[0], r#"prefix: "" -> "a""#);
        assert_eq!(shown(Some(&before), None)[0], r#"prefix: "a" -> """#);
    }

    #[test]
    fn no_secret_is_shown() {
        let node = |key: &str| {
            let client_key = SecretText(key.to_owned());
            Document::Node(Arc::new(ServerNodeConfiguration {
                client_key,
                ..Default::default()
            }))
        };
        assert_eq!(
            shown(Some(&node("old-key")), Some(&node("new-key"))),
            [r#"clientKey: "[secret]" -> "[secret]""#]
        );
        assert_eq!(
            shown(None, Some(&node("k"))),
            [r#"clientKey: "" -> "[secret]""#]
        );
    }

    /// A new secret field that nobody masks would be in every audit trail.
    #[test]
    fn every_secret_field_is_known() {
        let sources = [
            include_str!("../../jotgate-model/src/entity/node.rs"),
            include_str!("../../jotgate-model/src/entity/proxy_service.rs"),
            include_str!("../../jotgate-model/src/entity/virtual_proxy.rs"),
        ];
        let fields = sources.iter().flat_map(|source| source.lines());
        let fields = fields.filter(|line| line.ends_with(": SecretText,"));
        assert_eq!(fields.count(), SECRET_FIELDS.len());
    }
}
