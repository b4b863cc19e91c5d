use std::time::Duration;

use http::StatusCode;
use jotgate_manage::{BackendStatus, KeyOrigin, KeyState, LiveSide, SourceState, TlsCertificate};
use jotgate_model::entity::VirtualProxyConfig;
use jotgate_model::{Reason, Timestamp, UnixTime, Uuid};
use jotgate_observe::{History, Metrics, Outcome};

use super::keys::warnings;
use crate::testing::{Site, now, quiet_side, site};

const EVIL: &str = "\"><script>alert(1)</script>";

/// A site with these backends, and what its request path counts.
async fn live(backends: Vec<BackendStatus>) -> (Site, Metrics) {
    let site = site().await;
    let metrics = Metrics::default();
    site.management.use_live(LiveSide {
        history: History::new(metrics.clone()),
        backends: Box::new(move || backends.clone()),
        ..quiet_side()
    });
    (site, metrics)
}

fn count(metrics: &Metrics, reason: Option<Reason>) {
    metrics.count(&Outcome {
        virtual_proxy: "jwt",
        status: reason.map_or(200, |reason| reason.status().as_u16()),
        reason,
        total: Duration::from_millis(3),
    });
}

fn backend(name: &str, state: &'static str) -> BackendStatus {
    BackendStatus {
        node: Uuid::from_u128(7),
        node_name: name.to_owned(),
        service: "/".to_owned(),
        state,
        since: Timestamp::from_millis(1_790_000_000_000),
        last_error: Some("connection refused".to_owned()),
    }
}

#[tokio::test]
async fn before_the_first_request_the_page_says_so_and_leads_on() {
    let (site, _) = live(Vec::new()).await;
    let shown = site.get("/qmc/").await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.text.contains("No request in the last hour"));
    assert!(shown.text.contains("href=\"/qmc/start\""));
    assert!(shown.text.contains("Nobody is."));
    assert!(!shown.text.contains("<rect class=\"s-"));
}

#[tokio::test]
async fn requests_are_drawn_and_written_as_numbers() {
    let (site, metrics) = live(Vec::new()).await;
    for _ in 0..1998 {
        count(&metrics, None);
    }
    count(&metrics, Some(Reason::TokenExpired));
    count(&metrics, Some(Reason::NodeFailed));
    let shown = site.get("/qmc/").await.text;
    assert!(shown.contains("2\u{202f}000 in all"), "{shown}");
    assert!(shown.contains("99.9\u{a0}% served"), "{shown}");
    assert!(
        shown.contains("14:13: 1998 served, 1 refused, 1 failed"),
        "{shown}"
    );
    for class in ["s-served", "s-refused", "s-failed"] {
        assert!(
            shown.contains(&format!("<rect class=\"{class}\" x=\"591\"")),
            "{class}"
        );
    }
    assert!(shown.contains("/qmc/requests?reason=token_expired"));
    assert!(shown.contains("half within 3.8\u{a0}ms"), "{shown}");
    assert!(!shown.contains(" style="));
}

#[tokio::test]
async fn backends_that_are_not_well_come_first_with_their_error() {
    let mut backends: Vec<_> = (0..30)
        .map(|n| backend(&format!("engine-{n:02}"), "up"))
        .collect();
    backends.push(backend(EVIL, "down"));
    let (site, _) = live(backends).await;
    let shown = site.get("/qmc/").await.text;
    assert!(shown.contains("30 of 31"));
    assert!(shown.contains("and 22 more, which are up"));
    assert_eq!(shown.matches("connection refused").count(), 1);
    let down = shown.find("badge bad\">down").unwrap();
    assert!(down < shown.find("badge good\">up").unwrap());
    assert!(!shown.contains("<script>alert"));
}

#[tokio::test]
async fn keys_that_end_and_sources_that_fail_are_named() {
    let (site, _) = live(Vec::new()).await;
    let draft = VirtualProxyConfig {
        description: "Portal".to_owned(),
        prefix: "portal".to_owned(),
        session_cookie_header_name: "X-Portal".to_owned(),
        ..Default::default()
    };
    let actor = &site.visitor.actor;
    let created = site.management.create_virtual_proxy(actor, draft, now());
    let id = created.await.unwrap().metadata.id;
    let key = |end| KeyState {
        kid: None,
        fingerprint: "0123456789abcdef0123".into(),
        certificate_expires: Some(UnixTime(end)),
    };
    let source = |origin, keys, error: Option<&str>| SourceState {
        origin,
        virtual_proxies: vec![id],
        last_fetch: None,
        last_success: None,
        last_error: error.map(Into::into),
        next_fetch: None,
        keys,
        skipped: Vec::new(),
    };
    let today = UnixTime(1_790_000_000);
    let keys = vec![
        key(today.0 - 5),
        key(today.0 + 9 * 86_400),
        key(today.0 + 90 * 86_400),
    ];
    let jwks = KeyOrigin::Jwks("https://login.example.com/keys".into());
    let sources = [
        source(KeyOrigin::Pem, keys, None),
        source(jwks, Vec::new(), Some("the answer was 500")),
    ];
    let ends = |days: i64| TlsCertificate {
        not_after: UnixTime(today.0 + days * 86_400),
        ..TlsCertificate::default()
    };
    let snapshot = site.management.snapshot();
    let found = warnings(&sources, &[ends(40), ends(3)], &snapshot, today);
    let badges: Vec<_> = found.iter().map(|w| (w.class, w.badge.as_str())).collect();
    let expected = [
        ("bad", "Never fetched"),
        ("bad", "Expired 2026-09-21 14:13"),
        ("warn", "Expires in 3 days"),
        ("warn", "Expires in 9 days"),
    ];
    assert_eq!(badges, expected);
    let of_the_gateway = found.iter().filter(|w| w.places.is_empty());
    assert_eq!(of_the_gateway.count(), 1);
}

#[tokio::test]
async fn whose_request_path_is_not_there_is_told_so() {
    let shown = site().await.get("/qmc/").await;
    assert_eq!(shown.status, StatusCode::SERVICE_UNAVAILABLE);
}
