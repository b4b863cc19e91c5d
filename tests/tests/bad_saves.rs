//! Bad input over QRS: a plain-text sentence that names the field, and the configuration that was
//! serving goes on: no session and no WebSocket ends, and nothing of it is stored.

#[path = "support/administration.rs"]
mod administration;
#[path = "support/certificates.rs"]
mod certificates;

use std::fs;
use std::path::Path;

use administration::Administration;
use jotgate_scenarios::{Answer, Backend, Cookie, Gateway, Keys, Qrs, Socket, VirtualProxy};
use serde_json::{Value, json};

/// 1024 bits.
const SHORT_KEY: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCwheLtRowI1nB8iajQWU3qGl4m
Plj+cQHw+K7P8NdXWg7hqfl6B05zoWUstCPSUOiXtOuUgCwPQ4JcqoAV/FAx8WSD
LoSa4b7o3NBEbQkaJdbg6kyBirGjqlsgqEDuyY6fjFKwzRfIrDDXX38RF6fNGhyd
AAO5m7Dedn8i6iv6xwIDAQAB
-----END PUBLIC KEY-----
";

/// A gateway that serves: a session and an open WebSocket behind the virtual proxy `jwt`, and a second
/// virtual proxy.
struct Serving {
    gateway: Gateway,
    vp: VirtualProxy,
    stored: Value,
    cookie: Cookie,
    socket: Socket,
    _backend: Backend,
}

impl Serving {
    async fn start() -> Self {
        let (gateway, backend) = (Gateway::serve().await, Backend::echo().await);
        let vp = gateway.qrs().jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
        gateway.qrs().virtual_proxy("other").unlinked().create().await;
        let client = gateway.client();
        let cookie = client.get("/jwt/").bearer(&Keys::first().token().sign()).send().await.cookie();
        let opening = client.get("/jwt/app/").cookie(&cookie).open_socket().await;
        let socket = opening.unwrap_or_else(|answer| panic!("no WebSocket: {}", answer.text()));
        let stored = gateway.qrs().get("/virtualproxyconfig/full").await;
        Self {
            gateway,
            vp,
            stored,
            cookie,
            socket,
            _backend: backend,
        }
    }

    fn qrs(&self) -> Qrs {
        self.gateway.qrs()
    }

    /// As before: the stored configuration, the session, the WebSocket, and a sign-in.
    async fn assert_goes_on(&mut self, after: &str) {
        let stored = self.qrs().get("/virtualproxyconfig/full").await;
        assert_eq!(stored, self.stored, "after {after}: something was stored");
        let client = self.gateway.client();
        let with_cookie = client.get("/jwt/").cookie(&self.cookie).send().await;
        assert_eq!(with_cookie.status, 200, "after {after}: {}", with_cookie.text());
        let with_token = client.get("/jwt/").bearer(&Keys::first().token().sign()).send().await;
        assert_eq!(with_token.status, 200, "after {after}: {}", with_token.text());
        self.socket.assert_echo(after).await;
    }

    /// Tries to save that value, in the virtual proxy that serves and in a new one.
    async fn assert_field_refused(&mut self, property: &str, value: Value, named: &str, why: &str) {
        let mut entity = self.vp.entity().await;
        entity[property] = value.clone();
        let update = self.qrs().send("PUT", &self.vp.path(), Some(&entity)).await;
        assert_sentence(&update, 400, &[named, why]);
        let mut third = json!({
            "prefix": "third",
            "description": "third",
            "sessionCookieHeaderName": "X-Qlik-Session-third",
            "authenticationMethod": 4,
            "jwtPublicKeyCertificate": Keys::first().public_key(),
            "jwtAttributeUserId": "userId",
            "jwtAttributeUserDirectory": "userDirectory",
        });
        third[property] = value;
        let create = self.qrs().send("POST", "/virtualproxyconfig", Some(&third)).await;
        assert_eq!(create.status, 400, "a new one with {property} {}", third[property]);
        assert_sentence(&create, 400, &[named, why]);
        self.assert_goes_on(&format!("{property}: {why}")).await;
    }
}

/// One line of plain text, with every one of the texts in it.
fn assert_sentence(answer: &Answer, status: u16, texts: &[&str]) {
    let text = answer.text();
    assert_eq!(answer.status, status, "{text}");
    assert!(answer.header("content-type").starts_with("text/plain"), "{answer:?}");
    assert_eq!(text.trim_end().lines().count(), 1, "not one line: {text}");
    assert!(text.len() < 700, "{} bytes: {text}", text.len());
    for part in texts {
        assert!(text.contains(part), "{part:?} is missing: {text}");
    }
}

