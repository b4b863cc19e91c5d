mod precedence;

use std::fs;

use clap::Parser;
use proptest::prelude::*;

use super::*;
use crate::cli::{Cli, Command};

/// Settings from `flags`, from `variables` and from a file with `text`.
fn load(flags: &[&str], variables: &[(&str, &str)], text: &str) -> Result<Settings, String> {
    load_as(Mode::Serve, flags, variables, text)
}

fn load_as(
    mode: Mode,
    flags: &[&str],
    variables: &[(&str, &str)],
    text: &str,
) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jotgate.toml");
    fs::write(&file, text).unwrap();
    let name = file.to_str().unwrap();
    let config = (!text.is_empty()).then_some(("JOTGATE_CONFIG", name));
    let environment = variables.iter().copied().chain(config);
    Settings::load(
        mode,
        &parse_flags(flags),
        environment.map(|(name, value)| (name.into(), value.into())),
    )
    .map_err(|error| error.to_string().replace(name, "jotgate.toml"))
}

fn parse_flags(flags: &[&str]) -> SettingFlags {
    let words = ["jotgate", "serve"].iter().chain(flags);
    match Cli::try_parse_from(words).unwrap().command {
        Command::Serve(arguments) => arguments.settings,
        other => panic!("{other:?}"),
    }
}

#[test]
fn defaults() {
    let settings = load(&["--worker-threads=2"], &[], "").unwrap();
    insta::assert_debug_snapshot!(settings);
    let demo = load_as(Mode::Demo, &["--worker-threads=2"], &[], "").unwrap();
    assert_eq!(demo.listen, ["127.0.0.1:8443".parse().unwrap()]);
    let (listen, told) = (settings.listen.clone(), settings.told.clone());
    let same = Settings {
        listen,
        told,
        ..demo
    };
    assert_eq!(same, settings);
    let threads = load(&[], &[], "").unwrap().worker_threads;
    assert_eq!(threads, std::thread::available_parallelism().unwrap().get());
}

/// One of each kind of mistake, in each source, and what is said about it.
#[test]
fn the_sentences() {
    let flags = |flags: &[&str]| load(flags, &[], "").unwrap_err();
    let variable = |name, value| load(&[], &[(name, value)], "").unwrap_err();
    let file = |text| load(&[], &[], text).unwrap_err();
    let sentences = [
        flags(&["--header-timeout", "10"]),
        flags(&["--header-timeout", "2h"]),
        flags(&["--max-header-bytes", "32KB"]),
        flags(&["--max-connections", "many"]),
        flags(&["--listen", "localhost:8443"]),
        flags(&["--trusted-proxy", "10.1.2.3/8"]),
        flags(&["--public-host", "https://gate.example.com"]),
        flags(&["--backend", "10.0.0.5:9000"]),
        flags(&["--data-dir", ""]),
        flags(&["--session-lease", "61s"]),
        flags(&["--log", "loud"]),
        flags(&["--log-format", "xml"]),
        flags(&["--worker-threads", "0"]),
        flags(&["--proxy-protocol=maybe"]),
        flags(&["--proxy-protocol"]),
        flags(&["--database-url", "mysql://me:hunter2@db"]),
        flags(&["--session-store-url", "http://me:hunter2@db"]),
        flags(&[
            "--tls-certificate",
            "a.pem",
            "--tls-certificate",
            "b.pem",
            "--tls-key",
            "a.key",
        ]),
        flags(&["--tls-key", "a.key"]),
        flags(&["--config", "/nowhere/jotgate.toml"]),
        flags(&["--database-url-file", "/nowhere/url"]),
        flags(&["--cluster-key-file", "/dev/null"]),
        flags(&["--database-url", "postgres://a", "--database-url-file", "b"]),
        variable("JOTGATE_IDLE_TIMEOUT", "75"),
        variable("JOTGATE_BACKEND", ""),
        variable("JOTGATE_LISTEN", "127.0.0.1:1,"),
        variable("JOTGATE_LISEN", "127.0.0.1:1"),
        variable("JOTGATE_DATABASE", "postgres://a"),
        variable("JOTGATE_TLS_KEY", "a.key"),
        file("drain-timeout = \"soon\""),
        file("drain-timeout = 30"),
        file("drain-timeout = [\"30s\"]"),
        file("max-connections = -1"),
        file("listen = \"127.0.0.1:1\""),
        file("listen = [1]"),
        file("listen = []"),
        file("proxy-protocol = \"on\""),
        file("\n\ndata_dir = \"a\""),
        file("[tls]\ncertificate = \"a\""),
        file("config = \"other.toml\""),
        file("a = 1\na = 2"),
        file("database-url = \"postgres://me:hunter2@db"),
        file("log = \"info\"\ndatabase-url = \"mysql://me:hunter2@db\""),
    ];
    for sentence in &sentences {
        assert!(
            !sentence.contains('\n') && !sentence.contains("hunter2"),
            "{sentence}"
        );
    }
    insta::assert_snapshot!(sentences.join("\n"));
}

