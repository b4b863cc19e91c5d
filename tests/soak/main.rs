//! `cargo xtask soak`: the gateway under good load and abuse at once, for minutes.
//!
//! Fails when a good request fails, an abuser gets an answer that is meant for others, a connection's
//! task panics, memory goes on growing after a while, or file descriptors stay behind. Everything is
//! bounded in rate and time, and nothing leaves this machine.
#![expect(
    clippy::print_stdout,
    reason = "a command line tool: its output is what it is for"
)]

mod abuse;
mod good;
mod site;
mod tally;
mod watch;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jotgate_scenarios::eventually;

use self::site::Site;
use self::tally::Tallies;
use self::watch::Watch;

#[tokio::main]
async fn main() -> ExitCode {
    let minutes = minutes();
    // A step that fails is told in one line: there may be many.
    std::panic::set_hook(Box::new(|panic| println!("{panic}")));
    let site = Arc::new(Site::new().await);
    // What is opened once, such as the connections of the databases, is open now.
    good::request_once(&site).await;
    let at_rest = watch::descriptors(site.gateway.process().id());

    let tallies = Tallies::new();
    good::start(&site, &tallies);
    abuse::start(&site, &tallies);
    println!(
        "{minutes} minutes with {}",
        jotgate_scenarios::binary().display()
    );
    let watch = Watch::run(&site, Duration::from_secs(60 * minutes)).await;
    tallies.stop().await;

    let mut problems = tallies.report();
    problems.extend(watch.problem());
    let site = Arc::into_inner(site).expect("nobody uses the site any more");
    problems.extend(what_stays_behind(site, at_rest).await);
    for problem in &problems {
        println!("FAILED: {problem}");
    }
    if problems.is_empty() {
        println!("passed");
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

/// When everybody has gone, also the backend whose connections are kept for the next request.
async fn what_stays_behind(site: Site, at_rest: usize) -> Vec<String> {
    let Site {
        gateway, backend, ..
    } = site;
    drop(backend);
    let mut problems = Vec::new();
    if gateway.metric("jotgate_panics_total").await > 0.0 {
        problems.push("a connection's task panicked".to_owned());
    }
    let id = gateway.process().id();
    let as_at_the_start = eventually("the end of every connection", async || {
        let open = gateway.metric("jotgate_connections").await
            + gateway.metric("jotgate_websockets").await;
        (open == 0.0 && watch::descriptors(id) <= at_rest).then_some(())
    });
    // It panics when that takes too long, which is a problem among others.
    if std::panic::AssertUnwindSafe(as_at_the_start)
        .catch_unwind()
        .await
        .is_err()
    {
        problems.push("connections or file descriptors stay behind".to_owned());
    }
    println!(
        "file descriptors: {at_rest} at the start, {} at the end",
        watch::descriptors(id)
    );
    problems
}

/// The only argument.
fn minutes() -> u64 {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(number), None) => number.parse().expect("a number of minutes"),
        _ => panic!("usage: soak MINUTES"),
    }
}
