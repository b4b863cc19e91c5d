//! Bodies of all sizes and kinds.

use std::time::Duration;

use http_body_util::BodyExt;
use jotgate_scenarios::{Backend, Reply, within};

use super::{Site, bytes};

#[tokio::test]
async fn large_bodies_pass_whole_in_both_directions() {
    const LENGTH: usize = 50 << 20;
    let body = bytes(LENGTH);
    let down = body.clone();
    let backend = Backend::answering(move |request| match request.target().as_str() {
        "/down" => Reply::new(200, &[], &down),
        _ => Reply::text("thanks"),
    })
    .await;
    let site = Site::new(backend).await;
    let got = site.get("/jwt/down").await;
    assert_eq!(got.header("content-length"), LENGTH.to_string());
    assert!(got.body == body, "{} bytes came", got.body.len());
    let sent = site
        .gateway
        .client()
        .post("/jwt/up")
        .cookie(&site.cookie)
        .body(body.clone())
        .send()
        .await;
    assert_eq!(sent.text(), "thanks");
    let received = site.backend.last();
    assert_eq!(received.header("content-length"), Some(LENGTH.to_string()));
    assert!(received.body == body, "{} bytes came", received.body.len());
}

#[tokio::test]
async fn chunks_pass_in_both_directions() {
    let backend = Backend::answering(|_| Reply::chunked(&[b"one ", b"two ", b"three"])).await;
    let site = Site::new(backend).await;
    let mut raw = site.gateway.client().raw().await;
    raw.send(site.head("POST", "/jwt/x", "Transfer-Encoding: chunked\r\n"))
        .await;
    for chunk in ["5\r\nhello\r\n", "1\r\n \r\n", "5\r\nworld\r\n0\r\n\r\n"] {
        raw.send(chunk).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answer = raw.read_answer().await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "one two three")
    );
    assert_eq!(answer.headers["transfer-encoding"], "chunked");
    let received = site.backend.last();
    assert_eq!(received.body, b"hello world");
    assert_eq!(received.headers("transfer-encoding"), ["chunked"]);
    assert_eq!(received.header("content-length"), None);
}

#[tokio::test]
async fn answers_without_a_body_keep_their_headers_and_the_connection() {
    let backend = Backend::answering(|request| match request.line().split(' ').next() {
        Some("HEAD") => {
            Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nETag: \"e\"\r\n\r\n")
        }
        Some("DELETE") => Reply::status(204),
        _ if request.header("if-none-match").is_some() => {
            Reply::raw("HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\nContent-Length: 12345\r\n\r\n")
        }
        _ => Reply::text("whole"),
    })
    .await;
    let site = Site::new(backend).await;
    let mut raw = site.gateway.client().raw().await;
    raw.send(site.head("HEAD", "/jwt/x", "")).await;
    let head = raw.read_head().await;
    assert_eq!(
        (
            head.status,
            &head.headers["content-length"],
            &head.headers["etag"]
        ),
        (
            200,
            &"12345".parse().expect("a value"),
            &"\"e\"".parse().expect("a value")
        )
    );
    raw.send(site.head("DELETE", "/jwt/x", "")).await;
    let deleted = raw.read_answer().await;
    assert_eq!(deleted.status, 204);
    assert!(
        !deleted.headers.contains_key("content-length")
            && !deleted.headers.contains_key("transfer-encoding")
    );
    raw.send(site.head("GET", "/jwt/x", "If-None-Match: \"e\"\r\n"))
        .await;
    let unchanged = raw.read_answer().await;
    assert_eq!(
        (unchanged.status, &unchanged.headers["etag"]),
        (304, &"\"e\"".parse().expect("a value"))
    );
    raw.send(site.head("GET", "/jwt/x", "")).await;
    assert_eq!(raw.read_answer().await.text(), "whole");
    assert_eq!(
        site.backend.connections(),
        1,
        "all of them on one connection"
    );
}

/// HTTP/2 ends such an answer with its head (RFC 9113 section 8.1).
#[tokio::test]
async fn answers_without_a_body_have_none_over_http_2() {
    let backend = Backend::answering(|request| match request.line().split(' ').next() {
        Some("HEAD") => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n"),
        Some("DELETE") => Reply::status(204),
        _ => Reply::raw("HTTP/1.1 304 Not Modified\r\nContent-Length: 12345\r\n\r\n"),
    })
    .await;
    let site = Site::new(backend).await;
    let http2 = site.gateway.client().http2().await;
    for (method, status, length) in [
        ("HEAD", 200, "12345"),
        ("DELETE", 204, ""),
        ("GET", 304, "12345"),
    ] {
        let request = site.gateway.client().request(method, "/jwt/x");
        let answer = http2.send(request.cookie(&site.cookie), None).await;
        let answer = answer.expect("an answer");
        assert_eq!((answer.status, answer.body.len()), (status, 0), "{method}");
        assert_eq!(answer.header("content-length"), length, "{method}");
        assert!(answer.trailers.is_empty(), "{method}");
    }
    assert_eq!(site.backend.connections(), 1, "it is used again");
}

/// RFC 9110 section 15.2.1: what a backend says before its answer is none, asked for or not.
#[tokio::test]
async fn a_backend_that_says_go_on_still_has_to_answer() {
    let backend = Backend::answering(|_| {
        let twice = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
        Reply::raw(twice).then("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
    })
    .await;
    let site = Site::new(backend).await;
    let post = site.gateway.client().post("/jwt/x").cookie(&site.cookie);
    let post = post.body("hello");
    let over_http_2 = site.gateway.client().http2().await;
    let over_http_2 = over_http_2.send(post.clone(), None).await;
    for answer in [post.send().await, over_http_2.expect("an answer")] {
        assert_eq!((answer.status, answer.text().as_str()), (200, "done"));
    }
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let site = Site::new(Backend::echo().await).await;
    let mut raw = site.gateway.client().raw().await;
    raw.send(site.head(
        "POST",
        "/jwt/x",
        "Content-Length: 5\r\nExpect: 100-continue\r\n",
    ))
    .await;
    assert_eq!(raw.read_answer().await.status, 100);
    raw.send("hello").await;
    assert_eq!(raw.read_answer().await.status, 200);
    let received = site.backend.only();
    assert_eq!(
        (received.body.as_slice(), received.header("expect")),
        (&b"hello"[..], None)
    );

    let mut stranger = site.gateway.client().raw().await;
    stranger
        .send(
            "POST /jwt/x HTTP/1.1\r\nHost: g\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        )
        .await;
    assert_eq!(
        stranger.read_answer().await.status,
        401,
        "before anything of the body is asked for"
    );
}

#[tokio::test]
async fn server_sent_events_arrive_one_by_one() {
    let backend = Backend::answering(|_| {
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            .then_chunk(b"data: one\n\n")
            .then_pause(Duration::from_secs(4))
            .then_chunk(b"data: two\n\n")
            .then("0\r\n\r\n")
    })
    .await;
    let site = Site::new(backend).await;
    let request = site
        .gateway
        .client()
        .get("/jwt/events")
        .cookie(&site.cookie);
    let http2 = site.gateway.client().http2().await;
    let over_http2 = http2.stream(request.clone()).await.into_body();
    for mut body in [request.stream().await.into_body(), over_http2] {
        let first = within(Duration::from_secs(3), "the first event", body.frame()).await;
        let first = first
            .expect("a frame")
            .expect("no error")
            .into_data()
            .expect("data");
        assert_eq!(first, "data: one\n\n");
        let rest = body.collect().await.expect("the rest").to_bytes();
        assert_eq!(rest, "data: two\n\n");
    }
}
