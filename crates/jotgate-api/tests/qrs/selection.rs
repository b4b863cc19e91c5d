//! Selections, synthetic entities and tables, as the management console uses them.

use serde_json::{Value, json};

use crate::site::Site;

async fn virtual_proxy(site: &Site, prefix: &str) -> String {
    let vp = json!({
        "prefix": prefix, "description": format!("the {prefix}"),
        "sessionCookieHeaderName": format!("C-{prefix}"),
    });
    let vp = site
        .create("/qrs/VirtualProxyConfig?privileges=true", &vp)
        .await;
    vp["id"].as_str().unwrap().to_owned()
}

fn link(added: &[&str], removed: &[&str], seen: &Value) -> Value {
    json!({
        "type": "ProxyService",
        "children": [{
            "name": "settings", "type": "ProxyService.Settings",
            "properties": [{
                "name": "refList_VirtualProxyConfig",
                "value": {"added": added, "removed": removed},
                "valueIsModified": true,
            }],
        }],
        "latestModifiedDate": seen,
    })
}

#[tokio::test]
async fn a_virtual_proxy_is_linked_the_way_the_console_does_it() {
    let site = Site::new().await;
    let vp = virtual_proxy(&site, "jwt").await;
    let proxy = site.read("/qrs/proxyservice/local").await;
    let items = json!({"items": [{"type": "ProxyService", "objectID": proxy["id"]}]});
    let selection = site.create("/qrs/selection", &items).await;
    let path = format!("/qrs/selection/{}", selection["id"].as_str().unwrap());
    let synthetic = format!("{path}/ProxyService/synthetic");
    let seen = site.read(&synthetic).await;
    assert_eq!(seen["children"][0]["name"], "settings");
    let linked = site
        .put(&synthetic, &link(&[&vp], &[], &seen["latestModifiedDate"]))
        .await;
    assert_eq!(linked.status, 204, "{}", linked.text);
    let now_linked = site.read("/qrs/proxyservice/local").await;
    let linked = now_linked["settings"]["virtualProxies"].as_array().unwrap();
    assert!(linked.iter().any(|linked| linked["id"] == vp.as_str()));
    assert_eq!(
        now_linked["settings"]["listenPort"],
        proxy["settings"]["listenPort"]
    );

    // What somebody else has changed meanwhile is not overwritten.
    let late = site
        .put(&synthetic, &link(&[], &[&vp], &seen["latestModifiedDate"]))
        .await;
    assert_eq!(late.status, 409, "{}", late.text);
    let seen = site.read(&synthetic).await;
    let unlinked = site
        .put(&synthetic, &link(&[], &[&vp], &seen["latestModifiedDate"]))
        .await;
    assert_eq!(unlinked.status, 204, "{}", unlinked.text);
    assert_eq!(site.delete(&path).await.status, 204);
    assert_eq!(site.get(&path).await.status, 404);
}

