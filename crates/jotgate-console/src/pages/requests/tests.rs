use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jotgate_manage::LiveSide;
use jotgate_model::{PresentedToken, Reason, Timestamp, Uuid};
use jotgate_observe::{AccessRecord, Feed, FeedLimits, Phase, PhaseTimes};

use crate::testing::{Site, site};

const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";

/// A site whose request path has this feed.
async fn live() -> (Site, Feed) {
    let site = site().await;
    let limits = FeedLimits {
        entries: 1000,
        bytes: 1 << 20,
    };
    let feed = Feed::new(limits, 1);
    site.management.use_live(LiveSide {
        feed: feed.clone(),
        backends: Box::new(Vec::new),
        probe: Box::new(|_| Box::pin(async { Err("nobody is there".into()) })),
    });
    (site, feed)
}

fn served(reference: &str) -> AccessRecord<'_> {
    AccessRecord {
        time: Timestamp::from_millis(1_790_000_000_123),
        reference,
        client: "192.0.2.7",
        method: "GET",
        path: "/jwt/hub/",
        virtual_proxy: Some("jwt"),
        virtual_proxy_id: Some(Uuid::from_u128(7)),
        user: Some(("LAB", "boz")),
        session: Some("the-session"),
        node: Some("Central"),
        phase: Phase::Respond,
        phases: PhaseTimes::NONE,
        status: 200,
        refusal: None,
        total: Duration::from_micros(4_042),
        waiting: Some(Duration::from_micros(3_000)),
        user_agent: "agent",
        token: None,
    }
}

fn refused(reference: &str, reason: Reason) -> AccessRecord<'_> {
    AccessRecord {
        phase: Phase::Identify,
        status: reason.status().as_u16(),
        refusal: Some((reason, Some("expired 5 s ago"))),
        user: None,
        session: None,
        node: None,
        waiting: None,
        ..served(reference)
    }
}

#[tokio::test]
async fn requests_are_filtered_by_outcome_reason_user_and_virtual_proxy() {
    let (site, feed) = live().await;
    feed.note(&served("R1"));
    feed.note(&served("R2"));
    feed.note(&refused("R3", Reason::TokenExpired));
    feed.note(&refused("R4", Reason::PrefixUnknown));
    let count = async |query: &str| {
        let shown = site.get(&format!("/qmc/requests{query}")).await;
        assert_eq!(shown.status, StatusCode::OK, "{query}");
        shown.text.matches("class=\"pick\"").count()
    };
    assert_eq!(count("").await, 4);
    assert_eq!(count("?outcome=served").await, 2);
    assert_eq!(count("?outcome=refused").await, 2);
    assert_eq!(count("?reason=token_expired").await, 1);
    assert_eq!(count("?user=bo").await, 2);
    assert_eq!(count("?user=LAB%5Cboz").await, 2);
    assert_eq!(count("?user=LAB%5Cbo").await, 0);
    let other = Uuid::from_u128(8);
    assert_eq!(count(&format!("?virtual-proxy={other}")).await, 0);
    let newest = site.get("/qmc/requests").await.text;
    assert!(newest.find("/requests/R4") < newest.find("/requests/R1"));
}

#[tokio::test]
async fn every_reason_is_found_by_its_reference_with_what_to_do() {
    let (site, feed) = live().await;
    for reason in Reason::ALL {
        let reference = format!("R-{}", reason.id());
        feed.note(&refused(&reference, *reason));
        let asked = format!("/qmc/requests?reference=%20{reference}%20");
        let asked = site.get(&asked).await;
        let at = format!("/qmc/requests/{reference}");
        assert_eq!(asked.header("location"), at);
        let shown = site.get(&at).await;
        assert_eq!(shown.status, StatusCode::OK, "{reference}");
        assert!(shown.text.contains(reason.id()), "{reference}");
        assert!(shown.text.contains("expired 5 s ago"), "{reference}");
        let remedy = askama::filters::escape(reason.remedy(), askama::filters::Html);
        let remedy = remedy.unwrap().to_string();
        assert!(shown.text.contains(&remedy), "{reference}: {remedy}");
    }
}

#[tokio::test]
async fn phases_have_the_time_until_the_next_one() {
    let (site, feed) = live().await;
    let mut phases = PhaseTimes::NONE;
    phases.begin(Phase::Sanitize, 0);
    phases.begin(Phase::Identify, 12);
    phases.begin(Phase::Respond, 4_000);
    feed.note(&AccessRecord {
        phases,
        ..served("R1")
    });
    let shown = site.get("/qmc/requests/R1").await.text;
    for text in [
        "0.012 ms",
        "3.988 ms",
        "4.000 ms",
        "0.042 ms",
        "4.042 ms, of which 3.000 ms",
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    assert!(!shown.contains("refused here"));
}

#[tokio::test]
async fn what_is_not_kept_is_said_to_be_missing() {
    let (site, _) = live().await;
    let shown = site.get("/qmc/requests/R1").await;
    assert_eq!(shown.status, StatusCode::NOT_FOUND);
    assert!(
        site.get("/qmc/requests")
            .await
            .text
            .contains("No request fits")
    );
    let without = crate::testing::site().await;
    let shown = without.get("/qmc/requests").await;
    assert_eq!(shown.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn hostile_requests_stay_text() {
    let (site, feed) = live().await;
    let token = Arc::new(PresentedToken {
        header: Some(EVIL.into()),
        claims: Some(EVIL.into()),
        key_fingerprint: Some(EVIL.into()),
        ..PresentedToken::default()
    });
    feed.note(&AccessRecord {
        client: EVIL,
        method: EVIL,
        path: EVIL,
        user: Some((EVIL, EVIL)),
        session: Some(EVIL),
        node: Some(EVIL),
        user_agent: EVIL,
        refusal: Some((Reason::TokenExpired, Some(EVIL))),
        token: Some(&token),
        ..served("R1")
    });
    let query = percent_encoding::utf8_percent_encode(EVIL, percent_encoding::NON_ALPHANUMERIC);
    for path in [
        "/qmc/requests".to_owned(),
        "/qmc/requests/R1".to_owned(),
        format!("/qmc/requests/{query}"),
        format!("/qmc/requests?user={query}&reason={query}&outcome={query}&virtual-proxy={query}"),
    ] {
        let shown = site.get(&path).await;
        assert!(!shown.text.contains("<script>alert"), "{path}");
        assert!(!shown.text.contains("<img"), "{path}");
    }
    let asked = site.get(&format!("/qmc/requests?reference={query}")).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER);
    assert!(!asked.header("location").contains('<'));
    let shown = site.get("/qmc/requests/R1").await.text;
    assert!(shown.contains("alert(1)"), "it is shown");
}
