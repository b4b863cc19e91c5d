use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jotgate_model::entity::{AuthenticationMethod, VirtualProxyConfig};
use jotgate_model::{UnixTime, User};
use jotgate_repository::Document;
use jotgate_session::{EndReason, NewSession};

use super::*;
use crate::testing::{
    PUBLIC_KEY_2048, at, draft, fingerprint, invalid, new_session, new_site, root, site,
};

fn put(prefix: &str) -> Change {
    let mut draft = draft(prefix);
    draft.metadata.id = Uuid::new_v4();
    Change::Put(Document::VirtualProxy(Arc::new(draft)))
}

#[tokio::test]
async fn every_snapshot_is_published_before_its_call_returns() {
    let site = site().await;
    assert_eq!(
        *site.published.lock().unwrap(),
        [1],
        "the first one as well"
    );
    for revision in 2..5 {
        site.create(&format!("p{revision}")).await;
        assert_eq!(site.published.lock().unwrap().last(), Some(&revision));
        assert_eq!(site.management.snapshot().revision, revision);
        assert_eq!(site.stored().await.revision, revision);
    }
}

#[tokio::test]
async fn what_is_published_is_stored_already() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jotgate.db");
    let repository = Repository::open_sqlite(&path).await.unwrap();
    let was_stored = Arc::new(AtomicBool::new(true));
    let publish = {
        let (path, was_stored) = (path.clone(), was_stored.clone());
        move |snapshot: Arc<Snapshot>| {
            let stored = std::thread::scope(|threads| {
                let reader = threads.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread();
                    let runtime = { runtime }.enable_all().build().unwrap();
                    runtime.block_on(async {
                        let other = Repository::open_sqlite(&path).await.unwrap();
                        other.revision().await.unwrap()
                    })
                });
                reader.join().unwrap()
            });
            was_stored.fetch_and(stored == snapshot.revision, Ordering::SeqCst);
        }
    };
    let started = Management::start(repository, Sessions::in_memory(), publish, new_site());
    let management = started.await.unwrap();
    let created = management.create_virtual_proxy(root(), draft("jwt"), at(1));
    created.await.unwrap();
    assert!(was_stored.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_saves_at_once_are_all_there() {
    let site = site().await;
    let saves: Vec<_> = (0..100)
        .map(|i| {
            let management = site.management.clone();
            tokio::spawn(async move {
                let draft = draft(&format!("p{i}"));
                management.create_virtual_proxy(root(), draft, at(1)).await
            })
        })
        .collect();
    let mut acknowledged = Vec::new();
    for save in saves {
        acknowledged.push(save.await.unwrap().unwrap());
    }
    let stored = site.stored().await;
    assert_eq!(stored.revision, 101);
    let snapshot = site.management.snapshot();
    for created in acknowledged {
        let id = created.metadata.id;
        assert_eq!(stored.documents.virtual_proxies[&id], created);
        assert_eq!(snapshot.documents.virtual_proxies[&id], created);
    }
    let published = site.published.lock().unwrap();
    assert!(published.iter().copied().eq(1..=101), "one after the other");
}

#[tokio::test]
async fn all_of_the_changes_are_made_or_none() {
    let site = site().await;
    let changes = vec![put("one"), put("two"), put("Three")];
    let refused = site.management.apply(root(), changes, "", at(1)).await;
    assert_eq!(invalid(refused).0[0].field, "prefix");
    site.assert_unchanged_since(1).await;

    let changes = vec![put("one"), put("two")];
    let snapshot = site.management.apply(root(), changes, "both", at(1));
    assert_eq!(snapshot.await.unwrap().documents.virtual_proxies.len(), 3);
    let revisions = site.repository.revisions(None, 1).await.unwrap();
    assert_eq!(revisions[0].note, "both");
    assert_eq!(revisions[0].author, r"LAB\root");
}

#[tokio::test]
async fn a_prefix_can_move_within_one_save() {
    let site = site().await;
    let (one, two) = (site.create("one").await, site.create("two").await);
    let (mut one, mut two) = ((*one).clone(), (*two).clone());
    std::mem::swap(&mut one.prefix, &mut two.prefix);
    let put = |vp| Change::Put(Document::VirtualProxy(Arc::new(vp)));
    let changes = vec![put(one), put(two)];
    let swapped = site.management.apply(root(), changes, "", at(2)).await;
    swapped.unwrap();
}

#[tokio::test]
async fn a_save_whose_caller_went_away_is_carried_through() {
    let site = site().await;
    let id = Uuid::from_u128(7);
    let mut draft = draft("jwt");
    draft.metadata.id = id;
    {
        let save = site.management.create_virtual_proxy(root(), draft, at(1));
        tokio::select! {
            biased;
            _ = save => panic!("nothing was stored yet"),
            () = std::future::ready(()) => {}
        }
    }
    let saved = tokio::time::timeout(Duration::from_secs(60), async {
        while site.management.snapshot().revision < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    saved.await.unwrap();
    assert!(
        site.stored()
            .await
            .documents
            .virtual_proxies
            .contains_key(&id)
    );
}

#[tokio::test]
async fn what_somebody_else_stored_is_taken_over_first() {
    let site = site().await;
    let other = Repository::open_sqlite(&site.path).await.unwrap();
    let set = ChangeSet {
        changes: vec![put("theirs")],
        author: root().for_audit(),
        note: String::new(),
        at: at(1),
    };
    other.apply(1, &set).await.unwrap();
    let clash = site
        .management
        .create_virtual_proxy(root(), draft("theirs"), at(2));
    let errors = invalid(clash.await);
    assert!(
        errors
            .to_string()
            .contains("the prefix \"theirs\" is used by two"),
        "{errors}"
    );
    site.create("ours").await;
    let snapshot = site.management.snapshot();
    assert_eq!(
        (snapshot.revision, snapshot.documents.virtual_proxies.len()),
        (3, 3)
    );
}

/// Also when it is not the following that hears of it, but a save of this process.
#[tokio::test]
async fn whoever_was_let_in_with_a_key_that_another_process_had_just_removed_is_out() {
    let site = site().await;
    let mut jwt = VirtualProxyConfig::clone(&*site.create("jwt").await);
    let id = jwt.metadata.id;
    let neighbour = site.neighbour().await;
    jwt.jwt_public_key_certificate.clear();
    jwt.authentication_method = AuthenticationMethod::Ticket;
    let removed = neighbour
        .management
        .update_virtual_proxy(root(), id, jwt, at(3));
    removed.await.unwrap();

    let opened = site.sessions.create(NewSession {
        now: UnixTime(at(4).as_millis() / 1000),
        key_fingerprint: Some(fingerprint(PUBLIC_KEY_2048)),
        ..new_session(id, User::new("LAB", "boz"))
    });
    let (_, session) = opened.await.unwrap();
    site.create("other").await;
    assert_eq!(session.ended(), Some(EndReason::KeyRemoved));
}

#[tokio::test]
async fn without_the_database_edits_are_refused_and_the_last_snapshot_stays() {
    let site = site().await;
    site.create("jwt").await;
    site.repository.close().await;
    let refused = site
        .management
        .create_virtual_proxy(root(), draft("b"), at(2))
        .await;
    let sentence = refused.unwrap_err().to_string();
    let words = "The configuration could not be read or saved because the configuration database \
                 is not available: ";
    assert!(sentence.starts_with(words), "{sentence}");
    assert_eq!(site.management.snapshot().revision, 2);
    assert_eq!(*site.published.lock().unwrap(), [1, 2]);
}

#[tokio::test]
async fn a_publisher_that_panics_does_not_stop_later_saves() {
    let directory = tempfile::tempdir().unwrap();
    let repository = Repository::open_sqlite(&directory.path().join("db"))
        .await
        .unwrap();
    let publish = |snapshot: Arc<Snapshot>| assert_ne!(snapshot.revision, 2);
    let started = Management::start(repository, Sessions::in_memory(), publish, new_site());
    let management = started.await.unwrap();
    let refused = management
        .create_virtual_proxy(root(), draft("a"), at(1))
        .await;
    assert!(
        matches!(refused, Err(ManageError::Unavailable(_))),
        "{refused:?}"
    );
    let saved = management
        .create_virtual_proxy(root(), draft("b"), at(1))
        .await;
    saved.unwrap();
}
