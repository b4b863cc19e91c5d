//! One connection to a backend, as requests use it: HTTP/1.1 for one after the other, HTTP/2 for many.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::Either;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use jotgate_model::{Node, Reason, Refusal, Scheme};
use tokio::time::timeout_at;

use super::connect::Opened;
use super::form;
use super::places::Place;
use super::stream::BackendIo;
use crate::body::{RequestBody, Verdict};

/// Answers with more or larger headers than this are refused as nonsense.
const MAX_HEADERS: u32 = 256 * 1024;
/// Requests at a time on one connection of HTTP/2, when the backend allows more.
const MAX_STREAMS: usize = 256;
/// How often a connection of HTTP/2 that is used is asked whether it is alive.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// What a backend may send before Jotgate has passed it on: on a stream, and on a connection.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// What requests are sent with.
pub(super) enum Sender {
    One(http1::SendRequest<RequestBody>),
    Many(http2::SendRequest<RequestBody>, Arc<Streams>),
}

/// The requests on a connection of HTTP/2.
#[derive(Default)]
pub(super) struct Streams {
    open: AtomicUsize,
    /// How many the backend allows.
    limit: AtomicUsize,
    /// Whether something is wrong with it: nothing new, what runs goes on.
    retired: AtomicBool,
}

/// Why no answer came.
pub(crate) enum SendFailure {
    /// The connection broke.
    Broken {
        /// The request, when none of it was written.
        unsent: Option<Box<Request<RequestBody>>>,
        /// Whether the backend said that it did not touch the request.
        untouched: bool,
        error: String,
    },
    /// The answer took too long.
    TimedOut(Duration),
}

impl SendFailure {
    pub(crate) fn refusal(&self, node: &Node) -> Refusal {
        let name = &node.name;
        match self {
            Self::Broken { error, .. } => Refusal::with(
                Reason::NodeFailed,
                format!("the node \"{name}\" gave no valid answer: {error}"),
            ),
            Self::TimedOut(limit) => Refusal::with(
                Reason::NodeTimeout,
                format!(
                    "the node \"{name}\" did not begin to answer within {} s",
                    limit.as_secs_f64()
                ),
            ),
        }
    }
}

impl Streams {
    /// Counts a request, when there is room for it.
    pub(super) fn open(self: &Arc<Self>) -> Option<OpenStream> {
        let allowed = self.limit.load(Ordering::Relaxed).min(MAX_STREAMS);
        if self.is_retired() || self.open.load(Ordering::Relaxed) >= allowed {
            return None;
        }
        self.open.fetch_add(1, Ordering::Relaxed);
        Some(OpenStream(self.clone()))
    }

    pub(super) fn are_none(&self) -> bool {
        self.open.load(Ordering::Relaxed) == 0
    }

    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Relaxed)
    }
}

/// A request on a connection of HTTP/2, until it is dropped.
pub(super) struct OpenStream(Arc<Streams>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Sender {
    /// Begins to speak. The place is free again when the connection has ended.
    pub(super) async fn start(
        opened: Opened,
        node: &Node,
        place: &Arc<Place>,
    ) -> Result<Self, Refusal> {
        let failed = |error: hyper::Error| {
            Refusal::with(
                Reason::NodeFailed,
                format!("the node \"{}\": {error}", node.name),
            )
        };
        let place = place.clone();
        let io = BackendIo::new(opened.stream);
        if !opened.http2 {
            let (sender, connection) = http1::Builder::new()
                .max_header_size(MAX_HEADERS as usize)
                .handshake(io)
                .await
                .map_err(failed)?;
            tokio::spawn(async move {
                log_end(connection.with_upgrades().await);
                drop(place);
            });
            return Ok(Self::One(sender));
        }
        let (sender, mut connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADERS)
            .handshake(io)
            .await
            .map_err(failed)?;
        let streams = Arc::new(Streams::default());
        let noted = streams.clone();
        let limit = connection.current_max_send_streams();
        noted.limit.store(limit, Ordering::Relaxed);
        tokio::spawn(async move {
            let ended = poll_fn(|cx| {
                let polled = Pin::new(&mut connection).poll(cx);
                let limit = connection.current_max_send_streams();
                noted.limit.store(limit, Ordering::Relaxed);
                polled
            });
            log_end(ended.await);
            noted.retired.store(true, Ordering::Relaxed);
            drop(place);
        });
        Ok(Self::Many(sender, streams))
    }

    /// Sends a request and waits for the head of its answer: at most `limit` after the last byte of
    /// its body, which has limits of its own (`verdict` knows how far it is).
    pub(super) async fn send(
        &mut self,
        mut request: Request<RequestBody>,
        scheme: Scheme,
        verdict: &Verdict,
        limit: Duration,
    ) -> Result<Response<Incoming>, SendFailure> {
        let has_body = !request.body().is_empty();
        let (sending, streams) = match self {
            Self::One(sender) => {
                form::for_http1(&mut request);
                (Either::Left(sender.try_send_request(request)), None)
            }
            Self::Many(sender, streams) => {
                form::for_http2(&mut request, scheme)?;
                let sending = Either::Right(sender.try_send_request(request));
                (sending, Some(streams))
            }
        };
        let retire = || {
            // It may be dead: who comes next gets another one.
            if let Some(streams) = &streams {
                streams.retired.store(true, Ordering::Relaxed);
            }
        };
        let mut sending = pin!(sending);
        let mut deadline = tokio::time::Instant::now() + limit;
        loop {
            match timeout_at(deadline, sending.as_mut()).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(mut error)) => {
                    let unsent = error.take_message().map(Box::new);
                    let untouched = is_untouched(error.error());
                    if !is_reset(error.error()) {
                        retire();
                    }
                    return Err(SendFailure::Broken {
                        unsent,
                        untouched,
                        error: text(error.error()),
                    });
                }
                Err(_) => {
                    let now = tokio::time::Instant::now();
                    if has_body {
                        deadline = verdict.passed_on().unwrap_or(now) + limit;
                    }
                    if deadline <= now {
                        retire();
                        return Err(SendFailure::TimedOut(limit));
                    }
                }
            }
        }
    }
}

fn log_end(result: Result<(), hyper::Error>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a connection to a backend ended");
    }
}

/// What happened, with its cause.
fn text(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn of_http2(error: &hyper::Error) -> Option<&h2::Error> {
    std::error::Error::source(error)?.downcast_ref()
}

/// Whether one stream failed, and not the connection.
fn is_reset(error: &hyper::Error) -> bool {
    of_http2(error).is_some_and(h2::Error::is_reset)
}

/// RFC 9113 section 8.7: a stream that was refused, or that is beyond the last one of a GOAWAY, was
/// not touched. Only a GOAWAY without an error says so of streams that fail with it.
fn is_untouched(error: &hyper::Error) -> bool {
    of_http2(error).is_some_and(|error| match error.reason() {
        Some(h2::Reason::REFUSED_STREAM) => error.is_reset() && error.is_remote(),
        Some(h2::Reason::NO_ERROR) => error.is_go_away() && error.is_remote(),
        _ => false,
    })
}
