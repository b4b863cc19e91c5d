//! The echo and the answers made to order.

use std::time::{Duration, Instant};

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Server, answer, get, json_body, text};

#[tokio::test]
async fn the_echo_says_what_it_received() {
    let request = Request::patch("/echo/a%2Fb/c?x=1&y=%20")
        .header("host", "demo")
        .header("x-first", "1")
        .header("x-second", "ü")
        .header("x-first", "2")
        .body(Body::from("body text"))
        .unwrap();
    let echo = json_body(answer(request).await).await;
    assert_eq!(echo["method"], "PATCH");
    assert_eq!(echo["path"], "/echo/a%2Fb/c");
    assert_eq!(echo["query"], "x=1&y=%20");
    assert_eq!(echo["version"], "HTTP/1.1");
    let headers = json!([
        ["host", "demo"],
        ["x-first", "1"],
        ["x-first", "2"],
        ["x-second", "ü"]
    ]);
    assert_eq!(echo["headers"], headers);
    assert_eq!(echo["body"], json!({ "length": 9, "text": "body text" }));
    assert_eq!(echo["trailers"], json!([]));
}

#[tokio::test]
async fn the_echos_own_addresses_and_methods() {
    for path in ["/echo", "/echo/", "/echo/ws/below", "/echo?q"] {
        assert_eq!(
            answer(get(path, &[])).await.status(),
            StatusCode::OK,
            "{path}"
        );
    }
    let request = Request::builder()
        .method("PROPFIND")
        .uri("/echo")
        .body(Body::empty())
        .unwrap();
    let echo = json_body(answer(request).await).await;
    assert_eq!(
        (&echo["method"], &echo["query"]),
        (&json!("PROPFIND"), &Value::Null)
    );
}

#[tokio::test]
async fn of_a_large_body_the_start_is_shown() {
    let request = Request::post("/echo")
        .body(Body::from("x".repeat(3_000_000)))
        .unwrap();
    let echo = json_body(answer(request).await).await;
    assert_eq!(echo["body"]["length"], 3_000_000);
    assert_eq!(echo["body"]["text"].as_str().unwrap().len(), 4096);
}

#[tokio::test]
async fn trailers_and_raw_bytes_arrive() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = b"POST /echo HTTP/1.1\r\nHost: demo\r\nX-Raw: \xff\r\nConnection: close\r\n\
        Transfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\n3\r\nabc\r\n0\r\nX-Late: yes\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.unwrap();
    let response = String::from_utf8(response).unwrap();
    let echo: Value = serde_json::from_str(response.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(echo["body"], json!({ "length": 3, "text": "abc" }));
    assert_eq!(echo["trailers"], json!([["x-late", "yes"]]));
    assert_eq!(echo["headers"][1], json!(["x-raw", "\u{fffd}"]));
}

#[tokio::test]
async fn statuses_are_made_to_order() {
    for code in [200, 204, 302, 304, 404, 418, 503, 599] {
        let response = answer(get(&format!("/echo/status/{code}"), &[])).await;
        assert_eq!(response.status().as_u16(), code);
        let empty = text(response).await.is_empty();
        assert_eq!(empty, code == 204 || code == 304, "{code}");
    }
    for refused in ["100", "101", "0", "600", "999", "70000", "-1", "x"] {
        let response = answer(get(&format!("/echo/status/{refused}"), &[])).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{refused}");
    }
}

#[tokio::test]
async fn slowness_is_made_to_order() {
    let started = Instant::now();
    let response = answer(get("/echo/slow/150", &[])).await;
    assert_eq!(json_body(response).await["waitedMillis"], 150);
    assert!(started.elapsed() >= Duration::from_millis(150));
    let response = answer(get("/echo/slow/60001", &[])).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn bodies_are_made_to_order() {
    for n in [0, 1, 65_536, 65_537, 300_000] {
        let response = answer(get(&format!("/echo/bytes/{n}"), &[])).await;
        assert_eq!(response.headers()["content-length"], n.to_string());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body.len(), n);
        assert!(body.iter().all(|byte| *byte == b'0'));
    }
    let response = answer(get("/echo/bytes/1073741825", &[])).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn events_come_one_by_one() {
    let started = Instant::now();
    let response = answer(get("/echo/sse", &[])).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let events = text(response).await;
    assert_eq!(events.matches("event: tick\n").count(), 10);
    assert!(
        events.ends_with("event: tick\nid: 10\ndata: 10\n\n"),
        "{events}"
    );
    assert!(started.elapsed() >= Duration::from_millis(900));
}

#[tokio::test]
async fn frames_come_back() {
    let server = Server::start().await;
    let mut socket = server
        .socket("/echo/ws", &[("sec-websocket-protocol", "second, first")])
        .await;
    assert_eq!(
        socket.response.headers()["sec-websocket-protocol"],
        "second"
    );
    for message in [
        Message::text("hällo"),
        Message::binary(vec![0, 255]),
        Message::text(""),
    ] {
        socket.send(message.clone()).await;
        assert_eq!(socket.next().await, message);
    }
    let large = Message::binary(vec![7; 2_000_000]);
    socket.send(large.clone()).await;
    assert_eq!(socket.next().await, large);
    socket.send(Message::Ping("now".into())).await;
    assert_eq!(socket.next().await, Message::Pong("now".into()));
}
