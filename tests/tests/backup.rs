//! Backups: taken while traffic flows, brought back as a whole or not at all.

#[path = "support/started.rs"]
mod started;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jotgate_scenarios::{Backend, Client, Folder, Gateway, Keys, PATIENCE, Process};
use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use started::ended;

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Runs `jotgate` on a data directory, expects `code`, and gives what it says.
async fn jotgate(words: &[&str], data: &Path, code: i32) -> String {
    let mut arguments = words.to_vec();
    arguments.extend(["--data-dir", text(data)]);
    let ended = ended(&arguments, &[]).await;
    let said = ended.stdout + &ended.stderr;
    assert_eq!(ended.code, Some(code), "{words:?}: {said}");
    said
}

async fn site() -> (Gateway, Backend) {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let qrs = gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    (gateway, backend)
}

/// Asks without a pause until it is told to stop, and gives how often; every answer must be good.
fn traffic(client: Client, stop: Arc<AtomicBool>) -> tokio::task::JoinHandle<usize> {
    tokio::spawn(async move {
        let token = Keys::first().token().sign();
        let mut asked = 0;
        while !stop.load(Ordering::Relaxed) {
            let answer = client.get("/jwt/hub/").bearer(&token).send().await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            asked += 1;
        }
        asked
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_taken_while_traffic_flows_and_brings_everything_back() {
    let (gateway, _backend) = site().await;
    let (folder, client) = (gateway.folder().clone(), gateway.client());
    let (data, file) = (folder.data(), folder.path().join("site.backup"));
    let token = Keys::first().token().user("example", "boz").sign();
    let cookie = client.get("/jwt/").bearer(&token).send().await.cookie();
    let stop = Arc::new(AtomicBool::new(false));
    let asked = traffic(gateway.client(), stop.clone());
    let jwt = gateway.qrs().find("jwt").await;
    let said = jotgate(&["backup", text(&file)], &data, 0).await;
    for number in 0..5 {
        let again = folder.path().join(format!("{number}.backup"));
        jwt.set("description", format!("save {number}")).await;
        jotgate(&["backup", text(&again)], &data, 0).await;
    }
    stop.store(true, Ordering::Relaxed);
    assert!(asked.await.expect("good answers") > 5);
    assert!(said.contains("private keys"), "{said}");
    let mode = file.metadata().expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let expected = jotgate(&["export"], &data, 0).await;
    jwt.delete().await;
    let user = json!({"userId": "late", "userDirectory": "example"});
    gateway.qrs().create("/user", &user).await;
    assert_eq!(
        client.get("/jwt/hub/").bearer(&token).send().await.status,
        400
    );
    let again = gateway.again();
    assert_eq!(gateway.stop().await.code, Some(0));
    let key = fs::read(data.join("cluster_key")).expect("the key");
    fs::write(data.join("cluster_key"), [1; 32]).expect("a file");
    fs::remove_dir_all(data.join("certificates")).expect("a folder");
    let newest = folder.path().join("4.backup");
    let said = jotgate(&["restore", text(&newest)], &data, 0).await;
    assert!(said.contains("what was there is in"), "{said}");
    assert_eq!(jotgate(&["export"], &data, 0).await, expected);
    assert_eq!(fs::read(data.join("cluster_key")).expect("the key"), key);

    let gateway = again.await;
    let client = gateway.client();
    let answer = client.get("/jwt/").cookie(&cookie).send().await;
    assert_eq!((answer.status, answer.reason()), (401, "session_unknown"));
    assert_eq!(client.get("/jwt/").bearer(&token).send().await.status, 200);
    let users = gateway.qrs().get("/user").await;
    let ids: Vec<_> = users
        .as_array()
        .expect("users")
        .iter()
        .map(|user| &user["userId"])
        .collect();
    assert!(
        ids.contains(&&json!("boz")) && !ids.contains(&&json!("late")),
        "{ids:?}"
    );
}

#[tokio::test]
async fn a_file_is_never_replaced_unless_asked_and_never_half_written() {
    let (gateway, _backend) = site().await;
    let (folder, data) = (gateway.folder().clone(), gateway.folder().data());
    let file = folder.path().join("there");
    fs::write(&file, "mine").expect("a file");
    let said = jotgate(&["backup", text(&file)], &data, 2).await;
    assert!(said.contains("--overwrite"), "{said}");
    assert_eq!(fs::read(&file).expect("a file"), b"mine");
    jotgate(&["backup", text(&file), "--overwrite"], &data, 0).await;
    let nowhere = folder.path().join("none/there");
    jotgate(&["backup", text(&nowhere)], &data, 2).await;

    let names = |folder: &Path| -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("text")
            })
            .filter(|name| name.starts_with(".jotgate"))
            .collect()
    };
    assert_eq!(names(folder.path()), Vec::<String>::new());
    assert_eq!(names(&data), Vec::<String>::new());
    // Whatever a gateway keeps is in a backup, or known to need none.
    for entry in fs::read_dir(&data).expect("a folder") {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("text");
        let known = [
            "audit_head",
            "audit_key",
            "certificates",
            "cluster_key",
            "configuration.db",
            "configuration.db-shm",
            "configuration.db-wal",
            "jotgate-format",
            "run",
            "sessions.db",
            "sessions.db-shm",
            "sessions.db-wal",
        ];
        assert!(known.contains(&name.as_str()), "{name} is in no backup");
    }
}

