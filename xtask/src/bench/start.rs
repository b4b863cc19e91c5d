//! How long a start takes on an existing data directory, and how much memory an idle gateway holds.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::{binary, workspace};

const STARTS: usize = 10;
/// How long the gateway is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(1);
/// A start that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts the built binary ten times and prints medians.
///
/// # Errors
///
/// When it does not build or does not become ready.
pub(crate) fn start(data_dir: Option<PathBuf>) -> Result<()> {
    let program = binary::built()?;
    let data = data_dir.unwrap_or_else(|| workspace::root().join("target/bench/start"));
    println!("first start, which makes the data directory if it is not there");
    Gateway::start(&program, &data)?.stop()?;
    let mut millis = Vec::new();
    let mut kib = Vec::new();
    for _ in 0..STARTS {
        let (gateway, took) = timed(&program, &data)?;
        sleep(IDLE);
        kib.push(gateway.resident_kib()?);
        gateway.stop()?;
        millis.push(took.as_secs_f64() * 1e3);
    }
    let mib: Vec<f64> = kib.iter().map(|kib| kib / 1024.0).collect();
    println!("\n{STARTS} starts of {}", program.display());
    println!("{:<28} {:>8} {:>8} {:>8}", "", "median", "least", "most");
    print_row("ready after, ms", millis);
    print_row("resident when idle, MiB", mib);
    Ok(())
}

fn timed(program: &Path, data: &Path) -> Result<(Gateway, Duration)> {
    let started = Instant::now();
    let gateway = Gateway::start(program, data)?;
    Ok((gateway, started.elapsed()))
}

fn print_row(what: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let median = f64::midpoint(values[middle], values[values.len() - 1 - middle]);
    let (least, most) = (values[0], values[values.len() - 1]);
    println!("{what:<28} {median:>8.1} {least:>8.1} {most:>8.1}");
}

/// A running gateway; ended with the value.
struct Gateway {
    child: Child,
}

/// The part of `run/listeners.json` that is needed here.
#[derive(Deserialize)]
struct Listeners {
    observe: String,
}

impl Gateway {
    /// Starts it and waits until it is ready.
    fn start(program: &Path, data: &Path) -> Result<Self> {
        let listeners = data.join("run/listeners.json");
        if listeners.exists() {
            fs::remove_file(&listeners)?;
        }
        let mut command = Command::new(program);
        command.arg("serve").arg("--data-dir").arg(data);
        for flag in [
            "--listen",
            "--qrs-listen",
            "--qps-listen",
            "--observe-listen",
        ] {
            command.args([flag, "127.0.0.1:0"]);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut gateway = Self {
            child: child.spawn()?,
        };
        gateway.wait_until_ready(&listeners)?;
        Ok(gateway)
    }

    fn wait_until_ready(&mut self, listeners: &Path) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!("the gateway ended with {status} instead of becoming ready");
            }
            if is_ready(listeners) {
                return Ok(());
            }
            sleep(Duration::from_millis(1));
        }
        bail!("the gateway was not ready after {PATIENCE:?}")
    }

    /// `VmRSS` of proc(5).
    fn resident_kib(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .context("resident memory is read from /proc, which only Linux has")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.context("/proc/PID/status has no VmRSS")?.parse()?)
    }

    /// Stops it as an operator does, so that the next start finds a data directory in order.
    fn stop(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status()?;
        ensure!(told.success(), "the gateway could not be told to stop");
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It has ended already when `stop` was called; then this fails, which is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn is_ready(listeners: &Path) -> bool {
    let ask = || -> Result<bool> {
        let listeners: Listeners = serde_json::from_slice(&fs::read(listeners)?)?;
        let mut stream = TcpStream::connect(&listeners.observe)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream
            .write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        Ok(&start == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}
