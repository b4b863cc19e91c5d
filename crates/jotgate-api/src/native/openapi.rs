//! The description of the native endpoints as OpenAPI 3.1, made from the table and the types that
//! requests are read into and answered with.

use axum::extract::State;
use schemars::generate::{Contract, SchemaSettings};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::endpoint::Endpoint;
use super::input::Anybody;
use super::output::Answer;
use super::{BASE, Native};

/// An OpenAPI document.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct DescriptionAnswer(Map<String, Value>);

pub(super) fn endpoints() -> Vec<Endpoint> {
    let summary = "This description";
    vec![
        Endpoint::get("/openapi.json", summary, show)
            .answer::<DescriptionAnswer>()
            .for_keys(),
    ]
}

async fn show(State(_): State<Native>, Anybody(_): Anybody) -> Answer<DescriptionAnswer> {
    Answer(DescriptionAnswer(describe(&super::endpoints())))
}

/// The whole document.
pub(super) fn describe(endpoints: &[Endpoint]) -> Map<String, Value> {
    let (mut sent, mut answered) = (
        generator(Contract::Deserialize),
        generator(Contract::Serialize),
    );
    let mut paths = Map::new();
    for endpoint in endpoints {
        let path = paths
            .entry(endpoint.path)
            .or_insert_with(|| Value::Object(Map::new()));
        path[endpoint.method] = operation(endpoint, &mut sent, &mut answered);
    }
    let mut schemas = sent.take_definitions(true);
    schemas.extend(answered.take_definitions(true));
    schemas.sort_keys();
    let description = "Errors are problem details (RFC 9457). A request with a \
         user's session needs the header X-Jotgate-Request as well.";
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Jotgate",
            "version": env!("CARGO_PKG_VERSION"),
            "description": description,
        },
        "servers": [{"url": BASE}],
        "security": [{"clientCertificate": []}, {"session": [], "request": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "clientCertificate": {"type": "mutualTLS"},
                "session": {"type": "apiKey", "in": "cookie", "name": "X-Qlik-Session"},
                "request": {"type": "apiKey", "in": "header", "name": "X-Jotgate-Request"},
                "apiKey": {"type": "http", "scheme": "bearer"},
            },
            "schemas": schemas,
            "responses": {
                "refused": refused(),
            },
        },
    });
    match document {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Problem details (RFC 9457), with the fields at fault and what somebody else has changed as well.
fn refused() -> Value {
    let schema = json!({
        "type": "object",
        "required": ["status", "title", "detail"],
        "properties": {
            "status": {"type": "integer"},
            "title": {"type": "string"},
            "detail": {"type": "string"},
            "errors": {"type": "array", "items": {
                "type": "object",
                "required": ["field", "problem"],
                "properties": {
                    "field": {"type": "string"},
                    "problem": {"type": "string"},
                },
            }},
            "probe": {
                "type": "object",
                "required": ["path", "expected", "status", "reason", "revision", "restored"],
                "properties": {
                    "path": {"type": "string"},
                    "expected": {"type": "integer"},
                    "status": {"type": ["integer", "null"]},
                    "reason": {"type": ["string", "null"]},
                    "revision": {"type": "integer"},
                    "restored": {"type": ["integer", "null"]},
                },
            },
            "conflicts": {"type": "array", "items": {
                "type": "object",
                "required": ["kind", "id", "name", "fields"],
                "properties": {
                    "kind": {"type": "string"},
                    "id": {"type": "string"},
                    "name": {"type": "string"},
                    "fields": {"type": "array", "items": {
                        "type": "object",
                        "required": ["field", "base", "mine", "theirs"],
                        "properties": {"field": {"type": "string"}},
                    }},
                },
            }},
        },
    });
    json!({
        "description": "What is wrong, and which fields are at fault",
        "content": {"application/problem+json": {"schema": schema}},
    })
}

fn generator(contract: Contract) -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        settings.contract = contract;
    });
    settings.into_generator()
}

fn operation(
    endpoint: &Endpoint,
    sent: &mut SchemaGenerator,
    answered: &mut SchemaGenerator,
) -> Value {
    let mut parameters: Vec<Value> = endpoint
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": varying(name)}))
        .collect();
    if let Some(query) = endpoint.query {
        parameters.extend(in_query(&query(sent).to_value()));
    }
    let mut good = json!({"description": "Done"});
    if let Some(answer) = endpoint.answer {
        let schema = answer(answered).to_value();
        good["content"] = json!({"application/json": {"schema": schema}});
    }
    let mut described = json!({
        "operationId": operation_id(endpoint),
        "summary": endpoint.summary,
        "parameters": parameters,
        "responses": {
            endpoint.status.as_str(): good,
            "default": {"$ref": "#/components/responses/refused"},
        },
    });
    if let Some(body) = endpoint.body {
        let schema = body(sent).to_value();
        described["requestBody"] = json!({
            "required": true,
            "content": {"application/json": {"schema": schema}},
        });
    }
    if endpoint.for_keys {
        described["security"] = json!([
            {"clientCertificate": []}, {"session": [], "request": []}, {"apiKey": []},
        ]);
    }
    described
}

fn varying(name: &str) -> Value {
    match name {
        "before" | "after" | "revision" => json!({"type": "integer", "minimum": 0}),
        "id" => json!({"type": "string", "format": "uuid"}),
        _ => json!({"type": "string"}),
    }
}

/// The properties of an object, as parameters.
fn in_query(object: &Value) -> Vec<Value> {
    let required = |name: &str| {
        let names = object["required"].as_array();
        names.is_some_and(|names| names.iter().any(|one| one == name))
    };
    let properties = object["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, schema)| {
            json!({"name": name, "in": "query", "required": required(name), "schema": schema})
        })
        .collect()
}

fn operation_id(endpoint: &Endpoint) -> String {
    let words = endpoint
        .path
        .split(['/', '{', '}', '.', '-'])
        .filter(|word| !word.is_empty());
    let words: Vec<_> = words.collect();
    format!("{}_{}", endpoint.method, words.join("_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever changes what is served sees it here.
    #[test]
    fn the_description_is_public() {
        let described = describe(&super::super::endpoints());
        insta::assert_snapshot!(serde_json::to_string_pretty(&described).unwrap());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let described = Value::Object(describe(&super::super::endpoints()));
        let text = described.to_string();
        for part in text.split("\"$ref\":\"#/").skip(1) {
            let pointer = part.split('"').next().unwrap();
            let found = described.pointer(&format!("/{pointer}"));
            assert!(found.is_some(), "{pointer}");
        }
    }
}
