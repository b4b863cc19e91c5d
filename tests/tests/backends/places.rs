//! How many connections a backend gets, and how long one may take.

use std::time::Duration;

use jotgate_scenarios::{Backend, Gateway, Keys, Reply};
use serde_json::json;

#[tokio::test]
async fn a_node_gets_no_more_connections_than_it_may_have() {
    let backend = Backend::answering(|request| match request.target().as_str() {
        "/slow" => Reply::pause(Duration::from_millis(300))
            .then("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        "/slower" => Reply::pause(Duration::from_secs(6))
            .then("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        _ => Reply::text("fine"),
    })
    .await;
    // Several workers, whose idle connections are in each other's way.
    let gateway = Gateway::serve().setting("--worker-threads", "4").await;
    let qrs = gateway.qrs();
    let node = qrs
        .node_with(json!({
            "maxConnections": 2,
            "services": [{ "path": "/", "uri": backend.uri() }],
        }))
        .await;
    qrs.virtual_proxy("jwt").node(node).create().await;
    let token = Keys::first().token().sign();
    let request = gateway.client().get("/jwt/qps/csrftoken").bearer(&token);
    let cookie = request.send().await.cookie();
    for _ in 0..20 {
        let request = gateway.client().get("/jwt/x").cookie(&cookie);
        assert_eq!(request.send().await.status, 200);
    }
    let ask = |path: &'static str| {
        let request = gateway.client().get(path).cookie(&cookie).accepts_json();
        tokio::spawn(request.send())
    };
    // Two are served, two wait for them.
    let four = [
        ask("/jwt/slow"),
        ask("/jwt/slow"),
        ask("/jwt/slow"),
        ask("/jwt/slow"),
    ];
    for asked in four {
        assert_eq!(asked.await.expect("an answer").status, 200);
    }
    let two = [ask("/jwt/slower"), ask("/jwt/slower")];
    tokio::time::sleep(Duration::from_millis(500)).await;
    let refused = ask("/jwt/x").await.expect("an answer");
    assert_eq!((refused.status, refused.reason()), (503, "node_busy"));
    for asked in two {
        assert_eq!(asked.await.expect("an answer").status, 200);
    }
    let request = gateway.client().get("/jwt/x").cookie(&cookie);
    assert_eq!(request.send().await.status, 200);
}

#[tokio::test]
async fn a_connection_that_takes_too_long_is_a_504_and_the_next_node_is_asked() {
    // It accepts, and never says anything: no TLS comes about.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let silent = silent.expect("a port").local_addr().expect("an address");
    let listener = tokio::net::TcpListener::bind(silent)
        .await
        .expect("the port");
    let gateway = Gateway::serve()
        .setting("--connect-timeout", "1500ms")
        .await;
    let qrs = gateway.qrs();
    let uri = format!("https://{silent}");
    let node = qrs
        .node_with(json!({ "name": "silent", "services": [{ "path": "/", "uri": uri }] }))
        .await;
    let vp = qrs.virtual_proxy("jwt").node(node).create().await;
    let token = Keys::first().token().sign();
    let ask = async || {
        let request = gateway.client().get("/jwt/x").bearer(&token);
        request.accepts_json().send().await
    };
    let answer = ask().await;
    assert_eq!((answer.status, answer.reason()), (504, "node_timeout"));
    let line = gateway.access_line(&answer.reference()).await;
    let detail = line["detail"].as_str().unwrap_or_default();
    assert!(
        detail.contains("\"silent\"") && detail.contains("1.5 s"),
        "{line}"
    );

    let well = Backend::named("well").await;
    let second = qrs.node(&well).await;
    vp.update(|document| {
        let nodes = document["loadBalancingServerNodes"].as_array_mut();
        nodes.expect("nodes").push(json!({ "id": second }));
    })
    .await;
    for _ in 0..4 {
        assert_eq!(ask().await.text(), "well");
    }
    drop(listener);
}
