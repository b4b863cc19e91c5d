use serde_json::{Value, json};

use crate::site::{Site, shown};

const BASE: &str = "/qrs/servernodeconfiguration";

fn draft(name: &str) -> Value {
    json!({"name": name, "hostName": format!("{name}.example.com")})
}

#[tokio::test]
async fn a_node_is_created_shown_changed_and_deleted() {
    let site = Site::new().await;
    let mut body = draft("one");
    body["services"] = json!([{"path": "/", "uri": "http://one.example.com:9000"}]);
    let created = site.create(BASE, &body).await;
    insta::assert_snapshot!(shown(&created));
    let address = format!("{BASE}/{}", created["id"].as_str().unwrap());
    assert_eq!(site.read(&address).await, created);

    let mut changed = created.clone();
    changed["name"] = json!("first");
    let changed = site.put(&address, &changed).await.json();
    assert_eq!(changed["name"], "first");
    assert_eq!(changed["services"], created["services"]);

    let deleted = site.delete(&address).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    assert_eq!(site.get(&address).await.status, 404);
}

#[tokio::test]
async fn lists_are_condensed_full_filtered_and_counted() {
    let site = Site::new().await;
    site.create(BASE, &draft("one")).await;
    let condensed = site.read(&format!("{BASE}?orderby=name+desc")).await;
    insta::assert_snapshot!(shown(&condensed));
    let local = site.read(&format!("{BASE}/local")).await;
    assert_eq!(local["hostName"], "central.example.com");
    let central = site
        .read(&format!("{BASE}/full?filter=isCentral+eq+true"))
        .await;
    assert_eq!(central, json!([local]));
    let by_host = site
        .read(&format!("{BASE}?filter=hostname+eq+'one.example.com'"))
        .await;
    assert_eq!(by_host[0], condensed[0]);
    assert_eq!(
        site.read(&format!("{BASE}/count")).await,
        json!({"value": 2})
    );
}

#[tokio::test]
async fn a_new_node_joins_the_cluster() {
    let site = Site::new().await;
    let local = site.read(&format!("{BASE}/local")).await;
    let created = site.create(BASE, &draft("one")).await;
    assert_eq!(created["serviceCluster"], local["serviceCluster"]);
    let mut chosen = draft("two");
    chosen["serviceCluster"] = local["serviceCluster"].clone();
    let chosen = site.create(BASE, &chosen).await;
    assert_eq!(chosen["serviceCluster"], local["serviceCluster"]);
}

#[tokio::test]
async fn a_node_that_is_used_stays() {
    let site = Site::new().await;
    let created = site.create(BASE, &draft("one")).await;
    let user = json!({
        "prefix": "jwt", "description": "Portal", "sessionCookieHeaderName": "S",
        "loadBalancingServerNodes": [created],
    });
    site.create("/qrs/virtualproxyconfig", &user).await;
    let used = site
        .delete(&format!("{BASE}/{}", created["id"].as_str().unwrap()))
        .await;
    insta::assert_debug_snapshot!(used.refusal());
    let central = site.local_id("servernodeconfiguration").await;
    assert_eq!(
        site.delete(&format!("{BASE}/{central}")).await.refusal().0,
        400
    );
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_changed() {
    let site = Site::new().await;
    let mut refusals = Vec::new();
    for change in [
        json!({"name": ""}),
        json!({"name": null}),
        json!({"name": "n".repeat(256)}),
        json!({"hostName": 5}),
        json!({"nodePurpose": 3}),
        json!({"engineEnabled": 1}),
        json!({"services": [{"path": "x", "uri": "http://a"}]}),
        json!({"services": [{"path": "/", "uri": "ftp://a"}]}),
        json!({"services": [{"path": "/", "url": "http://a"}]}),
        json!({"serviceCluster": {"name": "ServiceCluster"}}),
        json!({"clientCertificate": "no certificate"}),
        json!({"isCentral": true}),
    ] {
        let mut body = draft("new");
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let (status, text) = site.post(BASE, &body).await.refusal();
        refusals.push(format!("{status} {text}"));
    }
    insta::assert_snapshot!(refusals.join("\n"));
    assert_eq!(site.read(&format!("{BASE}/count")).await["value"], 1);
}
