//! The description of QRS as OpenAPI 3.1, made from the tables that requests are answered by.

use serde_json::{Map, Value, json};

use super::address::{Address, Description, Part, Verb};
use super::entity::EntityType;
use super::table;
use super::wire::{CERTIFICATE_EXPORT_PARAMETERS, Kind, Property, Shape};
use crate::openapi::{Operation, document, reference};

const EXPORT: &str = "/certificatedistribution/exportcertificates";
const EXPORT_PATH: &str = "/certificatedistribution/exportcertificatespath";

/// The whole description.
pub(crate) fn describe() -> Value {
    document("Repository Main API", "/qrs", &operations(), schemas())
}

/// Every address with what can be done there.
pub(super) fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    let mut fixed = |path: &str, address: &Address, answer: Value| {
        all.extend(
            address
                .verbs()
                .iter()
                .map(|verb| operation(path, *verb, None, answer.clone())),
        );
    };
    let any = json!({});
    let object = json!({"type": "object"});
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let described = Address::Described;
    fixed("/about", &Address::About, object.clone());
    fixed(
        "/about/api/default",
        &described(Description::AllDefaults),
        object.clone(),
    );
    fixed(
        "/about/api/description",
        &described(Description::Addresses),
        texts.clone(),
    );
    fixed(
        "/about/api/enums",
        &described(Description::Enumerations),
        object,
    );
    fixed(
        "/about/api/relations",
        &described(Description::Relations),
        texts.clone(),
    );
    fixed("/about/openapi", &described(Description::Interfaces), texts);
    fixed("/ssl/ping", &Address::Ping, any);
    let folder = json!({"type": "string"});
    fixed(EXPORT, &Address::Certificates, folder.clone());
    fixed(EXPORT_PATH, &Address::CertificatesPath, folder);
    fixed("/selection", &Address::Selections, json!({}));
    fixed(
        "/selection/{id}",
        &Address::Selection(uuid::Uuid::nil()),
        reference("Selection"),
    );
    for entity in EntityType::ALL {
        let name = entity.shape().name.to_ascii_lowercase();
        fixed(
            &format!("/about/api/default/{name}"),
            &described(Description::Default(entity)),
            json!({}),
        );
        fixed(
            &format!("/selection/{name}"),
            &Address::SelectionOf(entity),
            reference("Selection"),
        );
    }
    for entity in EntityType::ALL {
        all.extend(of_entity(entity));
    }
    all
}

fn of_entity(entity: EntityType) -> Vec<Operation> {
    let id = uuid::Uuid::nil();
    let name = entity.shape().name.to_ascii_lowercase();
    let parts = [
        ("", Part::Collection),
        ("/count", Part::Count),
        ("/full", Part::Full),
        ("/{id}", Part::Item(id)),
        ("/local", Part::Local),
        ("/many", Part::Many),
        ("/previewcreateprivilege", Part::PreviewCreatePrivilege),
        ("/previewprivileges", Part::PreviewPrivileges),
        ("/table", Part::Table),
    ];
    let mut all = Vec::new();
    for (below, part) in parts {
        if part == Part::Local && !entity.has_local() {
            continue;
        }
        let address = Address::Entity(entity, part);
        let path = format!("/{name}{below}");
        for verb in address.verbs() {
            all.push(operation(
                &path,
                *verb,
                Some((entity, part)),
                answer(entity, part, *verb),
            ));
        }
    }
    let selected = [
        ("", Part::Collection),
        ("/count", Part::Count),
        ("/full", Part::Full),
        ("/synthetic", Part::Synthetic),
        ("/table", Part::Table),
    ];
    for (below, part) in selected {
        let address = Address::Selected(id, entity, part);
        let path = format!("/selection/{{id}}/{name}{below}");
        for verb in address.verbs() {
            all.push(operation(
                &path,
                *verb,
                Some((entity, part)),
                answer(entity, part, *verb),
            ));
        }
    }
    all
}

fn operation(path: &str, verb: Verb, of: Option<(EntityType, Part)>, answer: Value) -> Operation {
    let (method, status) = match verb {
        Verb::Create => ("post", 201),
        Verb::Delete => ("delete", 204),
        Verb::Read => ("get", 200),
        Verb::Update if matches!(of, Some((_, Part::Synthetic))) => ("put", 204),
        Verb::Update => ("put", 200),
    };
    let body = match (verb, of) {
        (Verb::Delete | Verb::Read, _) => None,
        (Verb::Create | Verb::Update, Some((entity, Part::Collection | Part::Item(_)))) => {
            Some(reference(entity.shape().name))
        }
        (_, Some((entity, Part::Many))) => {
            Some(json!({"type": "array", "items": reference(entity.shape().name)}))
        }
        (Verb::Create, None) if path.starts_with("/selection/") => None,
        (Verb::Create, None) if path == EXPORT => {
            Some(reference(CERTIFICATE_EXPORT_PARAMETERS.name))
        }
        (_, Some((_, Part::Table))) => Some(reference("TableDefinition")),
        _ => Some(json!({"type": "object"})),
    };
    let listed = matches!(
        of,
        Some((
            _,
            Part::Collection | Part::Count | Part::Full | Part::Table | Part::Synthetic
        ))
    ) || path.starts_with("/selection/") && verb == Verb::Create;
    let parameters: &[&str] = match of {
        Some((_, Part::Table)) => &["filter", "skip", "take", "sortColumn", "orderAscending"],
        Some((_, Part::Collection | Part::Full)) if verb == Verb::Read => {
            &["filter", "orderby", "privileges"]
        }
        _ if listed => &["filter"],
        Some((_, Part::Item(_) | Part::Local)) if verb != Verb::Delete => &["privileges"],
        _ => &[],
    };
    Operation {
        path: path.to_owned(),
        method,
        status,
        body,
        answer: (status != 204).then_some(answer),
        parameters: parameters.to_vec(),
    }
}

