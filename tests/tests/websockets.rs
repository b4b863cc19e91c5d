//! WebSockets: bytes pass as they are, and the socket of a session that ends is told and closed.

use std::time::{Duration, Instant};

use jotgate_scenarios::{Answer, Backend, Cookie, Frame, Gateway, Keys, Opcode, Reply, Socket, VirtualProxy, within};

/// The product promises a second; this machine is busy.
const A_SECOND: Duration = Duration::from_secs(2);

struct Site {
    gateway: Gateway,
    backend: Backend,
    vp: VirtualProxy,
    cookie: Cookie,
}

impl Site {
    async fn new(backend: Backend) -> Self {
        let gateway = Gateway::serve().await;
        let vp = gateway.qrs().jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
        let token = Keys::first().token().sign();
        let cookie = gateway.client().get("/jwt/qps/csrftoken").bearer(&token).send().await.cookie();
        Self { gateway, backend, vp, cookie }
    }

    async fn open(&self) -> Socket {
        self.try_open().await.expect("a WebSocket")
    }

    async fn try_open(&self) -> Result<Socket, Answer> {
        self.gateway.client().get("/jwt/app/x").cookie(&self.cookie).open_socket().await
    }

    async fn log_out(&self) {
        let answer = self.gateway.client().request("DELETE", "/jwt/qps/user").cookie(&self.cookie).send().await;
        assert_eq!(answer.status, 204);
    }
}

