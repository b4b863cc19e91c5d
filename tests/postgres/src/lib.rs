//! PostgreSQL servers for tests: real ones, on a folder of their own, which end with the test.
//!
//! The Debian package `postgresql` is enough; the cluster that it makes is not used. Everything goes
//! through a Unix socket in the server's folder, so no port is taken.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The port that the name of the socket has, where it does not listen at any.
const PORT: u16 = 5432;

/// A running server. It ends when this is dropped, or the process is gone.
pub struct Server {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    supervisor: Mutex<Supervisor>,
    databases: AtomicU32,
}

/// How a server differs from the usual one, which lets everybody in, through its socket alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings<'a> {
    /// An address that it listens at, on a port of its own.
    pub address: Option<IpAddr>,
    /// `name=value`, as in `postgresql.conf`.
    pub parameters: &'a [&'a str],
    /// Lines of `pg_hba.conf`: who may come in, beside the superuser through the socket.
    pub who: &'a str,
    /// Files that it alone reads, by their names: its parameters find them in `..`.
    pub files: &'a [(&'a str, &'a str)],
}

struct Supervisor {
    process: Child,
    /// Nothing once it is to end.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Server {
    /// The server that all tests of this process share. Each takes a database of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server for a test that stops it.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&Settings::default())
    }

    /// A server that differs from the usual one.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn with(settings: &Settings<'_>) -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new()
            .prefix("jotgate-postgres-")
            .tempdir();
        // The supervisor removes it: a shared server is never dropped.
        let folder = folder.expect("a folder for temporary files").keep();
        let port = settings.address.map_or(PORT, free_port);
        let mut command = Command::new("sh");
        command
            .args(["-c", include_str!("supervisor.sh"), "supervisor"])
            .args([&programs, &folder])
            .args(settings.write(&folder))
            .env("PGPORT", port.to_string())
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some((user, group)) = other_user(&folder) {
            let files = fs::read_dir(&folder).expect("a folder");
            let files = files.map(|file| file.expect("a file").path());
            for path in files.chain([folder.clone()]) {
                chown(path, Some(user), Some(group)).expect("to give a file away");
            }
            command.uid(user).gid(group);
        }
        let mut process = command.spawn().expect("a shell");
        let answers = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut supervisor = Supervisor {
            orders: process.stdin.take(),
            process,
            answers,
        };
        supervisor.wait();
        Self {
            programs,
            folder,
            port,
            supervisor: Mutex::new(supervisor),
            databases: AtomicU32::new(0),
        }
    }

    /// The address of a new, empty database.
    ///
    /// # Panics
    /// When the server does not make one.
    pub fn database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test{number}");
        let made = Command::new(self.programs.join("createdb"))
            .args([OsStr::new("-h"), self.folder.as_os_str()])
            .args(["-U", "jotgate", &name])
            .env("PGPORT", self.port.to_string())
            .status();
        assert!(made.expect("createdb").success(), "{name} was not made");
        self.url(&name)
    }

    /// The address of the database of that name.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        let (port, folder) = (self.port, self.folder.display());
        format!("postgres://jotgate@localhost:{port}/{name}?host={folder}")
    }

    /// The server's socket, for whoever comes through a relay.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join(format!(".s.PGSQL.{}", self.port))
    }

    /// Its port, where it listens at an address.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Does that as the superuser, and gives what was selected.
    ///
    /// # Panics
    /// When it cannot be done.
    pub fn run(&self, statements: &[&str]) -> String {
        let mut command = Command::new(self.programs.join("psql"));
        command
            .args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1"])
            .args(["-U", "jotgate", "-d", "postgres", "-h"])
            .arg(&self.folder)
            .env("PGPORT", self.port.to_string());
        for statement in statements {
            command.args(["-c", statement]);
        }
        let done = command.output().expect("psql");
        assert!(done.status.success(), "{done:?}");
        let text = String::from_utf8(done.stdout).expect("a text");
        text.trim_end().to_owned()
    }

    /// The process whose children are the server's others.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn id(&self) -> u32 {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid"));
        let file = file.expect("a server that runs");
        let line = file.lines().next().expect("a line");
        line.parse().expect("the id of a process")
    }

    /// Stops it, as an administrator does: connections are told and closed.
    pub fn stop(&self) {
        self.order("stop");
    }

    /// Stops it without a word.
    pub fn crash(&self) {
        self.order("crash");
    }

    /// Starts it again, with everything in it.
    pub fn start_again(&self) {
        self.order("start");
    }

    /// From now on it does nothing, and says nothing.
    pub fn freeze(&self) {
        self.order("freeze");
    }

    /// It goes on.
    pub fn thaw(&self) {
        self.order("thaw");
    }

    fn order(&self, order: &str) {
        let mut supervisor = self
            .supervisor
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let orders = supervisor.orders.as_mut().expect("it has not ended");
        writeln!(orders, "{order}").expect("the supervisor listens");
        supervisor.wait();
    }
}

impl Settings<'_> {
    /// Writes the files, and gives the parameters.
    fn write(&self, folder: &Path) -> Vec<String> {
        let mut all = self.parameters.to_vec();
        let listens = self.address.map(|at| format!("listen_addresses={at}"));
        all.extend(listens.as_deref());
        let who = folder.join("who");
        let known = format!("hba_file={}", who.display());
        if !self.who.is_empty() {
            write(&who, &format!("local all jotgate trust\n{}\n", self.who));
            all.push(&known);
        }
        for (name, content) in self.files {
            write(&folder.join(name), content);
        }
        all.into_iter()
            .flat_map(|parameter| ["-c".to_owned(), parameter.to_owned()])
            .collect()
    }
}

/// A file for its owner alone.
fn write(path: &Path, content: &str) {
    fs::write(path, content).expect("a file of the server");
    let own = fs::Permissions::from_mode(0o600);
    fs::set_permissions(path, own).expect("the owner of a file");
}

fn free_port(address: IpAddr) -> u16 {
    let listener = TcpListener::bind((address, 0)).expect("a port");
    listener.local_addr().expect("a bound socket").port()
}

impl Supervisor {
    fn wait(&mut self) {
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("an answer");
        assert_eq!(answer, "done\n", "PostgreSQL has ended; see above");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let supervisor = self
            .supervisor
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        drop(supervisor.orders.take());
        drop(supervisor.process.wait());
    }
}

/// The newest version's programs, where Debian has them; else whatever the search path has.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = versions
        .filter_map(|version| version.ok()?.file_name().into_string().ok()?.parse().ok())
        .max();
    if let Some::<u32>(version) = newest {
        return format!("/usr/lib/postgresql/{version}/bin").into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file());
    found.expect("PostgreSQL's initdb; on Debian, install the package postgresql")
}

/// PostgreSQL does not run as root: then the user is the package's.
fn other_user(folder: &Path) -> Option<(u32, u32)> {
    let is_root = fs::metadata(folder).is_ok_and(|folder| folder.uid() == 0);
    if !is_root {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let mut fields = line
        .expect("the user postgres, who comes with the package")
        .split(':');
    let mut number = |at| fields.nth(at).and_then(|field: &str| field.parse().ok());
    Some((number(2)?, number(0)?))
}
