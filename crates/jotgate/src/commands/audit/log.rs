//! The newest row that a log of the gateway tells of.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use jotgate_repository::AuditHead;
use serde_json::Value;

use crate::exit::{Exit, Failure};

/// The longest line; what is longer tells of no row.
const MAX_LINE: u64 = 64 << 10;
/// What stands before a row in the form for people.
const TEXT: &str = "jotgate_repository::audit::trail: audit audit.head=";

/// The newest row in the file.
///
/// # Errors
/// The file cannot be read, or tells of none.
pub(super) fn newest_head(file: &Path) -> Result<AuditHead, Failure> {
    let wrong = |what: String| {
        let sentence = format!("--log names {}, which {what}", file.display());
        Failure::new(Exit::Usage, sentence)
    };
    let unread = |error: std::io::Error| wrong(format!("cannot be read ({error})"));
    let mut lines = BufReader::new(File::open(file).map_err(unread)?);
    let (mut newest, mut line) = (None::<AuditHead>, Vec::new());
    loop {
        line.clear();
        let read = lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        if read.map_err(unread)? == 0 {
            break;
        }
        let found = head_in(&String::from_utf8_lossy(&line));
        if found.is_some_and(|head| newest.is_none_or(|newest| head.sequence >= newest.sequence)) {
            newest = found;
        }
    }
    newest.ok_or_else(|| {
        wrong("has no line of the audit trail; name a log of the gateway".to_owned())
    })
}

fn head_in(line: &str) -> Option<AuditHead> {
    if let Some((_, rest)) = line.split_once(TEXT) {
        return rest.split_whitespace().next()?.parse().ok();
    }
    let value: Value = serde_json::from_str(line.trim()).ok()?;
    let fields = value.get("fields").unwrap_or(&value);
    if fields["message"] != "audit" {
        return None;
    }
    fields["audit.head"].as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(number: i64) -> String {
        format!("{number}:{}", "ab".repeat(32))
    }

    #[test]
    fn rows_are_found_in_both_forms_of_the_log() {
        let text = format!(
            "2026-11-25T06:58:48.159646Z  INFO jotgate_repository::audit::trail: audit audit.head={} audit.action=set_up_link.make\n",
            head(5)
        );
        assert_eq!(head_in(&text), head(5).parse().ok());
        let json = format!(
            r#"{{"level":"INFO","fields":{{"message":"audit","audit.head":"{}"}}}}"#,
            head(6)
        );
        assert_eq!(head_in(&json), head(6).parse().ok());
        let quoted = format!(
            r#"{{"fields":{{"message":"audit audit.head={}"}}}}"#,
            head(9)
        );
        for other in [
            "",
            "audit",
            "{",
            &quoted,
            &format!("audit.head={}", head(7)),
        ] {
            assert_eq!(head_in(other), None, "{other}");
        }
    }

    #[test]
    fn the_newest_row_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let line = |number| format!("x {TEXT}{} y\n", head(number));
        let long = "z".repeat(200_000);
        let text = format!("{}{long}\n{}\u{0}\n{}", line(3), line(12), line(4));
        std::fs::write(&file, text).unwrap();
        assert_eq!(newest_head(&file).unwrap(), head(12).parse().unwrap());
        std::fs::write(&file, "nothing\n").unwrap();
        let failure = newest_head(&file).unwrap_err().to_string();
        assert!(
            failure.contains("has no line of the audit trail"),
            "{failure}"
        );
    }
}
