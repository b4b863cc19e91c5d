//! A flag wins over the environment, the environment over the file, for every setting.

use super::*;

/// Three values of each setting, none of them the default.
const SAMPLES: [(&str, [&str; 3]); 36] = [
    ("data-dir", ["/a", "b", "./c"]),
    ("listen", ["127.0.0.1:1", "127.0.0.1:2", "[::1]:3"]),
    ("listen-http", ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:0"]),
    ("qrs-listen", ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]),
    ("qps-listen", ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]),
    (
        "observe-listen",
        ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"],
    ),
    ("public-host", ["a.example", "b.example", "c.example"]),
    ("trusted-proxy", ["10.0.0.0/8", "::1", "192.0.2.0/24"]),
    ("backend", ["http://a", "https://b:1", "http://c/d"]),
    (
        "database-url",
        ["postgres://a", "postgresql://b", "postgres://c"],
    ),
    (
        "session-store-url",
        ["redis://a", "rediss://b", "redis-cluster://c"],
    ),
    ("session-lease", ["0", "1s", "60s"]),
    ("header-timeout", ["1s", "2s", "500ms"]),
    ("body-timeout", ["1s", "2s", "500ms"]),
    ("connect-timeout", ["1s", "2s", "500ms"]),
    ("response-timeout", ["1s", "2s", "500ms"]),
    ("idle-timeout", ["1s", "2s", "500ms"]),
    ("http-redirect", ["on", "443", "8443"]),
    ("hsts", ["1", "1h", "8760h"]),
    ("drain-delay", ["1s", "2s", "500ms"]),
    ("drain-timeout", ["0", "2s", "500ms"]),
    ("max-header-bytes", ["1KiB", "2048", "1MiB"]),
    ("max-body-bytes", ["1", "2KiB", "3GiB"]),
    ("max-connections", ["1", "2", "3"]),
    ("max-connections-per-address", ["1", "2", "3"]),
    ("worker-threads", ["101", "102", "103"]),
    ("log", ["warn", "debug", "info,jotgate_keys=trace"]),
    ("log-format", ["json", "json", "json"]),
    ("access-log", ["off", "a.log", "b.log"]),
    ("feed-entries", ["0", "100", "500"]),
    ("feed-bytes", ["1MiB", "2MiB", "4MiB"]),
    (
        "otlp-endpoint",
        ["http://a:4318", "http://b:4318", "https://c"],
    ),
    ("trace-sample-ratio", ["0", "0.5", "1"]),
    ("proxy-protocol", ["on", "on", "on"]),
    ("tls-certificate", ["a.pem", "b.pem", "c.pem"]),
    ("tls-key", ["a.pem", "b.pem", "c.pem"]),
];

/// What a setting needs beside it.
fn companion(name: &str) -> &'static [&'static str] {
    match name {
        "proxy-protocol" => &["--trusted-proxy=10.0.0.0/8"],
        "tls-certificate" => &["--tls-key=k.pem"],
        "tls-key" => &["--tls-certificate=c.pem"],
        _ => &[],
    }
}

fn in_file(name: &str, value: &str) -> String {
    let shape = table::by_name(name).unwrap().shape;
    match shape {
        table::Shape::List => format!("{name} = [{value:?}]"),
        table::Shape::Switch => format!("{name} = {}", value == "on"),
        table::Shape::One if value.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{name} = {value}")
        }
        table::Shape::One => format!("{name} = {value:?}"),
    }
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    for (name, [a, b, c]) in SAMPLES {
        let variable = table::by_name(name).unwrap().variable();
        let flag = |value: &str| format!("--{name}={value}");
        let with = |own: Option<&str>, variables: &[(&str, &str)], text: &str| {
            let own = own.map(flag);
            let flags: Vec<&str> = own
                .as_deref()
                .into_iter()
                .chain(companion(name).iter().copied())
                .collect();
            Settings {
                // Where a value comes from differs, of course.
                told: Told(Vec::new()),
                ..load(&flags, variables, text).unwrap()
            }
        };
        let text = in_file(name, c);
        let [by_a, by_b, by_c] = [a, b, c].map(|value| with(Some(value), &[], ""));
        assert_eq!(
            with(Some(a), &[(&variable, b)], &text),
            by_a,
            "{name}: flag"
        );
        assert_eq!(
            with(None, &[(&variable, b)], &text),
            by_b,
            "{name}: environment"
        );
        assert_eq!(with(None, &[], &text), by_c, "{name}: file");
        if a != b {
            assert!(
                by_a != by_b && by_b != by_c,
                "{name}: the samples make a difference"
            );
        }
        if companion(name).is_empty() {
            assert_ne!(by_a, load(&[], &[], "").unwrap(), "{name}: not the default");
        }
    }
}

#[test]
fn a_part_of_the_whole_may_be_a_number_in_the_file() {
    let settings = load(&[], &[], "trace-sample-ratio = 0.25").unwrap();
    assert_eq!(settings.traced_per_million, 250_000);
}

#[test]
fn every_setting_is_sampled() {
    let elsewhere = [
        "config",
        "cluster-key-file",
        "database-url-file",
        "session-store-url-file",
        "session-store-ca-file",
    ];
    for setting in table::ALL {
        let sampled = SAMPLES.iter().any(|(name, _)| *name == setting.name);
        assert!(
            sampled || elsewhere.contains(&setting.name),
            "{}",
            setting.name
        );
    }
}

#[test]
fn lists_are_replaced_as_a_whole() {
    let text = r#"listen = ["127.0.0.1:1", "127.0.0.1:2"]"#;
    let ports = |settings: Settings| {
        settings
            .listen
            .iter()
            .map(SocketAddr::port)
            .collect::<Vec<_>>()
    };
    assert_eq!(ports(load(&[], &[], text).unwrap()), [1, 2]);
    let variables = [("JOTGATE_LISTEN", "127.0.0.1:3, 127.0.0.1:4")];
    assert_eq!(ports(load(&[], &variables, text).unwrap()), [3, 4]);
    let flags = ["--listen", "127.0.0.1:5", "--listen", "127.0.0.1:6"];
    assert_eq!(ports(load(&flags, &variables, text).unwrap()), [5, 6]);
    let http_alone = "listen = []\nlisten-http = [\"127.0.0.1:1\"]";
    assert!(load(&[], &[], http_alone).unwrap().listen.is_empty());
}

#[test]
fn a_switch_alone_is_on() {
    let trusted = "--trusted-proxy=::1";
    assert!(
        load(&[trusted, "--proxy-protocol"], &[], "")
            .unwrap()
            .proxy_protocol
    );
    let off = [trusted, "--proxy-protocol=off"];
    assert!(
        !load(&off, &[("JOTGATE_PROXY_PROTOCOL", "on")], "")
            .unwrap()
            .proxy_protocol
    );
}

#[test]
fn the_file_of_the_flag_wins_over_that_of_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.toml");
    fs::write(&file, "log = \"warn\"").unwrap();
    let flags = ["--config", file.to_str().unwrap()];
    assert_eq!(load(&flags, &[], "log = \"debug\"").unwrap().log, "warn");
    assert_eq!(load(&[], &[], "log = \"debug\"").unwrap().log, "debug");
}
