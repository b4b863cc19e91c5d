//! Connections to backends, kept by each worker for itself.
//!
//! A connection comes back only when its answer was read to the end, and is used again only when hyper
//! says that its request was sent to the end too: nothing of one exchange can reach another one.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use jotgate_model::{Node, Refusal, Service, Snapshot};
use tokio::sync::{Mutex, Notify};

use super::connect as connecting;
use super::places::Place;
use super::sender::{OpenStream, SendFailure, Sender, Streams};
use super::state::{BackendState, Backends, service_label};
use crate::Shared;
use crate::body::{RequestBody, Verdict};

/// Idle connections that a worker keeps for one backend.
const MAX_IDLE: usize = 256;
/// How long a connection may be idle. Below the five seconds after which Node.js closes one.
const MAX_IDLE_TIME: Duration = Duration::from_secs(4);
/// How long a connection of HTTP/2 may be without a request.
const MAX_IDLE_TIME_HTTP2: Duration = Duration::from_secs(60);
/// How often a worker closes what nobody uses.
const TIDY_INTERVAL: Duration = Duration::from_secs(1);

/// How many threads have asked for a number.
static WORKERS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// By the address of the service, which no other service can have while its target is here.
    static POOL: RefCell<HashMap<usize, Kept>> = RefCell::default();
    static WORKER: usize = WORKERS.fetch_add(1, Ordering::Relaxed);
}

/// A backend, as one worker sees it.
pub(crate) struct Target {
    pub(crate) node: Arc<Node>,
    pub(crate) service: Arc<Service>,
    pub(super) state: Arc<BackendState>,
    /// Told when a connection has come back while somebody waits.
    pub(super) returned: Notify,
    /// How many requests of this worker wait for a place.
    pub(super) waiting: AtomicUsize,
    /// Held while a connection is made that others will use too.
    pub(super) connecting: Mutex<()>,
}

/// What a worker keeps for one backend.
struct Kept {
    target: Arc<Target>,
    idle: Vec<Idle>,
    shared: Vec<Many>,
}

/// A connection of HTTP/1.1 that nobody uses.
struct Idle {
    sender: http1::SendRequest<RequestBody>,
    place: Arc<Place>,
    since: Instant,
}

/// A connection of HTTP/2.
struct Many {
    sender: http2::SendRequest<RequestBody>,
    streams: Arc<Streams>,
    place: Arc<Place>,
    used: Instant,
}

/// A connection that is being used.
pub(crate) struct Lease {
    sender: Sender,
    place: Arc<Place>,
    load: Load,
    stream: Option<OpenStream>,
    was_idle: bool,
    once: bool,
}

/// A request counts among those of its backend until this is dropped.
struct Load {
    target: Arc<Target>,
    worker: usize,
}

/// What a connection that has become a WebSocket goes on to count for.
#[derive(Clone)]
pub(crate) struct Held {
    _all: Arc<(Arc<Place>, Load)>,
}

impl Load {
    fn begin(target: &Arc<Target>) -> Self {
        let worker = WORKER.with(|worker| *worker);
        target.state.add_load(worker, 1);
        Self {
            target: target.clone(),
            worker,
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.target.state.add_load(self.worker, -1);
    }
}

/// This worker's view of a backend.
pub(super) fn target(backends: &Backends, node: &Arc<Node>, service: &Arc<Service>) -> Arc<Target> {
    with_target(backends, node, service, Arc::clone)
}

/// Looks at this worker's view of a backend.
pub(super) fn with_target<T>(
    backends: &Backends,
    node: &Arc<Node>,
    service: &Arc<Service>,
    look: impl FnOnce(&Arc<Target>) -> T,
) -> T {
    POOL.with_borrow_mut(|pool| {
        let kept = pool.entry(key(service)).or_insert_with(|| Kept {
            target: Arc::new(Target {
                node: node.clone(),
                service: service.clone(),
                state: backends.state(node, service),
                returned: Notify::new(),
                waiting: AtomicUsize::new(0),
                connecting: Mutex::new(()),
            }),
            idle: Vec::new(),
            shared: Vec::new(),
        });
        look(&kept.target)
    })
}

fn key(service: &Arc<Service>) -> usize {
    Arc::as_ptr(service).addr()
}

/// A connection that is there already. WebSockets need one of their own.
pub(super) fn take(target: &Arc<Target>, websocket: bool) -> Option<Lease> {
    POOL.with_borrow_mut(|pool| {
        let kept = pool.get_mut(&key(&target.service))?;
        if !websocket {
            let free = kept.shared.iter_mut().find_map(|many| {
                let stream = (!many.sender.is_closed()).then(|| many.streams.open())??;
                Some((many, stream))
            });
            if let Some((many, stream)) = free {
                many.used = Instant::now();
                let sender = Sender::Many(many.sender.clone(), many.streams.clone());
                return Some(Lease::new(
                    target,
                    sender,
                    many.place.clone(),
                    Some(stream),
                    true,
                ));
            }
        }
        while let Some(idle) = kept.idle.pop() {
            if idle.is_good() {
                let sender = Sender::One(idle.sender);
                return Some(Lease::new(target, sender, idle.place, None, true));
            }
        }
        None
    })
}

/// A new connection to the target, in a place that was free.
pub(super) async fn connect(
    shared: &Shared,
    target: &Arc<Target>,
    websocket: bool,
    place: Place,
) -> Result<Lease, Refusal> {
    let backend = (&*target.node, &*target.service);
    let limit = shared.settings().connect_timeout;
    let http2 = target.service.http2 && !websocket;
    let opened = connecting::open(backend, &target.state, http2, limit).await?;
    let place = Arc::new(place);
    let sender = Sender::start(opened, &target.node, &place).await?;
    let mut stream = None;
    if let Sender::Many(sender, streams) = &sender {
        stream = streams.open();
        POOL.with_borrow_mut(|pool| {
            if let Some(kept) = pool.get_mut(&key(&target.service)) {
                kept.shared.push(Many {
                    sender: sender.clone(),
                    streams: streams.clone(),
                    place: place.clone(),
                    used: Instant::now(),
                });
            }
        });
    }
    Ok(Lease::new(target, sender, place, stream, false))
}

/// Closes what nobody uses and what belongs to nodes that were edited, for ever. One runs on each
/// worker.
pub(crate) async fn tend(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TIDY_INTERVAL) => {}
            () = shared.backends.hungry.notified() => {}
        }
        tidy(&shared.snapshot.load());
    }
}

