//! Bad input when the gateway starts: one sentence that names what and why, and an exit code that
//! says of which kind it is. `bad_saves.rs` has what comes over QRS.

#[path = "support/refused.rs"]
mod refused;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use jotgate_scenarios::{Ended, Folder, Gateway};
use refused::{assert_one_sentence, assert_refused};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

const BAD_SETTING: i32 = 64;
const DATA_DIRECTORY: i32 = 65;
const PORT_TAKEN: i32 = 66;

const LISTENERS: [&str; 5] = [
    "--listen",
    "--listen-http",
    "--qrs-listen",
    "--qps-listen",
    "--observe-listen",
];

#[tokio::test]
async fn a_port_that_is_taken() {
    let folder = Arc::new(Folder::of_a_new_site("serve"));
    for listener in LISTENERS {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("an address").to_string();
        let started = Gateway::serve()
            .folder(folder.clone())
            .setting(listener, &address);
        let reason = "is taken by another process";
        assert_refused_after_log(
            &started.ended().await,
            PORT_TAKEN,
            &[listener, &address, reason],
        );
    }
    // Nothing is left behind that is in the way of a start with free ports.
    let ended = Gateway::serve().folder(folder).await.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn a_port_that_a_running_gateway_has() {
    let running = Gateway::serve().await;
    let address = running.listeners().gateway[0].to_string();
    let second = Gateway::serve().setting("--listen", &address).ended().await;
    assert_refused_after_log(&second, PORT_TAKEN, &["--listen", &address]);
    assert_eq!(running.client().get("/x").send().await.status, 401);
}

#[tokio::test]
async fn a_port_that_two_settings_want() {
    let free = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address")
        .to_string();
    let started = Gateway::serve()
        .setting("--qrs-listen", &free)
        .setting("--qps-listen", &free);
    assert_refused_after_log(&started.ended().await, PORT_TAKEN, &["--qps-listen", &free]);
}

#[tokio::test]
async fn an_address_that_is_none_of_this_machine() {
    // TEST-NET-1 (RFC 5737).
    for listener in LISTENERS {
        let started = Gateway::serve().setting(listener, "192.0.2.1:0");
        let texts = [listener, "192.0.2.1", "not one of this machine"];
        assert_refused_after_log(&started.ended().await, BAD_SETTING, &texts);
    }
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_written() {
    let folder = Folder::empty();
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file");
    // Below a file, and where not even root may write.
    for path in [file.join("data"), "/proc/jotgate-data".into()] {
        let path = path.to_str().expect("text");
        let refused = Gateway::serve().setting("--data-dir", path).ended().await;
        assert_refused(
            &refused,
            DATA_DIRECTORY,
            &[path, "cannot be made", "--data-dir"],
        );
    }
}

#[tokio::test]
async fn a_data_directory_that_is_a_file() {
    let folder = Folder::empty();
    let file = folder.path().join("file");
    fs::write(&file, "mine").expect("a file");
    let path = file.to_str().expect("text");
    let refused = Gateway::serve().setting("--data-dir", path).ended().await;
    assert_refused(&refused, DATA_DIRECTORY, &[path, "--data-dir"]);
    assert_eq!(fs::read_to_string(&file).expect("the file"), "mine");
}

#[tokio::test]
async fn a_data_directory_with_something_else_in_it() {
    let folder = Arc::new(Folder::empty());
    fs::create_dir(folder.data()).expect("a folder");
    fs::write(folder.data().join("thesis.txt"), "mine").expect("a file");
    let refused = Gateway::serve().folder(folder.clone()).ended().await;
    let path = folder.data();
    let texts = [path.to_str().expect("text"), "thesis.txt", "--data-dir"];
    assert_refused(&refused, DATA_DIRECTORY, &texts);
    assert_eq!(names(&path), ["thesis.txt"], "nothing was written");
}

#[tokio::test]
async fn a_data_directory_of_a_newer_version() {
    let folder = Arc::new(Folder::of_a_new_site("serve"));
    fs::write(folder.data().join("jotgate-format"), "2\n").expect("a marker");
    let before = names(&folder.data());
    let refused = Gateway::serve().folder(folder.clone()).ended().await;
    let path = folder.data();
    let texts = [
        path.to_str().expect("text"),
        "newer Jotgate",
        "its format is 2",
    ];
    assert_refused(&refused, DATA_DIRECTORY, &texts);
    assert_eq!(names(&path), before, "nothing was written");
}

#[tokio::test]
async fn a_data_directory_with_a_marker_that_is_not_ours() {
    for marker in ["", "0\n", "one\n", "-1\n"] {
        let folder = Arc::new(Folder::of_a_new_site("serve"));
        fs::write(folder.data().join("jotgate-format"), marker).expect("a marker");
        let refused = Gateway::serve().folder(folder).ended().await;
        assert_refused(
            &refused,
            DATA_DIRECTORY,
            &["jotgate-format", "did not write"],
        );
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version() {
    for (file, statement) in [
        (
            "configuration.db",
            "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time)
             VALUES (99999999999999, 'later', CURRENT_TIMESTAMP, TRUE, x'00', 0)",
        ),
        ("sessions.db", "PRAGMA user_version = 99"),
    ] {
        let folder = Arc::new(Folder::of_a_new_site("serve"));
        let options = SqliteConnectOptions::new().filename(folder.data().join(file));
        let mut database = options.connect().await.expect("a database");
        sqlx::query(statement).execute(&mut database).await.expect("a change");
        database.close().await.expect("closed");
        let refused = Gateway::serve().folder(folder).ended().await;
        assert_refused_after_log(&refused, DATA_DIRECTORY, &[file, "newer"]);
    }
}

#[tokio::test]
async fn a_database_that_is_none() {
    for file in ["configuration.db", "sessions.db"] {
        let folder = Arc::new(Folder::of_a_new_site("serve"));
        let path = folder.data().join(file);
        let content = "This is a text and no database. ".repeat(200);
        fs::write(&path, &content).expect("a file");
        without_log(&path);
        let refused = Gateway::serve().folder(folder).ended().await;
        assert_refused_after_log(&refused, DATA_DIRECTORY, &[file]);
    }
}

#[tokio::test]
async fn a_database_of_somebody_else() {
    for file in ["configuration.db", "sessions.db"] {
        let folder = Arc::new(Folder::of_a_new_site("serve"));
        let path = folder.data().join(file);
        fs::remove_file(&path).expect("the file is removed");
        without_log(&path);
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true);
        let mut database = options.connect().await.expect("a database");
        sqlx::query("CREATE TABLE recipe (title TEXT)")
            .execute(&mut database)
            .await
            .expect("a table");
        database.close().await.expect("closed");
        let before = fs::read(&path).expect("the file");
        let refused = Gateway::serve().folder(folder.clone()).ended().await;
        assert_refused_after_log(&refused, DATA_DIRECTORY, &[file]);
        assert!(
            fs::read(&path).expect("the file") == before,
            "{file} was changed"
        );
    }
}

#[tokio::test]
async fn a_data_directory_that_another_process_has() {
    let gateway = Gateway::serve().await;
    let id = gateway.process().id().to_string();
    let refused = gateway.again().ended().await;
    assert_refused(
        &refused,
        DATA_DIRECTORY,
        &["is in use by another process", &id, "--data-dir"],
    );
    assert!(
        gateway.folder().data().join("run/listeners.json").is_file(),
        "the first one's list is gone"
    );
    assert_eq!(gateway.observer().get("/readyz").send().await.status, 200);
}

#[tokio::test]
async fn a_certificate_in_the_data_directory_that_is_missing_or_broken() {
    for name in ["root.pem", "server.pem", "server_key.pem", "client_key.pem"] {
        let folder = Arc::new(Folder::of_a_new_site("serve"));
        fs::remove_file(folder.data().join("certificates").join(name)).expect("removed");
        let refused = Gateway::serve().folder(folder).ended().await;
        assert_refused(&refused, DATA_DIRECTORY, &[name, "missing"]);
    }
    for name in ["root.pem", "server.pem", "server_key.pem", "client.pem"] {
        let folder = Arc::new(Folder::of_a_new_site("serve"));
        fs::write(folder.data().join("certificates").join(name), "nothing").expect("written");
        let refused = Gateway::serve().folder(folder).ended().await;
        assert_refused(&refused, DATA_DIRECTORY, &[name]);
    }
}

#[tokio::test]
async fn an_access_log_that_cannot_be_written() {
    let folder = Folder::empty();
    let path = folder.path().join("missing/access.log");
    let path = path.to_str().expect("text");
    let refused = Gateway::serve().setting("--access-log", path).ended().await;
    assert_refused_after_log(
        &refused,
        BAD_SETTING,
        &["--access-log", "cannot be written"],
    );
}

/// As [`assert_refused`], when lines of the log may stand before the sentence.
fn assert_refused_after_log(ended: &Ended, code: i32, texts: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    let is_log = |line: &&str| line.starts_with(|first: char| first.is_ascii_digit());
    let lines: Vec<&str> = ended.stderr.lines().filter(|line| !is_log(line)).collect();
    assert_one_sentence(&format!("{}\n", lines.join("\n")), texts);
}

/// Removes what belongs to the database that was there before.
fn without_log(database: &Path) {
    for end in ["-wal", "-shm"] {
        let mut path = database.as_os_str().to_owned();
        path.push(end);
        drop(fs::remove_file(path));
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("text");
    let mut names: Vec<String> = entries
        .map(|entry| name(entry.expect("an entry")))
        .collect();
    names.sort();
    names
}
