//! Several gateways with one database, one session store and one cluster key.

use std::fs;

use futures_util::future::join_all;
use jotgate_test_postgres::Server;
use jotgate_test_redis::RedisServer;
use tempfile::TempDir;

use crate::{Backend, Client, Gateway, GatewayBuilder, VirtualProxy, eventually};

/// The number of the configuration that a node serves.
const REVISION: &str = "jotgate_configuration_revision";

/// Nodes as the manual for operations sets them up, with a virtual proxy `jwt` that all of them serve.
/// Everything ends when this is dropped.
pub struct Fleet {
    /// The nodes, in the order in which they came.
    pub nodes: Vec<Gateway>,
    /// What they forward to the backend.
    pub vp: VirtualProxy,
    /// The backend.
    pub backend: Backend,
    stores: Stores,
}

impl Fleet {
    /// That many nodes on a database of their own, on the server that all tests of this process share.
    pub async fn of(count: usize, backend: Backend) -> Self {
        let stores = Stores::new(&Server::shared().database(), RedisServer::start());
        Self::on(stores, count, backend).await
    }

    /// That many nodes on these stores.
    ///
    /// # Panics
    /// When one of them does not start. There is one at least.
    pub async fn on(stores: Stores, count: usize, backend: Backend) -> Self {
        // Who joins has the virtual proxies of the first one.
        let first = stores.node().await;
        let vp = first.qrs().virtual_proxy("jwt").backend(&backend).await;
        let vp = vp.create().await;
        let others = join_all((1..count).map(|_| stores.node().start())).await;
        Self {
            nodes: std::iter::once(first).chain(others).collect(),
            vp,
            backend,
            stores,
        }
    }

    /// A node that is about to join: it gets the address of the database, that of the session store and
    /// the cluster key, each in a file, and nothing else.
    pub fn node(&self) -> GatewayBuilder {
        self.stores.node()
    }

    /// Where all of them keep sessions.
    pub const fn redis(&mut self) -> &mut RedisServer {
        &mut self.stores.redis
    }

    /// The audit trail that all nodes write is one chain without a gap.
    ///
    /// # Panics
    /// When it is not, as the last node sees it.
    pub async fn assert_whole_trail(&self) {
        let node = self.nodes.last().expect("a node");
        let (address, certificates) = (node.listeners().qrs, node.certificates());
        let client = Client::tls_with_certificate(address, &certificates, "client");
        let ask = client.get("/jotgate/v1/audit/verify");
        let ask = ask.header("X-Qlik-User", "UserDirectory=INTERNAL; UserId=test");
        let verdict = ask.send().await.json();
        assert!(verdict["good"].as_u64() > Some(0), "{verdict}");
        assert!(verdict["problem"].is_null(), "{verdict}");
    }

    /// Waits until every node serves the newest configuration that one of them serves.
    pub async fn caught_up(&self) {
        let revisions = join_all(self.nodes.iter().map(|node| node.metric(REVISION))).await;
        let newest = revisions.into_iter().fold(0.0, f64::max);
        for node in &self.nodes {
            let there = async || (node.metric(REVISION).await >= newest).then_some(());
            eventually("the configuration at every node", there).await;
        }
    }
}

/// What the nodes of a fleet share.
pub struct Stores {
    redis: RedisServer,
    files: TempDir,
    /// What each node gets besides.
    settings: Vec<(&'static str, &'static str)>,
}

impl Stores {
    /// `database` is the address of an empty one.
    ///
    /// # Panics
    /// When there is no place for temporary files.
    #[must_use]
    pub fn new(database: &str, redis: RedisServer) -> Self {
        let files = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, content: &[u8]| {
            fs::write(files.path().join(name), content).expect("a file of the fleet");
        };
        write("database-url", database.as_bytes());
        write("session-store-url", redis.url().as_bytes());
        write("cluster.key", &[7; 32]);
        Self {
            redis,
            files,
            settings: Vec::new(),
        }
    }

    /// Tells nodes another address of the session store than its own.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn session_store_at(self, url: &str) -> Self {
        let file = self.files.path().join("session-store-url");
        fs::write(file, url).expect("a file of the fleet");
        self
    }

    /// Gives every node that flag as well.
    #[must_use]
    pub fn with(mut self, flag: &'static str, value: &'static str) -> Self {
        self.settings.push((flag, value));
        self
    }

    fn node(&self) -> GatewayBuilder {
        let file = |name: &str| self.files.path().join(name).display().to_string();
        let node = Gateway::serve()
            .setting("--database-url-file", file("database-url"))
            .setting("--session-store-url-file", file("session-store-url"))
            .setting("--cluster-key-file", file("cluster.key"));
        let settings = self.settings.iter();
        settings.fold(node, |node, (flag, value)| node.setting(flag, *value))
    }
}
