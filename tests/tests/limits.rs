//! Limits on what clients send, and on how long they take.

use std::time::{Duration, Instant};

use jotgate_scenarios::{
    Backend, Cookie, Gateway, GatewayBuilder, Keys, PATIENCE, Reply, eventually,
};

struct Site {
    gateway: Gateway,
    backend: Backend,
    cookie: Cookie,
}

impl Site {
    async fn new(builder: GatewayBuilder) -> Self {
        let backend = Backend::echo().await;
        let gateway = builder.await;
        gateway
            .qrs()
            .jwt_virtual_proxy("jwt", Keys::first(), &backend)
            .await;
        let token = Keys::first().token().sign();
        let cookie = gateway
            .client()
            .get("/jwt/qps/csrftoken")
            .bearer(&token)
            .send()
            .await
            .cookie();
        Self {
            gateway,
            backend,
            cookie,
        }
    }

    async fn wait_for_connections(&self, count: u32) {
        let open = async || {
            (self.gateway.metric("jotgate_connections").await == f64::from(count)).then_some(())
        };
        eventually(&format!("{count} connections are open"), open).await;
    }

    fn head(&self, fields: &str) -> String {
        format!(
            "POST /jwt/x HTTP/1.1\r\nHost: g\r\nCookie: {}\r\n{fields}\r\n",
            self.cookie.pair()
        )
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_a_413() {
    let site = Site::new(Gateway::serve().setting("--max-body-bytes", "1000")).await;
    let post = |length: usize| {
        site.gateway
            .client()
            .post("/jwt/x")
            .cookie(&site.cookie)
            .body(vec![1; length])
    };
    assert_eq!(post(1000).send().await.status, 200);
    let refused = post(1001).send().await;
    assert_eq!((refused.status, refused.reason()), (413, "body_too_large"));

    let mut raw = site.gateway.client().raw().await;
    raw.send(site.head("Transfer-Encoding: chunked\r\n")).await;
    let chunk = format!("200\r\n{}\r\n", "x".repeat(512));
    raw.send(&chunk).await;
    raw.send(&chunk).await;
    raw.send("0\r\n\r\n").await;
    let answer = raw.read_answer().await;
    assert_eq!(
        (answer.status, &answer.headers["jotgate-reason"]),
        (413, &"body_too_large".parse().expect("a value"))
    );
    let whole = site
        .backend
        .received()
        .iter()
        .filter(|request| request.complete)
        .count();
    assert_eq!(whole, 1, "no part of it looked like the whole");
}

#[tokio::test]
async fn a_length_that_is_told_beforehand_needs_no_body_to_be_judged() {
    let site = Site::new(Gateway::serve().setting("--max-body-bytes", "1000")).await;
    let mut raw = site.gateway.client().raw().await;
    raw.send(site.head("Content-Length: 1000000000000\r\n"))
        .await;
    assert_eq!(raw.read_answer().await.status, 413);
    assert!(
        site.backend.received().is_empty(),
        "no backend is troubled with it"
    );
}

#[tokio::test]
async fn a_body_that_stalls_is_a_408() {
    let site = Site::new(Gateway::serve().setting("--body-timeout", "1s")).await;
    let mut raw = site.gateway.client().raw().await;
    raw.send(site.head("Content-Length: 10\r\n")).await;
    raw.send("12345").await;
    let answer = raw.read_answer().await;
    assert_eq!(
        (answer.status, &answer.headers["jotgate-reason"]),
        (408, &"body_timeout".parse().expect("a value"))
    );
    assert!(
        site.backend
            .received()
            .iter()
            .all(|request| !request.complete)
    );
    raw.read_to_end().await;
}

#[tokio::test]
async fn a_body_that_makes_progress_may_take_longer_than_the_limit() {
    let site = Site::new(Gateway::serve().setting("--body-timeout", "5s")).await;
    let mut raw = site.gateway.client().raw().await;
    raw.send(site.head("Content-Length: 500\r\n")).await;
    let part = "x".repeat(100);
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(1200)).await;
        raw.send(&part).await;
    }
    assert_eq!(raw.read_answer().await.status, 200);
    assert_eq!(site.backend.only().body.len(), 500);
}

