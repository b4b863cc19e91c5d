//! Whatever breaks in one user's exchange, the next user gets an answer of his own: over one worker,
//! whose connections to the backend both of them use.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use jotgate_scenarios::{Backend, Cookie, Gateway, Keys, Received, Reply};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const EVIL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

fn user(request: &Received) -> String {
    request.header("X-Qlik-User").unwrap_or_default()
}

struct Two {
    gateway: Gateway,
    backend: Backend,
    anna: Cookie,
    boz: Cookie,
}

impl Two {
    async fn new(script: impl Fn(&Received) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let answer = move |request: &Received| {
            script(request).unwrap_or_else(|| Reply::text(&user(request)))
        };
        let backend = Backend::answering(answer).await;
        let gateway = Gateway::serve().setting("--worker-threads", "1");
        let gateway = gateway.setting("--response-timeout", "3s").await;
        let qrs = gateway.qrs();
        qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
        let cookie = async |name: &str| {
            let token = Keys::first().token().user("example", name).sign();
            let request = gateway.client().get("/jwt/qps/csrftoken").bearer(&token);
            request.send().await.cookie()
        };
        let (anna, boz) = (cookie("anna").await, cookie("boz").await);
        Self {
            gateway,
            backend,
            anna,
            boz,
        }
    }

    /// The other user asks some times, and gets what is his.
    async fn boz_gets_his_own(&self, after: &str) {
        for _ in 0..3 {
            let request = self.gateway.client().get("/jwt/who").cookie(&self.boz);
            let answer = request.send().await;
            assert_eq!(answer.status, 200, "after {after}: {}", answer.text());
            assert!(
                answer.text().ends_with("UserId=boz"),
                "after {after}: {}",
                answer.text()
            );
            let received = self.backend.last();
            assert!(
                received.complete && received.target() == "/who",
                "after {after}"
            );
        }
    }
}

