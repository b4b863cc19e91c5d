//! A trail whose end was cut off.

use super::*;

const CUT: [&str; 1] = ["DELETE FROM audit WHERE sequence > 3"];
const DEEP_CUT: [&str; 1] = ["DELETE FROM audit WHERE sequence > 1"];

#[tokio::test]
async fn a_cut_off_end_is_found_by_the_file_beside_the_database() {
    let fixture = Fixture::with_rows(5).await;
    fixture.tamper(&CUT).await;
    let (damage, sentence) = fixture.problem().await.unwrap();
    assert_eq!(damage, Damage::CutOff);
    assert_eq!(
        sentence,
        "the end is cut off: the trail ends with row 3, and row 5 was written"
    );
    fixture.tamper(&["DELETE FROM audit"]).await;
    let (_, sentence) = fixture.problem().await.unwrap();
    assert!(sentence.contains("ends with row 0"), "{sentence}");
}

#[tokio::test]
async fn a_cut_off_end_is_found_by_the_head_in_the_log() {
    let fixture = Fixture::with_rows(3).await;
    let old_file = std::fs::read(fixture.head_file()).unwrap();
    fixture
        .repository
        .append_audit(&[numbered(4)])
        .await
        .unwrap();
    let written = fixture.repository.audit_head().await.unwrap();
    fixture.tamper(&CUT).await;
    // An older file fits the older trail.
    std::fs::write(fixture.head_file(), old_file).unwrap();
    assert_eq!(fixture.problem().await, None);
    let again = fixture.again().await;
    let problem = again
        .verify_audit(&[written])
        .await
        .unwrap()
        .problem
        .unwrap();
    assert_eq!((problem.row, problem.damage), (4, Damage::CutOff));
    let other = AuditHead {
        sequence: 2,
        ..written
    };
    let problem = again.verify_audit(&[other]).await.unwrap().problem.unwrap();
    assert_eq!((problem.row, problem.damage), (2, Damage::Altered));
}

#[tokio::test]
async fn a_missing_or_forged_file_is_found() {
    let fixture = Fixture::with_rows(3).await;
    let text = std::fs::read_to_string(fixture.head_file()).unwrap();
    for wrong in [
        text.replacen('3', "2", 1),
        String::new(),
        "3:00:00".to_owned(),
    ] {
        std::fs::write(fixture.head_file(), wrong).unwrap();
        let (damage, sentence) = fixture.problem().await.unwrap();
        assert_eq!(damage, Damage::EndUnknown);
        assert!(
            sentence.ends_with("was not written with this key"),
            "{sentence}"
        );
    }
    std::fs::remove_file(fixture.head_file()).unwrap();
    let (damage, sentence) = fixture.problem().await.unwrap();
    assert_eq!(damage, Damage::EndUnknown);
    assert!(sentence.ends_with("is missing"), "{sentence}");
}

/// The next row would else take the place of those that are gone, and nothing would tell.
#[tokio::test]
async fn what_is_written_after_a_cut_tells_of_it() {
    let fixture = Fixture::with_rows(5).await;
    fixture.tamper(&DEEP_CUT).await;
    for _ in 0..2 {
        let entries = [numbered(6)];
        fixture.repository.append_audit(&entries).await.unwrap();
        let again = fixture.again().await;
        again.append_audit(&entries).await.unwrap();
    }
    let all = AuditFilter::default();
    let rows = fixture.repository.audit_rows(&all, 9).await.unwrap();
    let actions: Vec<&str> = rows.iter().rev().map(|row| &*row.action).skip(1).collect();
    let update = "configuration.update";
    let expected = ["audit.damaged", update, update, update, update];
    assert_eq!(actions, expected, "once");
    let (damage, sentence) = fixture.problem().await.unwrap();
    assert_eq!(damage, Damage::CutOff);
    let words = "row 2 notes a damage before it: the trail ended with row 1, and row 5:";
    assert!(sentence.starts_with(words), "{sentence}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::with_rows(1).await;
    let mode = std::fs::metadata(fixture.head_file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}
