//! Requests that two readers could understand differently (lines F1 to F5 of the hostile inputs).
//!
//! What matters is what the backend reads. Where the gateway serves a request that RFC 9112 lets it
//! either refuse or read in one way, the backend gets that one reading: either one `Content-Length` or
//! `Transfer-Encoding: chunked`, and never the request that was hidden in the body.

use std::time::Duration;

use jotgate_scenarios::{Backend, Client, Cookie, Gateway, Keys, Raw, Received, Reply};

struct Site {
    gateway: Gateway,
    backend: Backend,
    cookie: Cookie,
}

impl Site {
    async fn new(backend: Backend) -> Self {
        // One worker, so that connections to the backend are shared as much as they ever are.
        let gateway = Gateway::serve().setting("--worker-threads", "1").await;
        gateway.qrs().jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
        let token = Keys::first().token().sign();
        let cookie = gateway.plain_client().get("/jwt/first").bearer(&token).send().await.cookie();
        Self { gateway, backend, cookie }
    }

    fn client(&self) -> Client {
        self.gateway.plain_client()
    }

    /// A request with a session: `%` in `head` stands for the fields that it needs.
    fn bytes(&self, request: &str) -> Vec<u8> {
        let own = format!("Host: gateway\r\nCookie: {}\r\n", self.cookie.pair());
        request.replace("%FIELDS%", &own).into_bytes()
    }

    /// Sends bytes, and gives the statuses of the answers, whether the connection was closed
    /// afterwards, and what the backend got.
    async fn send(&self, request: &str) -> (Vec<u16>, bool, Vec<Received>) {
        let before = self.backend.received().len();
        let mut raw = self.client().raw().await;
        raw.send(self.bytes(request)).await;
        let (text, closed) = everything(&mut raw).await;
        let statuses = text
            .split("HTTP/1.1 ")
            .skip(1)
            .filter_map(|answer| answer.get(..3)?.parse().ok())
            .collect();
        let received = self.backend.received().split_off(before);
        for request in &received {
            assert_unambiguous(request);
        }
        (statuses, closed, received)
    }
}

