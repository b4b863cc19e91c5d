//! WebSockets on a stream of HTTP/2 (RFC 8441), with the rules of those over HTTP/1.1.

use std::time::Duration;

use jotgate_scenarios::{
    Backend, Frame, Gateway, Http2, Keys, Opcode, PATIENCE, Reply, Request, SOON, Signal,
    eventually, within,
};

use super::{Site, assert_notice};

fn request(site: &Site, path: &str) -> Request {
    site.gateway.client().get(path).cookie(&site.cookie)
}

async fn connect(site: &Site) -> Http2 {
    site.gateway.client().http2().await
}

#[tokio::test]
async fn a_stream_becomes_a_websocket_and_the_backend_sees_a_handshake_of_http_1() {
    let site = Site::new(Backend::echo().await).await;
    let http2 = connect(&site).await;
    let asked = request(&site, "/jwt/app/x?y=1")
        .header("sec-websocket-protocol", "a, b")
        .header("sec-websocket-extensions", "permessage-deflate")
        .header("sec-websocket-key", "forged")
        .header("x-qlik-user", "forged");
    let mut socket = http2.open_socket(asked).await.expect("a WebSocket");
    for name in [
        "sec-websocket-accept",
        "sec-websocket-key",
        "upgrade",
        "connection",
    ] {
        assert_eq!(socket.answer().header(name), "", "{name}");
    }
    let received = site.backend.only();
    assert_eq!(received.line(), "GET /app/x?y=1 HTTP/1.1");
    assert_eq!(received.header("upgrade").as_deref(), Some("websocket"));
    assert_eq!(received.header("connection").as_deref(), Some("Upgrade"));
    assert_eq!(
        received.header("sec-websocket-version").as_deref(),
        Some("13")
    );
    assert_eq!(
        received.header("sec-websocket-protocol").as_deref(),
        Some("a, b")
    );
    assert_eq!(
        received.header("sec-websocket-extensions").as_deref(),
        Some("permessage-deflate")
    );
    let key = received.header("sec-websocket-key").expect("a key");
    assert_eq!(key.len(), 24, "sixteen bytes in base64: {key}");
    assert_eq!(received.header("host"), Some(site.gateway.client().host()));
    assert_eq!(
        received.header("x-qlik-user").as_deref(),
        Some("UserDirectory=example; UserId=boz")
    );
    assert_eq!(received.header("cookie"), None);
    for length in [0, 125, 126, 65_536, 1 << 20] {
        let frame = Frame::new(true, Opcode::Binary, &vec![7; length]);
        socket.send(frame.clone()).await;
        assert!(socket.receive().await == frame, "{length} bytes");
    }
    socket.send(Frame::close(1000, "bye")).await;
    assert_eq!(socket.receive().await, Frame::close(1000, "bye"));
    assert!(socket.raw().ends_cleanly().await);
    let other = http2.open_socket(request(&site, "/jwt/app/x")).await;
    let mut other = other.expect("another WebSocket on the same connection");
    other.assert_echo("hello").await;
    assert_ne!(site.backend.last().header("sec-websocket-key"), Some(key));
}

#[tokio::test]
async fn what_the_backend_chose_reaches_the_client_and_a_new_session_its_cookie() {
    let backend = Backend::answering(|received| {
        let accept = received.header("sec-websocket-key").unwrap_or_default();
        let accept =
            tokio_tungstenite::tungstenite::handshake::derive_accept_key(accept.as_bytes());
        Reply::raw(format!(
            "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: b\r\nX-Own: kept\r\n\r\n"
        ))
        .then_pause(Duration::from_secs(60))
    })
    .await;
    let site = Site::new(backend).await;
    let token = Keys::first().token().user("example", "anna").sign();
    let asked = site.gateway.client().get("/jwt/app/x").bearer(&token);
    let socket = connect(&site).await.open_socket(asked).await;
    let socket = socket.expect("a WebSocket");
    assert_eq!(socket.answer().header("sec-websocket-protocol"), "b");
    assert_eq!(socket.answer().header("x-own"), "kept");
    assert_eq!(socket.answer().cookie().name, "X-Qlik-Session-jwt");
}