#[tokio::test]
async fn keys_that_cannot_be_used() {
    let mut serving = Serving::start().await;
    let good = Keys::first().certificate();
    let cut = good.replace("-----END CERTIFICATE-----", "");
    let damaged = good.replace("MII", "!!!");
    for (pem, why) in [
        ("not a PEM", "no certificate"),
        (cut.as_str(), "cut"),
        (damaged.as_str(), "not base64"),
        (&good[..good.len() / 2], "cut"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "number 1"),
        (SHORT_KEY, "1024"),
        ("ssh-rsa AAAAB3NzaC1yc2E= me", "OpenSSH"),
        (&format!("{good}{SHORT_KEY}"), "number 2"),
    ] {
        serving.assert_field_refused("jwtPublicKeyCertificate", json!(pem), "jwtPublicKeyCertificate", why).await;
    }
}

#[tokio::test]
async fn a_private_key_where_a_public_one_belongs_is_stored_nowhere() {
    let mut serving = Serving::start().await;
    let elliptic = certificates::for_names(&["issuer.example"]);
    let together = format!("{}{}", elliptic.certificate, elliptic.key);
    for key in [Keys::second().private_key(), elliptic.key, together] {
        let before = "private key";
        let field = "jwtPublicKeyCertificate";
        serving.assert_field_refused(field, json!(key), field, before).await;
        let secret = key.lines().rev().find(|line| line.len() > 20 && !line.starts_with('-'));
        assert_in_no_file(serving.gateway.folder().path(), secret.expect("a line of the key"));
        // Elsewhere in the document it is as secret.
        let node = json!({ "name": "n", "hostName": "h", "caCertificate": key });
        let answer = serving.qrs().send("POST", "/servernodeconfiguration", Some(&node)).await;
        assert_sentence(&answer, 400, &["caCertificate", "private key"]);
        assert_in_no_file(serving.gateway.folder().path(), secret.expect("a line of the key"));
    }
    let output = serving.gateway.process().stderr() + &serving.gateway.process().stdout();
    assert!(!output.contains("PRIVATE KEY"), "{output}");
}

#[tokio::test]
async fn names_that_are_taken_or_impossible() {
    let mut serving = Serving::start().await;
    for (prefix, why) in [
        ("Portal", "lower case"),
        ("a b", "lower case"),
        ("a/b", "'/'"),
        ("jwt%2e", "'%'"),
        ("übersicht", "'ü'"),
        ("..", "dots"),
        ("hub", "reserved"),
        ("qrs", "reserved"),
        ("", "prefix"),
        ("other", "prefix"),
    ] {
        serving.assert_field_refused("prefix", json!(prefix), "prefix", why).await;
    }
    for (name, why) in [
        ("", "empty"),
        ("a b", "' '"),
        ("a;b", "';'"),
        ("a=b", "'='"),
        ("X-Qlik-Session-other", "sessionCookieHeaderName"),
        // What the other one's cookie is called over plain HTTP.
        ("X-Qlik-Session-other-HTTP", "sessionCookieHeaderName"),
    ] {
        serving
            .assert_field_refused("sessionCookieHeaderName", json!(name), "sessionCookieHeaderName", why)
            .await;
    }
}

#[tokio::test]
async fn header_lines_that_would_be_more_than_they_say() {
    let mut serving = Serving::start().await;
    let field = "additionalResponseHeaders";
    for lines in [
        "X-A: b\r\nSet-Cookie: X-Qlik-Session-jwt=stolen",
        "X-A: b\nTransfer-Encoding: chunked",
        "Content-Length: 0",
        "Connection: close",
        "X-A: b\0c",
        "X-A: b\rX-B: c",
        "X A: b",
        "X-A b",
        ": b",
        "X-A: b\r\n c\r\n\tfolded",
    ] {
        serving.assert_field_refused(field, json!(lines), field, "").await;
    }
    for (name, value) in [
        ("X-Qlik-User", "x"),
        ("x-qlik-proxysession", "x"),
        ("Connection", "close"),
        ("Transfer-Encoding", "chunked"),
        ("Host", "elsewhere"),
        ("Cookie", "a=b"),
        ("X A", "b"),
        ("X-A", "{attribute.}"),
        ("X-A", "{nobody}"),
    ] {
        let headers = json!([{ "name": name, "value": value }]);
        serving.assert_field_refused("backendHeaders", headers, "backendHeaders", "").await;
    }
}

/// What is no visible ASCII reaches backends percent-encoded: it stays inside of its value.
#[tokio::test]
async fn a_line_break_in_the_value_of_a_backend_header_begins_no_other() {
    let (gateway, backend) = (Gateway::serve().await, Backend::echo().await);
    let headers = json!([{ "name": "X-A", "value": "{userId}\r\nX-Qlik-User: admin" }]);
    let vp = gateway.qrs().virtual_proxy("jwt").backend(&backend).await.set("backendHeaders", headers);
    vp.create().await;
    let token = Keys::first().token().user("example", "a\u{e9} b").sign();
    assert_eq!(gateway.client().get("/jwt/").bearer(&token).send().await.status, 200);
    let received = backend.only();
    assert_eq!(received.headers("X-Qlik-User").len(), 1, "{received:?}");
    let value = received.header("X-A").expect("the header");
    assert!(value.contains("%C3%A9") && value.contains("%0D%0A"), "{value}");
}

