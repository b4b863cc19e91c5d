//! J1 and J3: rotations cost nothing, floods move nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jotgate_model::{Reason, Refusal};
use parking_lot::Mutex;
use serde_json::json;

use crate::KeyRing;
use crate::testing::{Mode, NOW, ONE, Server, Signer, key_set, quick, ring_with};

async fn verify(ring: &KeyRing, token: &str) -> Result<(), Refusal> {
    ring.verify(ONE, token.as_bytes(), NOW).await.map(drop)
}

/// An issuer that signs with the new key as soon as it has published it, under load.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotations_cost_no_request() {
    let first = Arc::new(Signer::new("k0"));
    let server = Server::start(Mode::document(key_set(&[&first]))).await;
    let ring = Arc::new(ring_with(quick(), |c| c.jwt_jwks_uri = server.at("/jwks")));
    let signer = Arc::new(Mutex::new(first));
    let stop = Arc::new(AtomicBool::new(false));
    let load = (0..8).map(|worker| {
        let (ring, signer, stop) = (ring.clone(), signer.clone(), stop.clone());
        tokio::spawn(async move {
            let mut accepted = 0;
            while !stop.load(Ordering::Relaxed) {
                let current = signer.lock().clone();
                let token = current.token(json!({"jti": format!("{worker}-{accepted}")}));
                verify(&ring, &token).await.unwrap();
                accepted += 1;
                tokio::task::yield_now().await;
            }
            accepted
        })
    });
    let load: Vec<_> = load.collect();
    for i in 1..=6 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        let next = Arc::new(Signer::new(&format!("k{i}")));
        let current = signer.lock().clone();
        server.set(Mode::document(key_set(&[&current, &next])));
        *signer.lock() = next;
    }
    tokio::time::sleep(Duration::from_millis(60)).await;
    stop.store(true, Ordering::Relaxed);
    let mut accepted = 0;
    for worker in load {
        accepted += worker.await.unwrap();
    }
    assert!(accepted > 50, "{accepted}");
    // One each; a token that came while the keys were being exchanged may ask once more.
    assert!(server.requests() <= 1 + 2 * 6, "{}", server.requests());
}

#[tokio::test]
async fn the_old_key_counts_until_it_is_withdrawn() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let server = Server::start(Mode::document(key_set(&[&old]))).await;
    let ring = ring_with(quick(), |c| c.jwt_jwks_uri = server.at("/jwks"));
    let kept = old.token(json!({}));
    verify(&ring, &kept).await.unwrap();
    server.set(Mode::document(key_set(&[&old, &new])));
    verify(&ring, &new.token(json!({}))).await.unwrap();
    verify(&ring, &kept).await.unwrap();
    let third = Signer::new("third");
    server.set(Mode::document(key_set(&[&new, &third])));
    verify(&ring, &third.token(json!({}))).await.unwrap();
    // Withdrawn: also for the verdict that was remembered.
    assert_eq!(
        verify(&ring, &kept).await.unwrap_err().reason,
        Reason::KeyNotFound
    );
}

#[tokio::test]
async fn an_issuer_that_does_not_name_its_keys_can_rotate_too() {
    let (old, new) = (Signer::new("x"), Signer::new("x"));
    let unnamed = |signer: &Signer| {
        let mut jwk = signer.jwk.clone();
        jwk.as_object_mut().unwrap().remove("kid");
        json!({ "keys": [jwk] }).to_string()
    };
    let server = Server::start(Mode::document(unnamed(&old))).await;
    let ring = ring_with(quick(), |c| c.jwt_jwks_uri = server.at("/jwks"));
    verify(&ring, &old.sign(None, json!({}))).await.unwrap();
    server.set(Mode::document(unnamed(&new)));
    verify(&ring, &new.sign(None, json!({}))).await.unwrap();
}

