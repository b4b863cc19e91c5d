//! Defects that were found and fixed, one test each, named after what went wrong.

use jotgate_scenarios::{Backend, Gateway, Keys, Reply, eventually};

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

/// WebSockets did not count among the connections that may be open.
#[tokio::test]
async fn sockets_count_as_connections() {
    let backend = Backend::answering(|_| Reply::web_socket_echo()).await;
    let gateway = Gateway::serve().setting("--max-connections", "4").await;
    let keys = Keys::first();
    gateway.qrs().jwt_virtual_proxy("jwt", keys, &backend).await;
    let token = keys.token().user("example", "boz").sign();
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(
            gateway
                .client()
                .get("/jwt/ws")
                .bearer(&token)
                .open_socket()
                .await
                .expect("a place"),
        );
    }
    assert!(
        gateway
            .client()
            .get("/jwt/hub/")
            .bearer(&token)
            .try_send()
            .await
            .is_err()
    );
    drop(open);
    eventually("places are free again", async || {
        gateway
            .client()
            .get("/jwt/ws")
            .bearer(&token)
            .try_send()
            .await
            .ok()
    })
    .await;
}

/// The same token kept the attributes of the mapping from before a change.
#[tokio::test]
async fn a_changed_mapping_holds_for_the_same_token() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let keys = Keys::first();
    let vp = gateway
        .qrs()
        .virtual_proxy("jwt")
        .backend(&backend)
        .await
        .map("Group", "Old")
        .create()
        .await;
    let token = keys
        .token()
        .user("example", "boz")
        .claim("Group", "sales")
        .sign();
    gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    assert!(
        backend
            .last()
            .header("x-qlik-security")
            .is_some_and(|value| value.contains("Old=sales"))
    );
    vp.update(|entity| entity["jwtAttributeMap"][0]["senseAttribute"] = "New".into())
        .await;
    gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    assert!(
        backend
            .last()
            .header("x-qlik-security")
            .is_some_and(|value| value.contains("New=sales"))
    );
}

/// After one failed connection everybody was refused for two seconds, although the node was back.
#[tokio::test]
async fn a_node_that_is_back_is_asked_at_once() {
    let gateway = Gateway::serve().await;
    let keys = Keys::first();
    let address = Backend::nowhere().await;
    let node = gateway
        .qrs()
        .node_with(
            serde_json::json!({"services": [{"path": "/", "uri": format!("http://{address}")}]}),
        )
        .await;
    gateway.qrs().virtual_proxy("jwt").node(node).create().await;
    let token = keys.token().user("example", "boz").sign();
    let refused = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    assert_eq!((refused.status, refused.reason()), (502, "node_failed"));
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .expect("the address is free");
    let answers = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut head = [0; 4096];
        assert!(stream.read(&mut head).await.expect("a request") > 0);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .await
            .expect("an answer");
    });
    assert_eq!(
        gateway
            .client()
            .get("/jwt/hub/")
            .bearer(&token)
            .send()
            .await
            .status,
        200
    );
    answers.await.expect("the node answered");
}

/// A cookie without a name is sent back as what its value looks like: a session cookie.
#[tokio::test]
async fn a_backend_cannot_set_a_session_cookie_without_naming_it() {
    let backend = Backend::answering(|_| {
        Reply::new(
            200,
            &[
                ("Set-Cookie", "=X-Qlik-Session-jwt=forged"),
                ("Set-Cookie", "own=1"),
            ],
            "",
        )
    })
    .await;
    let gateway = Gateway::serve().await;
    let keys = Keys::first();
    gateway.qrs().jwt_virtual_proxy("jwt", keys, &backend).await;
    let token = keys.token().user("example", "boz").sign();
    let answer = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    let cookies: Vec<_> = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|value| value.to_str().unwrap_or_default())
        .collect();
    assert!(
        cookies.iter().all(|cookie| !cookie.contains("forged")),
        "{cookies:?}"
    );
    assert!(cookies.contains(&"own=1"));
}

