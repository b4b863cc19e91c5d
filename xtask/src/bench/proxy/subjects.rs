//! The proxies, each on the proxies' core, and the backend on the other.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::site::{CERTIFICATE, KEY, Site};
use super::{LOAD_CORE, PROXY_CORE};
use crate::process::family_of;

const PATIENCE: Duration = Duration::from_secs(20);

/// Ports that nobody has.
pub(super) struct Ports {
    pub(super) backend: u16,
    pub(super) nginx: u16,
    pub(super) nginx_tls: u16,
    pub(super) haproxy: u16,
}

impl Ports {
    pub(super) fn free() -> Result<Self> {
        // All of them at once: a port that is given back may be given out again.
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(TcpListener::bind("127.0.0.1:0")?);
        }
        let port = |at: usize| Ok::<u16, std::io::Error>(held[at].local_addr()?.port());
        Ok(Self {
            backend: port(0)?,
            nginx: port(1)?,
            nginx_tls: port(2)?,
            haproxy: port(3)?,
        })
    }
}

/// A running program; ended with the value.
pub(super) struct Process(Child);

impl Process {
    fn start(core: &str, program: &Path, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new("taskset");
        command.args(["-c", core]).arg(program).args(arguments);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Ok(Self(child.context(
            "taskset cannot be started (package util-linux)",
        )?))
    }

    fn wait_for(&mut self, port: u16) -> Result<()> {
        self.wait_until("takes no connections", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        })
    }

    fn wait_until(&mut self, what: &str, done: impl Fn() -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.0.try_wait()? {
                bail!("a program of the benchmark ended with {status}");
            }
            if done() {
                return Ok(());
            }
            sleep(Duration::from_millis(10));
        }
        bail!("a program of the benchmark {what}")
    }

    /// Seconds of processor time that it and its children have taken.
    pub(super) fn seconds(&self) -> f64 {
        let ticks: u64 = family_of(self.0.id()).into_iter().map(ticks).sum();
        // USER_HZ is 100 on every Linux.
        ticks as f64 / 100.0
    }

    /// Bytes of memory of it and its children, shared pages shared out.
    pub(super) fn memory(&self) -> Result<f64> {
        let mut kib = 0.0;
        for pid in family_of(self.0.id()) {
            let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
            let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
            let number = line.and_then(|line| line.split_whitespace().next());
            kib += number.context("smaps_rollup has no Pss")?.parse::<f64>()?;
        }
        Ok(kib * 1024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // As an operator does: nginx takes its worker along. Who has ended already is left alone.
        let pid = self.0.id().to_string();
        drop(Command::new("kill").args(["-TERM", &pid]).status());
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && matches!(self.0.try_wait(), Ok(None)) {
            sleep(Duration::from_millis(10));
        }
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// `utime` and `stime` of proc(5).
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let fields = fields.split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// Seconds for which the proxies' core was busy, with whatever.
pub(super) fn core_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let name = format!("cpu{PROXY_CORE} ");
    let line = stat.lines().find_map(|line| line.strip_prefix(&name));
    let fields: Vec<u64> = line
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    // Not idle, not waiting for a disk, and guests are counted as users already.
    let busy = |at: &usize| !matches!(*at, 3 | 4 | 8 | 9);
    let ticks: u64 = (0..fields.len()).filter(busy).map(|at| fields[at]).sum();
    ticks as f64 / 100.0
}

/// This program, as the backend.
pub(super) fn backend(ports: &Ports) -> Result<Process> {
    let port = ports.backend.to_string();
    let mut process = Process::start(
        LOAD_CORE,
        &std::env::current_exe()?,
        &["bench", "backend", &port],
    )?;
    process.wait_for(ports.backend)?;
    Ok(process)
}

pub(super) fn nginx(folder: &Path, ports: &Ports, site: &Site) -> Result<Process> {
    let Ports {
        backend,
        nginx,
        nginx_tls,
        ..
    } = ports;
    let at = folder.display();
    let (certificate, key) = (site.file(CERTIFICATE), site.file(KEY));
    let (certificate, key) = (certificate.display(), key.display());
    let configuration = format!(
        r#"daemon off; worker_processes 1; pid {at}/nginx.pid; error_log {at}/nginx-error.log;
events {{ worker_connections 18000; }}
http {{
  access_log {at}/nginx-access.log; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path {at}/n1; proxy_temp_path {at}/n2; fastcgi_temp_path {at}/n3; uwsgi_temp_path {at}/n4; scgi_temp_path {at}/n5;
  map $http_upgrade $connection_kind {{ default upgrade; '' ''; }}
  upstream backend {{ server 127.0.0.1:{backend}; keepalive 1024; keepalive_requests 1000000000; }}
  proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_read_timeout 600s;
  proxy_set_header Connection $connection_kind; proxy_set_header Upgrade $http_upgrade;
  server {{ listen 127.0.0.1:{nginx} backlog=8192; location / {{ proxy_pass http://backend; }} }}
  server {{ listen 127.0.0.1:{nginx_tls} ssl backlog=8192; ssl_protocols TLSv1.3;
    ssl_certificate {certificate}; ssl_certificate_key {key}; location / {{ proxy_pass http://backend; }} }}
}}
"#
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration)?;
    let file = file.display().to_string();
    let mut process = Process::start(PROXY_CORE, Path::new("/usr/sbin/nginx"), &["-c", &file])?;
    process.wait_for(ports.nginx)?;
    Ok(process)
}

pub(super) fn haproxy(folder: &Path, ports: &Ports) -> Result<Process> {
    let Ports {
        backend, haproxy, ..
    } = ports;
    let configuration = format!(
        "global\n nbthread 1\n maxconn 9000\ndefaults\n mode http\n timeout connect 5s\n timeout client 600s\n \
timeout server 600s\n timeout tunnel 600s\n http-reuse always\nfrontend f\n bind 127.0.0.1:{haproxy} backlog 8192\n \
default_backend b\nbackend b\n server s 127.0.0.1:{backend} pool-max-conn 1024\n"
    );
    let file = folder.join("haproxy.cfg");
    fs::write(&file, configuration)?;
    let file = file.display().to_string();
    let mut process = Process::start(
        PROXY_CORE,
        Path::new("/usr/sbin/haproxy"),
        &["-db", "-f", &file],
    )?;
    process.wait_for(ports.haproxy)?;
    Ok(process)
}

/// Jotgate with one worker, its access log in a file; everything else as it comes.
pub(super) fn jotgate(program: &Path, folder: &Path) -> Result<Process> {
    let data = folder.join("data").display().to_string();
    let log = folder.join("access.log").display().to_string();
    let mut arguments = vec!["serve", "--data-dir", &data, "--access-log", &log];
    for flag in [
        "--listen",
        "--listen-http",
        "--qrs-listen",
        "--qps-listen",
        "--observe-listen",
    ] {
        arguments.extend([flag, "127.0.0.1:0"]);
    }
    arguments.extend(["--worker-threads", "1", "--log", "warn"]);
    let mut process = Process::start(PROXY_CORE, program, &arguments)?;
    let listeners = folder.join("data/run/listeners.json");
    process.wait_until("is not ready", || listeners.exists())?;
    ensure!(listeners.exists(), "no listeners.json");
    Ok(process)
}
