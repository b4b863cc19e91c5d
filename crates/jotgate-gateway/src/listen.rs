//! Listening sockets and the workers behind them.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::runtime;

use crate::tls::ServerCertificates;
use crate::{Shared, connection};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// A socket cannot be opened: one sentence that names the setting.
#[derive(Debug, thiserror::Error)]
#[error("{setting} {address}: {what}")]
pub struct BindError {
    setting: &'static str,
    address: SocketAddr,
    what: String,
    /// Whether somebody else has the port.
    pub taken: bool,
}

/// Opens a listening socket; port 0 takes any free one.
///
/// # Errors
/// The port is taken, or the address is not one of this machine.
pub fn bind(setting: &'static str, address: SocketAddr) -> Result<TcpListener, BindError> {
    open(address).map_err(|error| BindError {
        setting,
        address,
        taken: error.kind() == io::ErrorKind::AddrInUse,
        what: match error.kind() {
            io::ErrorKind::AddrInUse => {
                "the port is taken by another process; stop it or choose another port".to_owned()
            }
            io::ErrorKind::AddrNotAvailable => "the address is not one of this machine".to_owned(),
            io::ErrorKind::PermissionDenied => {
                "this process may not use the port; choose one above 1023".to_owned()
            }
            _ => error.to_string(),
        },
    })
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A restart must not wait until the connections of the process before have been forgotten.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(address.ip() != IpAddr::from([0_u16; 8]))?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The sockets of the gateway.
#[derive(Debug, Default)]
pub struct GatewayListeners {
    /// HTTPS.
    pub tls: Vec<TcpListener>,
    /// Plain HTTP.
    pub plain: Vec<TcpListener>,
}

/// The threads that serve requests.
#[derive(Debug)]
pub struct Workers(Vec<JoinHandle<()>>);

impl Workers {
    /// Starts the workers on the sockets. Each has a runtime of one thread.
    ///
    /// # Errors
    /// A thread or a socket cannot be had.
    pub fn start(
        shared: &Arc<Shared>,
        listeners: &GatewayListeners,
        certificates: &Arc<ServerCertificates>,
    ) -> io::Result<Self> {
        let admission = Arc::new(Admission::new(shared));
        let mut threads = Vec::new();
        for number in 0..shared.settings().workers.max(1) {
            let mut sockets = Vec::new();
            for (list, certificates) in [
                (&listeners.tls, Some(certificates)),
                (&listeners.plain, None),
            ] {
                for listener in list {
                    sockets.push((listener.try_clone()?, certificates.cloned()));
                }
            }
            let (shared, admission) = (shared.clone(), admission.clone());
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let run = move || runtime.block_on(work(shared, sockets, admission));
            threads.push(
                std::thread::Builder::new()
                    .name(format!("worker-{number}"))
                    .spawn(run)?,
            );
        }
        Ok(Self(threads))
    }

    /// Waits for all workers, which end after [`Shared::leave`].
    pub fn join(self) {
        for thread in self.0 {
            if thread.join().is_err() {
                tracing::error!("a worker panicked; this is a defect of Jotgate");
            }
        }
    }
}

type Sockets = Vec<(TcpListener, Option<Arc<ServerCertificates>>)>;

async fn work(shared: Arc<Shared>, sockets: Sockets, admission: Arc<Admission>) {
    for (listener, certificates) in sockets {
        match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => {
                tokio::spawn(accept(
                    shared.clone(),
                    listener,
                    certificates,
                    admission.clone(),
                ));
            }
            Err(error) => tracing::error!(%error, "a listening socket cannot be used"),
        }
    }
    tokio::spawn(crate::upstream::tend(shared.clone()));
    shared.drain.cut().await;
    // What was told to end gets a moment to do so.
    tokio::time::sleep(Duration::from_millis(50)).await;
}

async fn accept(
    shared: Arc<Shared>,
    listener: tokio::net::TcpListener,
    certificates: Option<Arc<ServerCertificates>>,
    admission: Arc<Admission>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.drain.accepting_ended() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: waiting is all that helps.
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let peer = peer.ip().to_canonical();
        let Some(place) = Place::take(&admission) else {
            shared.metrics.connection_refused("total");
            continue;
        };
        let tls = certificates
            .as_ref()
            .map(|certificates| certificates.offer());
        let open = shared.drain.connections.token();
        let served = connection::serve(shared.clone(), stream, peer, tls, (place, open));
        let gauge = shared.metrics.connections.clone();
        gauge.inc();
        tokio::spawn(async move {
            served.await;
            gauge.dec();
        });
    }
}

/// How many connections there may be, in all and of one address.
#[derive(Debug)]
struct Admission {
    max: usize,
    max_per_address: Option<usize>,
    open: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

impl Admission {
    fn new(shared: &Shared) -> Self {
        Self {
            max: shared.settings().max_connections,
            max_per_address: shared.settings().max_connections_per_address,
            open: AtomicUsize::new(0),
            by_address: Mutex::default(),
        }
    }
}

/// A connection's place among those that may be open.
#[derive(Debug)]
pub(crate) struct Place {
    admission: Arc<Admission>,
    /// Whose it is, once it counts among those of an address.
    peer: Option<IpAddr>,
}

impl Place {
    fn take(admission: &Arc<Admission>) -> Option<Self> {
        if admission.open.fetch_add(1, Ordering::Relaxed) >= admission.max {
            admission.open.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Self {
            admission: admission.clone(),
            peer: None,
        })
    }

    /// A place that takes nobody's.
    pub(crate) fn of_nobody() -> Self {
        let admission = Admission {
            max: 1,
            max_per_address: None,
            open: AtomicUsize::new(1),
            by_address: Mutex::default(),
        };
        Self {
            admission: Arc::new(admission),
            peer: None,
        }
    }

    /// The same as a place of `peer`, who may be another one than the connection's other end: a trusted
    /// proxy announces its clients. Nothing when `peer` has as many as it may.
    pub(crate) fn of(mut self, peer: IpAddr) -> Option<Self> {
        if let Some(max) = self.admission.max_per_address {
            let mut by_address = self.admission.by_address.lock();
            let count = by_address.entry(peer).or_insert(0);
            if *count >= max {
                return None;
            }
            *count += 1;
            drop(by_address);
            self.peer = Some(peer);
        }
        Some(self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(peer) = self.peer {
            let mut by_address = self.admission.by_address.lock();
            if let Some(count) = by_address.get_mut(&peer) {
                *count -= 1;
                if *count == 0 {
                    by_address.remove(&peer);
                }
            }
        }
    }
}
