//! What an administrator saves holds for the next request, and disturbs nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jotgate_scenarios::{Backend, Cookie, Gateway, Keys};
use serde_json::json;

async fn status(gateway: &Gateway, path: &str, cookie: &Cookie) -> u16 {
    gateway
        .client()
        .get(path)
        .cookie(cookie)
        .send()
        .await
        .status
}

async fn sign_in(gateway: &Gateway, keys: &Keys, path: &str) -> Cookie {
    let token = keys.token().sign();
    let answer = gateway.client().get(path).bearer(&token).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.cookie()
}

#[tokio::test]
async fn creating_linking_updating_and_deleting_hold_for_the_next_request() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let qrs = gateway.qrs();
    let token = Keys::first().token().sign();
    let ask = async |path: &str| gateway.client().get(path).bearer(&token).send().await;

    let vp = qrs
        .virtual_proxy("jwt")
        .backend(&backend)
        .await
        .unlinked()
        .create()
        .await;
    assert_eq!(ask("/jwt/hub/").await.reason(), "prefix_unknown");
    qrs.link(&[&vp.id]).await;
    assert_eq!(ask("/jwt/hub/").await.status, 200);
    vp.set("jwtAudience", "somebody").await;
    assert_eq!(ask("/jwt/hub/").await.reason(), "audience_mismatch");
    vp.set("jwtAudience", "").await;
    vp.set("additionalResponseHeaders", "X-New: yes").await;
    assert_eq!(ask("/jwt/hub/").await.header("x-new"), "yes");
    vp.set("prefix", "renamed").await;
    assert_eq!(ask("/jwt/hub/").await.reason(), "prefix_unknown");
    assert_eq!(ask("/renamed/hub/").await.status, 200);
    assert_eq!(
        backend
            .last()
            .header("x-qlik-virtual-proxy-prefix")
            .as_deref(),
        Some("renamed")
    );
    vp.delete().await;
    assert_eq!(ask("/renamed/hub/").await.reason(), "prefix_unknown");
}

#[tokio::test]
async fn a_new_node_gets_the_next_request() {
    let (old, new) = (Backend::named("old").await, Backend::named("new").await);
    let gateway = Gateway::serve().await;
    let qrs = gateway.qrs();
    let vp = qrs.jwt_virtual_proxy("jwt", Keys::first(), &old).await;
    let cookie = sign_in(&gateway, Keys::first(), "/jwt/hub/").await;
    let mut connection = gateway.client().connection().await;
    let mut ask = async || {
        connection
            .send(connection.get("/jwt/hub/").cookie(&cookie))
            .await
            .expect("an answer")
            .text()
    };
    assert_eq!(ask().await, "old");
    let node = qrs.node(&new).await;
    vp.set("loadBalancingServerNodes", json!([{ "id": node }]))
        .await;
    assert_eq!(ask().await, "new");
    // The node itself is edited: its idle connections are not used for the new address.
    let path = format!("/servernodeconfiguration/{node}");
    let mut entity = qrs.get(&path).await;
    entity["services"] = json!([{ "path": "/", "uri": old.uri() }]);
    qrs.update(&path, &entity).await;
    assert_eq!(ask().await, "old");
}

#[tokio::test]
async fn fifty_saves_end_no_session_drop_no_socket_and_fail_no_request() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let vp = gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let cookie = sign_in(&gateway, Keys::first(), "/jwt/hub/").await;
    let mut socket = gateway
        .client()
        .get("/jwt/app/x")
        .cookie(&cookie)
        .open_socket()
        .await
        .expect("a WebSocket");

    let saved = Arc::new(AtomicBool::new(false));
    let requests = {
        let (client, cookie, saved) = (gateway.client(), cookie.clone(), saved.clone());
        tokio::spawn(async move {
            let mut connection = client.connection().await;
            let mut count = 0;
            while !saved.load(Ordering::SeqCst) {
                let kept = connection
                    .send(connection.get("/jwt/hub/").cookie(&cookie))
                    .await
                    .expect("an answer");
                assert_eq!(kept.status, 200, "{}", kept.text());
                let fresh = client.get("/jwt/hub/").cookie(&cookie).send().await;
                assert_eq!(fresh.status, 200, "{}", fresh.text());
                count += 2;
            }
            count
        })
    };
    for number in 0..50 {
        vp.set("description", format!("save {number}")).await;
        if number % 10 == 0 {
            socket.assert_echo(&format!("after save {number}")).await;
        }
    }
    saved.store(true, Ordering::SeqCst);
    let count = requests.await.expect("no request failed");
    assert!(count >= 20, "only {count} requests were sent meanwhile");
    socket.assert_echo("after all of them").await;
    assert_eq!(status(&gateway, "/jwt/hub/", &cookie).await, 200);
    assert_eq!(gateway.metric("jotgate_sessions").await, 1.0);
    assert_eq!(vp.entity().await["description"], "save 49");
}

