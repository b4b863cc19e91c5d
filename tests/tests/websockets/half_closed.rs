//! One side may end its direction and still be served in the other one.

use std::time::Duration;

use jotgate_scenarios::{Backend, Client, Frame, Keys, SOON, Socket};

use super::{Site, assert_notice};

async fn open(client: &Client) -> Socket {
    let token = Keys::first().token().sign();
    let request = client.get("/jwt/app/x").bearer(&token);
    request.open_socket().await.expect("a WebSocket")
}

#[tokio::test]
async fn a_client_that_has_said_its_last_word_gets_what_the_backend_still_sends() {
    let site = Site::new(Backend::sockets().await).await;
    for client in [site.gateway.client(), site.gateway.plain_client()] {
        let mut near = open(&client).await;
        let mut far = site.backend.socket().await;
        near.send(Frame::text("the last word")).await;
        near.raw().finish().await;
        assert_eq!(far.receive().await, Some(Frame::text("the last word")));
        assert_eq!(far.receive().await, None, "the end is passed on");
        for text in ["one", "two", "three"] {
            tokio::time::sleep(Duration::from_millis(100)).await;
            far.send(Frame::text(text)).await;
            assert_eq!(near.receive().await, Frame::text(text));
        }
        far.close().await;
        assert!(near.raw().ends_cleanly().await);
    }
    let gone = async || (site.gateway.metric("jotgate_websockets").await == 0.0).then_some(());
    jotgate_scenarios::eventually("both are counted out", gone).await;
}

#[tokio::test]
async fn a_backend_that_has_said_its_last_word_gets_what_the_client_still_sends() {
    let site = Site::new(Backend::sockets().await).await;
    for client in [site.gateway.client(), site.gateway.plain_client()] {
        let mut near = open(&client).await;
        let mut far = site.backend.socket().await;
        far.send(Frame::text("the last word")).await;
        far.finish().await;
        assert_eq!(near.receive().await, Frame::text("the last word"));
        assert!(near.raw().ends_cleanly().await, "the end is passed on");
        near.send(Frame::text("an answer")).await;
        assert_eq!(far.receive().await, Some(Frame::text("an answer")));
    }
}

#[tokio::test]
async fn the_end_of_the_session_reaches_a_client_that_listens_only() {
    let site = Site::new(Backend::sockets().await).await;
    let mut near = site.open().await;
    let mut far = site.backend.socket().await;
    near.raw().finish().await;
    assert_eq!(far.receive().await, None);
    site.log_out().await;
    let (notice, _) = near.expect_end(SOON).await;
    assert_notice(&notice, "OnSessionLoggedOut", "User logged out manually");
}
