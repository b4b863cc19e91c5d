//! A save and its rows are one.

use std::sync::Arc;

use jotgate_model::entity::{SecretText, ServerNodeConfiguration};
use uuid::Uuid;

use super::*;
use crate::{Change, ChangeSet, Document, Kind, RepositoryError};

pub(super) fn node(id: u128, name: &str, key: &str) -> Change {
    let mut node = ServerNodeConfiguration {
        name: name.to_owned(),
        client_key: SecretText(key.to_owned()),
        ..Default::default()
    };
    node.metadata.id = Uuid::from_u128(id);
    Change::Put(Document::Node(Arc::new(node)))
}

pub(super) fn set(changes: Vec<Change>) -> ChangeSet {
    ChangeSet {
        changes,
        author: numbered(1).actor,
        note: "a test".to_owned(),
        at: Timestamp::from_millis(1_700_000_000_123),
    }
}

fn delete(id: u128) -> Change {
    Change::Delete {
        kind: Kind::Node,
        id: Uuid::from_u128(id),
    }
}

#[tokio::test]
async fn each_changed_document_has_a_row_without_secrets() {
    let f = Fixture::with_rows(0).await;
    let saves = [
        vec![node(1, "a", "canary-1"), node(2, "b", "")],
        vec![node(1, "A", "canary-2"), delete(9)],
        vec![delete(1), node(2, "b", "")],
    ];
    for (revision, changes) in (0..).zip(saves) {
        f.repository.apply(revision, &set(changes)).await.unwrap();
    }
    let rows = f
        .repository
        .audit_rows(&AuditFilter::default(), 9)
        .await
        .unwrap();
    let shown = |row: &AuditRow| {
        let value = row.to_value();
        assert_eq!(value["reason"], "a test");
        assert_eq!(value["actor"]["kind"], "certificate");
        assert_eq!(value["subject"]["kind"], "ServerNodeConfiguration");
        format!(
            "{} {} {} {} -> {}",
            value["revision"], row.action, row.subject_name, value["before"], value["after"]
        )
    };
    let shown: Vec<String> = rows.iter().rev().map(shown).collect();
    assert_eq!(
        shown,
        [
            r#"1 configuration.create a null -> {"name":"a","clientKey":"[secret]"}"#,
            r#"1 configuration.create b null -> {"name":"b"}"#,
            r#"2 configuration.update A {"name":"a","clientKey":"[secret]"} -> {"name":"A","clientKey":"[secret]"}"#,
            r#"3 configuration.delete A {"name":"A","clientKey":"[secret]"} -> null"#,
            r#"3 configuration.update b {} -> {}"#,
        ]
    );
    assert_eq!(f.problem().await, None);
}

#[tokio::test]
async fn a_save_that_fails_leaves_no_row() {
    let f = Fixture::with_rows(1).await;
    let refused = f.repository.apply(7, &set(vec![node(1, "a", "")])).await;
    assert_eq!(refused, Err(RepositoryError::Conflict { stored: 0 }));
    assert_eq!(f.repository.audit_head().await.unwrap().sequence, 1);
    // The table cannot be written: nothing else is either.
    sqlx::query(
        "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END",
    )
    .execute(&f.repository.sqlite().writer)
    .await
    .unwrap();
    let failed = f.repository.apply(0, &set(vec![node(1, "a", "")])).await;
    assert!(
        matches!(failed, Err(RepositoryError::Unavailable(_))),
        "{failed:?}"
    );
    assert_eq!(f.repository.load().await.unwrap().revision, 0);
    sqlx::query("DROP TRIGGER full")
        .execute(&f.repository.sqlite().writer)
        .await
        .unwrap();
    assert_eq!(
        f.repository.apply(0, &set(vec![node(1, "a", "")])).await,
        Ok(1)
    );
    assert_eq!(f.problem().await, None);
}
