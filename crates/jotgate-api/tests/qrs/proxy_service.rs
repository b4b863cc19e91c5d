use serde_json::{Value, json};

use crate::site::{Site, shown};

const BASE: &str = "/qrs/proxyservice";

pub(crate) async fn new_virtual_proxy(site: &Site, prefix: &str) -> Value {
    let body = json!({"prefix": prefix, "sessionCookieHeaderName": format!("S-{prefix}")});
    site.create("/qrs/virtualproxyconfig", &body).await
}

pub(crate) fn linked(proxy: &Value) -> Vec<&str> {
    let virtual_proxies = proxy["settings"]["virtualProxies"].as_array().unwrap();
    virtual_proxies
        .iter()
        .map(|vp| vp["prefix"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn it_is_shown_with_its_virtual_proxies_and_its_node() {
    let site = Site::new().await;
    // Installers look for the default virtual proxy here and take its nodes over.
    let default = site.read("/qrs/virtualproxyconfig/full").await[0].clone();
    let node = site.local_id("servernodeconfiguration").await;
    let mut with_node = default.clone();
    with_node["loadBalancingServerNodes"] = json!([{"id": node}]);
    let address = format!(
        "/qrs/virtualproxyconfig/{}",
        default["id"].as_str().unwrap()
    );
    assert_eq!(site.put(&address, &with_node).await.status, 200);

    let local = site.read("/qrs/proxyservice/local").await;
    insta::assert_snapshot!(shown(&local));
    let id = local["id"].as_str().unwrap();
    assert_eq!(site.read(&format!("/qrs/proxyService/{id}")).await, local);
    assert_eq!(site.read("/qrs/proxyservice/full").await, json!([local]));
    let condensed = site.read(BASE).await;
    assert_eq!(condensed, json!([{"id": id, "privileges": null}]));
    assert_eq!(
        site.read("/qrs/proxyservice/count").await,
        json!({"value": 1})
    );
    let privileges = site.read(&format!("{BASE}?privileges=true")).await;
    assert_eq!(privileges[0]["privileges"], json!(["read", "update"]));
}

#[tokio::test]
async fn it_is_found_by_its_node() {
    let site = Site::new().await;
    let node = site.local_id("servernodeconfiguration").await;
    for (filter, count) in [
        (
            "serverNodeConfiguration.hostName+eq+'Central.example.com'".to_owned(),
            1,
        ),
        (format!("serverNodeConfiguration.id+eq+{node}"), 1),
        (
            "settings.virtualProxies.defaultVirtualProxy+eq+true".to_owned(),
            1,
        ),
        ("settings.listenPort+gt+443".to_owned(), 0),
    ] {
        let found = site.read(&format!("{BASE}/count?filter={filter}")).await;
        assert_eq!(found["value"], count, "{filter}");
        let list = site.read(&format!("{BASE}?filter={filter}")).await;
        assert_eq!(list.as_array().unwrap().len(), count, "{filter}");
    }
}

/// Qlik help, "Virtual Proxy: Link": append the id, put the whole.
#[tokio::test]
async fn linking_appends_an_id_and_puts_the_whole() {
    let site = Site::new().await;
    let id = new_virtual_proxy(&site, "jwt").await["id"].clone();
    let mut proxy = site.read("/qrs/proxyservice/local").await;
    let address = format!("{BASE}/{}", proxy["id"].as_str().unwrap());
    let virtual_proxies = proxy["settings"]["virtualProxies"].as_array_mut().unwrap();
    virtual_proxies.push(json!({"id": id}));
    let answer = site.put(&address, &proxy).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut proxy = answer.json();
    assert_eq!(linked(&proxy), ["", "jwt"]);
    assert!(site.management.snapshot().by_prefix("jwt").is_some());

    let virtual_proxies = proxy["settings"]["virtualProxies"].as_array_mut().unwrap();
    virtual_proxies.retain(|vp| vp["id"] != id);
    assert_eq!(linked(&site.put(&address, &proxy).await.json()), [""]);
    assert!(site.management.snapshot().by_prefix("jwt").is_none());
}

#[tokio::test]
async fn what_a_client_does_not_send_stays_linked() {
    let site = Site::new().await;
    let proxy = site.read("/qrs/proxyservice/local").await;
    let address = format!("{BASE}/{}", proxy["id"].as_str().unwrap());
    let part = json!({"modifiedDate": proxy["modifiedDate"], "settings": {"listenPort": 8443}});
    let changed = site.put(&address, &part).await.json();
    assert_eq!(changed["settings"]["listenPort"], 8443);
    assert_eq!(linked(&changed), [""]);
    assert_eq!(
        changed["serverNodeConfiguration"],
        proxy["serverNodeConfiguration"]
    );
    assert_eq!(
        changed["settings"]["logVerbosity"],
        proxy["settings"]["logVerbosity"]
    );
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_changed() {
    let site = Site::new().await;
    let proxy = site.read("/qrs/proxyservice/local").await;
    let address = format!("{BASE}/{}", proxy["id"].as_str().unwrap());
    let mut unserved = json!({"prefix": "saml", "sessionCookieHeaderName": "S-saml"});
    unserved["authenticationMethod"] = json!(3);
    let unserved = site.create("/qrs/virtualproxyconfig", &unserved).await["id"].clone();
    let mut refusals = Vec::new();
    for (pointer, value) in [
        ("/settings/listenPort", json!(0)),
        ("/settings/listenPort", json!(65_536)),
        ("/settings/keepAliveTimeoutSeconds", json!(301)),
        ("/settings/logVerbosity/logVerbosityAudit", json!(6)),
        ("/settings/logVerbosity", json!([])),
        ("/settings", json!("x")),
        ("/settings/virtualProxies", json!([{"id": "x"}])),
        (
            "/settings/virtualProxies",
            json!([{"id": "d4b844ba-66cc-4a38-aa6c-8d0516641bc2"}]),
        ),
        ("/settings/virtualProxies", json!([unserved])),
        (
            "/serverNodeConfiguration",
            json!({"id": "d4b844ba-66cc-4a38-aa6c-8d0516641bc2"}),
        ),
        ("/modifiedDate", json!("2001-01-01T00:00:00.000Z")),
    ] {
        let mut body = proxy.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        let (status, text) = site.put(&address, &body).await.refusal();
        refusals.push(format!("{status} {text}"));
    }
    insta::assert_snapshot!(refusals.join("\n"));
    assert_eq!(site.read("/qrs/proxyservice/local").await, proxy);
}

#[tokio::test]
async fn its_body_may_be_longer_than_others() {
    let site = Site::new().await;
    let mut proxy = site.read("/qrs/proxyservice/local").await;
    let address = format!("{BASE}/{}", proxy["id"].as_str().unwrap());
    let page = "ä".repeat(500_000);
    for template in ["formAuthenticationPageTemplate", "loggedOutPageTemplate"] {
        proxy["settings"][template] = json!(page);
    }
    assert_eq!(site.put(&address, &proxy).await.status, 200);
}
