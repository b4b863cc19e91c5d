//! `jotgate check`: a virtual proxy from outside, and what is wrong with it.

#[path = "support/key_server.rs"]
#[expect(dead_code, reason = "what only key sets need")]
mod key_server;
#[path = "support/started.rs"]
mod started;

use std::path::PathBuf;

use jotgate_scenarios::{Backend, Folder, Gateway, Keys, Received, Reply};
use key_server::{KeyServer, Mode, authority};
use serde_json::Value;
use started::ended;

/// Tries an address and gives the exit code, the findings, and everything that was printed.
struct Checker {
    folder: Folder,
    words: Vec<String>,
}

impl Checker {
    fn new() -> Self {
        Self {
            folder: Folder::empty(),
            words: Vec::new(),
        }
    }

    /// With a file of this content, such as `("--token-file", token)`.
    fn file(mut self, flag: &str, content: &str) -> Self {
        let path: PathBuf = self.folder.path().join(flag.trim_start_matches('-'));
        std::fs::write(&path, content).expect("a file");
        let path = path.to_str().expect("text").to_owned();
        self.words.extend([flag.to_owned(), path]);
        self
    }

    fn word(mut self, flag: &str, value: &str) -> Self {
        self.words.extend([flag.to_owned(), value.to_owned()]);
        self
    }

    async fn run(&self, url: &str) -> (Option<i32>, Value, String) {
        let mut words = vec!["check", url, "--json"];
        words.extend(self.words.iter().map(String::as_str));
        let ended = ended(&words, &[]).await;
        let findings = serde_json::from_str(&ended.stdout);
        let findings = findings.unwrap_or_else(|error| panic!("{error}: {}", ended.stderr));
        words.retain(|word| *word != "--json");
        let printed = started::ended(&words, &[]).await;
        assert_eq!(printed.code, ended.code, "{}", printed.stdout);
        (ended.code, findings, ended.stdout + &printed.stdout)
    }

    /// Expects that the first wrong step is this one, and that these words are in it.
    async fn wrong(&self, url: &str, step: &str, words: &[&str]) {
        let (code, findings, printed) = self.run(url).await;
        let found = findings["findings"].as_array().expect("findings");
        let found = found.iter().find(|finding| finding["outcome"] == "wrong");
        let found = found.unwrap_or_else(|| panic!("nothing is wrong: {printed}"));
        assert_eq!(
            (code, &found["step"]),
            (Some(1), &Value::from(step)),
            "{printed}"
        );
        for word in words {
            assert!(found.to_string().contains(word), "{word}: {found:#}");
        }
        assert!(
            found["remedy"]
                .as_str()
                .is_some_and(|remedy| !remedy.is_empty())
        );
    }
}

async fn site() -> (Gateway, Backend, String, String) {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let qrs = gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    let url = format!(
        "https://localhost:{}/jwt",
        gateway.listeners().gateway[0].port()
    );
    let root = std::fs::read_to_string(gateway.certificates().join("root.pem")).expect("the root");
    (gateway, backend, url, root)
}

