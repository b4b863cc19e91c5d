use jotgate_manage::Privilege;
use serde_json::{Value, json};

use crate::site::{Site, shown};

const BASE: &str = "/qrs/virtualproxyconfig";

fn draft(prefix: &str) -> Value {
    json!({
        "prefix": prefix,
        "description": format!("Proxy {prefix}"),
        "sessionCookieHeaderName": format!("X-Qlik-Session-{prefix}"),
    })
}

/// Qlik help, "Virtual Proxy: Create".
#[tokio::test]
async fn the_documented_example_has_the_documented_answer() {
    let site = Site::new().await;
    let sent = json!({
        "prefix": "hdr",
        "description": "Test proxy",
        "sessionCookieHeaderName": "X-Qlik-Session-hdr",
    });
    let answer = site.post("/qrs/virtualproxyconfig/", &sent).await;
    assert_eq!(answer.status, 201);
    assert!(!answer.headers.contains_key("location"));
    let created = answer.json();
    let documented = json!({
        "id": created["id"],
        "createdDate": "2017-02-22T18:09:51.896Z",
        "modifiedDate": "2017-02-22T18:09:51.896Z",
        "modifiedByUserName": "INTERNAL\\sa_repository",
        "customProperties": [],
        "prefix": "hdr",
        "description": "Test proxy",
        "authenticationModuleRedirectUri": "",
        "sessionModuleBaseUri": "",
        "loadBalancingModuleBaseUri": "",
        "loadBalancingServerNodes": [],
        "authenticationMethod": 0,
        "headerAuthenticationMode": 0,
        "headerAuthenticationHeaderName": "",
        "headerAuthenticationStaticUserDirectory": "",
        "headerAuthenticationDynamicUserDirectory": "",
        "anonymousAccessMode": 0,
        "windowsAuthenticationEnabledDevicePattern": "Windows",
        "sessionCookieHeaderName": "X-Qlik-Session-hdr",
        "sessionCookieDomain": "",
        "additionalResponseHeaders": "",
        "sessionInactivityTimeout": 30,
        "extendedSecurityEnvironment": false,
        "websocketCrossOriginWhiteList": [],
        "defaultVirtualProxy": false,
        "tags": [],
        "samlMetadataIdP": "",
        "samlHostUri": "",
        "samlEntityId": "",
    });
    for (name, value) in documented.as_object().unwrap() {
        assert_eq!(created[name], *value, "{name}");
    }
    // The documented members come in the documented order; later versions put others between them.
    let documented: Vec<_> = documented.as_object().unwrap().keys().collect();
    let members = created.as_object().unwrap().keys();
    let order: Vec<_> = members.filter(|name| documented.contains(name)).collect();
    assert_eq!(order, documented);
    insta::assert_snapshot!(shown(&created));
}

#[tokio::test]
async fn the_condensed_form_is_nearly_the_whole() {
    let site = Site::new().await;
    let id = site.create(BASE, &draft("jwt")).await["id"].clone();
    let node = site.local_id("servernodeconfiguration").await;
    let mut full = site.read(&format!("{BASE}/{}", id.as_str().unwrap())).await;
    full["loadBalancingServerNodes"] = json!([{"id": node}]);
    site.put(&format!("{BASE}/{}", id.as_str().unwrap()), &full)
        .await
        .json();

    let listed = site
        .read(&format!("{BASE}?filter=prefix eq 'jwt'").replace(' ', "%20"))
        .await;
    insta::assert_snapshot!(shown(&listed));
    let all = site.read(BASE).await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert!(all.as_array().unwrap().contains(&listed[0]));
    let full = site
        .read(&format!("{BASE}/full?filter=prefix+eq+'jwt'"))
        .await;
    let one = site.read(&format!("{BASE}/{}", id.as_str().unwrap())).await;
    assert_eq!(full, json!([one]));
}

