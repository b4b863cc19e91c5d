//! `cargo xtask bench cluster`: three nodes with one PostgreSQL and one Redis, under a steady load.
//!
//! Prints how long it takes until a save is served by every node and until an end reaches every WebSocket,
//! what a request costs a node of a fleet and a node by itself, and what everything else costs each
//! process: the figures of `docs/SCALE.md`. Fails when a target of the product is missed.
#![expect(
    clippy::print_stdout,
    reason = "a command line tool: its output is what it is for"
)]

mod effects;
mod load;
mod meter;
mod path;
mod site;
mod table;
mod units;

use std::process::ExitCode;

use self::load::Load;
use self::site::Site;

#[tokio::main]
async fn main() -> ExitCode {
    let rounds = rounds();
    let site = Site::new().await;
    println!("three nodes of {}", jotgate_scenarios::binary().display());

    let load = Load::start(&site).await;
    let mut missed = effects::measure(&site, rounds).await;
    missed.extend(load.stop().await);
    missed.extend(path::measure(&site).await);
    units::measure(&site).await;

    for problem in &missed {
        println!("MISSED: {problem}");
    }
    if missed.is_empty() {
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

/// The only argument.
fn rounds() -> usize {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(number), None) => number.parse().expect("a number of rounds"),
        _ => panic!("usage: cluster ROUNDS"),
    }
}
