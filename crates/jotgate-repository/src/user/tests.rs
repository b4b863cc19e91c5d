use super::*;

/// The answer to a page of 100,000 users must not read them all.
#[tokio::test]
async fn looking_somebody_up_uses_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    let repository = Repository::open_sqlite(&path).await.unwrap();
    let by_user_id = format!(
        "SELECT id FROM users WHERE key > '' AND {} = 'boz' ORDER BY key LIMIT 5",
        folded("user_id")
    );
    let by_name = format!(
        "SELECT id FROM users ORDER BY {} DESC, key DESC LIMIT 5 OFFSET 9",
        folded("name")
    );
    for (statement, expected) in [
        (&*by_user_id, "SEARCH users USING INDEX users_by_user_id"),
        (&*by_name, "SCAN users USING INDEX users_by_name"),
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
            .fetch_all(&repository.sqlite().readers)
            .await
            .unwrap();
        let plan: Vec<_> = rows.into_iter().map(|row| row.3).collect();
        let plan = plan.join("\n");
        let sorts = plan.contains("TEMP B-TREE");
        assert!(plan.contains(expected) && !sorts, "{statement}: {plan}");
    }
}
