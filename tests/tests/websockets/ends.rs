//! The sockets of a session that ends are told and closed.

use std::time::Duration;

use jotgate_scenarios::{Backend, Frame, Keys, Opcode, SOON, within};

use super::{Site, assert_notice};

#[tokio::test]
async fn logging_out_tells_and_closes_every_socket_of_the_session() {
    let site = Site::new(Backend::sockets().await).await;
    let sockets = [site.open().await, site.open().await, site.open().await];
    let other = Keys::first().token().user("example", "anna").sign();
    let mut anna = site
        .gateway
        .client()
        .get("/jwt/app/x")
        .bearer(&other)
        .open_socket()
        .await
        .expect("a WebSocket");
    let mut far = [
        site.backend.socket().await,
        site.backend.socket().await,
        site.backend.socket().await,
        site.backend.socket().await,
    ];
    site.log_out().await;
    for socket in sockets {
        let (notice, close) = socket.expect_end(SOON).await;
        assert_notice(&notice, "OnSessionLoggedOut", "User logged out manually");
        assert!(matches!(close.close_code(), 1001 | 1008), "{close:?}");
    }
    for far in &mut far[..3] {
        let ended = within(SOON, "the backend's side", far.receive()).await;
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
    let (notice, _) = socket.expect_end(SOON).await;
    assert_notice(&notice, "OnSessionClosed", "Session closed by server");
    assert_eq!(
        site.try_open().await.err().expect("a refusal").reason(),
        "prefix_unknown"
    );
}

#[tokio::test]
async fn a_session_that_ends_with_its_token_closes_its_sockets_then() {
    let site = Site::new(Backend::echo().await).await;
    site.vp
        .update(|vp| vp["sessionEndsWithToken"] = true.into())
        .await;
    let expires = jotgate_scenarios::now() + 3;
    let token = Keys::first()
        .token()
        .user("example", "anna")
        .claim("exp", expires)
        .sign();
    let mut socket = site
        .gateway
        .client()
        .get("/jwt/app/x")
        .bearer(&token)
        .open_socket()
        .await
        .expect("a WebSocket");
    socket.assert_echo("before").await;
    let (notice, _) = socket.expect_end(Duration::from_secs(3) + SOON).await;
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
    let (notice, _) = near.expect_end(SOON).await;
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
    let rest = within(SOON, "the end of the connection", near.raw().read_to_end()).await;
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
    let next = within(SOON, "the close frame", near.receive()).await;
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
    assert_eq!(within(SOON, "the end", near.raw().read_frame()).await, None);
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
    let gone = jotgate_scenarios::eventually("no tunnel", gone);
    within(SOON, "the tunnel's end", gone).await;
    near.raw().read_to_end().await;
    drop(flood.await);
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
            let (notice, _) = socket.expect_end(SOON).await;
            assert_eq!(notice["method"], "OnSessionLoggedOut");
        }
    };
    within(SOON, "the end of all sockets", ended).await;
}

#[tokio::test]
async fn a_session_has_no_more_sockets_than_allowed_whatever_they_run_over() {
    let site = Site::new(Backend::echo().await).await;
    site.vp.set("maxSocketsPerSession", 2).await;
    let http2 = site.gateway.client().http2().await;
    let over_http2 = || site.gateway.client().get("/jwt/app/x").cookie(&site.cookie);
    let mut kept = [
        site.open().await,
        http2.open_socket(over_http2()).await.expect("a WebSocket"),
    ];
    let refused = site.try_open().await.err().expect("a refusal");
    assert_eq!(
        (refused.status, refused.reason()),
        (429, "sockets_exhausted")
    );
    let refused = http2
        .open_socket(over_http2())
        .await
        .err()
        .expect("a refusal");
    assert_eq!(
        (refused.status, refused.reason()),
        (429, "sockets_exhausted")
    );
    for socket in &mut kept {
        socket.assert_echo("still here").await;
    }
    drop(kept);
    let opened = async || site.try_open().await.ok();
    let mut again = jotgate_scenarios::eventually("a free place", opened).await;
    again.assert_echo("again").await;
}
