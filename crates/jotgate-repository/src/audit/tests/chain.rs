//! Rows that were removed, altered, inserted or moved.

use super::*;

/// What is found after somebody has done that to a trail of five rows.
async fn after(statements: &[&'static str]) -> (Damage, String) {
    let fixture = Fixture::with_rows(5).await;
    fixture.tamper(statements).await;
    fixture.problem().await.unwrap()
}

#[tokio::test]
async fn a_trail_that_nobody_touched_is_whole() {
    let fixture = Fixture::with_rows(5).await;
    let head = fixture.repository.audit_head().await.unwrap();
    let verdict = fixture.again().await.verify_audit(&[head]).await.unwrap();
    let whole = AuditVerdict {
        good: 5,
        head,
        problem: None,
    };
    assert_eq!(verdict, whole);
}

#[tokio::test]
async fn removed_rows_are_found() {
    for (statement, sentence) in [
        ("DELETE FROM audit WHERE sequence = 1", "row 1 was removed"),
        ("DELETE FROM audit WHERE sequence = 3", "row 3 was removed"),
        (
            "DELETE FROM audit WHERE sequence IN (2, 3)",
            "the rows 2 to 3 were removed",
        ),
    ] {
        let found = after(&[statement]).await;
        assert_eq!(found, (Damage::Removed, sentence.to_owned()));
    }
}

#[tokio::test]
async fn altered_rows_are_found() {
    for statement in [
        "UPDATE audit SET at = at + 1 WHERE sequence = 2",
        "UPDATE audit SET actor = 'LAB\\other' WHERE sequence = 2",
        "UPDATE audit SET actor_kind = 'user' WHERE sequence = 2",
        "UPDATE audit SET source = '::1' WHERE sequence = 2",
        "UPDATE audit SET revision = NULL WHERE sequence = 2",
        "UPDATE audit SET before = NULL WHERE sequence = 2",
        "UPDATE audit SET after = '{}' WHERE sequence = 2",
        "UPDATE audit SET outcome = 'refused' WHERE sequence = 2",
        "UPDATE audit SET reason = 'x' WHERE sequence = 2",
        "UPDATE audit SET mac = zeroblob(32) WHERE sequence = 2",
        "UPDATE audit SET mac = x'00' WHERE sequence = 2",
        // What moves from one column to the next changes no concatenation.
        "UPDATE audit SET subject_kind = 'Ta', subject_id = 'g2' WHERE sequence = 2",
        "UPDATE audit SET previous = mac WHERE sequence = 2",
    ] {
        let (damage, sentence) = after(&[statement]).await;
        let expected = [Damage::Altered, Damage::Inserted];
        assert!(expected.contains(&damage), "{statement}: {sentence}");
        assert!(sentence.starts_with("row 2 was altered"), "{sentence}");
    }
}

#[tokio::test]
async fn rows_that_moved_are_found() {
    let swapped = [
        "UPDATE audit SET sequence = 99 WHERE sequence = 2",
        "UPDATE audit SET sequence = 2 WHERE sequence = 3",
        "UPDATE audit SET sequence = 3 WHERE sequence = 99",
    ];
    let sentence = "in the place of row 2 stands what was written as row 3".to_owned();
    assert_eq!(after(&swapped).await, (Damage::Moved, sentence.clone()));
    let closed = [
        "DELETE FROM audit WHERE sequence = 2",
        "UPDATE audit SET sequence = sequence - 1 WHERE sequence > 2",
    ];
    assert_eq!(after(&closed).await, (Damage::Moved, sentence));
}

#[tokio::test]
async fn inserted_rows_are_found() {
    const COPY: &str = "INSERT INTO audit SELECT 6, at, actor, actor_kind, source, action,
        subject_kind, subject_id, subject_name, revision, before, after, outcome, 'forged', mac, mac
        FROM audit WHERE sequence = 5";
    let (damage, sentence) = after(&[COPY]).await;
    assert_eq!(damage, Damage::Inserted, "{sentence}");
    assert!(
        sentence.starts_with("row 6 was altered, or inserted"),
        "{sentence}"
    );
    for number in ["0", "-7"] {
        let fixture = Fixture::with_rows(5).await;
        fixture.tamper(&[COPY]).await;
        let moved = format!("UPDATE audit SET sequence = {number} WHERE sequence = 6");
        let moved = sqlx::query(sqlx::AssertSqlSafe(moved));
        moved
            .execute(&fixture.repository.sqlite().writer)
            .await
            .unwrap();
        let (damage, sentence) = fixture.problem().await.unwrap();
        assert_eq!(damage, Damage::Inserted, "{sentence}");
    }
}

#[tokio::test]
async fn another_key_fits_nothing() {
    let fixture = Fixture::with_rows(2).await;
    let path = fixture.directory.path().join("a.db");
    let other = Repository::open_sqlite(&path).await.unwrap();
    assert!(other.verify_audit(&[]).await.is_err(), "no trail");
    let trail = AuditTrail::open(AuditKey::new(&[8; 32]), &fixture.head_file());
    let verdict = other.with_audit(trail).verify_audit(&[]).await.unwrap();
    let sentence = verdict.problem.unwrap().sentence;
    assert_eq!(
        sentence,
        "row 1 was altered, or inserted, or sealed with another key"
    );
}

#[tokio::test]
async fn rows_can_be_added_only() {
    let fixture = Fixture::with_rows(2).await;
    for statement in ["UPDATE audit SET reason = 'x'", "DELETE FROM audit"] {
        let done = sqlx::query(statement).execute(&fixture.repository.sqlite().writer);
        assert!(done.await.is_err(), "{statement}");
    }
}

/// What a trail of three rows looks like in memory.
fn chain() -> Vec<AuditRow> {
    let mut head = AuditHead::BEGINNING;
    let rows = (1..=3).map(|number| {
        let mut row = AuditRow::after(&head, &numbered(number));
        let mac = key().seal(&row);
        row.mac = mac.to_vec();
        head = row.head().unwrap();
        row
    });
    rows.collect()
}

fn text_of(row: &mut AuditRow, column: usize) -> &mut String {
    match column {
        0 => &mut row.actor,
        1 => &mut row.actor_kind,
        2 => &mut row.source,
        3 => &mut row.action,
        4 => &mut row.subject_kind,
        5 => &mut row.subject_id,
        6 => &mut row.subject_name,
        7 => &mut row.outcome,
        8 => &mut row.reason,
        9 => row.before.get_or_insert_default(),
        _ => row.after.get_or_insert_default(),
    }
}

proptest! {
    /// Whatever one changes in one column, the seal is another one.
    #[test]
    fn no_column_can_change(
        at in 0_usize..3,
        column in 0_usize..11,
        place in any::<prop::sample::Index>(),
        other in any::<char>(),
    ) {
        let mut rows = chain();
        let row = &mut rows[at];
        let sealed = key().seal(row);
        let text = text_of(row, column);
        let mut changed: Vec<char> = text.chars().collect();
        if changed.is_empty() {
            changed.push(other);
        } else {
            let place = place.index(changed.len());
            prop_assume!(changed[place] != other);
            changed[place] = other;
        }
        *text = changed.into_iter().collect();
        prop_assert_ne!(key().seal(row), sealed);
    }

    /// Nor does anything but the seal that was written fit, whatever bit is flipped.
    #[test]
    fn no_bit_of_a_number_or_a_seal_can_change(at in 0_usize..3, bit in 0_usize..64, what in 0_usize..4) {
        let mut rows = chain();
        let row = &mut rows[at];
        let sealed = key().seal(row);
        match what {
            0 => row.sequence ^= 1 << bit,
            1 => row.at ^= 1 << bit,
            2 => row.revision = row.revision.map(|revision| revision ^ (1 << bit)),
            _ => row.previous[bit / 8] ^= 1 << (bit % 8),
        }
        prop_assert_ne!(key().seal(row), sealed);
    }

    /// Texts that are cut elsewhere are other rows.
    #[test]
    fn what_moves_to_the_next_column_is_another_row(text in ".{1,20}", cut in any::<prop::sample::Index>(), column in 0_usize..10) {
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let cut = starts[cut.index(starts.len())];
        let seal = |left: &str, right: &str| {
            let mut row = chain().remove(1);
            *text_of(&mut row, column) = left.to_owned();
            *text_of(&mut row, column + 1) = right.to_owned();
            key().seal(&row)
        };
        let (left, right) = text.split_at(cut);
        prop_assert_ne!(seal(left, right), seal(&text, ""));
    }
}

#[test]
fn heads_are_written_and_read() {
    let head = chain()[2].head().unwrap();
    assert_eq!(head.to_string().parse(), Ok(head));
    let digits = "0".repeat(64);
    for wrong in [
        "",
        "1",
        "1:ab",
        "x:00",
        &format!("-1:{digits}"),
        &format!("+1:{digits}"),
        &format!("1:{digits}0"),
    ] {
        assert!(wrong.parse::<AuditHead>().is_err(), "{wrong}");
    }
}
