//! Bodies on their way through: limits on what clients send, and answers that give their backend
//! connection back.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use jotgate_model::Reason;
use jotgate_policy::trailers::{self, Announced};
use tokio::time::{Instant, Sleep};

use crate::timed_io::InFlight;
use crate::upstream::Lease;

/// What became of a client's body, where the request path can read it. Without a body there is nothing
/// to be told.
#[derive(Clone, Debug)]
pub(crate) struct Verdict(Option<Arc<Judged>>);

#[derive(Debug)]
struct Judged {
    began: Instant,
    failure: AtomicU8,
    /// Milliseconds after `began` at which all of it had been passed on; 0: not yet.
    passed_on: AtomicU64,
}

impl Verdict {
    const TOO_LARGE: u8 = 1;
    const STALLED: u8 = 2;
    const BROKEN: u8 = 3;

    fn new() -> Self {
        Self(Some(Arc::new(Judged {
            began: Instant::now(),
            failure: AtomicU8::new(0),
            passed_on: AtomicU64::new(0),
        })))
    }

    /// The reason, when the client's body is at fault.
    pub(crate) fn reason(&self) -> Option<Reason> {
        match self.0.as_ref()?.failure.load(Ordering::Acquire) {
            Self::TOO_LARGE => Some(Reason::BodyTooLarge),
            Self::STALLED => Some(Reason::BodyTimeout),
            Self::BROKEN => Some(Reason::RequestMalformed),
            _ => None,
        }
    }

    /// Since when the backend has all of it; nothing while it is still coming.
    pub(crate) fn passed_on(&self) -> Option<Instant> {
        let judged = self.0.as_ref()?;
        let millis = judged.passed_on.load(Ordering::Acquire);
        (millis > 0).then(|| judged.began + Duration::from_millis(millis))
    }

    /// How long the body has been coming.
    fn elapsed(&self) -> Duration {
        self.0
            .as_ref()
            .map_or(Duration::ZERO, |judged| judged.began.elapsed())
    }

    fn note_end(&self) {
        let millis = u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Some(judged) = &self.0 {
            judged.passed_on.store(millis.max(1), Ordering::Release);
        }
    }

    fn note_failure(&self, code: u8) {
        if let Some(judged) = &self.0 {
            judged.failure.store(code, Ordering::Release);
        }
    }
}

/// After so many of the pauses that are allowed, a body must have come at the least rate.
const GRACE_PAUSES: u32 = 10;
/// The least rate, in bytes for each pause: below it, a body drips to hold a place, and counts as stalled.
const LEAST_RATE: u64 = 64;

/// The body that a client sends: not larger than allowed, never too slow, and of its trailers only
/// what may follow.
pub(crate) struct RequestBody {
    incoming: Option<Incoming>,
    left: u64,
    pause: Duration,
    received: u64,
    timer: Option<Pin<Box<Sleep>>>,
    verdict: Verdict,
    in_flight: Option<InFlight>,
    announced: Announced,
}

impl RequestBody {
    /// Limits `incoming` to `max` bytes, to pauses of `pause`, and to the least rate. The
    /// request counts as served only when `in_flight` is dropped too.
    pub(crate) fn new(
        incoming: Incoming,
        max: Option<u64>,
        pause: Duration,
        in_flight: Option<InFlight>,
    ) -> Self {
        if incoming.is_end_stream() {
            return Self::empty();
        }
        Self {
            left: max.unwrap_or(u64::MAX),
            pause,
            in_flight,
            incoming: Some(incoming),
            received: 0,
            timer: None,
            verdict: Verdict::new(),
            announced: Announced::default(),
        }
    }

    /// Lets these fields follow it.
    pub(crate) fn with_trailers(self, announced: Announced) -> Self {
        Self { announced, ..self }
    }

    /// Nothing.
    pub(crate) fn empty() -> Self {
        Self {
            incoming: None,
            left: 0,
            pause: Duration::ZERO,
            received: 0,
            timer: None,
            verdict: Verdict(None),
            in_flight: None,
            announced: Announced::default(),
        }
    }

    /// What may follow the body; nothing when there is none.
    pub(crate) fn announced(&self) -> Option<&Announced> {
        (!self.is_empty() && !self.announced.is_empty()).then_some(&self.announced)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.incoming.is_none()
    }

    /// Whether what the client announces is more than it may send.
    pub(crate) fn is_announced_too_large(&self) -> bool {
        self.incoming
            .as_ref()
            .is_some_and(|incoming| incoming.size_hint().lower() > self.left)
    }

