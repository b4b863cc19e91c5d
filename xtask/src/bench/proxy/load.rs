//! The load: wrk for requests, this program itself for messages of WebSockets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::subjects::{Process, core_seconds};
use super::{LOAD_CORE, Slice};

/// What wrk does: `headers` has a line for each request, which are used in turns; `from` and `count` name
/// lines that are used once. When all are used, wrk sleeps on: `took` is how long there was load.
const SCRIPT: &str = r#"
local ffi = require("ffi")
ffi.cdef("typedef struct { long s; long us; } jotgate_time; int gettimeofday(jotgate_time *, void *);")
local function now()
  local time = ffi.new("jotgate_time")
  ffi.C.gettimeofday(time, nil)
  return tonumber(time.s) + tonumber(time.us) / 1e6
end
local worker
local requests, i, once, began = {}, 0, false, nil
took = 0
function setup(thread) worker = thread end
function init(arguments)
  local from, count, n = tonumber(arguments[2]), tonumber(arguments[3]), 0
  once = count > 0
  for line in io.lines(arguments[1]) do
    n = n + 1
    if not once or (n > from and n <= from + count) then
      local name, value = line:match("^([^:]+): ?(.*)$")
      if name then wrk.headers[name] = value end
      requests[#requests + 1] = wrk.format()
    end
  end
  if #requests == 0 then requests[1] = wrk.format() end
end
function request()
  began = began or now()
  i = i + 1
  if i > #requests then
    if once then
      took = now() - began
      wrk.thread:stop()
    end
    i = 1
  end
  return requests[i]
end
function done(summary, latency)
  local e = summary.errors
  local took = worker:get("took")
  if took == 0 then took = summary.duration / 1e6 end
  io.write(string.format('JSON {"requests":%d,"rate":%f,"p50":%d,"p99":%d,"errors":%d}\n', summary.requests,
    summary.requests / took, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.timeout + e.status))
end
"#;

/// Seconds in which lines that are used once are to be used; what is left then is left.
const ONCE: u64 = 5;

/// What is sent, and where to.
pub(super) enum Load {
    Requests {
        url: String,
        headers: PathBuf,
        /// How many lines of `headers` a round uses up; 0 when they can be used again.
        once: usize,
    },
    Sockets {
        port: u16,
        path: &'static str,
        cookie: Option<String>,
    },
}

#[derive(Deserialize)]
struct Outcome {
    requests: u64,
    rate: f64,
    p50: f64,
    p99: f64,
    errors: u64,
}

impl Load {
    pub(super) const fn requests(url: String, headers: PathBuf) -> Self {
        Self::Requests {
            url,
            headers,
            once: 0,
        }
    }

    pub(super) const fn distinct(url: String, headers: PathBuf, once: usize) -> Self {
        Self::Requests { url, headers, once }
    }

    pub(super) const fn sockets(port: u16, path: &'static str, cookie: Option<String>) -> Self {
        Self::Sockets { port, path, cookie }
    }

    /// Whether the same load can be put on again.
    pub(super) const fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Requests { once: 1.., .. })
    }

    /// Loads `process`, and says what that cost it.
    pub(super) fn run(&self, process: &Process, seconds: u64, round: usize) -> Result<Slice> {
        let command = self.command(seconds, round)?;
        let began = Instant::now();
        let (own, core) = (process.seconds(), core_seconds());
        let outcome = outcome(command)?;
        let own = process.seconds() - own;
        let foreign = core_seconds() - core - own;
        ensure!(
            outcome.errors == 0 && outcome.requests > 0,
            "{} of {} requests failed",
            outcome.errors,
            outcome.requests
        );
        Ok(Slice {
            cost: own * 1e6 / outcome.requests as f64,
            rate: outcome.rate,
            p50: outcome.p50,
            p99: outcome.p99,
            foreign: (foreign / began.elapsed().as_secs_f64()).max(0.0),
        })
    }

    fn command(&self, seconds: u64, round: usize) -> Result<Command> {
        let mut command = Command::new("taskset");
        command.args(["-c", LOAD_CORE]);
        match self {
            Self::Requests { url, headers, once } => {
                let script = headers.with_file_name("load.lua");
                fs::write(&script, SCRIPT)?;
                let seconds = if *once > 0 {
                    seconds.max(ONCE)
                } else {
                    seconds
                };
                command
                    .args(["wrk", "-t1", "-c64"])
                    .arg(format!("-d{seconds}s"));
                command
                    .arg("-s")
                    .arg(script)
                    .arg(url)
                    .arg("--")
                    .arg(headers);
                command.args([(once * round).to_string(), once.to_string()]);
            }
            Self::Sockets { port, path, cookie } => {
                command
                    .arg(std::env::current_exe()?)
                    .args(["bench", "sockets"]);
                command.args([&port.to_string(), *path, &seconds.to_string()]);
                command.args(cookie);
            }
        }
        Ok(command)
    }
}

fn outcome(mut command: Command) -> Result<Outcome> {
    let output = command.output().context("the load cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("JSON "));
    let line = line.with_context(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        format!("the load said nothing of its outcome: {text} {errors}")
    })?;
    Ok(serde_json::from_str(line)?)
}

/// Writes the lines of headers that requests carry.
pub(super) fn write_headers(folder: &Path, name: &str, lines: &[String]) -> Result<()> {
    fs::write(folder.join(name), lines.join("\n"))?;
    Ok(())
}
