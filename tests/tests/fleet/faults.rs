//! Redis stops, loses its memory, or a node sleeps.

use std::time::Duration;

use jotgate_scenarios::{Backend, Keys, Signal, eventually};

use super::{Fleet, sign_in, with};

/// With a lease that a test can wait for.
async fn fleet_with_a_short_lease(backend: Backend) -> Fleet {
    Fleet::with(backend, |_, node| node.setting("--session-lease", "6s")).await
}

#[tokio::test]
async fn while_redis_is_away_users_go_on_for_the_lease_and_come_back_afterwards() {
    let mut fleet = Fleet::new(Backend::echo().await).await;
    let cookie = sign_in(&fleet.one, "boz").await;
    assert_eq!(with(&fleet.other, &cookie).await.status, 200);
    fleet.redis.stop();
    for node in [&fleet.one, &fleet.other] {
        assert_eq!(with(node, &cookie).await.status, 200, "the lease");
        let token = Keys::first().token().user("example", "new").sign();
        let ask = node.client().get("/jwt/hub/").bearer(&token);
        let refused = ask.send().await;
        let found = (refused.status, refused.reason());
        assert_eq!(found, (503, "session_store_unavailable"));
    }
    for node in [&fleet.one, &fleet.other] {
        eventually("the lease is over", async || {
            let answer = with(node, &cookie).await;
            (answer.status == 503).then(|| assert_eq!(answer.reason(), "session_store_unavailable"))
        })
        .await;
    }
    fleet.redis.start_again();
    for node in [&fleet.one, &fleet.other] {
        eventually("the session is there again", async || {
            (with(node, &cookie).await.status == 200).then_some(())
        })
        .await;
    }
    sign_in(&fleet.other, "new").await;
}

#[tokio::test]
async fn a_redis_that_comes_back_empty_lets_users_sign_in_again() {
    let mut fleet = fleet_with_a_short_lease(Backend::echo().await).await;
    let cookie = sign_in(&fleet.one, "boz").await;
    fleet.redis.stop();
    fleet.redis.lose_everything();
    fleet.redis.start_again();
    for node in [&fleet.one, &fleet.other] {
        eventually("the old cookie is unknown", async || {
            let answer = with(node, &cookie).await;
            (answer.status == 401).then(|| assert_eq!(answer.reason(), "session_unknown"))
        })
        .await;
    }
    let cookie = sign_in(&fleet.other, "boz").await;
    assert_eq!(with(&fleet.one, &cookie).await.status, 200);
}

#[tokio::test]
async fn a_node_that_slept_asks_before_it_believes_a_cookie() {
    let fleet = fleet_with_a_short_lease(Backend::echo().await).await;
    let cookie = sign_in(&fleet.one, "boz").await;
    assert_eq!(with(&fleet.other, &cookie).await.status, 200);
    fleet.one.signal(Signal::STOP);
    let out = fleet.other.client();
    let out = out.request("DELETE", "/jwt/qps/user").cookie(&cookie);
    assert_eq!(out.send().await.status, 204);
    tokio::time::sleep(Duration::from_secs(8)).await;
    fleet.one.signal(Signal::CONT);
    let answer = with(&fleet.one, &cookie).await;
    assert!(matches!(answer.status, 401 | 503), "{}", answer.status);
    eventually("it has heard", async || {
        (with(&fleet.one, &cookie).await.status == 401).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_store_that_must_be_shared_needs_the_key_that_is_shared() {
    let redis = jotgate_test_redis::RedisServer::start();
    let refused = jotgate_scenarios::Gateway::serve()
        .setting("--session-store-url", redis.url())
        .ended()
        .await;
    assert_eq!(refused.code, Some(64));
    assert!(
        refused.stderr.contains("--cluster-key-file"),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn a_node_does_not_start_without_its_store_and_says_no_password() {
    let mut redis = jotgate_test_redis::RedisServer::start();
    redis.stop();
    let url = redis.url().replace("redis://", "redis://gate:hunter2@");
    let folder = std::sync::Arc::new(jotgate_scenarios::Folder::of_a_new_site("serve"));
    let key = folder.path().join("cluster.key");
    std::fs::write(&key, [7; 32]).expect("a cluster key");
    let refused = jotgate_scenarios::Gateway::serve()
        .folder(folder)
        .setting("--session-store-url", url)
        .setting("--cluster-key-file", key.to_str().expect("a path"))
        .ended()
        .await;
    assert_eq!(refused.code, Some(65), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("session store"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
}
