use jotgate_model::Timestamp;
use jotgate_repository::{RepositoryError, Revision};

use crate::support::{Place, delete, names, put, set};

pub(crate) async fn documents_are_created_replaced_and_deleted(place: Place) {
    let repository = place.open().await;
    let first = set(vec![put(1, "a"), put(2, "b ü'\"\n")]);
    assert_eq!(repository.apply(0, &first).await, Ok(1));
    let second = set(vec![put(1, "A"), delete(2), put(3, "c"), delete(9)]);
    assert_eq!(names(&repository).await, ["a", "b ü'\"\n"]);
    assert_eq!(repository.apply(1, &second).await, Ok(2));
    assert_eq!(names(&repository).await, ["A", "c"]);
    assert_eq!(repository.load().await.unwrap().revision, 2);
}

pub(crate) async fn everything_is_there_after_a_drop_without_close(place: Place) {
    let repository = place.open().await;
    let saved = repository.apply(0, &set(vec![put(1, "a")])).await;
    assert_eq!(saved, Ok(1));
    repository.set_setting("key", "value").await.unwrap();
    drop(repository);
    let again = place.open().await;
    assert_eq!(names(&again).await, ["a"]);
    assert_eq!(again.setting("key").await.unwrap().unwrap(), "value");
    again.close().await;
    assert_eq!(place.open().await.revision().await, Ok(1));
}

pub(crate) async fn revisions_are_listed_newest_first(place: Place) {
    let repository = place.open().await;
    for revision in 0..3 {
        let mut set = set(vec![]);
        set.note = format!("note {revision}");
        repository.apply(revision, &set).await.unwrap();
    }
    let revisions = repository.revisions(None, 2).await.unwrap();
    assert_eq!(
        revisions[0],
        Revision {
            revision: 3,
            at: Timestamp::from_millis(1_700_000_000_123),
            author: r"LAB\user1".to_owned(),
            note: "note 2".to_owned(),
        }
    );
    assert_eq!(revisions.len(), 2);
    let older = repository.revisions(Some(3), 9).await.unwrap();
    assert_eq!(older.iter().map(|r| r.revision).collect::<Vec<_>>(), [2, 1]);
}

pub(crate) async fn the_documents_of_every_revision_can_be_read_again(place: Place) {
    let repository = place.open().await;
    for (revision, changes) in [
        (0, vec![put(1, "a"), put(2, "b")]),
        (1, vec![put(1, "A"), put(1, "AA")]),
        (2, vec![delete(2), put(3, "c")]),
        (3, vec![delete(1)]),
    ] {
        repository.apply(revision, &set(changes)).await.unwrap();
    }
    let names_at = async |revision| {
        let stored = repository.documents_at(revision).await.unwrap()?;
        assert_eq!(stored.revision, revision);
        let nodes = stored.documents.nodes.values();
        Some(nodes.map(|node| node.name.clone()).collect::<Vec<_>>())
    };
    assert_eq!(names_at(1).await.unwrap(), ["a", "b"]);
    assert_eq!(names_at(2).await.unwrap(), ["AA", "b"]);
    assert_eq!(names_at(3).await.unwrap(), ["AA", "c"]);
    assert_eq!(names_at(4).await.unwrap(), ["c"]);
    assert_eq!(names_at(0).await, None);
    assert_eq!(names_at(5).await, None);
    let now = repository.load().await.unwrap().documents;
    for revision in 1..=4 {
        let mut taken_back = now.clone();
        for one in repository
            .touched_between(revision, 4)
            .await
            .unwrap()
            .unwrap()
        {
            one.take_back(&mut taken_back).unwrap();
        }
        let then = repository.documents_at(revision).await.unwrap().unwrap();
        assert_eq!(
            taken_back.nodes, then.documents.nodes,
            "revision {revision}"
        );
    }

    let touched = async |older, newer| {
        let found = repository.touched_between(older, newer).await.unwrap()?;
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for one in found {
            let (old, new) = one.documents().unwrap();
            assert_eq!(one.was_there(), (old.is_some(), new.is_some()));
            before.extend(old.map(|document| document.display_name()));
            after.extend(new.map(|document| document.display_name()));
        }
        Some((before, after))
    };
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
    };
    let expected = |before, after| Some((names(before), names(after)));
    assert_eq!(touched(1, 2).await, expected(&["a"], &["AA"]));
    assert_eq!(touched(1, 4).await, expected(&["a", "b"], &["c"]));
    assert_eq!(touched(3, 4).await, expected(&["AA"], &[]));
    assert_eq!(touched(2, 2).await, expected(&[], &[]));
    assert_eq!(touched(0, 4).await, None);
    assert_eq!(touched(1, 5).await, None);
}

pub(crate) async fn settings_are_set_and_replaced(place: Place) {
    let repository = place.open().await;
    assert_eq!(repository.setting("key").await.unwrap(), None);
    repository.set_setting("key", "one").await.unwrap();
    repository.set_setting("key", "two").await.unwrap();
    assert_eq!(repository.setting("key").await.unwrap().unwrap(), "two");
    let other = place.open().await;
    let (a, b) = tokio::join!(
        repository.replace_setting("key", "two", "a"),
        other.replace_setting("key", "two", "b")
    );
    assert_ne!(a, b, "one of them comes first, and the other sees it");
    let stands = if a == Ok(true) { "a" } else { "b" };
    assert_eq!(repository.setting("key").await.unwrap().unwrap(), stands);
    assert_eq!(repository.replace_setting("none", "", "c").await, Ok(false));
}

pub(crate) async fn of_first_settings_one_stands(place: Place) {
    let (one, other) = (place.open().await, place.open().await);
    for key in ["a", "b", "c", "d", "e"] {
        let both = tokio::join!(one.first_setting(key, "1"), other.first_setting(key, "2"));
        let stands = one.setting(key).await.unwrap().unwrap();
        assert_eq!(both, (Ok(stands.clone()), Ok(stands.clone())));
        assert_eq!(one.first_setting(key, "3").await, Ok(stands));
    }
}

pub(crate) async fn ten_thousand_documents_are_saved_and_read(place: Place) {
    let repository = place.open().await;
    let many = |name: &str| set((0..10_000).map(|id| put(id, name)).collect());
    repository.apply(0, &many("a")).await.unwrap();
    repository.apply(1, &many("b")).await.unwrap();
    let stored = repository.load().await.unwrap();
    assert_eq!((stored.revision, stored.documents.nodes.len()), (2, 10_000));
    assert!(stored.documents.nodes.values().all(|node| node.name == "b"));
    let before = repository.documents_at(1).await.unwrap().unwrap();
    assert!(before.documents.nodes.values().all(|node| node.name == "a"));
}

pub(crate) async fn nothing_is_done_after_the_end(place: Place) {
    let repository = place.open().await;
    let copy = repository.clone();
    repository.close().await;
    for failed in [
        copy.revision().await,
        copy.apply(0, &set(vec![put(1, "a")])).await,
    ] {
        let unavailable = matches!(failed, Err(RepositoryError::Unavailable(_)));
        assert!(unavailable, "{failed:?}");
    }
}
