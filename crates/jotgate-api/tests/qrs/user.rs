//! Users: not part of the configuration, and as other entities to clients.

use http::Method;
use jotgate_manage::{Actor, ActorKind, Privilege, UserChange};
use jotgate_model::User;
use serde_json::{Value, json};

use crate::site::{Site, clock};

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

fn ana() -> Value {
    json!({
        "userDirectory": "SALES", "userId": "ana", "name": "Ana", "roles": ["AuditAdmin"],
        "attributes": [], "tags": [], "blacklisted": false, "privileges": null,
    })
}

#[tokio::test]
async fn a_user_is_created_shown_changed_and_deleted() {
    let site = Site::new().await;
    let created = site.create("/qrs/user", &ana()).await;
    insta::assert_snapshot!(crate::site::shown(&created));
    let path = format!("/qrs/user/{}", created["id"].as_str().unwrap());
    assert_eq!(site.read(&path).await, created);
    let list = site.read("/qrs/user").await;
    insta::assert_snapshot!("condensed", crate::site::shown(&list));

    let mut change = created.clone();
    change["blacklisted"] = true.into();
    change["roles"] = json!([]);
    let changed = site.put(&path, &change).await.json();
    assert_eq!(changed["blacklisted"], true);
    assert_eq!(changed["roles"], json!([]));
    // What is left out stays.
    let dated = json!({"modifiedDate": changed["modifiedDate"], "name": "Ana B"});
    let changed = site.put(&path, &dated).await.json();
    assert_eq!(
        (&changed["name"], &changed["blacklisted"]),
        (&json!("Ana B"), &json!(true))
    );

    assert_eq!(site.delete(&path).await.status, 204);
    assert_eq!(site.get(&path).await.status, 404);
    assert_eq!(site.delete(&path).await.status, 404);
}

#[tokio::test]
async fn what_cannot_be_is_named_and_changes_nothing() {
    let site = Site::new().await;
    let created = site.create("/qrs/user", &ana()).await;
    let path = format!("/qrs/user/{}", created["id"].as_str().unwrap());
    for (body, field) in [
        (json!({"userId": "x"}), "userDirectory"),
        (json!({"userDirectory": "x"}), "userId"),
        (
            json!({"userDirectory": "sales", "userId": "ANA"}),
            "exists already",
        ),
        (
            json!({"userDirectory": "x", "userId": "y", "roles": ["King"]}),
            "roles[0]",
        ),
        (
            json!({"userDirectory": "x", "userId": "y", "name": " "}),
            "name",
        ),
        (
            json!({"userDirectory": "x", "userId": "y", "colour": 1}),
            "colour",
        ),
    ] {
        let refused = site.post("/qrs/user", &body).await;
        assert_eq!(refused.status, 400, "{body}");
        assert!(refused.text.contains(field), "{body}: {}", refused.text);
    }
    let mut renamed = created.clone();
    renamed["userId"] = "bob".into();
    let refused = site.put(&path, &renamed).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("userId"), "{}", refused.text);
    let late = json!({"modifiedDate": "2001-01-01T00:00:00.000Z", "blacklisted": true});
    assert_eq!(site.put(&path, &late).await.status, 409);
    assert_eq!(site.read(&path).await, created);
    assert_eq!(
        site.post("/qrs/user/many", &json!([ana()])).await.status,
        405
    );
}

#[tokio::test]
async fn users_are_filtered_ordered_counted_and_selected_across_pages() {
    let site = Site::new().await;
    // More than one page of those that are read at once.
    let actor = Actor {
        name: "INTERNAL\\sa_repository".to_owned(),
        kind: ActorKind::Certificate,
        source: "a test".to_owned(),
        privilege: Privilege::RootAdmin,
    };
    for number in 0..2100 {
        let user = User::new("SALES", format!("u{number:04}"));
        let change = UserChange {
            blocked: Some(number % 700 == 0),
            ..UserChange::default()
        };
        let changed = site.management.change_user(&actor, user, change, clock());
        changed.await.unwrap();
    }
    assert_eq!(site.read("/qrs/user/count").await, json!({"value": 2100}));
    let blocked = "filter=blacklisted%20eq%20true";
    let found = site
        .read(&format!("/qrs/user?{blocked}&orderby=userId%20desc"))
        .await;
    let ids: Vec<_> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|user| &user["userId"])
        .collect();
    assert_eq!(ids, ["u1400", "u0700", "u0000"]);
    let last = "filter=userDirectory%20eq%20'sales'%20and%20userid%20eq%20'U2099'";
    assert_eq!(
        site.read(&format!("/qrs/user/count?{last}")).await,
        json!({"value": 1})
    );

    let selection = site
        .create(&format!("/qrs/selection/user?{blocked}"), &json!({}))
        .await;
    let selected = format!("/qrs/selection/{}/user", selection["id"].as_str().unwrap());
    assert_eq!(
        site.read(&format!("{selected}/count")).await,
        json!({"value": 3})
    );
    assert_eq!(site.delete(&selected).await.status, 405);
    let columns = json!({
        "columns": [{"name": "id", "columnType": "Property", "definition": "userId"}],
    });
    let table = format!("{selected}/table?sortColumn=id&orderAscending=false&skip=1&take=1");
    let table = site.create(&table, &columns).await;
    assert_eq!(table["rows"], json!([["u0700"]]));

    // A page of all of them, which the database sorts, and the same in an order that it does not have.
    for sort in ["userId", "name", "name,userId", "userDirectory,userId", ""] {
        let page = format!("/qrs/user/table?sortColumn={sort}&skip=2050&take=2");
        let table = site.create(&page.replace(',', "%2C"), &columns).await;
        let expected = json!([["u2050"], ["u2051"]]);
        assert_eq!(table["rows"], expected, "{sort}");
    }
    for sort in ["name", "userDirectory"] {
        let page = format!("/qrs/user/table?sortColumn={sort}&orderAscending=false&skip=50&take=1");
        let table = site.create(&page, &columns).await;
        assert_eq!(table["rows"], json!([["u2049"]]), "{sort}");
    }
}
