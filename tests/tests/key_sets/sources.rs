//! One published key set: the first request, discovery, algorithms, keys that cannot serve.

use std::time::{Duration, Instant};

use jotgate_scenarios::{SOON, eventually};
use serde_json::{Value, json};

use crate::issuer::{Issuer, key_set};
use crate::key_server::{KeyServer, Mode, authority};
use crate::{Site, every_algorithm};

#[tokio::test]
async fn the_first_request_after_a_save_waits_for_the_keys() {
    let site = Site::new().await;
    let late = |number| Mode::Late {
        body: key_set([Issuer::rsa(number)]),
        after: Duration::from_millis(1500),
    };
    let (first, second) = (
        KeyServer::start(late(0)).await,
        KeyServer::start(late(1)).await,
    );
    let vp = site.with_keys_at("jwt", &first.at("/keys")).create().await;
    site.assert_served("jwt", &Issuer::rsa(0).token(), "right after it was made")
        .await;
    assert_eq!(first.requests(), 1);
    vp.set("jwtJwksUri", second.at("/keys")).await;
    site.assert_served("jwt", &Issuer::rsa(1).token(), "right after it was changed")
        .await;
    assert_eq!(second.requests(), 1);
    assert_eq!(
        site.reason("jwt", &Issuer::rsa(0).token()).await,
        "key_not_found"
    );
    assert_eq!(first.requests(), 1, "nobody names it any more");
}

#[tokio::test]
async fn keys_come_over_tls_and_from_a_redirect_on_the_same_scheme() {
    let folder = tempfile::tempdir().expect("a folder");
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, authority()).expect("a file");
    let roots = roots.to_str().expect("a path of text").to_owned();
    let site =
        Site::on(jotgate_scenarios::Gateway::serve().environment("SSL_CERT_FILE", roots)).await;
    let good = KeyServer::start_tls(Mode::document(key_set([Issuer::rsa(0)]))).await;
    let moved = KeyServer::start_tls(Mode::Redirect(good.at("/new"))).await;
    let down = KeyServer::start(Mode::document(key_set([Issuer::rsa(0)]))).await;
    let lower = KeyServer::start_tls(Mode::Redirect(down.at("/keys"))).await;
    for (prefix, server) in [("good", &good), ("moved", &moved), ("lower", &lower)] {
        site.with_keys_at(prefix, &server.at("/keys"))
            .create()
            .await;
    }
    let token = Issuer::rsa(0).token();
    site.assert_served("good", &token, "over TLS").await;
    site.assert_served("moved", &token, "redirected").await;
    assert_eq!(site.reason("lower", &token).await, "key_source_unavailable");
    assert_eq!(
        down.requests(),
        0,
        "the redirect to another scheme was followed"
    );
}

