//! What QRS says of itself: generic clients learn from it what there is.

use std::collections::BTreeMap;

use jotgate_manage::Document;
use jotgate_model::Documents;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Build;
use super::address::Description;
use super::entity::EntityType;
use super::users;
use super::wire::{Enumeration, Form, Kind, Shape, Writer};
use crate::answer::Answer;
use crate::openapi;
use crate::problem::Problem;

/// What is below `about/api` and `about/openapi`.
pub(super) fn answer(what: &Description) -> Result<Answer, Problem> {
    Ok(Answer::Json(match what {
        Description::Addresses => addresses(),
        Description::AllDefaults => {
            let all = EntityType::ALL.into_iter();
            all.map(|entity| (entity.shape().name.to_owned(), default(entity)))
                .collect()
        }
        Description::Default(entity) => default(*entity),
        Description::Enumerations => enumerations(),
        Description::Interface(name) => openapi::interface(name)
            .ok_or_else(|| Problem::not_found("There is no interface of that name."))?,
        Description::Interfaces => json!(openapi::INTERFACES),
        Description::Relations => relations(),
    }))
}

/// A new entity, as it is before anybody has filled it in.
fn default(entity: EntityType) -> Value {
    if entity == EntityType::User {
        return users::blank();
    }
    let documents = Documents::default();
    let mut writer = Writer::new(&documents, None);
    let empty = json!({"id": Uuid::nil()});
    match entity
        .kind()
        .and_then(|kind| Document::from_value(kind, empty).ok())
    {
        Some(document) => writer.write(entity, &document, Form::Full),
        None => Value::Null,
    }
}

/// One line for each address and method, with the parameters.
fn addresses() -> Value {
    let operations = super::openapi::operations();
    operations
        .iter()
        .map(|operation| Value::from(operation.line()))
        .collect()
}

/// `X.y > Z`: which property leads to which type.
fn relations() -> Value {
    let mut lines = Vec::new();
    for entity in EntityType::ALL {
        relate(entity.shape(), &mut lines);
    }
    lines.sort_unstable();
    lines.dedup();
    lines.into()
}

fn relate(shape: &Shape, lines: &mut Vec<String>) {
    for property in shape.all() {
        let to = match property.kind {
            Kind::Items(part) | Kind::Object(part) => {
                relate(part, lines);
                part.name
            }
            Kind::Reference(target) | Kind::References(target) => {
                target.shape().map_or("ServiceCluster", |shape| shape.name)
            }
            _ => continue,
        };
        lines.push(format!("{}.{} > {to}", shape.name, property.name));
    }
}

/// `about`: nearly every client asks for it first, as a test of the connection.
pub(super) fn about(build: Build) -> Value {
    json!({
        "buildVersion": build.version,
        "buildDate": build.date.to_string(),
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
fn enumerations() -> Value {
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
