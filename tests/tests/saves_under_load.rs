//! Saves of every kind over QRS while users work: no session ends, no WebSocket is dropped, no request
//! fails. `live_changes.rs` has what a single save does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use jotgate_scenarios::{Backend, Client, Cookie, Gateway, Keys, Qrs, VirtualProxy, eventually};
use serde_json::json;
use tokio::task::JoinHandle;

/// How often each kind of save is made.
const ROUNDS: usize = 5;

#[tokio::test]
async fn saves_of_every_kind_end_no_session_drop_no_socket_and_fail_no_request() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let qrs = gateway.qrs();
    let node = qrs.node(&backend).await;
    let vp = qrs.virtual_proxy("jwt").node(&node).create().await;
    let token = Keys::first().token().sign();
    let signed_in = gateway.client().get("/jwt/").bearer(&token).send().await;
    let load = Load::start(&gateway.client(), &signed_in.cookie(), &token);

    for round in 0..ROUNDS {
        save_virtual_proxy(&vp, round).await;
        load.goes_on_after("a virtual proxy").await;
        save_nodes(&qrs, &vp, &node, &backend).await;
        load.goes_on_after("nodes").await;
        save_proxy(&qrs, round).await;
        load.goes_on_after("the proxy").await;
        save_what_others_have(&qrs, &vp, &backend, round).await;
        load.goes_on_after("another virtual proxy").await;
        save_people(&qrs, round).await;
        load.goes_on_after("users").await;
        save_together(&qrs, round).await;
        load.goes_on_after("a selection").await;
    }
    load.end().await;
    assert_eq!(gateway.metric("jotgate_sessions").await, 1.0);
}

async fn save_virtual_proxy(vp: &VirtualProxy, round: usize) {
    let both = format!(
        "{}{}",
        Keys::first().public_key(),
        Keys::second().public_key()
    );
    vp.set("description", format!("round {round}")).await;
    vp.set("jwtPublicKeyCertificate", both).await;
    vp.set("jwtPublicKeyCertificate", Keys::first().public_key())
        .await;
    vp.set("additionalResponseHeaders", format!("X-Round: {round}"))
        .await;
    vp.set("sessionInactivityTimeout", 30 + round).await;
    vp.set(
        "websocketCrossOriginWhiteList",
        json!(["portal.example.com"]),
    )
    .await;
    vp.set("useStickyLoadBalancing", round.is_multiple_of(2))
        .await;
}

/// A second node comes, gets requests, and goes again; the first one is edited.
async fn save_nodes(qrs: &Qrs, vp: &VirtualProxy, node: &str, backend: &Backend) {
    let second = qrs.node(backend).await;
    vp.set(
        "loadBalancingServerNodes",
        json!([{ "id": node }, { "id": second }]),
    )
    .await;
    let path = format!("/servernodeconfiguration/{node}");
    let mut entity = qrs.get(&path).await;
    entity["services"] = json!([{ "path": "/", "uri": backend.uri(), "healthPath": "/" }]);
    qrs.update(&path, &entity).await;
    vp.set("loadBalancingServerNodes", json!([{ "id": node }]))
        .await;
    qrs.delete(&format!("/servernodeconfiguration/{second}"))
        .await;
}

async fn save_proxy(qrs: &Qrs, round: usize) {
    let mut proxy = qrs.proxy_service().await;
    let path = format!("/proxyservice/{}", proxy["id"].as_str().expect("an id"));
    proxy["settings"]["keepAliveTimeoutSeconds"] = (10 + round).into();
    qrs.update(&path, &proxy).await;
}

/// Another virtual proxy's whole life; a tag and a custom property on the one that is used.
async fn save_what_others_have(qrs: &Qrs, vp: &VirtualProxy, backend: &Backend, round: usize) {
    let other = qrs
        .jwt_virtual_proxy("other", Keys::second(), backend)
        .await;
    other.set("prefix", "renamed").await;
    other.delete().await;
    let tag = qrs
        .create("/tag", &json!({ "name": format!("tag {round}") }))
        .await;
    vp.set("tags", json!([tag])).await;
    let property = json!({
        "name": format!("Property{round}"), "valueType": "Text", "objectTypes": ["VirtualProxyConfig"],
        "choiceValues": ["a", "b"],
    });
    let property = qrs.create("/custompropertydefinition", &property).await;
    let value = json!([{ "definition": property, "value": "a" }]);
    vp.set("customProperties", value).await;
    for (path, entity) in [("tag", &tag), ("custompropertydefinition", &property)] {
        let id = entity["id"].as_str().expect("an id");
        qrs.delete(&format!("/{path}/{id}")).await;
    }
}

