//! A backend that dies while its WebSockets are open.

use jotgate_scenarios::{Backend, Gateway, Keys, eventually};
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn sockets_of_a_backend_that_dies_end_and_open_again_elsewhere() {
    let gateway = Gateway::serve().await;
    let (first, second) = (Backend::echo().await, Backend::echo().await);
    let vp = gateway.qrs().virtual_proxy("jwt");
    let vp = vp.backend(&first).await.backend(&second).await;
    vp.create().await;
    let client = gateway.client();
    let token = Keys::first().token().sign();
    let answer = client.get("/jwt/hub/").bearer(&token).send().await;
    let cookie = answer.cookie();

    let open = async || {
        let request = client.get("/jwt/app/x").cookie(&cookie);
        request.open_socket().await.expect("a WebSocket")
    };
    let mut sockets = Vec::new();
    for _ in 0..6 {
        let mut socket = open().await;
        socket.assert_echo("before").await;
        sockets.push(socket);
    }
    drop(first);

    let mut ended = 0;
    for mut socket in sockets {
        // Those of the other backend go on; whichever way one ends, it does not hang.
        let text = jotgate_scenarios::Frame::text("after").masked();
        let mut head = [0];
        let sent = socket.raw().try_send(&text).await;
        let read = socket.raw().read(&mut head).await;
        match (sent, read) {
            (Ok(()), Ok(1..)) => {}
            _ => ended += 1,
        }
    }
    assert!((1..6).contains(&ended), "{ended} of 6 have ended");
    for _ in 0..6 {
        open().await.assert_echo("again").await;
    }
    let counted = async || (gateway.metric("jotgate_websockets").await == 0.0).then_some(());
    eventually("every WebSocket is counted out", counted).await;
}
