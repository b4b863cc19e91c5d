//! Redis stops, loses its memory, hangs, or fails over.

use std::time::Duration;

use jotgate_session::{EndReason, OpenError, SessionError, Sessions};
use jotgate_test_redis::RedisServer;

use crate::support::{NOW, VP, new_session, shared};
use crate::{eventually, node, two_nodes};

#[tokio::test]
async fn while_redis_is_away_known_sessions_go_on_and_nobody_new_gets_in() {
    let (mut server, one, other) = two_nodes().await;
    let (secret, session) = one.create(new_session("boz")).await.unwrap();
    let (ended, _) = one.create(new_session("mary")).await.unwrap();
    other.catch_up().await.unwrap();
    server.stop();
    assert!(one.find(&secret.key()).is_some());
    assert!(one.is_current(), "the lease has just begun");
    let refused = one.create(new_session("new")).await;
    assert_eq!(refused.unwrap_err(), SessionError::Unavailable);
    let used = one.use_token_id(VP, "one", NOW.plus(60), NOW).await;
    assert_eq!(used, Err(SessionError::Unavailable));
    assert_eq!(other.catch_up().await, Err(SessionError::Unavailable));
    // An end holds here at once, and everywhere when Redis is back.
    let end = one.end(&ended.key(), EndReason::ClosedByServer).await;
    assert_eq!(end.unwrap_err(), SessionError::Unavailable);
    assert!(one.find(&ended.key()).is_none());
    assert!(other.find(&ended.key()).is_some());
    eventually("the lease ends", || !one.is_current()).await;
    assert!(one.is_failing());

    server.start_again();
    eventually("the node goes on", || one.is_current() && !one.is_failing()).await;
    assert!(one.find(&secret.key()).is_some());
    assert_eq!(session.ended(), None);
    eventually("the end is written", || other.find(&ended.key()).is_none()).await;
    assert!(one.find(&ended.key()).is_none(), "it does not come back");
    one.create(new_session("new")).await.unwrap();
}

#[tokio::test]
async fn a_store_that_lost_its_memory_ends_every_session() {
    let (mut server, one, other) = two_nodes().await;
    let (secret, session) = one.create(new_session("boz")).await.unwrap();
    other.catch_up().await.unwrap();
    let mut watch = other.watch(&other.find(&secret.key()).unwrap());
    let before = one.remembers_tokens_since();
    server.stop();
    server.lose_everything();
    // Seconds are what tokens are compared by.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    server.start_again();
    assert_eq!(watch.ended().await, EndReason::ClosedByServer);
    eventually("the first node notices", || session.ended().is_some()).await;
    eventually("tokens from before are refused", || {
        one.remembers_tokens_since() > before && other.remembers_tokens_since() > before
    })
    .await;
    eventually("people sign in again", || one.is_current()).await;
    // The first one is not told that the connection was lost.
    let (secret, _) = one.create(new_session("boz")).await.unwrap();
    other.catch_up().await.unwrap();
    assert!(other.find(&secret.key()).is_some());
    assert_eq!((one.len(), other.len()), (1, 1));
}

#[tokio::test]
async fn a_flushed_store_is_noticed_without_a_lost_connection() {
    let (server, one, _other) = two_nodes().await;
    let (_, session) = one.create(new_session("boz")).await.unwrap();
    assert_eq!(server.ask("FLUSHALL"), "+OK");
    eventually("it is noticed", || session.ended().is_some()).await;
}

#[tokio::test]
async fn a_redis_that_hangs_is_as_one_that_is_away() {
    let (server, one, _other) = two_nodes().await;
    let (secret, _) = one.create(new_session("boz")).await.unwrap();
    server.freeze();
    eventually("the lease ends", || !one.is_current()).await;
    assert!(one.find(&secret.key()).is_some(), "nothing has ended it");
    assert!(one.create(new_session("new")).await.is_err());
    server.thaw();
    eventually("the node goes on", || one.is_current()).await;
    eventually("it can write", || !one.is_failing()).await;
    one.create(new_session("new")).await.unwrap();
}

