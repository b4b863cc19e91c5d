//! `jotgate import`: another site becomes a file that a new gateway applies.

#[path = "support/key_server.rs"]
#[expect(dead_code, reason = "what only key sets need")]
mod key_server;
#[path = "support/real_site.rs"]
mod real_site;
#[path = "support/started.rs"]
mod started;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jotgate_scenarios::{Backend, Ended, Folder, Gateway, Keys};
use key_server::{KeyServer, Mode, authority};
use real_site::real_site;
use serde_json::{Value, json};
use started::ended;

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Runs `jotgate import` with an administrator's certificate of that gateway.
async fn import(gateway: &Gateway, url: &str, ca: &Path, words: &[&str]) -> Ended {
    let certificates = gateway.certificates();
    let (certificate, key) = (
        certificates.join("client.pem"),
        certificates.join("client_key.pem"),
    );
    let mut all = vec!["import", url];
    all.extend(words);
    all.extend([
        "--certificate",
        text(&certificate),
        "--key",
        text(&key),
        "--ca",
        text(ca),
    ]);
    ended(&all, &[]).await
}

/// Runs `jotgate` on the data directory of a gateway and expects success.
async fn jotgate(gateway: &Gateway, words: &[&str]) -> String {
    let data = gateway.folder().data();
    let mut all = words.to_vec();
    all.extend(["--data-dir", text(&data)]);
    let ended = ended(&all, &[]).await;
    assert_eq!(ended.code, Some(0), "{words:?}: {}", ended.stderr);
    ended.stdout
}

#[tokio::test]
async fn what_is_imported_and_applied_to_a_new_gateway_is_the_same_site() {
    let (backend, old) = (Backend::named("the backend").await, Gateway::serve().await);
    let qrs = old.qrs();
    let tag = qrs.create("/tag", &json!({"name": "portal"})).await;
    let property = json!({
        "name": "Team", "valueType": "Text", "choiceValues": ["a", "b"],
        "objectTypes": ["VirtualProxyConfig", "App"],
    });
    let team = qrs.create("/custompropertydefinition", &property).await;
    let jwt = qrs
        .virtual_proxy("jwt")
        .keys(Keys::first())
        .backend(&backend)
        .await;
    let jwt = jwt
        .map("Group", "group")
        .set("tags", json!([tag]))
        .set(
            "customProperties",
            json!([{"value": "a", "definition": team}]),
        )
        .set("jwtSingleUse", true)
        .set(
            "websocketCrossOriginWhiteList",
            json!(["portal.example.com"]),
        )
        .create()
        .await;
    jwt.set("jwtSingleUse", false).await;

    let folder = Folder::empty();
    let file = folder.path().join("site.toml");
    let url = format!("https://localhost:{}", old.listeners().qrs.port());
    let root = old.certificates().join("root.pem");
    let imported = import(&old, &url, &root, &[text(&file)]).await;
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    assert!(
        imported.stdout.contains("users, roles"),
        "{}",
        imported.stdout
    );
    let before = jotgate(&old, &["export", "--json"]).await;

    let new = Gateway::serve().await;
    jotgate(&new, &["apply", text(&file)]).await;
    assert_eq!(jotgate(&new, &["export", "--json"]).await, before);
    assert_eq!(
        jotgate(&new, &["diff", text(&file)]).await,
        "nothing differs\n"
    );
    let token = Keys::first()
        .token()
        .claim("Group", json!(["sales"]))
        .sign();
    let answer = new.client().get("/jwt/hub/").bearer(&token).send().await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "the backend")
    );
    // Standard output has the same file.
    let printed = import(&old, &url, &root, &[]).await.stdout;
    assert_eq!(printed, std::fs::read_to_string(&file).expect("the file"));
    let json = import(&old, &url, &root, &["--json"]).await.stdout;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["configuration"]["format"], 1);
}

fn answers(site: &[(String, Value)]) -> Mode {
    Mode::Paths(
        site.iter()
            .map(|(path, list)| (path.clone(), list.to_string()))
            .collect(),
    )
}

/// The root of the stand-in for the site, as a file.
fn ca(folder: &Folder) -> PathBuf {
    let path = folder.path().join("site-root.pem");
    std::fs::write(&path, authority()).expect("a file");
    path
}

