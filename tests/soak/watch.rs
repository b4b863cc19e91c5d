//! Memory and file descriptors of the gateway, over the time.

use std::fs;
use std::time::{Duration, Instant};

use crate::site::Site;

const PAUSE: Duration = Duration::from_secs(5);

/// What memory may grow by from the second third of the time to the last: a leak in anything that
/// is done under load is a multiple of this.
const GROWTH: f64 = 0.05;
/// And how many MiB beside it, for short runs.
const SLACK: f64 = 4.0;

/// Resident memory in MiB, every [`PAUSE`].
pub(crate) struct Watch {
    memory: Vec<f64>,
}

impl Watch {
    /// Looks at the gateway for that long, and prints what it sees.
    pub(crate) async fn run(site: &Site, time: Duration) -> Self {
        let id = site.gateway.process().id();
        let started = Instant::now();
        let mut memory = Vec::new();
        println!(
            "\n{:>8} {:>10} {:>12} {:>12} {:>10}",
            "seconds", "MiB", "descriptors", "connections", "sessions"
        );
        while started.elapsed() < time {
            tokio::time::sleep(PAUSE).await;
            site.backend.forget();
            let resident = resident_mib(id);
            memory.push(resident);
            println!(
                "{:>8} {resident:>10.1} {:>12} {:>12} {:>10}",
                started.elapsed().as_secs(),
                descriptors(id),
                site.gateway.metric("jotgate_connections").await,
                site.gateway.metric("jotgate_sessions").await,
            );
        }
        Self { memory }
    }

    /// Memory that goes on growing. The first third of the time is for growing up.
    pub(crate) fn problem(&self) -> Option<String> {
        let third = self.memory.len() / 3;
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
        let (before, after) = (
            mean(&self.memory[third..2 * third]),
            mean(&self.memory[2 * third..]),
        );
        println!("\nmemory: {before:.1} MiB in the second third, {after:.1} MiB in the last");
        (after > before * (1.0 + GROWTH) + SLACK)
            .then(|| format!("memory grows: {before:.1} MiB, later {after:.1} MiB"))
    }
}

/// How many descriptors are open.
pub(crate) fn descriptors(id: u32) -> usize {
    let open = fs::read_dir(format!("/proc/{id}/fd"));
    open.expect("the descriptors of the gateway, from Linux")
        .count()
}

/// `VmRSS` of proc(5).
fn resident_mib(id: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("the gateway runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    let kib: f64 = number.and_then(|kib| kib.parse().ok()).expect("a number");
    kib / 1024.0
}
