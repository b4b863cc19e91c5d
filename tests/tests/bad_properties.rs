//! Every property of everything that can be saved, with values that it cannot have: too long, too large,
//! of another type. The cases are made from the description that the gateway gives of itself, so that
//! a new property has them without being named here. `bad_saves.rs` has what types do not say.

#[path = "support/serving.rs"]
mod serving;

use jotgate_scenarios::{Answer, Client, Gateway, Qrs};
use serde_json::{Map, Value, json};
use serving::{Serving, assert_sentence};

#[tokio::test]
async fn every_property_of_a_virtual_proxy() {
    let mut serving = Serving::start().await;
    let path = serving.vp.path();
    let tried = try_all(&serving.qrs(), "VirtualProxyConfig", &path).await;
    assert!(tried > 400, "only {tried} values were tried");
    serving.assert_goes_on("every bad property").await;
}

#[tokio::test]
async fn every_property_of_a_node_and_of_the_proxy() {
    let mut serving = Serving::start().await;
    let qrs = serving.qrs();
    for (entity, address, least) in [
        ("ServerNodeConfiguration", "servernodeconfiguration", 100),
        ("ProxyService", "proxyservice", 100),
    ] {
        let local = qrs.get(&format!("/{address}/local")).await;
        let path = format!("/{address}/{}", local["id"].as_str().expect("an id"));
        let tried = try_all(&qrs, entity, &path).await;
        assert!(tried > least, "only {tried} values were tried");
        serving.assert_goes_on(entity).await;
    }
}

#[tokio::test]
async fn every_property_of_a_tag_a_custom_property_and_a_user() {
    let gateway = Gateway::serve().await;
    let qrs = gateway.qrs();
    for (entity, made) in [
        ("Tag", json!({ "name": "production" })),
        (
            "CustomPropertyDefinition",
            json!({ "name": "Team", "valueType": "Text", "objectTypes": ["VirtualProxyConfig"] }),
        ),
        (
            "User",
            json!({ "userDirectory": "example", "userId": "ana" }),
        ),
    ] {
        let address = format!("/{}", entity.to_lowercase());
        let made = qrs.create(&address, &made).await;
        let path = format!("{address}/{}", made["id"].as_str().expect("an id"));
        let tried = try_all(&qrs, entity, &path).await;
        assert!(tried >= 6, "only {tried} values were tried");
    }
}

/// Nothing stands for the default: typed clients send it for whatever nobody has set.
#[tokio::test]
async fn null_is_the_default_of_every_property_or_refused_by_name() {
    let gateway = Gateway::serve().await;
    let qrs = gateway.qrs();
    for (entity, made) in [
        (
            "VirtualProxyConfig",
            json!({ "prefix": "made", "description": "made", "sessionCookieHeaderName": "Made" }),
        ),
        (
            "ServerNodeConfiguration",
            json!({ "name": "made", "hostName": "made" }),
        ),
        ("Tag", json!({ "name": "made" })),
        (
            "CustomPropertyDefinition",
            json!({ "name": "made", "valueType": "Text", "objectTypes": ["VirtualProxyConfig"] }),
        ),
        ("User", json!({ "userDirectory": "made", "userId": "made" })),
    ] {
        let schemas = schemas(&qrs).await;
        let address = format!("/{}", entity.to_lowercase());
        for (name, _) in writable(&schemas, entity) {
            let mut body = made.clone();
            body[&name] = Value::Null;
            let answer = qrs.send("POST", &address, Some(&body)).await;
            if answer.status == 201 {
                let id = answer.json()["id"].as_str().expect("an id").to_owned();
                qrs.delete(&format!("{address}/{id}")).await;
            } else {
                assert_sentence(&answer, 400, &[&name]);
            }
        }
    }
}

#[tokio::test]
async fn every_property_of_sessions_and_tickets() {
    let gateway = Gateway::serve().await;
    let described = gateway.qrs().get("/about/openapi/Proxy%20Main%20API").await;
    let schemas = described["components"]["schemas"].clone();
    let qps = gateway.qps();
    let user = json!({ "UserDirectory": "QTSEL", "UserId": "boz" });
    let mut session = user.clone();
    session["SessionId"] = "named-by-a-program-0123456789".into();
    for (schema, path, whole) in [
        ("NewSession", "/qps/session", session),
        ("TicketRequest", "/qps/ticket", user),
    ] {
        for (name, property) in writable(&schemas, schema) {
            if name == "UserName" {
                // It comes back from answers, and is the gateway's.
                continue;
            }
            for bad in bad_values(&property, &name) {
                let mut body = whole.clone();
                body[&name] = bad.value;
                let answer = post(&qps, path, &body).await;
                assert_sentence(&answer, 400, &[&name]);
            }
        }
        let mut body = whole;
        body["Nonsense"] = 1.into();
        assert_sentence(&post(&qps, path, &body).await, 400, &["Nonsense"]);
    }
    let sessions = gateway.metric("jotgate_sessions").await;
    assert_eq!(sessions, 0.0, "something was opened");
}

