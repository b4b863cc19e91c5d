use jotgate_model::Role;

use super::*;
use crate::audit::tests::entry;

async fn repository() -> (tempfile::TempDir, Repository) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    let repository = Repository::open_sqlite(&path).await.unwrap();
    (directory, repository)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn sign_in(id: &str, group: &str, seconds: i64) -> NotedSignIn {
    NotedSignIn {
        identity: Identity {
            user: User::new("EXAMPLE", id),
            attributes: vec![("Group".into(), group.into())],
        },
        at: at(seconds),
    }
}

#[tokio::test]
async fn the_first_sign_in_makes_a_user_and_later_ones_keep_the_newest_attributes() {
    let (_directory, repository) = repository().await;
    let first = [sign_in("Boz", "sales", 1), sign_in("anna", "hr", 1)];
    repository.note_sign_ins(&first).await.unwrap();
    let key = UserKey::of("example", "BOZ");
    let boz = repository.user_of_name(&key).await.unwrap().unwrap();
    assert_eq!((&*boz.user.id, boz.name.as_str()), ("Boz", "Boz"));
    assert_eq!(boz.attributes, [("Group".into(), "sales".into())]);

    let changed = StoredUser {
        name: "Bo Z.".to_owned(),
        blocked: true,
        roles: [Role::AuditAdmin].into_iter().collect(),
        modified: at(2),
        modified_by: "LAB\\root".to_owned(),
        ..boz.clone()
    };
    repository.put_user(&changed, entry()).await.unwrap();
    let again = [sign_in("BOZ", "finance", 3)];
    repository.note_sign_ins(&again).await.unwrap();
    let expected = StoredUser {
        attributes: vec![("Group".into(), "finance".into())],
        last_seen: Some(at(3)),
        ..changed
    };
    assert_eq!(
        repository.user(boz.id).await.unwrap(),
        Some(expected.clone())
    );
    assert_eq!(repository.users_with_standing().await.unwrap(), [expected]);
    assert_eq!(repository.count_users().await.unwrap(), 2);

    assert!(repository.delete_user(boz.id, entry()).await.unwrap());
    assert!(!repository.delete_user(boz.id, entry()).await.unwrap());
    assert_eq!(repository.user(boz.id).await.unwrap(), None);
}

#[tokio::test]
async fn pages_hold_everybody_once_in_order() {
    let (_directory, repository) = repository().await;
    let many: Vec<_> = (0..250)
        .map(|number| sign_in(&format!("u{number:03}"), "g", number))
        .collect();
    repository.note_sign_ins(&many).await.unwrap();
    let mut walked = Vec::new();
    let mut after = None;
    loop {
        let page = repository
            .users_after(after.as_ref(), 100, &UserNarrowing::default())
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.user.key());
        walked.extend(page);
    }
    let ids: Vec<_> = walked.iter().map(|user| user.user.id.to_string()).collect();
    assert_eq!(ids.len(), 250);
    assert!(ids.is_sorted());
    assert_eq!(repository.users(200, 20).await.unwrap(), walked[200..220]);
}

/// The answer to a page of 100,000 users must not read them all.
#[tokio::test]
async fn looking_somebody_up_uses_an_index() {
    let (_directory, repository) = repository().await;
    for (statement, expected) in [
        ("SELECT id FROM users WHERE key = 'x'", "SEARCH"),
        (
            "SELECT id FROM users WHERE key > 'x' ORDER BY key LIMIT 5",
            "SEARCH",
        ),
        ("SELECT id FROM users ORDER BY key LIMIT 5", "USING"),
        (
            "SELECT id FROM users WHERE blocked <> 0 OR roles <> ''",
            "users_with_standing",
        ),
    ] {
        let plan = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(plan)
            .fetch_all(repository.readers())
            .await
            .unwrap();
        let plan: Vec<_> = rows.into_iter().map(|row| row.3).collect();
        assert!(plan.join("\n").contains(expected), "{statement}: {plan:?}");
    }
}

#[tokio::test]
async fn users_are_found_by_their_names_in_any_case() {
    let (_directory, repository) = repository().await;
    let kelvin = "Mar\u{212a}";
    let all = ["Boz", "boris", kelvin, "mark"].map(|id| sign_in(id, "a", 1));
    repository.note_sign_ins(&all).await.unwrap();
    let found = async |narrowing: UserNarrowing| {
        let page = repository.users_after(None, 10, &narrowing).await.unwrap();
        page.iter()
            .map(|user| user.user.id.to_string())
            .collect::<Vec<_>>()
    };
    let text = |text: &str| Some(text.to_owned());
    let by_user_id = |id: &str| UserNarrowing {
        directory: text("example"),
        user_id: text(id),
        ..UserNarrowing::default()
    };
    assert_eq!(found(by_user_id("bOZ")).await, ["Boz", kelvin]);
    assert_eq!(found(by_user_id("mark")).await, ["mark", kelvin]);
    let elsewhere = UserNarrowing {
        directory: text("other"),
        ..UserNarrowing::default()
    };
    assert!(found(elsewhere).await.is_empty());
    let id = repository.users(0, 1).await.unwrap()[0].id.to_string();
    let by_id = UserNarrowing {
        id: text(&id),
        name: text("BORIS"),
        ..UserNarrowing::default()
    };
    assert_eq!(found(by_id).await, ["boris"]);
}
