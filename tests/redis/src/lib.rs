//! Redis for tests: the server of the Debian package on a port of its own, broken as it breaks in a data
//! centre, and ended with the test.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod authority;
mod cluster;
mod link;
mod sentinel;

pub use self::authority::Authority;
pub use self::cluster::RedisCluster;
pub use self::link::SlowLink;
pub use self::sentinel::WatchedRedis;

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The settings of a sentinel: it takes them from a file only, and writes to it.
const SENTINEL_FILE: &str = "sentinel.conf";

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running Redis with a folder of its own. It is killed when this is dropped, and when the thread
/// that started it ends.
pub struct RedisServer {
    process: Child,
    folder: TempDir,
    port: u16,
    settings: Vec<String>,
}

impl RedisServer {
    /// One that keeps everything on disk, as a store of sessions should.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    /// One with these settings of `redis-server`.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn with(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let settings: Vec<_> = settings.iter().map(|&text| text.to_owned()).collect();
        Self::start_in(folder, settings)
    }

    fn start_in(folder: TempDir, settings: Vec<String>) -> Self {
        // Somebody else may take the port in between.
        for _ in 0..5 {
            let port = free_port();
            if let Some(process) = spawn(folder.path(), port, &settings) {
                return Self {
                    process,
                    folder,
                    port,
                    settings,
                };
            }
        }
        panic!("redis-server does not start; is the Debian package redis-server installed?");
    }

    /// Kills it: whatever it has not told anybody is lost with it.
    ///
    /// # Panics
    /// It cannot be waited for.
    pub fn kill(&mut self) {
        // It may have ended already.
        self.process.kill().ok();
        self.process.wait().expect("the process can be waited for");
    }

    /// `redis://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port on the loopback interface.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it in order. It can be started again with [`RedisServer::start_again`].
    ///
    /// # Panics
    /// It cannot be told.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
        self.process.wait().expect("the process can be waited for");
    }

    /// Starts it again at the same port, with what it has kept.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_again(&mut self) {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(process) = spawn(self.folder.path(), self.port, &self.settings) {
                self.process = process;
                return;
            }
            assert!(Instant::now() < until, "redis-server does not start again");
        }
    }

    /// Takes away what it has kept on disk; to be called when it is stopped.
    ///
    /// # Panics
    /// The files cannot be removed.
    pub fn lose_everything(&self) {
        for entry in std::fs::read_dir(self.folder.path()).expect("the folder") {
            let path = entry.expect("an entry of the folder").path();
            let removed = if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
            removed.expect("the files can be removed");
        }
    }

    /// Stops answering without closing a connection, as a machine that hangs.
    ///
    /// # Panics
    /// It cannot be told.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Goes on after [`RedisServer::freeze`].
    ///
    /// # Panics
    /// It cannot be told.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Sends commands, one in a line, of words without spaces, and gives the first line of the last answer. All
    /// other answers must be one line.
    ///
    /// # Panics
    /// It does not answer.
    #[must_use]
    pub fn ask(&self, commands: &str) -> String {
        let mut lines = self.ask_for_lines(commands, 1);
        lines.pop().expect("one line")
    }

    /// As [`RedisServer::ask`], with as many lines of the last answer.
    ///
    /// # Panics
    /// It does not answer, or with less.
    #[must_use]
    pub fn ask_for_lines(&self, commands: &str, count: usize) -> Vec<String> {
        let lines = self.try_ask(commands, count).expect("it answers");
        assert_eq!(lines.len(), count, "{commands}: {lines:?}");
        lines
    }

    /// The same, for a server that may break connections.
    fn try_ask(&self, commands: &str, count: usize) -> io::Result<Vec<String>> {
        let lines = self.send(commands)?.lines();
        let lines = lines.skip(commands.lines().count() - 1);
        lines.take(count).collect()
    }

    /// The lines of a section of `INFO`.
    ///
    /// # Panics
    /// It does not answer.
    #[must_use]
    pub fn info(&self, section: &str) -> Vec<String> {
        let answer = self.send(&format!("INFO {section}"));
        let mut answer = answer.expect("it listens");
        let mut length = String::new();
        answer.read_line(&mut length).expect("it answers");
        let length = length.trim_end().trim_start_matches('$');
        let mut text = vec![0; length.parse().expect("a length")];
        answer.read_exact(&mut text).expect("so many bytes");
        let text = String::from_utf8_lossy(&text);
        text.lines().map(str::to_owned).collect()
    }

    /// Sends commands, and gives what reads the answers.
    fn send(&self, commands: &str) -> io::Result<BufReader<TcpStream>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        for command in commands.lines() {
            let words: Vec<_> = command.split_whitespace().collect();
            let mut request = format!("*{}\r\n", words.len());
            for word in words {
                request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
            }
            stream.write_all(request.as_bytes())?;
        }
        Ok(BufReader::new(stream))
    }

    /// Everything that is in it, as it is in its memory and on its disk: to look for what must not be
    /// there.
    ///
    /// # Panics
    /// It cannot be read.
    #[must_use]
    pub fn dump(&self) -> Vec<u8> {
        assert_eq!(self.ask("SAVE"), "+OK");
        std::fs::read(self.folder.path().join("dump.rdb")).expect("a saved dump")
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.process.id()).expect("a process id");
        let pid = Pid::from_raw(id).expect("a process id");
        kill_process(pid, signal).expect("the process is ours");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Starts it and waits until it is ready; `None` when it ends before.
fn spawn(folder: &Path, port: u16, settings: &[String]) -> Option<Child> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "redis-server"]);
    if folder.join(SENTINEL_FILE).exists() {
        command.arg(folder.join(SENTINEL_FILE));
        command.arg("--sentinel");
    } else {
        command.args(["--rdbcompression", "no", "--save", ""]);
        command.args(["--enable-debug-command", "yes"]);
    }
    command.args(["--bind", "127.0.0.1", "--port"]);
    command.arg(port.to_string());
    command.arg("--dir").arg(folder).args(settings);
    let mut process = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("setpriv starts redis-server; is the Debian package redis-server installed?");
    let output = process.stdout.take().expect("a pipe");
    let ready = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .any(|line| {
            line.contains("Ready to accept connections") || line.contains("Sentinel ID is")
        });
    if ready {
        return Some(process);
    }
    process.wait().ok();
    None
}

/// Waits until something is so.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A port of this machine that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of the loopback interface");
    listener.local_addr().expect("a bound socket").port()
}
