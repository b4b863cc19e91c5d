//! Finding rows.

use super::*;

async fn numbers(fixture: &Fixture, filter: AuditFilter, limit: u32) -> Vec<i64> {
    let rows = fixture.repository.audit_rows(&filter, limit).await.unwrap();
    rows.iter().map(|row| row.sequence).collect()
}

#[tokio::test]
async fn rows_are_found_by_what_they_say() {
    let f = Fixture::with_rows(5).await;
    let refused = AuditEntry {
        action: "sign_in",
        outcome: Outcome::Refused,
        subject: Subject::default(),
        ..numbered(6)
    };
    f.repository.append_audit(&[refused]).await.unwrap();
    let all = AuditFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let time = |seconds: i64| Some(Timestamp::from_millis(seconds * 1000));
    assert_eq!(numbers(&f, all(), 2).await, [6, 5]);
    assert_eq!(
        numbers(
            &f,
            AuditFilter {
                before: Some(4),
                ..all()
            },
            9
        )
        .await,
        [3, 2, 1]
    );
    assert_eq!(
        numbers(
            &f,
            AuditFilter {
                after: Some(4),
                ..all()
            },
            9
        )
        .await,
        [6, 5]
    );
    assert_eq!(
        numbers(
            &f,
            AuditFilter {
                since: time(5),
                ..all()
            },
            9
        )
        .await,
        [6, 5]
    );
    assert_eq!(
        numbers(
            &f,
            AuditFilter {
                until: time(3),
                ..all()
            },
            9
        )
        .await,
        [2, 1]
    );
    assert_eq!(
        numbers(
            &f,
            AuditFilter {
                actor: text("LAB\\user1"),
                ..all()
            },
            9
        )
        .await,
        [5, 3, 1]
    );
    for (action, found) in [
        ("sign_in", vec![6]),
        ("configuration", vec![5, 4, 3, 2, 1]),
        ("configuration.update", vec![5, 4, 3, 2, 1]),
        ("config", vec![]),
        ("%", vec![]),
    ] {
        assert_eq!(
            numbers(
                &f,
                AuditFilter {
                    action: text(action),
                    ..all()
                },
                9
            )
            .await,
            found
        );
    }
    assert_eq!(
        numbers(
            &f,
            AuditFilter {
                subject: text("3"),
                ..all()
            },
            9
        )
        .await,
        [3]
    );
    assert_eq!(
        numbers(
            &f,
            AuditFilter {
                subject: text("ü'\"\n"),
                ..all()
            },
            1
        )
        .await,
        [5]
    );
    assert_eq!(
        numbers(
            &f,
            AuditFilter {
                outcome: text("refused"),
                ..all()
            },
            9
        )
        .await,
        [6]
    );
    let later = AuditFilter {
        after: Some(2),
        ..all()
    };
    let oldest = f.repository.oldest_audit_rows(&later, 2).await.unwrap();
    let oldest: Vec<i64> = oldest.iter().map(|row| row.sequence).collect();
    assert_eq!(oldest, [3, 4]);
}

#[test]
fn texts_of_others_are_shortened() {
    let long = AuditEntry {
        reason: "ä".repeat(5000),
        ..numbered(1)
    };
    let row = AuditRow::after(&AuditHead::BEGINNING, &long);
    assert_eq!(row.reason, "ä".repeat(1024));
}
