//! Users.

use http::Method;
use serde_json::{Value, json};

use crate::site::Site;

async fn create(site: &Site, id: &str) -> Value {
    let body = json!({"userDirectory": "EXAMPLE", "userId": id, "name": id.to_uppercase()});
    let answer = site
        .send(Method::POST, "/qrs/user", body.to_string(), |_| {})
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

async fn put(site: &Site, body: &Value) -> crate::site::Answer {
    let address = format!("/qrs/user/{}", body["id"].as_str().unwrap());
    site.send(Method::PUT, &address, body.to_string(), |_| {})
        .await
}

#[tokio::test]
async fn users_are_made_found_blocked_given_roles_and_deleted() {
    let site = Site::new().await;
    for id in ["zoe", "anna", "boz"] {
        create(&site, id).await;
    }
    let all = site.get("/qrs/user").await.json();
    let ids: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|user| &user["userId"])
        .collect();
    assert_eq!(ids, ["anna", "boz", "zoe"]);
    assert_eq!(all[0].as_object().unwrap().len(), 6, "{all}");
    let count = site
        .get("/qrs/user/count?filter=userId%20so%20%27o%27")
        .await
        .json();
    assert_eq!(count["value"], 2);
    let found = site
        .get("/qrs/User/Full?filter=userid%20eq%20%27BOZ%27")
        .await
        .json();
    assert_eq!(found.as_array().unwrap().len(), 1);
    let mut boz = found[0].clone();
    assert_eq!(boz["name"], "BOZ");

    boz["blacklisted"] = true.into();
    boz["roles"] = json!(["AuditAdmin"]);
    let changed = put(&site, &boz).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let changed = changed.json();
    assert_eq!(
        (&changed["blacklisted"], &changed["roles"]),
        (&true.into(), &boz["roles"])
    );
    let people = site.management.people();
    assert!(people.load().is_blocked("example", "boz"));
    let blocked = site
        .get("/qrs/user/full?filter=blacklisted%20eq%20true")
        .await
        .json();
    assert_eq!(blocked.as_array().unwrap().len(), 1);

    let address = format!("/qrs/user/{}", boz["id"].as_str().unwrap());
    let deleted = site.send(Method::DELETE, &address, "", |_| {}).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(site.get(&address).await.status, 404);
    assert!(!people.load().is_blocked("example", "boz"));
}

#[tokio::test]
async fn what_is_wrong_with_a_user_is_named() {
    let site = Site::new().await;
    let anna = create(&site, "anna").await;
    let with = |name: &str, value: Value| {
        let mut changed = anna.clone();
        changed[name] = value;
        changed
    };
    for (body, status, words) in [
        (with("roles", json!(["God"])), 400, "roles"),
        (with("roles", json!("RootAdmin")), 400, "roles"),
        (with("blacklisted", json!("yes")), 400, "blacklisted"),
        (with("userId", json!("boz")), 400, "userId"),
        (with("name", json!(" ")), 400, "name"),
        (with("admin", json!(true)), 400, "admin"),
        (with("modifiedDate", Value::Null), 400, "modifiedDate"),
        (
            with("modifiedDate", json!("2001-01-01T00:00:00.000Z")),
            409,
            "changed at",
        ),
    ] {
        let answer = put(&site, &body).await;
        assert_eq!(answer.status, status, "{words}: {}", answer.text);
        assert!(answer.text.contains(words), "{}", answer.text);
    }
    let twice = json!({"userDirectory": "example", "userId": "ANNA"});
    let twice = site
        .send(Method::POST, "/qrs/user", twice.to_string(), |_| {})
        .await;
    assert_eq!(twice.status, 400);
    let bad = site.get("/qrs/user?filter=nothing%20eq%201").await;
    assert_eq!(bad.status, 400);
}
