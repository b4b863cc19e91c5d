//! The suites of `cargo xtask test`, in their order: the quick checks first.

use std::process::Command;

use anyhow::Result;

use crate::count::{self, Count};
use crate::{binary, install, process, scratch, workspace};

/// One row of the closing table.
pub(crate) struct Suite {
    /// Its name, for `--only` and `floors.toml`.
    pub(crate) name: &'static str,
    /// What is counted.
    pub(crate) unit: &'static str,
    /// Installs and builds what it needs, and gives the program that runs it.
    prepare: fn() -> Result<Command>,
    /// Which lines of its output are worth showing.
    shown: fn(&str) -> bool,
    count: fn(&str) -> Option<Count>,
}

/// The unit of suites whose counts are added up.
pub(crate) const TESTS: &str = "tests";

/// What a suite did.
pub(crate) struct Ran {
    /// Whether its program exited with 0.
    pub(crate) success: bool,
    /// What it counted; nothing when its closing lines were not found.
    pub(crate) count: Option<Count>,
}

impl Suite {
    /// Prepares and runs it.
    ///
    /// # Errors
    ///
    /// When what it needs cannot be installed, built or started.
    pub(crate) fn run(&self) -> Result<Ran> {
        let mut program = (self.prepare)()?;
        if self.unit == TESTS
            && let Some(folder) = scratch::folder()
        {
            program.env("TMPDIR", folder);
        }
        let outcome = process::run(program, self.shown)?;
        Ok(Ran {
            success: outcome.success,
            count: (self.count)(&outcome.output),
        })
    }
}

/// Every suite.
pub(crate) const ALL: [Suite; 7] = [
    Suite {
        name: "format",
        unit: "files",
        prepare: || Ok(cargo(&["fmt", "--all", "--check", "--", "--verbose"])),
        shown: |line| {
            !["Using rustfmt", "Formatting ", "Spent "]
                .iter()
                .any(|noise| line.starts_with(noise))
        },
        count: count::rustfmt,
    },
    Suite {
        name: "lints",
        unit: "targets",
        prepare: || {
            let mut clippy = cargo(&["clippy", "--workspace", "--all-targets", "--locked"]);
            clippy.args([
                "--message-format=json-render-diagnostics",
                "--",
                "-D",
                "warnings",
            ]);
            Ok(clippy)
        },
        shown: |line| !line.starts_with('{'),
        count: count::clippy,
    },
    Suite {
        name: "bans",
        unit: "checks",
        prepare: bans,
        shown: everything,
        count: count::deny,
    },
    Suite {
        name: "unit",
        unit: TESTS,
        prepare: || {
            install::postgresql()?;
            install::debian(&install::REDIS)?;
            let mut test = cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]);
            test.args(["--exclude", SCENARIOS]);
            Ok(test)
        },
        shown: everything,
        count: count::cargo_test,
    },
    Suite {
        name: "scenarios",
        unit: TESTS,
        prepare: || {
            install::debian(&install::CURL)?;
            install::debian(&install::JQ)?;
            install::debian(&install::REDIS)?;
            install::debian(&install::FAKETIME)?;
            install::debian(&install::IPROUTE2)?;
            install::debian(&install::SYSTEMD)?;
            let mut test = cargo(&["test", "--package", SCENARIOS, "--locked", "--no-fail-fast"]);
            test.env(BINARY, binary::built()?);
            Ok(test)
        },
        shown: everything,
        count: count::cargo_test,
    },
    Suite {
        name: "clients",
        unit: TESTS,
        prepare: || {
            install::python("python", "clients/qsapi/requirements.txt")?;
            install::python("python-pyjwt", "clients/pyjwt/requirements.txt")?;
            install::python("python-sslyze", "clients/sslyze/requirements.txt")?;
            install::python(
                "python-schemathesis",
                "clients/schemathesis/requirements.txt",
            )?;
            install::python_of(
                &install::newer_python()?,
                "python-mcp",
                "clients/mcp/requirements.txt",
            )?;
            npm_test("clients")
        },
        shown: everything,
        count: count::node,
    },
    Suite {
        name: "browser",
        unit: TESTS,
        prepare: || {
            install::debian(&install::CHROMIUM)?;
            npm_test("e2e")
        },
        shown: everything,
        count: count::playwright,
    },
];

/// The package of the scenario tests: it needs the built binary, so it is a suite of its own.
const SCENARIOS: &str = "jotgate-scenarios";

/// The variable that tells tests where the binary under test is.
const BINARY: &str = "JOTGATE_BINARY";

/// The names of all suites.
pub(crate) fn names() -> Vec<&'static str> {
    ALL.iter().map(|suite| suite.name).collect()
}

/// Without `advisories`: their database is a repository that a build machine may not reach, and a
/// test must not fail because of what was published this morning.
fn bans() -> Result<Command> {
    install::cargo_deny()?;
    let mut deny = workspace::command(workspace::tools().join("bin/cargo-deny"));
    deny.args(["--locked", "check", "bans", "licenses", "sources"]);
    Ok(deny)
}

fn npm_test(folder: &str) -> Result<Command> {
    install::npm(folder)?;
    let mut npm = Command::new("npm");
    npm.current_dir(workspace::root().join(folder))
        .args(["--silent", "test"])
        .env(BINARY, binary::built()?);
    Ok(npm)
}

fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = workspace::cargo();
    cargo.args(arguments);
    cargo
}

const fn everything(_: &str) -> bool {
    true
}
