use std::sync::Arc;

use jotgate_model::User;
use jotgate_session::EndReason;
use serde_json::json;

use super::*;
use crate::Kind;
use crate::drafts::{Application, DraftContent, Edit};
use crate::testing::{PUBLIC_KEY_2048, Site, at, fingerprint, new_session, root, site};

const P256: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJS4Cm7T9GglpF3u0Y4IALg/0TT0H
hRdanqNT+6S0/tA5AQILSWHKqNVr9CxITyDlkIS2yvOQ3wuuQc0XNbFOhg==
-----END PUBLIC KEY-----
";

async fn sign_in(site: &Site, vp: Uuid, user: &str, key: Option<&str>) -> Arc<Session> {
    let mut new = new_session(vp, User::new("LAB", user));
    new.identity.attributes = vec![("Group".into(), "sales".into())];
    new.key_fingerprint = key.map(fingerprint);
    site.sessions.create(new).await.unwrap().1
}

fn put(id: Uuid, properties: serde_json::Value) -> Draft {
    let edit = Edit::Put {
        kind: Kind::VirtualProxy,
        id: Some(id),
        properties: properties.as_object().unwrap().clone(),
    };
    edits(vec![edit])
}

fn edits(edits: Vec<Edit>) -> Draft {
    Draft {
        base: None,
        content: DraftContent::Edits(edits),
    }
}

async fn preview(site: &Site, draft: &Draft, end_sessions: bool) -> SessionEffects {
    let tried = site
        .management
        .preview_draft(root(), draft, end_sessions, usize::MAX, at(600));
    tried.await.unwrap().sessions
}

/// Outcome, reason and users of each group.
fn told(effects: &SessionEffects) -> Vec<(&'static str, &'static str, Vec<&str>)> {
    let groups = effects.groups.iter();
    groups
        .map(|group| {
            assert_eq!(group.count, group.sessions.len());
            let users = group.sessions.iter().map(|session| session.user.as_str());
            (group.outcome.id(), group.effect.id(), users.collect())
        })
        .collect()
}

/// The test of the issue: three users, of whom two were signed in by the old key alone.
#[tokio::test]
async fn a_swapped_key_names_exactly_those_it_signed_in() {
    let site = site().await;
    let vp = site.create("jwt").await.metadata.id;
    let other = site.create("other").await.metadata.id;
    let anna = sign_in(&site, vp, "anna", Some(PUBLIC_KEY_2048)).await;
    let boz = sign_in(&site, vp, "boz", Some(PUBLIC_KEY_2048)).await;
    let zoe = sign_in(&site, vp, "zoe", Some(P256)).await;
    let elsewhere = sign_in(&site, other, "anna", Some(PUBLIC_KEY_2048)).await;
    let swap = put(vp, json!({"jwtPublicKeyCertificate": P256}));
    let two = vec!["LAB\\anna", "LAB\\boz"];
    let effects = preview(&site, &swap, true).await;
    assert_eq!(told(&effects), [("ends", "key_removed", two.clone())]);
    assert_eq!((effects.looked_at, effects.affected), (4, 2));
    let effects = preview(&site, &swap, false).await;
    assert_eq!(told(&effects), [("goes_on", "key_removed", two)]);
    site.assert_unchanged_since(3).await;
    for session in [&anna, &boz, &zoe, &elsewhere] {
        assert_eq!(session.ended(), None, "a preview ends nobody");
    }
    // Old and new together remove nothing.
    let both = format!("{PUBLIC_KEY_2048}{P256}");
    let both = put(vp, json!({"jwtPublicKeyCertificate": both}));
    assert_eq!(preview(&site, &both, true).await.affected, 0);

    let end = Application {
        end_sessions: true,
        ..Application::default()
    };
    let applied = site.management.apply_draft(root(), swap, end, at(601));
    assert_eq!(applied.await.unwrap().ended_sessions, 2);
    assert_eq!(anna.ended(), Some(EndReason::KeyRemoved));
    assert_eq!(boz.ended(), Some(EndReason::KeyRemoved));
    assert_eq!((zoe.ended(), elsewhere.ended()), (None, None));
}