/// J1. The flood asks for ever more keys; the honest token among it is accepted all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_unknown_kids_moves_nothing_and_starves_nobody() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let forger = Arc::new(Signer::new("forger"));
    let server = Server::start(Mode::document(key_set(&[&old]))).await;
    let ring = Arc::new(ring_with(quick(), |c| c.jwt_jwks_uri = server.at("/jwks")));
    verify(&ring, &old.token(json!({}))).await.unwrap();
    let (stop, count) = (
        Arc::new(AtomicBool::new(false)),
        Arc::<AtomicUsize>::default(),
    );
    let flood = (0..64).map(|worker| {
        let (ring, forger) = (ring.clone(), forger.clone());
        let (stop, count) = (stop.clone(), count.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let kid = format!("{worker}-{}", count.fetch_add(1, Ordering::Relaxed));
                let token = forger.sign(Some(&kid), json!({}));
                let reason = verify(&ring, &token).await.unwrap_err().reason;
                assert_eq!(reason, Reason::KeyNotFound);
                tokio::task::yield_now().await;
            }
        })
    });
    let flood: Vec<_> = flood.collect();
    let (began, before) = (Instant::now(), server.requests());
    tokio::time::sleep(Duration::from_millis(600)).await;
    server.set(Mode::document(key_set(&[&old, &new])));
    verify(&ring, &new.token(json!({}))).await.unwrap();
    verify(&ring, &old.token(json!({"jti": "1"})))
        .await
        .unwrap();
    stop.store(true, Ordering::Relaxed);
    for worker in flood {
        worker.await.unwrap();
    }
    // One each 80 ms (the longest spacing of the tests), and a few while it grew.
    let spacings = began.elapsed().as_millis() / 80;
    let fetches = server.requests() - before;
    assert!(
        (fetches as u128) <= spacings + 4,
        "{fetches} in {spacings} spacings"
    );
    assert!(count.load(Ordering::Relaxed) > 64);
}

/// A client with an outdated token is refused at once.
#[tokio::test]
async fn a_kid_that_was_looked_up_in_vain_is_refused_at_once() {
    let (known, gone) = (Signer::new("known"), Signer::new("gone"));
    let server = Server::start(Mode::document(key_set(&[&known]))).await;
    let ring = ring_with(quick(), |c| c.jwt_jwks_uri = server.at("/jwks"));
    verify(&ring, &known.token(json!({}))).await.unwrap();
    let token = gone.token(json!({}));
    assert_eq!(
        verify(&ring, &token).await.unwrap_err().reason,
        Reason::KeyNotFound
    );
    let (before, began) = (server.requests(), Instant::now());
    for _ in 0..100 {
        assert_eq!(
            verify(&ring, &token).await.unwrap_err().reason,
            Reason::KeyNotFound
        );
    }
    // The time for which the tests remember it is 300 ms.
    let times = began.elapsed().as_millis() / 300 + 1;
    let fetches = server.requests() - before;
    assert!((fetches as u128) < times, "{fetches} fetches");
    // And it is looked up again later.
    server.set(Mode::document(key_set(&[&known, &gone])));
    tokio::time::sleep(Duration::from_millis(320)).await;
    verify(&ring, &token).await.unwrap();
}

/// What is wrong with a token apart from its key does not lead to a fetch.
#[tokio::test]
async fn only_an_unknown_key_leads_to_a_fetch() {
    let (known, other) = (Signer::new("known"), Signer::new("other"));
    let server = Server::start(Mode::document(key_set(&[&known]))).await;
    let ring = ring_with(quick(), |c| c.jwt_jwks_uri = server.at("/jwks"));
    verify(&ring, &known.token(json!({}))).await.unwrap();
    let forged = other.sign(Some("known"), json!({}));
    let expired = known.token(json!({"exp": 1}));
    for token in ["", "a.b.c", "x", forged.as_str(), expired.as_str()] {
        verify(&ring, token).await.unwrap_err();
    }
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn requests_wait_together_for_one_fetch() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let server = Server::start(Mode::document(key_set(&[&old]))).await;
    let ring = ring_with(quick(), |c| c.jwt_jwks_uri = server.at("/jwks"));
    verify(&ring, &old.token(json!({}))).await.unwrap();
    server.set(Mode::document(key_set(&[&old, &new])));
    let token = new.token(json!({}));
    let waiting: Vec<_> = (0..20).map(|_| verify(&ring, &token)).collect();
    for verdict in join_all(waiting).await {
        verdict.unwrap();
    }
    assert_eq!(server.requests(), 2);
}

async fn join_all<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut pinned: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<T>> = pinned.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut all = true;
        for (future, done) in pinned.iter_mut().zip(&mut done) {
            if done.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *done = Some(value),
                    std::task::Poll::Pending => all = false,
                }
            }
        }
        if all {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}
