//! What was acknowledged survives `kill -9` and a full disk.
//!
//! That a commit waits for the disk itself (`synchronous=FULL`) belongs to each connection and cannot
//! be read from outside: `jotgate-repository` (`open/tests.rs`) and `jotgate-session`
//! (`journal/file/tests.rs`) have tests of their own for it. Here the files are opened as they are.

#[path = "support/acknowledged.rs"]
mod acknowledged;
#[path = "support/administration.rs"]
mod administration;
#[path = "support/small_disk.rs"]
mod small_disk;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use acknowledged::{Acknowledged, Saver, sign_in_until_killed};
use administration::Administration;
use jotgate_scenarios::{Backend, Cookie, Folder, Gateway, Keys, Reply, eventually};
use serde_json::json;
use small_disk::SmallDisk;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

/// How often the gateway is killed, and what must at least have been acknowledged in all rounds.
const ROUNDS: usize = 6;
const SAVES: usize = 200;
const SIGN_INS: usize = 200;
/// Clients of each kind at the same time.
const CLIENTS: usize = 4;

/// Answers with the name of the user.
async fn naming_backend() -> Backend {
    Backend::answering(|received| Reply::text(&received.header("X-Qlik-User").unwrap_or_default()))
        .await
}

async fn site() -> (Gateway, Backend) {
    let (gateway, backend) = (Gateway::serve().await, naming_backend().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    (gateway, backend)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_saves_and_a_hundred_sign_ins_survive_kill_9() {
    let (mut gateway, _backend) = site().await;
    let known = Arc::new(Acknowledged::default());
    for round in 1..=ROUNDS {
        let again = gateway.again();
        let administration = Administration::of(&gateway);
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            let saver = Saver::new(administration.clone(), known.clone(), round, number);
            clients.push(tokio::spawn(saver.save_until_killed()));
            let signing_in = sign_in_until_killed(gateway.client(), known.clone(), round, number);
            clients.push(tokio::spawn(signing_in));
        }
        let (saves, sign_ins) = (SAVES * round / ROUNDS, SIGN_INS * round / ROUNDS);
        let enough =
            async || (known.saves() >= saves && known.sign_ins() >= sign_ins).then_some(());
        eventually(&format!("{saves} saves and {sign_ins} sign-ins"), enough).await;
        let moment = uuid::Uuid::new_v4().as_u128() % 40_000;
        tokio::time::sleep(Duration::from_micros(
            u64::try_from(moment).expect("a small number"),
        ))
        .await;
        let ended = gateway.kill().await;
        assert_eq!(
            ended.signal,
            Some(9),
            "it ended by itself: {}",
            ended.stderr
        );
        for client in clients {
            client
                .await
                .expect("a client that was only refused by the kill");
        }
        gateway = again.await;
        known.check_configuration(&gateway).await;
        known.check_sessions(&gateway).await;
    }
    assert!(known.saves() >= SAVES && known.sign_ins() >= SIGN_INS);
    assert_databases_are_whole(&gateway.folder().data()).await;
}

#[tokio::test]
async fn who_has_logged_out_stays_logged_out_after_kill_9() {
    let (gateway, _backend) = site().await;
    let client = gateway.client();
    let mut cookies: Vec<Cookie> = Vec::new();
    for number in 0..12 {
        let token = Keys::first()
            .token()
            .user("example", &format!("user-{number}"))
            .sign();
        cookies.push(client.get("/jwt/").bearer(&token).send().await.cookie());
    }
    let (leaving, staying) = cookies.split_at(6);
    for cookie in leaving {
        let answer = client
            .request("DELETE", "/jwt/qps/user")
            .cookie(cookie)
            .send()
            .await;
        assert_eq!(answer.status, 204, "{}", answer.text());
    }
    let again = gateway.again();
    gateway.kill().await;
    let gateway = again.await;
    let client = gateway.client();
    for cookie in leaving {
        let answer = client.get("/jwt/").cookie(cookie).send().await;
        assert_eq!((answer.status, answer.reason()), (401, "session_unknown"));
    }
    for cookie in staying {
        assert_eq!(client.get("/jwt/").cookie(cookie).send().await.status, 200);
    }
}

#[tokio::test]
async fn a_deleted_virtual_proxy_stays_deleted_after_kill_9() {
    let (gateway, _backend) = site().await;
    let token = Keys::first().token().sign();
    let cookie = gateway
        .client()
        .get("/jwt/")
        .bearer(&token)
        .send()
        .await
        .cookie();
    let jwt = gateway.qrs().find("jwt").await;
    jwt.delete().await;
    let again = gateway.again();
    gateway.kill().await;
    let gateway = again.await;
    let all = gateway.qrs().get("/virtualproxyconfig/full").await;
    assert!(
        all.as_array()
            .expect("a list")
            .iter()
            .all(|vp| vp["prefix"] != "jwt"),
        "{all}"
    );
    let answer = gateway
        .client()
        .get("/jwt/hub/")
        .cookie(&cookie)
        .send()
        .await;
    assert_eq!((answer.status, answer.reason()), (400, "prefix_unknown"));
}

#[tokio::test]
async fn the_databases_are_what_they_have_to_be() {
    let (gateway, _backend) = site().await;
    // Kept until the end of the test: it goes with the last gateway that has it.
    let folder = gateway.folder().clone();
    let data = folder.data();
    assert_databases_are_whole(&data).await;
    let again = gateway.again();
    gateway.kill().await;
    assert_databases_are_whole(&data).await;
    let ended = again.await.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_databases_are_whole(&data).await;
}

/// Whoever copies the files of a gateway that was stopped gets everything.
#[tokio::test]
async fn a_stopped_gateway_leaves_its_databases_in_one_file_each() {
    let (gateway, _backend) = site().await;
    let folder = gateway.folder().clone();
    let ended = gateway.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for file in ["configuration.db", "sessions.db"] {
        let log = folder.data().join(format!("{file}-wal"));
        let length = log.metadata().map_or(0, |log| log.len());
        assert_eq!(length, 0, "{file} has a log of {length} bytes beside it");
    }
}

/// Write-ahead logs, marked as ours, of the version that we know, without a mistake inside.
async fn assert_databases_are_whole(data: &Path) {
    // "JTG8" and "JgSJ"; the configuration's version is in the table of its migrations.
    for (file, application, version) in [
        ("configuration.db", 0x4a54_4738, 0),
        ("sessions.db", 0x4a67_534a, 2),
    ] {
        let log = data.join(format!("{file}-wal"));
        // Without its log, which the last one to close takes away, a file cannot be opened read-only.
        let copied = tempfile::tempdir().expect("a folder");
        let path = if log.exists() {
            data.join(file)
        } else {
            copied.path().join(file)
        };
        if !log.exists() {
            fs::copy(data.join(file), &path).expect("a copy");
        }
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .read_only(log.exists());
        let mut database = options.connect().await.expect("a database");
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(&mut database)
            .await
            .expect("a mode");
        assert_eq!(journal, "wal", "{file}");
        assert_eq!(
            number(&mut database, "PRAGMA application_id").await,
            application,
            "{file}"
        );
        assert_eq!(
            number(&mut database, "PRAGMA user_version").await,
            version,
            "{file}"
        );
        let check: String = sqlx::query_scalar("PRAGMA integrity_check")
            .fetch_one(&mut database)
            .await
            .expect("a check");
        assert_eq!(check, "ok", "{file}");
        database.close().await.expect("closed");
    }
}

async fn number(database: &mut SqliteConnection, pragma: &'static str) -> i64 {
    sqlx::query_scalar(pragma)
        .fetch_one(database)
        .await
        .expect("a number")
}

#[tokio::test]
async fn a_full_disk_refuses_saves_and_sign_ins_and_serves_on() {
    let folder = Arc::new(Folder::of_a_new_site("serve"));
    let disk = SmallDisk::below(&folder);
    let gateway = disk.start(Gateway::serve().folder(folder.clone())).await;
    let backend = naming_backend().await;
    let vp = gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let client = gateway.client();
    let sign_in = async |user: &str| {
        let token = Keys::first().token().user("example", user).sign();
        client.get("/jwt/").bearer(&token).send().await
    };
    let cookie = sign_in("before").await.cookie();

    disk.fill(&gateway);
    // What is left of the log's last page may still take a few.
    let mut last = String::new();
    let mut refused = None;
    for attempt in 0..400 {
        let mut entity = vp.entity().await;
        let description = format!("attempt {attempt} {}", "x".repeat(400));
        entity["description"] = json!(description);
        let answer = gateway.qrs().send("PUT", &vp.path(), Some(&entity)).await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
        last = description;
    }
    let refused = refused.expect("a save that is refused");
    assert_eq!(refused.status, 503, "{}", refused.text());
    let sentence = refused.text();
    assert!(
        sentence.starts_with("The configuration could not be read or saved because"),
        "{sentence}"
    );
    assert!(
        sentence.ends_with('.') && !sentence.contains('\n'),
        "{sentence}"
    );
    disk.assert_says_why(&sentence);

    let mut refused = None;
    for number in 0..400 {
        let answer = sign_in(&format!("during-{number}")).await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a sign-in that is refused");
    assert_eq!(
        (refused.status, refused.reason()),
        (503, "session_store_unavailable")
    );
    assert!(refused.cookies().is_empty(), "{refused:?}");

    for _ in 0..3 {
        let answer = client.get("/jwt/").cookie(&cookie).send().await;
        assert_eq!(answer.status, 200, "the session goes on: {}", answer.text());
    }
    if !last.is_empty() {
        assert_eq!(
            vp.entity().await["description"],
            json!(last),
            "the refused save is not shown"
        );
    }

    disk.empty(&gateway);
    vp.set("description", "after").await;
    let after = sign_in("after").await;
    assert_eq!(after.status, 200, "{}", after.text());
    let again = gateway.again();
    gateway.kill().await;
    let gateway = again.await;
    assert_eq!(
        gateway.qrs().find("jwt").await.entity().await["description"],
        "after"
    );
    for cookie in [cookie, after.cookie()] {
        assert_eq!(
            gateway
                .client()
                .get("/jwt/")
                .cookie(&cookie)
                .send()
                .await
                .status,
            200
        );
    }
    assert_databases_are_whole(&folder.data()).await;
}