    /// Where it will be noted what became of it.
    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict.clone()
    }

    /// Whether it comes so slowly that it only holds a place.
    fn drips(&self) -> bool {
        let elapsed = self.verdict.elapsed();
        let pauses = elapsed.as_millis() / self.pause.as_millis().max(1);
        elapsed > self.pause * GRACE_PAUSES
            && u128::from(self.received) < pauses * u128::from(LEAST_RATE)
    }

    /// Counts data in, as long as it is within the limits.
    fn pass(&mut self, data: Bytes) -> Result<Frame<Bytes>, BodyError> {
        let length = data.len() as u64;
        if length > self.left {
            return Err(self.fail(Verdict::TOO_LARGE));
        }
        self.left -= length;
        self.received += length;
        self.timer = None;
        if self.drips() {
            return Err(self.fail(Verdict::STALLED));
        }
        if self.is_end_stream() {
            self.verdict.note_end();
        }
        Ok(Frame::data(data))
    }

    fn end(&mut self) {
        self.incoming = None;
        self.in_flight = None;
        self.verdict.note_end();
    }

    fn fail(&self, code: u8) -> BodyError {
        self.verdict.note_failure(code);
        BodyError
    }
}

/// A body ended early. The connection to its reader is closed, who never takes a part for the whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyError;

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a body ended early")
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
        let Some(incoming) = &mut this.incoming else {
            return Poll::Ready(None);
        };
        match Pin::new(incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => Poll::Ready(Some(this.pass(data))),
                Err(last) => {
                    this.end();
                    let trailers = last.into_trailers().ok();
                    let kept = trailers.and_then(|fields| this.announced.keep(fields));
                    Poll::Ready(kept.map(|fields| Ok(Frame::trailers(fields))))
                }
            },
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(this.fail(Verdict::BROKEN)))),
            Poll::Ready(None) => {
                this.end();
                Poll::Ready(None)
            }
            Poll::Pending => {
                let deadline = this.pause;
                let timer = this.timer.get_or_insert_with(|| {
                    Box::pin(tokio::time::sleep_until(Instant::now() + deadline))
                });
                ready!(timer.as_mut().poll(cx));
                Poll::Ready(Some(Err(this.fail(Verdict::STALLED))))
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
    Backend(Box<BackendBody>),
}

/// What a backend sends, on a connection that is used again when all of it has been read.
pub(crate) struct BackendBody {
    incoming: Incoming,
    lease: Option<Lease>,
    pause: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl ResponseBody {
    pub(crate) const fn empty() -> Self {
        Self::Own(None)
    }

    pub(crate) fn full(text: impl Into<Bytes>) -> Self {
        Self::Own(Some(text.into()))
    }

    /// A backend's body on the connection of `lease`, which may be silent for `pause`.
    pub(crate) fn backend(incoming: Incoming, lease: Lease, pause: Duration) -> Self {
        if incoming.is_end_stream() {
            lease.give_back();
            return Self::Own(None);
        }
        Self::Backend(Box::new(BackendBody {
            incoming,
            lease: Some(lease),
            pause,
            timer: None,
        }))
    }
}

impl BackendBody {
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            let pause = self.pause;
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            ready!(timer.as_mut().poll(cx));
            if let Some(lease) = self.lease.take() {
                lease.note_stall(pause);
            }
            return Poll::Ready(Some(Err(BodyError)));
        };
        self.timer = None;
        match &frame {
            // A connection that failed in the middle is not used again.
            Some(Err(_)) => self.lease = None,
            Some(Ok(frame)) if frame.is_data() && !self.incoming.is_end_stream() => {}
            _ => {
                if let Some(lease) = self.lease.take() {
                    lease.give_back();
                }
            }
        }
        Poll::Ready(match frame {
            Some(Ok(frame)) => safe(frame).map(Ok),
            Some(Err(_)) => Some(Err(BodyError)),
            None => None,
        })
    }
}

/// Data as it is, and of a trailer what may follow.
fn safe(frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
    match frame.into_trailers() {
        Ok(trailers) => trailers::keep_safe(trailers).map(Frame::trailers),
        Err(data) => Some(data),
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Own(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Self::Backend(body) => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(text) => text.is_none(),
            Self::Backend(body) => body.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(text) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
            Self::Backend(body) => body.incoming.size_hint(),
        }
    }
}