#[test]
fn variables_of_others_are_nobodys_business() {
    let variables = [
        ("PATH", "/bin"),
        ("JOTGATE", "x"),
        ("jotgate_listen", "x"),
        ("JOTGATE_SERVICE_HOST", "10.0.0.1"),
    ];
    assert!(load(&[], &variables, "").is_ok());
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let value = OsString::from_vec(vec![0xff]);
    let flags = parse_flags(&[]);
    let error =
        Settings::load(Mode::Serve, &flags, [("JOTGATE_BACKEND".into(), value)]).unwrap_err();
    assert!(error.to_string().contains("is no text"), "{error}");
}

#[test]
fn secrets_come_from_files_too_and_the_stronger_source_counts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    fs::write(&file, "postgres://file\n").unwrap();
    let name = file.to_str().unwrap();
    let found =
        |flags: &[&str], variables: &[(&str, &str)], text: &str| match load(flags, variables, text)
            .unwrap()
            .database
        {
            Database::Postgres(secret) => String::from_utf8(secret.expose().to_vec()).unwrap(),
            Database::DataDirectory => String::new(),
        };
    assert_eq!(found(&[], &[], ""), "");
    assert_eq!(
        found(&["--database-url-file", name], &[], ""),
        "postgres://file"
    );
    let variable = [("JOTGATE_DATABASE_URL_FILE", name)];
    assert_eq!(
        found(&[], &variable, "database-url = \"postgres://toml\""),
        "postgres://file"
    );
    assert_eq!(
        found(&["--database-url=postgres://flag"], &variable, ""),
        "postgres://flag"
    );
    let in_file = format!("database-url-file = {name:?}");
    assert_eq!(
        found(&[], &[("JOTGATE_DATABASE_URL", "postgres://env")], &in_file),
        "postgres://env"
    );
    fs::write(&file, "redis://a\n").unwrap();
    let store = load(&["--session-store-url-file", name], &[], "")
        .unwrap()
        .session_store;
    assert_eq!(store, SessionStore::Redis(Secret::new("redis://a")));
    fs::write(&file, [0xff]).unwrap();
    assert!(
        load(&["--database-url-file", name], &[], "")
            .unwrap_err()
            .contains("is no text")
    );
    fs::write(&file, "mysql://me:hunter2@db").unwrap();
    let error = load(&["--database-url-file", name], &[], "").unwrap_err();
    let expected = format!("--database-url-file names {name}, which is no address of a database;");
    assert!(
        error.starts_with(&expected) && !error.contains("hunter2"),
        "{error}"
    );
    fs::write(&file, " ".repeat((64 << 10) + 1)).unwrap();
    assert!(
        load(&["--database-url-file", name], &[], "")
            .unwrap_err()
            .contains("longer than 64 KiB")
    );
}

#[test]
fn a_cluster_key_is_long_and_loses_only_the_space_around_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let key = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        load(&["--cluster-key-file", file.to_str().unwrap()], &[], "")
            .map(|settings| settings.cluster_key)
    };
    let text = "0123456789abcdef0123456789abcdef";
    assert_eq!(
        key(format!("{text}\r\n").as_bytes()),
        Ok(Some(Secret::new(text)))
    );
    let mut raw = [0xff; 32];
    raw[31] = b'\n';
    assert_eq!(key(&raw), Ok(Some(Secret::new(raw))));
    let error = key(&text.as_bytes()[1..]).unwrap_err();
    assert!(
        error.contains("holds 31 bytes") && error.contains("openssl rand"),
        "{error}"
    );
}

