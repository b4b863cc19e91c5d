//! Nodes that share a database of PostgreSQL: what one of them stores holds at all, and traffic goes on
//! whatever becomes of the database.

mod support {
    pub(crate) mod native;
}

use std::sync::Arc;

use jotgate_scenarios::{
    Answer, Backend, Cookie, Folder, Gateway, GatewayBuilder, Keys, PATIENCE, Process,
    VirtualProxy, eventually,
};
use jotgate_test_postgres::Server;
use serde_json::{Value, json};
use support::native::Native;

/// Nodes on one database, with a virtual proxy `jwt` that they all have.
struct Fleet {
    url: String,
    /// Of the cluster key.
    folder: tempfile::TempDir,
    backend: Backend,
    first: Gateway,
    second: Gateway,
    vp: VirtualProxy,
}

impl Fleet {
    async fn on(server: &Server) -> Self {
        let (url, folder) = (server.database(), tempfile::tempdir().expect("a folder"));
        std::fs::write(folder.path().join("key"), [7; 32]).expect("a key");
        let backend = Backend::echo().await;
        let first = node(&url, &folder).await;
        let vp = first.qrs().virtual_proxy("jwt").map("Group", "Group");
        let vp = vp.backend(&backend).await.create().await;
        let second = node(&url, &folder).await;
        Self {
            url,
            folder,
            backend,
            first,
            second,
            vp,
        }
    }

    fn nodes(&self) -> [&Gateway; 2] {
        [&self.first, &self.second]
    }
}

fn node(url: &str, folder: &tempfile::TempDir) -> GatewayBuilder {
    let key = folder.path().join("key").display().to_string();
    Gateway::serve()
        .setting("--database-url", url)
        .setting("--cluster-key-file", key)
}

fn token(user: &str) -> String {
    Keys::first().token().user("example", user).sign()
}

async fn with_token(gateway: &Gateway, token: &str) -> Answer {
    let request = gateway.client().get("/jwt/hub/").bearer(token);
    request.send().await
}

async fn with_cookie(gateway: &Gateway, cookie: &Cookie) -> u16 {
    let request = gateway.client().get("/jwt/hub/").cookie(cookie);
    request.send().await.status
}

/// Waits until the answer is that one.
async fn becomes(what: &str, status: u16, mut ask: impl AsyncFnMut() -> u16) {
    eventually(what, async || (ask().await == status).then_some(())).await;
}

/// Waits until the second node serves what the first one does.
async fn caught_up(first: &Gateway, second: &Gateway) {
    const REVISION: &str = "jotgate_configuration_revision";
    let revision = first.metric(REVISION).await;
    let there = async || (second.metric(REVISION).await >= revision).then_some(());
    eventually("the revision at the other node", there).await;
}

