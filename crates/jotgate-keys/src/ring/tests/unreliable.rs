//! J2: a key set server that fails in every way changes no verdict and stops nothing.

use std::sync::Arc;
use std::time::Duration;

use jotgate_model::Reason;
use serde_json::json;

use crate::testing::{
    Certificate, Mode, NOW, ONE, Server, Signer, config, key_set, quick, ring, ring_with, snapshot,
    until,
};
use crate::{KeyRing, SourceState};

async fn reason(ring: &KeyRing, token: &str) -> Option<Reason> {
    let verdict = ring.verify(ONE, token.as_bytes(), NOW).await;
    verdict.err().map(|refusal| refusal.reason)
}

fn state(ring: &KeyRing) -> SourceState {
    ring.sources().into_iter().next().unwrap()
}

/// The ways to fail. In three of them a good key set comes nevertheless.
fn failures(good: &Signer) -> Vec<(&'static str, Mode, Option<&'static str>)> {
    let html = "<!DOCTYPE html><html><body>Sign in</body></html>";
    let oct = json!({"kty": "oct", "kid": "bad", "k": "AAAA"});
    let mixed = json!({"keys": [oct, good.jwk, {"kty": "RSA", "n": "AQAB", "e": "AQ"}]});
    let stranger = Signer::new(&good.kid);
    let typed = Mode::Document {
        body: key_set(&[good]),
        headers: "Content-Type: text/html\r\n",
    };
    vec![
        (
            "500",
            Mode::Status(500),
            Some("was answered with status 500"),
        ),
        ("timeout", Mode::Silence, Some("did not come within")),
        ("slow drip", Mode::Drip, Some("did not come within")),
        (
            "redirect",
            Mode::Redirect {
                to: "http://localhost/".to_owned(),
                body: String::new(),
            },
            Some("is redirected to another scheme"),
        ),
        (
            "100 MB",
            Mode::Huge { announced: false },
            Some("has more than 524288 bytes"),
        ),
        ("HTML", Mode::document(html), Some("is a web page")),
        ("empty", Mode::document(""), Some("")),
        (
            "no keys",
            Mode::document(r#"{"keys":[]}"#),
            Some("has no key"),
        ),
        ("connection reset", Mode::Reset, Some("did not come")),
        (
            "one bad key among good",
            Mode::document(mixed.to_string()),
            None,
        ),
        ("wrong content type", typed, None),
        (
            "duplicate kid",
            Mode::document(key_set(&[&stranger, good])),
            None,
        ),
    ]
}

#[tokio::test]
async fn no_failure_changes_a_verdict() {
    let (good, other) = (Signer::new("k1"), Signer::new("k2"));
    let server = Server::start(Mode::document(key_set(&[&good]))).await;
    let mut timings = quick();
    timings.refresh = Duration::from_millis(20);
    let ring = ring_with(timings, |c| c.jwt_jwks_uri = server.at("/jwks"));
    assert_eq!(reason(&ring, &good.token(json!({}))).await, None);
    let revision = std::cell::Cell::new(1);
    let judged_as_ever = async |way: &str| {
        // A save compiles the rules anew, from the keys that are kept.
        revision.set(revision.get() + 1);
        let saved = config(1, |c| c.jwt_jwks_uri = server.at("/jwks"));
        ring.prepare(&snapshot(revision.get(), &[Arc::new(saved)], None));
        // Another token each time, so that the cache does not answer.
        let token = good.token(json!({"jti": way}));
        assert_eq!(reason(&ring, &token).await, None, "{way}");
        let forged = other.sign(Some("k1"), json!({}));
        assert_eq!(
            reason(&ring, &forged).await,
            Some(Reason::SignatureInvalid),
            "{way}"
        );
    };
    for (way, mode, error) in failures(&good) {
        server.set(Mode::document(key_set(&[&good])));
        until(|| state(&ring).last_error.is_none()).await;
        let before = server.requests();
        server.set(mode);
        match error {
            Some(words) => {
                until(|| state(&ring).last_error.is_some_and(|e| e.contains(words))).await;
            }
            None => until(|| server.requests() > before + 1).await,
        }
        assert_eq!(state(&ring).last_error.is_some(), error.is_some(), "{way}");
        judged_as_ever(way).await;
        assert!(state(&ring).last_success.is_some());
    }
    server.set(Mode::document(key_set(&[&good])));
    server.set_certificate(Certificate::Expired);
    until(|| {
        state(&ring)
            .last_error
            .is_some_and(|e| e.contains("TLS handshake"))
    })
    .await;
    judged_as_ever("expired certificate").await;
    // And it comes back by itself.
    server.set_certificate(Certificate::Good);
    server.set(Mode::document(key_set(&[&good, &other])));
    until(|| state(&ring).keys.len() == 2).await;
    assert_eq!(reason(&ring, &other.token(json!({}))).await, None);
}

#[tokio::test]
async fn before_the_first_key_set_requests_wait_and_then_hear_whose_fault_it_is() {
    let good = Signer::new("k1");
    let server = Server::start(Mode::Status(503)).await;
    let ring = ring_with(quick(), |c| c.jwt_jwks_uri = server.at("/jwks"));
    let refusal = ring
        .verify(ONE, good.token(json!({})).as_bytes(), NOW)
        .await
        .unwrap_err();
    assert_eq!(refusal.reason, Reason::KeySourceUnavailable);
    assert!(
        refusal.detail().unwrap().contains("status 503"),
        "{refusal}"
    );
    // Other faults of the token are told as ever.
    assert_eq!(reason(&ring, "a.b").await, Some(Reason::TokenMalformed));
    server.set(Mode::document(key_set(&[&good])));
    assert_eq!(reason(&ring, &good.token(json!({}))).await, None);
}

#[tokio::test]
async fn the_first_request_waits_for_the_first_key_set() {
    let good = Signer::new("k1");
    let server = Server::start(Mode::document(key_set(&[&good]))).await;
    let ring = ring_with(quick(), |c| c.jwt_jwks_uri = server.at("/jwks"));
    assert_eq!(reason(&ring, &good.sign(None, json!({}))).await, None);
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_source_is_shared_and_survives_saves_that_do_not_change_it() {
    let good = Signer::new("k1");
    let server = Server::start(Mode::document(key_set(&[&good]))).await;
    let ring = ring(quick());
    let published = |number| Arc::new(config(number, |c| c.jwt_jwks_uri = server.at("/jwks")));
    let (one, two) = (published(1), published(2));
    let first = snapshot(1, &[one.clone(), two.clone()], None);
    ring.prepare(&first);
    until(|| state(&ring).last_success.is_some()).await;
    assert_eq!(state(&ring).virtual_proxies.len(), 2);
    let token = good.token(json!({}));
    assert_eq!(reason(&ring, &token).await, None);
    // Another rule of one of them.
    let mut edited = (*one).clone();
    edited.jwt_clock_skew_seconds = 9;
    let second = snapshot(2, &[Arc::new(edited), two.clone()], Some(&first));
    ring.prepare(&second);
    assert_eq!(reason(&ring, &token).await, None);
    assert_eq!((server.requests(), ring.sources().len()), (1, 1));
    // The second keeps it alive; without users it stops.
    ring.prepare(&snapshot(3, &[two], Some(&second)));
    assert_eq!(
        state(&ring).virtual_proxies,
        [jotgate_model::Uuid::from_u128(2)]
    );
    ring.prepare(&snapshot(4, &[], None));
    assert!(ring.sources().is_empty());
}

#[tokio::test]
async fn discovery_finds_the_keys_and_their_new_place() {
    let good = Signer::new("k1");
    let server = Server::start(Mode::Silence).await;
    let issuer = server.at("");
    let document = |path: &str| json!({"issuer": issuer, "jwks_uri": server.at(path)}).to_string();
    const KNOWN: &str = "/.well-known/openid-configuration";
    server.set(Mode::Paths(vec![
        (KNOWN, document("/old")),
        ("/old", key_set(&[&good])),
    ]));
    let mut timings = quick();
    timings.refresh = Duration::from_millis(20);
    let ring = ring_with(timings, |c| {
        c.jwt_issuer = issuer.clone();
        c.jwt_discovery = true;
    });
    assert_eq!(
        reason(&ring, &good.token(json!({"iss": issuer}))).await,
        None
    );
    let other = Signer::new("k2");
    server.set(Mode::Paths(vec![
        (KNOWN, document("/new")),
        ("/new", key_set(&[&other])),
    ]));
    assert_eq!(
        reason(&ring, &other.token(json!({"iss": issuer}))).await,
        None
    );
}

#[tokio::test]
async fn fetches_are_reported() {
    let server = Server::start(Mode::Status(500)).await;
    let events = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let list = events.clone();
    let fetcher = crate::testing::fetcher(quick());
    let observer = move |event: &crate::SourceEvent<'_>| match event {
        crate::SourceEvent::Fetched { outcome, keys, .. } => list.lock().push((*outcome, *keys)),
        crate::SourceEvent::Removed { .. } => list.lock().push(("removed", 0)),
    };
    let ring = KeyRing::with_fetcher(tokio::runtime::Handle::current(), observer, fetcher);
    let one = Arc::new(config(1, |c| c.jwt_jwks_uri = server.at("/jwks")));
    ring.prepare(&snapshot(1, &[one], None));
    until(|| !events.lock().is_empty()).await;
    server.set(Mode::document(key_set(&[&Signer::new("k1")])));
    until(|| events.lock().contains(&("changed", 1))).await;
    ring.prepare(&snapshot(2, &[], None));
    assert_eq!(events.lock().first(), Some(&("status", 0)));
    assert_eq!(events.lock().last(), Some(&("removed", 0)));
}
