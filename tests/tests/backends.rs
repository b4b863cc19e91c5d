//! Backends on good and bad days.

use std::time::Duration;

use http_body_util::BodyExt;
use jotgate_scenarios::{Answer, Backend, Cookie, Gateway, Keys, Reply, within};
use serde_json::json;

struct Site {
    gateway: Gateway,
    backend: Backend,
    cookie: Cookie,
}

impl Site {
    /// One worker, so that it is known which connections are used again.
    async fn new(backend: Backend) -> Self {
        Self::with(backend, &[]).await
    }

    async fn with(backend: Backend, settings: &[(&str, &str)]) -> Self {
        let mut builder = Gateway::serve().setting("--worker-threads", "1");
        for (flag, value) in settings {
            builder = builder.setting(flag, *value);
        }
        let gateway = builder.await;
        gateway.qrs().jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
        let token = Keys::first().token().sign();
        let cookie = gateway.client().get("/jwt/qps/csrftoken").bearer(&token).send().await.cookie();
        Self { gateway, backend, cookie }
    }

    async fn get(&self, path: &str) -> Answer {
        self.gateway.client().get(path).cookie(&self.cookie).send().await
    }

    /// The request as text, with its cookie.
    fn head(&self, method: &str, path: &str, fields: &str) -> String {
        format!("{method} {path} HTTP/1.1\r\nHost: g\r\nCookie: {}\r\n{fields}\r\n", self.cookie.pair())
    }
}

