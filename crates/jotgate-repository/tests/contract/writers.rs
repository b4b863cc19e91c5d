use jotgate_repository::{Change, RepositoryError};

use crate::support::{Place, names, put, set};

pub(crate) async fn a_save_that_is_based_on_an_old_revision_changes_nothing(place: Place) {
    let repository = place.open().await;
    let saved = repository.apply(0, &set(vec![put(1, "a")])).await;
    assert_eq!(saved, Ok(1));
    for expected in [0, 2] {
        let late = set(vec![put(1, "b"), put(2, "c")]);
        let late = repository.apply(expected, &late).await;
        assert_eq!(late, Err(RepositoryError::Conflict { stored: 1 }));
    }
    assert_eq!(names(&repository).await, ["a"]);
    assert_eq!(repository.revisions(None, 10).await.unwrap().len(), 1);
}

/// At the same time: exactly one of each pair wins, and nobody sees a locked database.
pub(crate) async fn two_nodes_never_undo_each_other(place: Place) {
    let (one, other) = (place.open().await, place.open().await);
    one.apply(0, &set(vec![put(1, "a")])).await.unwrap();
    let late = other.apply(0, &set(vec![put(1, "b")])).await;
    assert_eq!(late, Err(RepositoryError::Conflict { stored: 1 }));
    other.apply(1, &set(vec![put(2, "b")])).await.unwrap();
    assert_eq!(names(&one).await, ["a", "b"]);
    for revision in 2..40 {
        let (first, second) = (set(vec![put(3, "one")]), set(vec![put(3, "two")]));
        let (first, second) =
            tokio::join!(one.apply(revision, &first), other.apply(revision, &second));
        let stored = revision + 1;
        let (won, lost) = (Ok(stored), Err(RepositoryError::Conflict { stored }));
        assert!(
            (first == won && second == lost) || (first == lost && second == won),
            "{first:?} {second:?}"
        );
    }
}

/// Broken off at any moment, a save is whole or not there, and the next one is not kept waiting.
pub(crate) async fn a_save_that_nobody_waits_for_leaves_nothing_half_done(place: Place) {
    let repository = place.open().await;
    for round in 0..40_u64 {
        let revision = repository.revision().await.unwrap();
        let changes: Vec<Change> = (0..20).map(|id| put(id, &format!("{round}"))).collect();
        let (set, saving) = (set(changes), repository.clone());
        let task = tokio::spawn(async move { saving.apply(revision, &set).await });
        tokio::time::sleep(std::time::Duration::from_micros(round * 300)).await;
        task.abort();
        drop(task.await);
        let names = names(&repository).await;
        let first = names.first().cloned();
        assert!(names.iter().all(|name| Some(name) == first.as_ref()));
    }
    // The last of them may be committed after all, between a look and a save.
    let saved = loop {
        let revision = repository.revision().await.unwrap();
        match repository.apply(revision, &set(vec![put(1, "a")])).await {
            Err(RepositoryError::Conflict { .. }) => {}
            saved => break saved.map(|saved| saved - revision),
        }
    };
    assert_eq!(saved, Ok(1));
}

pub(crate) async fn a_reader_sees_one_moment(place: Place) {
    let (reader, writer) = (place.open().await, place.open().await);
    let write = async {
        for revision in 0..30 {
            let name = format!("{}", revision + 1);
            let changes = (0..30).map(|id| put(id, &name)).collect();
            writer.apply(revision, &set(changes)).await.unwrap();
        }
    };
    let read = async {
        loop {
            let stored = reader.load().await.unwrap();
            let revision = stored.revision.to_string();
            assert!(stored.documents.nodes.values().all(|n| n.name == revision));
            if stored.revision == 30 {
                return;
            }
        }
    };
    tokio::join!(write, read);
}

pub(crate) async fn marks_tell_of_saves(place: Place) {
    let (one, other) = (place.open().await, place.open().await);
    let before = other.marks().await.unwrap();
    one.apply(0, &set(vec![put(1, "a")])).await.unwrap();
    let after = other.marks().await.unwrap();
    assert_eq!((before.revision, after.revision), (0, 1));
    assert_eq!(after.changes, before.changes.map(|count| count + 1));
    // What nobody else keeps in memory is not told.
    one.set_setting("key", "value").await.unwrap();
    assert_eq!(other.marks().await.unwrap(), after);
}