#[test]
fn what_a_session_store_is_trusted_by_is_read_with_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let read = |text: &str| {
        fs::write(&file, text).unwrap();
        load(
            &["--session-store-ca-file", file.to_str().unwrap()],
            &[],
            "",
        )
        .map(|settings| settings.session_store_ca)
    };
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["ca".to_owned()]).unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    let two = format!("{pem}\n{pem}");
    assert_eq!(read(&two), Ok(Some(two.clone().into_bytes())));
    let broken = pem.replace(
        "-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA",
    );
    for bad in ["", "no certificate", &key.serialize_pem(), &broken] {
        let error = read(bad).unwrap_err();
        assert!(error.contains("is no PEM file of certificates"), "{error}");
    }
}

#[test]
fn administrators_are_told_what_each_setting_is_and_where_that_comes_from() {
    let flags = [
        "--idle-timeout=10s",
        "--database-url=postgres://me:hunter2@db/jotgate",
    ];
    let first = load(
        &flags,
        &[("JOTGATE_LOG", "debug")],
        "public-host = [\"a\", \"b\"]",
    )
    .unwrap();
    let told = |told: &Told, name: &str| {
        let mut all = told.0.iter();
        let found = all.find(|told| told.setting.name == name).unwrap();
        let source = found.source.as_ref().map(ToString::to_string);
        let source = source.map(|text| text.split('/').next_back().unwrap().to_owned());
        (found.values.join(" "), source, found.waiting.clone())
    };
    let some = |text: &str| Some(text.to_owned());
    for (name, value, source) in [
        ("idle-timeout", "10s", some("--idle-timeout")),
        ("log", "debug", some("JOTGATE_LOG")),
        ("public-host", "a b", some("jotgate.toml: public-host")),
        (
            "database-url",
            "postgres://…@db/jotgate",
            some("--database-url"),
        ),
        ("listen", "0.0.0.0:8443", None),
        ("backend", "", None),
    ] {
        assert_eq!(
            told(&first.told, name),
            (value.to_owned(), source, None),
            "{name}"
        );
    }
    assert_eq!(first.told.0.len(), table::ALL.len());

    let next = load(&["--idle-timeout=20s", "--log=warn"], &[], "").unwrap();
    let now = first.told.followed_by(&next.told);
    assert_eq!(told(&now, "idle-timeout").0, "20s");
    let (log, source, waiting) = told(&now, "log");
    assert_eq!((&*log, source), ("debug", some("JOTGATE_LOG")));
    assert_eq!(waiting, Some(vec!["warn".to_owned()]));
    assert_eq!(told(&now, "public-host").2, Some(Vec::new()));
    // What is set back waits for nothing.
    assert_eq!(told(&now.followed_by(&first.told), "log").2, None);
}

#[test]
fn secrets_are_not_shown() {
    let flags = [
        "--database-url=postgres://me:hunter2@db",
        "--session-store-url=redis://:hunter2@s",
    ];
    let shown = format!("{:?}", load(&flags, &[], "").unwrap());
    assert!(
        shown.contains("[secret]") && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[test]
fn pairs_belong_together_by_their_position() {
    let flags = [
        "--tls-certificate=a",
        "--tls-key=x",
        "--tls-certificate=b",
        "--tls-key=y",
    ];
    let pair = |certificate: &str, key: &str| TlsPair {
        certificate: certificate.into(),
        key: key.into(),
    };
    assert_eq!(
        load(&flags, &[], "").unwrap().tls,
        [pair("a", "x"), pair("b", "y")]
    );
}

#[test]
fn a_file_has_limits() {
    let long = format!("#{}", "x".repeat(1 << 20));
    assert!(
        load(&[], &[], &long)
            .unwrap_err()
            .contains("longer than 1 MiB")
    );
    let deep = format!("log = {}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(load(&[], &[], &deep).is_err());
}

proptest! {
    #[test]
    fn any_file_is_read_or_refused(text in "\\PC{1,60}") {
        if let Err(sentence) = load(&[], &[], &text) {
            prop_assert!(sentence.contains("jotgate.toml"), "{}", sentence);
        }
    }

    #[test]
    fn any_value_of_any_variable_is_read_or_refused(at in 0..table::ALL.len(), value in "\\PC{0,30}") {
        let setting = table::ALL[at];
        prop_assume!(!setting.name.ends_with("-file") && setting.name != "config");
        let variable = setting.variable();
        if let Err(sentence) = load(&[], &[(&variable, &value)], "") {
            prop_assert!(sentence.contains(&variable), "{}", sentence);
        }
    }
}