fn answer(entity: EntityType, part: Part, verb: Verb) -> Value {
    let name = entity.shape().name;
    let list = |of: String| json!({"type": "array", "items": reference(&of)});
    match (part, verb) {
        (Part::Collection, Verb::Read) => list(format!("{name}Condensed")),
        (Part::Count, _) => json!({
            "type": "object", "required": ["value"], "properties": {"value": {"type": "integer"}},
        }),
        (Part::Full | Part::Many, _) => list(name.to_owned()),
        (Part::PreviewCreatePrivilege, _) => json!({"type": "boolean"}),
        (Part::PreviewPrivileges, _) => json!({"type": "array", "items": {"type": "string"}}),
        (Part::Synthetic, _) => json!({"type": "object"}),
        (Part::Table, _) => reference("Table"),
        _ => reference(name),
    }
}

fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    for entity in EntityType::ALL {
        let shape = entity.shape();
        add(shape, &mut schemas);
        schemas.insert(format!("{}Condensed", shape.name), condensed(shape));
    }
    schemas.insert(
        "Selection".to_owned(),
        json!({"type": "object", "required": ["id"]}),
    );
    add(&CERTIFICATE_EXPORT_PARAMETERS, &mut schemas);
    schemas.insert("TableDefinition".to_owned(), table_definition());
    schemas.insert(
        "Table".to_owned(),
        json!({
            "type": "object",
            "required": ["columnNames", "rows"],
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "columnNames": {"type": "array", "items": {"type": "string"}},
                "rows": {"type": "array", "items": {"type": "array"}},
                "schemaPath": {"type": "string"},
            },
        }),
    );
    schemas
}

fn table_definition() -> Value {
    let column = json!({
        "type": "object",
        "required": ["columnType"],
        "properties": {
            "name": {"type": "string"},
            "columnType": {
                "enum": [1, 2, 3, 4, "Property", "Function", "List", "Privileges"],
            },
            "definition": {"type": "string"},
            "list": {"type": "array", "items": {"type": "object"}},
        },
    });
    json!({
        "type": "object",
        "required": ["columns"],
        "properties": {
            "type": {"type": "string"},
            "columns": {"type": "array", "maxItems": table::MAX_COLUMNS, "items": column},
        },
    })
}

fn add(shape: &'static Shape, schemas: &mut Map<String, Value>) {
    if schemas.contains_key(shape.name) {
        return;
    }
    schemas.insert(shape.name.to_owned(), object(shape, |_| true));
    for property in shape.properties {
        if let Kind::Items(part) | Kind::Object(part) = property.kind {
            add(part, schemas);
        }
    }
}

fn condensed(shape: &Shape) -> Value {
    object(shape, |property| shape.is_condensed(property))
}

fn object(shape: &Shape, shown: impl Fn(&Property) -> bool) -> Value {
    let properties = shape.all().filter(|property| shown(property));
    let mut properties: Map<String, Value> = properties
        .map(|property| (property.name.to_owned(), schema(property)))
        .collect();
    let text = json!({"type": "string", "readOnly": true});
    properties.insert("schemaPath".to_owned(), text);
    if shape.metadata {
        let privileges = json!({
            "type": ["array", "null"], "items": {"type": "string"}, "readOnly": true,
        });
        properties.insert("privileges".to_owned(), privileges);
    }
    json!({"type": "object", "properties": properties})
}

fn schema(property: &Property) -> Value {
    let mut schema = match property.kind {
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Date => json!({"type": "string", "format": "date-time"}),
        Kind::Enumeration(of) => {
            let values: Vec<_> = of.values.iter().map(|(number, _)| number).collect();
            let names: Vec<_> = of.values.iter().map(|(_, name)| name).collect();
            json!({"type": "integer", "enum": values, "x-enumNames": names})
        }
        Kind::Guid => json!({"type": "string", "format": "uuid"}),
        Kind::Items(part) => json!({"type": "array", "items": reference(part.name)}),
        Kind::Number { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Kind::Object(part) => reference(part.name),
        Kind::Opaque => json!({"type": "array", "items": {"type": "object"}}),
        Kind::Reference(_) => json!({"type": ["object", "null"]}),
        Kind::References(_) => json!({"type": "array", "items": {"type": "object"}}),
        // Not `writeOnly`: answers have the property, so that clients can send it back.
        Kind::Secret { max } => json!({
            "type": "string", "maxLength": max,
            "description": "Always empty in answers; what is sent empty stays as it is",
        }),
        Kind::Text { max } => json!({"type": "string", "maxLength": max}),
        Kind::Texts { max } => {
            json!({"type": "array", "items": {"type": "string", "maxLength": max}})
        }
    };
    if property.read_only {
        schema["readOnly"] = true.into();
    }
    schema
}
