//! Finding rows.

use super::*;

#[test]
fn texts_of_others_are_shortened() {
    let long = AuditEntry {
        reason: "ä".repeat(5000),
        ..numbered(1)
    };
    let row = AuditRow::after(&AuditHead::BEGINNING, &long);
    assert_eq!(row.reason, "ä".repeat(1024));
}
