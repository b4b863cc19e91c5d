//! Starting and stopping the server.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::Server;

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop() {
    let server = Server::start().await;
    let address = server.address;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(
        response.starts_with("HTTP/1.1 200 OK\r\n") && response.ends_with("ok"),
        "{response}"
    );
    server.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn engine_sockets_hear_of_the_shutdown() {
    let server = Server::start().await;
    let mut socket = server.engine("/app/engineData").await;
    socket.ask(-1, "EngineVersion", json!([])).await;
    let (frame, ()) = tokio::join!(socket.closed(), server.stop());
    assert_eq!(frame.code, CloseCode::Away);
}

#[tokio::test]
async fn a_slow_request_does_not_hold_the_shutdown_up() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"GET /echo/slow/60000 HTTP/1.1\r\nHost: demo\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let started = Instant::now();
    server.stop().await;
    assert!(started.elapsed() < Duration::from_secs(50));
}
