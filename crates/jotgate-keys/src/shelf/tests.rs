use serde_json::json;

use super::*;
use crate::testing::{Signer, key_set};

const NOW: UnixTime = UnixTime(1_800_000_000);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_text_counts_while_it_is_fresh_by_every_clock() {
    let document = key_set(&[&Signer::new("one")]);
    let kept = |fetched: i64, document: &str| {
        json!({"fetched": NOW.0 + fetched, "fresh_for": 60_000, "document": document}).to_string()
    };
    let is_read = |text: &str, age| read(text.as_bytes(), age, NOW).is_some();
    assert!(is_read(&kept(0, &document), seconds(0)));
    assert!(is_read(&kept(-60, &document), seconds(60)));
    assert!(
        !is_read(&kept(-60, &document), seconds(61)),
        "too old by the shelf's clock"
    );
    // Clocks of nodes differ, and whoever put an old text back says that it is new.
    assert!(is_read(&kept(-660, &document), seconds(0)));
    assert!(!is_read(&kept(-661, &document), seconds(0)));
    assert!(is_read(&kept(600, &document), seconds(0)));
    assert!(!is_read(&kept(601, &document), seconds(0)));
    for bad in [
        "",
        "{}",
        &kept(0, "no key set"),
        &kept(i64::MIN / 2, &document),
    ] {
        assert!(!is_read(bad, seconds(0)), "{bad}");
    }
}
