//! Moving the bytes of a WebSocket.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use jotgate_policy::websocket::{Boundary, FrameTracker};
use jotgate_session::Session;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::timed_io::ClientStream;
use crate::upstream::BackendStream;

/// The size of a worker's scratch buffer: what is moved at a time.
const SCRATCH: usize = 64 * 1024;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

/// Why a relay came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RelayEnd {
    /// The backend's stream stands between two frames (only when that was waited for).
    Boundary,
    /// Both sides have ended, or one has closed.
    Closed,
    /// A connection broke.
    Broken,
}

/// Two connections whose bytes go from one to the other.
pub(super) struct Relay {
    client: ClientStream,
    backend: BackendStream,
    to_client: Direction,
    to_backend: Direction,
    frames: FrameTracker,
    session: Arc<Session>,
}

/// What one direction still has to write.
#[derive(Default)]
struct Direction {
    pending: Bytes,
    ended: bool,
    flush: bool,
}

impl Relay {
    /// Joins both; the bytes that came with the handshakes go first.
    pub(super) fn new(
        client: ClientStream,
        backend: BackendStream,
        from_client: Bytes,
        from_backend: Bytes,
        session: Arc<Session>,
    ) -> Self {
        let mut frames = FrameTracker::default();
        frames.advance(&from_backend);
        let direction = |pending| Direction {
            pending,
            ..Direction::default()
        };
        Self {
            client,
            backend,
            to_client: direction(from_backend),
            to_backend: direction(from_client),
            frames,
            session,
        }
    }

    /// Moves bytes until one side ends.
    pub(super) async fn run(&mut self) -> RelayEnd {
        poll_fn(|cx| self.poll(cx, false)).await
    }

    /// Moves bytes until the backend's stream stands between two frames, and all of them are written.
    pub(super) async fn run_to_boundary(&mut self) -> RelayEnd {
        poll_fn(|cx| self.poll(cx, true)).await
    }

    /// Where the stream towards the client stands.
    pub(super) const fn boundary(&self) -> Boundary {
        self.frames.boundary()
    }

    /// Writes the last words and ends both connections, as far as they are still open.
    pub(super) async fn finish(&mut self, frames: &[u8]) -> io::Result<()> {
        let rest = std::mem::take(&mut self.to_client.pending);
        let told = async {
            self.client.write_all(&rest).await?;
            if !self.frames.is_closed() {
                self.client.write_all(frames).await?;
            }
            self.client.shutdown().await
        };
        let told = told.await;
        self.backend.shutdown().await?;
        told
    }

    fn poll(&mut self, cx: &mut Context<'_>, to_boundary: bool) -> Poll<RelayEnd> {
        if to_boundary && self.at_boundary() {
            return Poll::Ready(RelayEnd::Boundary);
        }
        let session = &self.session;
        let frames = &mut self.frames;
        // Bytes of the client are activity; what the backend sends by itself is not.
        let up = self
            .to_backend
            .poll(cx, &mut self.client, &mut self.backend, |_| {
                session.touch(crate::now())
            });
        let down = self
            .to_client
            .poll(cx, &mut self.backend, &mut self.client, |bytes| {
                frames.advance(bytes)
            });
        match (up, down) {
            (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_))) => Poll::Ready(RelayEnd::Broken),
            (_, Poll::Ready(Ok(()))) | (Poll::Ready(Ok(())), _) => Poll::Ready(RelayEnd::Closed),
            _ if to_boundary && self.at_boundary() => Poll::Ready(RelayEnd::Boundary),
            _ => Poll::Pending,
        }
    }

    fn at_boundary(&self) -> bool {
        self.frames.boundary() != Boundary::InsideFrame && self.to_client.pending.is_empty()
    }
}

impl Direction {
    /// Moves what can be moved. Ready when the source has ended and all has been written.
    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        mut seen: impl FnMut(&[u8]),
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            while !self.pending.is_empty() {
                let written = ready!(Pin::new(&mut *to).poll_write(cx, &self.pending))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                drop(self.pending.split_to(written));
                self.flush = true;
            }
            self.pending = Bytes::new();
            if self.flush {
                // A TLS stream keeps bytes until it is flushed.
                ready!(Pin::new(&mut *to).poll_flush(cx))?;
                self.flush = false;
            }
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_once(cx, from, to, &mut seen))?;
        }
    }

    /// One read, and a write of what it brought; only what the other side does not take is kept.
    fn poll_once<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        seen: &mut impl FnMut(&[u8]),
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        BUFFER.with_borrow_mut(|buffer| {
            let mut scratch = ReadBuf::new(buffer);
            ready!(Pin::new(from).poll_read(cx, &mut scratch))?;
            let bytes = scratch.filled();
            if bytes.is_empty() {
                self.ended = true;
                return Poll::Ready(Ok(()));
            }
            seen(bytes);
            self.flush = true;
            let written = match Pin::new(to).poll_write(cx, bytes) {
                Poll::Ready(written) => written?,
                Poll::Pending => 0,
            };
            if written < bytes.len() {
                self.pending = Bytes::copy_from_slice(&bytes[written..]);
            }
            Poll::Ready(Ok(()))
        })
    }
}
