//! The chores of the project, as `cargo xtask ...`.
//!
//! `cargo xtask test` is the one test command: what the README names, what CI runs and what decides
//! whether a change is good are the same. `cargo xtask bench` measures.
#![expect(
    clippy::print_stdout,
    reason = "a command line tool: its output is what it is for"
)]

mod bench;
mod binary;
mod count;
mod floors;
mod install;
mod package;
mod process;
mod scratch;
mod screenshots;
mod soak;
mod suite;
mod test;
mod vectors;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The chores of the project")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Installs what is missing and runs every suite; fails when one of them does.
    Test {
        /// Run this suite alone.
        #[arg(long, value_name = "SUITE", value_parser = PossibleValuesParser::new(suite::names()))]
        only: Option<String>,
    },
    /// Measures the built binary, and prints a table.
    #[command(subcommand)]
    Bench(Bench),
    /// Takes pictures of every page of the console, in both themes and at both widths.
    Screenshots,
    /// Puts the built binary under good load and abuse at once, and fails when anybody notices.
    Soak {
        /// How long.
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=24 * 60))]
        minutes: u32,
        /// The program, instead of the one that is built.
        #[arg(long, value_name = "FILE")]
        binary: Option<PathBuf>,
    },
    /// Makes the Debian package.
    Package {
        /// The program, instead of the one that is built.
        #[arg(long, value_name = "FILE")]
        binary: Option<PathBuf>,
        /// Where the package goes.
        #[arg(long, value_name = "DIR", default_value = "target/package")]
        out: PathBuf,
    },
    /// Judges a folder of token vectors and raw requests and prints every disagreement.
    Vectors {
        /// The folder.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
}

#[derive(Subcommand)]
enum Bench {
    /// Time until /readyz answers 200, and resident memory while idle.
    Start {
        /// A data directory to start on. A new one is made otherwise.
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
    },
    /// How long each page of the console takes with 1,000 virtual proxies; fails when one takes too long.
    Console,
    /// How long QRS takes with 10,000 virtual proxies and 100,000 users.
    Manage,
    /// Processor time for each request beside nginx and HAProxy, and memory of idle connections.
    Proxy(bench::ProxyOptions),
    /// Three nodes under load: from a save or an end to its effect at each, what a request costs, and the
    /// figures of docs/SCALE.md. Fails when a target is missed.
    Cluster {
        /// How many saves, and how many ends of each kind.
        #[arg(long, value_name = "NUMBER", default_value_t = 200)]
        rounds: u32,
        /// The program, instead of the one that is built.
        #[arg(long, value_name = "FILE")]
        binary: Option<PathBuf>,
    },
    /// The backend of `proxy`, which starts it.
    #[command(hide = true)]
    Backend { port: u16 },
    /// The clients of `proxy` that exchange messages, which starts them.
    #[command(hide = true)]
    Sockets {
        port: u16,
        path: String,
        seconds: u64,
        cookie: Option<String>,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    match Arguments::parse().chore {
        Chore::Test { only } => test::run(only.as_deref()),
        Chore::Bench(bench) => measure(bench),
        Chore::Screenshots => screenshots::run().map(|()| ExitCode::SUCCESS),
        Chore::Soak { minutes, binary } => soak::run(minutes, binary),
        Chore::Package { binary, out } => package::run(binary, &out).map(|_| ExitCode::SUCCESS),
        Chore::Vectors { dir } => vectors::run(&dir),
    }
}

fn measure(bench: Bench) -> anyhow::Result<ExitCode> {
    let measured = match bench {
        Bench::Start { data_dir } => bench::start(data_dir),
        Bench::Console => bench::console(),
        Bench::Manage => bench::manage(),
        Bench::Proxy(options) => bench::proxy(&options),
        Bench::Cluster { rounds, binary } => return bench::cluster(rounds, binary),
        Bench::Backend { port } => bench::backend(port),
        Bench::Sockets {
            port,
            path,
            seconds,
            cookie,
        } => bench::sockets(port, &path, cookie.as_deref(), seconds),
    };
    measured.map(|()| ExitCode::SUCCESS)
}