#[tokio::test]
async fn lists_are_filtered_ordered_and_counted() {
    let site = Site::new().await;
    for prefix in ["b", "a", "c"] {
        site.create(BASE, &draft(prefix)).await;
    }
    let prefixes = async |query: &str| {
        let list = site.read(&format!("{BASE}?{query}")).await;
        let list = list.as_array().unwrap().clone();
        let prefixes: Vec<_> = list
            .iter()
            .map(|vp| vp["prefix"].as_str().unwrap())
            .collect();
        prefixes.join(" ")
    };
    assert_eq!(prefixes("orderby=prefix").await, " a b c");
    assert_eq!(prefixes("OrderBy=createdDate,prefix+desc").await, " c b a");
    assert_eq!(prefixes("filter=(prefix%20eq%20%27B%27)").await, "b");
    assert_eq!(prefixes("filter=").await.split(' ').count(), 4);
    let filter = "filter=prefix+ne+'a'+and+defaultVirtualProxy+eq+false&orderby=prefix";
    assert_eq!(prefixes(filter).await, "b c");
    assert_eq!(
        site.read(&format!("{BASE}/count")).await,
        json!({"value": 4})
    );
    let count = format!("{BASE}/count?filter=defaultVirtualProxy+eq+false");
    assert_eq!(site.read(&count).await, json!({"value": 3}));
    // Conditions and orders see what the condensed form leaves out.
    let by_author = "filter=modifiedByUserName+ew+'sa_repository'&orderby=modifiedDate";
    assert_eq!(prefixes(by_author).await.split(' ').count(), 3);
    let condensed = site.read(&format!("{BASE}?{by_author}")).await;
    assert!(condensed[0].get("modifiedDate").is_none());
}

#[tokio::test]
async fn a_filter_that_cannot_be_parsed_comes_back() {
    let site = Site::new().await;
    for part in ["", "/full", "/count"] {
        let answer = site
            .get(&format!("{BASE}{part}?filter=not+prefix+eq+%27a%0a%27"))
            .await;
        let expected = "Cannot parse the expression: not prefix eq 'a '";
        assert_eq!(answer.refusal(), (400, expected.to_owned()));
    }
    let unknown = site.get(&format!("{BASE}?filter=name+eq+'x'")).await;
    assert_eq!(unknown.refusal().0, 400);
    let long = site
        .get(&format!("{BASE}?filter={}", "a".repeat(10_000)))
        .await;
    assert_eq!(long.refusal().0, 400);
    assert!(long.text.len() < 5000);
    let order = site.get(&format!("{BASE}?orderby=nothing")).await;
    insta::assert_debug_snapshot!(order.refusal());
    let twice = site.get(&format!("{BASE}?filter=a&Filter=b")).await;
    assert_eq!(twice.refusal().0, 400);
}

#[tokio::test]
async fn privileges_are_shown_when_they_are_asked_for() {
    let site = Site::new().await;
    let created = site
        .create(&format!("{BASE}?privileges=true"), &draft("a"))
        .await;
    let expected = json!(["create", "read", "update", "delete"]);
    assert_eq!(created["privileges"], expected);
    let list = site
        .read(&format!("{BASE}?Privileges=TRUE&filter=prefix+eq+'a'"))
        .await;
    assert_eq!(list[0]["privileges"], expected);
    assert_eq!(site.read(BASE).await[0]["privileges"], Value::Null);
    let wrong = site.get(&format!("{BASE}?privileges=yes")).await;
    assert_eq!(wrong.refusal().0, 400);
}

#[tokio::test]
async fn the_creator_may_choose_the_id() {
    let site = Site::new().await;
    let id = "d4b844ba-66cc-4a38-aa6c-8d0516641bc2";
    let mut chosen = draft("a");
    chosen["id"] = json!(id.to_uppercase());
    assert_eq!(site.create(BASE, &chosen).await["id"], id);
    let mut none = draft("b");
    none["id"] = json!("00000000-0000-0000-0000-000000000000");
    let made = site.create(BASE, &none).await;
    assert_ne!(made["id"], none["id"]);
    let mut taken = draft("c");
    taken["id"] = json!(id);
    let (status, text) = site.post(BASE, &taken).await.refusal();
    assert_eq!(status, 400);
    assert!(text.starts_with("id: "), "{text}");
    let mut wrong = draft("d");
    wrong["id"] = json!("first");
    assert_eq!(
        site.post(BASE, &wrong).await.refusal(),
        (400, "id: is no GUID".to_owned())
    );
}

/// Get the whole, change it, put the whole: what the help page tells clients to do.
#[tokio::test]
async fn the_whole_entity_comes_back_with_a_change() {
    let site = Site::new().await;
    let created = site.create(BASE, &draft("a")).await;
    let address = format!("{BASE}/{}", created["id"].as_str().unwrap());
    let mut entity = site.read(&address).await;
    assert_eq!(entity, created);
    entity["description"] = json!("Changed");
    let answer = site.put(&address, &entity).await;
    assert_eq!(answer.status, 200);
    let changed = answer.json();
    assert_eq!(changed["description"], "Changed");
    assert_eq!(changed["createdDate"], created["createdDate"]);
    assert_eq!(changed["modifiedDate"], "2017-02-22T18:09:51.897Z");
    assert_eq!(site.read(&address).await, changed);
}

