//! The description of QPS as OpenAPI 3.1.

use serde_json::{Map, Value, json};

use super::described::CHANGE_TYPES;
use crate::openapi::{Operation, document, reference};

/// The whole description.
pub(crate) fn describe() -> Value {
    document("Proxy Main API", "/qps", &operations(), schemas())
}

/// One line for each address and method.
pub(super) fn lines() -> Value {
    operations().iter().map(Operation::line).collect()
}

fn operations() -> Vec<Operation> {
    let session = || reference("SessionData");
    let sessions = || json!({"type": "array", "items": session()});
    let changes = || json!({"type": "array", "items": reference("ExternalChangeInfo")});
    let texts = || json!({"type": "array", "items": {"type": "string"}});
    let operation = |path: &str, method, status, body, answer| Operation {
        path: path.to_owned(),
        method,
        status,
        body,
        answer,
        parameters: Vec::new(),
    };
    let mut all = vec![
        operation("/alive", "get", 200, None, Some(json!({"type": "object"}))),
        operation(
            "/about/default",
            "get",
            200,
            None,
            Some(json!({"type": "object"})),
        ),
        operation("/about/description", "get", 200, None, Some(texts())),
        operation(
            "/about/enums",
            "get",
            200,
            None,
            Some(json!({"type": "object"})),
        ),
        operation("/about/openapi", "get", 200, None, Some(texts())),
        operation(
            "/about/openapi/{interface}",
            "get",
            200,
            None,
            Some(json!({"type": "object"})),
        ),
        operation("/about/relations", "get", 200, None, Some(texts())),
        operation("/error", "post", 204, Some(reference("ModuleError")), None),
        operation("/health", "get", 200, None, Some(json!({"type": "string"}))),
        operation("/notified", "post", 204, Some(changes()), None),
    ];
    for prefix in ["", "/{virtualproxy}"] {
        let path = |rest: &str| format!("{prefix}{rest}");
        all.extend([
            operation(&path("/session"), "get", 200, None, Some(sessions())),
            operation(
                &path("/session"),
                "post",
                201,
                Some(reference("NewSession")),
                Some(reference("AddedSession")),
            ),
            operation(&path("/session/{id}"), "get", 200, None, Some(session())),
            operation(
                &path("/session/{id}"),
                "delete",
                200,
                None,
                Some(reference("DeletedSession")),
            ),
            operation(
                &path("/ticket"),
                "post",
                201,
                Some(reference("TicketRequest")),
                Some(reference("TicketResponse")),
            ),
            operation(
                &path("/user/{directory}/{id}"),
                "get",
                200,
                None,
                Some(sessions()),
            ),
            operation(
                &path("/user/{directory}/{id}"),
                "delete",
                200,
                None,
                Some(sessions()),
            ),
        ]);
    }
    all
}

/// Every type of what is sent and answered.
pub(super) fn schemas() -> Map<String, Value> {
    let properties = json!({
        "UserDirectory": {"type": "string", "maxLength": 255},
        "UserId": {"type": "string", "maxLength": 255},
        "Attributes": {
            "type": "array",
            "items": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "SessionId": {"type": "string"},
        "UserName": {"type": "string"},
    });
    let required = json!(["UserDirectory", "UserId", "SessionId"]);
    let session = json!({"type": "object", "required": required, "properties": properties});
    let mut new = session.clone();
    new["properties"]["SessionId"] = json!({"type": "string", "minLength": 16, "maxLength": 256});
    let mut added = session.clone();
    added["properties"]["NewUser"] = json!({"type": "boolean"});
    let deleted = json!({
        "type": "object",
        "required": ["Session", "LastSessionForUser"],
        "properties": {
            "Session": reference("SessionData"),
            "LastSessionForUser": {"type": "boolean"},
        },
    });
    let of_user = |more: &[(&str, Value)]| {
        let mut of_user = session.clone();
        of_user["required"] = json!(["UserDirectory", "UserId"]);
        if let Some(properties) = of_user["properties"].as_object_mut() {
            properties.retain(|name, _| !matches!(name.as_str(), "SessionId" | "UserName"));
            properties.extend(
                more.iter()
                    .map(|(name, schema)| ((*name).to_owned(), schema.clone())),
            );
        }
        of_user
    };
    let request = of_user(&[("TargetId", json!({"type": ["string", "null"]}))]);
    let response = of_user(&[
        ("Ticket", json!({"type": "string"})),
        ("TargetUri", json!({"type": ["string", "null"]})),
    ]);
    [
        ("TicketRequest", request),
        ("TicketResponse", response),
        ("SessionData", session.clone()),
        ("NewSession", new),
        ("AddedSession", added),
        ("DeletedSession", deleted),
        ("ModuleError", module_error()),
        ("ExternalChangeInfo", change()),
    ]
    .into_iter()
    .map(|(name, schema)| (name.to_owned(), schema))
    .collect()
}

fn module_error() -> Value {
    json!({
        "type": "object",
        "required": ["Message"],
        "properties": {
            "UserDirectory": {"type": "string"},
            "UserId": {"type": "string"},
            "Message": {"type": "string"},
        },
    })
}

fn change() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "properties": {
            "ChangeType": {"type": "integer", "enum": CHANGE_TYPES.map(|(number, _)| number)},
            "ObjectType": text,
            "ObjectID": text,
            "ChangedProperties": {"type": "array", "items": text},
            "EngineID": text,
            "EngineType": text,
            "OriginatorNodeID": text,
            "OriginatorHostName": text,
            "OriginatorContextID": text,
            "CreatedDate": text,
            "ModifiedDate": text,
        },
    })
}