#[tokio::test]
async fn what_a_backend_breaks_stays_with_whom_it_answered() {
    let two = Two::new(|request| {
        let target = request.target();
        Some(match target.as_str() {
            "/longer" => Reply::text("mine").then(EVIL),
            "/longer-later" => {
                Reply::text("mine").then_pause(Duration::from_millis(20)).then(EVIL)
            }
            "/garbage-later" => Reply::text("mine")
                .then_pause(Duration::from_millis(20))
                .then("\0\0 no HTTP\r\n"),
            "/shorter" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nmine").then_close(),
            "/switch" => Reply::raw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
                .then(EVIL),
            "/other-switch" => Reply::raw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
                .then(EVIL),
            "/no-content" => Reply::raw("HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n").then(EVIL),
            "/not-modified" => {
                Reply::raw("HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n").then(EVIL)
            }
            "/head" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n").then(EVIL),
            "/hints" => Reply::raw("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(2000))
                .then("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine")
                .then(EVIL),
            "/no-more" => Reply::text("mine").then_close(),
            "/version" => Reply::raw("HTTP/3.9 200 OK\r\nContent-Length: 4\r\n\r\nmine").then(EVIL),
            "/two-framings" => Reply::raw(
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmine\r\n0\r\n\r\n",
            )
            .then(EVIL),
            _ => return None,
        })
    })
    .await;
    for (method, name) in [
        ("GET", "longer"),
        ("GET", "longer-later"),
        ("GET", "garbage-later"),
        ("GET", "shorter"),
        ("GET", "switch"),
        ("GET", "other-switch"),
        ("GET", "no-content"),
        ("GET", "not-modified"),
        ("HEAD", "head"),
        ("GET", "hints"),
        ("GET", "no-more"),
        ("GET", "version"),
        ("GET", "two-framings"),
    ] {
        // What comes after the next request has been sent is its answer, as far as anybody can tell.
        let pauses: &[u64] = if name.ends_with("-later") {
            &[300]
        } else {
            &[0, 40]
        };
        for pause in pauses {
            let request = two
                .gateway
                .client()
                .request(method, &format!("/jwt/{name}"));
            // Some of these are answers, some are 502s, and one ends early.
            if let Ok(answer) = request.cookie(&two.anna).try_send().await {
                assert!(!answer.text().contains("evil"), "{name}: {}", answer.text());
                if name.ends_with("switch") {
                    assert_eq!((answer.status, answer.reason()), (502, "node_failed"));
                }
            }
            tokio::time::sleep(Duration::from_millis(*pause)).await;
            two.boz_gets_his_own(name).await;
        }
    }
}

#[tokio::test]
async fn hints_without_end_are_no_answer() {
    let two = Two::new(|request| {
        (request.target() == "/flood").then(|| {
            let mut reply = Reply::raw("");
            for _ in 0..1000 {
                reply = reply
                    .then("HTTP/1.1 103 Early Hints\r\n\r\n")
                    .then_pause(Duration::from_millis(10));
            }
            reply
        })
    })
    .await;
    let request = two.gateway.client().get("/jwt/flood").cookie(&two.anna);
    let answer = request.send().await;
    assert_eq!((answer.status, answer.reason()), (504, "node_timeout"));
    two.boz_gets_his_own("a flood").await;
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing_behind() {
    let two = Two::new(|request| {
        (request.target() == "/slow").then(|| {
            Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n")
                .then(vec![b'a'; 100_000])
                .then_pause(Duration::from_millis(100))
                .then(vec![b'a'; 100_000])
        })
    })
    .await;
    let head = |fields: &str| {
        format!(
            "POST /jwt/up HTTP/1.1\r\nHost: g\r\nCookie: {}\r\n{fields}\r\n\r\n",
            two.anna.pair()
        )
    };
    for _ in 0..5 {
        for (fields, part) in [
            ("Content-Length: 1000", "GET /jwt/evil HTTP/1.1\r\n"),
            ("Transfer-Encoding: chunked", "5\r\nGET /\r\n"),
        ] {
            let mut raw = two.gateway.client().raw().await;
            raw.send(head(fields)).await;
            raw.send(part).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
            drop(raw);
            two.boz_gets_his_own("a request that was not finished")
                .await;
        }
        let request = two.gateway.client().get("/jwt/slow").cookie(&two.anna);
        let mut body = request.stream().await.into_body();
        assert!(body.frame().await.is_some());
        drop(body);
        two.boz_gets_his_own("an answer that was not read").await;
    }
    let evil = |request: &Received| request.line().contains("evil");
    assert!(!two.backend.received().iter().any(evil));
}

/// Answers every head at once, whatever body is still to come, and counts connections.
async fn hasty() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let uri = format!("http://{}", listener.local_addr().expect("an address"));
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let number = counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while let Ok(1..) = stream.read_buf(&mut seen).await {
                    while let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
                        let head: Vec<u8> = seen.drain(..end + 4).collect();
                        let line = String::from_utf8_lossy(&head)
                            .lines()
                            .next()
                            .unwrap_or("")
                            .to_owned();
                        let body = format!("{number} {line}");
                        let answer = format!(
                            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                            body.len()
                        );
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    (uri, connections)
}

#[tokio::test]
async fn an_answer_that_comes_before_the_body_does_not_free_the_connection() {
    let (uri, connections) = hasty().await;
    let gateway = Gateway::serve().setting("--worker-threads", "1").await;
    let qrs = gateway.qrs();
    let node = json!({ "services": [{ "path": "/", "uri": uri }] });
    let vp = qrs.virtual_proxy("jwt").node(qrs.node_with(node).await);
    vp.create().await;
    let token = Keys::first().token().sign();
    let request = gateway.client().get("/jwt/qps/csrftoken").bearer(&token);
    let cookie = request.send().await.cookie();
    let mut raw = gateway.client().raw().await;
    raw.send(format!(
        "POST /jwt/up HTTP/1.1\r\nHost: g\r\nCookie: {}\r\nContent-Length: 100\r\n\r\npart",
        cookie.pair()
    ))
    .await;
    let early = raw.read_answer().await;
    assert_eq!(early.text(), "0 POST /up HTTP/1.1");
    let next = gateway
        .client()
        .get("/jwt/next")
        .cookie(&cookie)
        .send()
        .await;
    assert_eq!(next.text(), "1 GET /next HTTP/1.1", "on another connection");
    // The rest may be taken or not; it must not become a request.
    drop(raw.try_send("GET /evil HTTP/1.1\r\n\r\n".repeat(4)).await);
    for _ in 0..3 {
        let next = gateway
            .client()
            .get("/jwt/next")
            .cookie(&cookie)
            .send()
            .await;
        assert!(
            next.text().ends_with(" GET /next HTTP/1.1"),
            "{}",
            next.text()
        );
    }
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}
