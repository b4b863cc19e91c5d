use jotgate_repository::Kind;
use uuid::Uuid;

use super::*;
use crate::testing::{at, invalid, root, site};

fn configuration(site: &crate::testing::Site) -> Map<String, Value> {
    file::export(&site.management.snapshot().documents)
}

fn whole(base: Option<u64>, configuration: Map<String, Value>) -> Draft {
    let content = DraftContent::Configuration(configuration);
    Draft { base, content }
}

fn edits(base: Option<u64>, edits: Vec<Edit>) -> Draft {
    let content = DraftContent::Edits(edits);
    Draft { base, content }
}

fn audience(id: Uuid, audience: &str) -> Edit {
    let properties = serde_json::json!({"jwtAudience": audience});
    Edit::Put {
        kind: Kind::VirtualProxy,
        id: Some(id),
        properties: properties.as_object().unwrap().clone(),
    }
}

fn noted(note: &str) -> Application {
    Application {
        note: note.to_owned(),
        ..Application::default()
    }
}

#[tokio::test]
async fn comparing_changes_nothing_and_says_what_applying_does() {
    let site = site().await;
    site.create("jwt").await;
    let mut wanted = configuration(&site);
    wanted["virtualProxy"][1]["jwtAudience"] = Value::from("portal");
    let draft = whole(None, wanted);
    let compared = site
        .management
        .compare_draft(root(), &draft, at(5))
        .await
        .unwrap();
    site.assert_unchanged_since(2).await;
    let [document] = &compared.documents[..] else {
        panic!("{compared:?}");
    };
    assert_eq!((compared.before, compared.after), (2, 3));
    assert_eq!(
        (document.name.as_str(), document.change),
        ("The jwt", DocumentChange::Updated)
    );
    assert_eq!(document.fields[0].field, "jwtAudience");

    let applied = site
        .management
        .apply_draft(root(), draft.clone(), noted("why"), at(5));
    let applied = applied.await.unwrap().comparison;
    assert_eq!(applied.documents[0].fields, document.fields);
    assert_eq!(site.stored().await.revision, 3);
    let list = site.management.revisions(None, 1).await.unwrap();
    assert_eq!(list[0].note, "why");

    let again = site
        .management
        .apply_draft(root(), draft, noted("why"), at(6));
    let again = again.await.unwrap().comparison;
    assert_eq!(
        (again.before, again.after, again.documents.len()),
        (3, 3, 0)
    );
    site.assert_unchanged_since(3).await;
}

#[tokio::test]
async fn what_others_have_changed_since_the_base_stays() {
    let site = site().await;
    let mut wanted = configuration(&site);
    wanted["node"][0]["hostName"] = Value::from("other.example.com");
    site.create("jwt").await;
    let draft = whole(Some(1), wanted);
    let applied = site
        .management
        .apply_draft(root(), draft, noted(""), at(5))
        .await;
    let applied = applied.unwrap().comparison;
    assert_eq!((applied.documents.len(), applied.after), (1, 3));
    assert!(site.management.virtual_proxy_of_prefix("jwt").is_some());
    let unknown = whole(Some(9), configuration(&site));
    let refused = site.management.compare_draft(root(), &unknown, at(5)).await;
    assert_eq!(refused.unwrap_err(), ManageError::NoRevision(9));
}

#[tokio::test]
async fn what_both_have_changed_is_refused_with_its_fields() {
    let site = site().await;
    let jwt = site.create("jwt").await;
    let id = jwt.metadata.id;
    let mut theirs = (*jwt).clone();
    theirs.jwt_audience = "theirs".to_owned();
    theirs.session_inactivity_timeout = 7;
    let saved = site
        .management
        .update_virtual_proxy(root(), id, theirs, at(3));
    saved.await.unwrap();
    let draft = edits(Some(2), vec![audience(id, "mine")]);
    let refused = site
        .management
        .apply_draft(root(), draft.clone(), noted(""), at(5));
    let refused = refused.await.unwrap_err();
    let ManageError::Outdated {
        base,
        current,
        conflicts,
    } = &refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!((*base, *current, conflicts.len()), (2, 3, 1));
    let fields = &conflicts[0].fields;
    let audience = fields.iter().find(|field| field.field == "jwtAudience");
    let audience = audience.unwrap();
    assert_eq!(
        (&audience.base, &audience.mine, &audience.theirs),
        (
            &Value::from(""),
            &Value::from("mine"),
            &Value::from("theirs")
        )
    );
    let timeout = |field: &&ConflictField| field.field == "sessionInactivityTimeout";
    let timeout = fields.iter().find(timeout).unwrap();
    assert_eq!(
        (&timeout.base, &timeout.mine),
        (&timeout.mine, &timeout.base)
    );
    assert_eq!(timeout.theirs, 7);
    let compared = site.management.compare_draft(root(), &draft, at(5)).await;
    assert_eq!(compared.unwrap_err(), refused);
    site.assert_unchanged_since(3).await;
}

