//! Rotations cost no request, and a flood of unknown key ids moves nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jotgate_scenarios::{Client, Cookie, eventually};
use serde_json::json;
use tokio::task::JoinSet;

use crate::Site;
use crate::issuer::{Issuer, key_set};
use crate::key_server::{KeyServer, Mode};

/// Clients that send one new token after the other, signed with the issuer's newest key.
struct Load {
    newest: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    clients: JoinSet<(usize, Vec<String>)>,
}

impl Load {
    fn start(client: &Client, cookie: &Cookie, named: bool) -> Self {
        let (newest, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let mut clients = JoinSet::new();
        for number in 0..4 {
            let (client, cookie) = (client.clone(), cookie.clone());
            let (newest, stop) = (newest.clone(), stop.clone());
            clients.spawn(async move {
                let (mut served, mut refused) = (0, Vec::new());
                while !stop.load(Ordering::SeqCst) {
                    let issuer = Issuer::rsa(newest.load(Ordering::SeqCst));
                    let more = json!({ "jti": format!("{number}-{served}") });
                    let token = match named {
                        true => issuer.token_with(more),
                        false => issuer.sign("RS256", None, more),
                    };
                    let request = client.get("/jwt/hub/").cookie(&cookie).bearer(&token);
                    match request.try_send().await {
                        Ok(answer) if answer.status == 200 => served += 1,
                        Ok(answer) => {
                            refused.push(format!("{} {}", answer.status, answer.reason()))
                        }
                        Err(error) => refused.push(error.to_string()),
                    }
                }
                (served, refused)
            });
        }
        Self {
            newest,
            stop,
            clients,
        }
    }

    async fn finish(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::SeqCst);
        let all = self.clients.join_all().await;
        let served = all.iter().map(|(served, _)| served).sum();
        (
            served,
            all.into_iter().flat_map(|(_, refused)| refused).collect(),
        )
    }
}

