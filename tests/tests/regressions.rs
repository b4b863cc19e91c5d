//! Defects that were found and fixed, one test each, named after what went wrong.

use jotgate_scenarios::{Backend, Gateway, Keys, Reply};

/// A WebSocket handshake with a Content-Length kept its length on the way to the backend and lost its
/// body. A backend that did not upgrade read the head of the next user's request as that body, and what
/// followed as a request with identity headers of the attacker's choice.
#[tokio::test]
async fn a_handshake_with_a_length_swallows_nobody_s_request() {
    let backend = Backend::answering(|_| Reply::status(404)).await;
    let gateway = Gateway::serve().await;
    let keys = Keys::first();
    gateway.qrs().jwt_virtual_proxy("jwt", keys, &backend).await;
    let token = keys.token().user("example", "mallory").sign();
    let cookie = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await
        .cookie()
        .pair();
    for length in ["Content-Length: 64", "Transfer-Encoding: chunked"] {
        let mut raw = gateway.client().raw().await;
        raw.send(format!(
            "GET /jwt/ws HTTP/1.1\r\nHost: gateway.example\r\nCookie: {cookie}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{length}\r\n\r\n"
        ))
        .await;
        assert_eq!(raw.read_head().await.status, 400, "{length}");
    }
    for received in backend.received() {
        assert_eq!(received.header("content-length"), None);
    }
    let victim = keys.token().user("example", "victim").sign();
    let answer = gateway
        .client()
        .post("/jwt/hub/")
        .bearer(&victim)
        .body("abc")
        .send()
        .await;
    assert_eq!(answer.status, 404);
    let last = backend.last();
    assert_eq!(last.line(), "POST /hub/ HTTP/1.1");
    assert_eq!(last.header("content-length").as_deref(), Some("3"));
    assert_eq!(
        last.header("x-qlik-user").as_deref(),
        Some("UserDirectory=example; UserId=victim")
    );
}

/// A handshake that the backend answers without upgrading used a connection that others got afterwards.
#[tokio::test]
async fn a_refused_handshake_s_connection_is_not_used_again() {
    let backend = Backend::answering(|_| Reply::status(404)).await;
    let gateway = Gateway::serve().setting("--worker-threads", "1").await;
    let keys = Keys::first();
    gateway.qrs().jwt_virtual_proxy("jwt", keys, &backend).await;
    let token = keys.token().user("example", "boz").sign();
    let refused = gateway
        .client()
        .get("/jwt/ws")
        .bearer(&token)
        .open_socket()
        .await;
    assert!(refused.is_err());
    let before = backend.connections();
    gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(backend.connections(), before + 1);
}