#[tokio::test]
async fn a_removed_key_refuses_old_tokens_at_once_while_sessions_go_on() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let vp = gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let cookie = sign_in(&gateway, Keys::first(), "/jwt/hub/").await;
    let mut socket = gateway
        .client()
        .get("/jwt/app/x")
        .cookie(&cookie)
        .open_socket()
        .await
        .expect("a WebSocket");
    let old = Keys::first().token().sign();
    let new = Keys::second().token().user("example", "anna").sign();
    let ask = async |token: &str| {
        gateway
            .client()
            .get("/jwt/hub/")
            .bearer(token)
            .send()
            .await
            .status
    };
    for _ in 0..3 {
        assert_eq!(ask(&old).await, 200, "and it is remembered");
    }
    let both = format!(
        "{}{}",
        Keys::first().public_key(),
        Keys::second().certificate()
    );
    vp.set("jwtPublicKeyCertificate", both).await;
    assert_eq!(
        (ask(&old).await, ask(&new).await),
        (200, 200),
        "old and new overlap"
    );
    vp.set("jwtPublicKeyCertificate", Keys::second().certificate())
        .await;
    assert_eq!((ask(&old).await, ask(&new).await), (401, 200));
    assert_eq!(status(&gateway, "/jwt/hub/", &cookie).await, 200);
    socket.assert_echo("still here").await;
    let request = gateway
        .client()
        .get("/jwt/hub/")
        .cookie(&cookie)
        .bearer(&old);
    assert_eq!(
        request.send().await.status,
        401,
        "a token that is sent is validated"
    );
}

#[tokio::test]
async fn a_refused_save_changes_nothing() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let vp = gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let cookie = sign_in(&gateway, Keys::first(), "/jwt/hub/").await;
    let before = vp.entity().await;
    let bad = [
        (
            "jwtPublicKeyCertificate",
            json!("-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n"),
        ),
        (
            "jwtPublicKeyCertificate",
            json!(Keys::second().private_key()),
        ),
        ("prefix", json!("With Capitals")),
        ("prefix", json!("hub")),
        ("sessionCookieHeaderName", json!("X-Qlik-Session")),
        ("sessionInactivityTimeout", json!(0)),
        (
            "websocketCrossOriginWhiteList",
            json!(["https://not a host"]),
        ),
        ("jwtAlgorithms", json!(["none"])),
        ("jwtAlgorithms", json!(["HS256"])),
    ];
    for (property, value) in bad {
        let mut entity = before.clone();
        entity[property] = value.clone();
        entity["description"] = "half".into();
        let answer = gateway.qrs().send("PUT", &vp.path(), Some(&entity)).await;
        assert_eq!(answer.status, 400, "{property}: {}", answer.text());
        assert!(
            answer.text().contains(property),
            "{property}: {}",
            answer.text()
        );
        assert!(
            !answer.text().contains("PRIVATE KEY-----"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(vp.entity().await, before);
    assert_eq!(status(&gateway, "/jwt/hub/", &cookie).await, 200);
}

#[tokio::test]
async fn unlinking_stops_traffic_and_linking_again_finds_the_sessions() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let qrs = gateway.qrs();
    let vp = qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    let cookie = sign_in(&gateway, Keys::first(), "/jwt/hub/").await;
    let mut proxy = qrs.proxy_service().await;
    let linked = proxy["settings"]["virtualProxies"]
        .as_array_mut()
        .expect("a list");
    linked.retain(|linked| linked["id"] != vp.id.as_str());
    qrs.update(
        &format!("/proxyservice/{}", proxy["id"].as_str().expect("an id")),
        &proxy,
    )
    .await;
    assert_eq!(status(&gateway, "/jwt/hub/", &cookie).await, 400);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    qrs.link(&[&vp.id]).await;
    assert_eq!(status(&gateway, "/jwt/hub/", &cookie).await, 200);
}

#[tokio::test]
async fn a_deleted_and_recreated_virtual_proxy_knows_none_of_the_old_sessions() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let vp = gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let cookie = sign_in(&gateway, Keys::first(), "/jwt/hub/").await;
    vp.delete().await;
    assert_eq!(status(&gateway, "/jwt/hub/", &cookie).await, 400);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    assert_eq!(status(&gateway, "/jwt/hub/", &cookie).await, 401);
    let gone = async || (gateway.metric("jotgate_sessions").await == 0.0).then_some(());
    jotgate_scenarios::eventually("no session is left", gone).await;
}

#[tokio::test]
async fn a_certificate_that_changes_on_disk_is_served_without_a_restart_and_a_bad_one_is_not() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let cookie = sign_in(&gateway, Keys::first(), "/jwt/hub/").await;
    let file = gateway.certificates().join("server.pem");
    std::fs::write(&file, "no certificate").expect("a file that can be written");
    gateway.signal(jotgate_scenarios::Signal::HUP);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(status(&gateway, "/jwt/hub/", &cookie).await, 200);
}
