//! A client's connection that does not wait for ever.
//!
//! hyper has one timeout for two different things: the head of a request, and the time between two
//! requests. Here they are two. The head must be complete within the header timeout, counted from its
//! first byte (or from the beginning of the connection): then the client gets 408. A connection that
//! waits for its next request longer than the idle timeout is closed without a word. While a request
//! is being served, its body and its answer have limits of their own.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_rustls::server::TlsStream;

/// Bytes from and to a client.
#[derive(Debug)]
pub(crate) enum ClientStream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// How many requests of a connection have begun, and how many are being served.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    begun: AtomicUsize,
    in_flight: AtomicUsize,
}

/// A request that is being served; ends when it is dropped, with the last byte of its answer.
pub(crate) struct InFlight(Arc<Activity>);

impl InFlight {
    pub(crate) fn begin(activity: &Arc<Activity>) -> Self {
        activity.begun.fetch_add(1, Ordering::Relaxed);
        activity.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(activity.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
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

/// What the connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    /// For nothing that has a limit here.
    Nothing,
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
    deadline: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

const TIMED_OUT: &[u8] = b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain;charset=utf-8\r\n\
content-length: 55\r\nconnection: close\r\n\r\nThe head of the request did not arrive within the limit";

impl TimedStream {
    pub(crate) fn new(inner: ClientStream, activity: Arc<Activity>, timeouts: Timeouts) -> Self {
        let deadline = Instant::now() + timeouts.header;
        Self {
            inner,
            activity,
            timeouts,
            waiting: Waiting::FirstByte,
            begun: 0,
            deadline,
            timer: None,
        }
    }

    /// The connection itself, once it has become a WebSocket.
    pub(crate) fn into_inner(self) -> ClientStream {
        self.inner
    }

    /// What is being waited for, now that so many bytes have come.
    fn observe(&mut self, received: usize) {
        let begun = self.activity.begun.load(Ordering::Relaxed);
        if begun != self.begun {
            self.begun = begun;
            self.waiting = Waiting::Nothing;
        }
        if self.activity.in_flight.load(Ordering::Relaxed) > 0 {
            self.waiting = Waiting::Nothing;
        } else if received > 0 {
            let first =
                self.waiting != Waiting::Head && !(self.timeouts.multiplexed && self.begun > 0);
            if first {
                self.wait_for(Waiting::Head, self.timeouts.header);
            }
        } else if self.waiting == Waiting::Nothing {
            self.wait_for(Waiting::Idle, self.timeouts.idle);
        }
    }

    fn wait_for(&mut self, what: Waiting, limit: Duration) {
        self.waiting = what;
        self.deadline = Instant::now() + limit;
    }

    /// Ready when the time is up. The timer is set anew only when it fires too early, which is cheaper
    /// than to set it for each request.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waiting == Waiting::Nothing {
            return Poll::Pending;
        }
        let deadline = self.deadline;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        loop {
            match timer.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) if timer.deadline() < deadline => timer.as_mut().reset(deadline),
                Poll::Ready(()) => return Poll::Ready(()),
            }
        }
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
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
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