fn tidy(snapshot: &Snapshot) {
    POOL.with_borrow_mut(|pool| {
        pool.retain(|_, kept| {
            let target = &kept.target;
            kept.shared.retain(Many::is_good);
            kept.idle.retain(Idle::is_good);
            if target.is_wanted_elsewhere() {
                kept.idle.clear();
            }
            snapshot
                .node(target.node.id)
                .is_some_and(|node| Arc::ptr_eq(node, &target.node))
        });
    });
}

impl Target {
    fn is_wanted_elsewhere(&self) -> bool {
        let here = self.waiting.load(Ordering::Relaxed);
        self.state.places.is_wanted_elsewhere(here)
    }
}

impl Idle {
    fn is_good(&self) -> bool {
        self.sender.is_ready() && self.since.elapsed() < MAX_IDLE_TIME
    }
}

impl Many {
    fn is_good(&self) -> bool {
        let unused = self.streams.are_none() && self.used.elapsed() >= MAX_IDLE_TIME_HTTP2;
        !self.sender.is_closed() && !self.streams.is_retired() && !unused
    }
}

impl Lease {
    fn new(
        target: &Arc<Target>,
        sender: Sender,
        place: Arc<Place>,
        stream: Option<OpenStream>,
        was_idle: bool,
    ) -> Self {
        Self {
            sender,
            place,
            load: Load::begin(target),
            stream,
            was_idle,
            once: false,
        }
    }

    /// Whether others used the connection before: the backend may just have closed it.
    pub(crate) const fn was_idle(&self) -> bool {
        self.was_idle
    }

    /// Whether other requests are on the same connection.
    pub(crate) const fn is_shared(&self) -> bool {
        matches!(self.sender, Sender::Many(..))
    }

    /// Keeps the connection from being used again, whatever the answer is.
    pub(crate) const fn use_once(&mut self) {
        self.once = true;
    }

    /// Sends a request and waits for the head of its answer: see [`Sender::send`].
    pub(crate) async fn send(
        &mut self,
        request: Request<RequestBody>,
        verdict: &Verdict,
        limit: Duration,
    ) -> Result<Response<Incoming>, SendFailure> {
        let scheme = self.load.target.service.scheme;
        self.sender.send(request, scheme, verdict, limit).await
    }

    /// What goes on to count when the connection has become a WebSocket.
    pub(crate) fn hold(self) -> Held {
        Held {
            _all: Arc::new((self.place, self.load)),
        }
    }

    /// Says whose answer stopped coming, which is too late for a status.
    pub(crate) fn note_stall(self, pause: Duration) {
        let target = &self.load.target;
        tracing::warn!(
            node = &*target.node.name,
            service = service_label(&target.service),
            seconds = pause.as_secs_f64(),
            "an answer stopped coming and is cut off"
        );
    }

    /// Makes the connection available to the next request.
    pub(crate) fn give_back(self) {
        drop(self.stream);
        let Sender::One(sender) = self.sender else {
            self.load.target.tell_returned();
            return;
        };
        let target = &self.load.target;
        if self.once || sender.is_closed() || target.is_wanted_elsewhere() {
            return;
        }
        POOL.with_borrow_mut(|pool| {
            // It is gone when the node was edited in the meantime.
            let Some(kept) = pool.get_mut(&key(&target.service)) else {
                return;
            };
            if kept.idle.len() < MAX_IDLE {
                kept.idle.push(Idle {
                    sender,
                    place: self.place,
                    since: Instant::now(),
                });
            }
        });
        target.tell_returned();
    }
}

impl Target {
    fn tell_returned(&self) {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.returned.notify_one();
        }
    }
}
