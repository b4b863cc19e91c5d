//! HTTP/2 in front, HTTP/1.1 behind (lines S1 to S3 and F4 of the hostile inputs).

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use jotgate_scenarios::{Answer, Backend, Client, Cookie, Gateway, Http2, Keys};

struct Site {
    gateway: Gateway,
    backend: Backend,
    cookie: Cookie,
}

impl Site {
    async fn new() -> Self {
        let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
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

    fn client(&self) -> Client {
        self.gateway.client()
    }

    async fn http2(&self) -> Http2 {
        self.client().http2().await
    }
}

#[tokio::test]
async fn requests_are_served_and_refused_as_over_http_1() {
    let site = Site::new().await;
    let http2 = site.http2().await;
    let token = Keys::first().token().user("example", "anna").sign();
    let first = http2
        .send(site.client().get("/jwt/hub/?x=%20").bearer(&token), None)
        .await
        .expect("an answer");
    assert_eq!((first.status, first.text().as_str()), (200, "hello"));
    let received = site.backend.only();
    assert_eq!(received.line(), "GET /hub/?x=%20 HTTP/1.1");
    assert_eq!(received.header("host"), Some(site.client().host()));
    assert_eq!(
        received.header("x-qlik-user").as_deref(),
        Some("UserDirectory=example; UserId=anna")
    );
    assert_eq!(received.header("authorization"), None);
    assert_eq!(received.header("cookie"), None);
    let again = http2
        .send(site.client().get("/jwt/hub/").cookie(&first.cookie()), None)
        .await
        .expect("an answer");
    assert_eq!(again.status, 200);
    let refused = http2
        .send(site.client().get("/jwt/hub/"), None)
        .await
        .expect("an answer");
    assert_eq!(
        (refused.status, refused.header("www-authenticate")),
        (401, "Bearer")
    );
    assert!(
        refused
            .text()
            .contains("Expected an authentication header.")
    );
    for (path, status) in [
        ("/nobody/hub/", 400),
        ("/jwt/%2e%2e/", 400),
        ("/jwt/qmc/", 403),
    ] {
        let request = site.client().get(path).cookie(&site.cookie);
        assert_eq!(
            http2.send(request, None).await.expect("an answer").status,
            status,
            "{path}"
        );
    }
}

/// A stream on which content follows is ended by its client.
#[tokio::test]
async fn an_answer_to_head_has_no_content_whoever_gives_it() {
    let site = Site::new().await;
    let http2 = site.http2().await;
    for (path, status) in [
        ("/jwt/hub/", 401),
        ("/nobody/hub/", 400),
        ("/internal_forms_authentication/", 200),
        ("/jwt/qps/user", 405),
        ("/jwt/jotgate/session", 405),
        ("/jwt/x", 200),
    ] {
        let request = site.client().request("HEAD", path);
        let request = match status {
            401 => request,
            _ => request.cookie(&site.cookie),
        };
        let answer = http2.send(request.clone(), None).await.expect(path);
        assert_eq!((answer.status, answer.body.len()), (status, 0), "{path}");
        let before = request.send().await;
        let length = |answer: &Answer| answer.header("content-length").to_owned();
        if path != "/internal_forms_authentication/" {
            assert_eq!(length(&answer), length(&before), "{path}");
        }
    }
}

#[tokio::test]
async fn thirty_streams_at_once_make_one_session() {
    let site = Site::new().await;
    let http2 = site.http2().await;
    let token = Keys::first().token().user("example", "anna").sign();
    let mut streams = tokio::task::JoinSet::new();
    for number in 0..30 {
        let (http2, request) = (
            http2.clone(),
            site.client().get(&format!("/jwt/{number}")).bearer(&token),
        );
        streams.spawn(async move {
            http2
                .send(request, None)
                .await
                .expect("an answer")
                .cookie()
                .value
        });
    }
    let values: std::collections::HashSet<_> = streams.join_all().await.into_iter().collect();
    assert_eq!(values.len(), 1);
    assert_eq!(
        site.gateway.metric("jotgate_sessions_opened_total").await,
        2.0
    );
}

#[tokio::test]
async fn client_copies_of_identity_headers_are_removed_in_every_spelling() {
    let site = Site::new().await;
    let http2 = site.http2().await;
    for c in "-_!#$%&'*+.^`|~".chars() {
        let mut request = site.client().get("/jwt/hub/").cookie(&site.cookie);
        for name in [
            "x-qlik-user",
            "x-qlik-security",
            "x-forwarded-for",
            "x-original-url",
        ] {
            request = request.header(&name.replace('-', &c.to_string()), "forged");
        }
        assert_eq!(
            http2.send(request, None).await.expect("an answer").status,
            200
        );
        let received = site.backend.last();
        assert!(!received.text().contains("forged"), "{received:?}");
        assert_eq!(
            received.headers("x-qlik-user"),
            ["UserDirectory=example; UserId=boz"]
        );
    }
}

#[tokio::test]
async fn cookies_that_come_in_crumbs_are_found_and_removed() {
    let site = Site::new().await;
    let request = site
        .client()
        .get("/jwt/hub/")
        .header("cookie", "a=1")
        .cookie(&site.cookie)
        .header("cookie", "b=2");
    assert_eq!(
        site.http2()
            .await
            .send(request, None)
            .await
            .expect("an answer")
            .status,
        200
    );
    assert_eq!(site.backend.last().headers("cookie").join("; "), "a=1; b=2");
}

#[tokio::test]
async fn a_host_that_differs_from_the_authority_is_refused() {
    let site = Site::new().await;
    let http2 = site.http2().await;
    let request = || site.client().get("/jwt/hub/").cookie(&site.cookie);
    let other = http2
        .send(request().header("host", "evil.example"), None)
        .await;
    if let Ok(answer) = other {
        assert_eq!(answer.status, 400);
    }
    assert!(
        site.backend.received().is_empty(),
        "{:?}",
        site.backend.received()
    );
}

#[tokio::test]
async fn bodies_pass_and_trailers_do_not() {
    let site = Site::new().await;
    let http2 = site.http2().await;
    let body: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    let request = site
        .client()
        .post("/jwt/x")
        .cookie(&site.cookie)
        .body(body.clone());
    let mut trailers = HeaderMap::new();
    for name in ["x-qlik-user", "x_qlik_user", "x-own", "authorization"] {
        trailers.append(
            HeaderName::from_static(name),
            HeaderValue::from_static("forged"),
        );
    }
    let answer = http2
        .send(request, Some(trailers))
        .await
        .expect("an answer");
    assert_eq!(answer.status, 200);
    let received = site.backend.only();
    assert!(received.body == body, "{} bytes came", received.body.len());
    assert_eq!(
        received.headers("content-length").len() + received.headers("transfer-encoding").len(),
        1
    );
    let end =
        String::from_utf8_lossy(&received.raw_body[received.raw_body.len() - 200..]).into_owned();
    assert!(
        !end.contains("forged") && !received.text().contains("forged"),
        "{end}"
    );
}

/// One request, as fields in the order in which they are written.
type Fields<'a> = Vec<(&'a str, &'a str)>;

/// The preface, SETTINGS, and one request without a body, with fields that no library would send
/// (RFC 9113 section 4.1; RFC 7541 section 6.2.2, literals without indexing).
fn bytes_of(fields: &Fields<'_>) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127, "one byte of length is enough here");
            block.push(u8::try_from(text.len()).expect("a short text"));
            block.extend_from_slice(text.as_bytes());
        }
    }
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
    let length = u32::try_from(block.len())
        .expect("a short block")
        .to_be_bytes();
    bytes.extend_from_slice(&length[1..]);
    // HEADERS with END_STREAM and END_HEADERS on stream 1.
    bytes.extend_from_slice(&[1, 0x5, 0, 0, 0, 1]);
    bytes.extend_from_slice(&block);
    bytes
}

