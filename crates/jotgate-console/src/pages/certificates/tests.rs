use http::StatusCode;
use jotgate_manage::{KeyOrigin, KeyState, Privilege, ProcessSide, SourceState, TlsCertificate};
use jotgate_model::entity::VirtualProxyConfig;
use jotgate_model::{UnixTime, Uuid};

use super::keys::keys;
use super::sources::sources;
use crate::testing::{Site, now, site};

async fn place(site: &Site, prefix: &str) -> Uuid {
    let draft = VirtualProxyConfig {
        description: format!("Portal {prefix}"),
        prefix: prefix.to_owned(),
        session_cookie_header_name: format!("X-{prefix}"),
        ..Default::default()
    };
    let actor = &site.visitor.actor;
    let created = site.management.create_virtual_proxy(actor, draft, now());
    created.await.unwrap().metadata.id
}

fn key(fingerprint: &str, end: Option<i64>) -> KeyState {
    KeyState {
        kid: None,
        fingerprint: fingerprint.into(),
        certificate_expires: end.map(UnixTime),
    }
}

fn state(origin: KeyOrigin, at: Vec<Uuid>, keys: Vec<KeyState>) -> SourceState {
    SourceState {
        origin,
        virtual_proxies: at,
        last_fetch: None,
        last_success: None,
        last_error: None,
        next_fetch: None,
        keys,
        skipped: Vec::new(),
    }
}

#[tokio::test]
async fn a_key_is_listed_once_with_everything_that_uses_it() {
    let site = site().await;
    let (one, two) = (place(&site, "one").await, place(&site, "two").await);
    let today = 1_790_000_000;
    let states = [
        state(
            KeyOrigin::Pem,
            vec![two],
            vec![key("aa", Some(today + 86_400)), key("bb", None)],
        ),
        state(
            KeyOrigin::Pem,
            vec![one],
            vec![key("aa", Some(today + 86_400))],
        ),
        state(KeyOrigin::Pem, vec![one], vec![key("cc", Some(today - 1))]),
    ];
    let snapshot = site.management.snapshot();
    let found = keys(&states, &snapshot);
    let found: Vec<_> = found
        .into_iter()
        .map(|key| key.described(&snapshot, &site.management, UnixTime(today)))
        .collect();
    let shown: Vec<_> = found
        .iter()
        .map(|key| (&*key.fingerprint, key.badge, key.places.len()))
        .collect();
    assert_eq!(
        shown,
        [("cc", "expired", 1), ("aa", "ends soon", 2), ("bb", "", 1)]
    );
    assert_eq!(found[1].places[0].1, "Portal one");
    assert!(found[1].has("portal two") && found[1].has("a") && !found[1].has("three"));
}

#[tokio::test]
async fn key_sets_that_fail_come_first() {
    let site = site().await;
    let at = place(&site, "one").await;
    let good = KeyOrigin::Jwks("https://a.example.com/keys".into());
    let bad = KeyOrigin::Discovery("https://b.example.com".into());
    let mut states = vec![
        state(good, vec![at], vec![key("aa", None)]),
        state(bad, vec![at], Vec::new()),
        state(KeyOrigin::Pem, vec![at], Vec::new()),
    ];
    states[1].last_error = Some("the answer was 500".into());
    let shown = sources(&states, &site.management.snapshot());
    let shown: Vec<_> = shown.iter().map(|one| (&*one.name, one.class)).collect();
    assert_eq!(
        shown,
        [
            ("https://b.example.com", "bad"),
            ("https://a.example.com/keys", "good")
        ]
    );
}

#[tokio::test]
async fn without_keys_the_page_says_what_would_be_here() {
    let site = site().await;
    let shown = site
        .get("/qmc/certificates?filter=%22%3E%3Cscript%3E")
        .await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.text.contains("No key is in use"));
    assert!(shown.text.contains("No virtual proxy has a JWKS address"));
    assert!(!shown.text.contains("<script>\""));
}

#[tokio::test]
async fn certificates_of_the_gateway_are_shown_with_their_file_to_root_administrators() {
    let mut site = site().await;
    let today = now().as_millis() / 1000;
    let certificate = move |subject: &str, days: i64| TlsCertificate {
        names: vec!["gate.example.com".to_owned()],
        subject: subject.to_owned(),
        issuer: "CN=<b>root</b>".to_owned(),
        not_before: UnixTime(today - 86_400),
        not_after: UnixTime(today + days * 86_400),
        key: "RSA, 2048 bits".to_owned(),
        fingerprint: format!("{days:064}"),
        file: Some("/etc/jotgate/tls.pem".to_owned()),
        listeners: vec!["gateway 127.0.0.1:8443".to_owned()],
        ..TlsCertificate::default()
    };
    site.management.use_process(ProcessSide {
        settings: Box::new(Vec::new),
        certificates: Box::new(move || vec![certificate("CN=late", 99), certificate("CN=soon", 9)]),
    });
    let shown = site.get("/qmc/certificates").await.text;
    for text in [
        "gate.example.com",
        "signed by CN=&#60;b&#62;root",
        "/etc/jotgate/tls.pem",
        "gateway 127.0.0.1:8443",
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    assert!(shown.find("CN=soon").unwrap() < shown.find("CN=late").unwrap());
    assert_eq!(shown.matches("badge warn\">ends soon").count(), 1);
    site.visitor.actor.privilege = Privilege::AuditAdmin;
    let shown = site.get("/qmc/certificates").await.text;
    assert!(shown.contains("CN=soon") && !shown.contains("tls.pem"));
}
