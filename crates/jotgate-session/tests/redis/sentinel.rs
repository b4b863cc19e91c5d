//! A replica takes the place of its master.

use std::time::Instant;

use jotgate_session::{EndReason, OpenError, SessionError, Sessions};
use jotgate_test_redis::{Authority, WatchedRedis};

use crate::support::{NOW, VP, new_session, shared_at};
use crate::{PATIENCE, eventually, node_at, sign_in};

#[tokio::test]
async fn a_replica_takes_over_and_what_it_has_goes_on() {
    let mut redis = WatchedRedis::start(None, false);
    let one = node_at(redis.url("")).await;
    let other = node_at(redis.url("")).await;
    let (kept, session) = one.create(new_session("boz")).await.unwrap();
    let (gone, _) = one.create(new_session("mary")).await.unwrap();
    let ended = one.end(&gone.key(), EndReason::LoggedOut).await;
    assert!(ended.unwrap().is_some());
    let used = one.use_token_id(VP, "one", NOW.plus(60), NOW).await;
    assert_eq!(used, Ok(true));
    eventually("the replica has all of it", || {
        redis.ask_replica("EVAL return(#redis.call('keys','*token*')) 0") == ":1"
    })
    .await;
    redis.master.kill();
    redis.wait_for_fail_over();
    let new = sign_in(&other, "anna").await;
    eventually("both nodes follow", || {
        one.is_current() && !one.is_failing() && other.is_current() && !other.is_failing()
    })
    .await;
    one.catch_up().await.unwrap();
    assert_eq!(session.ended(), None);
    for node in [&one, &other, &node_at(redis.url("")).await] {
        assert!(node.find(&kept.key()).is_some() && node.find(&new.key()).is_some());
        assert!(node.find(&gone.key()).is_none());
        let again = node.use_token_id(VP, "one", NOW.plus(60), NOW).await;
        assert_eq!(again, Ok(false));
    }
}

#[tokio::test]
async fn servers_and_sentinels_may_speak_tls() {
    let authority = Authority::new();
    let mut redis = WatchedRedis::with_tls(&authority);
    let mut settings = shared_at(redis.url(""));
    let untrusted = Sessions::open_shared(&settings).await.unwrap_err();
    assert!(
        untrusted.to_string().contains("--session-store-ca-file"),
        "{untrusted}"
    );
    settings.ca = Some(authority.pem().into());
    let node = Sessions::open_shared(&settings).await.unwrap();
    let (kept, _) = node.create(new_session("boz")).await.unwrap();
    eventually("the replica has it", || {
        redis.ask_replica("HLEN {jotgate}:sessions") == ":1"
    })
    .await;
    redis.master.kill();
    redis.wait_for_fail_over();
    let new = sign_in(&node, "anna").await;
    let late = Sessions::open_shared(&settings).await.unwrap();
    assert!(late.find(&kept.key()).is_some() && late.find(&new.key()).is_some());
}

/// What the master had not passed on is lost with it. The nodes know the ends and the tokens, and say them again.
#[tokio::test]
async fn what_the_replica_missed_is_said_again() {
    let mut redis = WatchedRedis::start(None, false);
    let one = node_at(redis.url("")).await;
    let other = node_at(redis.url("")).await;
    let (secret, _) = one.create(new_session("boz")).await.unwrap();
    let has = |redis: &WatchedRedis, count| redis.ask_replica("HLEN {jotgate}:sessions") == count;
    eventually("the replica has it", || has(&redis, ":1")).await;
    redis.cut_replica_off();
    let ended = one.end(&secret.key(), EndReason::ClosedByServer).await;
    assert!(ended.unwrap().is_some());
    let used = one.use_token_id(VP, "one", NOW.plus(60), NOW).await;
    assert_eq!(used, Ok(true));
    let (_, lost) = one.create(new_session("mary")).await.unwrap();
    redis.master.kill();
    redis.replica.thaw();
    redis.wait_for_fail_over();
    eventually("the session has ended there as well", || has(&redis, ":0")).await;
    eventually("who signed in at last has to sign in again", || {
        lost.ended().is_some()
    })
    .await;
    sign_in(&other, "anna").await;
    for node in [&one, &other] {
        assert!(node.find(&secret.key()).is_none());
        eventually("it can write", || !node.is_failing()).await;
        let again = node.use_token_id(VP, "one", NOW.plus(60), NOW).await;
        assert_eq!(again, Ok(false));
    }
    let late = node_at(redis.url("")).await;
    assert!(late.find(&secret.key()).is_none());
}

/// What it is given would be lost as soon as it hears of the new one.
#[tokio::test]
async fn a_former_master_that_goes_on_is_left() {
    let redis = WatchedRedis::start(None, false);
    let one = node_at(redis.url("")).await;
    let (kept, _) = one.create(new_session("boz")).await.unwrap();
    let count = || redis.ask_replica("HLEN {jotgate}:sessions");
    eventually("the replica has it", || count() == ":1").await;
    redis.order_fail_over();
    let until = Instant::now() + PATIENCE;
    while count() == ":1" {
        assert!(Instant::now() < until, "the former master is still asked");
        sign_in(&one, "mary").await;
    }
    assert_eq!(redis.master.ask_for_lines("ROLE", 3)[2], "master");
    let new = sign_in(&one, "anna").await;
    let late = node_at(redis.url("")).await;
    for node in [&one, &late] {
        assert!(node.find(&kept.key()).is_some() && node.find(&new.key()).is_some());
        eventually("those who signed in at the former one are gone", || {
            format!(":{}", node.len()) == count()
        })
        .await;
    }
}

/// A master that was cut off together with a node answers that node for ever, while another has taken its place.
/// `min-replicas-to-write` is how Redis finds out, and then the node's lease runs.
#[tokio::test]
async fn a_master_that_no_replica_follows_is_not_believed() {
    let redis = WatchedRedis::start(None, false);
    let node = node_at(redis.url("")).await;
    for setting in ["min-replicas-to-write 1", "min-replicas-max-lag 2"] {
        let set = format!("CONFIG SET {setting}");
        assert_eq!(redis.master.ask(&set), "+OK");
    }
    // The master counts its replicas once a second; until then it takes nothing.
    let known = sign_in(&node, "boz").await;
    redis.replica.freeze();
    eventually("the lease ends", || !node.is_current()).await;
    let refused = node.create(new_session("mary")).await.err();
    assert_eq!(refused, Some(SessionError::Unavailable));
    redis.replica.thaw();
    sign_in(&node, "anna").await;
    assert!(node.find(&known.key()).is_some());
}

#[tokio::test]
async fn a_sentinel_may_have_the_password_of_the_servers_or_none() {
    for sentinel_asks in [true, false] {
        let redis = WatchedRedis::start(Some("hunter2"), sentinel_asks);
        let node = node_at(redis.url(":hunter2@")).await;
        node.create(new_session("boz")).await.unwrap();
        for url in [redis.url(":wrong-secret@"), redis.url("")] {
            let refused = Sessions::open_shared(&shared_at(url)).await.unwrap_err();
            let is_refusal = matches!(refused, OpenError::StoreRefuses { .. });
            assert!(is_refusal, "{sentinel_asks}: {refused}");
            assert!(!refused.to_string().contains("wrong-secret"), "{refused}");
        }
    }
}

#[tokio::test]
async fn a_service_that_no_sentinel_knows_is_named() {
    let redis = WatchedRedis::start(None, false);
    let url = redis.url("").replace("/main", "/other");
    let refused = Sessions::open_shared(&shared_at(url)).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("not found in sentinel"), "{refused}");
}
