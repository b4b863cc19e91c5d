//! A Redis that answers late, or not for a while.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jotgate_session::SessionError;
use jotgate_test_redis::{RedisServer, SlowLink};

use crate::support::new_session;
use crate::{eventually, node_at};

/// What a request waits for the store at most (3 s), and what a busy machine adds. One after the other, they
/// would wait for minutes.
const LONGEST: Duration = Duration::from_secs(20);

/// For how long the store says nothing: longer than a lease and a wait.
const PAUSE: &str = "CLIENT PAUSE 12000 ALL";

#[tokio::test]
async fn a_slow_store_delays_sign_ins_once_and_not_each_by_the_others() {
    let server = RedisServer::start();
    let link = SlowLink::to(server.port());
    let node = node_at(link.url()).await;
    let (known, _) = node.create(new_session("boz")).await.unwrap();
    link.set_delay(Duration::from_millis(300));
    assert_eq!(server.ask("CONFIG RESETSTAT"), "+OK");
    let begun = Instant::now();
    let users: Vec<_> = (0..200).map(|number| format!("user{number}")).collect();
    let sign_ins = join_all(users.iter().map(|user| node.create(new_session(user))));
    let strangers = join_all((0..1_000).map(|_| node.catch_up()));
    let (sign_ins, strangers) = futures_util::future::join(sign_ins, strangers).await;
    assert!(begun.elapsed() < LONGEST, "{:?}", begun.elapsed());
    assert!(sign_ins.iter().all(Result::is_ok));
    assert!(strangers.iter().all(Result::is_ok));
    assert!(node.is_current(), "an answer that takes 0.3 s is one");
    assert!(node.find(&known.key()).is_some());
    // A thousand invented cookies are a handful of questions, two hundred sign-ins a handful of scripts.
    for command in ["xrevrange", "evalsha"] {
        let count = calls(&server, command);
        assert!(count < 10, "{command}: {count}");
    }
}

/// How often the server was asked that since its counters were reset.
fn calls(server: &RedisServer, command: &str) -> u32 {
    let told = server.info("commandstats");
    let line = told
        .iter()
        .find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    let count = line.and_then(|rest| rest.split(',').next());
    count.map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn while_the_store_pauses_nobody_waits_for_it_longer_than_three_seconds() {
    let server = RedisServer::start();
    let node = node_at(server.url()).await;
    let (known, session) = node.create(new_session("boz")).await.unwrap();
    // It accepts connections, and says nothing.
    assert_eq!(server.ask(PAUSE), "+OK");
    let mut waited = Vec::new();
    for _ in 0..4 {
        let begun = Instant::now();
        let sign_ins = join_all((0..50).map(|_| node.create(new_session("mary"))));
        let strangers = join_all((0..50).map(|_| node.catch_up()));
        let (sign_ins, strangers) = futures_util::future::join(sign_ins, strangers).await;
        waited.push(begun.elapsed());
        let unavailable = Some(SessionError::Unavailable);
        assert!(sign_ins.into_iter().all(|made| made.err() == unavailable));
        assert!(
            strangers
                .into_iter()
                .all(|asked| asked.err() == unavailable)
        );
        assert!(node.find(&known.key()).is_some(), "nothing has ended it");
        if !node.is_current() {
            break;
        }
    }
    assert!(waited.iter().all(|waited| *waited < LONGEST), "{waited:?}");
    eventually("the lease ends", || !node.is_current()).await;
    let begun = Instant::now();
    assert!(node.create(new_session("mary")).await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(3), "it does not ask");
    eventually("the node goes on", || {
        node.is_current() && !node.is_failing()
    })
    .await;
    node.create(new_session("anna")).await.unwrap();
    node.catch_up().await.unwrap();
    assert_eq!(session.ended(), None);
    // Those who were refused are not there all the same.
    node.flush().await.unwrap();
    assert_eq!(node.len(), 2);
    eventually("nor in the store", || {
        server.ask("HLEN {jotgate}:sessions") == ":2"
    })
    .await;
}