/// Bytes that do not look like each other anywhere.
fn bytes(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[tokio::test]
async fn a_backend_that_is_not_there_is_a_502_with_a_reason() {
    let gateway = Gateway::serve().await;
    let qrs = gateway.qrs();
    let nowhere = format!("http://{}", Backend::nowhere().await);
    let node = qrs.node_with(json!({ "services": [{ "path": "/", "uri": nowhere }] })).await;
    qrs.virtual_proxy("jwt").node(node).create().await;
    let token = Keys::first().token().sign();
    let answer = gateway.client().get("/jwt/hub/").bearer(&token).accepts_json().send().await;
    assert_eq!((answer.status, answer.reason()), (502, "node_failed"));
    let line = gateway.access_line(&answer.reference()).await;
    assert_eq!(line["phase"], "select");
    assert!(line["detail"].as_str().is_some_and(|detail| detail.contains("cannot be reached")), "{line}");
    assert!(!answer.text().contains("127.0.0.1"), "clients are not told where backends are: {}", answer.text());
}

#[tokio::test]
async fn a_virtual_proxy_without_a_node_is_a_503() {
    let gateway = Gateway::serve().await;
    gateway.qrs().virtual_proxy("jwt").create().await;
    let token = Keys::first().token().sign();
    let answer = gateway.client().get("/jwt/hub/").bearer(&token).send().await;
    assert_eq!((answer.status, answer.reason()), (503, "node_unavailable"));
}

#[tokio::test]
async fn a_backend_that_comes_back_is_used_again() {
    let site = Site::new(Backend::echo().await).await;
    let qrs = site.gateway.qrs();
    let nowhere = Backend::nowhere().await;
    let node = qrs.node_with(json!({ "services": [{ "path": "/", "uri": format!("http://{nowhere}") }] })).await;
    qrs.virtual_proxy("late").node(node).create().await;
    let token = Keys::first().token().sign();
    let ask = async || site.gateway.client().get("/late/x").bearer(&token).send().await.status;
    assert_eq!(ask().await, 502);
    let listener = tokio::net::TcpListener::bind(nowhere).await.expect("the port is still free");
    let late = Backend::on(listener, |_| Reply::text("late"));
    let back = async || (ask().await == 200).then_some(());
    jotgate_scenarios::eventually("the backend is used again", back).await;
    assert_eq!(late.last().target(), "/x");
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
    for path in ["garbage", "close", "half-head", "two-lengths", "long", "many"] {
        let answer = site.get(&format!("/jwt/{path}")).await;
        assert_eq!((answer.status, answer.reason()), (502, "node_failed"), "{path}");
        let fine = site.get("/jwt/fine").await;
        assert_eq!((fine.status, fine.text().as_str()), (200, "fine"), "after {path}");
    }
    // RFC 9112 section 6.3: the chunks count, and the length must not be passed on.
    let both = site.get("/jwt/both").await;
    assert!(matches!((both.status, both.text().as_str()), (200, "x") | (502, _)), "{both:?}");
    let fine = site.get("/jwt/fine").await;
    assert_eq!((fine.status, fine.text().as_str()), (200, "fine"));
}

#[tokio::test]
async fn bytes_behind_an_answer_are_not_the_answer_to_somebody_else() {
    let backend = Backend::answering(|request| match request.target().as_str() {
        "/poison" => Reply::text("first").then("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"),
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
    let site = Site::with(backend, &[("--response-timeout", "1s")]).await;
    assert_eq!(site.get("/jwt/fine").await.status, 200);
    let answer = site.get("/jwt/never").await;
    assert_eq!((answer.status, answer.reason()), (504, "node_timeout"));
    let fine = site.get("/jwt/fine").await;
    assert_eq!((fine.status, fine.text().as_str()), (200, "fine"));
    let asked = site.backend.received().iter().filter(|request| request.target() == "/never").count();
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
    let limits = ["--response-timeout", "--idle-timeout", "--header-timeout", "--body-timeout"].map(|flag| (flag, "3s"));
    let site = Site::with(slow, &limits).await;
    let answer = site.get("/jwt/slow").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "one two six ten "));
}

#[tokio::test]
async fn an_answer_that_ends_early_ends_early_for_the_client_too() {
    let backend = Backend::answering(|request| match request.target().as_str() {
        "/length" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this").then_close(),
        "/chunks" => Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n").then_close(),
        "/bad-chunk" => Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").then_close(),
        _ => Reply::text("fine"),
    })
    .await;
    let site = Site::new(backend).await;
    for path in ["length", "chunks", "bad-chunk"] {
        let request = site.gateway.client().get(&format!("/jwt/{path}")).cookie(&site.cookie);
        match request.try_send().await {
            Err(_) => {}
            Ok(answer) => assert_eq!(answer.status, 502, "{path}: a part must not look like the whole: {answer:?}"),
        }
        assert_eq!(site.get("/jwt/fine").await.text(), "fine", "after {path}");
    }
}

#[tokio::test]
async fn the_second_node_takes_over_from_one_that_is_down() {
    let (first, second) = (Backend::named("first").await, Backend::named("second").await);
    let gateway = Gateway::serve().await;
    let vp = gateway.qrs().virtual_proxy("jwt").backend(&first).await.backend(&second).await;
    vp.create().await;
    let token = Keys::first().token().sign();
    let cookie = gateway.client().get("/jwt/qps/csrftoken").bearer(&token).send().await.cookie();
    let ask = async || {
        let answer = gateway.client().get("/jwt/hub/").cookie(&cookie).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    };
    let mut both = Vec::new();
    for _ in 0..6 {
        both.push(ask().await);
    }
    assert!(both.contains(&"first".to_owned()) && both.contains(&"second".to_owned()), "{both:?}");
    drop(first);
    for _ in 0..20 {
        assert_eq!(ask().await, "second");
    }
}

#[tokio::test]
async fn a_sticky_session_stays_with_its_node() {
    let (first, second) = (Backend::named("first").await, Backend::named("second").await);
    let gateway = Gateway::serve().await;
    let vp = gateway.qrs().virtual_proxy("jwt").backend(&first).await.backend(&second).await;
    vp.set("useStickyLoadBalancing", true).create().await;
    for user in ["anna", "boz", "cleo"] {
        let token = Keys::first().token().user("example", user).sign();
        let answer = gateway.client().get("/jwt/hub/").bearer(&token).send().await;
        for _ in 0..6 {
            let again = gateway.client().get("/jwt/hub/").cookie(&answer.cookie()).send().await;
            assert_eq!(again.text(), answer.text());
        }
    }
}

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
    let sent = site.gateway.client().post("/jwt/up").cookie(&site.cookie).body(body.clone()).send().await;
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
    raw.send(site.head("POST", "/jwt/x", "Transfer-Encoding: chunked\r\n")).await;
    for chunk in ["5\r\nhello\r\n", "1\r\n \r\n", "5\r\nworld\r\n0\r\n\r\n"] {
        raw.send(chunk).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answer = raw.read_answer().await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "one two three"));
    assert_eq!(answer.headers["transfer-encoding"], "chunked");
    let received = site.backend.last();
    assert_eq!(received.body, b"hello world");
    assert_eq!(received.headers("transfer-encoding"), ["chunked"]);
    assert_eq!(received.header("content-length"), None);
}

