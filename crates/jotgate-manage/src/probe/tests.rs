use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::testing::{Site, at, auditor, invalid, quiet_side, root, site};
use crate::{Application, Draft, DraftContent, Edit, Kind, LiveSide};

/// A request path that answers every probe with `status`, after `meanwhile` has happened.
fn answering(site: &Site, status: u16, meanwhile: Option<Draft>) {
    let management = site.management.clone();
    let meanwhile = Arc::new(meanwhile);
    site.management.use_live(LiveSide {
        probe: Box::new(move |_| {
            let (management, meanwhile) = (management.clone(), meanwhile.clone());
            Box::pin(async move {
                if let Some(draft) = &*meanwhile {
                    let application = Application::default();
                    let applied = management.apply_draft(root(), draft.clone(), application, at(6));
                    applied.await.unwrap();
                }
                let reason = (status >= 500).then(|| "node_unavailable".to_owned());
                Ok(ProbeAnswer {
                    status,
                    reason,
                    ..ProbeAnswer::default()
                })
            })
        }),
        ..quiet_side()
    });
}

fn audience(id: Uuid, audience: &str) -> Draft {
    let properties = json!({"jwtAudience": audience});
    let edit = Edit::Put {
        kind: Kind::VirtualProxy,
        id: Some(id),
        properties: properties.as_object().unwrap().clone(),
    };
    Draft {
        base: None,
        content: DraftContent::Edits(vec![edit]),
    }
}

fn probed(probe: Probe) -> Application {
    Application {
        probe: Some(probe),
        ..Application::default()
    }
}

fn probe() -> Probe {
    Probe {
        path: "/jwt/hub/".to_owned(),
        token: None,
        expect: 200,
        limit: USUAL_PROBE_TIME,
        keep: 0,
    }
}

async fn apply(site: &Site, draft: Draft) -> Result<crate::Applied, ManageError> {
    let application = probed(probe());
    site.management
        .apply_draft(root(), draft, application, at(5))
        .await
}

#[tokio::test]
async fn a_change_whose_probe_fails_is_taken_back_by_a_revision() {
    let site = site().await;
    let id = site.create("jwt").await.metadata.id;
    answering(&site, 502, None);
    let failed = apply(&site, audience(id, "other")).await.unwrap_err();
    assert_eq!(
        failed.to_string(),
        "Rolled back: the probe of /jwt/hub/ got 502 (node_unavailable) where 200 was expected."
    );
    let stored = site.stored().await;
    assert_eq!(stored.revision, 4);
    assert_eq!(stored.documents.virtual_proxies[&id].jwt_audience, "");
    assert_eq!(*site.published.lock().unwrap(), [1, 2, 3, 4]);
    let list = site.management.revisions(None, 1).await.unwrap();
    assert_eq!(
        list[0].note,
        "roll back revision 3: the probe got 502 (node_unavailable) where 200 was expected"
    );
}

#[tokio::test]
async fn a_change_whose_probe_succeeds_stays() {
    let site = site().await;
    let id = site.create("jwt").await.metadata.id;
    answering(&site, 200, None);
    let applied = apply(&site, audience(id, "other")).await.unwrap();
    assert_eq!(applied.probe.unwrap().status, 200);
    assert_eq!(site.stored().await.revision, 3);
    let again = apply(&site, audience(id, "other")).await.unwrap();
    assert_eq!(again.probe, None, "nothing differs, nothing is asked");
}

#[tokio::test]
async fn what_others_have_saved_meanwhile_is_not_undone() {
    let site = site().await;
    let id = site.create("jwt").await.metadata.id;
    let other = site.create("other").await.metadata.id;
    answering(&site, 502, Some(audience(other, "theirs")));
    apply(&site, audience(id, "mine")).await.unwrap_err();
    let stored = site.stored().await.documents.virtual_proxies;
    assert_eq!(stored[&id].jwt_audience, "");
    assert_eq!(stored[&other].jwt_audience, "theirs");
}

#[tokio::test]
async fn a_change_that_others_have_built_on_stays_and_that_is_said() {
    let site = site().await;
    let id = site.create("jwt").await.metadata.id;
    answering(&site, 502, Some(audience(id, "theirs")));
    let failed = apply(&site, audience(id, "mine")).await.unwrap_err();
    let told = failed.to_string();
    assert!(
        told.starts_with("Revision 3 stays although the probe") && told.contains("others have"),
        "{told}"
    );
    let stored = site.stored().await.documents.virtual_proxies;
    assert_eq!(stored[&id].jwt_audience, "theirs");
}