/// How many requests reach the backend with these fields.
async fn reach(site: &Site, fields: &Fields<'_>) -> usize {
    let before = site.backend.received().len();
    let mut raw = site.client().offering(&["h2"]).raw().await;
    raw.send(bytes_of(fields)).await;
    while raw
        .silence(Duration::from_millis(400))
        .await
        .is_some_and(|bytes| !bytes.is_empty())
    {}
    site.backend.received().len() - before
}

#[tokio::test]
async fn what_only_http_2_can_say_never_becomes_something_else_in_http_1() {
    let site = Site::new().await;
    let cookie = site.cookie.pair();
    let host = site.client().host();
    let good = || {
        vec![
            (":method", "GET"),
            (":scheme", "https"),
            (":path", "/jwt/x"),
            (":authority", host.as_str()),
            ("cookie", cookie.as_str()),
        ]
    };
    assert_eq!(
        reach(&site, &good()).await,
        1,
        "the bytes of this test are a request"
    );
    let added = [
        ("x", "a\r\nx-qlik-user: forged"),
        ("x", "a\nb"),
        ("x", "a\rb"),
        ("x", "a\0b"),
        ("x\r\nx-qlik-user", "forged"),
        ("x y", "z"),
        ("X-Upper", "z"),
        ("", "z"),
        ("connection", "x-qlik-user"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("keep-alive", "1"),
        ("proxy-connection", "keep-alive"),
        ("te", "gzip"),
        ("content-length", "10"),
        (":path", "/jwt/second"),
        (":authority", "second"),
        (":method", "POST"),
        (":status", "200"),
        (":protocol", "websocket"),
    ];
    for (name, value) in added {
        let mut fields = good();
        fields.push((name, value));
        assert_eq!(
            reach(&site, &fields).await,
            0,
            "{name:?}: {value:?}: {:?}",
            site.backend.last()
        );
    }
    let replaced = [
        (":path", "/jwt/x HTTP/1.1\r\nx-qlik-user: forged"),
        (":path", "/jwt/x y"),
        (":path", "/jwt/\0"),
        (":path", ""),
        (":path", "*"),
        (":path", "jwt/x"),
        (":path", "//jwt/x"),
        (":method", "GET /jwt/y HTTP/1.1\r\n\r\nGET"),
        (":method", "CONNECT"),
        (":method", "TRACE"),
        (":authority", "a\r\nx: y"),
        (":authority", "u:p@a"),
        (":authority", "a b"),
        (":authority", "a/b"),
        (":authority", ""),
        (":scheme", "https://evil/?"),
    ];
    for (name, value) in replaced {
        let mut fields = good();
        for field in &mut fields {
            if field.0 == name {
                field.1 = value;
            }
        }
        assert_eq!(
            reach(&site, &fields).await,
            0,
            "{name:?}: {value:?}: {:?}",
            site.backend.last()
        );
    }
    assert_eq!(reach(&site, &good()).await, 1);
    assert_eq!(site.gateway.metric("jotgate_panics_total").await, 0.0);
}
