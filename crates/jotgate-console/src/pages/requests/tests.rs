use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jotgate_model::{PresentedToken, Reason, Timestamp, Uuid};
use jotgate_observe::{AccessRecord, Feed, Phase, PhaseTimes};

use crate::testing::{Site, quiet_side, site};

const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";

/// A site whose request path has this feed.
async fn live() -> (Site, Feed) {
    let site = site().await;
    let side = quiet_side();
    let feed = side.feed.clone();
    site.management.use_live(side);
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

/// The address that the page asks again.
fn live_address(page: &str) -> String {
    let (_, rest) = page.split_once("data-live=\"").unwrap();
    let (address, _) = rest.split_once('"').unwrap();
    address.replace("&#38;", "&")
}

#[tokio::test]
async fn the_rows_come_again_when_there_is_something_new_with_the_same_filter() {
    let (site, feed) = live().await;
    feed.note(&served("R1"));
    let page = site.get("/qmc/requests?outcome=refused").await.text;
    let at = live_address(&page);
    assert_eq!(at, "/qmc/live/requests?outcome=refused&after=1");
    assert_eq!(site.get(&at).await.status, StatusCode::NO_CONTENT);
    feed.note(&refused("R2", Reason::TokenExpired));
    let rows = site.get(&at).await;
    assert_eq!(rows.status, StatusCode::OK);
    assert!(rows.text.starts_with("<div data-live"), "{}", rows.text);
    assert!(rows.text.contains("/requests/R2") && !rows.text.contains("<html"));
    assert_eq!(
        live_address(&rows.text),
        "/qmc/live/requests?outcome=refused&after=2"
    );
    for number in 0..60 {
        feed.note(&refused(&format!("S{number}"), Reason::TokenExpired));
    }
    let second = site.get("/qmc/requests?page=2").await.text;
    assert_eq!(live_address(&second), "", "older pages stay as they are");
}

#[tokio::test]
async fn pages_of_the_console_are_shown_to_whoever_wants_them() {
    let (site, feed) = live().await;
    feed.note(&AccessRecord {
        path: "/jwt/qmc/requests",
        ..served("R1")
    });
    let hidden = site.get("/qmc/requests").await.text;
    assert!(!hidden.contains("/requests/R1"));
    let shown = site.get("/qmc/requests?console=shown").await.text;
    assert!(shown.contains("/requests/R1"));
    assert!(live_address(&shown).contains("console=shown"));
}

#[tokio::test]
async fn a_refusal_leads_to_the_field_that_changes_it() {
    let (site, feed) = live().await;
    let at = site.management.virtual_proxy_named("/").unwrap().id;
    let at_the_default = |reference, reason| AccessRecord {
        virtual_proxy_id: Some(at),
        ..refused(reference, reason)
    };
    feed.note(&at_the_default("R1", Reason::IssuerMismatch));
    feed.note(&at_the_default("R2", Reason::PathAmbiguous));
    feed.note(&AccessRecord {
        user: Some(("LAB", "boz")),
        ..at_the_default("R3", Reason::UserBlocked)
    });
    let one = site.get("/qmc/requests/R1").await.text;
    let field = format!("href=\"/qmc/virtual-proxies/{at}#f-jwtIssuer\"");
    assert!(one.contains(&field), "{one}");
    let edit = site.get(&format!("/qmc/virtual-proxies/{at}")).await.text;
    assert!(edit.contains("id=\"f-jwtIssuer\""));
    let two = site.get("/qmc/requests/R2").await.text;
    assert!(!two.contains("#f-") && two.contains("To the virtual proxy"));
    let three = site.get("/qmc/requests/R3").await.text;
    assert!(three.contains("/qmc/users?filter=LAB%5Cboz"), "{three}");
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