#[tokio::test]
async fn a_probe_that_is_none_saves_nothing() {
    let site = site().await;
    let id = site.create("jwt").await.metadata.id;
    answering(&site, 200, None);
    let long = |length| Some("x".repeat(length));
    for (field, wrong) in [
        (
            "probe.path",
            Probe {
                path: "jwt".to_owned(),
                ..probe()
            },
        ),
        (
            "probe.path",
            Probe {
                path: "//host/".to_owned(),
                ..probe()
            },
        ),
        (
            "probe.path",
            Probe {
                path: "/a b".to_owned(),
                ..probe()
            },
        ),
        (
            "probe.path",
            Probe {
                path: "/x".repeat(MAX_PATH),
                ..probe()
            },
        ),
        (
            "probe.token",
            Probe {
                token: long(0),
                ..probe()
            },
        ),
        (
            "probe.token",
            Probe {
                token: long(MAX_TOKEN + 1),
                ..probe()
            },
        ),
        (
            "probe.token",
            Probe {
                token: Some("a\nb".to_owned()),
                ..probe()
            },
        ),
        (
            "probe.expect",
            Probe {
                expect: 199,
                ..probe()
            },
        ),
        (
            "probe.expect",
            Probe {
                expect: 600,
                ..probe()
            },
        ),
        (
            "probe.timeout",
            Probe {
                limit: Duration::ZERO,
                ..probe()
            },
        ),
        (
            "probe.timeout",
            Probe {
                limit: Duration::from_secs(31),
                ..probe()
            },
        ),
    ] {
        let draft = audience(id, "other");
        let refused = site
            .management
            .apply_draft(root(), draft, probed(wrong), at(5));
        assert_eq!(invalid(refused.await).0[0].field, field);
    }
    site.assert_unchanged_since(2).await;
}

#[tokio::test]
async fn nothing_is_saved_where_no_probe_can_be_sent() {
    let site = site().await;
    let id = site.create("jwt").await.metadata.id;
    let refused = apply(&site, audience(id, "other")).await;
    assert!(matches!(refused, Err(ManageError::Unavailable(_))));
    site.assert_unchanged_since(2).await;
}

#[test]
fn the_token_of_a_probe_is_not_shown() {
    let token = Some("secret".to_owned());
    let shown = format!("{:?}", Probe { token, ..probe() });
    assert!(!shown.contains("secret"), "{shown}");
}

#[tokio::test]
async fn a_ticket_in_the_query_of_a_probe_is_not_told() {
    let site = site().await;
    let id = site.create("jwt").await.metadata.id;
    answering(&site, 502, None);
    let with_ticket = Probe {
        path: "/jwt/hub/?qlikTicket=secret".to_owned(),
        ..probe()
    };
    assert!(!format!("{with_ticket:?}").contains("secret"));
    let draft = audience(id, "other");
    let applied = site
        .management
        .apply_draft(root(), draft, probed(with_ticket), at(5));
    let failed = applied.await.unwrap_err();
    assert!(matches!(&failed, ManageError::ProbeFailed(_)));
    assert!(!failed.to_string().contains("secret"), "{failed}");
}

#[tokio::test]
async fn a_token_is_sent_by_those_who_may_change_something() {
    let site = site().await;
    answering(&site, 502, None);
    let send = |actor, path, token| site.management.send_token(actor, path, token);
    let answer = send(root(), "/jwt/", "eyJ.a.b").await.unwrap();
    assert_eq!(
        (answer.status, answer.reason.as_deref()),
        (502, Some("node_unavailable"))
    );
    let refused = send(auditor(), "/jwt/", "eyJ.a.b").await;
    assert!(matches!(refused, Err(ManageError::Forbidden(_))));
    for (path, token, field) in [
        ("jwt", "x", "probe.path"),
        ("/jwt/\r\nx:y", "x", "probe.path"),
        ("/jwt/", "a b", "probe.token"),
        ("/jwt/", "", "probe.token"),
    ] {
        let errors = invalid(send(root(), path, token).await);
        assert_eq!(errors.0[0].field, field);
    }
}

/// The trail says what became of the change, and why.
#[tokio::test]
async fn the_verdict_of_a_probe_is_in_the_trail() {
    for (status, outcome, told) in [
        (200, "done", "Kept: the probe of /jwt/hub/ got 200"),
        (502, "failed", "Rolled back: the probe of /jwt/hub/ got 502"),
    ] {
        let site = site().await;
        let id = site.create("jwt").await.metadata.id;
        answering(&site, status, None);
        drop(apply(&site, audience(id, "other")).await);
        let rows = site.management.audit_rows(&Default::default(), 20).await;
        let rows = rows.unwrap();
        let mut proved = rows
            .iter()
            .filter(|row| row.action == "configuration.prove");
        let row = proved.next().expect("a row");
        assert_eq!((&*row.outcome, row.revision), (outcome, Some(3)));
        assert!(row.reason.starts_with(told), "{}", row.reason);
        assert_eq!(row.actor, root().name);
    }
}
