//! What QRS says of itself, and of what it does not have.

use serde_json::{Value, json};

use crate::site::Site;

#[tokio::test]
async fn generic_clients_learn_what_there_is() {
    let site = Site::new().await;
    let default = site.read("/qrs/about/api/default/virtualproxyconfig").await;
    assert_eq!(default["sessionInactivityTimeout"], 30);
    assert_eq!(default["schemaPath"], "VirtualProxyConfig");
    let all = site.read("/qrs/about/api/default").await;
    assert_eq!(all["VirtualProxyConfig"], default);
    let relations = site.read("/qrs/about/api/relations").await;
    let relations = relations.as_array().unwrap();
    let settings = json!("ProxyService.settings > ProxyService.Settings");
    assert!(relations.contains(&settings), "{relations:?}");
    let lines = site.read("/qrs/about/api/description").await;
    let lines = lines.as_array().unwrap();
    assert!(lines.contains(&json!(
        "GET /tag?filter={filter}&orderby={orderby}&privileges={privileges}"
    )));
    assert_eq!(
        site.read("/qrs/about/openapi").await[1],
        "Repository Main API"
    );
    let described = site
        .read("/qrs/about/openapi/Repository%20Main%20API")
        .await;
    assert_eq!(described["openapi"], "3.1.0");
    assert_eq!(site.get("/qrs/about/openapi/nothing").await.status, 404);
}

#[tokio::test]
async fn what_is_only_read_follows_from_the_site() {
    let site = Site::new().await;
    let statuses = site
        .read("/qrs/servicestatus/full?filter=serviceType%20eq%20Proxy")
        .await;
    assert_eq!(statuses[0]["serviceState"], 2);
    assert_eq!(
        statuses[0]["serverNodeConfiguration"]["hostName"],
        "central.example.com"
    );
    let id = statuses[0]["id"].as_str().unwrap();
    assert_eq!(
        site.read(&format!("/qrs/servicestatus/{id}")).await["id"],
        id
    );
    let clusters = site.read("/qrs/servicecluster").await;
    let node = site.read("/qrs/servernodeconfiguration/local").await;
    assert_eq!(clusters[0]["id"], node["serviceCluster"]["id"]);
    assert_eq!(
        site.post("/qrs/servicecluster", &json!({})).await.status,
        405
    );
}

#[tokio::test]
async fn probes_for_what_only_the_real_system_has_get_honest_answers() {
    let site = Site::new().await;
    for (path, expected) in [
        ("/qrs/app/count", json!({"value": 0})),
        ("/qrs/app/full", json!([])),
        ("/qrs/app/hublist/full", json!([])),
        ("/qrs/stream", json!([])),
        ("/qrs/license", Value::Null),
    ] {
        assert_eq!(site.read(path).await, expected, "{path}");
    }
    let table = json!({"entity": "App", "columns": []});
    assert_eq!(
        site.create("/qrs/app/table?skip=0&take=3", &table).await["rows"],
        json!([])
    );
    let item = format!("/qrs/app/{}", uuid::Uuid::nil());
    assert_eq!(site.get(&item).await.status, 404);
    let part = format!("{item}/export");
    assert_eq!(site.get(&part).await.status, 404);
    assert_eq!(site.post("/qrs/app", &json!({})).await.status, 405);
    for path in ["virtualproxyconfig/00000000-0000-0000-0000-000000000001/generate/samlmetadata"] {
        assert_eq!(
            site.get(&format!("/qrs/{path}")).await.status,
            501,
            "{path}"
        );
    }
}