#[tokio::test]
async fn a_body_that_drips_is_a_body_that_stalls() {
    let site = Site::new(Gateway::serve().setting("--body-timeout", "300ms")).await;
    let mut raw = site.gateway.client().raw().await;
    raw.send(site.head("Content-Length: 1000\r\n")).await;
    let started = Instant::now();
    let answered = async {
        while raw.try_send("x").await.is_ok() && started.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    answered.await;
    assert!(started.elapsed() < PATIENCE, "it drips for ever");
    assert!(
        site.backend
            .received()
            .iter()
            .all(|request| !request.complete)
    );
}

#[tokio::test]
async fn an_upload_is_not_a_slow_answer() {
    let site = Site::new(Gateway::serve().setting("--response-timeout", "4s")).await;
    let mut raw = site.gateway.client().raw().await;
    raw.send(site.head("Content-Length: 5\r\n")).await;
    for byte in ["1", "2", "3", "4", "5"] {
        tokio::time::sleep(Duration::from_millis(1000)).await;
        raw.send(byte).await;
    }
    let answer = raw.read_answer().await;
    assert_eq!(
        answer.status,
        200,
        "the backend cannot answer what it has not got: {}",
        answer.text()
    );
}

#[tokio::test]
async fn a_head_that_is_slow_is_a_408_and_the_end_of_the_connection() {
    let site = Site::new(Gateway::serve().setting("--header-timeout", "1s")).await;
    for client in [site.gateway.client(), site.gateway.plain_client()] {
        let mut raw = client.raw().await;
        raw.send("GET /jwt/x HTTP/1.1\r\nHost:").await;
        assert_eq!(raw.read_answer().await.status, 408);
        assert!(raw.read_to_end().await.is_empty());
        // A byte now and then does not help.
        let mut raw = client.raw().await;
        let started = Instant::now();
        while raw.try_send("X").await.is_ok() {
            assert!(started.elapsed() < PATIENCE, "it drips for ever");
            if raw.silence(Duration::from_millis(200)).await.is_some() {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let site = Site::new(Gateway::serve().setting("--header-timeout", "1s")).await;
    for client in [site.gateway.client(), site.gateway.plain_client()] {
        let mut raw = client.raw().await;
        assert!(raw.read_to_end().await.is_empty());
    }
    // Neither does a handshake take for ever.
    let mut silent = jotgate_scenarios::Client::plain(site.gateway.listeners().gateway[0])
        .raw()
        .await;
    assert!(silent.read_to_end().await.is_empty());
}

#[tokio::test]
async fn an_idle_connection_is_closed_without_a_word() {
    let site = Site::new(
        Gateway::serve()
            .setting("--idle-timeout", "3s")
            .setting("--header-timeout", "10m"),
    )
    .await;
    let mut raw = site.gateway.client().raw().await;
    for _ in 0..2 {
        raw.send(site.head("Content-Length: 0\r\n")).await;
        assert_eq!(raw.read_answer().await.status, 200);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(raw.ends_cleanly().await);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_a_431() {
    let site = Site::new(Gateway::serve()).await;
    for fields in [
        format!("X: {}\r\n", "x".repeat(40_000)),
        "X: y\r\n".repeat(8_000),
    ] {
        let mut raw = site.gateway.client().raw().await;
        // It may answer before it has everything.
        drop(raw.try_send(site.head(&fields)).await);
        assert_eq!(raw.read_answer().await.status, 431);
        raw.read_to_end().await;
    }
    let fits = format!("X: {}\r\nContent-Length: 0\r\n", "x".repeat(30_000));
    let mut raw = site.gateway.client().raw().await;
    raw.send(site.head(&fits)).await;
    assert_eq!(raw.read_answer().await.status, 200);
    assert_eq!(site.backend.received().len(), 1);
}

#[tokio::test]
async fn connections_of_one_address_are_limited_and_given_back() {
    let site = Site::new(Gateway::serve().setting("--max-connections-per-address", "2")).await;
    let client = site.gateway.plain_client();
    site.wait_for_connections(0).await;
    let mut kept = [client.raw().await, client.raw().await];
    for raw in &mut kept {
        // A connection counts for its address from when it is served, a moment after it is open.
        raw.send("GET /jwt/x HTTP/1.1\r\nHost: g\r\n\r\n").await;
        assert_eq!(raw.read_answer().await.status, 401);
    }
    assert!(
        client.get("/jwt/x").try_send().await.is_err(),
        "the third is refused"
    );
    let other = client.clone().from("127.0.0.2");
    assert!(
        other.get("/jwt/x").try_send().await.is_ok(),
        "others are not concerned"
    );
    drop(kept);
    site.wait_for_connections(0).await;
    assert!(
        client.get("/jwt/x").try_send().await.is_ok(),
        "their places are free again"
    );
}

#[tokio::test]
async fn connections_are_limited_in_all() {
    let site = Site::new(Gateway::serve().setting("--max-connections", "3")).await;
    let client = site.gateway.plain_client();
    site.wait_for_connections(0).await;
    let kept = [
        client.raw().await,
        client.raw().await,
        client.clone().from("127.0.0.2").raw().await,
    ];
    site.wait_for_connections(3).await;
    assert!(
        client.get("/jwt/x").try_send().await.is_err(),
        "the fourth is refused"
    );
    for path in ["/livez", "/readyz"] {
        let health = site.gateway.observer().get(path).send().await;
        assert_eq!(health.status, 200, "{path} can be asked all the same");
    }
    drop(kept);
    site.wait_for_connections(0).await;
    assert!(
        client.get("/jwt/x").try_send().await.is_ok(),
        "their places are free again"
    );
}

#[tokio::test]
async fn requests_beyond_what_a_virtual_proxy_may_serve_are_503_until_an_answer_is_over() {
    let backend = Backend::answering(|request| match request.target().as_str() {
        "/slow" => Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .then_chunk(b"a")
            .then_pause(Duration::from_secs(3600)),
        _ => Reply::text("hello"),
    })
    .await;
    let gateway = Gateway::serve().await;
    let vp = gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    let first = gateway.client().get("/jwt/x").bearer(&token).send().await;
    let cookie = first.cookie();
    vp.set("maxRequestsInFlight", 2).await;
    let request = |path: &str| gateway.client().get(path).cookie(&cookie);
    let http2 = gateway.client().http2().await;
    let slow = [
        request("/jwt/slow").stream().await,
        request("/jwt/slow").stream().await,
    ];
    for _ in 0..2 {
        let refused = request("/jwt/x").send().await;
        assert_eq!(
            (
                refused.status,
                refused.reason(),
                refused.header("retry-after")
            ),
            (503, "overloaded", "1")
        );
        let refused = http2
            .send(request("/jwt/x"), None)
            .await
            .expect("an answer");
        assert_eq!((refused.status, refused.reason()), (503, "overloaded"));
    }
    assert_eq!(gateway.observer().get("/livez").send().await.status, 200);
    drop(slow);
    let served = async || (request("/jwt/x").send().await.status == 200).then_some(());
    eventually("the places are free again", served).await;
    for _ in 0..20 {
        assert_eq!(request("/jwt/x").send().await.status, 200);
    }
}

#[tokio::test]
async fn requests_that_could_not_be_read_are_counted_and_logged() {
    let site = Site::new(Gateway::serve().setting("--header-timeout", "2s")).await;
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    for (bytes, status, cause) in [
        ("GET / HTTP/1.1\r\nHost : g\r\n\r\n", 400, "head_malformed"),
        (long.as_str(), 431, "head_too_large"),
        ("GET / HTTP/1.1\r\nHost: g\r\n", 408, "head_timeout"),
    ] {
        let mut raw = site.gateway.client().raw().await;
        // It may answer before it has everything.
        drop(raw.try_send(bytes).await);
        assert_eq!(raw.read_answer().await.status, status);
        raw.read_to_end().await;
        let line = async || {
            let log = site.gateway.access_log();
            log.into_iter().find(|line| line["status"] == status)
        };
        let line = eventually("a line in the access log", line).await;
        assert_eq!(
            (&line["phase"], &line["method"]),
            (&"accept".into(), &"-".into())
        );
        assert_eq!(line["reason"], "request_malformed", "{line}");
        assert_eq!(line["client"], "127.0.0.1", "{line}");
        let text = site.gateway.observer().get("/metrics").send().await.text();
        let counted = format!("jotgate_connections_refused_total{{cause=\"{cause}\"}} 1");
        assert!(text.lines().any(|line| line == counted), "{cause}: {text}");
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_announced_clients_connections_are_counted() {
    let builder = Gateway::serve()
        .setting("--max-connections-per-address", "2")
        .setting("--trusted-proxy", "127.0.0.2/32")
        .environment("JOTGATE_PROXY_PROTOCOL", "on");
    let site = Site::new(builder).await;
    let proxy = site.gateway.plain_client().from("127.0.0.2");
    let connect = async |client: &str| {
        let mut raw = proxy.raw().await;
        let announced = format!("PROXY TCP4 {client} 192.0.2.9 1 2\r\n");
        raw.send(announced + "GET /jwt/x HTTP/1.1\r\nHost: g\r\n\r\n")
            .await;
        raw
    };
    let mut kept = Vec::new();
    for client in ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        let mut raw = connect(client).await;
        assert_eq!(raw.read_answer().await.status, 401, "{client}");
        kept.push(raw);
    }
    assert!(connect("192.0.2.1").await.read_to_end().await.is_empty());
    assert_eq!(connect("192.0.2.2").await.read_answer().await.status, 401);
    let refused = site
        .gateway
        .metric("jotgate_connections_refused_total")
        .await;
    assert_eq!(refused, 1.0);
    drop(kept);
    site.wait_for_connections(0).await;
    assert_eq!(connect("192.0.2.1").await.read_answer().await.status, 401);
}
