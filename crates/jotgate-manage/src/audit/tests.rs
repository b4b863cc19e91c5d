use std::net::IpAddr;

use jotgate_repository::{AuditKey, AuditTrail, Repository};
use jotgate_session::Sessions;

use super::refusals::{Refusals, SOURCES};
use super::*;
use crate::testing::{Site, at, draft, forbidden, new_site, root, security, site};

fn attempt(source: &str, action: &'static str) -> AuditEntry {
    let mut actor = root().for_audit();
    source.clone_into(&mut actor.source);
    entry(actor, action, Subject::default(), at(1))
}

/// The rows without those of the first start, oldest first.
async fn rows(site: &Site) -> Vec<AuditRow> {
    let all = AuditFilter::default();
    let rows = site.management.audit_rows(&all, 999).await;
    let rows = rows.unwrap().into_iter().rev();
    rows.filter(|row| row.actor_kind != "system").collect()
}

async fn lines(site: &Site) -> Vec<String> {
    let line = |row: AuditRow| {
        format!(
            "{} {} {} {}",
            row.actor, row.action, row.subject_name, row.outcome
        )
    };
    rows(site).await.into_iter().map(line).collect()
}

#[tokio::test]
async fn changes_and_refusals_are_in_one_trail() {
    let site = site().await;
    let vp = site.create("jwt").await;
    let mut default = (*site.default_virtual_proxy()).clone();
    default.jwt_audience = "x".to_owned();
    let id = default.metadata.id;
    let refused = site
        .management
        .update_virtual_proxy(security(), id, default, at(2));
    forbidden(refused.await);
    let id = vp.metadata.id;
    site.management
        .delete_virtual_proxy(root(), id, at(4))
        .await
        .unwrap();
    assert_eq!(
        lines(&site).await,
        [
            r"LAB\root configuration.create The jwt done",
            r"LAB\security configuration.save  refused",
            r"LAB\root configuration.delete The jwt done",
        ]
    );
    let verdict = site.management.verify_audit(&[]).await.unwrap();
    assert_eq!(verdict.problem, None);
}

#[tokio::test]
async fn the_first_start_is_in_the_trail() {
    let site = site().await;
    let all = AuditFilter::default();
    let rows = site.management.audit_rows(&all, 9).await.unwrap();
    let kinds: Vec<&str> = rows.iter().rev().map(|row| &*row.subject_kind).collect();
    assert_eq!(
        kinds,
        [
            "ServerNodeConfiguration",
            "VirtualProxyConfig",
            "ProxyService"
        ]
    );
    assert!(
        rows.iter()
            .all(|row| row.actor_kind == "system" && row.reason == "first start")
    );
}

#[tokio::test]
async fn wrong_passwords_are_noted_and_counted() {
    let site = site().await;
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    for _ in 0..5 {
        let tried = site
            .management
            .check_password("boz", "canary-password", address, at(1));
        tried.await.unwrap_err();
    }
    let found = rows(&site).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].action, "sign_in");
    assert_eq!(found[0].actor, r"INTERNAL\boz");
    assert_eq!(found[0].source, "192.0.2.1");
    assert_eq!(found[0].outcome, "refused");
    assert_eq!(found[0].reason, "The name or the password is wrong.");
    assert!(
        found[1].reason.starts_with("4 times within a minute"),
        "{:?}",
        found[1]
    );
    assert!(!format!("{found:?}").contains("canary"));
}

#[test]
fn refusals_are_bounded() {
    let mut refusals = Refusals::default();
    let mut written = 0;
    for number in 0..10_000 {
        let source = format!("2001:db8::{number:x}");
        for _ in 0..3 {
            written += usize::from(refusals.take(attempt(&source, "sign_in")).is_some());
        }
    }
    assert_eq!(written, SOURCES);
    let rows = refusals.drain();
    assert_eq!(rows.len(), SOURCES + 1);
    let others = rows
        .iter()
        .find(|row| row.actor.source == "several addresses");
    let count = (10_000 - SOURCES) * 3;
    assert!(
        others
            .unwrap()
            .reason
            .starts_with(&format!("{count} times"))
    );
    assert!(
        rows.iter()
            .filter(|row| row.reason.starts_with("2 times"))
            .count()
            == SOURCES
    );
    assert!(refusals.drain().is_empty());
    assert!(
        refusals.take(attempt("::1", "sign_in")).is_some(),
        "the next minute"
    );
}

#[tokio::test]
async fn what_is_lost_is_counted() {
    let site = site().await;
    let audit = site.management.audit();
    // Nobody writes meanwhile: this thread is the only one.
    for _ in 0..1030 {
        audit.note(attempt("::1", "tickets.issue"));
    }
    let all = AuditFilter {
        action: Some("audit.lost".to_owned()),
        ..AuditFilter::default()
    };
    let lost = site.management.audit_rows(&all, 9).await.unwrap();
    assert!(lost[0].reason.starts_with("6 entries"), "{lost:?}");
}

#[tokio::test]
async fn what_is_handed_over_is_written_before_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let open = async || {
        let path = directory.path().join("a.db");
        let trail = AuditTrail::open(AuditKey::new(&[7; 32]), &directory.path().join("head"));
        let repository = Repository::open_sqlite(&path).await.unwrap();
        repository.with_audit(trail)
    };
    let publish = |_| {};
    let started = Management::start(open().await, Sessions::in_memory(), publish, new_site());
    let management = started.await.unwrap();
    for _ in 0..2 {
        management.audit().refused(attempt("::1", "sign_in"));
    }
    management.close().await;
    let filter = AuditFilter {
        action: Some("sign_in".to_owned()),
        ..AuditFilter::default()
    };
    let rows = open().await.audit_rows(&filter, 9).await.unwrap();
    assert_eq!(rows.len(), 2);
}

#[tokio::test]
async fn no_secret_is_in_the_database() {
    let site = site().await;
    let mut vp = draft("jwt");
    vp.oidc_client_secret = jotgate_model::entity::SecretText("canary-secret".to_owned());
    let created = site.management.create_virtual_proxy(root(), vp, at(1));
    created.await.unwrap();
    let found = rows(&site).await;
    let after = found[0].after.as_deref().unwrap();
    assert!(
        after.contains(r#""oidcClientSecret":"[secret]""#),
        "{after}"
    );
    assert!(!format!("{found:?}").contains("canary"));
}
