//! The database of a fleet as an administrator sets it up, and what becomes of a node when it lets nobody
//! in, or is restarted in the middle of saves.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jotgate_scenarios::{
    Backend, Ended, Fleet, Folder, Gateway, GatewayBuilder, Keys, Stores, VirtualProxy, eventually,
};
use jotgate_test_postgres::{Server, Settings};
use jotgate_test_redis::RedisServer;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use sqlx::{Connection, PgConnection};

/// In which some saves are made.
const A_WHILE: Duration = Duration::from_millis(300);
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The statements of the manual for operations, for a role of another name.
const SET_UP: [&str; 2] = [
    "CREATE ROLE gate LOGIN PASSWORD 'p@ss/word:1'",
    "CREATE DATABASE fleet OWNER gate ENCODING 'UTF8' TEMPLATE template0",
];

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("a root")
}

/// A server as OPERATIONS.md has it: TLS only, with passwords (SCRAM), for `localhost`.
fn server_with_tls(authority: &CertifiedIssuer<'static, KeyPair>) -> Server {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, authority).expect("a certificate");
    let server = Server::with(&Settings {
        address: Some(LOOPBACK),
        parameters: &[
            "ssl=on",
            "ssl_cert_file=../server.pem",
            "ssl_key_file=../server_key.pem",
        ],
        who: "hostssl all all 127.0.0.1/32 scram-sha-256",
        files: &[
            ("server.pem", &certificate.pem()),
            ("server_key.pem", &key.serialize_pem()),
        ],
    });
    server.run(&SET_UP);
    server
}

/// A node that gets that address of a database.
fn node(url: &str) -> GatewayBuilder {
    let folder = Arc::new(Folder::of_a_new_site("serve"));
    let (file, key) = (folder.path().join("url"), folder.path().join("key"));
    std::fs::write(&file, url).expect("a file");
    std::fs::write(&key, [7; 32]).expect("a file");
    Gateway::serve()
        .folder(folder)
        .setting("--database-url-file", file.display().to_string())
        .setting("--cluster-key-file", key.display().to_string())
}

async fn saved(node: &Gateway, vp: &VirtualProxy, text: &str) -> (u16, String) {
    let mut entity = node.qrs().get(&vp.path()).await;
    entity["description"] = text.into();
    let answer = node.qrs().send("PUT", &vp.path(), Some(&entity)).await;
    (answer.status, answer.text())
}

async fn signs_in(node: &Gateway, user: &str) -> u16 {
    let token = Keys::first().token().user("example", user).sign();
    let request = node.client().get("/jwt/hub/").bearer(&token);
    request.send().await.status
}

