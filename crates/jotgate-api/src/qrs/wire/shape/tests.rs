//! The tables and the documents say the same.

use std::collections::BTreeSet;

use jotgate_model::entity::{
    AttributeMapItem, BackendHeaderConfig, CustomPropertyDefinition, CustomPropertyValue,
    JwtIssuerConfig, ProxyService, ServerNodeConfiguration, ServiceConfig, Tag, VirtualProxyConfig,
};
use serde_json::{Value, json};

use super::{Kind, Shape};
use crate::qrs::wire::{
    CUSTOM_PROPERTY_DEFINITION, PROXY_SERVICE, Reader, SERVER_NODE_CONFIGURATION, TAG,
    VIRTUAL_PROXY_CONFIG,
};

fn documents() -> [(&'static Shape, Value); 5] {
    let virtual_proxy = VirtualProxyConfig {
        custom_properties: vec![CustomPropertyValue::default()],
        jwt_attribute_map: vec![AttributeMapItem::default()],
        jwt_issuers: vec![JwtIssuerConfig::default()],
        backend_headers: vec![BackendHeaderConfig::default()],
        ..Default::default()
    };
    let node = ServerNodeConfiguration {
        custom_properties: vec![CustomPropertyValue::default()],
        services: vec![ServiceConfig::default()],
        ..Default::default()
    };
    let proxy = ProxyService {
        custom_properties: vec![CustomPropertyValue::default()],
        ..Default::default()
    };
    [
        (&VIRTUAL_PROXY_CONFIG, json!(virtual_proxy)),
        (&PROXY_SERVICE, json!(proxy)),
        (
            &CUSTOM_PROPERTY_DEFINITION,
            json!(CustomPropertyDefinition::default()),
        ),
        (&TAG, json!(Tag::default())),
        (&SERVER_NODE_CONFIGURATION, json!(node)),
    ]
}

fn compare(shape: &Shape, document: &Value) {
    let members = document.as_object().unwrap();
    let stored: BTreeSet<&str> = members.keys().map(String::as_str).collect();
    let shown: BTreeSet<&str> = shape.all().map(|property| property.name).collect();
    assert_eq!(stored, shown, "{}", shape.name);
    for property in shape.all() {
        let value = &members[property.name];
        let fits = match property.kind {
            Kind::Boolean => value.is_boolean(),
            Kind::Number { .. } => value.is_u64(),
            Kind::Date | Kind::Guid | Kind::Reference(_) => value.is_string(),
            Kind::Secret { .. } | Kind::Text { .. } => value.is_string(),
            Kind::Enumeration(of) => of.values.iter().any(|(_, name)| value == name),
            Kind::Opaque | Kind::References(_) | Kind::Texts { .. } => value.is_array(),
            Kind::Object(part) => {
                compare(part, value);
                true
            }
            Kind::Items(part) => {
                compare(part, &value[0]);
                true
            }
        };
        assert!(fits, "{}.{} is {value}", shape.name, property.name);
    }
}

#[test]
fn every_member_of_a_document_is_in_its_table() {
    for (shape, document) in documents() {
        compare(shape, &document);
    }
}

/// The greatest number that a table allows fits into the document, whatever its integer is.
#[test]
fn every_number_that_a_table_allows_fits_the_document() {
    for (shape, _) in documents() {
        for max in [true, false] {
            let members = Reader::default()
                .read(shape, extremes(shape, max), serde_json::Map::new())
                .unwrap();
            let document = Value::Object(members);
            match shape.name {
                "ProxyService" => drop(serde_json::from_value::<ProxyService>(document).unwrap()),
                "VirtualProxyConfig" => {
                    drop(serde_json::from_value::<VirtualProxyConfig>(document).unwrap());
                }
                _ => drop(serde_json::from_value::<ServerNodeConfiguration>(document).unwrap()),
            }
        }
    }
}

fn extremes(shape: &Shape, greatest: bool) -> serde_json::Map<String, Value> {
    let mut members = serde_json::Map::new();
    for property in shape.properties {
        let value = match property.kind {
            Kind::Number { min, max } => json!(if greatest { max } else { min }),
            Kind::Object(part) => Value::Object(extremes(part, greatest)),
            _ => continue,
        };
        members.insert(property.name.to_owned(), value);
    }
    members
}

#[test]
fn names_are_unique_in_any_case() {
    for (shape, _) in documents() {
        let folded: BTreeSet<_> = shape.all().map(|p| p.name.to_lowercase()).collect();
        assert_eq!(folded.len(), shape.all().count(), "{}", shape.name);
    }
}
