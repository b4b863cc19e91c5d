//! A request that the gateway asks itself, through the whole request path: whether a change is good.
//!
//! It has a thread of its own, so that the connections to backends that it opens end with it, and
//! neither a worker nor the management side waits.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Body as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{client, server};
use hyper_util::rt::TokioIo;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::Shared;
use crate::listen::Place;
use crate::refuse::REASON;
use crate::request::{self, ConnectionInfo};
use crate::timed_io::Activity;

/// Bytes between both ends.
const BUFFER: usize = 64 * 1024;
/// How long the beginning of a body is waited for.
const BODY_TIME: Duration = Duration::from_secs(2);

/// What is asked.
#[derive(Debug)]
pub struct ProbeRequest {
    /// The path, with a query or not.
    pub path: Uri,
    /// The value of `Authorization`.
    pub authorization: Option<HeaderValue>,
    /// How long the answer may take.
    pub limit: Duration,
    /// How many bytes of the answer's body are read; the rest is left.
    pub keep: usize,
}

/// The answer.
#[derive(Debug)]
pub struct ProbeAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers; of the reason among them, the gateway's word alone.
    pub headers: HeaderMap,
    /// How its body begins.
    pub start: Vec<u8>,
    /// Whether the body is longer, or took too long.
    pub is_cut: bool,
    /// What leads to the record of the request in the live feed.
    pub reference: Option<String>,
}

impl ProbeAnswer {
    /// The id of the reason, when the gateway has refused the request.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.headers.get(REASON)?.to_str().ok()
    }
}

/// Asks, as a client of this machine that came over TLS. With a token it opens a session as any request
/// does.
///
/// # Errors
/// Why there is no answer, as a sentence without a full stop.
pub async fn probe(shared: &Arc<Shared>, request: ProbeRequest) -> Result<ProbeAnswer, String> {
    let (answer, answered) = oneshot::channel();
    let shared = shared.clone();
    let run = move || {
        let asked = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("no thread can run ({error})"))
            .and_then(|runtime| runtime.block_on(ask(shared, request)));
        // Nobody waits any more when the process ends.
        drop(answer.send(asked));
    };
    let thread = std::thread::Builder::new().name("probe".to_owned());
    thread
        .spawn(run)
        .map_err(|error| format!("no thread can be started ({error})"))?;
    answered
        .await
        .unwrap_or_else(|_| Err("it ended early".to_owned()))
}

async fn ask(shared: Arc<Shared>, request: ProbeRequest) -> Result<ProbeAnswer, String> {
    let limit = request.limit;
    let deadline = Instant::now() + limit;
    let answered = timeout_at(deadline, exchange(shared, request, deadline)).await;
    answered.unwrap_or_else(|_| Err(format!("there was no answer in {} s", limit.as_secs())))
}

async fn exchange(
    shared: Arc<Shared>,
    request: ProbeRequest,
    deadline: Instant,
) -> Result<ProbeAnswer, String> {
    let broken = |error: &dyn std::fmt::Display| format!("it broke off ({error})");
    let (near, far) = tokio::io::duplex(BUFFER);
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let place = Place::of_nobody();
    let mut info = ConnectionInfo::new(here, true, None, "probe", Activity::new(), place);
    let reference = Arc::new(OnceLock::new());
    info.told_reference = Some(reference.clone());
    let info = Arc::new(info);
    let service = service_fn(move |request: Request<Incoming>| {
        let served = request::serve(shared.clone(), info.clone(), request);
        async move { Ok::<_, Infallible>(served.await) }
    });
    tokio::spawn(
        server::conn::http1::Builder::new()
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(far), service),
    );
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(near))
        .await
        .map_err(|error| broken(&error))?;
    tokio::spawn(connection);
    let mut asked = Request::new(Empty::<Bytes>::new());
    *asked.uri_mut() = request.path;
    let headers = asked.headers_mut();
    headers.insert(HOST, HeaderValue::from_static("localhost"));
    headers.insert(USER_AGENT, HeaderValue::from_static("jotgate-probe"));
    if let Some(authorization) = request.authorization {
        headers.insert(AUTHORIZATION, authorization);
    }
    let answer = sender.send_request(asked).await;
    let answer = answer.map_err(|error| broken(&error))?;
    let (head, body) = answer.into_parts();
    let (start, is_cut) = beginning(body, request.keep, deadline).await;
    Ok(ProbeAnswer {
        status: head.status,
        headers: head.headers,
        start,
        is_cut,
        reference: reference.get().cloned(),
    })
}

/// At most `keep` bytes of a body, and whether there is more or the end did not come in time.
async fn beginning(mut body: Incoming, keep: usize, deadline: Instant) -> (Vec<u8>, bool) {
    // A body without an end must not take the head's time.
    let deadline = deadline.min(Instant::now() + BODY_TIME);
    let mut start = Vec::new();
    while start.len() < keep {
        match timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                start.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new()))
            }
            Ok(None) => return (start, false),
            Ok(Some(Err(_))) | Err(_) => return (start, true),
        }
    }
    let is_cut = start.len() > keep || !body.is_end_stream();
    start.truncate(keep);
    (start, is_cut)
}