#[tokio::test]
async fn an_old_version_is_a_conflict_and_a_newer_date_is_not() {
    let site = Site::new().await;
    let old = site.create(BASE, &draft("a")).await;
    let address = format!("{BASE}/{}", old["id"].as_str().unwrap());
    assert_eq!(site.put(&address, &old).await.status, 200);
    insta::assert_debug_snapshot!(site.put(&address, &old).await.refusal());
    let mut newer = old.clone();
    newer["modifiedDate"] = json!("2099-01-01T00:00:00.000Z");
    assert_eq!(site.put(&address, &newer).await.status, 200);

    for missing in [Value::Null, json!("1753-01-01T00:00:00.000Z")] {
        let mut undated = old.clone();
        undated["modifiedDate"] = missing;
        let (status, text) = site.put(&address, &undated).await.refusal();
        assert_eq!(status, 400);
        assert!(text.starts_with("modifiedDate: is missing"), "{text}");
    }
    for wrong in [json!("yesterday"), json!(5)] {
        let mut undated = old.clone();
        undated["modifiedDate"] = wrong;
        let (status, text) = site.put(&address, &undated).await.refusal();
        assert_eq!(status, 400);
        assert!(text.starts_with("modifiedDate: is no date"), "{text}");
    }
}

/// A client that does not know a protection must not switch it off.
#[tokio::test]
async fn what_a_client_does_not_send_stays() {
    let site = Site::new().await;
    let mut protected = draft("a");
    protected["jwtRequireExpiration"] = json!(true);
    protected["csrfProtection"] = json!(1);
    protected["sessionInactivityTimeout"] = json!(5);
    let created = site.create(BASE, &protected).await;
    let address = format!("{BASE}/{}", created["id"].as_str().unwrap());
    let part = json!({
        "modifiedDate": created["modifiedDate"],
        "description": "Changed",
        "sessionInactivityTimeout": null,
    });
    let changed = site.put(&address, &part).await.json();
    assert_eq!(changed["description"], "Changed");
    assert_eq!(changed["prefix"], "a");
    assert_eq!(changed["jwtRequireExpiration"], true);
    assert_eq!(changed["csrfProtection"], 1);
    assert_eq!(changed["sessionInactivityTimeout"], 30);
}

#[tokio::test]
async fn the_id_of_the_body_is_that_of_the_address() {
    let site = Site::new().await;
    let a = site.create(BASE, &draft("a")).await;
    let b = site.create(BASE, &draft("b")).await;
    let address = format!("{BASE}/{}", a["id"].as_str().unwrap());
    insta::assert_debug_snapshot!(site.put(&address, &b).await.refusal());
    let mut without = a.clone();
    without.as_object_mut().unwrap().remove("id");
    assert_eq!(site.put(&address, &without).await.status, 200);
}

#[tokio::test]
async fn ids_are_checked() {
    let site = Site::new().await;
    let unknown = format!("{BASE}/d4b844ba-66cc-4a38-aa6c-8d0516641bc2");
    let expected = (
        404,
        "There is no VirtualProxyConfig with the id <id 1>.".to_owned(),
    );
    assert_eq!(site.get(&unknown).await.refusal(), expected);
    assert_eq!(site.put(&unknown, &draft("a")).await.refusal(), expected);
    assert_eq!(site.delete(&unknown).await.refusal().0, 404);
    for method in ["get", "put", "delete"] {
        let address = format!("{BASE}/first");
        let answer = match method {
            "get" => site.get(&address).await,
            "put" => site.put(&address, &draft("a")).await,
            _ => site.delete(&address).await,
        };
        let text = "The address has \"first\" where the id of an entity is expected.";
        assert_eq!(answer.refusal(), (400, text.to_owned()));
    }
}