async fn post(qps: &Client, path: &str, body: &Value) -> Answer {
    let key = "0123456789abcdef";
    qps.request("POST", &format!("{path}?xrfkey={key}"))
        .header("X-Qlik-Xrfkey", key)
        .body(body.to_string())
        .send()
        .await
}

/// A value that a property cannot have, and the name by which the answer must call it.
struct Bad {
    value: Value,
    named: String,
}

async fn schemas(qrs: &Qrs) -> Value {
    let described = qrs.get("/about/openapi/Repository%20Main%20API").await;
    described["components"]["schemas"].clone()
}

/// The properties of a type that clients decide.
fn writable(schemas: &Value, of: &str) -> Map<String, Value> {
    let properties = schemas[of]["properties"].as_object();
    let mut properties = properties.expect("properties").clone();
    properties.retain(|_, schema| schema["readOnly"] != true);
    properties
}

/// Tries to save every bad value of every property; gives how many. Nothing may have changed.
async fn try_all(qrs: &Qrs, entity: &str, path: &str) -> usize {
    let schemas = schemas(qrs).await;
    let stored = qrs.get(path).await;
    let mut cases = Vec::new();
    collect(&schemas, entity, &stored, "", &mut |body| body, &mut cases);
    for (body, named) in &cases {
        let answer = qrs.send("PUT", path, Some(body)).await;
        assert!(
            answer.status == 400,
            "{named}: {} {}",
            answer.status,
            answer.text()
        );
        assert_sentence(&answer, 400, &[named]);
    }
    assert_eq!(
        qrs.get(path).await,
        stored,
        "something of {entity} was stored"
    );
    cases.len()
}

/// Makes the bodies for the object at `at`, which `place` puts where it belongs in the whole entity.
fn collect(
    schemas: &Value,
    of: &str,
    at: &Value,
    path: &str,
    place: &mut dyn FnMut(Value) -> Value,
    cases: &mut Vec<(Value, String)>,
) {
    let mut with = |name: &str, value: Value, named: String, cases: &mut Vec<_>| {
        let mut object = at.clone();
        object[name] = value;
        cases.push((place(object), named));
    };
    let unknown = join(path, "nonsense");
    with("nonsense", json!("x"), unknown, cases);
    for (name, schema) in writable(schemas, of) {
        let here = join(path, &name);
        for bad in bad_values(&schema, &here) {
            with(&name, bad.value, bad.named, cases);
        }
    }
    for (name, schema) in writable(schemas, of) {
        let here = join(path, &name);
        let part = |schema: &Value| {
            let reference = schema["$ref"].as_str()?;
            Some(reference.rsplit('/').next().expect("a name").to_owned())
        };
        if let Some(part) = part(&schema) {
            let inner = at[&name].clone();
            let mut place = |value: Value| {
                let mut object = at.clone();
                object[&name] = value;
                place(object)
            };
            collect(schemas, &part, &inner, &here, &mut place, cases);
        } else if let Some(part) = part(&schema["items"]) {
            let mut place = |value: Value| {
                let mut object = at.clone();
                object[&name] = json!([value]);
                place(object)
            };
            let here = format!("{here}[0]");
            collect(schemas, &part, &json!({}), &here, &mut place, cases);
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// What a property of that schema cannot have: one past each limit, and every other type of JSON.
fn bad_values(schema: &Value, named: &str) -> Vec<Bad> {
    let mut bad = Vec::new();
    let mut add = |value: Value, named: &str| {
        bad.push(Bad {
            value,
            named: named.to_owned(),
        });
    };
    let kind = schema["type"].as_str().unwrap_or("object");
    for (of, value) in [
        ("boolean", json!(true)),
        ("integer", json!(5)),
        ("number", json!(1.5)),
        ("string", json!("no such name")),
        ("array", json!([])),
        ("object", json!({})),
    ] {
        let fits = schema["type"]
            .as_array()
            .is_some_and(|kinds| kinds.contains(&json!(of)));
        if of != kind && !fits {
            add(value, named);
        }
    }
    if let Some(max) = schema["maxLength"].as_u64() {
        add(text_beyond(max), named);
    }
    if let Some(min) = schema["minLength"].as_u64() {
        add(text_beyond(min - 2), named);
    }
    if let Some(min) = schema["minimum"].as_i64() {
        add(json!(min - 1), named);
    }
    if let Some(max) = schema["maximum"].as_i64() {
        add(json!(max + 1), named);
    }
    if let Some(values) = schema["enum"].as_array() {
        add(json!(values.len()), named);
        add(json!(-1), named);
    }
    if kind == "array" {
        let first = format!("{named}[0]");
        let items = &schema["items"];
        match items["maxLength"].as_u64() {
            Some(max) => {
                add(json!([5]), &first);
                add(json!([text_beyond(max)]), &first);
                add(json!(vec!["x"; 1001]), named);
            }
            None => add(json!([5]), &first),
        }
        if items["$ref"].is_string() {
            add(json!(vec![json!({}); 1001]), named);
        }
    }
    bad
}

/// One more character than there may be.
fn text_beyond(max: u64) -> Value {
    let length = usize::try_from(max).expect("a length") + 1;
    Value::from("x".repeat(length))
}
