//! Processor time and memory of processes, from proc(5).

use std::fs;
use std::process::{Command, Stdio};

/// Seconds of processor time that the process and its children have taken.
pub(crate) fn seconds(id: u32) -> f64 {
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
    let children = children.unwrap_or_default();
    let children = children.split_whitespace().filter_map(|id| id.parse().ok());
    let ticks: u64 = children.map(|child| ticks(child, 2)).sum();
    // USER_HZ is 100 on every Linux.
    (ticks + self::ticks(id, 4)) as f64 / 100.0
}

/// The first of `utime`, `stime`, `cutime` and `cstime`, added up; the last two are of children that
/// have ended.
fn ticks(id: u32, fields: usize) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let (_, behind) = stat.rsplit_once(')').unwrap_or_default();
    let times = behind.split_whitespace().skip(11).take(fields);
    times.filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// Bytes of resident memory.
pub(crate) fn memory(id: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    let kib: f64 = number.and_then(|kib| kib.parse().ok()).expect("a number");
    kib * 1024.0
}

/// Bytes that Redis has in use, and how many of them are the stream of changes, which has a limit of its
/// own.
pub(crate) fn redis_memory(port: u16) -> [f64; 2] {
    let used = redis(port, &["info", "memory"]);
    let used = used
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    let stream = ["memory", "usage", "{jotgate}:changes", "samples", "0"];
    let stream = redis(port, &stream);
    [used, Some(stream.as_str())].map(|text| {
        let text = text.expect("a line").trim();
        text.parse().expect("a number of bytes")
    })
}

fn redis(port: u16, command: &[&str]) -> String {
    let mut program = Command::new("redis-cli");
    program.args(["-p", &port.to_string()]).args(command);
    let output = program.output().expect("redis-cli of redis-tools").stdout;
    String::from_utf8(output).expect("a text")
}

/// Keeps all threads of a process on these cores, as taskset(1) names them.
pub(crate) fn pin(id: u32, cores: &str) {
    let mut command = Command::new("taskset");
    command.args(["-a", "-p", "-c", cores, &id.to_string()]);
    let status = command.stdout(Stdio::null()).status();
    assert!(status.expect("taskset of util-linux").success());
}