#[tokio::test]
async fn deleting_answers_204_and_spares_the_default() {
    let site = Site::new().await;
    let created = site.create(BASE, &draft("a")).await;
    let address = format!("{BASE}/{}", created["id"].as_str().unwrap());
    let deleted = site.delete(&address).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    assert_eq!(site.get(&address).await.status, 404);
    assert_eq!(site.delete(&address).await.status, 404);

    let default = site
        .read(&format!("{BASE}?filter=defaultVirtualProxy+eq+true"))
        .await;
    let address = format!("{BASE}/{}", default[0]["id"].as_str().unwrap());
    insta::assert_debug_snapshot!(site.delete(&address).await.refusal());
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_changed() {
    let site = Site::new().await;
    site.create(BASE, &draft("taken")).await;
    let refusal = async |change: Value| {
        let mut body = draft("new");
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        site.post(BASE, &body).await.refusal()
    };
    let mut refusals = Vec::new();
    for change in [
        json!({"prefix": "Capitals"}),
        json!({"prefix": "qmc"}),
        json!({"prefix": "taken"}),
        json!({"prefix": ""}),
        json!({"sessionCookieHeaderName": null}),
        json!({"sessionCookieHeaderName": "X-Qlik-Session-taken"}),
        json!({"sessionInactivityTimeout": 0}),
        json!({"sessionInactivityTimeout": 71_583}),
        json!({"authenticationMethod": 6}),
        json!({"authenticationMethod": "Kerberos"}),
        json!({"additionalResponseHeaders": "X-A: b\nno header"}),
        json!({"additionalResponseHeaders": "X-A: b\rSet-Cookie: c"}),
        json!({"loadBalancingServerNodes": [{"id": "d4b844ba-66cc-4a38-aa6c-8d0516641bc2"}]}),
        json!({"loadBalancingServerNodes": [{"id": null}]}),
        json!({"headerAuthenticationHeaderName": "X-Qlik-User", "authenticationMethod": 1,
               "headerAuthenticationStaticUserDirectory": "d"}),
        json!({"jwtAttributeMap": [{"jwtAttribute": "a".repeat(256), "senseAttribute": "b"}]}),
        json!({"jwtRequireExpiraton": true}),
        json!({"description": 5, "prefix": ["a"], "tags": null}),
    ] {
        let (status, text) = refusal(change.clone()).await;
        assert_eq!(status, 400, "{change}: {text}");
        refusals.push(text);
    }
    insta::assert_snapshot!(refusals.join("\n"));
    assert_eq!(site.read(&format!("{BASE}/count")).await["value"], 2);
}

#[tokio::test]
async fn the_client_secret_is_kept_and_never_shown() {
    let site = Site::new().await;
    let mut body = draft("a");
    body["oidcClientId"] = json!("client");
    body["oidcClientSecret"] = json!("hush-hush");
    let answer = site.post(BASE, &body).await;
    assert!(!answer.text.contains("hush"));
    let mut entity = answer.json();
    assert_eq!(entity["oidcClientSecret"], "");
    let address = format!("{BASE}/{}", entity["id"].as_str().unwrap());
    let stored = |id: &Value| {
        let snapshot = site.management.snapshot();
        let id = id.as_str().unwrap().parse().unwrap();
        let stored = &snapshot.documents.virtual_proxies[&id];
        (
            stored.oidc_client_secret.as_str().to_owned(),
            stored.description.clone(),
        )
    };
    assert_eq!(stored(&entity["id"]).0, "hush-hush");
    entity["description"] = json!("Changed");
    assert_eq!(site.put(&address, &entity).await.status, 200);
    let all = site.get(&format!("{BASE}/full")).await;
    assert!(!all.text.contains("hush"));
    let expected = ("hush-hush".to_owned(), "Changed".to_owned());
    assert_eq!(stored(&entity["id"]), expected);
    let found = format!("{BASE}/count?filter=oidcClientSecret+sw+'hush'");
    assert_eq!(site.read(&found).await["value"], 0);
}

/// [`privileges_are_shown_when_they_are_asked_for`] has those of somebody who may do everything.
#[tokio::test]
async fn whoever_may_only_read_is_told_so() {
    let site = Site::new().await;
    site.create(BASE, &draft("a")).await;
    let site = site.seen_by(Privilege::AuditAdmin);
    let read = json!(["read"]);
    let found = site.read(&format!("{BASE}?privileges=true")).await;
    assert_eq!(found[0]["privileges"], read);
    let previews = [
        ("previewprivileges", read.clone()),
        ("previewcreateprivilege", json!(false)),
    ];
    for (preview, expected) in previews {
        let address = format!("{BASE}/{preview}");
        assert_eq!(site.create(&address, &draft("b")).await, expected);
    }
    let columns = json!({"columns": [{"name": "may", "columnType": "Privileges"}]});
    let table = site.create(&format!("{BASE}/table"), &columns).await;
    assert_eq!(table["rows"][0], json!([read]));
    let refused = site.post(BASE, &draft("b")).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
}
