use super::*;
use crate::testing::{at, draft, invalid, root, site};

fn configuration(site: &crate::testing::Site) -> Map<String, Value> {
    file::export(&site.management.snapshot().documents)
}

fn whole(base: Option<u64>, configuration: Map<String, Value>) -> Draft {
    let content = DraftContent::Configuration(configuration);
    Draft { base, content }
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
        .apply_draft(root(), draft.clone(), "why", at(5));
    let applied = applied.await.unwrap();
    assert_eq!(applied.documents[0].fields, document.fields);
    assert_eq!(site.stored().await.revision, 3);
    let list = site.management.revisions(None, 1).await.unwrap();
    assert_eq!(list[0].note, "why");

    let again = site.management.apply_draft(root(), draft, "why", at(6));
    let again = again.await.unwrap();
    assert_eq!(
        (again.before, again.after, again.documents.len()),
        (3, 3, 0)
    );
    site.assert_unchanged_since(3).await;
}

#[tokio::test]
async fn a_draft_of_an_older_revision_is_refused() {
    let site = site().await;
    let mut wanted = configuration(&site);
    wanted["node"][0]["hostName"] = Value::from("other.example.com");
    site.create("jwt").await;
    let refused = site
        .management
        .apply_draft(root(), whole(Some(1), wanted.clone()), "", at(5));
    let outdated = ManageError::Outdated {
        base: 1,
        current: 2,
    };
    assert_eq!(refused.await.unwrap_err(), outdated);
    let compared = site
        .management
        .compare_draft(root(), &whole(Some(1), wanted), at(5));
    assert_eq!(compared.unwrap_err(), outdated);
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
        .apply_draft(root(), whole(None, wanted), "", at(5));
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
    let put = Change::Put(Document::VirtualProxy(draft("jwt").into()));
    for note in ["a\nb".to_owned(), "x".repeat(MAX_NOTE + 1)] {
        let content = DraftContent::Changes(vec![put.clone()]);
        let draft = Draft {
            base: None,
            content,
        };
        let refused = site
            .management
            .apply_draft(root(), draft, &note, at(5))
            .await;
        assert_eq!(invalid(refused).0[0].field, "note");
    }
    site.assert_unchanged_since(1).await;
}
