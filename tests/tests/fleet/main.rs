//! Several nodes with one session store: what holds at one holds at all, and what becomes of users while
//! something is broken.

mod clocks;
mod faults;
mod sessions;

use std::sync::Arc;

use jotgate_scenarios::{Answer, Backend, Cookie, Folder, Gateway, GatewayBuilder, Keys};
use jotgate_test_redis::RedisServer;

/// Two nodes and what they share.
struct Fleet {
    redis: RedisServer,
    one: Gateway,
    other: Gateway,
    backend: Backend,
}

impl Fleet {
    async fn new(backend: Backend) -> Self {
        Self::with(backend, |_, node| node).await
    }

    /// `change` sees each node, by its number, before it is started.
    async fn with(
        backend: Backend,
        change: impl Fn(usize, GatewayBuilder) -> GatewayBuilder,
    ) -> Self {
        let redis = RedisServer::start();
        let folders = two_folders(&backend).await;
        let key = folders[0].path().join("cluster.key");
        std::fs::write(&key, [7; 32]).expect("a cluster key");
        let node = |number: usize| {
            let node = Gateway::serve()
                .folder(folders[number].clone())
                .setting("--session-store-url", redis.url())
                .setting("--cluster-key-file", key.to_str().expect("a path"));
            change(number, node)
        };
        let (one, other) = tokio::join!(node(0).start(), node(1).start());
        Self {
            redis,
            one,
            other,
            backend,
        }
    }
}

/// The data directories of two nodes with one configuration.
async fn two_folders(backend: &Backend) -> [Arc<Folder>; 2] {
    let folder = Arc::new(Folder::of_a_new_site("serve"));
    let gateway = Gateway::serve().folder(folder.clone()).await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), backend)
        .await;
    gateway.stop().await;
    let copy = Arc::new(Folder::copy_of(&folder));
    [folder, copy]
}

async fn sign_in(gateway: &Gateway, user: &str) -> Cookie {
    let token = Keys::first().token().user("example", user).sign();
    let client = gateway.client();
    let answer = client.get("/jwt/hub/").bearer(&token).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.cookie()
}

async fn with(gateway: &Gateway, cookie: &Cookie) -> Answer {
    let client = gateway.client();
    client.get("/jwt/hub/").cookie(cookie).send().await
}
