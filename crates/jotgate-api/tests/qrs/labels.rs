//! Tags and custom properties.

use serde_json::json;

use crate::site::Site;

#[tokio::test]
async fn entities_are_marked_filtered_and_unmarked() {
    let site = Site::new().await;
    let tag = site.create("/qrs/tag", &json!({"name": "red"})).await;
    let team = json!({
        "name": "Team", "valueType": "Text", "choiceValues": ["a", "b"],
        "objectTypes": ["VirtualProxyConfig", "App"],
    });
    let team = site.create("/qrs/custompropertydefinition", &team).await;
    let vp = json!({
        "prefix": "jwt", "description": "x", "sessionCookieHeaderName": "C",
        "tags": [{"id": tag["id"], "name": "red"}],
        "customProperties": [{"value": "a", "definition": {"id": team["id"]}}],
    });
    let vp = site.create("/qrs/virtualproxyconfig", &vp).await;
    assert_eq!(
        vp["tags"][0],
        json!({"id": tag["id"], "name": "red", "privileges": null})
    );
    let value = &vp["customProperties"][0];
    assert_eq!(value["definition"]["choiceValues"], json!(["a", "b"]));
    assert_ne!(value["id"], json!(uuid::Uuid::nil()));
    for filter in [
        "@Team eq 'a'",
        "tags.name eq 'RED'",
        "@team sw 'a' and tags.name so 'e'",
    ] {
        let filter = filter.replace(' ', "%20");
        let found = site
            .read(&format!("/qrs/virtualproxyconfig/full?filter={filter}"))
            .await;
        assert_eq!(found[0]["id"], vp["id"], "{filter}");
    }
    // A client sends the whole entity back.
    let path = format!("/qrs/virtualproxyconfig/{}", vp["id"].as_str().unwrap());
    let again = site.put(&path, &vp).await.json();
    assert_eq!(
        again["customProperties"][0]["modifiedDate"],
        value["modifiedDate"]
    );
    for path in ["tag", "custompropertydefinition"] {
        let id = if path == "tag" {
            &tag["id"]
        } else {
            &team["id"]
        };
        let gone = site
            .delete(&format!("/qrs/{path}/{}", id.as_str().unwrap()))
            .await;
        assert_eq!(gone.status, 204);
    }
    let bare = site.read(&path).await;
    assert_eq!(
        (&bare["tags"], &bare["customProperties"]),
        (&json!([]), &json!([]))
    );
}

#[tokio::test]
async fn many_are_created_together_or_not_at_all() {
    let site = Site::new().await;
    let both = json!([{"name": "a"}, {"name": "b"}]);
    let created = site.create("/qrs/tag/many", &both).await;
    assert_eq!(created.as_array().unwrap().len(), 2);
    let refused = site
        .post("/qrs/tag/many", &json!([{"name": "c"}, {"name": "A"}]))
        .await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert_eq!(site.read("/qrs/tag/count").await, json!({"value": 2}));
    assert_eq!(
        site.post("/qrs/tag/many", &json!({"name": "c"}))
            .await
            .status,
        400
    );
}
