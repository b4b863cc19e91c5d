//! Two nodes at one Redis, and what becomes of them when it breaks.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod behind;
mod cluster;
mod faults;
mod nodes;
mod secrecy;
mod sentinel;
mod slow;
#[path = "../support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use jotgate_session::{SessionSecret, Sessions};
use jotgate_test_redis::RedisServer;

/// How long something may take that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server and two nodes.
async fn two_nodes() -> (RedisServer, Sessions, Sessions) {
    let server = RedisServer::start();
    let one = node(&server).await;
    let other = node(&server).await;
    (server, one, other)
}

async fn node(server: &RedisServer) -> Sessions {
    node_at(server.url()).await
}

async fn node_at(url: String) -> Sessions {
    let settings = support::shared_at(url);
    Sessions::open_shared(&settings).await.unwrap()
}

/// Waits until somebody can sign in, and signs in.
async fn sign_in(node: &Sessions, user: &str) -> SessionSecret {
    let until = Instant::now() + PATIENCE;
    loop {
        match node.create(support::new_session(user)).await {
            Ok((secret, _)) => return secret,
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until something is so.
async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