/// The reason of a refusal is the gateway's word; a change that proves itself writes it into the history.
#[tokio::test]
async fn a_backend_cannot_say_that_the_gateway_has_refused() {
    let backend = Backend::answering(|_| {
        let headers = [("Jotgate-Reason", "token_expired"), ("X-Own", "kept")];
        Reply::new(503, &headers, "")
    })
    .await;
    let gateway = Gateway::serve().await;
    let keys = Keys::first();
    gateway.qrs().jwt_virtual_proxy("jwt", keys, &backend).await;
    let token = keys.token().user("example", "boz").sign();
    let answer = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.headers.get("jotgate-reason"), None);
    assert_eq!(answer.headers["x-own"], "kept");
}

/// Limits of requests were stored and not kept.
#[tokio::test]
async fn requests_beyond_the_rate_are_refused() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let keys = Keys::first();
    let vp = gateway
        .qrs()
        .virtual_proxy("jwt")
        .backend(&backend)
        .await
        .set("requestsPerSecondPerUser", 5)
        .create()
        .await;
    let boz = keys.token().user("example", "boz").sign();
    let mut refused = 0;
    for _ in 0..30 {
        let answer = gateway.client().get("/jwt/hub/").bearer(&boz).send().await;
        if answer.status == 429 {
            assert_eq!(
                (answer.reason(), answer.header("retry-after")),
                ("rate_limited", "1")
            );
            refused += 1;
        }
    }
    assert!(refused > 0);
    let other = keys.token().user("example", "other").sign();
    assert_eq!(
        gateway
            .client()
            .get("/jwt/hub/")
            .bearer(&other)
            .send()
            .await
            .status,
        200
    );
    vp.set("requestsPerSecond", 1).await;
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(
            gateway
                .client()
                .get("/jwt/hub/")
                .bearer(&other)
                .send()
                .await
                .status,
        );
    }
    assert!(statuses.contains(&429), "{statuses:?}");
}

/// `Content_Length` and `X-HTTP-Method` reached backends that may take them for what they look like.
#[tokio::test]
async fn fields_that_only_look_like_framing_do_not_reach_backends() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let keys = Keys::first();
    let qrs = gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", keys, &backend).await;
    let request = gateway.client().post("/jwt/hub/").body("ab");
    let answer = request
        .bearer(&keys.token().sign())
        .header("Content_Length", "500")
        .header("Transfer_Encoding", "chunked")
        .header("X-HTTP-Method", "DELETE")
        .header("Content_Type", "text/plain")
        .send()
        .await;
    assert_eq!(answer.status, 200);
    let received = backend.only();
    assert_eq!(received.header("content-length").as_deref(), Some("2"));
    for gone in ["content_length", "transfer_encoding", "x-http-method"] {
        assert_eq!(received.header(gone), None, "{gone}");
    }
    assert!(received.header("content_type").is_some());
}

/// Overlong UTF-8 passed, which a lenient backend decodes to dots, slashes and letters.
#[tokio::test]
async fn overlong_encodings_in_paths_are_refused() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let keys = Keys::first();
    let qrs = gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", keys, &backend).await;
    let token = keys.token().sign();
    let get = async |path: &str| gateway.client().get(path).bearer(&token).send().await;
    for path in ["/jwt/%c0%ae%c0%ae/x", "/jwt/%c1%b1mc/", "/jwt/%e0%80%af"] {
        let answer = get(path).await;
        let expected = (400, "path_ambiguous");
        assert_eq!((answer.status, answer.reason()), expected, "{path}");
    }
    // Latin-1 and UTF-8 are both in use.
    for path in ["/jwt/caf%e9/", "/jwt/caf%c3%a9/", "/jwt/%e0%20propos"] {
        assert_eq!(get(path).await.status, 200, "{path}");
    }
}
