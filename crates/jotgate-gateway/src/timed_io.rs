//! A client's connection that does not wait for ever.
//!
//! hyper has one timeout for two different things: the head of a request, and the time between two
//! requests. Here they are two. The head must be complete within the header timeout, counted from its
//! first byte (or from the beginning of the connection): then the client gets 408. A connection that
//! waits for its next request longer than the idle timeout is closed without a word, and so is one
//! whose client takes nothing of an answer for that long. Bodies have limits of their own (`body.rs`).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_rustls::server::TlsStream;

use crate::maybe_tls::MaybeTls;

/// Bytes from and to a client.
pub(crate) type ClientStream = MaybeTls<TlsStream<TcpStream>>;

/// How many requests of a connection have begun, how many are being served, and since when none is.
#[derive(Debug)]
pub(crate) struct Activity {
    began: Instant,
    begun: AtomicUsize,
    in_flight: AtomicUsize,
    /// How many of those in flight are WebSockets on streams of HTTP/2.
    sockets: AtomicUsize,
    /// Milliseconds after `began`.
    idle_since: AtomicU64,
    /// Whether a head took too long, and was answered with 408.
    head_timed_out: AtomicBool,
}

impl Activity {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            begun: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            sockets: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
            head_timed_out: AtomicBool::new(false),
        })
    }

    pub(crate) fn head_timed_out(&self) -> bool {
        self.head_timed_out.load(Ordering::Relaxed)
    }

    pub(crate) fn is_serving(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) > 0
    }

    /// Whether there are WebSockets, and nothing else.
    pub(crate) fn has_sockets_only(&self) -> bool {
        let sockets = self.sockets.load(Ordering::Relaxed);
        sockets > 0 && self.in_flight.load(Ordering::Relaxed) == sockets
    }

    /// Whether a request has begun.
    pub(crate) fn has_served(&self) -> bool {
        self.begun.load(Ordering::Relaxed) > 0
    }

    /// Since when nothing is served.
    pub(crate) fn idle_since(&self) -> Instant {
        self.began + Duration::from_millis(self.idle_since.load(Ordering::Relaxed))
    }
}

/// A request that is being served; ends when it is dropped, with the last byte of its answer, or of
/// its body when that is later.
#[derive(Debug)]
pub(crate) struct InFlight {
    activity: Arc<Activity>,
    is_socket: bool,
}

impl InFlight {
    pub(crate) fn begin(activity: &Arc<Activity>) -> Self {
        activity.begun.fetch_add(1, Ordering::Relaxed);
        Self::also(activity)
    }

    /// Another part of a request that has begun.
    pub(crate) fn also(activity: &Arc<Activity>) -> Self {
        activity.in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            activity: activity.clone(),
            is_socket: false,
        }
    }

    /// The WebSocket that a request becomes.
    pub(crate) fn socket(activity: &Arc<Activity>) -> Self {
        activity.sockets.fetch_add(1, Ordering::Relaxed);
        let mut socket = Self::also(activity);
        socket.is_socket = true;
        socket
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let activity = &self.activity;
        let since = u64::try_from(activity.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        activity.idle_since.store(since, Ordering::Relaxed);
        activity.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.is_socket {
            activity.sockets.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The timeouts of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    pub(crate) header: Duration,
    pub(crate) idle: Duration,
    /// HTTP/2 has no head to wait for after the first request: frames of all kinds keep coming.
    pub(crate) multiplexed: bool,
}

/// What the connection waits for, when it does not serve a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    /// For the next request.
    Idle,
    /// For the first byte of the first request.
    FirstByte,
    /// For the rest of a head.
    Head,
}

/// A client's connection with its timeouts.
pub(crate) struct TimedStream {
    inner: ClientStream,
    activity: Arc<Activity>,
    timeouts: Timeouts,
    waiting: Waiting,
    begun: usize,
    /// Until when the first byte or a head must be there.
    head_deadline: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    /// Runs while the client takes nothing.
    write_timer: Option<Pin<Box<Sleep>>>,
}

const TIMED_OUT: &[u8] = b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain;charset=utf-8\r\n\
content-length: 55\r\nconnection: close\r\n\r\nThe head of the request did not arrive within the limit";

impl TimedStream {
    pub(crate) fn new(inner: ClientStream, activity: Arc<Activity>, timeouts: Timeouts) -> Self {
        let head_deadline = Instant::now() + timeouts.header;
        Self {
            inner,
            activity,
            timeouts,
            waiting: Waiting::FirstByte,
            begun: 0,
            head_deadline,
            timer: None,
            write_timer: None,
        }
    }

    /// The connection itself, once it has become a WebSocket.
    pub(crate) fn into_inner(self) -> ClientStream {
        self.inner
    }

    /// Bytes have come, or nothing can be read: what is being waited for now?
    fn observe(&mut self, received: usize) {
        let begun = self.activity.begun.load(Ordering::Relaxed);
        if begun != self.begun {
            self.begun = begun;
            self.waiting = Waiting::Idle;
        }
        let head_begins = received > 0
            && !self.activity.is_serving()
            && self.waiting != Waiting::Head
            && !(self.timeouts.multiplexed && self.begun > 0);
        if head_begins {
            self.waiting = Waiting::Head;
            self.head_deadline = Instant::now() + self.timeouts.header;
        }
    }

    /// Until when this may go on. While a request is served it may go on; then the answer is only
    /// when to look again.
    fn deadline(&self) -> Instant {
        if self.activity.is_serving() {
            return Instant::now() + self.timeouts.idle;
        }
        match self.waiting {
            Waiting::FirstByte | Waiting::Head => self.head_deadline,
            Waiting::Idle => self.activity.idle_since() + self.timeouts.idle,
        }
    }

    /// Ready when the time is up. Nobody tells this connection that a request has been served, so the
    /// timer always runs and looks at the clock when it fires, which is also cheaper than to set it
    /// for each request.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut deadline = self.deadline();
        let mut timer = self
            .timer
            .take()
            .unwrap_or_else(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        let poll = loop {
            if timer.as_mut().poll(cx).is_pending() {
                break Poll::Pending;
            }
            deadline = self.deadline();
            if Instant::now() >= deadline {
                break Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        };
        self.timer = Some(timer);
        poll
    }

    /// Passes the outcome of a write on, unless the client has taken nothing for too long.
    fn watch_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.write_timer = None;
            return outcome;
        }
        let limit = self.timeouts.idle;
        let timer = self
            .write_timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        match Pin::new(&mut this.inner).poll_read(cx, buf) {
            Poll::Ready(result) => {
                this.observe(buf.filled().len() - before);
                Poll::Ready(result)
            }
            Poll::Pending => {
                this.observe(0);
                if this.poll_deadline(cx).is_pending() {
                    return Poll::Pending;
                }
                if this.waiting == Waiting::Head && !this.timeouts.multiplexed {
                    this.activity.head_timed_out.store(true, Ordering::Relaxed);
                    // As much of it as the socket takes: the client may be slow at reading as well.
                    let written = Pin::new(&mut this.inner).poll_write(cx, TIMED_OUT);
                    let flushed = Pin::new(&mut this.inner).poll_flush(cx);
                    tracing::trace!(?written, ?flushed, "a head took too long");
                }
                // The end of the stream, for hyper.
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write(cx, buf);
        this.watch_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write_vectored(cx, bufs);
        this.watch_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.inner).poll_flush(cx);
        this.watch_write(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.inner).poll_shutdown(cx);
        this.watch_write(cx, shut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_slow_head_has_the_length_it_claims() {
        let text = std::str::from_utf8(TIMED_OUT).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "{}",
            body.len()
        );
    }
}