async fn save_people(qrs: &Qrs, round: usize) {
    let user = json!({ "userDirectory": "example", "userId": format!("user-{round}") });
    let mut user = qrs.create("/user", &user).await;
    let path = format!("/user/{}", user["id"].as_str().expect("an id"));
    user["roles"] = json!(["AuditAdmin"]);
    let mut user = qrs.update(&path, &user).await;
    user["blacklisted"] = true.into();
    qrs.update(&path, &user).await;
    qrs.delete(&path).await;
}

/// All virtual proxies in one save.
async fn save_together(qrs: &Qrs, round: usize) {
    let selection = qrs
        .create("/selection/virtualproxyconfig", &json!({}))
        .await;
    let path = format!("/selection/{}", selection["id"].as_str().expect("an id"));
    let synthetic = format!("{path}/virtualproxyconfig/synthetic");
    let changed = json!({
        "latestModifiedDate": qrs.get(&synthetic).await["latestModifiedDate"],
        "properties": [
            { "name": "sessionInactivityTimeout", "value": 40 + round, "valueIsModified": true },
        ],
    });
    let saved = qrs.send("PUT", &synthetic, Some(&changed)).await;
    assert_eq!(saved.status, 204, "{}", saved.text());
    qrs.delete(&path).await;
}

/// Users who work: each in a task that fails with the first thing that goes wrong.
struct Load {
    over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    users: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(client: &Client, cookie: &Cookie, token: &str) -> Self {
        let mut load = Self {
            over: Arc::default(),
            answered: Arc::default(),
            users: Vec::new(),
        };
        let (with, of, bearer) = (client.clone(), cookie.clone(), token.to_owned());
        load.user(async move |over, answered| {
            let mut connection = with.connection().await;
            while !over.load(Ordering::SeqCst) {
                let request = connection.get("/jwt/hub/").cookie(&of);
                let kept = connection.send(request).await.expect("an answer");
                assert_eq!(kept.status, 200, "{}", kept.text());
                answered.fetch_add(1, Ordering::SeqCst);
                let fresh = with.get("/jwt/hub/").cookie(&of).bearer(&bearer);
                let fresh = fresh.send().await;
                assert_eq!(fresh.status, 200, "{}", fresh.text());
            }
        });
        let (with, of) = (client.clone(), cookie.clone());
        load.user(async move |over, answered| {
            let connection = with.http2().await;
            while !over.load(Ordering::SeqCst) {
                let body = "x".repeat(100_000);
                let request = with.request("POST", "/jwt/data").cookie(&of).body(body);
                let answer = connection.send(request, None).await.expect("an answer");
                assert_eq!(answer.status, 200, "{}", answer.text());
                answered.fetch_add(1, Ordering::SeqCst);
            }
        });
        let (with, of) = (client.clone(), cookie.clone());
        load.user(async move |over, answered| {
            let opening = with.get("/jwt/app/x").cookie(&of).open_socket().await;
            let mut socket = opening.expect("a WebSocket");
            while !over.load(Ordering::SeqCst) {
                socket.assert_echo("under load").await;
                answered.fetch_add(1, Ordering::SeqCst);
            }
        });
        load
    }

    fn user<W>(&mut self, work: impl FnOnce(Arc<AtomicBool>, Arc<AtomicUsize>) -> W)
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let working = work(self.over.clone(), self.answered.clone());
        self.users.push(tokio::spawn(working));
    }

    /// Waits for a few more answers. Nothing has gone wrong until then.
    async fn goes_on_after(&self, saved: &str) {
        let wanted = self.answered.load(Ordering::SeqCst) + 10;
        eventually(&format!("answers after {saved} was saved"), async || {
            let ended = self.users.iter().any(JoinHandle::is_finished);
            assert!(!ended, "something failed when {saved} was saved");
            (self.answered.load(Ordering::SeqCst) >= wanted).then_some(())
        })
        .await;
    }

    async fn end(self) {
        self.over.store(true, Ordering::SeqCst);
        for user in self.users {
            user.await.expect("nothing failed");
        }
    }
}
