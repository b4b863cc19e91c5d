//! Every field of every entity comes back as it was stored.

use serde_json::{Map, Value, json};

use super::*;

/// Fields whose text is not free, and lists, each with a value that is not the default.
fn special(field: &str) -> Option<Value> {
    let metadata = json!({
        "id": "00000000-0000-0000-0000-0000000000aa",
        "createdDate": "2026-01-02T03:04:05.006Z",
        "modifiedDate": "2026-01-02T03:04:05.007Z",
        "modifiedByUserName": "A\\b",
    });
    let row = |more: Value| {
        let mut row = metadata.as_object().cloned().unwrap();
        row.extend(more.as_object().cloned().unwrap());
        row
    };
    Some(match field {
        "id" | "serverNodeConfiguration" | "serviceCluster" => {
            json!("00000000-0000-0000-0000-0000000000bb")
        }
        "createdDate" | "modifiedDate" | "drainingSince" => json!("2026-11-22T08:55:17.372Z"),
        "loadBalancingAlgorithm" => json!("MemoryAllocation"),
        "authenticationMethod" => json!("JWT"),
        "headerAuthenticationMode" => json!("Undefined"),
        "anonymousAccessMode" => json!("AlwaysAnonymous"),
        "sameSiteAttributeHttps" | "sameSiteAttributeHttp" => json!("Strict"),
        "samlAttributeSigningAlgorithm" => json!("Sha256"),
        "loadBalancingServerNodes" | "virtualProxies" => {
            json!(["00000000-0000-0000-0000-0000000000cc"])
        }
        "jwtAttributeMap" => json!([row(json!({
            "jwtAttribute": "mail", "senseAttribute": "email", "isMandatory": true,
        }))]),
        "jwtIssuers" => json!([{
            "issuer": "https://a", "audience": "b", "jwksUri": "https://c", "discovery": true,
            "publicKeyCertificate": "PEM",
        }]),
        "backendHeaders" => json!([{"name": "X-User", "value": "{userId}"}]),
        "choiceValues" | "objectTypes" => json!(["one", "two"]),
        "services" => {
            json!([{"path": "/", "uri": "http://h:1", "healthPath": "/up", "http2": true}])
        }
        "boundUserDirectories"
        | "headerAuthenticationTrustedAddresses"
        | "websocketCrossOriginWhiteList"
        | "corsAllowedOrigins"
        | "jwtAlgorithms"
        | "privateClaims" => {
            json!(["one", "two"])
        }
        "tags" => json!(["00000000-0000-0000-0000-0000000000dd"]),
        "customProperties" => json!([row(json!({
            "value": "a", "definition": "00000000-0000-0000-0000-0000000000ee",
        }))]),
        "roles" | "samlAttributeMap" | "oidcAttributeMap" => {
            json!([{"z": 1, "a": [null, "ü\u{0}"]}])
        }
        _ => return None,
    })
}

fn fill(value: &Value, field: &str) -> Value {
    special(field).unwrap_or_else(|| match value {
        Value::Bool(b) => json!(!b),
        Value::Number(n) => json!(n.as_u64().unwrap() + 1),
        Value::String(_) => json!(format!("{field} \"quoted\" \\ ü 😀 \r\n 'x'; --")),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), fill(value, name)))
            .collect::<Map<_, _>>()
            .into(),
        other => panic!("no value for {field}: {other}"),
    })
}

#[tokio::test]
async fn every_field_of_every_entity_comes_back() {
    let f = fixture().await;
    let mut filled = Vec::new();
    for empty in empty_documents() {
        let defaults: Value = serde_json::from_str(&empty.encode().unwrap()).unwrap();
        let value = fill(&defaults, "");
        for (field, default) in defaults.as_object().unwrap() {
            assert_ne!(value[field], *default, "{field} was not filled");
        }
        let id = value["id"].as_str().unwrap();
        let document = Document::decode(empty.kind(), id, &value.to_string()).unwrap();
        let encoded: Value = serde_json::from_str(&document.encode().unwrap()).unwrap();
        assert_eq!(encoded, value, "{:?}", empty.kind());
        filled.push(document);
    }
    let changes = filled.iter().cloned().map(Change::Put).collect();
    f.repository.apply(0, &set(changes)).await.unwrap();
    drop(f.repository);

    let again = Repository::open_sqlite(&f.path).await.unwrap();
    let documents = again.load().await.unwrap().documents;
    for document in &filled {
        let again = Document::find(&documents, document.kind(), document.id());
        assert!(again.as_ref() == Some(document), "{document:?}");
    }
}