#[tokio::test]
async fn selected_entities_are_shown_and_changed_as_one() {
    let site = Site::new().await;
    let ids = [
        virtual_proxy(&site, "a").await,
        virtual_proxy(&site, "b").await,
    ];
    let filter = "/qrs/selection/virtualproxyconfig?filter=defaultVirtualProxy%20eq%20false";
    let selection = site.create(filter, &Value::Null).await;
    let path = format!(
        "/qrs/selection/{}/virtualproxyconfig",
        selection["id"].as_str().unwrap()
    );
    assert_eq!(
        site.read(&format!("{path}/count")).await,
        json!({"value": 2})
    );
    let synthetic = site.read(&format!("{path}/synthetic")).await;
    let property = |name: &str| {
        let mut all = synthetic["properties"].as_array().unwrap().iter();
        all.find(|property| property["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(property("prefix")["valueIsDifferent"], true);
    assert_eq!(property("sessionInactivityTimeout")["value"], 30);
    let change = |value: Value| {
        json!({
            "properties": [
                {"name": "sessionInactivityTimeout", "value": value, "valueIsModified": true},
                {"name": "description", "value": "not meant", "valueIsModified": false},
            ],
            "latestModifiedDate": synthetic["latestModifiedDate"],
        })
    };
    let wrong = site
        .put(&format!("{path}/synthetic"), &change(json!(0)))
        .await;
    assert_eq!(wrong.status, 400);
    // What only looks like a change is no change that succeeded.
    for (entry, words) in [
        (
            json!({"name": "description", "value": "x", "valueIsModified": "true"}),
            "properties[0]: valueIsModified must be true, false or null",
        ),
        (json!("description"), "properties[0]: must be an object"),
    ] {
        let mut body = change(json!(7));
        body["properties"] = json!([entry]);
        let (status, text) = site
            .put(&format!("{path}/synthetic"), &body)
            .await
            .refusal();
        assert_eq!(status, 400);
        assert!(text.contains(words), "{text}");
    }
    let changed = site
        .put(&format!("{path}/synthetic"), &change(json!(7)))
        .await;
    assert_eq!(changed.status, 204, "{}", changed.text);
    for id in &ids {
        let vp = site.read(&format!("/qrs/virtualproxyconfig/{id}")).await;
        assert_eq!(vp["sessionInactivityTimeout"], 7);
        assert_ne!(vp["description"], "not meant");
    }
    assert_eq!(site.delete(&path).await.status, 204);
    assert_eq!(
        site.read("/qrs/virtualproxyconfig/count").await,
        json!({"value": 1})
    );
}

#[tokio::test]
async fn a_selection_belongs_to_whoever_made_it() {
    let site = Site::new().await;
    let selection = site.create("/qrs/selection", &json!({"items": []})).await;
    let path = format!("/qrs/selection/{}", selection["id"].as_str().unwrap());
    let other = site
        .send(http::Method::GET, &path, "", |request| {
            let user = "UserDirectory=LAB; UserId=other".parse().unwrap();
            request.headers_mut().insert("x-qlik-user", user);
        })
        .await;
    assert_eq!(other.status, 404);
    for body in [
        json!({}),
        json!({"items": [{"type": "Nothing", "objectID": selection["id"]}]}),
        json!({"items": [{"type": "Tag", "objectID": "x"}]}),
    ] {
        assert_eq!(
            site.post("/qrs/selection", &body).await.status,
            400,
            "{body}"
        );
    }
}

#[tokio::test]
async fn tables_have_the_columns_that_are_asked_for() {
    let site = Site::new().await;
    let tag = site.create("/qrs/tag", &json!({"name": "red"})).await;
    for prefix in ["b", "a", "c"] {
        let vp = json!({
            "prefix": prefix, "description": "x", "sessionCookieHeaderName": format!("C-{prefix}"),
            "tags": [{"id": tag["id"]}],
        });
        site.create("/qrs/virtualproxyconfig", &vp).await;
    }
    let column = |name: &str, kind: Value, definition: &str| json!({"name": name, "columnType": kind, "definition": definition});
    let mut tags = column("marks", json!("List"), "tag");
    tags["list"] = json!([column("word", json!("Property"), "name")]);
    let body = json!({"entity": "VirtualProxyConfig", "columns": [
        column("path", json!("Property"), "prefix"),
        column("may", json!(4), "privileges"),
        column("how many", json!(2), "Count(tags)"),
        tags,
    ]});
    let page = "filter=prefix%20ne%20''&skip=1&take=1&sortColumn=path&orderAscending=false";
    let table = site
        .create(&format!("/qrs/VirtualProxyConfig/table?{page}"), &body)
        .await;
    assert_eq!(
        table["columnNames"],
        json!(["path", "may", "how many", "marks"])
    );
    let expected = json!([[
        "b", ["create", "read", "update", "delete"], 1,
        {"columnNames": ["word"], "rows": [["red"]]},
    ]]);
    assert_eq!(table["rows"], expected);
    for wrong in [
        json!({"columns": [column("x", json!(1), "nothing")]}),
        json!({"columns": [column("x", json!(9), "prefix")]}),
        json!({"columns": [column("x", json!(2), "Sum(tags)")]}),
        json!({"columns": [column("x", json!(3), "prefix")]}),
        json!({"columns": {}}),
        json!({"type": "Tag", "columns": []}),
    ] {
        let refused = site.post("/qrs/virtualproxyconfig/table", &wrong).await;
        assert_eq!(refused.status, 400, "{wrong}: {}", refused.text);
    }
}