#[tokio::test]
async fn a_stopped_gateway_is_backed_up_as_well_and_a_new_machine_takes_it() {
    let (gateway, _backend) = site().await;
    let (folder, data) = (gateway.folder().clone(), gateway.folder().data());
    let exported = jotgate(&["export"], &data, 0).await;
    gateway.kill().await;
    let file = folder.path().join("site.backup");
    let said = jotgate(&["backup", text(&file), "--json"], &data, 0).await;
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let files = said["manifest"]["files"].as_array().expect("files").len();
    assert_eq!(files, 9, "{said}");
    let checked = ended(&["restore", text(&file), "--check", "--json"], &[]).await;
    let checked: Value = serde_json::from_str(&checked.stdout).expect("JSON");
    assert_eq!(checked, said);

    let new = Arc::new(Folder::empty());
    let told = jotgate(&["restore", text(&file)], &new.data(), 0).await;
    assert!(!told.contains("what was there"), "{told}");
    let gateway = Gateway::serve().folder(new.clone()).await;
    assert_eq!(jotgate(&["export"], &new.data(), 0).await, exported);
    let token = Keys::first().token().sign();
    let answer = gateway.client().get("/jwt/").bearer(&token).send().await;
    assert_eq!(answer.status, 200);

    let nothing = Folder::empty();
    let told = jotgate(
        &["backup", text(&folder.path().join("x"))],
        &nothing.data(),
        65,
    )
    .await;
    assert!(told.contains("holds nothing"), "{told}");
    assert!(!nothing.data().exists());
}

#[tokio::test]
async fn an_administrators_certificate_takes_a_backup_from_elsewhere() {
    let (gateway, _backend) = site().await;
    let certificates = gateway.certificates();
    let server = format!("https://localhost:{}", gateway.listeners().qrs.port());
    let file = gateway.folder().path().join("site.backup");
    let root = certificates.join("root.pem");
    let take = async |name: &str| {
        let certificate = certificates.join(format!("{name}.pem"));
        let key = certificates.join(format!("{name}_key.pem"));
        let mut words = vec![
            "backup",
            text(&file),
            "--server",
            &server,
            "--ca",
            text(&root),
        ];
        words.extend(["--certificate", text(&certificate), "--key", text(&key)]);
        ended(&words, &[]).await
    };
    let refused = take("server").await;
    assert_eq!(refused.code, Some(70), "{}", refused.stderr);
    assert!(!file.exists());
    let key = gateway.folder().path().join("api_key");
    fs::write(&key, "jotgate_AAAA").expect("a file");
    let words = ["backup", text(&file), "--server", &server, "--api-key-file"];
    let refused = ended(&[words.as_slice(), &[text(&key)]].concat(), &[]).await;
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("no API key"), "{}", refused.stderr);
    assert!(!file.exists());
    let taken = take("client").await;
    assert_eq!(taken.code, Some(0), "{}", taken.stderr);
    let checked = ended(&["restore", text(&file), "--check"], &[]).await;
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);

    // A page cannot send this kind of body.
    let administrator =
        Client::tls_with_certificate(gateway.listeners().qrs, &certificates, "client");
    let post = administrator.request("POST", "/jotgate/v1/backup");
    let post = post.header("X-Qlik-User", "UserDirectory=INTERNAL; UserId=a");
    assert_eq!(
        post.header("Content-Type", "text/plain")
            .body("{}")
            .send()
            .await
            .status,
        415
    );
    let get = administrator.get("/jotgate/v1/backup");
    let get = get.header("X-Qlik-User", "UserDirectory=INTERNAL; UserId=a");
    assert_eq!(get.send().await.status, 405);
}

