//! Bad input over QRS, beside the fields of a virtual proxy: bodies that are no entity, requests that
//! lack something, proxies and nodes that cannot be. `bad_saves.rs` has the fields.

#[path = "support/administration.rs"]
mod administration;
#[path = "support/serving.rs"]
mod serving;

use std::time::Duration;

use administration::Administration;
use jotgate_scenarios::{Backend, Client, Gateway, Keys, Raw};
use serde_json::json;
use serving::{Serving, assert_sentence};

#[tokio::test]
async fn bodies_that_are_no_entity() {
    let mut serving = Serving::start().await;
    let administration = Administration::of(&serving.gateway);
    let limit = 1 << 20;
    let padded = |length: usize| format!("{{\"prefix\": \"big\"{}}}", " ".repeat(length));
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, status, why) in [
        (String::new(), 400, "empty"),
        (" \r\n".to_owned(), 400, "empty"),
        ("{\"prefix\": \"a\"".to_owned(), 400, "ends too early"),
        ("{prefix: 'a'}".to_owned(), 400, "no JSON"),
        ("[{}]".to_owned(), 400, "no JSON object"),
        ("null".to_owned(), 400, "no JSON object"),
        ("\"text\"".to_owned(), 400, "no JSON object"),
        (deep, 400, "no JSON"),
        (padded(limit), 413, "longer than 1048576 bytes"),
    ] {
        for (method, path) in [
            ("POST", "/virtualproxyconfig".to_owned()),
            ("PUT", serving.vp.path()),
        ] {
            let request = administration.request(method, &path);
            let answer = request.body(body.clone()).send().await;
            assert_sentence(&answer, status, &[why]);
        }
        serving.assert_goes_on(why).await;
    }
}

