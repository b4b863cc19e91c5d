//! Three nodes, what they share, and the backend behind them.

use std::fs;

use jotgate_scenarios::{
    Answer, Backend, Client, Cookie, Gateway, GatewayBuilder, Keys, Request, VirtualProxy,
    eventually,
};
use jotgate_test_postgres::Server;
use jotgate_test_redis::RedisServer;

/// How many nodes there are.
pub(crate) const NODES: usize = 3;

pub(crate) struct Site {
    pub(crate) nodes: Vec<Gateway>,
    pub(crate) redis: RedisServer,
    pub(crate) postgres: Server,
    pub(crate) backend: Backend,
    /// What starts one more.
    node: GatewayBuilder,
    /// The key that the nodes share.
    _folder: tempfile::TempDir,
}

impl Site {
    /// Starts it: a virtual proxy `jwt` that all nodes serve.
    pub(crate) async fn new() -> Self {
        let (postgres, redis) = (Server::start(), RedisServer::start());
        let (url, backend) = (postgres.database(), Backend::echo().await);
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("cluster.key");
        fs::write(&key, [7; 32]).expect("a key");
        let node = Gateway::serve()
            .setting("--database-url", &url)
            .setting("--session-store-url", redis.url())
            .setting("--cluster-key-file", key.display().to_string());
        let mut nodes = vec![node.clone().await];
        nodes[0]
            .qrs()
            .jwt_virtual_proxy("jwt", Keys::first(), &backend)
            .await;
        for _ in 1..NODES {
            nodes.push(node.clone().await);
        }
        Self {
            nodes,
            redis,
            postgres,
            backend,
            node,
            _folder: folder,
        }
    }

    /// Another node that joins.
    pub(crate) async fn join(&self) -> Gateway {
        self.node.clone().await
    }

    /// A node with a memory of its own, a journal and a database file, as on a single machine.
    pub(crate) async fn by_itself(&self) -> Gateway {
        let node = Gateway::serve().await;
        node.qrs()
            .jwt_virtual_proxy("jwt", Keys::first(), &self.backend)
            .await;
        node
    }

    /// The virtual proxy as that node's administrator sees it.
    pub(crate) async fn virtual_proxy(&self, node: usize) -> VirtualProxy {
        self.nodes[node % NODES].qrs().find("jwt").await
    }

    /// A request of that node's administrator; `path` begins behind `/jotgate/v1`.
    pub(crate) fn native(&self, node: usize, method: &str, path: &str) -> Request {
        let node = &self.nodes[node % NODES];
        let (address, certificates) = (node.listeners().qrs, node.certificates());
        let client = Client::tls_with_certificate(address, &certificates, "client");
        let request = client.request(method, &format!("/jotgate/v1{path}"));
        let request = request.header("X-Qlik-User", "UserDirectory=INTERNAL; UserId=bench");
        request.header("Content-Type", "application/json")
    }

    /// A client of that node, without TLS.
    pub(crate) fn client(&self, node: usize) -> Client {
        self.nodes[node % NODES].plain_client()
    }
}

/// A token that outlives the measurement.
pub(crate) fn token(user: &str) -> String {
    let token = Keys::first().token().expires_in(3600);
    token.user("example", user).sign()
}

/// Signs in with that token.
pub(crate) async fn sign_in(client: &Client, token: &str) -> Cookie {
    let answer: Answer = client.get("/jwt/hub/").bearer(token).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.cookie()
}

/// Waits until the node has so many sessions.
pub(crate) async fn has_sessions(node: &Gateway, count: usize) {
    eventually("the sessions at a node", async || {
        let known = node.metric("jotgate_sessions").await;
        (known >= count as f64).then_some(())
    })
    .await;
}
