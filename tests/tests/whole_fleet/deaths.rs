//! Any node can die, or sleep and wake.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jotgate_scenarios::{Backend, Client, Cookie, Fleet, Signal, Stores, eventually};
use jotgate_test_postgres::Server;
use jotgate_test_redis::RedisServer;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::native::Native;
use crate::{becomes, sign_in, token, with, with_token};

/// Users who ask one node after the other, as a load balancer lets them: a node that does not
/// answer is passed over.
struct Load {
    done: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
    users: Vec<JoinHandle<()>>,
}

impl Load {
    async fn start(fleet: &Fleet, users: usize) -> Self {
        let (done, ends) = (Arc::default(), Arc::default());
        let mut load = Self {
            done,
            ends,
            users: Vec::new(),
        };
        for number in 0..users {
            let opening = &fleet.nodes[number % fleet.nodes.len()];
            let cookie = sign_in(opening, &format!("user{number}")).await;
            let clients = fleet.nodes.iter().map(|node| node.client()).collect();
            let (done, ends) = (load.done.clone(), load.ends.clone());
            load.users
                .push(tokio::spawn(use_nodes(clients, cookie, done, ends)));
        }
        load
    }

    async fn goes_on(&self) {
        let before = self.done.load(Ordering::Relaxed);
        let enough = async || (self.done.load(Ordering::Relaxed) > before + 100).then_some(());
        eventually("the load goes on", enough).await;
    }

    async fn end(self) {
        self.ends.store(true, Ordering::Relaxed);
        for user in self.users {
            user.await.expect("no request of this user was refused");
        }
    }
}

/// Whoever answers must know the session.
async fn use_nodes(
    clients: Vec<Client>,
    cookie: Cookie,
    done: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
) {
    for client in clients.iter().cycle() {
        if ends.load(Ordering::Relaxed) {
            return;
        }
        let asking = client.get("/jwt/hub/").cookie(&cookie).try_send();
        if let Ok(Ok(answer)) = timeout(Duration::from_secs(5), asking).await {
            assert_eq!(answer.status, 200, "{}", answer.text());
            done.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test]
async fn when_a_node_is_killed_under_load_nobody_loses_a_session() {
    let mut fleet = Fleet::of(3, Backend::echo().await).await;
    let load = Load::start(&fleet, 12).await;
    load.goes_on().await;
    let killed = fleet.nodes.remove(0);
    let again = killed.again();
    killed.kill().await;
    load.goes_on().await;
    // The two that are left still save, and a new one takes the place.
    fleet.vp = fleet.nodes[0].qrs().find("jwt").await;
    fleet.vp.set("description", "two are left").await;
    fleet.nodes.push(again.await);
    load.goes_on().await;
    load.end().await;
    fleet.caught_up().await;
    for node in &fleet.nodes {
        let known = node.metric("jotgate_sessions").await;
        assert!((known - 12.0).abs() < f64::EPSILON, "{known}");
    }
    fleet.assert_whole_trail().await;
}

#[tokio::test]
async fn a_node_that_slept_knows_what_was_done_meanwhile() {
    let stores = Stores::new(&Server::shared().database(), RedisServer::start());
    let stores = stores.with("--session-lease", "3s");
    let fleet = Fleet::on(stores, 3, Backend::echo().await).await;
    let [sleeps, saves, asks] = &fleet.nodes[..] else {
        unreachable!("there are three");
    };
    let (leaves, stays) = (sign_in(sleeps, "boz").await, sign_in(saves, "anna").await);
    assert_eq!(with(sleeps, &stays).await.status, 200);
    sleeps.signal(Signal::STOP);
    let client = asks.client();
    let out = client.request("DELETE", "/jwt/qps/user").cookie(&leaves);
    assert_eq!(out.send().await.status, 204);
    let vp = saves.qrs().find("jwt").await;
    vp.set("accessRule", r#"id = "anna""#).await;
    let sent = token("dora");
    let revocation = json!({ "token": sent });
    Native::of(asks)
        .ask("POST", "/revocations", &revocation)
        .await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    sleeps.signal(Signal::CONT);
    // It may say that it does not know yet, and must not let in whom the others do not.
    let answer = with(sleeps, &leaves).await;
    assert!(matches!(answer.status, 401 | 503), "{}", answer.status);
    becomes("its session", 200, async || with(sleeps, &stays).await).await;
    becomes("the logout", 401, async || with(sleeps, &leaves).await).await;
    let carl = async || with_token(sleeps, &token("carl")).await;
    becomes("the rule", 403, carl).await;
    let dora = async || with_token(sleeps, &sent).await;
    becomes("the revocation", 401, dora).await;
    // And it saves again.
    sleeps.qrs().find("jwt").await.set("accessRule", "").await;
    let carl = async || with_token(asks, &token("carl")).await;
    becomes("its save", 200, carl).await;
}
