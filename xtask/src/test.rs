//! The test command: every suite, then a table, then `N passed, M failed` as the last line.
//!
//! It fails when a suite fails, when a suite's count cannot be read, and when a count is below the
//! suite's floor. A failing suite does not stop the others: one run shows everything.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::floors::Floors;
use crate::suite::{self, Ran, Suite, TESTS};

/// Runs all suites, or the one named `only`.
///
/// # Errors
///
/// When the floors cannot be read. What goes wrong inside a suite is told in the table.
pub(crate) fn run(only: Option<&str>) -> Result<ExitCode> {
    let floors = Floors::read(&suite::names())?;
    let rows: Vec<Row> = suite::ALL
        .iter()
        .filter(|suite| only.is_none_or(|name| name == suite.name))
        .map(|suite| {
            println!("\n=== {} ===", suite.name);
            let started = Instant::now();
            let ran = suite.run();
            Row::new(suite, floors.of(suite.name), &ran, started.elapsed())
        })
        .collect();
    let (table, good) = report(&rows);
    print!("\n{table}");
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// One line of the table.
struct Row {
    name: &'static str,
    unit: &'static str,
    passed: Option<u32>,
    failed: u32,
    floor: u32,
    took: Duration,
    /// What is wrong, in a sentence.
    problem: Option<String>,
}

impl Row {
    fn new(suite: &Suite, floor: u32, ran: &Result<Ran>, took: Duration) -> Self {
        let count = ran.as_ref().ok().and_then(|ran| ran.count);
        let problem = match (ran, count) {
            (Err(error), _) => Some(format!("{error:#}")),
            (_, Some(count)) if count.failed > 0 => Some(format!("{} failed", count.failed)),
            (Ok(Ran { success: false, .. }), _) => Some("it failed, see above".to_owned()),
            (_, None) => Some("its output holds no count".to_owned()),
            (_, Some(count)) if count.passed < floor => Some(format!(
                "{} passed, which is below its floor of {floor}",
                count.passed
            )),
            _ => None,
        };
        Self {
            name: suite.name,
            unit: suite.unit,
            passed: count.map(|count| count.passed),
            failed: count.map_or(0, |count| count.failed),
            floor,
            took,
            problem,
        }
    }
}

/// The closing text, and whether everything is well.
fn report(rows: &[Row]) -> (String, bool) {
    let mut text = format!(
        "{:<10} {:<8} {:>7} {:>7} {:>8}\n",
        "suite", "what", "passed", "floor", "seconds"
    );
    for row in rows {
        let passed = row.passed.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let seconds = row.took.as_secs_f64();
        let verdict = if row.problem.is_some() {
            "  FAILED"
        } else {
            ""
        };
        text += &format!(
            "{:<10} {:<8} {passed:>7} {:>7} {seconds:>8.1}{verdict}\n",
            row.name, row.unit, row.floor
        );
    }
    for row in rows {
        if let Some(problem) = &row.problem {
            text += &format!("{}: {problem}\n", row.name);
        }
    }
    let tests = rows.iter().filter(|row| row.unit == TESTS);
    let passed: u32 = tests.filter_map(|row| row.passed).sum();
    // A suite that failed without counting a failed test is one failure all the same.
    let failed: u32 = rows
        .iter()
        .map(|row| row.failed.max(u32::from(row.problem.is_some())))
        .sum();
    text += &format!("{passed} passed, {failed} failed\n");
    (text, failed == 0)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;
    use crate::count::Count;

    fn row(floor: u32, ran: &Result<Ran>) -> Row {
        let unit = suite::ALL
            .iter()
            .find(|suite| suite.name == "unit")
            .unwrap();
        Row::new(unit, floor, ran, Duration::from_millis(1234))
    }

    const fn ran(success: bool, passed: u32, failed: u32) -> Result<Ran> {
        let count = Some(Count { passed, failed });
        Ok(Ran { success, count })
    }

    #[test]
    fn all_is_well() {
        let (text, good) = report(&[row(10, &ran(true, 10, 0)), row(1, &ran(true, 5, 0))]);
        assert!(good);
        assert!(text.ends_with("\n15 passed, 0 failed\n"), "{text}");
        assert!(
            text.contains("unit       tests         10      10      1.2\n"),
            "{text}"
        );
    }

    #[test]
    fn whatever_is_wrong_fails_and_says_so() {
        let quiet = Ok(Ran {
            success: true,
            count: None,
        });
        for (ran, problem, closing) in [
            (
                ran(true, 9, 0),
                "unit: 9 passed, which is below its floor of 10",
                "9 passed, 1 failed",
            ),
            (
                ran(false, 20, 0),
                "unit: it failed, see above",
                "20 passed, 1 failed",
            ),
            (ran(false, 20, 3), "unit: 3 failed", "20 passed, 3 failed"),
            (ran(true, 20, 3), "unit: 3 failed", "20 passed, 3 failed"),
            (
                quiet,
                "unit: its output holds no count",
                "0 passed, 1 failed",
            ),
            (Err(anyhow!("no npm")), "unit: no npm", "0 passed, 1 failed"),
        ] {
            let (text, good) = report(&[row(10, &ran)]);
            assert!(!good, "{text}");
            assert!(
                text.ends_with(&format!("\n{problem}\n{closing}\n")),
                "{text}"
            );
        }
    }

    #[test]
    fn a_failing_check_counts_although_its_unit_is_not_added() {
        let lints = suite::ALL
            .iter()
            .find(|suite| suite.name == "lints")
            .unwrap();
        let bad = Row::new(lints, 1, &ran(false, 40, 0), Duration::ZERO);
        let (text, good) = report(&[bad, row(1, &ran(true, 7, 0))]);
        assert!(!good);
        assert!(text.ends_with("\n7 passed, 1 failed\n"), "{text}");
    }
}