#[tokio::test]
async fn a_good_virtual_proxy_is_good_and_nothing_is_left_behind() {
    let (gateway, backend, url, root) = site().await;
    let token = Keys::first().token().user("example", "boz").sign();
    let checker = Checker::new()
        .file("--ca", &root)
        .file("--token-file", &format!("Authorization: Bearer {token}\n"))
        .file("--token-certificate", &Keys::first().certificate());
    let (code, findings, printed) = checker.run(&url).await;
    assert_eq!(
        (code, &findings["good"]),
        (Some(0), &Value::Bool(true)),
        "{printed}"
    );
    let steps: Vec<_> = findings["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .collect();
    let good = |step: &str, word: &str| {
        let found = steps.iter().any(|finding| {
            finding["step"] == step
                && finding["outcome"] == "good"
                && finding["found"]
                    .as_str()
                    .is_some_and(|found| found.contains(word))
        });
        assert!(found, "{step} {word}: {printed}");
    };
    good("name", "localhost");
    good("tls", "trusted");
    good("prefix", "asks for a token");
    good("clock", "the same");
    good("token", "verifies it");
    good("sign-in", r"example\boz");
    good("cookie", "HttpOnly");
    good("session", "200");
    good("socket", "101");
    good("sign-out", "ended");
    assert!(!printed.contains(&token), "{printed}");
    let cookies = backend
        .received()
        .iter()
        .filter_map(|r| r.header("Cookie"))
        .count();
    assert_eq!(cookies, 0, "a backend sees no session cookie");
    assert!(gateway.metric("jotgate_sessions").await.abs() < f64::EPSILON);
    // Without a token it says so.
    let (code, _, printed) = Checker::new().file("--ca", &root).run(&url).await;
    assert!(
        code == Some(0) && printed.contains("--token-file"),
        "{printed}"
    );
}

#[tokio::test]
async fn every_mistake_is_found_at_its_step() {
    let (gateway, backend, url, root) = site().await;
    let token = Keys::first().token().sign();
    let with = |token: &str| {
        Checker::new()
            .file("--ca", &root)
            .file("--token-file", token)
    };
    let good = || with(&token);
    good()
        .wrong("https://jotgate.invalid/jwt", "name", &["DNS"])
        .await;
    let nowhere = format!("https://localhost:{}/jwt", Backend::nowhere().await.port());
    good().wrong(&nowhere, "connect", &["--listen"]).await;
    let trusting_nobody = Checker::new().file("--token-file", &token);
    trusting_nobody.wrong(&url, "tls", &["--ca"]).await;
    let unknown = url.replace("/jwt", "/jtw");
    good()
        .wrong(&unknown, "prefix", &["no virtual proxy at /jtw", "link it"])
        .await;
    let expired = Keys::first().token().expires_in(-3600).sign();
    with(&expired)
        .wrong(&url, "sign-in", &["token_expired", "401"])
        .await;
    with("not a\u{1} token")
        .wrong(&url, "sign-in", &["three parts"])
        .await;
    with(&Keys::second().token().sign())
        .wrong(&url, "sign-in", &["signature_invalid"])
        .await;
    let other = Keys::second().certificate();
    let judged = good().file("--token-certificate", &other);
    judged.wrong(&url, "token", &["signature_invalid"]).await;
    let foreign = good().word("--origin", "https://evil.example.com");
    foreign.wrong(&url, "socket", &["origin_not_allowed"]).await;
    drop(backend);
    good().wrong(&url, "session", &["node_", "502"]).await;
    drop(gateway);
}

#[tokio::test]
async fn certificates_and_clocks_are_looked_at() {
    let site = KeyServer::start_tls(Mode::document("{}")).await;
    let checker = Checker::new().file("--ca", &authority());
    let by_address = site.at("/jwt").replace("localhost", "127.0.0.1");
    checker.wrong(&by_address, "tls", &["--public-host"]).await;
    site.set(Mode::ExpiredCertificate);
    checker.wrong(&site.at("/jwt"), "tls", &["renew"]).await;
    site.set(Mode::Status(500));
    checker.wrong(&site.at("/jwt"), "prefix", &["500"]).await;

    let old = Mode::Document {
        body: "{}".to_owned(),
        fields: "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n".to_owned(),
    };
    let plain = KeyServer::start(old).await;
    checker
        .wrong(&plain.at("/jwt"), "clock", &["behind", "NTP"])
        .await;
    plain.set(Mode::Huge);
    let (code, _, printed) = checker.run(&plain.at("/jwt")).await;
    assert_eq!(code, Some(0), "{printed}");
    let other = Backend::answering(|_| Reply::raw("SSH-2.0-OpenSSH_9.6\r\n")).await;
    let url = format!("http://localhost:{}/jwt", other.address().port());
    checker.wrong(&url, "prefix", &["no answer of HTTP"]).await;
}

/// A stand-in for the real system: bare answers, and what it gets is what it says.
fn real_system(received: &Received) -> Reply {
    let bearer = received.header("Authorization").unwrap_or_default();
    let cookie = received.header("Cookie").unwrap_or_default();
    if received.is_upgrade() {
        return Reply::status(403);
    }
    if cookie.contains("X-Qlik-Session-jwt=secret-of-a-session") {
        return Reply::new(200, &[("X-Echo", &cookie)], "hub");
    }
    match bearer.as_str() {
        "" => Reply::new(
            401,
            &[],
            "Could not authenticate the request: Expected an authentication header.",
        ),
        "Bearer good" => {
            let cookie =
                "X-Qlik-Session-jwt=secret-of-a-session; Path=/; HttpOnly; Domain=example.com";
            Reply::new(
                200,
                &[("Set-Cookie", cookie)],
                format!("{{\"userId\": \"{bearer}\"}}"),
            )
        }
        other => Reply::new(400, &[("Location", other)], other),
    }
}

#[tokio::test]
async fn the_real_system_is_judged_as_well_and_what_it_echoes_is_not_printed() {
    let system = Backend::answering(real_system).await;
    let url = format!("http://localhost:{}/jwt", system.address().port());
    let checker = Checker::new().file("--token-file", "some-bad-token");
    checker
        .wrong(&url, "sign-in", &["400", "jotgate token check"])
        .await;
    let (_, _, printed) = checker.run(&url).await;
    assert!(!printed.contains("some-bad-token"), "{printed}");

    let checker = Checker::new().file("--token-file", "good");
    checker
        .wrong(&url, "cookie", &["sessionCookieDomain"])
        .await;
    let (_, findings, printed) = checker.run(&url).await;
    assert!(
        !printed.contains("secret-of-a-session") && !printed.contains("Bearer good"),
        "{printed}"
    );
    let socket = findings["findings"].as_array().expect("findings").iter();
    let socket = socket.filter(|finding| finding["step"] == "socket");
    let told: Vec<_> = socket.map(Value::to_string).collect();
    assert!(
        told.len() == 1 && told[0].contains("websocketCrossOriginWhiteList"),
        "{told:?}"
    );

    for url in [
        "localhost",
        "ftp://localhost/jwt",
        "https://a:b@localhost/jwt",
        "https://x/a/b/c",
    ] {
        let ended = ended(&["check", url], &[]).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{url}");
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}
