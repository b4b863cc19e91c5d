//! A request that the gateway asks itself, through the whole request path: whether a change is good.
//!
//! It has a thread of its own, so that the connections to backends that it opens end with it, and
//! neither a worker nor the management side waits.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, USER_AGENT};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{client, server};
use hyper_util::rt::TokioIo;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::Shared;
use crate::listen::Place;
use crate::refuse::REASON;
use crate::request::{self, ConnectionInfo};
use crate::timed_io::Activity;

/// Bytes between both ends.
const BUFFER: usize = 64 * 1024;

/// What is asked.
#[derive(Debug)]
pub struct ProbeRequest {
    /// The path, with a query or not.
    pub path: Uri,
    /// The value of `Authorization`.
    pub authorization: Option<HeaderValue>,
    /// How long the answer may take.
    pub limit: Duration,
}

/// The head of the answer.
#[derive(Debug)]
pub struct ProbeAnswer {
    /// Its status.
    pub status: StatusCode,
    /// The id of the reason, when the gateway has refused it.
    pub reason: Option<String>,
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
    let answered = timeout(limit, exchange(shared, request)).await;
    answered.unwrap_or_else(|_| Err(format!("there was no answer in {} s", limit.as_secs())))
}

async fn exchange(shared: Arc<Shared>, request: ProbeRequest) -> Result<ProbeAnswer, String> {
    let broken = |error: &dyn std::fmt::Display| format!("it broke off ({error})");
    let (near, far) = tokio::io::duplex(BUFFER);
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let place = Place::of_nobody();
    let info = ConnectionInfo::new(here, true, None, "probe", Activity::new(), place);
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
    let reason = answer.headers().get(REASON);
    let reason = reason.and_then(|reason| reason.to_str().ok());
    Ok(ProbeAnswer {
        status: answer.status(),
        reason: reason.map(str::to_owned),
    })
}
