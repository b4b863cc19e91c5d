//! What QPS says of itself below `about`, made from the schemas of its description.

use serde_json::{Map, Value, json};

use super::openapi::schemas;

/// What a change is called in [`schemas`], and its numbers (Qlik's description of QPS 38.11.0).
pub(super) const CHANGE_TYPES: [(u8, &str); 4] =
    [(0, "Undefined"), (1, "Add"), (2, "Update"), (3, "Delete")];

/// `about/default`: each type as it is before anybody has filled it in.
pub(super) fn defaults() -> Value {
    let schemas = schemas();
    let blank = |(name, schema)| (String::clone(name), blank(schema, &schemas));
    schemas.iter().map(blank).collect()
}

fn blank(schema: &Value, schemas: &Map<String, Value>) -> Value {
    if let Some(target) = target(schema).and_then(|target| schemas.get(target)) {
        return blank(target, schemas);
    }
    match schema["type"].as_str() {
        Some("array") => json!([]),
        Some("boolean") => false.into(),
        Some("integer") => 0.into(),
        Some("object") => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            let blank = |(name, schema)| (String::clone(name), blank(schema, schemas));
            properties.map(blank).collect()
        }
        Some("string") => "".into(),
        _ => Value::Null,
    }
}

/// `about/enums`: the one enumeration.
pub(super) fn enumerations() -> Value {
    let values = CHANGE_TYPES.map(|(number, name)| format!("{number}: {name}"));
    json!({"ChangeType": {"values": values, "usages": ["ExternalChangeInfo.ChangeType"]}})
}

/// `about/relations`: `X.y > Z`, which property leads to which type.
pub(super) fn relations() -> Value {
    let mut lines = Vec::new();
    for (of, schema) in schemas() {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(target) = target(property) {
                lines.push(format!("{of}.{name} > {target}"));
            }
        }
    }
    lines.into()
}

fn target(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generic_clients_learn_what_there_is() {
        let defaults = defaults();
        let session = json!({
            "UserDirectory": "", "UserId": "", "Attributes": [], "SessionId": "", "UserName": "",
        });
        assert_eq!(defaults["SessionData"], session);
        let deleted = json!({"Session": session, "LastSessionForUser": false});
        assert_eq!(defaults["DeletedSession"], deleted);
        assert_eq!(defaults["TicketResponse"]["TargetUri"], Value::Null);
        assert_eq!(defaults["ExternalChangeInfo"]["ChangeType"], 0);
        assert_eq!(relations(), json!(["DeletedSession.Session > SessionData"]));
        assert_eq!(enumerations()["ChangeType"]["values"][3], "3: Delete");
    }
}
