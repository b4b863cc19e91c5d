//! Several gateways with one shelf: the issuer sees one of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::json;

use crate::testing::{Mode, NOW, ONE, Server, Signer, config, key_set, quick, ring, snapshot};
use crate::timings::Timings;
use crate::{Answered, Found, KeyRing, Shelf};

/// A shelf in memory: texts with their time and their end, claims with their end.
#[derive(Default)]
struct Memory {
    texts: Mutex<HashMap<String, Left>>,
    claims: Mutex<HashMap<String, Instant>>,
}

/// A text, when it was left, and until when.
type Left = (Vec<u8>, Instant, Instant);

impl Shelf for Memory {
    fn find_or_claim<'a>(&'a self, name: &'a str, claim: Duration) -> Answered<'a, Found> {
        let now = Instant::now();
        let texts = self.texts.lock();
        if let Some((text, left, _)) = texts.get(name).filter(|(_, _, until)| now < *until) {
            let found = Found::Text(text.clone(), now - *left);
            return Box::pin(async { found });
        }
        let mut claims = self.claims.lock();
        if claims.get(name).is_some_and(|until| now < *until) {
            return Box::pin(async { Found::Claimed });
        }
        claims.insert(name.to_owned(), now + claim);
        Box::pin(async { Found::Nothing })
    }

    fn leave<'a>(&'a self, name: &'a str, text: Vec<u8>, keep: Duration) -> Answered<'a, ()> {
        let now = Instant::now();
        let entry = (text, now, now + keep);
        self.texts.lock().insert(name.to_owned(), entry);
        Box::pin(async {})
    }
}

/// Three gateways that trust the keys of that server.
fn fleet(server: &Server, timings: Timings, shelf: &Arc<Memory>) -> Vec<KeyRing> {
    let start = |_| {
        let ring = ring(timings);
        ring.share(shelf.clone());
        let config = config(1, |c| c.jwt_jwks_uri = server.at("/jwks"));
        ring.prepare(&snapshot(1, &[Arc::new(config)], None));
        ring
    };
    (0..3).map(start).collect()
}

async fn assert_accepted(ring: &KeyRing, signer: &Signer, jti: &str) {
    let token = signer.token(json!({ "jti": jti }));
    let verdict = ring.verify(ONE, token.as_bytes(), NOW).await;
    assert!(verdict.is_ok(), "{verdict:?}");
}

#[tokio::test]
async fn one_fetch_serves_the_interval_of_all() {
    let signer = Signer::new("one");
    let server = Server::start(Mode::document(key_set(&[&signer]))).await;
    let timings = Timings {
        refresh: Duration::from_millis(1_000),
        ..quick()
    };
    let begun = Instant::now();
    let rings = fleet(&server, timings, &Arc::default());
    for ring in &rings {
        assert_accepted(ring, &signer, "a").await;
    }
    while server.requests() < 4 {
        assert!(begun.elapsed().as_secs() < 60, "keys are fetched again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let requests = server.requests();
    let intervals = begun.elapsed().as_millis() / 900 + 1;
    assert!(requests as u128 <= intervals, "{requests} in {intervals}");
    for ring in &rings {
        assert_accepted(ring, &signer, "b").await;
    }
}

#[tokio::test]
async fn a_new_key_is_not_waited_for_because_of_others() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let server = Server::start(Mode::document(key_set(&[&old]))).await;
    let rings = fleet(&server, quick(), &Arc::default());
    for ring in &rings {
        assert_accepted(ring, &old, "a").await;
    }
    server.set(Mode::document(key_set(&[&old, &new])));
    for ring in &rings {
        assert_accepted(ring, &new, "b").await;
    }
    assert!(server.requests() <= 4, "{}", server.requests());
}

#[tokio::test]
async fn whoever_said_that_they_fetch_and_did_not_is_not_waited_for() {
    let signer = Signer::new("one");
    let server = Server::start(Mode::document(key_set(&[&signer]))).await;
    let shelf = Arc::<Memory>::default();
    let name = format!("jwks {}", server.at("/jwks"));
    let late = Instant::now() + Duration::from_secs(60);
    shelf.claims.lock().insert(name, late);
    for ring in &fleet(&server, quick(), &shelf) {
        assert_accepted(ring, &signer, "a").await;
    }
}
