use proptest::prelude::*;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn any_duration(text: &str) -> Result<Duration, String> {
    duration(text, Duration::ZERO, HOUR * 1000)
}

#[test]
fn durations() {
    let cases = [
        ("0", 0),
        ("0s", 0),
        ("500ms", 500),
        ("10s", 10_000),
        ("5m", 300_000),
        ("2h", 7_200_000),
        ("007s", 7000),
    ];
    for (text, millis) in cases {
        assert_eq!(
            any_duration(text),
            Ok(Duration::from_millis(millis)),
            "{text}"
        );
    }
    let wrong = [
        "",
        "s",
        "-1s",
        "+1s",
        "1.5s",
        "1 s",
        "1S",
        "1d",
        "1m30s",
        "ten",
        "99999999999999999999s",
        "18446744073709551615h",
    ];
    for text in wrong {
        assert!(any_duration(text).is_err(), "{text}");
    }
    assert!(
        any_duration("10")
            .unwrap_err()
            .contains("no unit; write for instance 10s")
    );
}

#[test]
fn durations_have_bounds() {
    let within = |text| duration(text, Duration::from_millis(1), HOUR);
    assert!(within("1ms").is_ok() && within("3600s").is_ok());
    assert_eq!(within("0").unwrap_err(), "is out of range; write 1ms to 1h");
    assert!(within("3601s").is_err());
    let lease = duration("61s", Duration::ZERO, Duration::from_secs(60));
    assert_eq!(lease.unwrap_err(), "is out of range; write 0 to 60s");
}

#[test]
fn sizes() {
    let cases = [
        ("0", 0),
        ("65536", 65536),
        ("32KiB", 32768),
        ("1MiB", 1 << 20),
        ("3GiB", 3 << 30),
    ];
    for (text, bytes) in cases {
        assert_eq!(size(text, 0, u64::MAX), Ok(bytes), "{text}");
    }
    for text in [
        "",
        "KiB",
        "1kb",
        "1KB",
        "1 KiB",
        "-1",
        "+1",
        "1.5MiB",
        "18446744073709551616",
        "99999999999GiB",
    ] {
        assert!(size(text, 0, u64::MAX).is_err(), "{text}");
    }
    let header = |text| size(text, 1 << 10, 1 << 20);
    assert!(header("1024").is_ok() && header("1MiB").is_ok());
    assert_eq!(
        header("1023").unwrap_err(),
        "is out of range; write 1KiB to 1MiB"
    );
    assert!(header("1048577").is_err());
}

#[test]
fn counts() {
    assert_eq!(count("1", 1, 10), Ok(1));
    assert_eq!(count("10", 1, 10), Ok(10));
    for text in [
        "0",
        "11",
        "",
        "ten",
        "1e3",
        "-1",
        "+1",
        " 1",
        "99999999999999999999",
    ] {
        assert!(count(text, 1, 10).is_err(), "{text:?}");
    }
}

#[test]
fn addresses_are_ip_addresses_with_ports() {
    for text in ["127.0.0.1:0", "0.0.0.0:8443", "[::1]:65535"] {
        assert!(address(text).is_ok(), "{text}");
    }
    for text in [
        "",
        "8443",
        ":8443",
        "localhost:8443",
        "127.0.0.1",
        "::1:8443",
        "127.0.0.1:65536",
        "127.0.0.1:",
    ] {
        assert!(address(text).is_err(), "{text}");
    }
}

#[test]
fn backends() {
    for text in [
        "http://10.0.0.5:9000",
        "https://app.example.com",
        "http://[::1]:80/base/",
    ] {
        assert_eq!(backend(text), Ok(text.to_owned()));
    }
    for text in [
        "",
        "10.0.0.5:9000",
        "/path",
        "ftp://a",
        "http://",
        "http://u:p@host",
        "http://host/?q=1",
        "http://host/#x",
        "http://ho st",
    ] {
        assert!(backend(text).is_err(), "{text}");
    }
}

#[test]
fn hosts() {
    let cases = [
        ("Gate.Example.COM", "gate.example.com"),
        ("gate.example.com.", "gate.example.com"),
        ("*.example.com", "*.example.com"),
        ("localhost", "localhost"),
        ("my_host", "my_host"),
        ("[::1]", "::1"),
        ("::1", "::1"),
        ("192.0.2.7", "192.0.2.7"),
    ];
    for (text, expected) in cases {
        assert_eq!(host(text).as_deref(), Ok(expected));
    }
    let long = format!("{}.com", "a".repeat(64));
    for text in [
        "",
        ".",
        "*",
        "*.",
        "a..b",
        "a b",
        "a:443",
        "http://a",
        "a/b",
        "-a",
        "a-",
        "*.*.com",
        "a.*",
        "1.2.3",
        "300.1.1.1",
        "é.com",
        "[a]",
        &long,
        &"a.".repeat(130),
    ] {
        assert!(host(text).is_err(), "{text}");
    }
}

