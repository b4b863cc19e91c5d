//! The built binary as a process that does not outlive its test.

use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

/// The binary under test: what `JOTGATE_BINARY` names, else the newest one that was built.
///
/// # Panics
/// When there is none.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("JOTGATE_BINARY") {
        Some(path) => {
            let path = PathBuf::from(path);
            assert!(
                path.is_file(),
                "JOTGATE_BINARY names {}, which is no file",
                path.display()
            );
            path
        }
        None => newest_built(),
    })
}

fn newest_built() -> PathBuf {
    let built = |profile: &str| {
        let path = target().join(profile).join("jotgate");
        let modified = path.metadata().and_then(|found| found.modified()).ok()?;
        Some((modified, path))
    };
    let newest = ["release", "debug"].into_iter().filter_map(built).max();
    let (_, path) = newest
        .expect("the gateway is not built; run `cargo build -p jotgate`, or set JOTGATE_BINARY");
    path
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    )
}

/// A running `jotgate`. It is killed, with everything it started, when this is dropped; what it wrote
/// is shown when the test fails.
pub struct Process {
    child: Child,
    stdout: Output,
    stderr: Output,
    ended: Option<Ended>,
}

/// How a process ended, and what it wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; nothing when a signal ended it.
    pub code: Option<i32>,
    /// The number of the signal that ended it.
    pub signal: Option<i32>,
    /// Everything on standard output.
    pub stdout: String,
    /// Everything on standard error.
    pub stderr: String,
}

impl Process {
    /// Starts the binary with `arguments`, in a process group of its own, without any `JOTGATE_`
    /// variable but those of `environment`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start<A: AsRef<str>>(arguments: &[A], environment: &[(String, String)]) -> Self {
        Self::start_under(&[], arguments, environment)
    }

    /// As [`Process::start`], by another program that becomes the binary, such as `env`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start_under<A: AsRef<str>>(
        program: &[String],
        arguments: &[A],
        environment: &[(String, String)],
    ) -> Self {
        let mut command = match program.split_first() {
            None => Command::new(binary()),
            Some((name, first)) => {
                let mut command = Command::new(name);
                command.args(first).arg(binary());
                command
            }
        };
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("JOTGATE_") {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(arguments.iter().map(AsRef::as_ref))
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("the binary can be started");
        let stdout = Output::collect(child.stdout.take().expect("a pipe"));
        let stderr = Output::collect(child.stderr.take().expect("a pipe"));
        Self {
            child,
            stdout,
            stderr,
            ended: None,
        }
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has written to standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Sends a signal to it and to what it started.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn signal(&self, signal: Signal) {
        if self.ended.is_some() {
            return;
        }
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        match kill_process_group(group.expect("a process number"), signal) {
            // It may have ended already, which is what most signals are for.
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => panic!("the signal cannot be sent: {error}"),
        }
    }

    /// How it ended, if it has.
    ///
    /// # Panics
    /// When the system does not know the process.
    pub fn ended(&mut self) -> Option<&Ended> {
        if self.ended.is_none() {
            let status = self.child.try_wait().expect("the state of the process")?;
            self.ended = Some(Ended {
                code: status.code(),
                signal: status.signal(),
                stdout: self.stdout.rest(),
                stderr: self.stderr.rest(),
            });
        }
        self.ended.as_ref()
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// When it still runs after `limit`.
    pub async fn wait(&mut self, limit: Duration) -> Ended {
        let started = Instant::now();
        loop {
            if let Some(ended) = self.ended() {
                return ended.clone();
            }
            assert!(
                started.elapsed() < limit,
                "the process still runs after {limit:?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.signal(Signal::KILL);
            drop(self.child.wait());
        }
        if std::thread::panicking() {
            self.show();
        }
    }
}

impl Process {
    #[expect(clippy::print_stderr, reason = "it explains a failed test")]
    fn show(&self) {
        eprintln!("--- standard output of jotgate ---\n{}", self.stdout());
        eprintln!("--- standard error of jotgate ---\n{}", self.stderr());
    }
}

/// A pipe that is read by a thread, so that the process never waits for us.
struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    fn collect(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let shared = bytes.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                shared
                    .lock()
                    .expect("the output")
                    .extend_from_slice(&buffer[..length]);
            }
        });
        Self {
            bytes,
            reader: Some(reader),
        }
    }

    fn text(&self) -> String {
        let bytes = self.bytes.lock().expect("the output");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Everything, once the process has ended.
    fn rest(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            drop(reader.join());
        }
        self.text()
    }
}
