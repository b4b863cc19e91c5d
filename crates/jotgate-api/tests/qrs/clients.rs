//! What real clients send, recorded from them or read from their sources.

use serde_json::json;

use crate::proxy_service::{linked, new_virtual_proxy};
use crate::site::{Site, shown};

const BASE: &str = "/qrs/virtualproxyconfig";

/// What qlik-repo-api, Qlik-Cli and an installer of the field send.
#[tokio::test]
async fn bodies_of_real_clients_are_taken() {
    let site = Site::new().await;
    let node = site.local_id("servernodeconfiguration").await;
    let whole_node = site
        .read(&format!("/qrs/servernodeconfiguration/{node}"))
        .await;
    let qlik_cli = json!({
        "prefix": "cli", "description": "Cli", "authenticationModuleRedirectUri": "",
        "loadBalancingServerNodes": [{"id": node}],
        "sessionCookieHeaderName": "X-Qlik-Session-cli",
        "websocketCrossOriginWhiteList": [""],
        "additionalResponseHeaders": "", "sessionInactivityTimeout": 30,
        "authenticationMethod": "HeaderStaticUserDirectory",
        "samlMetadataIdP": "", "samlAttributeMap": [], "samlSlo": false,
        "samlAttributeSigningAlgorithm": 0,
        "jwtPublicKeyCertificate": "", "jwtAttributeMap": [],
        "oidcConfigurationEndpointUri": null, "oidcClientSecret": null, "oidcAttributeMap": [],
        "oidcScope": null,
    });
    let created = site.create(BASE, &qlik_cli).await;
    assert_eq!(created["authenticationMethod"], 1);
    assert_eq!(created["websocketCrossOriginWhiteList"], json!([""]));
    assert_eq!(created["oidcScope"], "");
    assert_eq!(
        created["loadBalancingServerNodes"][0]["hostName"],
        "central.example.com"
    );

    let qlik_repo_api = json!({
        "sessionCookieHeaderName": "X-Qlik-Session-repo", "prefix": "repo", "description": "Repo",
        "loadBalancingServerNodes": [whole_node],
        "authenticationMethod": 4,
        "jwtAttributeUserId": "userId", "jwtAttributeUserDirectory": "[example]",
        "jwtAttributeMap": [
            {"senseAttribute": "Mail", "jwtAttribute": "email", "isMandatory": true},
        ],
    });
    let created = site.create(BASE, &qlik_repo_api).await;
    insta::assert_snapshot!(shown(&created["jwtAttributeMap"]));

    let installer = json!({
        "Id": null, "CreatedDate": null, "ModifiedDate": null, "SchemaPath": null,
        "Privileges": null, "Prefix": "ser", "Description": "SER",
        "SessionCookieHeaderName": "X-Qlik-Session-ser", "Tags": null, "CustomProperties": null,
        "LoadBalancingServerNodes": null, "WebsocketCrossOriginWhiteList": ["127.0.0.1"],
        "DefaultVirtualProxy": null, "SessionInactivityTimeout": null,
    });
    assert_eq!(
        site.create(BASE, &installer).await["sessionInactivityTimeout"],
        30
    );
}

/// qlik-repo-api posts, and pushes the whole virtual proxy; its `add` puts the proxy service into an
/// object of its own.
#[tokio::test]
async fn linking_as_qlik_repo_api_does() {
    let site = Site::new().await;
    let first = new_virtual_proxy(&site, "first").await;
    let mut proxy = site.read("/qrs/proxyservice/local").await;
    let address = format!("/qrs/proxyService/{}", proxy["id"].as_str().unwrap());
    let virtual_proxies = proxy["settings"]["virtualProxies"].as_array_mut().unwrap();
    virtual_proxies.push(first.clone());
    virtual_proxies.push(first);
    let answer = site.post(&address, &proxy).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut proxy = answer.json();
    assert_eq!(linked(&proxy), ["", "first"]);

    let second = new_virtual_proxy(&site, "second").await;
    let virtual_proxies = proxy["settings"]["virtualProxies"].as_array_mut().unwrap();
    virtual_proxies.push(second);
    let answer = site.post(&address, &json!({"details": proxy})).await;
    assert_eq!(linked(&answer.json()), ["", "first", "second"]);
}

/// qlik-repo-api gives every user an owner that is nobody; whoever sends a real one is told that users
/// have none.
#[tokio::test]
async fn a_user_as_qlik_repo_api_makes_one() {
    let site = Site::new().await;
    let mut user = json!({
        "userId": "cem", "userDirectory": "example", "name": "Cem", "roles": [],
        "customProperties": [], "tags": [], "owner": {},
    });
    assert_eq!(site.create("/qrs/user", &user).await["name"], "Cem");
    user["owner"] = json!({"userId": "ana"});
    let refused = site.post("/qrs/user", &user).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("owner"), "{}", refused.text);
}
