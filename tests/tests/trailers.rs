//! Trailers: what may follow a body passes, and nothing else does (RFC 9110 section 6.5; line S3 of the
//! hostile inputs).

use http::{HeaderMap, HeaderName, HeaderValue};
use jotgate_scenarios::{Backend, Cookie, Gateway, Keys, Received, Reply};
use serde_json::json;

struct Site {
    gateway: Gateway,
    backend: Backend,
    cookie: Cookie,
}

impl Site {
    async fn new(backend: Backend) -> Self {
        let gateway = Gateway::serve().setting("--worker-threads", "1").await;
        let vp = gateway
            .qrs()
            .jwt_virtual_proxy("jwt", Keys::first(), &backend)
            .await;
        vp.update(|vp| {
            vp["backendHeaders"] = json!([{ "name": "X-Tenant", "value": "north" }]);
        })
        .await;
        let token = Keys::first().token().sign();
        let first = gateway.client().get("/jwt/qps/csrftoken").bearer(&token);
        let cookie = first.send().await.cookie();
        Self {
            gateway,
            backend,
            cookie,
        }
    }

    /// What the backend got of a request with these chunks and fields, over HTTP/1.1.
    async fn sent(&self, announced: &str, trailers: &str) -> Received {
        let mut raw = self.gateway.client().raw().await;
        let request = self.gateway.client().post("/jwt/x").cookie(&self.cookie);
        let head = request
            .header("Transfer-Encoding", "chunked")
            .header("Trailer", announced)
            .head();
        raw.send(format!("{head}4\r\nbody\r\n0\r\n{trailers}\r\n"))
            .await;
        assert_eq!(raw.read_answer().await.status, 200);
        self.backend.last()
    }
}

/// What followed the last chunk.
fn trailer(received: &Received) -> String {
    let text = String::from_utf8_lossy(&received.raw_body).into_owned();
    let (_, trailer) = text.split_once("\r\n0\r\n").unwrap_or_default();
    trailer.to_owned()
}

fn fields(list: &[(&'static str, &'static str)]) -> HeaderMap {
    let field = |(name, value): &(&'static str, &'static str)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    list.iter().map(field).collect()
}

const HOSTILE: &str = "X-Qlik-User: forged\r\nx_qlik_user: forged\r\nX.Forwarded.For: forged\r\n\
    Authorization: forged\r\nCookie: forged\r\nHost: forged\r\nContent-Length: 7\r\n\
    Transfer-Encoding: forged\r\nX_Tenant: forged\r\nConnection: forged\r\nTE: forged\r\n\
    Forwarded: forged\r\nX-HTTP-Method-Override: forged\r\nIf-Match: forged\r\n";

#[tokio::test]
async fn announced_results_reach_the_backend_over_http_1_and_2() {
    let site = Site::new(Backend::echo().await).await;
    let received = site
        .sent(
            "X-Checksum, Server-Timing",
            "X-Checksum: abc\r\nX-Other: no\r\n",
        )
        .await;
    assert_eq!(received.body, b"body");
    assert_eq!(trailer(&received), "x-checksum: abc\r\n\r\n");
    assert_eq!(
        received.header("trailer").as_deref(),
        Some("x-checksum, server-timing")
    );
    let request = site.gateway.client().post("/jwt/x").cookie(&site.cookie);
    let request = request.header("trailer", "x-checksum").body("body");
    let sent = fields(&[("x-checksum", "def"), ("x-other", "no")]);
    let http2 = site.gateway.client().http2().await;
    let answer = http2.send(request, Some(sent)).await.expect("an answer");
    assert_eq!(answer.status, 200);
    let received = site.backend.last();
    assert_eq!(received.body, b"body");
    assert_eq!(trailer(&received), "x-checksum: def\r\n\r\n");
    assert_eq!(
        site.backend.connections(),
        1,
        "the connection is used again"
    );
}

#[tokio::test]
async fn nothing_that_a_head_is_judged_by_follows_a_body() {
    let site = Site::new(Backend::echo().await).await;
    let names: Vec<&str> = HOSTILE
        .lines()
        .filter_map(|line| line.split_once(':').map(|(name, _)| name))
        .collect();
    let received = site.sent(&names.join(", "), HOSTILE).await;
    assert_eq!(received.body, b"body");
    assert_eq!(trailer(&received), "\r\n");
    assert_eq!(received.header("trailer"), None);
    assert!(!received.text().contains("forged"), "{received:?}");
    let request = site.gateway.client().post("/jwt/x").cookie(&site.cookie);
    let request = request
        .header(
            "trailer",
            "x-qlik-user, x_qlik_user, authorization, x_tenant, cookie",
        )
        .body("body");
    let sent = fields(&[
        ("x-qlik-user", "forged"),
        ("x_qlik_user", "forged"),
        ("authorization", "forged"),
        ("x_tenant", "forged"),
        ("cookie", "forged"),
    ]);
    let http2 = site.gateway.client().http2().await;
    let answer = http2.send(request, Some(sent)).await.expect("an answer");
    assert_eq!(answer.status, 200);
    let received = site.backend.last();
    assert_eq!(received.body, b"body");
    let raw = String::from_utf8_lossy(&received.raw_body).into_owned();
    assert!(!raw.contains("forged") && !received.text().contains("forged"));
}

#[tokio::test]
async fn a_trailer_that_is_too_large_does_not_pass_and_does_not_harm_the_body() {
    let site = Site::new(Backend::echo().await).await;
    let long = format!("X-Checksum: {}\r\n", "a".repeat(9000));
    let received = site.sent("X-Checksum", &long).await;
    assert_eq!(received.body, b"body");
    assert_eq!(trailer(&received), "\r\n");
}

#[tokio::test]
async fn the_backends_results_reach_clients_that_take_them() {
    let backend = Backend::answering(|_| {
        Reply::raw(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\
             Trailer: Grpc-Status, Set-Cookie, Grpc-Message\r\n\r\n",
        )
        .then_chunk(b"hello")
        .then(
            "0\r\nGrpc-Status: 0\r\nSet-Cookie: forged=1\r\nContent-Length: 9\r\n\
             X_Qlik_User: forged\r\nGrpc-Message: fine\r\n\r\n",
        )
    })
    .await;
    let site = Site::new(backend).await;
    let request = || site.gateway.client().get("/jwt/x").cookie(&site.cookie);
    let wanted = fields(&[("grpc-status", "0"), ("grpc-message", "fine")]);
    let http2 = site.gateway.client().http2().await;
    let answer = http2.send(request(), None).await.expect("an answer");
    assert_eq!(
        (answer.text().as_str(), &answer.trailers),
        ("hello", &wanted)
    );
    let answer = request().header("TE", "trailers").send().await;
    assert_eq!(
        (answer.text().as_str(), &answer.trailers),
        ("hello", &wanted)
    );
    assert_eq!(answer.header("trailer"), "grpc-status, grpc-message");
    assert_eq!(
        site.backend.last().header("te").as_deref(),
        Some("trailers")
    );
    let without = request().send().await;
    assert_eq!(
        (without.text().as_str(), without.trailers.len()),
        ("hello", 0)
    );
    assert_eq!(
        site.backend.connections(),
        1,
        "the connection is used again"
    );
}