async fn everything(raw: &mut Raw) -> (String, bool) {
    let mut text = String::new();
    loop {
        match raw.silence(Duration::from_millis(500)).await {
            None => return (text, false),
            Some(bytes) if bytes.is_empty() => return (text, true),
            Some(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
        }
    }
}

fn assert_unambiguous(request: &Received) {
    let lengths = request.headers("content-length");
    let codings = request.headers("transfer-encoding");
    assert!(lengths.len() + codings.len() <= 1, "{request:?}");
    assert!(lengths.iter().all(|length| length.bytes().all(|byte| byte.is_ascii_digit())), "{request:?}");
    assert!(codings.iter().all(|coding| coding == "chunked"), "{request:?}");
    assert!(!request.target().contains("hidden"), "a request was smuggled: {request:?}");
    let text = request.text();
    assert!(text.is_ascii() && !text.replace("\r\n", "").contains(['\r', '\n', '\0']), "{request:?}");
}

const HIDDEN: &str = "GET /jwt/hidden HTTP/1.1\r\nHost: gateway\r\n\r\n";

#[tokio::test]
async fn requests_without_one_clear_end_are_refused_and_the_connection_is_closed() {
    let site = Site::new(Backend::echo().await).await;
    let chunked = format!("0\r\n\r\n{HIDDEN}");
    let fields = [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5;\r\n",
        "Content-Length:\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length : 5\r\n",
        " Transfer-Encoding: chunked\r\n",
        "X: y\r\n Transfer-Encoding: chunked\r\n",
        "Transfer\0-Encoding: chunked\r\n",
        "X: y\0z\r\n",
        "X: y\rTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding\r\n",
        ": chunked\r\n",
    ];
    for (number, fields) in fields.into_iter().enumerate() {
        let request = format!("POST /jwt/case/{number} HTTP/1.1\r\n%FIELDS%{fields}\r\n{chunked}");
        let (statuses, closed, received) = site.send(&request).await;
        assert_eq!(statuses.first(), Some(&400), "{fields:?}: {statuses:?} {received:?}");
        assert_eq!(statuses.len(), 1, "{fields:?}: nothing after it is read");
        assert!(closed, "{fields:?}");
        assert!(received.is_empty(), "{fields:?}: {received:?}");
    }
}

#[tokio::test]
async fn a_length_beside_chunks_does_not_reach_the_backend() {
    let site = Site::new(Backend::echo().await).await;
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ] {
        let body = format!("3\r\nabc\r\n0\r\n\r\n{HIDDEN}");
        let (statuses, closed, received) = site.send(&format!("POST /jwt/x HTTP/1.1\r\n%FIELDS%{fields}\r\n{body}")).await;
        // RFC 9112 section 6.1: it may be refused, or read by its chunks alone; the connection is closed
        // either way, so that nobody can disagree about where the next request begins.
        assert!(closed, "{fields:?}: {statuses:?}");
        match statuses.as_slice() {
            [400] => assert!(received.is_empty(), "{received:?}"),
            [200] => {
                assert_eq!(received[0].headers("transfer-encoding"), ["chunked"]);
                assert_eq!(received[0].header("content-length"), None);
                assert_eq!(received[0].body, b"abc");
            }
            other => panic!("{fields:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn chunked_in_http_1_0_is_refused() {
    let site = Site::new(Backend::echo().await).await;
    let request = format!("POST /jwt/old HTTP/1.0\r\n%FIELDS%Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}");
    let (statuses, closed, received) = site.send(&request).await;
    assert_eq!((statuses.as_slice(), closed), (&[400][..], true));
    assert!(received.is_empty(), "{received:?}");
}

#[tokio::test]
async fn request_lines_that_are_none_are_refused() {
    let site = Site::new(Backend::echo().await).await;
    let lines = [
        "GET /jwt/x",
        "GET  /jwt/x HTTP/1.1",
        "GET /jwt/x  HTTP/1.1",
        "GET /jwt/x y HTTP/1.1",
        "GET\t/jwt/x HTTP/1.1",
        "GET /jwt/x HTTP/1.2",
        "GET /jwt/x HTTP/2.0",
        "GET /jwt/x HTTP/1.1x",
        "G@T /jwt/x HTTP/1.1",
        "GET /jwt/\0 HTTP/1.1",
        "GET /jwt/x\r HTTP/1.1",
        "/jwt/x",
    ];
    for line in lines {
        let (statuses, closed, received) = site.send(&format!("{line}\r\n%FIELDS%\r\n")).await;
        assert!(matches!(statuses.as_slice(), [400 | 505]), "{line:?}: {statuses:?}");
        assert!(closed && received.is_empty(), "{line:?}: {received:?}");
    }
}

#[tokio::test]
async fn broken_chunks_never_become_a_whole_body() {
    let site = Site::new(Backend::echo().await).await;
    let bodies = [
        "5\r\nabc\r\n0\r\n\r\n",
        "5\nabcde\r\n0\r\n\r\n",
        "g\r\nabc\r\n0\r\n\r\n",
        "-1\r\nabc\r\n0\r\n\r\n",
        "+3\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        " 3\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nabcX\r0\r\n\r\n",
        "3;x=\"\n\"\r\nabc\r\n0\r\n\r\n",
        "3;x\nabc\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\nabc",
        "3\r\rabc\r\n0\r\n\r\n",
    ];
    for (number, body) in bodies.into_iter().enumerate() {
        let head = format!("POST /jwt/chunks/{number} HTTP/1.1\r\n%FIELDS%Transfer-Encoding: chunked\r\n\r\n");
        let (statuses, closed, _) = site.send(&format!("{head}{body}{HIDDEN}")).await;
        assert!(closed, "{body:?}: {statuses:?}");
        assert!(matches!(statuses.as_slice(), [] | [400]), "{body:?}: {statuses:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        let whole = site.backend.received().into_iter().find(|request| {
            request.complete && request.target() == format!("/chunks/{number}")
        });
        assert!(whole.is_none(), "{body:?}: {whole:?}");
    }
}

#[tokio::test]
async fn extensions_of_chunks_end_at_the_gateway() {
    let site = Site::new(Backend::echo().await).await;
    let head = "POST /jwt/extensions HTTP/1.1\r\n%FIELDS%Transfer-Encoding: chunked\r\n\r\n";
    let (statuses, _, received) = site.send(&format!("{head}3;a=b;c=\"d\"\r\nabc\r\n0;e\r\n\r\n")).await;
    if statuses == [200] {
        assert_eq!(received[0].body, b"abc");
        assert!(!String::from_utf8_lossy(&received[0].raw_body).contains(';'), "{received:?}");
    } else {
        assert_eq!((statuses.as_slice(), received.len()), (&[400][..], 0));
    }
}

#[tokio::test]
async fn equal_content_lengths_reach_the_backend_as_one() {
    let site = Site::new(Backend::echo().await).await;
    for fields in ["Content-Length: 3\r\nContent-Length: 3\r\n", "Content-Length: 3, 3\r\n", "Content-Length: 003\r\n"] {
        let (statuses, closed, received) = site.send(&format!("POST /jwt/x HTTP/1.1\r\n%FIELDS%{fields}\r\nabc{HIDDEN}")).await;
        match statuses.as_slice() {
            // RFC 9110 section 8.6 lets a recipient refuse it ...
            [400] => assert!(closed && received.is_empty(), "{fields:?}"),
            // ... or take it for one. The bytes that follow are a request of their own, without a session.
            [200, 401] => assert_eq!(received[0].headers("content-length"), ["3"], "{fields:?}"),
            other => panic!("{fields:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn bare_line_feeds_do_not_hide_a_field_from_one_of_two_readers() {
    let site = Site::new(Backend::echo().await).await;
    let requests = [
        "GET /jwt/x HTTP/1.1\n%FIELDS%\r\n",
        "GET /jwt/x HTTP/1.1\r\n%FIELDS%X-Own: a\nX-Qlik-User: forged\r\n\r\n",
        "GET /jwt/x HTTP/1.1\r\n%FIELDS%X-Own: a\n\r\n",
        "GET /jwt/x HTTP/1.1\r\n%FIELDS%\n",
    ];
    for request in requests {
        let (statuses, closed, received) = site.send(request).await;
        match statuses.as_slice() {
            [400] => assert!(closed && received.is_empty(), "{request:?}"),
            // RFC 9112 section 2.2 lets a recipient take a line feed for a line end. The backend must
            // then read what the gateway read: a field of its own, which is judged and removed.
            [200] => assert!(!received[0].text().contains("forged"), "{request:?}: {received:?}"),
            other => panic!("{request:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn hosts_are_one_and_valid() {
    let site = Site::new(Backend::echo().await).await;
    let cookie = site.cookie.pair();
    for hosts in ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nHost: b\r\n", "Host: a b\r\n", "Host: a/b\r\n", "Host: u@a\r\n", "Host: a:b\r\n", "Host: a,b\r\n", "Host:\r\n", "Host: a:99999\r\n"] {
        let request = format!("GET /jwt/x HTTP/1.1\r\n{hosts}Cookie: {cookie}\r\n\r\n");
        let (statuses, _, received) = site.send(&request).await;
        assert_eq!(statuses, [400], "{hosts:?}");
        assert!(received.is_empty(), "{hosts:?}: {received:?}");
    }
    for host in ["a", "a.example:8443", "127.0.0.1", "[::1]:443", "A.Example"] {
        let request = format!("GET /jwt/x HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n");
        let (statuses, _, received) = site.send(&request).await;
        assert_eq!(statuses, [200], "{host}");
        assert_eq!(received[0].header("host").as_deref(), Some(host));
    }
}

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
        assert!(statuses[1..].iter().all(|status| *status == 401), "{path}: {statuses:?}");
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
        let user = if request.target() == "/anna" { "anna" } else { "boz" };
        assert_eq!(request.header("x-qlik-user"), Some(format!("UserDirectory=example; UserId={user}")));
        if request.target() == "/half" {
            assert!(!request.complete, "{request:?}");
            let mut later = received[at + 1..].iter();
            assert!(later.all(|later| later.connection != request.connection), "{received:?}");
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
