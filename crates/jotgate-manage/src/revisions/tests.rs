use super::*;
use crate::DocumentChange;
use crate::testing::{at, root, site};

#[tokio::test]
async fn every_revision_can_be_compared_and_restored() {
    let site = site().await;
    let (one, management) = (site.create("one").await, &site.management);
    let mut changed = (*one).clone();
    changed.prefix = "uno".to_owned();
    let id = one.metadata.id;
    let updated = management.update_virtual_proxy(root(), id, changed, at(2));
    updated.await.unwrap();
    management
        .delete_virtual_proxy(root(), id, at(3))
        .await
        .unwrap();

    let compared = management.compare_revisions(2, 3).await.unwrap();
    let fields = &compared.documents[0].fields;
    assert_eq!((fields.len(), fields[0].field.as_str()), (1, "prefix"));
    let compared = management.compare_revisions(4, 2).await.unwrap();
    assert_eq!(compared.documents[0].change, DocumentChange::Created);

    let restored = management
        .restore_revision(root(), 2, None, "", at(4))
        .await
        .unwrap();
    assert_eq!((restored.before, restored.after), (4, 5));
    let back = management.compare_revisions(2, 5).await.unwrap();
    assert!(back.documents.is_empty(), "{back:?}");
    let stored = &management.snapshot().documents.virtual_proxies[&id];
    assert_eq!(stored.prefix, "one");
    assert_eq!(stored.metadata.modified_date, at(4), "a save as any other");
    assert_eq!(
        management.revisions(None, 1).await.unwrap()[0].note,
        "restore revision 2"
    );

    let again = management
        .restore_revision(root(), 2, None, "", at(5))
        .await
        .unwrap();
    assert_eq!(
        (again.after, again.documents.len()),
        (5, 0),
        "nothing differs"
    );
    for missing in [0, 6] {
        let refused = management
            .restore_revision(root(), missing, None, "", at(5))
            .await;
        assert_eq!(refused.unwrap_err(), ManageError::NoRevision(missing));
    }
}

#[tokio::test]
async fn what_is_no_longer_good_is_not_restored() {
    let site = site().await;
    let vp = site.create("one").await;
    let id = vp.metadata.id;
    site.management
        .delete_virtual_proxy(root(), id, at(2))
        .await
        .unwrap();
    let security = crate::testing::security();
    let mut default = (*site.default_virtual_proxy()).clone();
    default.cookie_partitioned = true;
    let id = default.metadata.id;
    let changed = site
        .management
        .update_virtual_proxy(root(), id, default, at(3));
    changed.await.unwrap();
    // Revision 3 had another default virtual proxy, which only RootAdmin may change.
    let refused = site
        .management
        .restore_revision(security, 3, None, "", at(4))
        .await;
    assert!(
        matches!(refused, Err(ManageError::Forbidden(_))),
        "{refused:?}"
    );
    site.assert_unchanged_since(4).await;
}

/// Whoever has looked at a comparison agrees to that one.
#[tokio::test]
async fn nothing_is_restored_over_what_others_have_saved_meanwhile() {
    let site = site().await;
    let management = &site.management;
    site.create("one").await;
    let seen = management.snapshot().revision;
    site.create("theirs").await;
    let restoring = management.restore_revision(root(), 1, Some(seen), "", at(3));
    let error = restoring.await.unwrap_err();
    assert!(
        matches!(
            error,
            ManageError::Outdated {
                base: 2,
                current: 3,
                ..
            }
        ),
        "{error:?}"
    );
    let told = error.to_string();
    assert!(told.contains("others have changed it meanwhile"), "{told}");
    site.assert_unchanged_since(3).await;
    let restored = management
        .restore_revision(root(), 1, Some(3), "", at(4))
        .await;
    assert_eq!(restored.unwrap().after, 4);
}