fn assert_notice(notice: &serde_json::Value, method: &str, message: &str) {
    assert_eq!(notice["jsonrpc"], "2.0", "{notice}");
    assert_eq!(notice["method"], method, "{notice}");
    assert_eq!(notice["params"]["severity"], "fatal", "{notice}");
    assert_eq!(notice["params"]["message"], message, "{notice}");
    assert!(notice["params"]["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{notice}");
    assert!(notice.get("id").is_none(), "{notice}");
}

#[tokio::test]
async fn the_handshake_reaches_the_backend_with_identity_and_without_credentials() {
    let site = Site::new(Backend::echo().await).await;
    let token = Keys::first().token().user("example", "anna").sign();
    let request = site.gateway.client().get("/jwt/app/engineData&qlik-csrf-token=x").bearer(&token);
    let request = request.header("Sec-WebSocket-Protocol", "a, b").header("Sec-WebSocket-Extensions", "permessage-deflate");
    let socket = request.open_socket().await.expect("a WebSocket");
    assert_eq!(socket.answer().cookie().name, "X-Qlik-Session-jwt", "the 101 carries the cookie");
    assert_eq!(socket.answer().header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(socket.answer().header("upgrade"), "websocket");
    let received = site.backend.only();
    assert_eq!(received.line(), "GET /app/engineData&qlik-csrf-token=x HTTP/1.1");
    assert_eq!(received.header("x-qlik-user").as_deref(), Some("UserDirectory=example; UserId=anna"));
    assert_eq!(received.header("upgrade").as_deref(), Some("websocket"));
    assert_eq!(received.header("connection").as_deref(), Some("Upgrade"));
    assert_eq!(received.header("sec-websocket-key").as_deref(), Some("dGhlIHNhbXBsZSBub25jZQ=="));
    assert_eq!(received.header("sec-websocket-protocol").as_deref(), Some("a, b"));
    assert_eq!(received.header("authorization"), None);
    assert_eq!(received.header("content-length").unwrap_or("0".into()), "0");
}

#[tokio::test]
async fn without_credentials_there_is_no_socket_and_the_backend_hears_nothing() {
    let site = Site::new(Backend::echo().await).await;
    let refused = site.gateway.client().get("/jwt/app/x").open_socket().await.err().expect("a refusal");
    assert_eq!((refused.status, refused.reason()), (401, "credentials_missing"));
    assert!(site.backend.received().is_empty());
}

#[tokio::test]
async fn the_101_comes_after_the_backends_101_and_what_was_sent_before_arrives() {
    let slow = Backend::answering(|_| Reply::web_socket_echo().after(Duration::from_millis(600))).await;
    let site = Site::new(slow).await;
    let mut raw = site.gateway.client().raw().await;
    let head = site.gateway.client().get("/jwt/app/x").cookie(&site.cookie).upgrade().head();
    let early = Frame::text("early").masked();
    raw.send([head.as_bytes(), &early].concat()).await;
    site.backend.wait_for(0).await;
    assert_eq!(raw.silence(Duration::from_millis(300)).await, None, "no 101 before the backend's");
    raw.send(Frame::text("later").masked()).await;
    assert_eq!(raw.read_head().await.status, 101);
    assert_eq!(raw.read_frame().await, Some(Frame::text("early")));
    assert_eq!(raw.read_frame().await, Some(Frame::text("later")));
    assert_eq!(site.backend.received().len(), 1, "nothing of it became a request");
}

#[tokio::test]
async fn a_backends_refusal_passes_through_as_it_is() {
    let backend = Backend::answering(|request| match request.target().as_str() {
        "/app/401" => Reply::new(401, &[("X-Own", "kept"), ("WWW-Authenticate", "Backend")], "no"),
        "/app/426" => Reply::new(426, &[("Sec-WebSocket-Version", "13")], ""),
        "/app/strange" => Reply::raw("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
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
    assert_eq!((refused.status, refused.text().as_str(), refused.header("x-own")), (401, "no", "kept"));
    assert_eq!(ask("/jwt/app/426").await.header("sec-websocket-version"), "13");
    let page = ask("/jwt/app/page").await;
    assert_eq!((page.status, page.text().as_str()), (200, "just a page"));
    for path in ["/jwt/app/strange", "/jwt/app/bare"] {
        let answer = ask(path).await;
        assert_eq!((answer.status, answer.reason()), (502, "node_failed"), "{path}");
    }
}

#[tokio::test]
async fn frames_of_all_kinds_and_sizes_pass_both_ways() {
    let site = Site::new(Backend::echo().await).await;
    let mut socket = site.open().await;
    for length in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
        let payload: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let frame = Frame::new(true, Opcode::Binary, &payload);
        socket.send(frame.clone()).await;
        assert!(socket.receive().await == frame, "{length} bytes");
    }
    socket.assert_echo("grüße").await;
    let fragments = [
        Frame::new(false, Opcode::Text, b"one "),
        Frame::new(false, Opcode::Continuation, b"two "),
        Frame::new(true, Opcode::Continuation, b"three"),
    ];
    for fragment in &fragments {
        socket.send(fragment.clone()).await;
    }
    for fragment in fragments {
        assert_eq!(socket.receive().await, fragment);
    }
    socket.send(Frame::new(true, Opcode::Ping, b"are you there")).await;
    assert_eq!(socket.receive().await, Frame::new(true, Opcode::Pong, b"are you there"));
    socket.send(Frame::close(1000, "bye")).await;
    assert_eq!(socket.receive().await, Frame::close(1000, "bye"));
    assert_eq!(socket.raw().read_frame().await, None);
}

#[tokio::test]
async fn pings_pongs_and_the_close_of_the_backend_reach_the_client() {
    let site = Site::new(Backend::sockets().await).await;
    let mut near = site.open().await;
    let mut far = site.backend.socket().await;
    far.send(Frame::new(true, Opcode::Ping, b"p")).await;
    assert_eq!(near.receive().await, Frame::new(true, Opcode::Ping, b"p"));
    near.send(Frame::new(true, Opcode::Pong, b"p")).await;
    assert_eq!(far.receive().await, Some(Frame::new(true, Opcode::Pong, b"p")));
    far.send(Frame::close(4001, "engine says no")).await;
    assert_eq!(near.receive().await, Frame::close(4001, "engine says no"));
    near.send(Frame::close(4001, "")).await;
    assert_eq!(far.receive().await.map(|frame| frame.close_code()), Some(4001));
    far.close().await;
    assert!(near.raw().ends_cleanly().await, "TLS is told that this is the end");
}

#[tokio::test]
async fn a_client_that_goes_away_is_noticed_by_the_backend() {
    let site = Site::new(Backend::sockets().await).await;
    let near = site.open().await;
    let mut far = site.backend.socket().await;
    drop(near);
    assert_eq!(far.receive().await, None);
    let gone = async || (site.gateway.metric("jotgate_websockets").await == 0.0).then_some(());
    jotgate_scenarios::eventually("the WebSocket is counted out", gone).await;
}

#[tokio::test]
async fn logging_out_tells_and_closes_every_socket_of_the_session() {
    let site = Site::new(Backend::sockets().await).await;
    let sockets = [site.open().await, site.open().await, site.open().await];
    let other = Keys::first().token().user("example", "anna").sign();
    let mut anna = site.gateway.client().get("/jwt/app/x").bearer(&other).open_socket().await.expect("a WebSocket");
    let mut far = [site.backend.socket().await, site.backend.socket().await, site.backend.socket().await, site.backend.socket().await];
    let started = Instant::now();
    site.log_out().await;
    for socket in sockets {
        let (notice, close) = socket.expect_end(A_SECOND).await;
        assert_notice(&notice, "OnSessionLoggedOut", "User logged out manually");
        assert!(matches!(close.close_code(), 1001 | 1008), "{close:?}");
    }
    assert!(started.elapsed() < A_SECOND, "{:?}", started.elapsed());
    for far in &mut far[..3] {
        let ended = within(A_SECOND, "the backend's side", far.receive()).await;
        assert!(ended.is_none_or(|frame| frame.opcode == Opcode::Close));
    }
    far[3].send(Frame::text("still here")).await;
    assert_eq!(anna.receive().await, Frame::text("still here"));
    assert_eq!(site.try_open().await.err().expect("a refusal").status, 401);
}

#[tokio::test]
async fn deleting_the_virtual_proxy_closes_its_sockets_with_the_notice() {
    let site = Site::new(Backend::echo().await).await;
    let socket = site.open().await;
    site.vp.delete().await;
    let (notice, _) = socket.expect_end(A_SECOND).await;
    assert_notice(&notice, "OnSessionClosed", "Session closed by server");
    assert_eq!(site.try_open().await.err().expect("a refusal").reason(), "prefix_unknown");
}

#[tokio::test]
async fn a_session_that_ends_with_its_token_closes_its_sockets_then() {
    let site = Site::new(Backend::echo().await).await;
    site.vp.update(|vp| vp["sessionEndsWithToken"] = true.into()).await;
    let expires = jotgate_scenarios::now() + 3;
    let token = Keys::first().token().user("example", "anna").claim("exp", expires).sign();
    let mut socket = site.gateway.client().get("/jwt/app/x").bearer(&token).open_socket().await.expect("a WebSocket");
    socket.assert_echo("before").await;
    let (notice, _) = socket.expect_end(Duration::from_secs(3) + A_SECOND).await;
    assert!(jotgate_scenarios::now() >= expires, "not too early");
    assert_eq!(notice["method"], "OnSessionTimedOut", "{notice}");
    assert_eq!(notice["params"]["severity"], "fatal", "{notice}");
}

#[tokio::test]
async fn the_notice_waits_for_the_end_of_the_frame_that_is_on_its_way() {
    let site = Site::new(Backend::sockets().await).await;
    let mut near = site.open().await;
    let mut far = site.backend.socket().await;
    let whole = Frame::text("a frame that is sent in two pieces");
    let bytes = whole.plain();
    far.send_bytes(&bytes[..10]).await;
    assert_eq!(near.raw().read_exact(10).await, bytes[..10]);
    site.log_out().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    far.send_bytes(&bytes[10..]).await;
    assert_eq!(near.raw().read_exact(bytes.len() - 10).await, bytes[10..]);
    let (notice, _) = near.expect_end(A_SECOND).await;
    assert_notice(&notice, "OnSessionLoggedOut", "User logged out manually");
}

#[tokio::test]
async fn no_notice_is_put_inside_of_a_frame_that_never_ends() {
    let site = Site::new(Backend::sockets().await).await;
    let mut near = site.open().await;
    let mut far = site.backend.socket().await;
    let bytes = Frame::new(true, Opcode::Binary, &[7; 1000]).plain();
    far.send_bytes(&bytes[..500]).await;
    assert_eq!(near.raw().read_exact(500).await, bytes[..500]);
    site.log_out().await;
    let rest = within(A_SECOND, "the end of the connection", near.raw().read_to_end()).await;
    assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
}

#[tokio::test]
async fn between_the_fragments_of_a_message_only_a_close_frame_is_put() {
    let site = Site::new(Backend::sockets().await).await;
    let mut near = site.open().await;
    let mut far = site.backend.socket().await;
    let fragment = Frame::new(false, Opcode::Text, b"the beginning");
    far.send(fragment.clone()).await;
    assert_eq!(near.receive().await, fragment);
    site.log_out().await;
    let next = within(A_SECOND, "the close frame", near.receive()).await;
    assert_eq!(next.opcode, Opcode::Close, "{next:?}");
}

#[tokio::test]
async fn nothing_follows_a_close_frame_of_the_backend() {
    let site = Site::new(Backend::sockets().await).await;
    let mut near = site.open().await;
    let mut far = site.backend.socket().await;
    far.send(Frame::close(1000, "")).await;
    assert_eq!(near.receive().await.close_code(), 1000);
    site.log_out().await;
    assert_eq!(within(A_SECOND, "the end", near.raw().read_frame()).await, None);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_all_the_same() {
    let site = Site::new(Backend::sockets().await).await;
    let mut near = site.open().await;
    let mut far = site.backend.socket().await;
    let flood = tokio::spawn(async move {
        let frame = Frame::new(true, Opcode::Binary, &vec![1; 1 << 20]).plain();
        let sending = async {
            for _ in 0..200 {
                far.send_bytes(&frame).await;
            }
        };
        // The gateway closes this side in the middle, which is what this is about.
        drop(tokio::time::timeout(Duration::from_secs(10), sending).await);
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    site.log_out().await;
    let gone = async || (site.gateway.metric("jotgate_websockets").await == 0.0).then_some(());
    within(Duration::from_secs(5), "the tunnel's end", jotgate_scenarios::eventually("no tunnel", gone)).await;
    near.raw().read_to_end().await;
    drop(flood.await);
}

#[tokio::test]
async fn a_silent_socket_outlives_the_timeouts_of_requests() {
    let backend = Backend::echo().await;
    let gateway = Gateway::serve()
        .setting("--idle-timeout", "500ms")
        .setting("--header-timeout", "500ms")
        .setting("--body-timeout", "500ms")
        .setting("--response-timeout", "500ms")
        .await;
    gateway.qrs().jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    let token = Keys::first().token().sign();
    let mut socket = gateway.client().get("/jwt/app/x").bearer(&token).open_socket().await.expect("a WebSocket");
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        socket.assert_echo("still here").await;
    }
}

#[tokio::test]
async fn a_hundred_sockets_of_one_session_all_hear_of_its_end() {
    let site = Site::new(Backend::echo().await).await;
    let mut sockets = Vec::new();
    for _ in 0..100 {
        sockets.push(site.open().await);
    }
    for socket in &mut sockets {
        socket.assert_echo("hello").await;
    }
    assert_eq!(site.gateway.metric("jotgate_websockets").await, 100.0);
    site.log_out().await;
    let ended = async {
        for socket in sockets {
            let (notice, _) = socket.expect_end(A_SECOND).await;
            assert_eq!(notice["method"], "OnSessionLoggedOut");
        }
    };
    within(A_SECOND, "the end of all sockets", ended).await;
}
