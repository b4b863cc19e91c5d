//! Bad settings: flags, variables, keys of the file, and the files that they name. One sentence that
//! names what and why, and nothing is made or left behind.

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/refused.rs"]
mod refused;
#[path = "support/started.rs"]
mod started;

use std::collections::BTreeSet;
use std::fs;

use jotgate_scenarios::{Folder, Keys};
use refused::assert_refused;
use started::ended;

const WRONG_USAGE: i32 = 2;
const BAD_SETTING: i32 = 64;

/// For every setting: a value that cannot be used, and what the sentence says of it.
const BAD_VALUES: [(&str, &str, &str); 45] = [
    ("data-dir", "\"\"", "is no path"),
    ("listen", "localhost:8443", "is no address"),
    ("listen", "127.0.0.1", "is no address"),
    ("listen", "127.0.0.1:65536", "is no address"),
    ("listen-http", "8080", "is no address"),
    ("qrs-listen", "https://127.0.0.1:4242", "is no address"),
    ("qps-listen", "[::1]", "is no address"),
    ("observe-listen", "metrics", "is no address"),
    (
        "public-host",
        "https://analytics.example.com",
        "is no host name",
    ),
    ("public-host", "a b", "is no host name"),
    ("trusted-proxy", "10.0.0.0/33", "write"),
    ("trusted-proxy", "everybody", "write"),
    ("proxy-protocol", "maybe", "on"),
    (
        "tls-certificate",
        "/nowhere/a.pem",
        "one key for each certificate",
    ),
    ("tls-key", "/nowhere/a.pem", "one key for each certificate"),
    ("cluster-key-file", "/nowhere/key", "cannot be read"),
    ("backend", "10.0.0.5:9000", "write"),
    ("backend", "http://user@10.0.0.5:9000", "user name"),
    (
        "database-url",
        "mysql://user:hunter2@host/db",
        "is no address of a database",
    ),
    ("database-url-file", "/nowhere/url", "cannot be read"),
    (
        "session-store-url",
        "http://:hunter2@host",
        "is no address of a session store",
    ),
    ("session-store-url-file", "/nowhere/url", "cannot be read"),
    ("session-store-ca-file", "/nowhere/ca.pem", "cannot be read"),
    ("session-lease", "61s", "out of range"),
    ("header-timeout", "10", "has no unit"),
    ("body-timeout", "soon", "is no duration"),
    ("connect-timeout", "0s", "out of range"),
    ("response-timeout", "0s", "out of range"),
    ("idle-timeout", "-1s", "is no duration"),
    ("max-header-bytes", "1", "out of range"),
    ("max-body-bytes", "1MB", "is no size"),
    ("max-connections", "0", "is no number"),
    ("max-connections-per-address", "many", "is no number"),
    ("drain-delay", "2h", "out of range"),
    ("drain-timeout", "2h", "out of range"),
    ("http-redirect", "yes", "is neither on, off nor a port"),
    ("hsts", "63072001", "out of range"),
    ("worker-threads", "0", "is no number"),
    ("log", "loud", "is no level"),
    ("log-format", "xml", "write text or json"),
    ("access-log", "\"\"", "is no path"),
    ("feed-entries", "many", "is no number"),
    ("feed-bytes", "1", "out of range"),
    (
        "otlp-endpoint",
        "localhost:4318",
        "is no http or https address",
    ),
    ("trace-sample-ratio", "2", "is no number from 0 to 1"),
];

/// Settings of which there is one for each value.
const LISTS: [&str; 6] = [
    "listen",
    "listen-http",
    "public-host",
    "trusted-proxy",
    "tls-certificate",
    "tls-key",
];

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
        let problem = if value.is_empty() {
            "is empty"
        } else {
            problem
        };
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
        let value = if LISTS.contains(&name) {
            format!("[{value}]")
        } else {
            value
        };
        let problem = if name == "proxy-protocol" {
            "write true or false"
        } else {
            problem
        };
        fs::write(&file, format!("{name} = {value}\n")).expect("a file");
        let refused = ended(&["serve", "--check", "--config", path], &[]).await;
        assert_refused(&refused, BAD_SETTING, &[path, name, problem]);
        assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
    }
}