#[tokio::test]
async fn what_was_cut_off_the_stream_is_found_all_the_same() {
    let (server, one, other) = two_nodes().await;
    let (gone, session) = one.create(new_session("boz")).await.unwrap();
    let (kept, _) = one.create(new_session("mary")).await.unwrap();
    other.catch_up().await.unwrap();
    one.flush().await.unwrap();
    // Another node ended one of them, and the stream no longer tells.
    let third = node(&server).await;
    third.end(&gone.key(), EndReason::LoggedOut).await.unwrap();
    drop(third);
    eventually("they heard", || session.ended().is_some()).await;
    let (lost, lost_session) = one.create(new_session("lost")).await.unwrap();
    other.catch_up().await.unwrap();
    assert_eq!(server.ask("DEL {jotgate}:activity"), ":1");
    assert!(
        server.ask("EVAL return(redis.call('del','{jotgate}:sessions','{jotgate}:changes')) 0")
            == ":2"
    );
    // Whoever looks first begins a new stream. That it is another one has to be noticed by those who read on.
    let third = node(&server).await;
    assert!(third.is_empty());
    eventually("the other node reads everything anew", || {
        other.find(&lost.key()).is_none() && other.find(&kept.key()).is_none()
    })
    .await;
    eventually("this one too", || lost_session.ended().is_some()).await;
}

#[tokio::test]
async fn a_fail_over_that_lost_an_end_does_not_bring_the_session_back() {
    let (server, one, other) = two_nodes().await;
    let (secret, _) = one.create(new_session("boz")).await.unwrap();
    other.catch_up().await.unwrap();
    for name in ["store", "sessions", "activity"] {
        let copy = format!("COPY {{jotgate}}:{name} {{jotgate}}:old-{name}");
        assert_eq!(server.ask(&copy), ":1");
    }
    one.end(&secret.key(), EndReason::ClosedByServer)
        .await
        .unwrap();
    eventually("the other node hears of it", || {
        other.find(&secret.key()).is_none()
    })
    .await;
    // The replica that takes over had not heard of the end.
    for name in ["sessions", "activity"] {
        let rename = format!("RENAME {{jotgate}}:old-{name} {{jotgate}}:{name}");
        assert_eq!(server.ask(&rename), "+OK");
    }
    assert_eq!(server.ask("DEL {jotgate}:changes"), ":1");
    assert_eq!(server.ask("HLEN {jotgate}:sessions"), ":1");
    drop(node(&server).await);
    // Each node repeats what it knows.
    eventually("it has ended there as well", || {
        server.ask("HLEN {jotgate}:sessions") == ":0"
    })
    .await;
    assert!(one.find(&secret.key()).is_none());
    assert!(other.find(&secret.key()).is_none());
    assert!(node(&server).await.is_empty());
}

#[tokio::test]
async fn a_start_without_a_usable_redis_is_refused() {
    let server = RedisServer::with(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    let refused = Sessions::open_shared(&shared(&server)).await.unwrap_err();
    assert!(
        matches!(refused, OpenError::StoreEvicts { .. }),
        "{refused}"
    );
    let mut server = RedisServer::with(&["--requirepass", "hunter2hunter2"]);
    let refused = Sessions::open_shared(&shared(&server)).await.unwrap_err();
    assert!(
        matches!(refused, OpenError::StoreRefuses { .. }),
        "{refused}"
    );
    let mut settings = shared(&server);
    settings.url = format!("redis://:wrong-secret@127.0.0.1:{}", server.port()).into();
    let refused = Sessions::open_shared(&settings).await.unwrap_err();
    assert!(!refused.to_string().contains("wrong-secret"), "{refused}");
    settings.url = format!("redis://:hunter2hunter2@127.0.0.1:{}", server.port()).into();
    Sessions::open_shared(&settings).await.unwrap();
    server.stop();
    let refused = Sessions::open_shared(&settings).await.unwrap_err();
    assert!(
        matches!(refused, OpenError::StoreUnreachable { .. }),
        "{refused}"
    );
    settings.url = "redis://a,b".to_owned().into();
    let refused = Sessions::open_shared(&settings).await.unwrap_err();
    assert!(matches!(refused, OpenError::StoreUrl { .. }), "{refused}");
}

#[tokio::test]
async fn a_store_of_another_version_is_refused() {
    let server = RedisServer::start();
    assert_eq!(server.ask("HSET {jotgate}:store version 99"), ":1");
    let refused = Sessions::open_shared(&shared(&server)).await.unwrap_err();
    assert!(
        matches!(refused, OpenError::StoreVersion { .. }),
        "{refused}"
    );
}