#[tokio::test]
async fn bodies_in_another_encoding() {
    let mut serving = Serving::start().await;
    let administration = Administration::of(&serving.gateway);
    let json = "{\"prefix\": \"encoded\", \"description\": \"\u{fc}ber\"}";
    let utf_16 = |to_bytes: fn(u16) -> [u8; 2]| {
        let units = std::iter::once(0xfeff).chain(json.encode_utf16());
        units.flat_map(to_bytes).collect::<Vec<u8>>()
    };
    let latin_1 = json.chars().map(|c| u8::try_from(c).expect("Latin-1"));
    for (encoding, body) in [
        ("UTF-16, little endian", utf_16(u16::to_le_bytes)),
        ("UTF-16, big endian", utf_16(u16::to_be_bytes)),
        ("Latin-1", latin_1.collect()),
        (
            "UTF-8 that is cut",
            json.as_bytes()[..json.len() - 6].to_vec(),
        ),
        ("a lone surrogate", br#"{"prefix": "\ud800"}"#.to_vec()),
        ("a zero byte", b"{\"prefix\": \"a\0b\"}".to_vec()),
    ] {
        for (method, path) in [
            ("POST", "/virtualproxyconfig".to_owned()),
            ("PUT", serving.vp.path()),
        ] {
            let request = administration.request(method, &path);
            let answer = request.body(body.clone()).send().await;
            assert_sentence(&answer, 400, &["no JSON"]);
        }
        serving.assert_goes_on(encoding).await;
    }
    // A byte order mark in front of UTF-8 is no mistake.
    let marked = format!("\u{feff}{json}");
    let request = administration.request("POST", "/virtualproxyconfig");
    let answer = request.body(marked).send().await;
    assert_sentence(&answer, 400, &["sessionCookieHeaderName"]);
}

#[tokio::test]
async fn filters_that_nobody_would_write() {
    let mut serving = Serving::start().await;
    let administration = Administration::of(&serving.gateway);
    let nested = |depth: usize| {
        let (open, close) = ("(".repeat(depth), ")".repeat(depth));
        format!("{open}prefix%20eq%20'jwt'{close}")
    };
    let long = |length: usize| format!("prefix%20eq%20'{}'", "x".repeat(length));
    for (filter, status) in [
        (nested(64), 200),
        (nested(65), 400),
        (nested(1000), 400),
        ("(".repeat(1000), 400),
        (long(8000), 200),
        (long(9000), 400),
        ("prefix%20eq%20'%ff'".to_owned(), 400),
        ("nothing%20eq%201".to_owned(), 400),
    ] {
        for path in ["/virtualproxyconfig", "/virtualproxyconfig/count"] {
            let request = administration.request_with("GET", path, &format!("filter={filter}"));
            let answer = request.send().await;
            let shown: String = filter.chars().take(40).collect();
            assert_eq!(answer.status, status, "{shown}: {}", answer.text());
        }
    }
    // More than an address may have.
    let (mut raw, _) = begun(&serving, "/virtualproxyconfig", "").await;
    let target = format!("/qrs/virtualproxyconfig?filter={}", long(100_000));
    let head = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    raw.send(head).await;
    assert_eq!(raw.read_answer().await.status, 414);
    assert!(raw.ends_cleanly().await);
    serving.assert_goes_on("bad filters").await;
}

#[tokio::test]
async fn of_two_writers_at_once_one_is_told_of_the_other() {
    let serving = Serving::start().await;
    let before = serving.vp.entity().await;
    let path = serving.vp.path();
    let save = async |description: &str| {
        let mut entity = before.clone();
        entity["description"] = description.into();
        let answer = serving.qrs().send("PUT", &path, Some(&entity)).await;
        (answer, description.to_owned())
    };
    let all = tokio::join!(save("a"), save("b"), save("c"), save("d"));
    let all = [all.0, all.1, all.2, all.3];
    let (saved, refused): (Vec<_>, Vec<_>) =
        all.iter().partition(|(answer, _)| answer.status == 200);
    assert_eq!((saved.len(), refused.len()), (1, 3));
    for (answer, _) in refused {
        assert_sentence(answer, 409, &["read it again"]);
    }
    assert_eq!(
        serving.vp.entity().await["description"],
        saved[0].1.as_str()
    );
}

#[tokio::test]
async fn a_body_without_an_end() {
    let mut serving = Serving::start().await;
    let (mut raw, head) = begun(
        &serving,
        "/virtualproxyconfig",
        "Transfer-Encoding: chunked",
    )
    .await;
    raw.send(head).await;
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let mut sent = 0_usize;
    while sent < 64 << 20 && raw.try_send(&chunk).await.is_ok() {
        sent += 0x10000;
        if raw.silence(Duration::from_millis(1)).await.is_some() {
            break;
        }
    }
    assert!(sent < 16 << 20, "{sent} bytes were taken");
    serving.assert_goes_on("an endless body").await;
}

/// A refusal that came before the body was read closed the connection under the client that was still
/// sending it, over TLS without `close_notify`; schemathesis saw that as the end of a broken connection.
#[tokio::test]
async fn a_client_that_is_refused_while_it_still_sends_gets_its_answer() {
    let serving = Serving::start().await;
    let body = "x".repeat(100_000);
    let length = format!("Content-Length: {}", body.len());
    let (mut raw, head) = begun(&serving, "/nothing", &length).await;
    for _ in 0..3 {
        raw.send(&head).await;
        // Nothing of the body has come when the request is judged.
        assert_eq!(raw.silence(Duration::from_millis(100)).await, None);
        raw.send(&body[..50_000]).await;
        raw.send(&body[50_000..]).await;
        let answer = raw.read_answer().await;
        assert_eq!(answer.status, 404, "{}", answer.text());
        assert_eq!(answer.headers.get("connection"), None, "it goes on");
    }
}

#[tokio::test]
async fn a_connection_with_more_than_anybody_reads_ends_with_an_answer_and_a_goodbye() {
    let serving = Serving::start().await;
    let (mut raw, head) = begun(&serving, "/nothing", "Content-Length: 1500000").await;
    raw.send(&head).await;
    raw.send("x".repeat(1_500_000)).await;
    let answer = raw.read_answer().await;
    assert_eq!(answer.status, 404, "{}", answer.text());
    let connection = answer.headers.get("connection");
    assert_eq!(
        connection.map(|value| value.as_bytes()),
        Some(&b"close"[..])
    );
    assert!(raw.ends_cleanly().await);

    // Who wants to be asked for its body is not.
    let fields = "Content-Length: 5\r\nExpect: 100-continue";
    let (mut raw, head) = begun(&serving, "/nothing", fields).await;
    raw.send(&head).await;
    assert_eq!(raw.read_answer().await.status, 404);
    assert!(raw.ends_cleanly().await);

    let (mut raw, _) = begun(&serving, "/nothing", "").await;
    raw.send("no HTTP\r\n\r\n").await;
    assert_eq!(raw.read_answer().await.status, 400);
    assert!(raw.ends_cleanly().await);
}

/// A connection to QRS, and the head of a POST with these further fields.
async fn begun(serving: &Serving, path: &str, fields: &str) -> (Raw, String) {
    let certificates = serving.gateway.certificates();
    let address = serving.gateway.listeners().qrs;
    let client = Client::tls_with_certificate(address, &certificates, "client");
    let administration = Administration::of(&serving.gateway);
    let mut request = administration.request("POST", path);
    for field in fields.lines() {
        let (name, value) = field.split_once(": ").expect("a field");
        request = request.header(name, value);
    }
    (client.raw().await, request.head())
}

#[tokio::test]
async fn requests_without_what_every_request_needs() {
    let mut serving = Serving::start().await;
    let client = Client::tls_with_certificate(
        serving.gateway.listeners().qrs,
        &serving.gateway.certificates(),
        "client",
    );
    let (key, user) = (
        "0123456789abcdef",
        "UserDirectory=INTERNAL; UserId=sa_repository",
    );
    let path = format!("/qrs{}", serving.vp.path());
    let with_key = format!("{path}?xrfkey={key}");
    let bad = [
        client.request("DELETE", &path).header("X-Qlik-User", user),
        client
            .request("DELETE", &with_key)
            .header("X-Qlik-User", user),
        client
            .request("DELETE", &with_key)
            .header("X-Qlik-User", user)
            .header("X-Qlik-Xrfkey", "fedcba9876543210"),
        client
            .request("DELETE", &with_key)
            .header("X-Qlik-Xrfkey", key),
        client
            .request("DELETE", &with_key)
            .header("X-Qlik-Xrfkey", key)
            .header("X-Qlik-User", "somebody"),
    ];
    for request in bad {
        assert_sentence(&request.send().await, 403, &[]);
        serving.assert_goes_on("an incomplete request").await;
    }
    // TLS's own certificate opens nothing: it was not issued to an administrator.
    let certificates = serving.gateway.certificates();
    let server =
        Client::tls_with_certificate(serving.gateway.listeners().qrs, &certificates, "server");
    let nobody = Client::tls(serving.gateway.listeners().qrs, &certificates);
    for client in [server, nobody] {
        let request = client
            .request("DELETE", &with_key)
            .header("X-Qlik-Xrfkey", key)
            .header("X-Qlik-User", user);
        assert!(
            request.try_send().await.is_err(),
            "a stranger got an answer"
        );
    }
    serving.assert_goes_on("a stranger's request").await;
}

#[tokio::test]
async fn a_proxy_or_a_node_that_cannot_be() {
    let mut serving = Serving::start().await;
    let mut proxy = serving.qrs().proxy_service().await;
    let path = format!("/proxyservice/{}", proxy["id"].as_str().expect("an id"));
    let linked = proxy["settings"]["virtualProxies"]
        .as_array_mut()
        .expect("a list");
    linked.push(json!({ "id": "00000000-0000-4000-8000-000000000000" }));
    let answer = serving.qrs().send("PUT", &path, Some(&proxy)).await;
    assert_sentence(&answer, 400, &["virtualProxies"]);
    serving.assert_goes_on("an unknown virtual proxy").await;

    // Linking shows what a virtual proxy still lacks.
    let incomplete = json!({
        "prefix": "incomplete",
        "description": "incomplete",
        "sessionCookieHeaderName": "X-Qlik-Session-incomplete",
        "authenticationMethod": 4,
    });
    let incomplete = serving
        .qrs()
        .create("/virtualproxyconfig", &incomplete)
        .await;
    let mut proxy = serving.qrs().proxy_service().await;
    let linked = proxy["settings"]["virtualProxies"]
        .as_array_mut()
        .expect("a list");
    linked.push(json!({ "id": incomplete["id"] }));
    let answer = serving.qrs().send("PUT", &path, Some(&proxy)).await;
    assert_sentence(&answer, 400, &["jwtAttributeUserId"]);
    serving.stored = serving.qrs().get("/virtualproxyconfig/full").await;
    serving.assert_goes_on("an incomplete virtual proxy").await;

    for (properties, named) in [
        (
            json!({ "services": [{ "path": "/", "uri": "ftp://127.0.0.1" }] }),
            "services",
        ),
        (
            json!({ "services": [{ "path": "hub", "uri": "http://127.0.0.1:1" }] }),
            "services",
        ),
        (
            json!({ "services": [{ "path": "/", "uri": "http://user:password@127.0.0.1:1" }] }),
            "services",
        ),
        (json!({ "caCertificate": "nothing" }), "caCertificate"),
        (
            json!({ "clientCertificate": Keys::first().certificate() }),
            "clientKey",
        ),
        (json!({ "nodePurpose": 7 }), "nodePurpose"),
    ] {
        let mut node = json!({ "name": "bad", "hostName": "127.0.0.1" });
        let object = node.as_object_mut().expect("an object");
        object.extend(properties.as_object().expect("an object").clone());
        let answer = serving
            .qrs()
            .send("POST", "/servernodeconfiguration", Some(&node))
            .await;
        assert_sentence(&answer, 400, &[named]);
        assert!(!answer.text().contains("password"), "{}", answer.text());
        serving.assert_goes_on(named).await;
    }
}

#[tokio::test]
async fn a_backend_that_is_not_there() {
    let gateway = Gateway::serve().await;
    let nowhere = Backend::nowhere().await;
    let node = gateway
        .qrs()
        .node_with(json!({ "services": [{ "path": "/", "uri": format!("http://{nowhere}") }] }))
        .await;
    gateway.qrs().virtual_proxy("jwt").node(node).create().await;
    let token = Keys::first().token().sign();
    let answer = gateway
        .client()
        .get("/jwt/")
        .bearer(&token)
        .accepts_json()
        .send()
        .await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(answer.reason(), "node_failed");
    assert_eq!(answer.json()["reason"], "node_failed");
    assert!(
        !answer.text().contains(&nowhere.to_string()),
        "the address is nobody's business: {}",
        answer.text()
    );
    let line = gateway.access_line(&answer.reference()).await;
    let detail = line["detail"].as_str().expect("a detail");
    assert!(
        detail.contains(&nowhere.to_string()) && detail.contains("cannot be reached"),
        "{line}"
    );
}
