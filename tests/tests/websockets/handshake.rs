//! The handshake, and what becomes of a refused one.

use std::time::Duration;

use jotgate_scenarios::{Backend, Frame, Keys, Reply};

use super::Site;

#[tokio::test]
async fn the_handshake_reaches_the_backend_with_identity_and_without_credentials() {
    let site = Site::new(Backend::echo().await).await;
    let token = Keys::first().token().user("example", "anna").sign();
    let request = site
        .gateway
        .client()
        .get("/jwt/app/engineData&qlik-csrf-token=x")
        .bearer(&token);
    let request = request
        .header("Sec-WebSocket-Protocol", "a, b")
        .header("Sec-WebSocket-Extensions", "permessage-deflate");
    let socket = request.open_socket().await.expect("a WebSocket");
    assert_eq!(
        socket.answer().cookie().name,
        "X-Qlik-Session-jwt",
        "the 101 carries the cookie"
    );
    assert_eq!(
        socket.answer().header("sec-websocket-accept"),
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    );
    assert_eq!(socket.answer().header("upgrade"), "websocket");
    let received = site.backend.only();
    assert_eq!(
        received.line(),
        "GET /app/engineData&qlik-csrf-token=x HTTP/1.1"
    );
    assert_eq!(
        received.header("x-qlik-user").as_deref(),
        Some("UserDirectory=example; UserId=anna")
    );
    assert_eq!(received.header("upgrade").as_deref(), Some("websocket"));
    assert_eq!(received.header("connection").as_deref(), Some("Upgrade"));
    assert_eq!(
        received.header("sec-websocket-key").as_deref(),
        Some("dGhlIHNhbXBsZSBub25jZQ==")
    );
    assert_eq!(
        received.header("sec-websocket-protocol").as_deref(),
        Some("a, b")
    );
    assert_eq!(received.header("authorization"), None);
    assert_eq!(received.header("content-length").unwrap_or("0".into()), "0");
}

#[tokio::test]
async fn without_credentials_there_is_no_socket_and_the_backend_hears_nothing() {
    let site = Site::new(Backend::echo().await).await;
    let refused = site
        .gateway
        .client()
        .get("/jwt/app/x")
        .open_socket()
        .await
        .err()
        .expect("a refusal");
    assert_eq!(
        (refused.status, refused.reason()),
        (401, "credentials_missing")
    );
    assert!(site.backend.received().is_empty());
}

#[tokio::test]
async fn the_101_comes_after_the_backends_101_and_what_was_sent_before_arrives() {
    let slow =
        Backend::answering(|_| Reply::web_socket_echo().after(Duration::from_millis(600))).await;
    let site = Site::new(slow).await;
    let mut raw = site.gateway.client().raw().await;
    let head = site
        .gateway
        .client()
        .get("/jwt/app/x")
        .cookie(&site.cookie)
        .upgrade()
        .head();
    let early = Frame::text("early").masked();
    raw.send([head.as_bytes(), &early].concat()).await;
    site.backend.wait_for(0).await;
    assert_eq!(
        raw.silence(Duration::from_millis(300)).await,
        None,
        "no 101 before the backend's"
    );
    raw.send(Frame::text("later").masked()).await;
    assert_eq!(raw.read_head().await.status, 101);
    assert_eq!(raw.read_frame().await, Some(Frame::text("early")));
    assert_eq!(raw.read_frame().await, Some(Frame::text("later")));
    assert_eq!(
        site.backend.received().len(),
        1,
        "nothing of it became a request"
    );
}

#[tokio::test]
async fn a_backends_refusal_passes_through_as_it_is() {
    let backend = Backend::answering(|request| match request.target().as_str() {
        "/app/401" => Reply::new(
            401,
            &[("X-Own", "kept"), ("WWW-Authenticate", "Backend")],
            "no",
        ),
        "/app/426" => Reply::new(426, &[("Sec-WebSocket-Version", "13")], ""),
        "/app/strange" => {
            Reply::raw("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        }
        "/app/bare" => Reply::raw("HTTP/1.1 101 Switching\r\n\r\n"),
        _ => Reply::text("just a page"),
    })
    .await;
    let site = Site::new(backend).await;
    let ask = async |path: &str| {
        let request = site.gateway.client().get(path).cookie(&site.cookie);
        request.open_socket().await.err().expect("no WebSocket")
    };
    let refused = ask("/jwt/app/401").await;
    assert_eq!(
        (
            refused.status,
            refused.text().as_str(),
            refused.header("x-own")
        ),
        (401, "no", "kept")
    );
    assert_eq!(
        ask("/jwt/app/426").await.header("sec-websocket-version"),
        "13"
    );
    let page = ask("/jwt/app/page").await;
    assert_eq!((page.status, page.text().as_str()), (200, "just a page"));
    for path in ["/jwt/app/strange", "/jwt/app/bare"] {
        let answer = ask(path).await;
        assert_eq!(
            (answer.status, answer.reason()),
            (502, "node_failed"),
            "{path}"
        );
    }
}