#[tokio::test]
async fn only_an_answer_to_the_gateways_key_opens_one() {
    let backend = Backend::answering(|request| match request.target().as_str() {
        "/app/page" => Reply::text("just a page"),
        "/app/empty" => Reply::status(204),
        "/app/401" => Reply::new(401, &[("X-Own", "kept")], "no"),
        "/app/without" => {
            Reply::raw("HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        }
        _ => Reply::raw(
            "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        ),
    })
    .await;
    let site = Site::new(backend).await;
    let http2 = connect(&site).await;
    for path in ["page", "empty", "without", "wrong"] {
        let asked = request(&site, &format!("/jwt/app/{path}"));
        let refused = http2.open_socket(asked).await.err().expect("a refusal");
        assert_eq!(
            (refused.status, refused.reason()),
            (502, "node_failed"),
            "{path}"
        );
    }
    let refused = http2.open_socket(request(&site, "/jwt/app/401")).await;
    let refused = refused.err().expect("a refusal");
    assert_eq!((refused.status, refused.header("x-own")), (401, "kept"));
    let own = http2.open_socket(request(&site, "/jwt/qps/user")).await;
    let own = own.err().expect("a refusal");
    assert_eq!((own.status, own.reason()), (400, "request_malformed"));
}

#[tokio::test]
async fn origin_and_session_are_judged_as_over_http_1() {
    let site = Site::new(Backend::echo().await).await;
    let http2 = connect(&site).await;
    let anonymous = site.gateway.client().get("/jwt/app/x");
    let refused = http2.open_socket(anonymous).await.err().expect("a refusal");
    assert_eq!(
        (refused.status, refused.reason()),
        (401, "credentials_missing")
    );
    let foreign = request(&site, "/jwt/app/x").origin("https://evil.example");
    let refused = http2.open_socket(foreign).await.err().expect("a refusal");
    assert_eq!(
        (refused.status, refused.reason()),
        (403, "origin_not_allowed")
    );
    let other = http2
        .open(request(&site, "/jwt/app/x"), "connect-udp")
        .await;
    let refused = other.err().expect("a refusal");
    assert_eq!(
        (refused.status, refused.reason()),
        (400, "request_malformed")
    );
    assert!(site.backend.received().is_empty());
}

#[tokio::test]
async fn the_end_of_the_session_is_told_on_the_stream_and_the_connection_goes_on() {
    let site = Site::new(Backend::echo().await).await;
    let http2 = connect(&site).await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let socket = http2.open_socket(request(&site, "/jwt/app/x")).await;
        sockets.push(socket.expect("a WebSocket"));
    }
    let token = Keys::first().token().user("example", "anna").sign();
    let anna = site.gateway.client().get("/jwt/app/x").bearer(&token);
    let mut anna = http2.open_socket(anna).await.expect("a WebSocket");
    site.log_out().await;
    for socket in sockets {
        let (notice, close) = socket.expect_end(SOON).await;
        assert_notice(&notice, "OnSessionLoggedOut", "User logged out manually");
        assert!(matches!(close.close_code(), 1001 | 1008), "{close:?}");
    }
    anna.assert_echo("still here").await;
    assert_eq!(site.gateway.metric("jotgate_websockets").await, 1.0);
}

#[tokio::test]
async fn either_side_may_end_its_direction_first() {
    let site = Site::new(Backend::sockets().await).await;
    let http2 = connect(&site).await;
    let mut near = http2
        .open_socket(request(&site, "/jwt/app/x"))
        .await
        .expect("a WebSocket");
    let mut far = site.backend.socket().await;
    near.send(Frame::text("the last word")).await;
    near.raw().finish().await;
    assert_eq!(far.receive().await, Some(Frame::text("the last word")));
    assert_eq!(far.receive().await, None);
    far.send(Frame::text("the answer")).await;
    assert_eq!(near.receive().await, Frame::text("the answer"));
    far.close().await;
    assert!(near.raw().ends_cleanly().await);
    let mut near = http2
        .open_socket(request(&site, "/jwt/app/x"))
        .await
        .expect("a WebSocket");
    let mut far = site.backend.socket().await;
    far.finish().await;
    assert!(near.raw().ends_cleanly().await);
    near.send(Frame::text("an answer")).await;
    assert_eq!(far.receive().await, Some(Frame::text("an answer")));
}

#[tokio::test]
async fn a_client_that_resets_its_stream_or_goes_away_is_noticed_by_the_backend() {
    let site = Site::new(Backend::sockets().await).await;
    let http2 = connect(&site).await;
    let near = http2.open_socket(request(&site, "/jwt/app/x")).await;
    let mut far = site.backend.socket().await;
    drop(near);
    assert_eq!(far.receive().await, None);
    far.close().await;
    let near = http2.open_socket(request(&site, "/jwt/app/x")).await;
    let mut far = site.backend.socket().await;
    drop((http2, near));
    assert_eq!(far.receive().await, None);
    far.close().await;
    let gone = async || (site.gateway.metric("jotgate_websockets").await == 0.0).then_some(());
    eventually("both are counted out", gone).await;
}

#[tokio::test]
async fn a_silent_stream_keeps_its_connection_and_a_drain_closes_it_with_1001() {
    let backend = Backend::echo().await;
    let mut gateway = Gateway::serve()
        .setting("--idle-timeout", "2s")
        .setting("--header-timeout", "2s")
        .await;
    let vp = gateway.qrs();
    vp.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    let token = Keys::first().token().sign();
    let asked = gateway.client().get("/jwt/app/x").bearer(&token);
    let http2 = gateway.client().http2().await;
    let mut socket = http2.open_socket(asked).await.expect("a WebSocket");
    tokio::time::sleep(Duration::from_millis(3000)).await;
    socket.assert_echo("still here").await;
    gateway.signal(Signal::TERM);
    let close = within(SOON, "the close frame", socket.receive()).await;
    assert_eq!(close.close_code(), 1001);
    assert!(socket.raw().ends_cleanly().await);
    gateway.process_mut().wait(PATIENCE).await;
}