#[tokio::test]
async fn every_setting_of_the_help_is_in_the_table() {
    let help = ended(&["serve", "--help"], &[]).await.stdout;
    let flags = help
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("--"));
    let name = |line: &str| {
        line.split([' ', '[', '='])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let mut settings: BTreeSet<String> = flags.map(name).collect();
    for no_setting in ["check", "help", "take-over"] {
        settings.remove(no_setting);
    }
    let mut known: BTreeSet<String> = BAD_VALUES
        .iter()
        .map(|(name, _, _)| (*name).to_owned())
        .collect();
    known.insert("config".to_owned());
    assert_eq!(settings, known);
}

#[tokio::test]
async fn a_setting_that_there_is_not() {
    assert_refused(
        &ended(&["serve", "--lisen=x"], &[]).await,
        WRONG_USAGE,
        &["--lisen", "--listen"],
    );
    assert_refused(
        &ended(&["demo", "--port=1"], &[]).await,
        WRONG_USAGE,
        &["--port", "--help"],
    );
    let refused = ended(&["serve", "--check"], &[("JOTGATE_LISEN", "127.0.0.1:0")]).await;
    assert_refused(&refused, BAD_SETTING, &["JOTGATE_LISEN", "JOTGATE_LISTEN"]);
    let refused = ended(&["serve", "--check"], &[("JOTGATE_COLOUR", "blue")]).await;
    assert_refused(&refused, BAD_SETTING, &["JOTGATE_COLOUR", "is no setting"]);

    let folder = Folder::empty();
    let file = folder.path().join("jotgate.toml");
    let path = file.to_str().expect("text");
    for (content, texts) in [
        (
            "# mine\nlisen = []\n",
            ["\"lisen\"", "line 2", "did you mean listen?"],
        ),
        (
            "colour = \"blue\"\n",
            ["\"colour\"", "line 1", "is no setting"],
        ),
        (
            "config = \"other.toml\"\n",
            ["\"config\"", "line 1", "is no setting"],
        ),
        (
            "[listen]\nhttp = 1\n",
            ["listen", "takes an array", "write"],
        ),
        ("listen = [\n", ["is no TOML", "line ", "write"]),
        (
            "log = \"info\"\nlog = \"warn\"\n",
            ["is no TOML", "line 2", "write"],
        ),
    ] {
        fs::write(&file, content).expect("a file");
        let refused = ended(&["serve", "--check", "--config", path], &[]).await;
        assert_refused(&refused, BAD_SETTING, &[&[path], &texts[..]].concat());
    }
    fs::write(&file, [0xff, 0xfe]).expect("a file");
    let refused = ended(&["serve", "--check", "--config", path], &[]).await;
    assert_refused(&refused, BAD_SETTING, &["--config", path, "is no text"]);
    let refused = ended(
        &["serve", "--check", "--config", "/nowhere/jotgate.toml"],
        &[],
    )
    .await;
    assert_refused(
        &refused,
        BAD_SETTING,
        &["--config", "/nowhere/jotgate.toml", "cannot be read"],
    );
    let refused = ended(
        &["serve", "--check"],
        &[("JOTGATE_CONFIG", "/nowhere/jotgate.toml")],
    )
    .await;
    assert_refused(
        &refused,
        BAD_SETTING,
        &["JOTGATE_CONFIG", "/nowhere/jotgate.toml"],
    );
}

