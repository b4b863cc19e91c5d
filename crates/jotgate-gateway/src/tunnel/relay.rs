//! Moving the bytes of a WebSocket.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use jotgate_policy::websocket::{Boundary, FrameTracker};
use jotgate_session::Session;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::upstream::BackendStream;

/// The size of a worker's scratch buffer: what is moved at a time.
const SCRATCH: usize = 64 * 1024;
/// How long the other direction may be silent once one has ended. A program may send its last message,
/// end its side and wait for the answers; one that is gone ends its side too, and must not be waited
/// for.
const HALF_CLOSED: Duration = Duration::from_secs(30);

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

/// Why a relay came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RelayEnd {
    /// The backend's stream stands between two frames (only when that was waited for).
    Boundary,
    /// Both sides have ended, or one has and nothing came from the other one.
    Closed,
    /// A connection broke.
    Broken,
}

/// Two connections whose bytes go from one to the other. The client's is a whole connection, or one
/// stream of HTTP/2.
pub(super) struct Relay<C> {
    client: C,
    backend: BackendStream,
    to_client: Direction,
    to_backend: Direction,
    frames: FrameTracker,
    session: Arc<Session>,
    /// Runs while one direction has ended and nothing comes in the other one.
    half_closed: Option<Pin<Box<Sleep>>>,
}

/// What one direction still has to write.
#[derive(Default)]
struct Direction {
    pending: Bytes,
    flush: bool,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Open,
    /// The source has ended, and the other side is still to be told.
    Ending,
    Ended,
}

impl<C: AsyncRead + AsyncWrite + Unpin> Relay<C> {
    /// Joins both; the bytes that came with the handshakes go first.
    pub(super) fn new(
        client: C,
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
            half_closed: None,
        }
    }

    /// Moves bytes until both sides end, or one breaks.
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
        let moved = Cell::new(false);
        // Bytes of the client are activity; what the backend sends by itself is not.
        let up = self
            .to_backend
            .poll(cx, &mut self.client, &mut self.backend, |_| {
                moved.set(true);
                session.touch(crate::now());
            });
        let down = self
            .to_client
            .poll(cx, &mut self.backend, &mut self.client, |bytes| {
                moved.set(true);
                frames.advance(bytes);
            });
        match (up, down) {
            (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_))) => Poll::Ready(RelayEnd::Broken),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => Poll::Ready(RelayEnd::Closed),
            _ if to_boundary && self.at_boundary() => Poll::Ready(RelayEnd::Boundary),
            (Poll::Pending, Poll::Pending) => Poll::Pending,
            _ => self.poll_half_closed(cx, moved.get()),
        }
    }

    fn poll_half_closed(&mut self, cx: &mut Context<'_>, moved: bool) -> Poll<RelayEnd> {
        let deadline = Instant::now() + HALF_CLOSED;
        let timer = self
            .half_closed
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if moved {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx).map(|()| RelayEnd::Closed)
    }

    fn at_boundary(&self) -> bool {
        self.frames.boundary() != Boundary::InsideFrame && self.to_client.pending.is_empty()
    }
}

impl Direction {
    /// Moves what can be moved. Ready when the source has ended, all has been written and the other
    /// side knows that nothing follows.
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
            match self.stage {
                Stage::Open => ready!(self.poll_once(cx, from, to, &mut seen))?,
                Stage::Ending => {
                    ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                    self.stage = Stage::Ended;
                }
                Stage::Ended => return Poll::Ready(Ok(())),
            }
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
                self.stage = Stage::Ending;
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
