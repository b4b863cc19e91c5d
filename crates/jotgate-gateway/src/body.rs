//! Bodies on their way through: limits on what clients send, and answers that give their backend
//! connection back.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use jotgate_model::Reason;
use tokio::time::{Instant, Sleep};

use crate::upstream::Lease;

/// Why a body ended early, where the request path can read it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict(Arc<AtomicU8>);

impl Verdict {
    const TOO_LARGE: u8 = 1;
    const STALLED: u8 = 2;
    const BROKEN: u8 = 3;

    /// The reason, when the client's body is at fault.
    pub(crate) fn reason(&self) -> Option<Reason> {
        match self.0.load(Ordering::Acquire) {
            Self::TOO_LARGE => Some(Reason::BodyTooLarge),
            Self::STALLED => Some(Reason::BodyTimeout),
            Self::BROKEN => Some(Reason::RequestMalformed),
            _ => None,
        }
    }
}

/// The body that a client sends: not larger than allowed, never silent for too long, and without
/// trailers, which could carry what the head may not.
pub(crate) struct RequestBody {
    incoming: Option<Incoming>,
    left: u64,
    pause: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    verdict: Verdict,
}

impl RequestBody {
    /// Limits `incoming` to `max` bytes and to pauses of `pause`.
    pub(crate) fn new(incoming: Incoming, max: Option<u64>, pause: Duration) -> Self {
        let incoming = (!incoming.is_end_stream()).then_some(incoming);
        Self {
            incoming,
            left: max.unwrap_or(u64::MAX),
            pause,
            timer: None,
            verdict: Verdict::default(),
        }
    }

    /// Nothing.
    pub(crate) fn empty() -> Self {
        Self {
            incoming: None,
            left: 0,
            pause: Duration::ZERO,
            timer: None,
            verdict: Verdict::default(),
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.incoming.is_none()
    }

    /// Where it will be noted why the body ended early.
    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict.clone()
    }

    fn fail(&self, code: u8) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.verdict.0.store(code, Ordering::Release);
        Poll::Ready(Some(Err(BodyError)))
    }
}

/// A body ended early. The backend's connection is closed, so that it never takes a part for the whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyError;

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body of the request ended early")
    }
}

impl std::error::Error for BodyError {}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        loop {
            let Some(incoming) = &mut this.incoming else {
                return Poll::Ready(None);
            };
            match Pin::new(incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    this.timer = None;
                    // Trailers end the body; they are not passed on.
                    let Ok(data) = frame.into_data() else {
                        continue;
                    };
                    let length = data.len() as u64;
                    if length > this.left {
                        return this.fail(Verdict::TOO_LARGE);
                    }
                    this.left -= length;
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Poll::Ready(Some(Err(_))) => return this.fail(Verdict::BROKEN),
                Poll::Ready(None) => {
                    this.incoming = None;
                    return Poll::Ready(None);
                }
                Poll::Pending => {
                    let deadline = this.pause;
                    let timer = this.timer.get_or_insert_with(|| {
                        Box::pin(tokio::time::sleep_until(Instant::now() + deadline))
                    });
                    ready!(timer.as_mut().poll(cx));
                    return this.fail(Verdict::STALLED);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// The body of an answer.
pub(crate) enum ResponseBody {
    /// Text of our own.
    Own(Option<Bytes>),
    /// What a backend sends.
    Backend {
        /// Its body.
        incoming: Incoming,
        /// The connection, to be used again when the body has been read to its end.
        lease: Option<Lease>,
    },
}

impl ResponseBody {
    pub(crate) const fn empty() -> Self {
        Self::Own(None)
    }

    pub(crate) fn full(text: impl Into<Bytes>) -> Self {
        Self::Own(Some(text.into()))
    }

    /// A backend's body on the connection of `lease`.
    pub(crate) fn backend(incoming: Incoming, lease: Lease) -> Self {
        if incoming.is_end_stream() {
            lease.give_back();
            return Self::Backend {
                incoming,
                lease: None,
            };
        }
        Self::Backend {
            incoming,
            lease: Some(lease),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut *self {
            Self::Own(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Self::Backend { incoming, lease } => {
                let frame = ready!(Pin::new(&mut *incoming).poll_frame(cx));
                match &frame {
                    // A connection that failed in the middle is not used again.
                    Some(Err(_)) => *lease = None,
                    Some(Ok(_)) if !incoming.is_end_stream() => {}
                    _ => {
                        if let Some(lease) = lease.take() {
                            lease.give_back();
                        }
                    }
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(text) => text.is_none(),
            Self::Backend { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(text) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
            Self::Backend { incoming, .. } => incoming.size_hint(),
        }
    }
}