#[tokio::test]
async fn settings_that_do_not_go_together() {
    let folder = Folder::empty();
    let secret = folder.path().join("secret");
    fs::write(&secret, "postgres://user:hunter2@host/db\n").expect("a file");
    let file = format!("--database-url-file={}", secret.display());
    let both = [
        "serve",
        "--check",
        &file,
        "--database-url=postgres://user:hunter2@other/db",
    ];
    let refused = ended(&both, &[]).await;
    let texts = ["--database-url ", "--database-url-file", "keep one of them"];
    assert_refused(&refused, BAD_SETTING, &texts);
    assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);

    let refused = ended(&["serve", "--check", "--proxy-protocol"], &[]).await;
    assert_refused(
        &refused,
        BAD_SETTING,
        &["--proxy-protocol", "--trusted-proxy"],
    );

    let toml = folder.path().join("jotgate.toml");
    fs::write(&toml, "listen = []\n").expect("a file");
    let refused = ended(
        &["serve", "--check", "--config", toml.to_str().expect("text")],
        &[],
    )
    .await;
    assert_refused(
        &refused,
        BAD_SETTING,
        &["listen", "--listen-http", "name one"],
    );

    let short = folder.path().join("key");
    fs::write(&short, "too short").expect("a file");
    let flag = format!("--cluster-key-file={}", short.display());
    let refused = ended(&["serve", "--check", &flag], &[]).await;
    assert_refused(
        &refused,
        BAD_SETTING,
        &["--cluster-key-file", "9 bytes", "at least 32"],
    );
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
    let (certificate, key) = (
        file("cert.pem", &first.certificate),
        file("key.pem", &first.key),
    );
    let other_key = file("other_key.pem", &second.key);
    let text = file("notes.txt", "nothing of that kind");
    let empty = file("empty.pem", "");
    let cut = file("cut.pem", &first.certificate[..first.certificate.len() / 2]);
    let damaged = file(
        "damaged.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    let locked = file(
        "locked.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let public = file("public.pem", &Keys::first().public_key());
    for (certificate, key, named, why) in [
        (&certificate, &other_key, &other_key, "does not belong to"),
        (&key, &key, &key, "private key where a certificate belongs"),
        (
            &certificate,
            &certificate,
            &certificate,
            "certificate where a private key belongs",
        ),
        (&certificate, &locked, &locked, "under a password"),
        (&certificate, &public, &public, "no private key"),
        (&certificate, &text, &text, "no private key"),
        (&certificate, &empty, &empty, "no private key"),
        (&text, &key, &text, "no certificate"),
        (&empty, &key, &empty, "no certificate"),
        (&cut, &key, &cut, "certificate"),
        (&damaged, &key, &damaged, "cannot be read"),
        (
            &"/nowhere/a.pem".to_owned(),
            &key,
            &"/nowhere/a.pem".to_owned(),
            "cannot be read",
        ),
        (
            &certificate,
            &"/nowhere/k.pem".to_owned(),
            &"/nowhere/k.pem".to_owned(),
            "cannot be read",
        ),
        (
            &folder.path().to_str().expect("text").to_owned(),
            &key,
            &folder.path().to_str().expect("text").to_owned(),
            "cannot be read",
        ),
    ] {
        let pair = ["--tls-certificate", certificate, "--tls-key", key];
        let data = folder.path().join("data");
        let data = ["--data-dir", data.to_str().expect("text")];
        for command in [&["serve", "--check"][..], &["serve"]] {
            let refused = ended(&[command, &pair, &data].concat(), &[]).await;
            assert_refused(&refused, BAD_SETTING, &[named, why]);
            for secret in [&first.key, &second.key] {
                let line = secret.lines().nth(1).expect("a line of a key");
                assert!(
                    !refused.stderr.contains(line),
                    "a key is shown: {}",
                    refused.stderr
                );
            }
        }
        assert!(
            !folder.path().join("data").exists(),
            "something was left behind"
        );
    }
    let good = [
        "serve",
        "--check",
        "--tls-certificate",
        &certificate,
        "--tls-key",
        &key,
    ];
    let ended = ended(&good, &[]).await;
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
}
