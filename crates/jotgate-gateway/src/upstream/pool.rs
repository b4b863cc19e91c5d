//! Idle connections to backends, kept by each worker for itself.
//!
//! A connection comes back only when its answer was read to the end, and is used again only when hyper
//! says that its request was sent to the end too: nothing of one exchange can reach another one.

use std::cell::RefCell;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use jotgate_model::{Node, Reason, Refusal};
use tokio::time::timeout_at;

use super::stream::BackendIo;
use super::{Backends, Target, connect as connecting};
use crate::body::{RequestBody, Verdict};

/// Idle connections that a worker keeps for one backend.
const MAX_IDLE: usize = 256;
/// How long a connection may be idle. Below the five seconds after which Node.js closes one.
const MAX_IDLE_TIME: Duration = Duration::from_secs(4);

thread_local! {
    static POOL: RefCell<Vec<Backend>> = const { RefCell::new(Vec::new()) };
}

/// The idle connections of one backend. A node that was edited is another node, and its connections
/// are not used for the new one.
struct Backend {
    node: Arc<Node>,
    authority: http::uri::Authority,
    idle: Vec<Idle>,
}

struct Idle {
    sender: SendRequest<RequestBody>,
    since: Instant,
}

/// A connection that is being used.
pub(crate) struct Lease {
    sender: SendRequest<RequestBody>,
    node: Arc<Node>,
    authority: http::uri::Authority,
    was_idle: bool,
    once: bool,
}

/// Why no answer came.
pub(crate) enum SendFailure {
    /// The connection broke. The request, when none of it was written.
    Broken {
        unsent: Option<Box<Request<RequestBody>>>,
        error: String,
    },
    /// The answer took too long.
    TimedOut(Duration),
}

impl SendFailure {
    pub(crate) fn refusal(&self, target: &Target) -> Refusal {
        let name = &target.node.name;
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

/// An idle connection to the target, or a new one.
pub(crate) async fn take_or_connect(
    backends: &Backends,
    target: &Target,
) -> Result<Lease, Refusal> {
    match take(target) {
        Some(lease) => Ok(lease),
        None => connect(backends, target).await,
    }
}

fn take(target: &Target) -> Option<Lease> {
    POOL.with_borrow_mut(|pool| {
        let at = pool
            .iter()
            .position(|backend| backend.is(&target.node, &target.service.authority))?;
        while let Some(idle) = pool[at].idle.pop() {
            if idle.sender.is_ready() && idle.since.elapsed() < MAX_IDLE_TIME {
                return Some(Lease {
                    sender: idle.sender,
                    node: target.node.clone(),
                    authority: target.service.authority.clone(),
                    was_idle: true,
                    once: false,
                });
            }
        }
        None
    })
}

/// A new connection to the target.
pub(crate) async fn connect(backends: &Backends, target: &Target) -> Result<Lease, Refusal> {
    let stream = connecting::open(backends, target).await?;
    let mut builder = http1::Builder::new();
    // Answers with more or larger headers than this are refused as nonsense.
    builder.max_header_size(256 * 1024);
    let (sender, connection) =
        builder
            .handshake(BackendIo::new(stream))
            .await
            .map_err(|error| {
                Refusal::with(
                    Reason::NodeFailed,
                    format!("the node \"{}\": {error}", target.node.name),
                )
            })?;
    tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "a connection to a backend ended");
        }
    });
    Ok(Lease {
        sender,
        node: target.node.clone(),
        authority: target.service.authority.clone(),
        was_idle: false,
        once: false,
    })
}

impl Backend {
    fn is(&self, node: &Arc<Node>, authority: &http::uri::Authority) -> bool {
        Arc::ptr_eq(&self.node, node) && self.authority == *authority
    }
}

impl Lease {
    /// Whether the connection had been idle: the backend may just have closed it.
    pub(crate) const fn was_idle(&self) -> bool {
        self.was_idle
    }

    /// Keeps the connection from being used again, whatever the answer is.
    pub(crate) const fn use_once(&mut self) {
        self.once = true;
    }

    /// Sends a request and waits for the head of its answer: at most `limit` after the last byte of
    /// its body, which has limits of its own (`verdict` knows how far it is).
    pub(crate) async fn send(
        &mut self,
        request: Request<RequestBody>,
        verdict: &Verdict,
        limit: Duration,
    ) -> Result<Response<Incoming>, SendFailure> {
        let has_body = !request.body().is_empty();
        let mut sending = pin!(self.sender.try_send_request(request));
        let mut deadline = tokio::time::Instant::now() + limit;
        loop {
            match timeout_at(deadline, sending.as_mut()).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(mut error)) => {
                    return Err(SendFailure::Broken {
                        unsent: error.take_message().map(Box::new),
                        error: error.error().to_string(),
                    });
                }
                Err(_) if !has_body => return Err(SendFailure::TimedOut(limit)),
                Err(_) => {
                    let now = tokio::time::Instant::now();
                    deadline = verdict.passed_on().unwrap_or(now) + limit;
                    if deadline <= now {
                        return Err(SendFailure::TimedOut(limit));
                    }
                }
            }
        }
    }

    /// Makes the connection available to the next request.
    pub(crate) fn give_back(self) {
        if self.once || self.sender.is_closed() {
            return;
        }
        POOL.with_borrow_mut(|pool| {
            let backend = match pool
                .iter()
                .position(|backend| backend.is(&self.node, &self.authority))
            {
                Some(at) => &mut pool[at],
                None => {
                    // Once for each backend and edit: the time to forget the connections of old ones.
                    for backend in &mut *pool {
                        backend.idle.retain(|idle| {
                            idle.since.elapsed() < MAX_IDLE_TIME && !idle.sender.is_closed()
                        });
                    }
                    pool.retain(|backend| !backend.idle.is_empty());
                    pool.push(Backend {
                        node: self.node,
                        authority: self.authority,
                        idle: Vec::new(),
                    });
                    let last = pool.len() - 1;
                    &mut pool[last]
                }
            };
            if backend.idle.len() < MAX_IDLE {
                backend.idle.push(Idle {
                    sender: self.sender,
                    since: Instant::now(),
                });
            }
        });
    }
}
