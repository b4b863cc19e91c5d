use super::*;
use crate::testing::{at, root};

fn intent(seconds: i64) -> Intent {
    Intent {
        actor: root().clone(),
        note: String::new(),
        now: at(seconds),
    }
}

#[test]
fn a_change_is_always_later_than_the_one_before_it() {
    let stored = Metadata {
        created_date: at(1),
        modified_date: at(10),
        ..Default::default()
    };
    let after = |seconds| {
        let mut metadata = Metadata::default();
        stamp_one(&mut metadata, Some(&stored), &intent(seconds));
        assert_eq!(metadata.created_date, at(1));
        metadata.modified_date
    };
    assert_eq!(after(11), at(11));
    let next = Timestamp::from_millis(at(10).as_millis() + 1);
    assert_eq!(after(10), next);
    assert_eq!(after(-99), next);
}

#[test]
fn what_a_creator_says_about_dates_and_authors_does_not_count() {
    let mut metadata = Metadata {
        created_date: at(99),
        modified_date: at(99),
        modified_by_user_name: "nobody".to_owned(),
        ..Default::default()
    };
    stamp_one(&mut metadata, None, &intent(3));
    assert_eq!(
        (metadata.created_date, metadata.modified_date),
        (at(3), at(3))
    );
    assert_eq!(metadata.modified_by_user_name, r"LAB\root");
}
