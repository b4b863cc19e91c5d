//! What one request leaves on a connection for the next one.

use std::time::Duration;

use jotgate_scenarios::{Backend, Keys, Reply};

use super::{HIDDEN, Site};

/// Line F3 of the hostile inputs: what comes before the 101 must not become a request of its own.
#[tokio::test]
async fn what_follows_a_refused_upgrade_is_not_tunnelled() {
    let backend = Backend::answering(|request| match request.target().as_str() {
        "/refuse" => Reply::new(401, &[], "no"),
        "/ignore" => Reply::text("just a page"),
        _ => Reply::text("hello"),
    })
    .await;
    let site = Site::new(backend).await;
    for (path, status) in [("refuse", 401), ("ignore", 200)] {
        let upgrade = format!(
            "GET /jwt/{path} HTTP/1.1\r\n%FIELDS%Connection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let (statuses, _, received) = site.send(&format!("{upgrade}{HIDDEN}")).await;
        assert_eq!(statuses.first(), Some(&status), "{path}");
        // The bytes behind it are at most a request of their own, which has no session.
        assert!(
            statuses[1..].iter().all(|status| *status == 401),
            "{path}: {statuses:?}"
        );
        assert_eq!(received.len(), 1, "{path}: {received:?}");
    }
}

#[tokio::test]
async fn an_upgrade_with_a_body_is_no_tunnel_for_a_second_request() {
    let site = Site::new(Backend::echo().await).await;
    let request = format!(
        "GET /jwt/socket HTTP/1.1\r\n%FIELDS%Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: {}\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n{HIDDEN}",
        HIDDEN.len()
    );
    let (_, _, received) = site.send(&request).await;
    assert!(received.len() <= 1, "{received:?}");
}

#[tokio::test]
async fn other_upgrades_are_ordinary_requests() {
    let site = Site::new(Backend::echo().await).await;
    for upgrade in ["h2c", "TLS/1.0", "websocket, h2c", "foo"] {
        let request = format!(
            "GET /jwt/x HTTP/1.1\r\n%FIELDS%Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {upgrade}\r\n\
             HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n"
        );
        let (statuses, _, received) = site.send(&request).await;
        assert_eq!(statuses, [200], "{upgrade}");
        assert_eq!(received[0].header("upgrade"), None, "{upgrade}");
        assert_eq!(received[0].header("http2-settings"), None, "{upgrade}");
    }
}

/// Line F5 of the hostile inputs.
#[tokio::test]
async fn an_aborted_body_never_meets_the_request_of_another_user() {
    let site = Site::new(Backend::echo().await).await;
    for _ in 0..10 {
        let mut raw = site.client().raw().await;
        let half = "POST /jwt/half HTTP/1.1\r\n%FIELDS%Content-Length: 1000\r\n\r\nGET /jwt/hidden HTTP/1.1\r\nX: ";
        raw.send(site.bytes(half)).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(raw);
        let token = Keys::first().token().user("example", "anna").sign();
        let answer = site.client().get("/jwt/anna").bearer(&token).send().await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    }
    let received = site.backend.received();
    for (at, request) in received.iter().enumerate() {
        let user = if request.target() == "/anna" {
            "anna"
        } else {
            "boz"
        };
        assert_eq!(
            request.header("x-qlik-user"),
            Some(format!("UserDirectory=example; UserId={user}"))
        );
        if request.target() == "/half" {
            assert!(!request.complete, "{request:?}");
            let mut later = received[at + 1..].iter();
            assert!(
                later.all(|later| later.connection != request.connection),
                "{received:?}"
            );
        }
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order_each_by_its_own_rules() {
    let backend = Backend::answering(|request| Reply::text(&request.target())).await;
    let site = Site::new(backend).await;
    let mut raw = site.client().raw().await;
    let two = format!(
        "GET /jwt/one HTTP/1.1\r\n%FIELDS%\r\n{HIDDEN}GET /jwt/three HTTP/1.1\r\n%FIELDS%\r\n"
    );
    raw.send(site.bytes(&two)).await;
    let first = raw.read_answer().await;
    let second = raw.read_answer().await;
    let third = raw.read_answer().await;
    assert_eq!((first.status, first.text().as_str()), (200, "/one"));
    assert_eq!(second.status, 401);
    assert_eq!((third.status, third.text().as_str()), (200, "/three"));
}
