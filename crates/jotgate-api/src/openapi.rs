//! OpenAPI 3.1 descriptions of what is served, made from the code that serves it.

use serde_json::{Map, Value, json};

/// The interfaces that are described.
pub(crate) const INTERFACES: [&str; 2] = ["Proxy Main API", "Repository Main API"];

/// The description of an interface, by its name or the first word of it, in any case.
pub(crate) fn interface(name: &str) -> Option<Value> {
    let words = |of: &str| of.to_ascii_lowercase();
    match words(name).as_str() {
        "proxy" | "proxy main api" => Some(crate::qps::openapi::describe()),
        "repository" | "repository main api" => Some(crate::qrs::openapi::describe()),
        _ => None,
    }
}

/// One method of one address.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// Below the interface's own path, with `{names}` for what varies.
    pub(crate) path: String,
    /// In lower case.
    pub(crate) method: &'static str,
    /// The status when nothing is wrong.
    pub(crate) status: u16,
    /// The schema of the body that is sent.
    pub(crate) body: Option<Value>,
    /// The schema of the answer.
    pub(crate) answer: Option<Value>,
    /// The parameters that may be given.
    pub(crate) parameters: Vec<&'static str>,
}

impl Operation {
    /// One line for people: `GET /tag?filter={filter}`.
    pub(crate) fn line(&self) -> String {
        let parameters = self.parameters.iter();
        let query: Vec<_> = parameters
            .map(|name| format!("{name}={{{name}}}"))
            .collect();
        let joint = if query.is_empty() { "" } else { "?" };
        format!(
            "{} {}{joint}{}",
            self.method.to_uppercase(),
            self.path,
            query.join("&")
        )
    }
}

/// A schema of the same document.
pub(crate) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// The whole document of an interface whose addresses begin with `base`.
pub(crate) fn document(
    title: &str,
    base: &str,
    operations: &[Operation],
    schemas: Map<String, Value>,
) -> Value {
    let mut paths = Map::new();
    for operation in operations {
        let path = paths
            .entry(operation.path.clone())
            .or_insert_with(|| Value::Object(Map::new()));
        path[operation.method] = described(operation, base);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": crate::Build::INTERFACE_VERSION,
            "description": "As far as Jotgate serves it. Errors are one sentence of plain text.",
        },
        "servers": [{"url": base}],
        "security": [{"clientCertificate": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"clientCertificate": {"type": "mutualTLS"}},
            "schemas": schemas,
            "parameters": {
                "xrfkey": {
                    "name": "xrfkey", "in": "query", "required": true,
                    "description": "16 letters and digits, the same as in the header",
                    "schema": {"type": "string", "pattern": "^[0-9A-Za-z]{16}$"},
                },
                "xrfkeyHeader": {
                    "name": "X-Qlik-Xrfkey", "in": "header", "required": true,
                    "schema": {"type": "string", "pattern": "^[0-9A-Za-z]{16}$"},
                },
            },
            "responses": {
                "refused": {
                    "description": "One sentence that says what is wrong",
                    "content": {"text/plain": {"schema": {"type": "string"}}},
                },
            },
        },
    })
}

fn described(operation: &Operation, base: &str) -> Value {
    let mut parameters = vec![
        json!({"$ref": "#/components/parameters/xrfkey"}),
        json!({"$ref": "#/components/parameters/xrfkeyHeader"}),
    ];
    let varying = operation
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    parameters.extend(varying.map(|name| {
        let schema = match (base, name) {
            ("/qrs", "id") => json!({"type": "string", "format": "uuid"}),
            _ => json!({"type": "string"}),
        };
        json!({"name": name, "in": "path", "required": true, "schema": schema})
    }));
    parameters.extend(operation.parameters.iter().map(|name| {
        let schema = match *name {
            "privileges" | "orderAscending" => json!({"type": "boolean"}),
            "skip" | "take" => json!({"type": "integer", "minimum": 0}),
            _ => json!({"type": "string"}),
        };
        json!({"name": name, "in": "query", "required": false, "schema": schema})
    }));
    let mut good = json!({"description": "Done"});
    if let Some(answer) = &operation.answer {
        good["content"] = json!({"application/json": {"schema": answer}});
    }
    let mut described = json!({
        "operationId": operation_id(operation),
        "parameters": parameters,
        "responses": {
            operation.status.to_string(): good,
            "default": {"$ref": "#/components/responses/refused"},
        },
    });
    if let Some(body) = &operation.body {
        described["requestBody"] = json!({
            "required": true,
            "content": {"application/json": {"schema": body}},
        });
    }
    described
}

fn operation_id(operation: &Operation) -> String {
    let words = operation
        .path
        .split(['/', '{', '}'])
        .filter(|word| !word.is_empty());
    let words: Vec<_> = words.collect();
    format!("{}_{}", operation.method, words.join("_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever changes what is served sees it here.
    #[test]
    fn the_descriptions_are_public() {
        for name in INTERFACES {
            let described = interface(name).unwrap();
            let file = name.to_lowercase().replace(' ', "_");
            insta::assert_snapshot!(file, serde_json::to_string_pretty(&described).unwrap());
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        for name in INTERFACES {
            let described = interface(name).unwrap();
            let text = described.to_string();
            for part in text.split("\"$ref\":\"#/").skip(1) {
                let pointer = part.split('"').next().unwrap();
                assert!(
                    described.pointer(&format!("/{pointer}")).is_some(),
                    "{pointer}"
                );
            }
        }
    }
}
