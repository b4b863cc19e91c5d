//! A cluster: slots move, shards are lost.

use std::time::Duration;

use jotgate_session::{EndReason, SharedStore};
use jotgate_test_redis::RedisCluster;

use crate::support::{new_session, shared_at};
use crate::{eventually, node_at, sign_in};

const STORE: &str = "{jotgate}:store";

#[tokio::test]
async fn a_slot_that_moves_takes_the_sessions_with_it() {
    let mut cluster = RedisCluster::start();
    let one = node_at(cluster.url("")).await;
    let other = node_at(cluster.url("")).await;
    let (kept, session) = one.create(new_session("boz")).await.unwrap();
    let (gone, _) = one.create(new_session("mary")).await.unwrap();
    other.catch_up().await.unwrap();
    let mut watch = other.watch(&other.find(&gone.key()).unwrap());
    let before = cluster.shards_of(STORE)[0].port();
    cluster.move_slot_of(STORE);
    assert_ne!(cluster.shards_of(STORE)[0].port(), before);
    // Each connection learns of it by itself.
    one.end(&gone.key(), EndReason::LoggedOut).await.unwrap();
    assert_eq!(watch.ended().await, EndReason::LoggedOut);
    let new = sign_in(&other, "anna").await;
    one.catch_up().await.unwrap();
    for node in [&one, &other, &node_at(cluster.url("")).await] {
        assert!(node.find(&kept.key()).is_some() && node.find(&new.key()).is_some());
        assert!(node.find(&gone.key()).is_none());
        assert!(node.is_current() && !node.is_failing());
    }
    assert_eq!(session.ended(), None);
}

#[tokio::test]
async fn only_the_shard_that_has_the_sessions_matters() {
    let mut cluster = RedisCluster::start();
    let settings = SharedStore {
        lease: Duration::from_secs(1),
        ..shared_at(cluster.url(""))
    };
    let node = jotgate_session::Sessions::open_shared(&settings);
    let node = node.await.unwrap();
    let (kept, session) = node.create(new_session("boz")).await.unwrap();
    let [having, another] = cluster.shards_of(STORE);
    another.stop();
    // Longer than the lease, and than the shards need to miss one.
    let until = tokio::time::Instant::now() + Duration::from_secs(3);
    while tokio::time::Instant::now() < until {
        assert!(node.is_current() && !node.is_failing());
        node.create(new_session("mary")).await.unwrap();
        node.catch_up().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    another.start_again();
    having.stop();
    eventually("the lease ends", || !node.is_current()).await;
    assert!(node.create(new_session("new")).await.is_err());
    having.start_again();
    eventually("the node goes on", || node.is_current()).await;
    sign_in(&node, "anna").await;
    assert!(node.find(&kept.key()).is_some());
    assert_eq!(session.ended(), None);
}
