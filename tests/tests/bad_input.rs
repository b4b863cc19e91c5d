//! Bad input when the gateway starts: one sentence that names what and why, and an exit code that
//! says of which kind it is. `bad_saves.rs` has what comes over QRS.

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/started.rs"]
mod started;

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use jotgate_scenarios::{Folder, Gateway, Keys};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use started::{assert_refused, assert_refused_after_log, ended};

const WRONG_USAGE: i32 = 2;
const BAD_SETTING: i32 = 64;
const DATA_DIRECTORY: i32 = 65;
const PORT_TAKEN: i32 = 66;

const LISTENERS: [&str; 5] = ["--listen", "--listen-http", "--qrs-listen", "--qps-listen", "--observe-listen"];

#[tokio::test]
async fn a_port_that_is_taken() {
    let folder = Arc::new(Folder::of_a_new_site("serve"));
    for listener in LISTENERS {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("an address").to_string();
        let started = Gateway::serve().folder(folder.clone()).setting(listener, &address);
        let reason = "is taken by another process";
        assert_refused_after_log(&started.ended().await, PORT_TAKEN, &[listener, &address, reason]);
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
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").to_string();
    let started = Gateway::serve().setting("--qrs-listen", &free).setting("--qps-listen", &free);
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
        assert_refused(&refused, DATA_DIRECTORY, &[path, "cannot be made", "--data-dir"]);
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
    let texts = [path.to_str().expect("text"), "newer Jotgate", "its format is 2"];
    assert_refused(&refused, DATA_DIRECTORY, &texts);
    assert_eq!(names(&path), before, "nothing was written");
}

#[tokio::test]
async fn a_data_directory_with_a_marker_that_is_not_ours() {
    for marker in ["", "0\n", "one\n", "-1\n"] {
        let folder = Arc::new(Folder::of_a_new_site("serve"));
        fs::write(folder.data().join("jotgate-format"), marker).expect("a marker");
        let refused = Gateway::serve().folder(folder).ended().await;
        assert_refused(&refused, DATA_DIRECTORY, &["jotgate-format", "did not write"]);
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
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut database = options.connect().await.expect("a database");
        sqlx::query("CREATE TABLE recipe (title TEXT)").execute(&mut database).await.expect("a table");
        database.close().await.expect("closed");
        let before = fs::read(&path).expect("the file");
        let refused = Gateway::serve().folder(folder.clone()).ended().await;
        assert_refused_after_log(&refused, DATA_DIRECTORY, &[file]);
        assert!(fs::read(&path).expect("the file") == before, "{file} was changed");
    }
}

#[tokio::test]
async fn a_data_directory_that_another_process_has() {
    let gateway = Gateway::serve().await;
    let id = gateway.process().id().to_string();
    let refused = gateway.again().ended().await;
    assert_refused(&refused, DATA_DIRECTORY, &["is in use by another process", &id, "--data-dir"]);
    assert!(gateway.folder().data().join("run/listeners.json").is_file(), "the first one's list is gone");
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

/// For every setting: a value that cannot be used, and what the sentence says of it.
const BAD_VALUES: [(&str, &str, &str); 36] = [
    ("data-dir", "\"\"", "is no path"),
    ("listen", "localhost:8443", "is no address"),
    ("listen", "127.0.0.1", "is no address"),
    ("listen", "127.0.0.1:65536", "is no address"),
    ("listen-http", "8080", "is no address"),
    ("qrs-listen", "https://127.0.0.1:4242", "is no address"),
    ("qps-listen", "[::1]", "is no address"),
    ("observe-listen", "metrics", "is no address"),
    ("public-host", "https://analytics.example.com", "is no host name"),
    ("public-host", "a b", "is no host name"),
    ("trusted-proxy", "10.0.0.0/33", "write"),
    ("trusted-proxy", "everybody", "write"),
    ("proxy-protocol", "maybe", "on"),
    ("tls-certificate", "/nowhere/a.pem", "one key for each certificate"),
    ("tls-key", "/nowhere/a.pem", "one key for each certificate"),
    ("cluster-key-file", "/nowhere/key", "cannot be read"),
    ("backend", "10.0.0.5:9000", "write"),
    ("backend", "http://user@10.0.0.5:9000", "user name"),
    ("database-url", "mysql://user:hunter2@host/db", "is no address of a database"),
    ("database-url-file", "/nowhere/url", "cannot be read"),
    ("session-store-url", "http://:hunter2@host", "is no address of a session store"),
    ("session-store-url-file", "/nowhere/url", "cannot be read"),
    ("session-lease", "61s", "out of range"),
    ("header-timeout", "10", "has no unit"),
    ("body-timeout", "soon", "is no duration"),
    ("response-timeout", "0s", "out of range"),
    ("idle-timeout", "-1s", "is no duration"),
    ("max-header-bytes", "1", "out of range"),
    ("max-body-bytes", "1MB", "is no size"),
    ("max-connections", "0", "is no number"),
    ("max-connections-per-address", "many", "is no number"),
    ("drain-timeout", "2h", "out of range"),
    ("worker-threads", "0", "is no number"),
    ("log", "loud", "is no level"),
    ("log-format", "xml", "write text or json"),
    ("access-log", "\"\"", "is no path"),
];

/// Settings of which there is one for each value.
const LISTS: [&str; 6] = ["listen", "listen-http", "public-host", "trusted-proxy", "tls-certificate", "tls-key"];

#[tokio::test]
async fn a_value_that_cannot_be_used_in_a_flag() {
    for (name, value, problem) in BAD_VALUES {
        let flag = format!("--{name}={}", value.trim_matches('"'));
        for command in [&["serve"][..], &["serve", "--check"], &["demo"]] {
            let refused = ended(&[command, &[&flag]].concat(), &[]).await;
            assert_refused(&refused, BAD_SETTING, &[&format!("--{name}"), problem]);
            assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
        }
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_used_in_the_environment() {
    for (name, value, problem) in BAD_VALUES {
        let variable = format!("JOTGATE_{}", name.to_uppercase().replace('-', "_"));
        let value = value.trim_matches('"');
        // Empty variables are refused as such, whatever they are.
        let problem = if value.is_empty() { "is empty" } else { problem };
        let refused = ended(&["serve", "--check"], &[(&variable, value)]).await;
        assert_refused(&refused, BAD_SETTING, &[&variable, problem]);
        assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_used_in_the_file() {
    let folder = Folder::empty();
    let file = folder.path().join("jotgate.toml");
    let path = file.to_str().expect("text");
    for (name, value, problem) in BAD_VALUES {
        let value = format!("\"{}\"", value.trim_matches('"'));
        let value = if LISTS.contains(&name) { format!("[{value}]") } else { value };
        let problem = if name == "proxy-protocol" { "write true or false" } else { problem };
        fs::write(&file, format!("{name} = {value}\n")).expect("a file");
        let refused = ended(&["serve", "--check", "--config", path], &[]).await;
        assert_refused(&refused, BAD_SETTING, &[path, name, problem]);
        assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
    }
}

#[tokio::test]
async fn every_setting_of_the_help_is_in_the_table() {
    let help = ended(&["serve", "--help"], &[]).await.stdout;
    let flags = help.lines().filter_map(|line| line.trim_start().strip_prefix("--"));
    let name = |line: &str| line.split([' ', '[', '=']).next().unwrap_or_default().to_owned();
    let mut settings: BTreeSet<String> = flags.map(name).collect();
    for no_setting in ["check", "help"] {
        settings.remove(no_setting);
    }
    let mut known: BTreeSet<String> = BAD_VALUES.iter().map(|(name, _, _)| (*name).to_owned()).collect();
    known.insert("config".to_owned());
    assert_eq!(settings, known);
}

#[tokio::test]
async fn a_setting_that_there_is_not() {
    assert_refused(&ended(&["serve", "--lisen=x"], &[]).await, WRONG_USAGE, &["--lisen", "--listen"]);
    assert_refused(&ended(&["demo", "--port=1"], &[]).await, WRONG_USAGE, &["--port", "--help"]);
    let refused = ended(&["serve", "--check"], &[("JOTGATE_LISEN", "127.0.0.1:0")]).await;
    assert_refused(&refused, BAD_SETTING, &["JOTGATE_LISEN", "JOTGATE_LISTEN"]);
    let refused = ended(&["serve", "--check"], &[("JOTGATE_COLOUR", "blue")]).await;
    assert_refused(&refused, BAD_SETTING, &["JOTGATE_COLOUR", "is no setting"]);

    let folder = Folder::empty();
    let file = folder.path().join("jotgate.toml");
    let path = file.to_str().expect("text");
    for (content, texts) in [
        ("# mine\nlisen = []\n", ["\"lisen\"", "line 2", "did you mean listen?"]),
        ("colour = \"blue\"\n", ["\"colour\"", "line 1", "is no setting"]),
        ("config = \"other.toml\"\n", ["\"config\"", "line 1", "is no setting"]),
        ("[listen]\nhttp = 1\n", ["listen", "takes an array", "write"]),
        ("listen = [\n", ["is no TOML", "line ", "write"]),
        ("log = \"info\"\nlog = \"warn\"\n", ["is no TOML", "line 2", "write"]),
    ] {
        fs::write(&file, content).expect("a file");
        let refused = ended(&["serve", "--check", "--config", path], &[]).await;
        assert_refused(&refused, BAD_SETTING, &[&[path], &texts[..]].concat());
    }
    fs::write(&file, [0xff, 0xfe]).expect("a file");
    let refused = ended(&["serve", "--check", "--config", path], &[]).await;
    assert_refused(&refused, BAD_SETTING, &["--config", path, "is no text"]);
    let refused = ended(&["serve", "--check", "--config", "/nowhere/jotgate.toml"], &[]).await;
    assert_refused(&refused, BAD_SETTING, &["--config", "/nowhere/jotgate.toml", "cannot be read"]);
    let refused = ended(&["serve", "--check"], &[("JOTGATE_CONFIG", "/nowhere/jotgate.toml")]).await;
    assert_refused(&refused, BAD_SETTING, &["JOTGATE_CONFIG", "/nowhere/jotgate.toml"]);
}

#[tokio::test]
async fn settings_that_do_not_go_together() {
    let folder = Folder::empty();
    let secret = folder.path().join("secret");
    fs::write(&secret, "postgres://user:hunter2@host/db\n").expect("a file");
    let file = format!("--database-url-file={}", secret.display());
    let both = ["serve", "--check", &file, "--database-url=postgres://user:hunter2@other/db"];
    let refused = ended(&both, &[]).await;
    let texts = ["--database-url ", "--database-url-file", "keep one of them"];
    assert_refused(&refused, BAD_SETTING, &texts);
    assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);

    let refused = ended(&["serve", "--check", "--proxy-protocol"], &[]).await;
    assert_refused(&refused, BAD_SETTING, &["--proxy-protocol", "--trusted-proxy"]);

    let toml = folder.path().join("jotgate.toml");
    fs::write(&toml, "listen = []\n").expect("a file");
    let refused = ended(&["serve", "--check", "--config", toml.to_str().expect("text")], &[]).await;
    assert_refused(&refused, BAD_SETTING, &["listen", "--listen-http", "name one"]);

    let short = folder.path().join("key");
    fs::write(&short, "too short").expect("a file");
    let flag = format!("--cluster-key-file={}", short.display());
    let refused = ended(&["serve", "--check", &flag], &[]).await;
    assert_refused(&refused, BAD_SETTING, &["--cluster-key-file", "9 bytes", "at least 32"]);
}

#[tokio::test]
async fn an_access_log_that_cannot_be_written() {
    let folder = Folder::empty();
    let path = folder.path().join("missing/access.log");
    let path = path.to_str().expect("text");
    let refused = Gateway::serve().setting("--access-log", path).ended().await;
    assert_refused_after_log(&refused, BAD_SETTING, &["--access-log", "cannot be written"]);
}

#[tokio::test]
async fn a_certificate_pair_that_cannot_be_used() {
    let folder = Folder::empty();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("a file");
        path.to_str().expect("text").to_owned()
    };
    let first = certificates::for_names(&["first.example"]);
    let second = certificates::for_names(&["second.example"]);
    let (certificate, key) = (file("cert.pem", &first.certificate), file("key.pem", &first.key));
    let other_key = file("other_key.pem", &second.key);
    let text = file("notes.txt", "nothing of that kind");
    let empty = file("empty.pem", "");
    let cut = file("cut.pem", &first.certificate[..first.certificate.len() / 2]);
    let damaged = file("damaged.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let locked = file(
        "locked.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let public = file("public.pem", &Keys::first().public_key());
    for (certificate, key, named, why) in [
        (&certificate, &other_key, &other_key, "does not belong to"),
        (&key, &key, &key, "private key where a certificate belongs"),
        (&certificate, &certificate, &certificate, "certificate where a private key belongs"),
        (&certificate, &locked, &locked, "under a password"),
        (&certificate, &public, &public, "no private key"),
        (&certificate, &text, &text, "no private key"),
        (&certificate, &empty, &empty, "no private key"),
        (&text, &key, &text, "no certificate"),
        (&empty, &key, &empty, "no certificate"),
        (&cut, &key, &cut, "certificate"),
        (&damaged, &key, &damaged, "cannot be read"),
        (&"/nowhere/a.pem".to_owned(), &key, &"/nowhere/a.pem".to_owned(), "cannot be read"),
        (&certificate, &"/nowhere/k.pem".to_owned(), &"/nowhere/k.pem".to_owned(), "cannot be read"),
        (&folder.path().to_str().expect("text").to_owned(), &key, &folder.path().to_str().expect("text").to_owned(), "cannot be read"),
    ] {
        let pair = ["--tls-certificate", certificate, "--tls-key", key];
        let data = folder.path().join("data");
        let data = ["--data-dir", data.to_str().expect("text")];
        for command in [&["serve", "--check"][..], &["serve"]] {
            let refused = ended(&[command, &pair, &data].concat(), &[]).await;
            assert_refused(&refused, BAD_SETTING, &[named, why]);
            for secret in [&first.key, &second.key] {
                let line = secret.lines().nth(1).expect("a line of a key");
                assert!(!refused.stderr.contains(line), "a key is shown: {}", refused.stderr);
            }
        }
        assert!(!folder.path().join("data").exists(), "something was left behind");
    }
    let good = ["serve", "--check", "--tls-certificate", &certificate, "--tls-key", &key];
    let ended = ended(&good, &[]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
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
    let mut names: Vec<String> = entries.map(|entry| name(entry.expect("an entry"))).collect();
    names.sort();
    names
}
