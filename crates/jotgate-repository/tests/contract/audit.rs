use jotgate_model::Timestamp;
use jotgate_repository::{AuditEntry, AuditFilter, Outcome, Repository, RepositoryError, Subject};

use crate::support::{Place, at, entry, put, set};

pub(crate) async fn two_nodes_write_one_chain_at_once(place: Place) {
    let (one, other) = (place.node("one").await, place.node("other").await);
    let write = async |node: &Repository, first: i64| {
        for number in first..first + 20 {
            node.append_audit(&[entry(number), entry(number)])
                .await
                .unwrap();
        }
    };
    let save = async {
        for number in 0..10 {
            let set = set(vec![put(number, "a")]);
            let revision = other.revision().await.unwrap();
            other.apply(revision, &set).await.unwrap();
        }
    };
    tokio::join!(write(&one, 0), write(&other, 100), save);
    for node in [one, other, place.node("third").await] {
        let verdict = node.verify_audit(&[]).await.unwrap();
        assert_eq!((verdict.problem, verdict.good), (None, 90));
        assert_eq!(verdict.head, node.audit_head().await.unwrap());
    }
}

pub(crate) async fn rows_are_found_by_what_they_say(place: Place) {
    let repository = place.node("head").await;
    for number in 1..=5 {
        repository.append_audit(&[entry(number)]).await.unwrap();
    }
    let refused = AuditEntry {
        action: "sign_in",
        outcome: Outcome::Refused,
        subject: Subject::default(),
        ..entry(6)
    };
    repository.append_audit(&[refused]).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    let time = |seconds: i64| Some::<Timestamp>(at(seconds));
    let numbers = async |change: &dyn Fn(&mut AuditFilter)| {
        let mut filter = AuditFilter::default();
        change(&mut filter);
        let rows = repository.audit_rows(&filter, 9).await.unwrap();
        rows.iter().map(|row| row.sequence).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&|_| {}).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(numbers(&|f| f.before = Some(4)).await, [3, 2, 1]);
    assert_eq!(numbers(&|f| f.after = Some(4)).await, [6, 5]);
    assert_eq!(numbers(&|f| f.since = time(5)).await, [6, 5]);
    assert_eq!(numbers(&|f| f.until = time(3)).await, [2, 1]);
    let odd = numbers(&|f| f.actor = text("LAB\\user1")).await;
    assert_eq!(odd, [5, 3, 1]);
    for (action, found) in [
        ("sign_in", vec![6]),
        ("configuration", vec![5, 4, 3, 2, 1]),
        ("configuration.update", vec![5, 4, 3, 2, 1]),
        ("config", vec![]),
        ("%", vec![]),
    ] {
        assert_eq!(numbers(&|f| f.action = text(action)).await, found);
    }
    assert_eq!(numbers(&|f| f.subject = text("3")).await, [3]);
    let named = numbers(&|f| f.subject = text("ü'\"\n")).await;
    assert_eq!(named, [5, 4, 3, 2, 1]);
    assert_eq!(numbers(&|f| f.outcome = text("refused")).await, [6]);
    let after = Some(2);
    let later = AuditFilter {
        after,
        ..AuditFilter::default()
    };
    let oldest = repository.oldest_audit_rows(&later, 2).await.unwrap();
    let oldest: Vec<i64> = oldest.iter().map(|row| row.sequence).collect();
    assert_eq!(oldest, [3, 4]);
}

/// A stranger chooses the name of a sign-in that is refused.
pub(crate) async fn what_no_database_stores_is_replaced_before_it_is_sealed(place: Place) {
    let repository = place.node("head").await;
    let mut hostile = entry(1);
    hostile.actor.name = "a\0b".to_owned();
    hostile.reason = "\0\u{1f}\u{fffe}".to_owned();
    repository.append_audit(&[hostile]).await.unwrap();
    let rows = repository.audit_rows(&AuditFilter::default(), 9).await;
    let row = &rows.unwrap()[0];
    assert_eq!(
        (&*row.actor, &*row.reason),
        ("a\u{fffd}b", "\u{fffd}\u{1f}\u{fffe}")
    );
    assert_eq!(repository.verify_audit(&[]).await.unwrap().problem, None);
}

pub(crate) async fn a_save_that_is_refused_leaves_no_row(place: Place) {
    let repository = place.node("head").await;
    let refused = repository.apply(7, &set(vec![put(1, "a")])).await;
    assert_eq!(refused, Err(RepositoryError::Conflict { stored: 0 }));
    assert_eq!(repository.audit_head().await.unwrap().sequence, 0);
    let saved = repository
        .apply(0, &set(vec![put(1, "a"), put(2, "b")]))
        .await;
    assert_eq!(saved, Ok(1));
    assert_eq!(repository.audit_head().await.unwrap().sequence, 2);
}
