//! `cargo xtask bench proxy`: Jotgate beside nginx and HAProxy, in turns, on one core.
//!
//! The figure is the processor time of a proxy's processes for a request: it does not depend on how
//! fast the load is. Every round runs every case once, so that a machine that slows down slows all of
//! them down; ratios are taken round by round.

mod load;
mod memory;
mod report;
mod site;
mod subjects;

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use self::load::Load;
use self::site::Site;
use self::subjects::{Ports, Process};
use crate::{binary, install, workspace};

/// Which core does what.
pub(super) const LOAD_CORE: &str = "0";
pub(super) const PROXY_CORE: &str = "1";
/// Distinct tokens for each round.
const TOKENS: usize = 15_000;

/// What is asked for on the command line.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many times each case is run.
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    rounds: usize,
    /// How long each time.
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    seconds: u64,
    /// Run the cases whose name contains one of these words, and what they are compared with.
    #[arg(long, value_name = "WORD", value_delimiter = ',')]
    only: Vec<String>,
    /// Measure this program instead of building one.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Leave the memory of idle connections out.
    #[arg(long)]
    no_memory: bool,
}

/// Something that is measured: a load on a proxy, compared with an earlier case of nginx's.
pub(super) struct Case {
    pub(super) name: &'static str,
    process: usize,
    load: Load,
    pub(super) base: usize,
}

/// One run of one case.
#[derive(Clone, Copy)]
pub(super) struct Slice {
    /// Microseconds of processor time for each request.
    pub(super) cost: f64,
    /// Requests a second.
    pub(super) rate: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// The part of the proxy's core that others took.
    pub(super) foreign: f64,
}

/// Installs what is missing, runs everything and prints the tables.
///
/// # Errors
///
/// When something does not install, build, start or answer.
pub(crate) fn run(options: &Options) -> Result<()> {
    for package in [
        &install::NGINX,
        &install::HAPROXY,
        &install::WRK,
        &install::CURL,
    ] {
        install::debian(package)?;
    }
    let program = match &options.binary {
        Some(path) => path.canonicalize()?,
        None => binary::built()?,
    };
    let folder = workspace::root().join("target/bench/proxy");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let ports = Ports::free()?;
    let _backend = subjects::backend(&ports)?;
    let jotgate = subjects::jotgate(&program, &folder)?;
    let site = Site::set_up(&folder, ports.backend, TOKENS * options.rounds)?;
    let processes = [
        subjects::nginx(&folder, &ports, &site)?,
        subjects::haproxy(&folder, &ports)?,
        jotgate,
    ];
    let cases = chosen(cases(&ports, &site, &folder), &options.only);
    let mut slices = vec![Vec::new(); cases.len()];
    for round in 0..options.rounds {
        for (case, slices) in cases.iter().zip(&mut slices) {
            let slice = measured(case, &processes[case.process], options.seconds, round)?;
            println!(
                "round {}: {:<36} {:>7.2} µs, {:>7.0}/s, foreign {:.0} %",
                round + 1,
                case.name,
                slice.cost,
                slice.rate,
                slice.foreign * 100.0
            );
            slices.push(slice);
        }
    }
    report::costs(&cases, &slices);
    if !options.no_memory {
        report::memory(&memory::measure(&processes, &ports, &site)?);
    }
    Ok(())
}

/// Runs a case; again, when others took more than a tenth of the proxy's core.
fn measured(case: &Case, process: &Process, seconds: u64, round: usize) -> Result<Slice> {
    const ENOUGH: f64 = 0.1;
    let mut best = case.load.run(process, seconds, round)?;
    // Tokens that have been seen are no longer distinct.
    let tries = if case.load.is_repeatable() { 2 } else { 0 };
    for _ in 0..tries {
        if best.foreign <= ENOUGH {
            break;
        }
        let again = case.load.run(process, seconds, round)?;
        if again.foreign < best.foreign {
            best = again;
        }
    }
    Ok(best)
}

/// Those that are wanted, and those that they are compared with.
fn chosen(all: Vec<Case>, words: &[String]) -> Vec<Case> {
    if words.is_empty() {
        return all;
    }
    let wanted = |case: &Case| words.iter().any(|word| case.name.contains(word.as_str()));
    let kept: Vec<usize> = (0..all.len())
        .filter(|at| wanted(&all[*at]) || all.iter().any(|case| wanted(case) && case.base == *at))
        .collect();
    let moved = |base: usize| kept.iter().position(|at| *at == base).unwrap_or(0);
    all.into_iter()
        .enumerate()
        .filter(|(at, _)| kept.contains(at))
        .map(|(_, case)| Case {
            base: moved(case.base),
            ..case
        })
        .collect()
}

fn cases(ports: &Ports, site: &Site, folder: &std::path::Path) -> Vec<Case> {
    const NGINX: usize = 0;
    const HAPROXY: usize = 1;
    const JOTGATE: usize = 2;
    let http = |port: u16, path: &str| format!("http://127.0.0.1:{port}{path}");
    let https = |port: u16, path: &str| format!("https://127.0.0.1:{port}{path}");
    let wrk = |url: String, headers: &str| Load::requests(url, folder.join(headers));
    let (plain, tls) = (site.plain_port, site.tls_port);
    let cookie = site.plain_cookie.clone();
    let case = |name, process, load, base| Case {
        name,
        process,
        load,
        base,
    };
    vec![
        case("nginx", NGINX, wrk(http(ports.nginx, "/x"), "none"), 0),
        case(
            "HAProxy",
            HAPROXY,
            wrk(http(ports.haproxy, "/x"), "none"),
            0,
        ),
        case(
            "session cookie",
            JOTGATE,
            wrk(http(plain, "/jwt/x"), "cookies"),
            0,
        ),
        case(
            "same token",
            JOTGATE,
            wrk(http(plain, "/jwt/x"), "token"),
            0,
        ),
        case("anonymous", JOTGATE, wrk(http(plain, "/open/x"), "none"), 0),
        case(
            "distinct tokens",
            JOTGATE,
            Load::distinct(http(plain, "/jwt/x"), folder.join("tokens"), TOKENS),
            0,
        ),
        case(
            "nginx HTTPS",
            NGINX,
            wrk(https(ports.nginx_tls, "/x"), "none"),
            6,
        ),
        case(
            "session cookie HTTPS",
            JOTGATE,
            wrk(https(tls, "/jwt/x"), "tls-cookies"),
            6,
        ),
        case(
            "nginx WebSocket message",
            NGINX,
            Load::sockets(ports.nginx, "/socket", None),
            8,
        ),
        case(
            "HAProxy WebSocket message",
            HAPROXY,
            Load::sockets(ports.haproxy, "/socket", None),
            8,
        ),
        case(
            "WebSocket message",
            JOTGATE,
            Load::sockets(plain, "/jwt/socket", Some(cookie)),
            8,
        ),
    ]
}