fn assert_refused(ended: &Ended, words: &str) {
    assert_eq!(ended.code, Some(65), "{}", ended.stderr);
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert!(!ended.stderr.contains("word:1"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    // One sentence, whatever the log has before it.
    let last = ended.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("jotgate: "), "{}", ended.stderr);
}

#[tokio::test]
async fn a_node_comes_in_with_a_password_over_tls_and_knows_the_server() {
    let authority = authority();
    let server = server_with_tls(&authority);
    let files = tempfile::tempdir().expect("a folder");
    let root = files.path().join("root.pem");
    std::fs::write(&root, authority.pem()).expect("a file");
    let other = files.path().join("other.pem");
    std::fs::write(&other, self::authority().pem()).expect("a file");
    let (port, root, other) = (server.port(), root.display(), other.display());
    let url = |password: &str, host: &str, query: &str| {
        format!("postgres://gate:{password}@{host}:{port}/fleet?{query}")
    };
    let (right, full) = ("p%40ss%2Fword%3A1", "sslmode=verify-full&sslrootcert=");

    let good = node(&url(right, "localhost", &format!("{full}{root}"))).await;
    good.qrs().create("/tag", &json!({"name": "stored"})).await;
    let encrypted = "SELECT bool_and(ssl), count(*) > 0 FROM pg_stat_ssl
                     JOIN pg_stat_activity USING (pid) WHERE usename = 'gate'";
    assert_eq!(server.run(&[encrypted]), "t|t");

    for (url, words) in [
        (
            url("hunter2", "localhost", &format!("{full}{root}")),
            "password authentication failed for user \"gate\"",
        ),
        (
            url(right, "localhost", &format!("{full}{other}")),
            "certificate",
        ),
        // The certificate is for another name.
        (
            url(right, "127.0.0.1", &format!("{full}{root}")),
            "certificate",
        ),
        (
            url(right, "localhost", "sslmode=disable"),
            "no pg_hba.conf entry",
        ),
        (
            url(right, "localhost", &format!("{full}/nowhere/root.pem")),
            "sslrootcert, cannot be read",
        ),
    ] {
        assert_refused(&node(&url).ended().await, words);
    }
}

/// Takes every place that a server has for others, those of Jotgate's nodes included.
async fn take_every_place(server: &Server, url: &str) -> Vec<PgConnection> {
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE application_name = 'jotgate'";
    let mut taken = Vec::new();
    loop {
        while let Ok(connection) = PgConnection::connect(url).await {
            taken.push(connection);
        }
        if server.run(&[end]) == "0" {
            return taken;
        }
    }
}

#[tokio::test]
async fn when_others_take_every_connection_traffic_goes_on_and_saves_say_why() {
    let server = Server::with(&Settings {
        parameters: &["max_connections=20"],
        ..Default::default()
    });
    server.run(&SET_UP);
    // Places that are kept for superusers are none for a node.
    let url = server.url("fleet").replace("jotgate@", "gate@");
    let stores = Stores::new(&url, RedisServer::start());
    let fleet = Fleet::on(stores, 2, Backend::echo().await).await;
    let [first, second] = &fleet.nodes[..] else {
        unreachable!("there are two");
    };
    let taken = take_every_place(&server, &url).await;
    for node in [first, second] {
        // At first it may find the connection that it had broken.
        let why = "remaining connection slots are reserved";
        eventually("the reason", async || {
            let (status, text) = saved(node, &fleet.vp, "nobody gets in").await;
            assert_eq!(status, 503, "{text}");
            text.contains(why).then_some(())
        })
        .await;
        assert_eq!(signs_in(node, "boz").await, 200);
        let down = async || (node.metric("jotgate_database_up").await < 1.0).then_some(());
        eventually("the metric", down).await;
    }
    let refused = fleet.node().ended().await;
    assert_refused(&refused, "remaining connection slots are reserved");
    drop(taken);
    for node in [first, second] {
        let again = async || (saved(node, &fleet.vp, "again").await.0 == 200).then_some(());
        eventually("a save", again).await;
        let up = async || (node.metric("jotgate_database_up").await > 0.0).then_some(());
        eventually("the metric", up).await;
    }
    fleet.caught_up().await;
}

#[tokio::test]
async fn what_was_saved_before_a_restart_of_the_database_is_there_after_it() {
    let server = Arc::new(Server::start());
    let stores = Stores::new(&server.database(), RedisServer::start());
    let fleet = Fleet::on(stores, 2, Backend::echo().await).await;
    let ends = AtomicBool::new(false);
    let saving = async |node: usize| {
        let (qrs, mut saved) = (fleet.nodes[node].qrs(), Vec::new());
        for number in 0.. {
            if ends.load(Ordering::Relaxed) {
                break;
            }
            let name = format!("tag {node} {number}");
            let answer = qrs.send("POST", "/tag", Some(&json!({"name": name}))).await;
            match answer.status {
                201 => saved.push(name),
                503 => {}
                _ => panic!("{answer:?}"),
            }
            // As nobody does: one after the other, without a pause.
            tokio::task::yield_now().await;
        }
        saved
    };
    let restarting = async {
        for stop in [Server::stop, Server::crash, Server::crash] {
            tokio::time::sleep(A_WHILE).await;
            let server = server.clone();
            let restart = tokio::task::spawn_blocking(move || {
                stop(&server);
                server.start_again();
            });
            restart.await.expect("a restart");
            let up = async || {
                let answer = fleet.nodes[0].qrs().send("GET", "/tag/count", None).await;
                let known = fleet.nodes[0].metric("jotgate_database_up").await;
                (answer.status == 200 && known > 0.0).then_some(())
            };
            eventually("the database", up).await;
        }
        tokio::time::sleep(A_WHILE).await;
        ends.store(true, Ordering::Relaxed);
    };
    let (one, other, ()) = tokio::join!(saving(0), saving(1), restarting);
    fleet.caught_up().await;
    for node in &fleet.nodes {
        let tags = node.qrs().get("/tag").await;
        let tags = tags.as_array().expect("a list").iter();
        let names: Vec<_> = tags.filter_map(|tag| tag["name"].as_str()).collect();
        for name in one.iter().chain(&other) {
            assert!(names.contains(&&**name), "{name} was acknowledged");
        }
    }
    assert!(one.len() > 3 && other.len() > 3, "{one:?} {other:?}");
    fleet.assert_whole_trail().await;
}