#[tokio::test]
async fn what_is_saved_at_one_node_holds_at_the_other() {
    let fleet = Fleet::on(Server::shared()).await;
    let [first, second] = fleet.nodes();
    // A node that joins serves what the first one serves.
    assert_eq!(with_token(second, &token("boz")).await.status, 200);
    let services = second.qrs().get("/proxyservice/full").await;
    assert_eq!(services.as_array().map(Vec::len), Some(2));
    let own = |gateway: &Gateway| {
        let qrs = gateway.qrs();
        async move { qrs.proxy_service().await["id"].clone() }
    };
    assert_ne!(own(first).await, own(second).await);

    fleet.vp.set("accessRule", r#"id = "anna""#).await;
    let boz = async || with_token(second, &token("boz")).await.status;
    becomes("the rule at the other node", 403, boz).await;
    let saved_there = second.qrs().find("jwt").await;
    saved_there.set("accessRule", "").await;
    let boz = async || with_token(first, &token("boz")).await.status;
    becomes("the rule's end at the first node", 200, boz).await;
    let audit = Native::of(second)
        .ask("GET", "/audit/verify", &Value::Null)
        .await;
    assert_eq!(audit["problem"], Value::Null, "{audit}");

    // Its own id is kept through a restart.
    let before = own(second).await;
    let Fleet { first, second, .. } = fleet;
    let second = second.restart().await;
    assert_eq!(own(&second).await, before);
    let services = first.qrs().get("/proxyservice/full").await;
    assert_eq!(services.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn blocks_revocations_and_keys_hold_at_every_node() {
    let fleet = Fleet::on(Server::shared()).await;
    let [first, second] = fleet.nodes();
    let native = Native::of(first);
    let user = json!({"userDirectory": "example", "userId": "boz"});
    let cookie = with_token(second, &token("boz")).await.cookie();
    let opening = second.client().get("/jwt/app/1").cookie(&cookie);
    let socket = opening.open_socket().await.expect("a WebSocket");
    let noted = async || {
        let users = first
            .qrs()
            .get("/user/full?filter=userId%20eq%20%27boz%27")
            .await;
        users[0]["id"].as_str().map(str::to_owned)
    };
    let id = eventually("the user at the other node", noted).await;
    let path = format!("/users/{id}");
    native.ask("PATCH", &path, &json!({"blocked": true})).await;
    let (notice, _) = socket.expect_end(PATIENCE).await;
    assert_eq!(notice["method"], "OnSessionClosed");
    assert_eq!(with_cookie(second, &cookie).await, 401);
    let refused = with_token(second, &token("boz")).await;
    assert_eq!((refused.status, refused.reason()), (403, "user_blocked"));
    native.ask("PATCH", &path, &json!({"blocked": false})).await;
    let boz = async || with_token(second, &token("boz")).await.status;
    becomes("the end of the block", 200, boz).await;

    let sent = token("anna");
    assert_eq!(with_token(second, &sent).await.status, 200);
    let revocation = json!({"token": sent});
    let made = native.ask("POST", "/revocations", &revocation).await;
    let anna = async || with_token(second, &sent).await.status;
    becomes("the revocation", 401, anna).await;
    let path = format!("/revocations/{}", made["id"].as_str().expect("an id"));
    Native::of(second).ask("DELETE", &path, &Value::Null).await;
    let anna = async || with_token(first, &sent).await.status;
    becomes("the revocation's end", 200, anna).await;
    // One of this second: a token of the next one is not revoked.
    let sent = token("boz");
    native.ask("POST", "/revocations", &user).await;
    let boz = async || with_token(second, &sent).await.status;
    becomes("the revocation of a user", 401, boz).await;

    // A key that one node made works at the other, and a deleted virtual proxy ends its sessions there.
    let key = native.api_key(&["keys.rotate"], &[&fleet.vp.id]).await;
    // Asked once: whoever shows keys that do not work is soon not heard any more.
    fleet.vp.set("description", "after the key").await;
    caught_up(first, second).await;
    let with_key = second.client().get("/jotgate/v1/virtualproxies/jwt/keys");
    let answer = with_key.bearer(&key).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let cookie = with_token(second, &token("carl")).await.cookie();
    fleet.vp.delete().await;
    let known = async || {
        let sessions = second.metric("jotgate_sessions").await;
        u16::from(sessions > 0.0)
    };
    becomes("the end of the sessions", 0, known).await;
    assert_eq!(with_cookie(second, &cookie).await, 400, "no such prefix");
    drop(fleet.backend);
}

/// The gateway that was alone becomes the first node, with everything that it had.
#[tokio::test]
async fn a_data_directory_is_moved_to_the_database() {
    let (backend, alone) = (Backend::echo().await, Gateway::serve().await);
    let vp = alone.qrs().virtual_proxy("jwt").map("Group", "Group");
    let vp = vp.backend(&backend).await.create().await;
    let cookie = with_token(&alone, &token("boz")).await.cookie();
    let before = Native::of(&alone).ask("GET", "/audit", &Value::Null).await;
    let files = tempfile::tempdir().expect("a folder");
    let (url, key) = (Server::shared().database(), files.path().join("key"));
    std::fs::write(&key, [7; 32]).expect("a key");
    std::fs::write(files.path().join("url"), &url).expect("a file");
    let data = alone.folder().data().display().to_string();
    let run = async || {
        let url_file = files.path().join("url").display().to_string();
        let arguments = [
            "move",
            "--data-dir",
            &data,
            "--database-url-file",
            &url_file,
        ];
        let key = ["--cluster-key-file", key.to_str().expect("a text")];
        let mut process = Process::start(&[&arguments[..], &key[..]].concat(), &[]);
        process.wait(PATIENCE).await
    };
    let running = run().await;
    assert_eq!(running.code, Some(65), "{}", running.stderr);
    assert!(running.stderr.contains("is in use"), "{}", running.stderr);
    let folder = alone.folder().clone();
    alone.stop().await;
    let moved = run().await;
    assert_eq!(moved.code, Some(0), "{}", moved.stderr);
    let again = run().await;
    assert_eq!(again.code, Some(65), "{}", again.stderr);
    assert!(
        again.stderr.contains("make an empty one"),
        "{}",
        again.stderr
    );

    let first = node(&url, &files).folder(folder).await;
    assert_eq!(first.qrs().find("jwt").await.id, vp.id);
    assert_eq!(with_cookie(&first, &cookie).await, 200);
    let services = first.qrs().get("/proxyservice/full").await;
    assert_eq!(
        services.as_array().map(Vec::len),
        Some(1),
        "it is the same node"
    );
    let audit = Native::of(&first);
    let rows = audit.ask("GET", "/audit", &Value::Null).await;
    let rows = rows["rows"].as_array().expect("rows").clone();
    let oldest = before["rows"].as_array().and_then(|rows| rows.last());
    assert_eq!(rows.last(), oldest);
    assert!(rows.iter().any(|row| row["action"] == "database.move"));
    let whole = audit.ask("GET", "/audit/verify", &Value::Null).await;
    assert_eq!(whole["problem"], Value::Null, "{whole}");
    let second = node(&url, &files).await;
    assert_eq!(with_token(&second, &token("anna")).await.status, 200);
}

#[tokio::test]
async fn traffic_goes_on_without_the_database_and_saves_come_back() {
    let server = Server::start();
    let fleet = Fleet::on(&server).await;
    let [first, second] = fleet.nodes();
    let cookie = with_token(first, &token("boz")).await.cookie();
    let ready = async || {
        let asked = first.observer().get("/readyz").send().await;
        asked.status
    };
    for (stop, start) in [
        (
            Server::stop as fn(&Server),
            Server::start_again as fn(&Server),
        ),
        (Server::crash, Server::start_again),
        (Server::freeze, Server::thaw),
    ] {
        stop(&server);
        let (status, text) = saved(first, &fleet.vp, "while it is gone").await;
        assert_eq!(status, 503, "{text}");
        assert!(text.contains("database"), "{text}");
        assert_eq!(with_cookie(first, &cookie).await, 200);
        assert_eq!(with_token(first, &token("anna")).await.status, 200);
        assert_eq!(ready().await, 200);
        let is_up = async || first.metric("jotgate_database_up").await > 0.0;
        eventually("the metric", async || (!is_up().await).then_some(())).await;
        start(&server);
        let again = async || saved(first, &fleet.vp, "it is back").await.0;
        becomes("a save", 200, again).await;
        eventually("the metric", async || is_up().await.then_some(())).await;
        caught_up(first, second).await;
    }
    let audit = Native::of(first)
        .ask("GET", "/audit/verify", &Value::Null)
        .await;
    assert_eq!(audit["problem"], Value::Null, "{audit}");
}

async fn saved(gateway: &Gateway, vp: &VirtualProxy, text: &str) -> (u16, String) {
    let path = format!("/virtualproxyconfig/{}", vp.id);
    let mut entity = gateway.qrs().get(&path).await;
    entity["description"] = text.into();
    let answer = gateway.qrs().send("PUT", &path, Some(&entity)).await;
    (answer.status, answer.text())
}

#[tokio::test]
async fn a_node_that_cannot_join_says_why_and_not_the_password() {
    let fleet = Fleet::on(Server::shared()).await;
    let other = tempfile::tempdir().expect("a folder");
    std::fs::write(other.path().join("key"), [8; 32]).expect("a key");
    let nobody = "postgres://me:hunter2@127.0.0.1:1/jotgate";
    for (url, folder, words) in [
        (
            fleet.url.as_str(),
            &other,
            "with another cluster key; give this one the same --cluster-key-file",
        ),
        (
            nobody,
            &fleet.folder,
            "PostgreSQL jotgate at 127.0.0.1:1 cannot be used",
        ),
        (
            "postgres://me:hunter2@h:port",
            &fleet.folder,
            "--database-url",
        ),
    ] {
        let folder_of_node = Arc::new(Folder::of_a_new_site("serve"));
        let ended = node(url, folder).folder(folder_of_node).ended().await;
        assert_eq!(ended.code, Some(65), "{}", ended.stderr);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    }
}
