//! Bad input over QRS: a plain-text sentence that names the field, and the configuration that was
//! serving goes on: no session and no WebSocket ends, and nothing of it is stored.

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/serving.rs"]
mod serving;

use std::fs;
use std::path::Path;

use jotgate_scenarios::{Backend, Gateway, Keys};
use serde_json::{Value, json};
use serving::{Serving, assert_sentence};

/// 1024 bits.
const SHORT_KEY: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCwheLtRowI1nB8iajQWU3qGl4m
Plj+cQHw+K7P8NdXWg7hqfl6B05zoWUstCPSUOiXtOuUgCwPQ4JcqoAV/FAx8WSD
LoSa4b7o3NBEbQkaJdbg6kyBirGjqlsgqEDuyY6fjFKwzRfIrDDXX38RF6fNGhyd
AAO5m7Dedn8i6iv6xwIDAQAB
-----END PUBLIC KEY-----
";

/// Tries to save that value, in the virtual proxy that serves and in a new one.
async fn assert_field_refused(
    serving: &mut Serving,
    property: &str,
    value: Value,
    named: &str,
    why: &str,
) {
    let mut entity = serving.vp.entity().await;
    entity[property] = value.clone();
    let update = serving
        .qrs()
        .send("PUT", &serving.vp.path(), Some(&entity))
        .await;
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
    let create = serving
        .qrs()
        .send("POST", "/virtualproxyconfig", Some(&third))
        .await;
    assert_eq!(
        create.status, 400,
        "a new one with {property} {}",
        third[property]
    );
    assert_sentence(&create, 400, &[named, why]);
    serving.assert_goes_on(&format!("{property}: {why}")).await;
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
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "number 1",
        ),
        (SHORT_KEY, "1024"),
        ("ssh-rsa AAAAB3NzaC1yc2E= me", "OpenSSH"),
        (&format!("{good}{SHORT_KEY}"), "number 2"),
    ] {
        assert_field_refused(
            &mut serving,
            "jwtPublicKeyCertificate",
            json!(pem),
            "jwtPublicKeyCertificate",
            why,
        )
        .await;
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
        assert_field_refused(&mut serving, field, json!(key), field, before).await;
        let secret = key
            .lines()
            .rev()
            .find(|line| line.len() > 20 && !line.starts_with('-'));
        assert_in_no_file(
            serving.gateway.folder().path(),
            secret.expect("a line of the key"),
        );
        // Elsewhere in the document it is as secret.
        let node = json!({ "name": "n", "hostName": "h", "caCertificate": key });
        let answer = serving
            .qrs()
            .send("POST", "/servernodeconfiguration", Some(&node))
            .await;
        assert_sentence(&answer, 400, &["caCertificate", "private key"]);
        assert_in_no_file(
            serving.gateway.folder().path(),
            secret.expect("a line of the key"),
        );
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
        assert_field_refused(&mut serving, "prefix", json!(prefix), "prefix", why).await;
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
        assert_field_refused(
            &mut serving,
            "sessionCookieHeaderName",
            json!(name),
            "sessionCookieHeaderName",
            why,
        )
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
        assert_field_refused(&mut serving, field, json!(lines), field, "").await;
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
        assert_field_refused(
            &mut serving,
            "backendHeaders",
            headers,
            "backendHeaders",
            "",
        )
        .await;
    }
}

/// What is no visible ASCII reaches backends percent-encoded: it stays inside of its value.
#[tokio::test]
async fn a_line_break_in_the_value_of_a_backend_header_begins_no_other() {
    let (gateway, backend) = (Gateway::serve().await, Backend::echo().await);
    let headers = json!([{ "name": "X-A", "value": "{userId}\r\nX-Qlik-User: admin" }]);
    let vp = gateway
        .qrs()
        .virtual_proxy("jwt")
        .backend(&backend)
        .await
        .set("backendHeaders", headers);
    vp.create().await;
    let token = Keys::first().token().user("example", "a\u{e9} b").sign();
    assert_eq!(
        gateway
            .client()
            .get("/jwt/")
            .bearer(&token)
            .send()
            .await
            .status,
        200
    );
    let received = backend.only();
    assert_eq!(received.headers("X-Qlik-User").len(), 1, "{received:?}");
    let value = received.header("X-A").expect("the header");
    assert!(
        value.contains("%C3%A9") && value.contains("%0D%0A"),
        "{value}"
    );
}

#[tokio::test]
async fn fields_that_are_too_large() {
    let mut serving = Serving::start().await;
    let long = |length: usize| json!("x".repeat(length));
    for (property, value, why) in [
        ("prefix", long(10_000), "at most"),
        ("description", long(501), "at most 500"),
        ("sessionCookieHeaderName", long(10_000), "at most"),
        (
            "additionalResponseHeaders",
            json!(format!("X-A: {}", "x".repeat(1020))),
            "at most 1024",
        ),
        (
            "authenticationModuleRedirectUri",
            json!(format!("https://a/{}", "x".repeat(1024))),
            "at most 1024",
        ),
        ("jwtAttributeUserId", long(256), "at most 255"),
        ("jwtAudience", long(256), "at most 255"),
        ("jwtPublicKeyCertificate", long(100_001), "at most 100000"),
        ("sessionInactivityTimeout", json!(0), "1 to 71582"),
        ("sessionInactivityTimeout", json!(71_583), "1 to 71582"),
        ("sessionMaxLifetime", json!(71_583), "71582"),
        ("csrfProtection", json!(2), "1"),
        (
            "websocketCrossOriginWhiteList",
            json!(vec!["a.example"; 1001]),
            "at most 1000",
        ),
    ] {
        assert_field_refused(&mut serving, property, value, property, why).await;
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
        (
            "jwtAttributeMap",
            json!([{ "jwtAttribute": 5, "senseAttribute": "a", "isMandatory": false }]),
        ),
        ("websocketCrossOriginWhiteList", json!("portal.example.com")),
        ("websocketCrossOriginWhiteList", json!([5])),
        ("corsAllowedOrigins", json!(["portal.example.com"])),
        ("jwtAlgorithms", json!(["none"])),
        ("jwtAlgorithms", json!(["HS256"])),
        ("jwtAlgorithms", json!("RS256")),
        ("loadBalancingServerNodes", json!("local")),
        ("loadBalancingServerNodes", json!([{ "id": "not a GUID" }])),
        (
            "loadBalancingServerNodes",
            json!([{ "id": "00000000-0000-4000-8000-000000000000" }]),
        ),
    ] {
        assert_field_refused(&mut serving, property, value, property, "").await;
    }
}

/// No file below `folder` has that text.
fn assert_in_no_file(folder: &Path, text: &str) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            assert_in_no_file(&path, text);
            continue;
        }
        if !path.is_file() {
            // The socket of the next process holds nothing.
            continue;
        }
        let content = fs::read(&path).expect("a file");
        let found = content
            .windows(text.len())
            .any(|window| window == text.as_bytes());
        assert!(!found, "{} holds the key", path.display());
    }
}
