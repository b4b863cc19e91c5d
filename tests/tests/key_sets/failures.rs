//! The ways in which a source of keys fails. None changes a verdict, and each one passes.

use jotgate_scenarios::{Gateway, VirtualProxy, eventually};
use serde_json::json;

use crate::Site;
use crate::issuer::{Issuer, key_set};
use crate::key_server::{KeyServer, Mode, authority};

/// Every way, after the prefix of its virtual proxy.
fn ways(server: &KeyServer) -> [(&'static str, Mode); 13] {
    let good = Issuer::rsa(0);
    let document = |body: String| Mode::document(body);
    let mut twin = Issuer::rsa(2).jwk();
    twin["kid"] = good.jwk()["kid"].clone();
    let bad = json!({ "kty": "RSA", "kid": "bad", "n": "!", "e": "AQAB" });
    [
        ("status", Mode::Status(500)),
        ("timeout", Mode::Silence),
        ("drip", Mode::Drip),
        ("redirect", Mode::Redirect(server.at("/round-and-round"))),
        ("huge", Mode::Huge),
        (
            "page",
            document("<!doctype html><title>Sign in</title>".to_owned()),
        ),
        ("empty", document(String::new())),
        (
            "onebad",
            document(json!({ "keys": [bad, good.jwk()] }).to_string()),
        ),
        (
            "type",
            Mode::Document {
                body: key_set([good]),
                fields: "Content-Type: text/html\r\nContent-Encoding: br\r\n".to_owned(),
            },
        ),
        (
            "twins",
            document(json!({ "keys": [twin, good.jwk()] }).to_string()),
        ),
        ("cut", Mode::Cut),
        ("reset", Mode::Reset),
        ("expired", Mode::ExpiredCertificate),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_failure_changes_a_verdict_and_every_one_passes() {
    let folder = tempfile::tempdir().expect("a folder");
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, authority()).expect("a file");
    let roots = roots.to_str().expect("a path of text").to_owned();
    let site = Site::on(Gateway::serve().environment("SSL_CERT_FILE", roots)).await;
    let good = Mode::document(key_set([Issuer::rsa(0)]));
    let mut servers = Vec::new();
    for number in 0..13 {
        let server = KeyServer::start_tls(good.clone()).await;
        let (prefix, mode) = ways(&server).into_iter().nth(number).expect("a way");
        let vp = site
            .with_keys_at(prefix, &server.at("/keys"))
            .create()
            .await;
        servers.push((vp, server, mode));
    }
    let all = servers
        .iter()
        .map(|(vp, server, mode)| fails(&site, vp, server, mode.clone()));
    futures_util::future::join_all(all).await;
    let log = site.gateway.process().stderr();
    assert!(!log.contains("panicked"), "{log}");
}

async fn fails(site: &Site, vp: &VirtualProxy, server: &KeyServer, mode: Mode) {
    let prefix = vp.prefix.as_str();
    let (known, attacker) = (Issuer::rsa(0), Issuer::rsa(5));
    let remembered = known.token();
    site.assert_served(prefix, &remembered, prefix).await;
    server.set(mode);
    let before = server.requests();
    for round in 0..2 {
        // A key id that nobody knows makes the gateway look.
        let kid = format!("{prefix}-{round}");
        let unknown = attacker.sign("RS256", Some(&kid), json!({}));
        assert_eq!(
            site.reason(prefix, &unknown).await,
            "key_not_found",
            "{prefix}"
        );
        assert!(server.requests() > before, "{prefix}: nothing was fetched");
        let forged = attacker.sign("RS256", known.jwk()["kid"].as_str(), json!({}));
        assert_eq!(
            site.reason(prefix, &forged).await,
            "signature_invalid",
            "{prefix}"
        );
        site.assert_served(prefix, &remembered, prefix).await;
        let fresh = known.token_with(json!({ "jti": round.to_string() }));
        site.assert_served(prefix, &fresh, prefix).await;
        // A save compiles the rules again, with the keys of the last good set.
        vp.set("description", format!("{prefix} {round}")).await;
    }
    server.set(Mode::document(key_set([known, Issuer::rsa(1)])));
    let recovered = Issuer::rsa(1).token();
    let served = async || {
        site.reason(prefix, &recovered)
            .await
            .is_empty()
            .then_some(())
    };
    eventually(&format!("{prefix} passes"), served).await;
    site.assert_served(prefix, &known.token_with(json!({ "jti": "last" })), prefix)
        .await;
}

/// Before there ever was a key set, the failures are told as what they are, and pass as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_fails_from_the_beginning_is_unavailable_until_it_works() {
    let site = Site::new().await;
    let mut servers = Vec::new();
    for number in 0..12 {
        let server = KeyServer::start(Mode::Status(500)).await;
        let (prefix, mode) = ways(&server).into_iter().nth(number).expect("a way");
        if matches!(prefix, "onebad" | "twins") {
            continue;
        }
        server.set(mode);
        site.with_keys_at(prefix, &server.at("/keys"))
            .create()
            .await;
        servers.push((prefix, server));
    }
    let all = servers.iter().map(async |(prefix, server)| {
        let token = Issuer::rsa(0).token();
        assert_eq!(
            site.reason(prefix, &token).await,
            "key_source_unavailable",
            "{prefix}"
        );
        server.set(Mode::document(key_set([Issuer::rsa(0)])));
        let served = async || site.reason(prefix, &token).await.is_empty().then_some(());
        eventually(&format!("{prefix} passes"), served).await;
    });
    futures_util::future::join_all(all).await;
}