async fn rotate_under_load(named: bool) {
    let site = Site::new().await;
    for number in 0..5 {
        // Making a key takes longer than a request.
        Issuer::rsa(number);
    }
    let server = KeyServer::start(Mode::document(key_set([Issuer::rsa(0)]))).await;
    let vp = site.with_keys_at("jwt", &server.at("/keys")).create().await;
    let cookie = site.ask("jwt", &Issuer::rsa(0).token()).await.cookie();
    let load = Load::start(&site.gateway.plain_client(), &cookie, named);
    // The last one comes while the one before it is hardly known.
    for (number, pause) in [(1, 2500), (2, 2500), (3, 300), (4, 2500)] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        server.set(Mode::document(key_set([
            Issuer::rsa(number - 1),
            Issuer::rsa(number),
        ])));
        load.newest.store(number, Ordering::SeqCst);
    }
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let (served, refused) = load.finish().await;
    assert!(
        refused.is_empty(),
        "{} of {served}: {refused:?}",
        refused.len()
    );
    assert!(served > 100, "only {served} requests");
    assert!(server.requests() <= 12, "{} fetches", server.requests());
    drop(vp);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_under_load_costs_no_request() {
    rotate_under_load(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_of_an_issuer_that_names_no_keys_costs_no_request_either() {
    rotate_under_load(false).await;
}

#[tokio::test]
async fn the_old_key_is_good_until_it_is_published_no_more() {
    let site = Site::new().await;
    let (old, new) = (Issuer::rsa(0), Issuer::rsa(1));
    let server = KeyServer::start(Mode::document(key_set([old]))).await;
    site.with_keys_at("jwt", &server.at("/keys")).create().await;
    let remembered = old.token();
    site.assert_served("jwt", &remembered, "before").await;
    server.set(Mode::document(key_set([old, new])));
    site.assert_served("jwt", &new.token(), "the new one").await;
    site.assert_served("jwt", &old.token_with(json!({ "jti": "2" })), "the old one")
        .await;
    server.set(Mode::document(key_set([new])));
    // Whoever asks for a key that nobody has makes the gateway look.
    assert_eq!(
        site.reason("jwt", &Issuer::rsa(2).token()).await,
        "key_not_found"
    );
    assert_eq!(
        site.reason("jwt", &remembered).await,
        "key_not_found",
        "remembered or not"
    );
    site.assert_served("jwt", &new.token_with(json!({ "jti": "2" })), "the new one")
        .await;
}

/// The limit is 15 fetches a minute, whoever asks for whatever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_unknown_key_ids_is_not_passed_on_and_hides_no_rotation() {
    const CLIENTS: usize = 100;
    let site = Site::new().await;
    let (old, new, attacker) = (Issuer::rsa(0), Issuer::rsa(1), Issuer::rsa(5));
    let server = KeyServer::start(Mode::document(key_set([old]))).await;
    site.with_keys_at("jwt", &server.at("/keys")).create().await;
    site.assert_served("jwt", &old.token(), "before").await;
    let (stop, sent) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let mut flood = JoinSet::new();
    for client in 0..CLIENTS {
        let (stop, sent, gateway) = (stop.clone(), sent.clone(), site.gateway.plain_client());
        flood.spawn(async move {
            let mut odd = Vec::new();
            while !stop.load(Ordering::SeqCst) {
                let kid = format!("{client}-{}", sent.fetch_add(1, Ordering::SeqCst));
                let token = attacker.sign("RS256", Some(&kid), json!({}));
                let answer = gateway.get("/jwt/hub/").bearer(&token).send().await;
                if (answer.status, answer.reason()) != (401, "key_not_found") {
                    odd.push(format!("{} {}", answer.status, answer.reason()));
                }
            }
            odd
        });
    }
    let started = Instant::now();
    let mut slowest = Duration::ZERO;
    for number in 0..24 {
        if number == 12 {
            server.set(Mode::document(key_set([old, new])));
            let rotated = Instant::now();
            site.assert_served("jwt", &new.token(), "the new key amid the flood")
                .await;
            assert!(
                rotated.elapsed() < Duration::from_secs(20),
                "{:?}",
                rotated.elapsed()
            );
        }
        let asked = Instant::now();
        let known = old.token_with(json!({ "jti": number.to_string() }));
        site.assert_served("jwt", &known, "a known key amid the flood")
            .await;
        slowest = slowest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let (fetches, seconds) = (server.requests(), started.elapsed().as_secs());
    stop.store(true, Ordering::SeqCst);
    let odd: Vec<String> = flood.join_all().await.into_iter().flatten().collect();
    assert!(odd.is_empty(), "{odd:?}");
    assert!(
        slowest < Duration::from_secs(15),
        "a known key waited {slowest:?}"
    );
    let limit = 4 + usize::try_from(seconds).expect("a short time") / 2;
    assert!(fetches <= limit.min(15), "{fetches} fetches in {seconds} s");
    assert!(
        sent.load(Ordering::SeqCst) > CLIENTS,
        "{sent:?} tokens are no flood"
    );
}

/// One and the same outdated token is looked up once in ten seconds.
#[tokio::test]
async fn a_client_with_an_outdated_token_does_not_keep_the_issuer_busy() {
    let site = Site::new().await;
    let server = KeyServer::start(Mode::document(key_set([Issuer::rsa(0)]))).await;
    site.with_keys_at("jwt", &server.at("/keys")).create().await;
    site.assert_served("jwt", &Issuer::rsa(0).token(), "before")
        .await;
    let outdated = Issuer::rsa(3).token();
    let looked_up = Instant::now();
    assert_eq!(site.reason("jwt", &outdated).await, "key_not_found");
    let before = server.requests();
    for _ in 0..200 {
        assert_eq!(site.reason("jwt", &outdated).await, "key_not_found");
    }
    let again = usize::try_from(looked_up.elapsed().as_secs() / 10).expect("a short time");
    let after = server.requests();
    assert!(after <= before + again, "{before} fetches, then {after}");
    // It is good once its key is published, after those ten seconds at the latest.
    server.set(Mode::document(key_set([Issuer::rsa(0), Issuer::rsa(3)])));
    let served = async || site.reason("jwt", &outdated).await.is_empty().then_some(());
    eventually("the key is published now", served).await;
}
