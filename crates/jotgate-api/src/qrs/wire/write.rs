//! From a document to what QRS shows.

use std::collections::HashMap;

use jotgate_manage::{Document, Privilege};
use jotgate_model::Documents;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::shape::{Kind, Shape, Target};
use crate::qrs::entity::EntityType;

/// How much of an entity is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::qrs) enum Form {
    /// What lists and references show.
    Condensed,
    /// Everything.
    Full,
}

/// What that role may do with an entity of that type, as QRS names it.
pub(in crate::qrs) fn privileges(entity: EntityType, role: Privilege) -> &'static [&'static str] {
    match entity {
        _ if role == Privilege::AuditAdmin => &["read"],
        EntityType::ServiceCluster | EntityType::ServiceStatus => &["read"],
        EntityType::ProxyService => &["read", "update"],
        _ => &["create", "read", "update", "delete"],
    }
}

/// The member `privileges` of an entity of that type, for a role that asks for it.
pub(super) fn privileges_of(entity: EntityType, role: Option<Privilege>) -> Value {
    json!(role.map(|role| privileges(entity, role)))
}

/// Writes the documents of one snapshot. Remembers what references led to, so that a list of many
/// entities writes their common nodes once.
pub(in crate::qrs) struct Writer<'a> {
    documents: &'a Documents,
    /// Whose privileges are shown, if any.
    pub(super) privileges: Option<Privilege>,
    condensed: HashMap<Uuid, Value>,
}

impl<'a> Writer<'a> {
    /// A writer of these documents; `privileges` is the role of whoever asks with the parameter of that name.
    pub(in crate::qrs) fn new(documents: &'a Documents, privileges: Option<Privilege>) -> Self {
        Self {
            documents,
            privileges,
            condensed: HashMap::new(),
        }
    }

    /// The documents that are written.
    pub(in crate::qrs) const fn documents(&self) -> &'a Documents {
        self.documents
    }

    /// Writes a document of that type.
    pub(in crate::qrs) fn write(
        &mut self,
        entity: EntityType,
        document: &Document,
        form: Form,
    ) -> Value {
        let privileges = privileges_of(entity, self.privileges);
        let shape = entity.shape();
        let mut wire = self.object(shape, document.to_value(), form);
        wire.insert("privileges".to_owned(), privileges);
        if form == Form::Full {
            wire.insert("schemaPath".to_owned(), Value::from(shape.name));
        }
        Value::Object(wire)
    }

    /// Leaves of a written entity what the condensed form shows.
    pub(in crate::qrs) fn condense(&self, entity: EntityType, wire: &mut Value) {
        let Value::Object(members) = wire else {
            return;
        };
        let shape = entity.shape();
        members.retain(|name, _| match shape.property(name) {
            Some(property) => shape.is_condensed(property),
            None => name == "privileges",
        });
    }

    fn object(&mut self, shape: &Shape, document: Value, form: Form) -> Map<String, Value> {
        let Value::Object(mut members) = document else {
            return Map::new();
        };
        let mut wire = Map::with_capacity(members.len() + 2);
        for property in shape.all() {
            if form == Form::Condensed && !shape.is_condensed(property) {
                continue;
            }
            let value = members.get_mut(property.name).map(Value::take);
            let value = self.value(property.kind, value.unwrap_or_default());
            wire.insert(property.name.to_owned(), value);
        }
        wire
    }

    pub(super) fn value(&mut self, kind: Kind, value: Value) -> Value {
        match kind {
            Kind::Boolean
            | Kind::Date
            | Kind::Guid
            | Kind::Number { .. }
            | Kind::Opaque
            | Kind::Text { .. }
            | Kind::Texts { .. } => value,
            Kind::Enumeration(of) => {
                let number = of
                    .values
                    .iter()
                    .find(|(_, name)| value.as_str() == Some(*name))
                    .map(|(number, _)| *number);
                number.into()
            }
            Kind::Items(shape) => self.list(value, |writer, item| writer.part(shape, item)),
            Kind::Object(shape) => self.part(shape, value),
            Kind::Reference(target) => self.reference(target, &value),
            Kind::References(target) => {
                let mut written = self.list(value, |writer, id| writer.reference(target, &id));
                if let Value::Array(items) = &mut written {
                    items.retain(|item| !item.is_null());
                }
                written
            }
            Kind::Secret { .. } => Value::from(""),
        }
    }

    fn list(&mut self, value: Value, mut write: impl FnMut(&mut Self, Value) -> Value) -> Value {
        let Value::Array(items) = value else {
            return json!([]);
        };
        items.into_iter().map(|item| write(self, item)).collect()
    }

    /// A part of an entity: it has a schema path of its own and no privileges.
    fn part(&mut self, shape: &Shape, value: Value) -> Value {
        let mut wire = self.object(shape, value, Form::Full);
        wire.insert("schemaPath".to_owned(), Value::from(shape.name));
        Value::Object(wire)
    }

    /// A node in its condensed form.
    pub(in crate::qrs) fn node(&mut self, id: Uuid) -> Value {
        self.reference(Target::Node, &Value::from(id.to_string()))
    }

    pub(super) fn reference(&mut self, target: Target, id: &Value) -> Value {
        let id: Uuid = id
            .as_str()
            .and_then(|id| id.parse().ok())
            .unwrap_or_default();
        if let Some(known) = self.condensed.get(&id) {
            return known.clone();
        }
        let Some(entity) = entity_of(target) else {
            return service_cluster(id);
        };
        let document = entity.document(self.documents, id);
        // A snapshot has no references into nothing, but for tags of an old one; `null` is what a
        // client would show as empty.
        let Some(document) = document else {
            return Value::Null;
        };
        let mut wire = self.object(entity.shape(), document.to_value(), Form::Condensed);
        wire.insert("privileges".to_owned(), Value::Null);
        let wire = Value::Object(wire);
        self.condensed.insert(id, wire.clone());
        wire
    }
}

/// What a reference leads to; nothing for the cluster, of which there is no document.
pub(super) const fn entity_of(target: Target) -> Option<EntityType> {
    match target {
        Target::CustomProperty => Some(EntityType::CustomPropertyDefinition),
        Target::Node => Some(EntityType::ServerNodeConfiguration),
        Target::ServiceCluster => None,
        Target::Tag => Some(EntityType::Tag),
        Target::VirtualProxy => Some(EntityType::VirtualProxyConfig),
    }
}

/// The one cluster that there is.
fn service_cluster(id: Uuid) -> Value {
    json!({"id": id, "privileges": null, "name": "ServiceCluster"})
}