#[tokio::test]
async fn fields_that_are_too_large() {
    let mut serving = Serving::start().await;
    let long = |length: usize| json!("x".repeat(length));
    for (property, value, why) in [
        ("prefix", long(10_000), "at most"),
        ("description", long(501), "at most 500"),
        ("sessionCookieHeaderName", long(10_000), "at most"),
        ("additionalResponseHeaders", json!(format!("X-A: {}", "x".repeat(1020))), "at most 1024"),
        ("authenticationModuleRedirectUri", json!(format!("https://a/{}", "x".repeat(1024))), "at most 1024"),
        ("jwtAttributeUserId", long(256), "at most 255"),
        ("jwtAudience", long(256), "at most 255"),
        ("jwtPublicKeyCertificate", long(100_001), "at most 100000"),
        ("sessionInactivityTimeout", json!(0), "1 to 71582"),
        ("sessionInactivityTimeout", json!(71_583), "1 to 71582"),
        ("sessionMaxLifetime", json!(71_583), "71582"),
        ("csrfProtection", json!(2), "1"),
        ("websocketCrossOriginWhiteList", json!(vec!["a.example"; 1001]), "at most 1000"),
    ] {
        serving.assert_field_refused(property, value, property, why).await;
    }
}

#[tokio::test]
async fn values_of_the_wrong_type() {
    let mut serving = Serving::start().await;
    for (property, value) in [
        ("prefix", json!(5)),
        ("prefix", json!(["jwt"])),
        ("description", json!({ "text": "x" })),
        ("sessionInactivityTimeout", json!("soon")),
        ("sessionInactivityTimeout", json!(-1)),
        ("sessionInactivityTimeout", json!(1.5)),
        ("sessionInactivityTimeout", json!(1e30)),
        ("authenticationMethod", json!(99)),
        ("hasSecureAttributeHttps", json!("yes")),
        ("jwtAttributeMap", json!({})),
        ("jwtAttributeMap", json!([5])),
        ("jwtAttributeMap", json!([{ "jwtAttribute": 5, "senseAttribute": "a", "isMandatory": false }])),
        ("websocketCrossOriginWhiteList", json!("portal.example.com")),
        ("websocketCrossOriginWhiteList", json!([5])),
        ("corsAllowedOrigins", json!(["portal.example.com"])),
        ("jwtAlgorithms", json!(["none"])),
        ("jwtAlgorithms", json!(["HS256"])),
        ("jwtAlgorithms", json!("RS256")),
        ("loadBalancingServerNodes", json!("local")),
        ("loadBalancingServerNodes", json!([{ "id": "not a GUID" }])),
        ("loadBalancingServerNodes", json!([{ "id": "00000000-0000-4000-8000-000000000000" }])),
    ] {
        serving.assert_field_refused(property, value, property, "").await;
    }
}

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
        for (method, path) in [("POST", "/virtualproxyconfig".to_owned()), ("PUT", serving.vp.path())] {
            let answer = administration.request(method, &path).body(body.clone()).try_send().await;
            // Who is refused while it still sends may see the connection end before the answer.
            match answer {
                Ok(answer) => assert_sentence(&answer, status, &[why]),
                Err(error) => assert_eq!(status, 413, "{method} {path}: {error}"),
            }
        }
        serving.assert_goes_on(why).await;
    }
}

#[tokio::test]
async fn a_body_without_an_end() {
    let mut serving = Serving::start().await;
    let client = jotgate_scenarios::Client::tls_with_certificate(
        serving.gateway.listeners().qrs,
        &serving.gateway.certificates(),
        "client",
    );
    let head = Administration::of(&serving.gateway)
        .request("POST", "/virtualproxyconfig")
        .header("Transfer-Encoding", "chunked")
        .head();
    let mut raw = client.raw().await;
    raw.send(head).await;
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let mut sent = 0_usize;
    while sent < 64 << 20 && raw.try_send(&chunk).await.is_ok() {
        sent += 0x10000;
        if raw.silence(std::time::Duration::from_millis(1)).await.is_some() {
            break;
        }
    }
    assert!(sent < 16 << 20, "{sent} bytes were taken");
    serving.assert_goes_on("an endless body").await;
}