#[tokio::test]
async fn addresses_that_keys_may_not_come_from_are_refused_when_they_are_saved() {
    let site = Site::new().await;
    for address in [
        "http://keys.example/jwks",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/jwks",
        "http://localhost.example/jwks",
        "http://127.0.0.1.example/jwks",
        "https://user:secret@keys.example/jwks",
        "https://keys.example/jwks#fragment",
        "ftp://keys.example/jwks",
        "file:///etc/passwd",
        "//keys.example/jwks",
        "keys.example/jwks",
    ] {
        let answer = site.with_keys_at("jwt", address).try_create().await;
        assert_eq!(answer.status, 400, "{address}: {}", answer.text());
        assert!(
            answer.text().contains("jwtJwksUri"),
            "{address}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn an_issuer_names_its_keys_in_its_discovery_document() {
    let site = Site::new().await;
    let server = KeyServer::start(Mode::Status(404)).await;
    let (issuer, other) = (server.at(""), server.at("/other"));
    let document = |issuer: &str, path: &str| {
        json!({ "issuer": issuer, "jwks_uri": server.at(path) }).to_string()
    };
    server.set(Mode::Paths(vec![
        (
            "/.well-known/openid-configuration".into(),
            document(&issuer, "/keys"),
        ),
        // Says that it is somebody else (OpenID Connect Discovery section 4.3).
        (
            "/other/.well-known/openid-configuration".into(),
            document(&issuer, "/keys"),
        ),
        ("/keys".into(), key_set([Issuer::rsa(0)])),
    ]));
    let discovering = |prefix: &str, issuer: &str| {
        site.vp(prefix)
            .set("jwtIssuer", issuer)
            .set("jwtDiscovery", true)
    };
    discovering("jwt", &issuer).create().await;
    discovering("other", &other).create().await;
    let token = |issuer: &str| Issuer::rsa(0).token_with(json!({ "iss": issuer }));
    site.assert_served("jwt", &token(&issuer), "the issuer's own")
        .await;
    assert_eq!(
        site.reason("jwt", &token("https://elsewhere.example"))
            .await,
        "issuer_mismatch"
    );
    assert_eq!(
        site.reason("jwt", &token(&format!("{issuer}/"))).await,
        "issuer_mismatch"
    );
    assert_eq!(
        site.reason("jwt", &Issuer::rsa(0).token()).await,
        "issuer_mismatch"
    );
    assert_eq!(
        site.reason("other", &token(&other)).await,
        "key_source_unavailable"
    );
}

#[tokio::test]
async fn every_algorithm_works_with_published_and_with_pasted_keys() {
    let site = Site::new().await;
    let keys = [Issuer::p256(), Issuer::p384(), Issuer::ed25519()];
    let all = || keys.iter().chain([Issuer::rsa(0)]);
    let server = KeyServer::start(Mode::document(key_set(all()))).await;
    let pasted: String = all().map(Issuer::public_key).collect();
    let published = |prefix: &str| site.with_keys_at(prefix, &server.at("/keys"));
    published("all")
        .set("jwtAlgorithms", every_algorithm())
        .create()
        .await;
    published("usual").create().await;
    let pem = site.vp("pem").set("jwtAlgorithms", every_algorithm());
    pem.set("jwtPublicKeyCertificate", pasted).create().await;
    for issuer in all() {
        for algorithm in issuer.algorithms() {
            let named = issuer.token_with(json!({ "jti": algorithm }));
            let token = issuer.sign(algorithm, None, json!({}));
            for token in [&named, &token] {
                site.assert_served("all", token, algorithm).await;
                site.assert_served("pem", token, algorithm).await;
            }
            let expected = if algorithm.starts_with("RS") {
                ""
            } else {
                "algorithm_not_allowed"
            };
            assert_eq!(site.reason("usual", &token).await, expected, "{algorithm}");
        }
    }
}

/// Signatures of elliptic curves have one length and one form (RFC 7518 section 3.4).
#[tokio::test]
async fn signatures_of_elliptic_curves_are_as_long_as_they_must_be() {
    let site = Site::new().await;
    let key = Issuer::p256();
    let vp = site
        .vp("jwt")
        .set("jwtAlgorithms", json!(["ES256", "ES384"]));
    vp.set("jwtPublicKeyCertificate", key.public_key())
        .create()
        .await;
    let token = key.token();
    let (signed, signature) = token.rsplit_once('.').expect("a signature");
    site.assert_served("jwt", &token, "its own").await;
    let bytes = base64_simd::URL_SAFE_NO_PAD
        .decode_to_vec(signature)
        .expect("base64url");
    let longer = [bytes.as_slice(), &[0]].concat();
    // r and s as ASN.1 has them, as most libraries make them.
    let der = [&[0x30, 68, 2, 32][..], &bytes[..32], &[2, 32], &bytes[32..]].concat();
    let rows = [
        ("21,830 characters", "A".repeat(21_830), "token_too_large"),
        ("9000 characters", "A".repeat(9000), "signature_invalid"),
        ("a byte more", encode(&longer), "signature_invalid"),
        ("DER", encode(&der), "signature_invalid"),
        ("a byte less", encode(&bytes[..63]), "token_truncated"),
        ("zeros", encode(&[0; 64]), "signature_invalid"),
        (
            "r is zero",
            encode(&[&[0; 32][..], &bytes[32..]].concat()),
            "signature_invalid",
        ),
        ("all bits", encode(&[255; 64]), "signature_invalid"),
    ];
    for (what, signature, reason) in rows {
        let found = if signature.len() > 20_000 {
            // Longer than a head may be by default.
            let client = site.gateway.plain_client();
            let answer = client
                .get("/jwt/hub/")
                .bearer(&format!("{signed}.{signature}"))
                .send()
                .await;
            answer.reason().to_owned()
        } else {
            site.reason("jwt", &format!("{signed}.{signature}")).await
        };
        assert_eq!(found, reason, "{what}");
    }
    let other = key.sign("ES256", None, json!({})).replace(
        &encode(br#"{"alg":"ES256","typ":"JWT"}"#),
        &encode(br#"{"alg":"ES384","typ":"JWT"}"#),
    );
    assert_eq!(
        site.reason("jwt", &other).await,
        "key_not_found",
        "another curve's algorithm"
    );
}

fn encode(bytes: &[u8]) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)
}

#[tokio::test]
async fn a_source_that_never_answered_is_the_gateways_fault_not_the_clients() {
    let site = Site::new().await;
    let server = KeyServer::start(Mode::Status(500)).await;
    let nobody = jotgate_scenarios::Backend::nowhere().await;
    let vp = site.with_keys_at("jwt", &server.at("/keys"));
    let pasted = Issuer::rsa(1);
    vp.set("jwtPublicKeyCertificate", pasted.public_key())
        .create()
        .await;
    site.with_keys_at("nobody", &format!("http://{nobody}/keys"))
        .create()
        .await;
    let token = Issuer::rsa(0).token();
    for prefix in ["jwt", "nobody"] {
        let answer = site.ask(prefix, &token).await;
        assert_eq!(
            (answer.status, answer.reason()),
            (503, "key_source_unavailable")
        );
        assert!(answer.header("www-authenticate").is_empty(), "{answer:?}");
        let text = answer.text();
        assert!(!text.contains("/keys") && !text.contains("500"), "{text}");
        let line = site.gateway.access_line(&answer.reference()).await;
        assert!(line["detail"].to_string().contains("/keys"), "{line}");
    }
    // What has nothing to do with keys is told as it is, and at once.
    let started = Instant::now();
    let unsigned = "eyJhbGciOiJub25lIn0.e30.";
    assert_eq!(site.reason("jwt", unsigned).await, "algorithm_not_allowed");
    assert_eq!(site.reason("jwt", "garbage").await, "token_malformed");
    site.assert_served("jwt", &pasted.token(), "a key that was pasted")
        .await;
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    server.set(Mode::document(key_set([Issuer::rsa(0)])));
    let served = async || site.reason("jwt", &token).await.is_empty().then_some(());
    eventually("the keys are there", served).await;
    assert_eq!(
        site.reason("jwt", &Issuer::rsa(2).token()).await,
        "signature_invalid",
        "a pasted key has no id, so it is tried"
    );
}

/// Keys that cannot serve are left out, one by one, and choose nothing.
#[tokio::test]
async fn keys_that_are_not_for_signatures_verify_none() {
    let site = Site::new().await;
    let changed = |number: usize, member: &str, value: Value| {
        let mut jwk = Issuer::rsa(number).jwk();
        jwk[member] = value;
        jwk
    };
    let cases = [
        ("enc", changed(1, "use", json!("enc"))),
        ("ops", changed(1, "key_ops", json!(["encrypt"]))),
        ("kty", changed(1, "kty", json!("EC"))),
        ("unknown", changed(1, "kty", json!("XYZ"))),
        (
            "oct",
            json!({ "kty": "oct", "k": "AAAA", "kid": "rsa-1", "alg": "HS256" }),
        ),
        ("alg", changed(1, "alg", json!("HS256"))),
        ("private", changed(1, "d", json!("AAAA"))),
        ("number", changed(1, "kid", json!(7))),
        ("small", changed(1, "e", json!("AQ"))),
        ("text", json!("rsa-1")),
        ("null", json!(null)),
        ("empty", json!({})),
    ];
    let mut servers = Vec::new();
    for (prefix, bad) in &cases {
        let document = json!({ "keys": [bad, Issuer::rsa(0).jwk()] }).to_string();
        let server = KeyServer::start(Mode::document(document)).await;
        site.with_keys_at(prefix, &server.at("/keys"))
            .create()
            .await;
        servers.push(server);
    }
    let ask = async |(prefix, _): &(&str, Value)| {
        site.assert_served(prefix, &Issuer::rsa(0).token(), prefix)
            .await;
        let reason = site.reason(prefix, &Issuer::rsa(1).token()).await;
        assert_eq!(reason, "key_not_found", "{prefix}");
    };
    futures_util::future::join_all(cases.iter().map(ask)).await;
}

#[tokio::test]
async fn the_state_of_a_source_is_in_the_metrics_until_nobody_names_it() {
    let site = Site::new().await;
    let set = key_set([Issuer::rsa(0), Issuer::rsa(1)]);
    let server = KeyServer::start(Mode::document(set)).await;
    let vp = site.with_keys_at("jwt", &server.at("/keys")).create().await;
    site.assert_served("jwt", &Issuer::rsa(0).token(), "before")
        .await;
    let metric = async |name: &str| site.gateway.metric(name).await;
    assert_eq!(metric("jotgate_key_set_keys").await, 2.0);
    let fetched = metric("jotgate_key_set_fetched_timestamp_seconds").await;
    assert!(
        (fetched - jotgate_scenarios::now() as f64).abs() < 60.0,
        "{fetched}"
    );
    let good = metric("jotgate_key_fetches_total").await;
    server.set(Mode::Status(500));
    assert_eq!(
        site.reason("jwt", &Issuer::rsa(5).token()).await,
        "key_not_found"
    );
    assert!(
        metric("jotgate_key_fetches_total").await > good,
        "failures count"
    );
    assert_eq!(
        metric("jotgate_key_set_keys").await,
        2.0,
        "the last good set stays"
    );
    assert_eq!(
        metric("jotgate_key_set_fetched_timestamp_seconds").await,
        fetched
    );
    vp.delete().await;
    let gone = async || (metric("jotgate_key_set_keys").await == 0.0).then_some(());
    eventually("a source that nobody names is in no metric", gone).await;
}

#[tokio::test]
async fn a_token_is_checked_against_a_key_set_at_an_address() {
    let server = KeyServer::start(Mode::document(key_set([Issuer::rsa(0)]))).await;
    let check = async |issuer: &Issuer, address: String| {
        let token = issuer.token();
        let output = tokio::task::spawn_blocking(move || {
            std::process::Command::new(jotgate_scenarios::binary())
                .args(["token", "check", &token, "--jwks", &address])
                .args(["--user-id-attribute", "userId"])
                .args(["--user-directory-attribute", "userDirectory"])
                .env_remove("JOTGATE_BINARY")
                .output()
        });
        let output = output.await.expect("it runs").expect("it starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let (code, said, problem) = check(Issuer::rsa(0), server.at("/keys")).await;
    assert_eq!(code, Some(0), "{said}{problem}");
    let (code, said, _) = check(Issuer::rsa(1), server.at("/keys")).await;
    assert_eq!(code, Some(1), "{said}");
    server.set(Mode::document("<html></html>"));
    let (code, _, problem) = check(Issuer::rsa(0), server.at("/keys")).await;
    assert_eq!(code, Some(2));
    assert!(
        problem.starts_with("jotgate: --jwks names http://"),
        "{problem}"
    );
    let (code, _, problem) = check(Issuer::rsa(0), "http://keys.example.com/".to_owned()).await;
    assert_eq!(code, Some(2), "{problem}");
    assert!(problem.contains("https"), "{problem}");
}