#[tokio::test]
async fn single_changes_are_one_save() {
    let site = site().await;
    let one = site.create("one").await.metadata.id;
    let gone = site.create("gone").await.metadata.id;
    let properties = serde_json::json!({
        "prefix": "new", "description": "New", "sessionCookieHeaderName": "X-Qlik-Session-new",
    });
    let changes = vec![
        audience(one, "portal"),
        Edit::Delete {
            kind: Kind::VirtualProxy,
            id: gone,
        },
        Edit::Put {
            kind: Kind::VirtualProxy,
            id: None,
            properties: properties.as_object().unwrap().clone(),
        },
    ];
    let draft = edits(None, changes);
    let applied = site
        .management
        .apply_draft(root(), draft, noted(""), at(5))
        .await;
    let mut changed: Vec<_> = applied.unwrap().comparison.documents;
    changed.sort_by_key(|document| document.name.clone());
    let told: Vec<_> = changed
        .iter()
        .map(|document| (document.name.as_str(), document.change))
        .collect();
    assert_eq!(
        told,
        [
            ("New", DocumentChange::Created),
            ("The gone", DocumentChange::Deleted),
            ("The one", DocumentChange::Updated),
        ]
    );
    let stored = site.stored().await;
    assert_eq!(stored.revision, 4);
    let one = &stored.documents.virtual_proxies[&one];
    assert_eq!((&*one.jwt_audience, &*one.prefix), ("portal", "one"));
}

#[tokio::test]
async fn every_mistake_in_single_changes_is_told() {
    let site = site().await;
    let id = site.create("one").await.metadata.id;
    let put = |properties: Value| Edit::Put {
        kind: Kind::VirtualProxy,
        id: Some(id),
        properties: properties.as_object().unwrap().clone(),
    };
    let changes = vec![
        put(serde_json::json!({"jwtAudienze": "x", "jwtAudience": 7})),
        put(serde_json::json!({"createdDate": "2020-01-01T00:00:00.000Z"})),
        put(serde_json::json!({"oidcClientSecret": jotgate_repository::MASK})),
        Edit::Delete {
            kind: Kind::Node,
            id,
        },
    ];
    let draft = edits(None, changes);
    let refused = site.management.compare_draft(root(), &draft, at(5)).await;
    let errors = invalid(refused).0;
    let mut fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "changes[0].jwtAudience",
            "changes[0].jwtAudienze",
            "changes[1].createdDate",
            "changes[2].oidcClientSecret",
            "changes[3]",
        ]
    );
    let many = vec![audience(id, "x"); MAX_EDITS + 1];
    let many = edits(None, many);
    let refused = site.management.compare_draft(root(), &many, at(5)).await;
    assert_eq!(invalid(refused).0[0].field, "changes");
    site.assert_unchanged_since(2).await;
}

#[tokio::test]
async fn every_mistake_is_told_with_its_document() {
    let site = site().await;
    site.create("one").await;
    site.create("two").await;
    let mut wanted = configuration(&site);
    wanted["virtualProxy"][1]["jwtAlgorithms"] = Value::from(vec!["HS256"]);
    wanted["virtualProxy"][2]["jwtPublicKeyCertificate"] = Value::from("no key");
    let refused = site
        .management
        .apply_draft(root(), whole(None, wanted), noted(""), at(5));
    let errors = invalid(refused.await).0;
    let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
    assert!(
        fields
            .iter()
            .any(|f| f.starts_with("virtual proxy \"The one\": jwtAlgorithms")),
        "{fields:?}"
    );
    assert!(
        fields.contains(&"virtual proxy \"The two\": jwtPublicKeyCertificate"),
        "{fields:?}"
    );
    site.assert_unchanged_since(3).await;
}

#[tokio::test]
async fn a_note_is_one_line() {
    let site = site().await;
    let id = site.create("jwt").await.metadata.id;
    for note in ["a\nb".to_owned(), "x".repeat(MAX_NOTE + 1)] {
        let draft = edits(None, vec![audience(id, "x")]);
        let refused = site
            .management
            .apply_draft(root(), draft, noted(&note), at(5))
            .await;
        assert_eq!(invalid(refused).0[0].field, "note");
    }
    site.assert_unchanged_since(2).await;
}
