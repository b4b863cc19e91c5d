//! What QRS says of itself.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Build;
use super::entity::EntityType;
use super::wire::{Enumeration, Kind, Shape};

/// `about`: nearly every client asks for it first, as a test of the connection.
pub(super) fn about(build: Build) -> Value {
    json!({
        "buildVersion": build.version,
        "buildDate": build.date,
        // What the repository runs on is no concern of clients; some show it.
        "databaseProvider": "Jotgate",
        // Central.
        "nodeType": 1,
        "sharedPersistence": true,
        "requiresBootstrap": false,
        "singleNodeOnly": false,
        "schemaPath": "About",
    })
}

/// `about/api/enums`: every enumeration, with the properties that have it.
pub(super) fn enumerations() -> Value {
    let mut usages: BTreeMap<&str, (&Enumeration, Vec<String>)> = BTreeMap::new();
    for entity in EntityType::ALL {
        collect(entity.shape(), &mut usages);
    }
    let described = usages.into_iter().map(|(name, (of, usages))| {
        let values: Vec<_> = of
            .values
            .iter()
            .map(|(number, name)| format!("{number}: {name}"))
            .collect();
        (name.to_owned(), json!({"values": values, "usages": usages}))
    });
    Value::Object(described.collect())
}

fn collect(shape: &Shape, usages: &mut BTreeMap<&str, (&'static Enumeration, Vec<String>)>) {
    for property in shape.all() {
        match property.kind {
            Kind::Enumeration(of) => {
                let usage = format!("{}.{}", shape.name, property.name);
                usages
                    .entry(of.name)
                    .or_insert((of, Vec::new()))
                    .1
                    .push(usage);
            }
            Kind::Items(part) | Kind::Object(part) => collect(part, usages),
            _ => {}
        }
    }
}
