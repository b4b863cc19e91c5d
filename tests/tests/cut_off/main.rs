//! A node that is cut off from PostgreSQL and Redis in both directions: packets vanish, and nobody is
//! told.

mod network;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use jotgate_scenarios::{
    Answer, Backend, Cookie, Fleet, Gateway, Keys, Reply, Stores, eventually, within,
};
use jotgate_test_postgres::{Server, Settings};
use jotgate_test_redis::RedisServer;
use network::Network;
use serde_json::Value;
use tokio::net::TcpListener;

/// The longest that a node makes an administrator wait: two answers of the database, and a busy machine.
const LIMIT: Duration = Duration::from_secs(15);

/// Two nodes beside the stores, and a third one across a cable.
struct Divided {
    fleet: Fleet,
    far: Gateway,
    server: Server,
    network: Network,
}

impl Divided {
    async fn new() -> Self {
        let network = Network::new();
        let (there, here) = (network.store(), network.user());
        let server = Server::with(&Settings {
            address: Some(IpAddr::V4(there)),
            who: &format!("local all all trust\nhost all all {there}/30 trust"),
            ..Default::default()
        });
        server.run(&["CREATE DATABASE fleet ENCODING 'UTF8' TEMPLATE template0"]);
        let both = ["127.0.0.1".to_owned(), there.to_string()];
        let redis = RedisServer::with(&[
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--protected-mode",
            "no",
            "--bind",
            &both[0],
            &both[1],
        ]);
        let database = format!("postgres://jotgate@{there}:{}/fleet", server.port());
        let sessions = format!("redis://{there}:{}", redis.port());
        let stores = Stores::new(&database, redis).session_store_at(&sessions);
        let stores = stores.with("--session-lease", "6s");
        let listener = TcpListener::bind((here, 0)).await.expect("a port");
        let backend = Backend::on(listener, |received| match received.is_upgrade() {
            true => Reply::web_socket_echo(),
            false => Reply::text("hello"),
        });
        let fleet = Fleet::on(stores, 2, backend).await;
        let far = across(&network, &fleet).await;
        Self {
            fleet,
            far,
            server,
            network,
        }
    }
}

async fn across(network: &Network, fleet: &Fleet) -> Gateway {
    let mut node = fleet.node().under(&network.entering());
    for flag in ["", "-http", "qrs", "qps", "observe"] {
        let flag = match flag {
            "" | "-http" => format!("--listen{flag}"),
            port => format!("--{port}-listen"),
        };
        node = node.setting(&flag, format!("{}:0", network.inside()));
    }
    node.await
}

async fn sign_in(node: &Gateway, user: &str) -> Answer {
    let token = Keys::first().token().user("example", user).sign();
    node.client().get("/jwt/hub/").bearer(&token).send().await
}

async fn with(node: &Gateway, cookie: &Cookie) -> Answer {
    let request = node.client().get("/jwt/hub/").cookie(cookie);
    within(LIMIT, "an answer of a node", request.send()).await
}

async fn becomes(what: &str, status: u16, node: &Gateway, cookie: &Cookie) {
    let same = async || (with(node, cookie).await.status == status).then_some(());
    eventually(what, same).await;
}

/// Saves the virtual proxy with that description, whatever comes of it.
async fn save(node: &Gateway, fleet: &Fleet, text: &str) -> Answer {
    let path = fleet.vp.path();
    let qrs = node.qrs();
    let mut entity: Value = qrs.get(&path).await;
    entity["description"] = text.into();
    let saving = qrs.send("PUT", &path, Some(&entity));
    within(LIMIT, "the answer to a save", saving).await
}

/// How many connections the server has with that address.
fn connections(server: &Server, address: Ipv4Addr) -> u64 {
    let count = format!("SELECT count(*) FROM pg_stat_activity WHERE client_addr = '{address}'");
    server.run(&[&count]).parse().expect("a number")
}

#[tokio::test]
async fn a_node_that_is_cut_off_keeps_to_its_lease_and_comes_back_by_itself() {
    let Divided {
        fleet,
        far,
        server,
        network,
    } = Divided::new().await;
    let near = &fleet.nodes[0];
    let leaves = sign_in(&far, "boz").await.cookie();
    let stays = sign_in(near, "anna").await.cookie();
    assert_eq!(with(&far, &stays).await.status, 200);
    assert!(connections(&server, network.seen_as()) > 0);

    network.cut();
    // Users: nobody new, and those who are in for as long as the lease.
    let new = sign_in(&far, "new").await;
    let found = (new.status, new.reason());
    assert_eq!(found, (503, "session_store_unavailable"));
    becomes("the end of the lease", 503, &far, &stays).await;
    assert_eq!(
        with(&far, &stays).await.reason(),
        "session_store_unavailable"
    );
    // Administrators: an answer, and a sentence.
    let refused = save(&far, &fleet, "from the far side").await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.text().contains("database"), "{}", refused.text());
    for metric in ["jotgate_database_up", "jotgate_session_store_up"] {
        let down = async || (far.metric(metric).await < 1.0).then_some(());
        eventually(metric, down).await;
    }
    // The others: as if nothing had happened. The lost node holds nothing that they wait for.
    for node in &fleet.nodes {
        let saved = save(node, &fleet, "from this side").await;
        assert_eq!(saved.status, 200, "{}", saved.text());
        assert_eq!(with(node, &stays).await.status, 200);
        // The next one saves what it has read.
        fleet.caught_up().await;
    }
    let client = fleet.nodes[1].client();
    let out = client.request("DELETE", "/jwt/qps/user").cookie(&leaves);
    assert_eq!(out.send().await.status, 204);
    // Its places at the server are free for others soon.
    let freed = async || (connections(&server, network.seen_as()) == 0).then_some(());
    eventually("the end of its connections", freed).await;

    network.heal();
    becomes("a session that goes on", 200, &far, &stays).await;
    becomes("a session that ended meanwhile", 401, &far, &leaves).await;
    let described = async || {
        let entity = far.qrs().get(&fleet.vp.path()).await;
        (entity["description"] == "from this side").then_some(())
    };
    eventually("what was saved meanwhile", described).await;
    let saved = async || (save(&far, &fleet, "again").await.status == 200).then_some(());
    eventually("a save", saved).await;
    assert_eq!(sign_in(&far, "new").await.status, 200);
    fleet.caught_up().await;
    fleet.assert_whole_trail().await;
}
