//! The chores of the project, as `cargo xtask ...`.
//!
//! `cargo xtask test` is the one test command: what the README names, what CI runs and what decides
//! whether a change is good are the same. `cargo xtask bench` measures and asserts nothing.
#![expect(
    clippy::print_stdout,
    reason = "a command line tool: its output is what it is for"
)]

mod bench;
mod binary;
mod count;
mod floors;
mod install;
mod process;
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
    /// Measures the built binary. Prints a table, asserts nothing.
    #[command(subcommand)]
    Bench(Bench),
    /// Puts the built binary under good load and abuse at once, and fails when anybody notices.
    Soak {
        /// How long.
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=24 * 60))]
        minutes: u32,
        /// The program, instead of the one that is built.
        #[arg(long, value_name = "FILE")]
        binary: Option<PathBuf>,
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
    /// How long QRS takes with 10,000 virtual proxies and 100,000 users.
    Manage,
    /// Processor time for each request beside nginx and HAProxy, and memory of idle connections.
    Proxy(bench::ProxyOptions),
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
        Chore::Bench(bench) => measure(bench).map(|()| ExitCode::SUCCESS),
        Chore::Soak { minutes, binary } => soak::run(minutes, binary),
        Chore::Vectors { dir } => vectors::run(&dir),
    }
}

fn measure(bench: Bench) -> anyhow::Result<()> {
    match bench {
        Bench::Start { data_dir } => bench::start(data_dir),
        Bench::Manage => bench::manage(),
        Bench::Proxy(options) => bench::proxy(&options),
        Bench::Backend { port } => bench::backend(port),
        Bench::Sockets {
            port,
            path,
            seconds,
            cookie,
        } => bench::sockets(port, &path, cookie.as_deref(), seconds),
    }
}
