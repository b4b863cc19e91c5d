//! How many passed: read from what each runner prints at its end.
//!
//! Every function gives nothing when the runner's closing line is not there. A suite without a
//! count fails, so that a runner that changes its words cannot make a suite go quiet.

use serde::Deserialize;

/// What a runner said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Tests, files, targets or checks that passed.
    pub(crate) passed: u32,
    /// Those that failed.
    pub(crate) failed: u32,
}

/// `cargo test`: one `test result:` line for each test binary.
pub(crate) fn cargo_test(output: &str) -> Option<Count> {
    sum(output.lines().filter_map(|line| {
        let numbers = line.strip_prefix("test result: ")?.split_once(". ")?.1;
        Some(Count {
            passed: before(numbers, " passed")?,
            failed: before(numbers, " failed")?,
        })
    }))
}

/// `node --test`: `pass` and `fail` of the closing summary, in the form `spec` or `tap`. Tests that
/// were cancelled because what they need did not start failed as well.
pub(crate) fn node(output: &str) -> Option<Count> {
    let number = |word: &str| {
        output.lines().rev().find_map(|line| {
            let line = line.strip_prefix("ℹ ").or(line.strip_prefix("# "))?;
            line.strip_prefix(word)?.trim().parse().ok()
        })
    };
    Some(Count {
        passed: number("pass ")?,
        failed: number("fail ")? + number("cancelled ").unwrap_or(0),
    })
}

/// Playwright: `12 passed (30.1s)`, with lines for what failed, was flaky or did not run before it.
pub(crate) fn playwright(output: &str) -> Option<Count> {
    let number = |word: &str| {
        output.lines().rev().find_map(|line| {
            let (number, rest) = line.trim().split_once(' ')?;
            (rest == word || rest.starts_with(&format!("{word} ("))).then_some(())?;
            number.parse::<u32>().ok()
        })
    };
    let failed: u32 = ["failed", "flaky", "interrupted", "did not run"]
        .iter()
        .filter_map(|word| number(word))
        .sum();
    match number("passed") {
        None if failed == 0 => None,
        passed => Some(Count {
            passed: passed.unwrap_or(0),
            failed,
        }),
    }
}

/// `rustfmt --check -v`: a line for each file that it looked at.
pub(crate) fn rustfmt(output: &str) -> Option<Count> {
    let passed = output.lines().filter(|l| l.starts_with("Formatting "));
    some(u32::try_from(passed.count()).ok()?)
}

/// `cargo clippy --message-format=json`: a message for each target of this workspace.
pub(crate) fn clippy(output: &str) -> Option<Count> {
    let ours = artifacts(output).filter(|a| a.package_id.starts_with("path+file:"));
    some(u32::try_from(ours.count()).ok()?)
}

/// `cargo deny check`: `bans ok, licenses ok, sources ok`.
pub(crate) fn deny(output: &str) -> Option<Count> {
    let verdicts = output
        .lines()
        .rev()
        .find(|line| line.starts_with("bans ") && line.contains("licenses "))?;
    let (passed, failed): (Vec<_>, Vec<_>) = verdicts.split(", ").partition(|v| v.ends_with(" ok"));
    Some(Count {
        passed: u32::try_from(passed.len()).ok()?,
        failed: u32::try_from(failed.len()).ok()?,
    })
}

/// What cargo built: one of its JSON messages.
#[derive(Deserialize)]
pub(crate) struct Artifact {
    package_id: String,
    /// Where the program is, when the target is one.
    pub(crate) executable: Option<std::path::PathBuf>,
}

/// The artifacts among cargo's JSON messages.
pub(crate) fn artifacts(output: &str) -> impl Iterator<Item = Artifact> {
    output
        .lines()
        .filter(|line| line.starts_with(r#"{"reason":"compiler-artifact""#))
        .filter_map(|line| serde_json::from_str(line).ok())
}

fn some(passed: u32) -> Option<Count> {
    (passed > 0).then_some(Count { passed, failed: 0 })
}

fn sum(counts: impl Iterator<Item = Count>) -> Option<Count> {
    counts.fold(None, |sum, count| {
        let sum = sum.unwrap_or_default();
        Some(Count {
            passed: sum.passed + count.passed,
            failed: sum.failed + count.failed,
        })
    })
}

/// The number that stands directly before `word`.
fn before(text: &str, word: &str) -> Option<u32> {
    let (head, _) = text.split_once(word)?;
    head.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn count(passed: u32, failed: u32) -> Option<Count> {
        Some(Count { passed, failed })
    }

    #[test]
    fn cargo_test_is_summed_over_binaries() {
        let output = "\
running 3 tests
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
test result: FAILED. 10 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.0s
";
        assert_eq!(cargo_test(output), count(13, 2));
        assert_eq!(cargo_test("error: could not compile"), None);
    }

    #[test]
    fn node_in_both_forms() {
        assert_eq!(
            node("✔ it works\nℹ tests 5\nℹ pass 2\nℹ fail 1\nℹ cancelled 2\n"),
            count(2, 3)
        );
        assert_eq!(
            node("ok 1 - it works\n# tests 1\n# pass 1\n# fail 0\n"),
            count(1, 0)
        );
        assert_eq!(node("node: bad option"), None);
    }

    #[test]
    fn playwright_counts_whatever_is_not_clean_as_failed() {
        assert_eq!(playwright("  12 passed (30.1s)\n"), count(12, 0));
        let bad =
            "  2 failed\n    a.spec.mjs:1:1 › x\n  1 flaky\n  3 did not run\n  4 passed (1.2m)\n";
        assert_eq!(playwright(bad), count(4, 6));
        assert_eq!(playwright("  1 failed\n    a.spec.mjs\n"), count(0, 1));
        assert_eq!(playwright("Error: no tests found\n"), None);
    }

    #[test]
    fn checks() {
        assert_eq!(
            rustfmt("Formatting a.rs\nSpent 0 secs\nFormatting b.rs\n"),
            count(2, 0)
        );
        assert_eq!(rustfmt(""), None);
        assert_eq!(deny("bans ok, licenses FAILED, sources ok\n"), count(2, 1));
        assert_eq!(deny("error: no such file"), None);
        let messages = concat!(
            r#"{"reason":"compiler-artifact","package_id":"path+file:///w#x@0.1.0","executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","package_id":"registry+x#y@1","executable":null}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(clippy(messages), count(1, 0));
    }
}
