//! Nodes that fail, that come back, and that are taken out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jotgate_scenarios::{Backend, Cookie, Gateway, Keys, Reply, eventually};
use serde_json::json;

/// A backend that is well or not, as the test says: its name, or 503.
async fn switched(name: &'static str) -> (Backend, Arc<AtomicBool>) {
    let well = Arc::new(AtomicBool::new(true));
    let asked = well.clone();
    let backend = Backend::answering(move |_| match asked.load(Ordering::SeqCst) {
        true => Reply::text(name),
        false => Reply::new(503, &[], "unwell"),
    });
    (backend.await, well)
}

async fn sign_in(gateway: &Gateway) -> Cookie {
    let token = Keys::first().token().sign();
    let request = gateway.client().get("/jwt/qps/csrftoken").bearer(&token);
    request.send().await.cookie()
}

async fn ask(gateway: &Gateway, cookie: &Cookie) -> String {
    let request = gateway.client().get("/jwt/x").cookie(cookie);
    request.send().await.text()
}

#[tokio::test]
async fn a_node_that_fails_its_checks_is_passed_over_until_it_passes_them() {
    let (first, well) = switched("first").await;
    let second = Backend::named("second").await;
    let gateway = Gateway::serve().await;
    let qrs = gateway.qrs();
    let service =
        |backend: &Backend| json!([{ "path": "/", "uri": backend.uri(), "healthPath": "/up" }]);
    let one = json!({ "name": "one", "services": service(&first) });
    let two = json!({ "name": "two", "services": service(&second) });
    let (one, two) = (qrs.node_with(one).await, qrs.node_with(two).await);
    let vp = qrs.virtual_proxy("jwt").node(one).node(two);
    vp.create().await;
    let cookie = sign_in(&gateway).await;
    let up = async |expected: u8| {
        let text = gateway.observer().get("/metrics").send().await.text();
        text.contains(&format!(
            "jotgate_node_up{{node=\"one\",service=\"/\"}} {expected}\n"
        ))
        .then_some(())
    };
    eventually("the node is up", async || up(1).await).await;

    well.store(false, Ordering::SeqCst);
    eventually("the node is down", async || up(0).await).await;
    for _ in 0..20 {
        assert_eq!(ask(&gateway, &cookie).await, "second");
    }

    well.store(true, Ordering::SeqCst);
    eventually("the node is up again", async || up(1).await).await;
    let back = async || (ask(&gateway, &cookie).await == "first").then_some(());
    eventually("the node is asked again", back).await;
}

#[tokio::test]
async fn a_node_with_many_bad_answers_is_passed_over_for_a_moment() {
    let (first, well) = switched("first").await;
    let second = Backend::named("second").await;
    let gateway = Gateway::serve().setting("--worker-threads", "1").await;
    let vp = gateway.qrs().virtual_proxy("jwt");
    let vp = vp.backend(&first).await.backend(&second).await;
    vp.create().await;
    let cookie = sign_in(&gateway).await;
    well.store(false, Ordering::SeqCst);
    let mut bad = 0;
    for _ in 0..20 {
        bad += usize::from(ask(&gateway, &cookie).await == "unwell");
    }
    assert!((1..=6).contains(&bad), "{bad} bad answers of 20");
    well.store(true, Ordering::SeqCst);
    let back = async || (ask(&gateway, &cookie).await == "first").then_some(());
    eventually("the node is asked again", back).await;
}

#[tokio::test]
async fn when_all_nodes_are_down_the_answer_says_so_and_service_returns_with_the_first() {
    let nowhere = [Backend::nowhere().await, Backend::nowhere().await];
    let gateway = Gateway::serve().await;
    let qrs = gateway.qrs();
    let mut vp = qrs.virtual_proxy("jwt");
    for address in nowhere {
        let node = json!({ "services": [{ "path": "/", "uri": format!("http://{address}") }] });
        vp = vp.node(qrs.node_with(node).await);
    }
    vp.create().await;
    let cookie = sign_in(&gateway).await;
    for _ in 0..5 {
        let request = gateway.client().get("/jwt/x").cookie(&cookie);
        let answer = request.accepts_json().send().await;
        assert_eq!((answer.status, answer.reason()), (502, "node_failed"));
    }
    let listener = tokio::net::TcpListener::bind(nowhere[1]).await;
    let _back = Backend::on(listener.expect("the port is free"), |_| Reply::text("back"));
    // No waiting: when all are down, all are asked.
    assert_eq!(ask(&gateway, &cookie).await, "back");
}

#[tokio::test]
async fn a_draining_node_keeps_its_sessions_and_sockets_and_gets_no_new_ones() {
    let (first, second) = (
        Backend::named("first").await,
        Backend::named("second").await,
    );
    let gateway = Gateway::serve().await;
    let qrs = gateway.qrs();
    let service =
        |backend: &Backend| json!({ "services": [{ "path": "/", "uri": backend.uri() }] });
    let node = qrs.node_with(service(&first)).await;
    let other = qrs.node_with(service(&second)).await;
    let vp = qrs.virtual_proxy("jwt").node(node.clone()).node(other);
    vp.set("useStickyLoadBalancing", true).create().await;
    let bound = async || {
        let cookie = sign_in(&gateway).await;
        (ask(&gateway, &cookie).await == "first").then_some(cookie)
    };
    let old = eventually("a session at the first node", bound).await;
    let request = gateway.client().get("/jwt/app/engineData").cookie(&old);
    let mut socket = request.open_socket().await.expect("a WebSocket");

    // What was opened in the same second counts as new.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let path = format!("/servernodeconfiguration/{node}");
    let mut document = qrs.get(&path).await;
    document["draining"] = json!(true);
    qrs.update(&path, &document).await;

    for _ in 0..10 {
        let new = sign_in(&gateway).await;
        assert_eq!(ask(&gateway, &new).await, "second");
        assert_eq!(ask(&gateway, &old).await, "first");
    }
    socket.assert_echo("still here").await;
}

#[tokio::test]
async fn the_node_with_the_fewest_requests_is_asked() {
    let busy = Backend::answering(|request| match request.is_upgrade() {
        true => Reply::web_socket_echo(),
        false => Reply::text("busy"),
    })
    .await;
    let gateway = Gateway::serve().await;
    let qrs = gateway.qrs();
    let vp = qrs.virtual_proxy("jwt").backend(&busy).await;
    let vp = vp.set("loadBalancingAlgorithm", 2);
    let vp = vp.create().await;
    let cookie = sign_in(&gateway).await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let request = gateway.client().get("/jwt/app/x").cookie(&cookie);
        sockets.push(request.open_socket().await.expect("a WebSocket"));
    }
    let free = Backend::named("free").await;
    let node = json!({ "services": [{ "path": "/", "uri": free.uri() }] });
    let node = qrs.node_with(node).await;
    vp.update(|document| {
        let nodes = document["loadBalancingServerNodes"].as_array_mut();
        nodes.expect("nodes").push(json!({ "id": node }));
    })
    .await;
    for _ in 0..10 {
        assert_eq!(ask(&gateway, &cookie).await, "free");
    }
    drop(sockets);
    let again = async || (ask(&gateway, &cookie).await == "busy").then_some(());
    eventually("the sockets count no more", again).await;
}
