use std::path::PathBuf;

use jotgate_model::{ActorKind, Timestamp};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::Repository;

mod chain;
mod end;
mod lists;
mod saves;

/// A repository with a trail of its own.
pub(crate) struct Fixture {
    directory: tempfile::TempDir,
    pub(crate) repository: Repository,
}

impl Fixture {
    async fn with_rows(rows: i64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        let trail = AuditTrail::begin(key(), &directory.path().join("head"), &AuditHead::BEGINNING)
            .unwrap();
        let repository = Repository::open_sqlite(&path).await.unwrap();
        let repository = repository.with_audit(trail);
        for number in 1..=rows {
            repository.append_audit(&[numbered(number)]).await.unwrap();
        }
        Self {
            directory,
            repository,
        }
    }

    fn head_file(&self) -> PathBuf {
        self.directory.path().join("head")
    }

    /// Another process with the same files.
    async fn again(&self) -> Repository {
        let path = self.directory.path().join("a.db");
        let trail = AuditTrail::open(key(), &self.head_file());
        let repository = Repository::open_sqlite(&path).await.unwrap();
        repository.with_audit(trail)
    }

    /// What somebody does who can write the database.
    async fn tamper(&self, statements: &[&'static str]) {
        let fences = [
            "DROP TRIGGER IF EXISTS audit_is_not_changed",
            "DROP TRIGGER IF EXISTS audit_is_not_removed",
        ];
        for statement in fences.iter().chain(statements) {
            let done = sqlx::query(*statement).execute(&self.repository.sqlite().writer);
            done.await.unwrap();
        }
    }

    async fn problem(&self) -> Option<(Damage, String)> {
        let verdict = self.again().await.verify_audit(&[]).await.unwrap();
        verdict
            .problem
            .map(|problem| (problem.damage, problem.sentence))
    }
}

pub(crate) fn key() -> AuditKey {
    AuditKey::new(&[7; 32])
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => panic!("{other} is no object"),
    }
}

fn numbered(number: i64) -> AuditEntry {
    AuditEntry {
        at: Timestamp::from_millis(number * 1000),
        actor: AuditActor {
            name: format!("LAB\\user{}", number % 2),
            kind: ActorKind::Certificate,
            source: "127.0.0.1".to_owned(),
        },
        action: "configuration.update",
        subject: Subject {
            kind: "Tag".to_owned(),
            id: number.to_string(),
            name: "ü'\"\n".to_owned(),
        },
        revision: Some(number.unsigned_abs()),
        before: (number > 1).then(|| fields(json!({"name": "x"}))),
        after: Some(fields(json!({"name": "y"}))),
        outcome: Outcome::Done,
        reason: String::new(),
    }
}
