//! A node that was cut off for a while, when it hears of Redis again.

use std::thread;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jotgate_session::{EndReason, Sessions, SharedStore};
use jotgate_test_redis::{RedisServer, SlowLink};

use crate::support::{named, new_session, shared_at};
use crate::{PATIENCE, eventually, node};

/// Longer than any test: what is said meanwhile does not arrive.
const SILENCE: Duration = Duration::from_secs(3600);

/// A server, a node, and another one that can be cut off.
async fn with_a_link() -> (RedisServer, Sessions, Sessions, SlowLink) {
    let server = RedisServer::start();
    let one = node(&server).await;
    let link = SlowLink::to(server.port());
    let settings = SharedStore {
        lease: Duration::from_secs(1),
        ..shared_at(link.url())
    };
    let other = Sessions::open_shared(&settings).await.unwrap();
    (server, one, other, link)
}

#[tokio::test]
async fn a_node_that_was_cut_off_counts_on_its_memory_only_when_it_knows_of_every_end() {
    let (_server, one, other, link) = with_a_link().await;
    let (ended, _) = one.create(new_session("boz")).await.unwrap();
    other.catch_up().await.unwrap();
    link.set_delay(SILENCE);
    eventually("the lease ends", || !other.is_current()).await;
    // The end is the last of many changes that it reads at once.
    let users: Vec<_> = (0..900).map(|number| format!("user{number}")).collect();
    let sign_ins = join_all(users.iter().map(|user| one.create(new_session(user)))).await;
    assert!(sign_ins.iter().all(Result::is_ok));
    let key = ended.key();
    let end = one.end(&key, EndReason::LoggedOut).await;
    assert!(end.unwrap().is_some());
    // Asks as requests do, at the first moment at which they would be answered.
    let asker = other.clone();
    let asked = thread::spawn(move || {
        let until = Instant::now() + PATIENCE;
        while !asker.is_current() {
            assert!(Instant::now() < until, "it does not go on");
        }
        asker.find(&key).is_some()
    });
    link.set_delay(Duration::ZERO);
    eventually("it has asked", || asked.is_finished()).await;
    assert!(!asked.join().unwrap(), "a session that has ended was found");
}

#[tokio::test]
async fn a_name_that_has_passed_to_somebody_else_meanwhile_is_no_longer_the_first_one() {
    const NAME: &str = "a-name-of-a-program";
    let (server, one, other, link) = with_a_link().await;
    let (secret, _) = one.create(named("boz", NAME)).await.unwrap();
    let key = secret.key();
    other.catch_up().await.unwrap();
    let first = other.find(&key).unwrap();
    link.set_delay(SILENCE);
    eventually("the lease ends", || !other.is_current()).await;
    let end = one.end(&key, EndReason::LoggedOut).await;
    assert!(end.unwrap().is_some());
    one.create(named("mary", NAME)).await.unwrap();
    // The stream no longer tells of the end: everything is read anew.
    assert_ne!(server.ask("XTRIM {jotgate}:changes MAXLEN 1"), ":0");
    link.set_delay(Duration::ZERO);
    eventually("the second one is there", || {
        let found = other.find(&key);
        found.is_some_and(|session| session.user_id() == "mary")
    })
    .await;
    assert!(first.ended().is_some());
}