#[tokio::test]
async fn nobody_s_session_ends_unless_the_change_asks_for_it() {
    let site = site().await;
    let vp = site.create("jwt").await.metadata.id;
    let anna = sign_in(&site, vp, "anna", Some(PUBLIC_KEY_2048)).await;
    let swap = put(vp, json!({"jwtPublicKeyCertificate": P256}));
    let applied = site
        .management
        .apply_draft(root(), swap, Application::default(), at(601));
    assert_eq!(applied.await.unwrap().ended_sessions, 0);
    assert_eq!(anna.ended(), None);
}

#[tokio::test]
async fn each_effect_has_its_group() {
    let site = site().await;
    let vp = site.create("jwt").await.metadata.id;
    let other = site.create("other").await.metadata.id;
    let mut proxy = site.proxy();
    let mut settings = json!({"settings": proxy.settings});
    proxy.settings.virtual_proxies.push(vp);
    proxy.metadata.modified_date = at(2);
    let id = proxy.metadata.id;
    let linked = site
        .management
        .update_proxy_service(root(), id, proxy, at(2));
    linked.await.unwrap();
    let anna = sign_in(&site, vp, "anna", None).await;
    anna.touch(UnixTime(1_700_000_590));
    sign_in(&site, vp, "boz", None).await;
    let both = || vec!["LAB\\anna", "LAB\\boz"];
    for (change, expected) in [
        (
            json!({"sessionInactivityTimeout": 5}),
            ("ends", "timed_out", vec!["LAB\\boz"]),
        ),
        (
            json!({"accessRule": "id = \"anna\""}),
            ("refused", "access_denied", vec!["LAB\\boz"]),
        ),
        (
            json!({"anonymousAccessMode": "AlwaysAnonymous"}),
            ("refused", "anonymous_access", both()),
        ),
        (
            json!({"sessionCookieHeaderName": "X-Qlik-Session-next"}),
            ("out_of_reach", "cookie_renamed", both()),
        ),
    ] {
        let effects = preview(&site, &put(vp, change.clone()), true).await;
        assert_eq!(told(&effects), [expected], "{change}");
    }
    let bound = put(other, json!({"boundUserDirectories": ["LAB"]}));
    let expected = ("refused", "directory_not_allowed", both());
    assert_eq!(told(&preview(&site, &bound, true).await), [expected]);
    let unlinked = edits(vec![Edit::Put {
        kind: Kind::ProxyService,
        id: Some(id),
        properties: std::mem::take(settings.as_object_mut().unwrap()),
    }]);
    let expected = ("out_of_reach", "unlinked", both());
    assert_eq!(told(&preview(&site, &unlinked, true).await), [expected]);
    let gone = edits(vec![Edit::Delete {
        kind: Kind::VirtualProxy,
        id: vp,
    }]);
    let expected = ("ends", "virtual_proxy_deleted", both());
    assert_eq!(told(&preview(&site, &gone, true).await), [expected]);
}

#[tokio::test]
async fn all_are_counted_and_some_are_named() {
    let site = site().await;
    let vp = site.create("jwt").await.metadata.id;
    for number in 0..=MAX_NAMED {
        sign_in(&site, vp, &format!("user{number}"), None).await;
    }
    let gone = edits(vec![Edit::Delete {
        kind: Kind::VirtualProxy,
        id: vp,
    }]);
    let effects = preview(&site, &gone, false).await;
    let [group] = &effects.groups[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(
        (group.count, group.sessions.len()),
        (MAX_NAMED + 1, MAX_NAMED)
    );
    assert_eq!(effects.affected, MAX_NAMED + 1);
}

/// A restore may delete a thousand documents, and a page shows fifty.
#[tokio::test]
async fn fields_of_what_goes_are_told_of_as_many_as_are_wanted() {
    let site = site().await;
    let mut gone = Vec::new();
    for prefix in ["a", "b", "c"] {
        let id = site.create(prefix).await.metadata.id;
        gone.push(Edit::Delete {
            kind: Kind::VirtualProxy,
            id,
        });
    }
    let draft = edits(gone);
    for (in_detail, expected) in [(0, 0), (2, 2), (usize::MAX, 3)] {
        let tried = site
            .management
            .preview_draft(root(), &draft, false, in_detail, at(600));
        let documents = tried.await.unwrap().comparison.documents;
        let gone = documents
            .iter()
            .filter(|one| one.change == crate::DocumentChange::Deleted);
        assert_eq!(gone.clone().count(), 3);
        assert_eq!(gone.filter(|one| !one.fields.is_empty()).count(), expected);
    }
}