#[tokio::test]
async fn what_cannot_be_restored_changes_nothing() {
    let (gateway, _backend) = site().await;
    let (folder, data) = (gateway.folder().clone(), gateway.folder().data());
    let file = folder.path().join("site.backup");
    jotgate(&["backup", text(&file)], &data, 0).await;
    let told = jotgate(&["restore", text(&file)], &data, 65).await;
    assert!(told.contains("in use by another process"), "{told}");
    let exported = jotgate(&["export"], &data, 0).await;
    assert_eq!(gateway.stop().await.code, Some(0));
    let key = fs::read(data.join("cluster_key")).expect("the key");

    let good = fs::read(&file).expect("a file");
    let mut damaged = good.clone();
    damaged[good.len() / 2] ^= 1;
    let bad = folder.path().join("bad.backup");
    let cases: [(&[u8], &str); 4] = [
        (&damaged, "is damaged"),
        (&good[..good.len() / 2], "is damaged"),
        (b"", "manifest.json"),
        (&key, "as a backup"),
    ];
    for (bytes, sentence) in cases {
        fs::write(&bad, bytes).expect("a file");
        let told = jotgate(&["restore", text(&bad)], &data, 1).await;
        assert!(
            told.contains(sentence) && told.lines().count() == 1,
            "{told}"
        );
    }
    // Of a version that is not written yet.
    let newer = Folder::empty();
    jotgate(&["restore", text(&file)], &newer.data(), 0).await;
    let options = SqliteConnectOptions::new().filename(newer.data().join("configuration.db"));
    let mut database = options.connect().await.expect("the database");
    sqlx::query("UPDATE _sqlx_migrations SET version = 9000 WHERE version = 1")
        .execute(&mut database)
        .await
        .expect("a change");
    database.close().await.expect("closed");
    fs::remove_file(&bad).expect("a file");
    jotgate(&["backup", text(&bad)], &newer.data(), 0).await;
    let told = jotgate(&["restore", text(&bad)], &data, 1).await;
    assert!(
        told.contains("was made by a newer Jotgate (its schema is 9000"),
        "{told}"
    );

    assert_eq!(jotgate(&["export"], &data, 0).await, exported);
    assert_eq!(fs::read(data.join("cluster_key")).expect("the key"), key);
    let names = fs::read_dir(&data).expect("a folder");
    let names = names.map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("text")
    });
    assert_eq!(
        names
            .filter(|name| name.contains("restore") || name.starts_with('.'))
            .count(),
        0
    );
}

/// What tells one content from another: the configuration, a key, a certificate.
async fn content(data: &Path) -> (String, Vec<u8>, Vec<u8>) {
    let exported = jotgate(&["export"], data, 0).await;
    let read = |name: &str| fs::read(data.join(name)).expect("a file");
    (
        exported,
        read("cluster_key"),
        read("certificates/other.pem"),
    )
}

#[tokio::test]
async fn a_restore_that_is_killed_leaves_the_old_or_the_new() {
    let (gateway, _backend) = site().await;
    let (folder, data) = (gateway.folder().clone(), gateway.folder().data());
    let backup = |name: &str| -> PathBuf { folder.path().join(name) };
    fs::write(data.join("certificates/other.pem"), "one").expect("a file");
    jotgate(&["backup", text(&backup("one"))], &data, 0).await;
    gateway.qrs().find("jwt").await.delete().await;
    assert_eq!(gateway.stop().await.code, Some(0));
    let one = {
        let other = Folder::empty();
        jotgate(&["restore", text(&backup("one"))], &other.data(), 0).await;
        content(&other.data()).await
    };
    fs::write(data.join("certificates/other.pem"), "two").expect("a file");
    fs::write(data.join("cluster_key"), [2; 32]).expect("a file");
    jotgate(&["backup", text(&backup("two"))], &data, 0).await;
    let two = content(&data).await;
    assert!(one.0 != two.0 && one.1 != two.1);

    let mut started = Instant::now();
    jotgate(&["restore", text(&backup("one"))], &data, 0).await;
    // How long one takes that is not killed, as the machine is at the moment.
    let mut usual = started.elapsed();
    let (mut is_one, mut killed) = (true, 0);
    for _ in 0..100 {
        let other = backup(if is_one { "two" } else { "one" });
        let words = ["restore", text(&other), "--data-dir", text(&data)];
        started = Instant::now();
        let mut process = Process::start(&words, &[]);
        let part = u32::try_from(uuid::Uuid::new_v4().as_u128() % 1000).expect("a small number");
        let until = usual.mul_f64(f64::from(part) / 1000.0);
        while process.ended().is_none() && started.elapsed() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if process.ended().is_none() {
            process.signal(Signal::KILL);
            killed += 1;
            // Slower than it was, or not: the next one may come further.
            usual = usual.mul_f64(1.1);
        } else {
            usual = started.elapsed();
        }
        process.wait(PATIENCE).await;
        let found = content(&data).await;
        is_one = found == one;
        assert!(is_one || found == two, "a mix: {found:?}");
        if killed == 12 {
            return;
        }
    }
    panic!("only {killed} were killed");
}