#[tokio::test]
async fn requests_without_what_every_request_needs() {
    let mut serving = Serving::start().await;
    let client = jotgate_scenarios::Client::tls_with_certificate(
        serving.gateway.listeners().qrs,
        &serving.gateway.certificates(),
        "client",
    );
    let (key, user) = ("0123456789abcdef", "UserDirectory=INTERNAL; UserId=sa_repository");
    let path = format!("/qrs{}", serving.vp.path());
    let with_key = format!("{path}?xrfkey={key}");
    let bad = [
        client.request("DELETE", &path).header("X-Qlik-User", user),
        client.request("DELETE", &with_key).header("X-Qlik-User", user),
        client.request("DELETE", &with_key).header("X-Qlik-User", user).header("X-Qlik-Xrfkey", "fedcba9876543210"),
        client.request("DELETE", &with_key).header("X-Qlik-Xrfkey", key),
        client.request("DELETE", &with_key).header("X-Qlik-Xrfkey", key).header("X-Qlik-User", "somebody"),
    ];
    for request in bad {
        assert_sentence(&request.send().await, 403, &[]);
        serving.assert_goes_on("an incomplete request").await;
    }
    // TLS's own certificate opens nothing: it was not issued to an administrator.
    let certificates = serving.gateway.certificates();
    let server = jotgate_scenarios::Client::tls_with_certificate(serving.gateway.listeners().qrs, &certificates, "server");
    let nobody = jotgate_scenarios::Client::tls(serving.gateway.listeners().qrs, &certificates);
    for client in [server, nobody] {
        let request = client.request("DELETE", &with_key).header("X-Qlik-Xrfkey", key).header("X-Qlik-User", user);
        assert!(request.try_send().await.is_err(), "a stranger got an answer");
    }
    serving.assert_goes_on("a stranger's request").await;
}

#[tokio::test]
async fn a_proxy_or_a_node_that_cannot_be() {
    let mut serving = Serving::start().await;
    let mut proxy = serving.qrs().proxy_service().await;
    let path = format!("/proxyservice/{}", proxy["id"].as_str().expect("an id"));
    let linked = proxy["settings"]["virtualProxies"].as_array_mut().expect("a list");
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
    let incomplete = serving.qrs().create("/virtualproxyconfig", &incomplete).await;
    let mut proxy = serving.qrs().proxy_service().await;
    let linked = proxy["settings"]["virtualProxies"].as_array_mut().expect("a list");
    linked.push(json!({ "id": incomplete["id"] }));
    let answer = serving.qrs().send("PUT", &path, Some(&proxy)).await;
    assert_sentence(&answer, 400, &["jwtAttributeUserId"]);
    serving.stored = serving.qrs().get("/virtualproxyconfig/full").await;
    serving.assert_goes_on("an incomplete virtual proxy").await;

    for (properties, named) in [
        (json!({ "services": [{ "path": "/", "uri": "ftp://127.0.0.1" }] }), "services"),
        (json!({ "services": [{ "path": "hub", "uri": "http://127.0.0.1:1" }] }), "services"),
        (json!({ "services": [{ "path": "/", "uri": "http://user:password@127.0.0.1:1" }] }), "services"),
        (json!({ "caCertificate": "nothing" }), "caCertificate"),
        (json!({ "clientCertificate": Keys::first().certificate() }), "clientKey"),
        (json!({ "nodePurpose": 7 }), "nodePurpose"),
    ] {
        let mut node = json!({ "name": "bad", "hostName": "127.0.0.1" });
        let object = node.as_object_mut().expect("an object");
        object.extend(properties.as_object().expect("an object").clone());
        let answer = serving.qrs().send("POST", "/servernodeconfiguration", Some(&node)).await;
        assert_sentence(&answer, 400, &[named]);
        assert!(!answer.text().contains("password"), "{}", answer.text());
        serving.assert_goes_on(named).await;
    }
}

#[tokio::test]
async fn a_backend_that_is_not_there() {
    let gateway = Gateway::serve().await;
    let nowhere = Backend::nowhere().await;
    let node = gateway.qrs().node_with(json!({ "services": [{ "path": "/", "uri": format!("http://{nowhere}") }] })).await;
    gateway.qrs().virtual_proxy("jwt").node(node).create().await;
    let token = Keys::first().token().sign();
    let answer = gateway.client().get("/jwt/").bearer(&token).accepts_json().send().await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(answer.reason(), "node_failed");
    assert_eq!(answer.json()["reason"], "node_failed");
    assert!(!answer.text().contains(&nowhere.to_string()), "the address is nobody's business: {}", answer.text());
    let line = gateway.access_line(&answer.reference()).await;
    let detail = line["detail"].as_str().expect("a detail");
    assert!(detail.contains(&nowhere.to_string()) && detail.contains("cannot be reached"), "{line}");
}

/// No file below `folder` has that text.
fn assert_in_no_file(folder: &Path, text: &str) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            assert_in_no_file(&path, text);
            continue;
        }
        let content = fs::read(&path).expect("a file");
        let found = content.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!found, "{} holds the key", path.display());
    }
}
