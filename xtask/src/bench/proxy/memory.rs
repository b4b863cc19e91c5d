//! What connections cost that only wait: the slope of the memory between two numbers of them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::site::Site;
use super::subjects::{Ports, Process};
use crate::bench::backend::UPGRADE;

const SCRIPT: &str = include_str!("idle.py");
const FEW: usize = 500;
const MANY: usize = 2500;
/// How long memory is left to settle.
const PAUSE: Duration = Duration::from_secs(2);

/// Name and bytes for each connection.
pub(super) fn measure(
    [nginx, haproxy, jotgate]: &[Process; 3],
    ports: &Ports,
    site: &Site,
) -> Result<Vec<(&'static str, f64)>> {
    let get = |path: &str, headers: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
    };
    let own =
        |path: &str, cookie: &str, headers: &str| get(path, &format!("{headers}{cookie}\r\n"));
    let (plain, tls) = (&site.plain_cookie, &site.tls_cookie);
    let runs = [
        (
            "nginx, idle connection",
            nginx,
            ports.nginx,
            "plain",
            get("/x", ""),
        ),
        (
            "HAProxy, idle connection",
            haproxy,
            ports.haproxy,
            "plain",
            get("/x", ""),
        ),
        (
            "Jotgate, idle connection",
            jotgate,
            site.plain_port,
            "plain",
            own("/jwt/x", plain, ""),
        ),
        (
            "nginx, idle WebSocket",
            nginx,
            ports.nginx,
            "plain",
            get("/socket", UPGRADE),
        ),
        (
            "HAProxy, idle WebSocket",
            haproxy,
            ports.haproxy,
            "plain",
            get("/socket", UPGRADE),
        ),
        (
            "Jotgate, idle WebSocket",
            jotgate,
            site.plain_port,
            "plain",
            own("/jwt/socket", plain, UPGRADE),
        ),
        (
            "nginx, idle WebSocket over TLS",
            nginx,
            ports.nginx_tls,
            "tls",
            get("/socket", UPGRADE),
        ),
        (
            "Jotgate, idle WebSocket over TLS",
            jotgate,
            site.tls_port,
            "tls",
            own("/jwt/socket", tls, UPGRADE),
        ),
    ];
    let mut rows = Vec::new();
    for (name, process, port, kind, request) in runs {
        // In this order, and once: what a program has freed it may keep, and would fill again.
        let with = |count| with_open(process, port, kind, count, &request).context(name);
        let (few, many) = (with(FEW)?, with(MANY)?);
        rows.push((name, (many - few) / (MANY - FEW) as f64));
    }
    Ok(rows)
}

/// The memory of `process` while `count` connections are open that have sent `request`.
fn with_open(process: &Process, port: u16, kind: &str, count: usize, request: &str) -> Result<f64> {
    let mut python = Command::new("python3");
    python.args(["-c", SCRIPT, &port.to_string(), kind, &count.to_string()]);
    let mut child = python
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().context("python has no input")?;
    let output = child.stdout.take().context("python has no output")?;
    let request = request.replace('\r', "\\r").replace('\n', "\\n");
    writeln!(input, "{request}")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    ensure!(
        line.trim() == "ready",
        "idle connections could not be opened"
    );
    sleep(PAUSE);
    let memory = process.memory()?;
    drop(input);
    child.wait()?;
    sleep(PAUSE);
    Ok(memory)
}
