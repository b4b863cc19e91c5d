//! Frames pass as they are.

use std::time::Duration;

use jotgate_scenarios::{Backend, Frame, Gateway, Keys, Opcode};

use super::Site;

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
    socket
        .send(Frame::new(true, Opcode::Ping, b"are you there"))
        .await;
    assert_eq!(
        socket.receive().await,
        Frame::new(true, Opcode::Pong, b"are you there")
    );
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
    assert_eq!(
        far.receive().await,
        Some(Frame::new(true, Opcode::Pong, b"p"))
    );
    far.send(Frame::close(4001, "engine says no")).await;
    assert_eq!(near.receive().await, Frame::close(4001, "engine says no"));
    near.send(Frame::close(4001, "")).await;
    assert_eq!(
        far.receive().await.map(|frame| frame.close_code()),
        Some(4001)
    );
    far.close().await;
    assert!(
        near.raw().ends_cleanly().await,
        "TLS is told that this is the end"
    );
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
async fn a_silent_socket_outlives_the_timeouts_of_requests() {
    let backend = Backend::echo().await;
    let gateway = Gateway::serve()
        .setting("--idle-timeout", "2s")
        .setting("--header-timeout", "2s")
        .setting("--body-timeout", "2s")
        .setting("--response-timeout", "2s")
        .await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    let mut socket = gateway
        .client()
        .get("/jwt/app/x")
        .bearer(&token)
        .open_socket()
        .await
        .expect("a WebSocket");
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(3000)).await;
        socket.assert_echo("still here").await;
    }
}