#[test]
fn urls_of_stores() {
    assert!(database_url("postgres://u:p@h/d").is_ok());
    assert!(database_url("postgresql://h/d").is_ok());
    for text in [
        "",
        "postgres",
        "postgres://",
        "mysql://h/d",
        "sqlite://x",
        "POSTGRES://h",
    ] {
        assert!(database_url(text).is_err(), "{text}");
    }
    for scheme in [
        "redis",
        "rediss",
        "redis-cluster",
        "rediss-cluster",
        "redis-sentinel",
        "rediss-sentinel",
    ] {
        assert!(
            session_store_url(&format!("{scheme}://h:6379")).is_ok(),
            "{scheme}"
        );
    }
    assert!(session_store_url("http://h").is_err());
}

#[test]
fn log_filters() {
    for text in [
        "info",
        "off",
        "warn,jotgate_keys=debug",
        "jotgate_gateway::accept=trace,error",
    ] {
        assert!(log_filter(text).is_ok(), "{text}");
    }
    for text in [
        "",
        "loud",
        "info,",
        "=debug",
        "a=b",
        "INFO",
        "info, warn",
        "a[b]=info",
    ] {
        assert!(log_filter(text).is_err(), "{text}");
    }
}

#[test]
fn words() {
    assert_eq!(switch("on"), Ok(true));
    assert_eq!(switch("false"), Ok(false));
    assert!(switch("yes").is_err() && switch("").is_err());
    assert_eq!(access_log("-"), Ok(AccessLog::StandardOutput));
    assert_eq!(access_log("off"), Ok(AccessLog::Off));
    assert_eq!(access_log("a.log"), Ok(AccessLog::File("a.log".into())));
    assert_eq!(log_format("json"), Ok(LogFormat::Json));
    assert!(log_format("xml").is_err());
    assert!(path("").is_err() && path("a\0b").is_err());
    assert!(threads("0").is_err() && threads("1025").is_err());
}

proptest! {
    #[test]
    fn any_text_is_a_value_or_a_sentence(text in "\\PC{0,40}") {
        let sentences = [
            any_duration(&text).err(),
            size(&text, 0, u64::MAX).err(),
            count(&text, 0, u64::MAX).err(),
            address(&text).err(),
            backend(&text).err(),
            host(&text).err(),
            log_filter(&text).err(),
            switch(&text).err(),
        ];
        for sentence in sentences.into_iter().flatten() {
            prop_assert!(sentence.contains("; write"), "{}", sentence);
        }
    }

    #[test]
    fn durations_mean_what_they_say(number in 0u64..1_000_000, unit in 0usize..4) {
        let (name, millis) = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)][unit];
        let expected = Duration::from_millis(number * millis);
        let found = duration(&format!("{number}{name}"), Duration::ZERO, Duration::MAX);
        prop_assert_eq!(found, Ok(expected));
        let again = duration(&duration_text(expected), Duration::ZERO, Duration::MAX);
        prop_assert_eq!(again, Ok(expected));
    }

    #[test]
    fn sizes_mean_what_they_say(number in 0u64..1 << 30, unit in 0usize..4) {
        let (name, factor) = [("", 1u64), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)][unit];
        let bytes = number * factor;
        prop_assert_eq!(size(&format!("{number}{name}"), 0, u64::MAX), Ok(bytes));
        prop_assert_eq!(size(&size_text(bytes), 0, u64::MAX), Ok(bytes));
    }

    #[test]
    fn hosts_are_stable(text in "[a-zA-Z0-9.*_:\\[\\]-]{0,20}") {
        if let Ok(once) = host(&text) {
            let again = host(&once);
            prop_assert_eq!(again, Ok(once));
        }
    }
}

#[test]
fn parts_of_the_whole() {
    for (text, millionths) in [
        ("0", 0),
        ("1", 1_000_000),
        ("1.0", 1_000_000),
        ("0.01", 10_000),
        ("0.000001", 1),
        ("0.25", 250_000),
    ] {
        assert_eq!(per_million(text), Ok(millionths), "{text}");
    }
    for wrong in [
        "",
        ".",
        "1.000001",
        "2",
        "-1",
        "0.",
        ".5",
        "0.0000001",
        "1e-2",
        "50%",
    ] {
        assert!(per_million(wrong).is_err(), "{wrong}");
    }
}
