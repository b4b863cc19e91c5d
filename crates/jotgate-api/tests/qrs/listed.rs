//! Lists are kept between requests, and never show what is no longer so.

use serde_json::json;

use crate::site::Site;

#[tokio::test]
async fn a_list_shows_every_change_at_once() {
    let site = Site::new().await;
    let vp = json!({"prefix": "a", "description": "one", "sessionCookieHeaderName": "C"});
    let mut vp = site.create("/qrs/virtualproxyconfig", &vp).await;
    let path = format!("/qrs/virtualproxyconfig/{}", vp["id"].as_str().unwrap());
    let node = site.read("/qrs/servernodeconfiguration/local").await;
    let node_path = format!(
        "/qrs/servernodeconfiguration/{}",
        node["id"].as_str().unwrap()
    );
    vp["loadBalancingServerNodes"] = json!([{"id": node["id"]}]);
    vp = site.put(&path, &vp).await.json();
    for list in ["/qrs/virtualproxyconfig", "/qrs/virtualproxyconfig/full"] {
        // With a parameter it is written anew: both must say the same.
        let anew = format!("{list}?privileges=false");
        let check = async || assert_eq!(site.read(list).await, site.read(&anew).await, "{list}");
        check().await;
        check().await;
        // What it refers to changes.
        let mut renamed = site.read(&node_path).await;
        renamed["name"] = format!("renamed for {list}").into();
        site.put(&node_path, &renamed).await.json();
        check().await;
        // It changes itself.
        vp["description"] = format!("changed for {list}").into();
        vp = site.put(&path, &vp).await.json();
        check().await;
    }
    assert_eq!(site.delete(&path).await.status, 204);
    assert_eq!(
        site.read("/qrs/virtualproxyconfig/full")
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