#[tokio::test]
async fn a_real_site_can_be_applied_and_what_it_has_in_another_way_is_told() {
    let (gateway, folder) = (Gateway::serve().await, Folder::empty());
    let site = KeyServer::start_tls(answers(&real_site())).await;
    let file = folder.path().join("site.toml");
    let imported = import(&gateway, &site.at(""), &ca(&folder), &[text(&file)]).await;
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    assert_eq!(site.requests(), 5);
    let toml = std::fs::read_to_string(&file).expect("the file");
    for told in [
        "VirtualProxyConfig.futureProperty is unknown here and was left out (4 times)",
        "ProxyService.settings.logVerbosity.logVerbosityFuture is unknown here",
        "sessionInactivityTimeout was left out: it must be a whole number from 1 to 71582",
        "oidcClientSecret was left out: it is a secret",
        "the central node \"qs1\" is called \"Central\"",
        "the site has 2 proxies",
        "the custom property \"Stage\" was left out: it is of App, Stream only",
        "(prefix \"saml\") is kept but not linked: authenticationMethod: SAML is not supported",
        "(prefix \"hdr\"): the header counts from listed addresses only",
        "Windows authentication has no equivalent",
        "the node \"qs2\": its services are reached with the site's client certificate",
        "--tls-certificate",
    ] {
        assert!(
            imported.stdout.contains(told),
            "{told}: {}",
            imported.stdout
        );
        assert!(toml.contains(told), "{told}: {toml}");
    }
    assert!(!toml.contains("hush"), "{toml}");

    jotgate(&gateway, &["apply", text(&file)]).await;
    let jwt = gateway.qrs().find("jwt").await.entity().await;
    assert_eq!(jwt["jwtAttributeMap"][0]["senseAttribute"], "group");
    assert_eq!(jwt["tags"][0]["name"], "portal");
    assert_eq!(
        jwt["loadBalancingServerNodes"]
            .as_array()
            .expect("nodes")
            .len(),
        2
    );
    let proxy = gateway.qrs().proxy_service().await;
    assert_eq!(
        proxy["settings"]["virtualProxies"]
            .as_array()
            .expect("links")
            .len(),
        3
    );
    let default = gateway.qrs().find("").await.entity().await;
    assert_eq!(
        default["allowAdministration"], true,
        "administrators still sign in"
    );
    let answer = gateway.client().get("/jwt/hub/").send().await;
    assert_eq!(
        (answer.status, answer.reason()),
        (401, "credentials_missing")
    );
}

#[tokio::test]
async fn whatever_is_no_site_is_refused_in_one_sentence() {
    let (gateway, folder) = (Gateway::serve().await, Folder::empty());
    let (ca, file) = (ca(&folder), folder.path().join("site.toml"));
    let site = KeyServer::start_tls(Mode::Reset).await;
    let id = uuid::Uuid::from_u128(1);
    let with = |path: &str, list: Value| {
        let mut site = real_site();
        let place = site.iter_mut().find(|(known, _)| known == path);
        place.expect("a list").1 = list;
        answers(&site)
    };
    let late = Mode::Late {
        body: "[".to_owned(),
        after: Duration::from_millis(20),
    };
    let deep = "[".repeat(100_000);
    let cases = [
        (Mode::Reset, 70, "cannot be reached"),
        (Mode::ExpiredCertificate, 70, "cannot be reached"),
        (
            Mode::Redirect("https://localhost/login".to_owned()),
            70,
            "answered with 302",
        ),
        (Mode::Status(403), 70, "use an administrator's certificate"),
        (Mode::Status(500), 70, "answered with 500"),
        (Mode::Cut, 70, "cannot be read"),
        (Mode::Huge, 70, "is longer than 64 MiB"),
        (late, 70, "is no JSON"),
        (Mode::document(deep), 70, "is no JSON"),
        (Mode::document("{}"), 70, "is no list"),
        (Mode::document("<html>"), 70, "is no JSON"),
        (Mode::document("[1]"), 1, "has something else in it"),
        (Mode::document("[]"), 1, "has no node"),
        (
            with("/qrs/tag/full", json!([{"name": "x"}])),
            1,
            "no usable id",
        ),
        (
            with("/qrs/tag/full", json!([{"id": "x"}])),
            1,
            "no usable id",
        ),
        (with("/qrs/proxyservice/full", json!([])), 1, "has no proxy"),
        (
            with("/qrs/tag/full", json!(vec![json!({"id": id}); 20_001])),
            1,
            "at most 20000",
        ),
    ];
    for (mode, code, told) in cases {
        site.set(mode);
        let ended = import(&gateway, &site.at(""), &ca, &[text(&file)]).await;
        assert_eq!(ended.code, Some(code), "{told}: {}", ended.stderr);
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
        assert_eq!(
            (ended.stderr.lines().count(), ended.stdout.as_str()),
            (1, "")
        );
        assert!(!file.exists());
    }
    // Somebody else's root, and no TLS at all.
    site.set(answers(&real_site()));
    let other = gateway.certificates().join("root.pem");
    let ended = import(&gateway, &site.at(""), &other, &[]).await;
    assert_eq!(ended.code, Some(70), "{}", ended.stderr);
    for url in [
        "http://localhost:1",
        "localhost:4242",
        "https://a:b@localhost:1",
        "x y",
    ] {
        let ended = import(&gateway, url, &ca, &[]).await;
        assert_eq!(ended.code, Some(2), "{url}: {}", ended.stderr);
    }
}