#[tokio::test]
async fn answers_without_a_body_keep_their_headers_and_the_connection() {
    let backend = Backend::answering(|request| match request.line().split(' ').next() {
        Some("HEAD") => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nETag: \"e\"\r\n\r\n"),
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
    assert_eq!((head.status, &head.headers["content-length"], &head.headers["etag"]), (200, &"12345".parse().expect("a value"), &"\"e\"".parse().expect("a value")));
    raw.send(site.head("DELETE", "/jwt/x", "")).await;
    let deleted = raw.read_answer().await;
    assert_eq!(deleted.status, 204);
    assert!(!deleted.headers.contains_key("content-length") && !deleted.headers.contains_key("transfer-encoding"));
    raw.send(site.head("GET", "/jwt/x", "If-None-Match: \"e\"\r\n")).await;
    let unchanged = raw.read_answer().await;
    assert_eq!((unchanged.status, &unchanged.headers["etag"]), (304, &"\"e\"".parse().expect("a value")));
    raw.send(site.head("GET", "/jwt/x", "")).await;
    assert_eq!(raw.read_answer().await.text(), "whole");
    assert_eq!(site.backend.connections(), 1, "all of them on one connection");
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let site = Site::new(Backend::echo().await).await;
    let mut raw = site.gateway.client().raw().await;
    raw.send(site.head("POST", "/jwt/x", "Content-Length: 5\r\nExpect: 100-continue\r\n")).await;
    assert_eq!(raw.read_answer().await.status, 100);
    raw.send("hello").await;
    assert_eq!(raw.read_answer().await.status, 200);
    let received = site.backend.only();
    assert_eq!((received.body.as_slice(), received.header("expect")), (&b"hello"[..], None));

    let mut stranger = site.gateway.client().raw().await;
    stranger.send("POST /jwt/x HTTP/1.1\r\nHost: g\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n").await;
    assert_eq!(stranger.read_answer().await.status, 401, "before anything of the body is asked for");
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
    let request = site.gateway.client().get("/jwt/events").cookie(&site.cookie);
    let mut body = request.stream().await.into_body();
    let first = within(Duration::from_secs(3), "the first event", body.frame()).await;
    let first = first.expect("a frame").expect("no error").into_data().expect("data");
    assert_eq!(first, "data: one\n\n");
    let rest = body.collect().await.expect("the rest").to_bytes();
    assert_eq!(rest, "data: two\n\n");
}

#[tokio::test]
async fn connections_to_a_backend_are_used_again() {
    let site = Site::new(Backend::echo().await).await;
    let mut connection = site.gateway.client().connection().await;
    for _ in 0..20 {
        let answer = connection.send(connection.get("/jwt/hub/").cookie(&site.cookie)).await.expect("an answer");
        assert_eq!(answer.status, 200);
    }
    for _ in 0..5 {
        assert_eq!(site.get("/jwt/hub/").await.status, 200);
    }
    assert_eq!(site.backend.connections(), 1);
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

#[tokio::test]
async fn headers_of_the_backends_connection_stay_there() {
    let backend = Backend::answering(|_| {
        let fields = [
            ("Connection", "keep-alive, X-Hop"),
            ("Keep-Alive", "timeout=5"),
            ("X-Hop", "removed"),
            ("Proxy-Authenticate", "Basic"),
            ("X-Own", "kept"),
            ("Server", "the backend"),
        ];
        Reply::new(200, &fields, "hello")
    })
    .await;
    let site = Site::new(backend).await;
    let answer = site.get("/jwt/hub/").await;
    for name in ["keep-alive", "x-hop", "proxy-authenticate"] {
        assert_eq!(answer.header(name), "", "{name}");
    }
    assert_eq!((answer.header("x-own"), answer.header("server")), ("kept", "the backend"));
}

#[tokio::test]
async fn early_hints_of_a_backend_do_not_become_the_answer() {
    let backend = Backend::answering(|_| {
        Reply::raw("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    })
    .await;
    let site = Site::new(backend).await;
    let answer = site.get("/jwt/hub/").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_request_at_the_backend() {
    let backend = Backend::answering(|_| {
        let mut reply = Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for _ in 0..1000 {
            reply = reply.then_chunk(&[1; 65_536]).then_pause(Duration::from_millis(5));
        }
        reply.then("0\r\n\r\n")
    })
    .await;
    let site = Site::new(backend).await;
    let request = site.gateway.client().get("/jwt/endless").cookie(&site.cookie);
    let mut body = request.stream().await.into_body();
    assert!(body.frame().await.is_some());
    drop(body);
    let idle = async || (site.gateway.metric("jotgate_connections").await == 0.0).then_some(());
    jotgate_scenarios::eventually("the connection is counted out", idle).await;
}
