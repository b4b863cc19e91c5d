//! Backends that are down, slow, or speak nonsense.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jotgate_scenarios::{Backend, Gateway, Keys, Reply};
use serde_json::json;

use super::Site;

#[tokio::test]
async fn a_backend_that_is_not_there_is_a_502_with_a_reason() {
    let gateway = Gateway::serve().await;
    let qrs = gateway.qrs();
    let nowhere = format!("http://{}", Backend::nowhere().await);
    let node = qrs
        .node_with(json!({ "services": [{ "path": "/", "uri": nowhere }] }))
        .await;
    qrs.virtual_proxy("jwt").node(node).create().await;
    let token = Keys::first().token().sign();
    let answer = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .accepts_json()
        .send()
        .await;
    assert_eq!((answer.status, answer.reason()), (502, "node_failed"));
    let line = gateway.access_line(&answer.reference()).await;
    assert_eq!(line["phase"], "select");
    assert!(
        line["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("cannot be reached")),
        "{line}"
    );
    assert!(
        !answer.text().contains("127.0.0.1"),
        "clients are not told where backends are: {}",
        answer.text()
    );
}

#[tokio::test]
async fn nonsense_is_a_502_and_the_connection_is_not_used_again() {
    let backend = Backend::answering(|request| match request.target().as_str() {
        "/garbage" => Reply::raw("SSH-2.0-OpenSSH_9.9\r\n\r\n").then_close(),
        "/close" => Reply::close(),
        "/half-head" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Le").then_close(),
        "/two-lengths" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        "/both" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
        "/long" => Reply::raw(format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20))),
        "/many" => Reply::raw(format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(5000))),
        _ => Reply::text("fine"),
    })
    .await;
    let site = Site::new(backend).await;
    for path in [
        "garbage",
        "close",
        "half-head",
        "two-lengths",
        "long",
        "many",
    ] {
        let answer = site.get(&format!("/jwt/{path}")).await;
        assert_eq!(
            (answer.status, answer.reason()),
            (502, "node_failed"),
            "{path}"
        );
        let fine = site.get("/jwt/fine").await;
        assert_eq!(
            (fine.status, fine.text().as_str()),
            (200, "fine"),
            "after {path}"
        );
    }
    // RFC 9112 section 6.3: the chunks count, and the length must not be passed on.
    let both = site.get("/jwt/both").await;
    assert!(
        matches!((both.status, both.text().as_str()), (200, "x") | (502, _)),
        "{both:?}"
    );
    let fine = site.get("/jwt/fine").await;
    assert_eq!((fine.status, fine.text().as_str()), (200, "fine"));
}

#[tokio::test]
async fn bytes_behind_an_answer_are_not_the_answer_to_somebody_else() {
    let backend = Backend::answering(|request| match request.target().as_str() {
        "/poison" => {
            Reply::text("first").then("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        }
        _ => Reply::text("fine"),
    })
    .await;
    let site = Site::new(backend).await;
    for _ in 0..20 {
        assert_eq!(site.get("/jwt/poison").await.text(), "first");
        let next = site.get("/jwt/fine").await;
        assert_eq!((next.status, next.text().as_str()), (200, "fine"));
    }
}

#[tokio::test]
async fn a_backend_that_does_not_answer_in_time_is_a_504() {
    let backend = Backend::answering(|request| match request.target().as_str() {
        "/never" => Reply::never(),
        _ => Reply::text("fine"),
    })
    .await;
    let site = Site::with(backend, &[("--response-timeout", "3s")]).await;
    assert_eq!(site.get("/jwt/fine").await.status, 200);
    let answer = site.get("/jwt/never").await;
    assert_eq!((answer.status, answer.reason()), (504, "node_timeout"));
    let fine = site.get("/jwt/fine").await;
    assert_eq!((fine.status, fine.text().as_str()), (200, "fine"));
    let asked = site
        .backend
        .received()
        .iter()
        .filter(|request| request.target() == "/never")
        .count();
    assert_eq!(asked, 1, "it is not asked again");
}

#[tokio::test]
async fn an_answer_that_makes_progress_may_take_longer_than_every_limit() {
    let slow = Backend::answering(move |_| {
        let mut reply = Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for chunk in [b"one ", b"two ", b"six ", b"ten "] {
            reply = reply.then_pause(Duration::from_secs(1)).then_chunk(chunk);
        }
        reply.then("0\r\n\r\n")
    })
    .await;
    let limits = [
        "--response-timeout",
        "--idle-timeout",
        "--header-timeout",
        "--body-timeout",
    ]
    .map(|flag| (flag, "3s"));
    let site = Site::with(slow, &limits).await;
    let answer = site.get("/jwt/slow").await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "one two six ten ")
    );
}

#[tokio::test]
async fn an_answer_that_ends_early_ends_early_for_the_client_too() {
    let backend = Backend::answering(|request| match request.target().as_str() {
        "/length" => {
            Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this").then_close()
        }
        "/chunks" => {
            Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n")
                .then_close()
        }
        "/bad-chunk" => {
            Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").then_close()
        }
        _ => Reply::text("fine"),
    })
    .await;
    let site = Site::new(backend).await;
    for path in ["length", "chunks", "bad-chunk"] {
        let request = site
            .gateway
            .client()
            .get(&format!("/jwt/{path}"))
            .cookie(&site.cookie);
        match request.try_send().await {
            Err(_) => {}
            Ok(answer) => assert_eq!(
                answer.status, 502,
                "{path}: a part must not look like the whole: {answer:?}"
            ),
        }
        assert_eq!(site.get("/jwt/fine").await.text(), "fine", "after {path}");
    }
}

/// RFC 9110 section 9.2.2: whoever closes instead of answering may have done what was asked.
#[tokio::test]
async fn what_may_not_be_repeated_is_sent_once() {
    let seen = AtomicUsize::new(0);
    let backend = Backend::answering(move |request| match request.target().as_str() {
        // The first one ends the connection; whatever comes after it is answered.
        "/once" if seen.fetch_add(1, Ordering::SeqCst) == 0 => Reply::close(),
        _ => Reply::text("fine"),
    })
    .await;
    let site = Site::new(backend).await;
    assert_eq!(site.get("/jwt/first").await.status, 200);
    let post = site.gateway.client().post("/jwt/once").cookie(&site.cookie);
    let answer = post.send().await;
    assert_eq!((answer.status, answer.reason()), (502, "node_failed"));
    let received = site.backend.received();
    assert_eq!(received.len(), 2, "{received:?}");
    assert_eq!(received[0].connection, received[1].connection);
}

#[tokio::test]
async fn a_backend_that_closes_idle_connections_costs_nobody_an_answer() {
    let backend = Backend::answering(|_| Reply::text("fine").then_close()).await;
    let site = Site::new(backend).await;
    for _ in 0..50 {
        let answer = site.get("/jwt/hub/").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "fine"));
    }
}
