//! The access log: one JSON line a request, written by a thread of its own.

mod output;

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jotgate_model::{PresentedToken, Reason, Timestamp, Uuid};
use parking_lot::{Condvar, Mutex};

use self::output::Output;
use crate::json_line::JsonLine;
use crate::phase::{Phase, PhaseTimes};

/// Bytes that may wait to be written. Lines beyond that are dropped and counted.
const WAITING_BYTES: usize = 8 * 1024 * 1024;
/// How long a line may stay in memory before it is written. The writer is woken once for all lines of
/// that time: to wake it for each line costs more than to serve the request.
const WRITE_AFTER: Duration = Duration::from_millis(100);

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessLogTarget {
    /// To this file, which is appended to, and made anew when it was moved away or removed.
    File(PathBuf),
    /// Nowhere.
    Off,
    /// To standard output.
    StandardOutput,
}

/// What is known of a request when it is over.
#[derive(Clone, Debug)]
pub struct AccessRecord<'a> {
    /// When it came.
    pub time: Timestamp,
    /// What an error page prints, and a search finds.
    pub reference: &'a str,
    /// The client's address.
    pub client: &'a str,
    /// The method.
    pub method: &'a str,
    /// The path without its query; never holds a token.
    pub path: &'a str,
    /// The prefix of the virtual proxy; nothing when none was found.
    pub virtual_proxy: Option<&'a str>,
    /// Its id.
    pub virtual_proxy_id: Option<Uuid>,
    /// Directory and id.
    pub user: Option<(&'a str, &'a str)>,
    /// The public id of the session.
    pub session: Option<&'a str>,
    /// The node that was asked.
    pub node: Option<&'a str>,
    /// The last phase that was reached.
    pub phase: Phase,
    /// When each phase began.
    pub phases: PhaseTimes,
    /// The status of the answer.
    pub status: u16,
    /// Why it was refused, and what was found.
    pub refusal: Option<(Reason, Option<&'a str>)>,
    /// From the head of the request to the head of the answer.
    pub total: Duration,
    /// Of these, waiting for the node.
    pub waiting: Option<Duration>,
    /// What the client calls itself.
    pub user_agent: &'a str,
    /// What the token of the request says, when it has one.
    pub token: Option<&'a Arc<PresentedToken>>,
}

impl AccessRecord<'_> {
    fn write_to(&self, buffer: &mut String) {
        let mut line = JsonLine::new(buffer);
        line.time("time", self.time)
            .text("reference", self.reference)
            .text("client", self.client)
            .text("method", self.method)
            .text("path", self.path)
            .number("status", self.status.into())
            .text("phase", self.phase.name());
        if let Some(prefix) = self.virtual_proxy {
            line.text("virtual_proxy", prefix);
        }
        if let Some((directory, id)) = self.user {
            line.text("user_directory", directory).text("user_id", id);
        }
        if let Some(session) = self.session {
            line.text("session", session);
        }
        if let Some(node) = self.node {
            line.text("node", node);
        }
        if let Some((reason, detail)) = self.refusal {
            line.text("reason", reason.id());
            if let Some(detail) = detail {
                line.text("detail", detail);
            }
        }
        line.number("total_us", whole_micros(self.total));
        if let Some(waiting) = self.waiting {
            line.number("node_us", whole_micros(waiting));
        }
        line.finish();
    }
}

fn whole_micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

thread_local! {
    /// The line that is being written; the memory is used again for the next one.
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The access log. Cheap to copy.
#[derive(Clone, Debug)]
pub struct AccessLog(Option<Arc<Handle>>);

#[derive(Debug)]
struct Handle {
    queue: Arc<Queue>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Handle {
    fn close(&self) {
        self.queue.waiting.lock().closed = true;
        self.queue.changed.notify_one();
        if let Some(writer) = self.writer.lock().take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of the access log panicked; this is a defect of Jotgate");
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// What is handed from the requests to the writer.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    closed: bool,
}

impl AccessLog {
    /// Opens the log and starts its writer.
    ///
    /// # Errors
    /// The file cannot be opened for appending.
    pub fn open(target: &AccessLogTarget) -> io::Result<Self> {
        let Some(output) = Output::open(target)? else {
            return Ok(Self(None));
        };
        let queue = Arc::<Queue>::default();
        let written = queue.clone();
        let writer = thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || written.write_to(output))?;
        Ok(Self(Some(Arc::new(Handle {
            queue,
            writer: Mutex::new(Some(writer)),
        }))))
    }

    /// Writes a line for `record`, or counts it as dropped when the writer cannot follow.
    pub fn write(&self, record: &AccessRecord<'_>) {
        if let Some(handle) = &self.0 {
            LINE.with_borrow_mut(|line| {
                record.write_to(line);
                handle.queue.push(line.as_bytes());
            });
        }
    }

    /// Writes what waits, and waits for that. Lines that come later are lost: the process ends.
    pub fn close(&self) {
        if let Some(handle) = &self.0 {
            handle.close();
        }
    }

    /// How many lines were dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0
            .as_ref()
            .map_or(0, |handle| handle.queue.dropped.load(Ordering::Relaxed))
    }
}

impl Queue {
    fn push(&self, line: &[u8]) {
        let mut waiting = self.waiting.lock();
        if waiting.bytes.len() + line.len() > WAITING_BYTES {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let first = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        drop(waiting);
        if first {
            self.changed.notify_one();
        }
    }

    /// Writes what waits, until the log is closed.
    fn write_to(&self, mut output: Output) {
        let mut batch = Vec::new();
        loop {
            let mut waiting = self.waiting.lock();
            while waiting.bytes.is_empty() && !waiting.closed {
                self.changed.wait(&mut waiting);
            }
            if !waiting.closed {
                // More of them, for one write.
                drop(waiting);
                thread::sleep(WRITE_AFTER);
                waiting = self.waiting.lock();
            }
            std::mem::swap(&mut waiting.bytes, &mut batch);
            let closed = waiting.closed;
            drop(waiting);
            let lost = output.write(&batch);
            self.dropped.fetch_add(lost, Ordering::Relaxed);
            batch.clear();
            if closed {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> AccessRecord<'static> {
        AccessRecord {
            time: Timestamp::from_millis(1_700_000_000_123),
            reference: "r1",
            client: "127.0.0.1",
            method: "GET",
            path: "/jwt/hub/",
            virtual_proxy: Some("jwt"),
            virtual_proxy_id: None,
            user: Some(("example", "boz\n")),
            session: Some("s"),
            node: Some("Central"),
            phase: Phase::Identify,
            phases: PhaseTimes::NONE,
            status: 401,
            refusal: Some((Reason::TokenExpired, Some("expired 5 s ago"))),
            total: Duration::from_micros(42),
            waiting: None,
            user_agent: "",
            token: None,
        }
    }

    #[test]
    fn the_form_of_a_line() {
        let mut line = String::new();
        record().write_to(&mut line);
        insta::assert_snapshot!(line);
    }

    #[test]
    fn lines_reach_the_file_and_what_does_not_fit_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let log = AccessLog::open(&AccessLogTarget::File(path.clone())).unwrap();
        for _ in 0..10 {
            log.write(&record());
        }
        log.close();
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 10);

        // Nobody writes here.
        let queue = Queue::default();
        let line = vec![b'x'; WAITING_BYTES / 4 + 1];
        for _ in 0..5 {
            queue.push(&line);
        }
        assert_eq!(queue.dropped.load(Ordering::Relaxed), 2);
    }
}
