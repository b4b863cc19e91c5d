//! The backend: a server of raw TCP that keeps the bytes it gets and answers what the test says.

mod received;
mod reply;
pub(crate) mod socket;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

pub use self::received::Received;
use self::reply::Next;
pub use self::reply::Reply;
use self::socket::BackendSocket;
use crate::{PATIENCE, eventually, within};

type Script = dyn Fn(&Received) -> Reply + Send + Sync;

/// A backend. It serves until it is dropped.
pub struct Backend {
    address: SocketAddr,
    shared: Arc<Shared>,
    sockets: tokio::sync::Mutex<UnboundedReceiver<BackendSocket>>,
    accepting: AbortHandle,
}

struct Shared {
    script: Box<Script>,
    received: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    sockets: UnboundedSender<BackendSocket>,
    serving: Mutex<Vec<AbortHandle>>,
}

impl Backend {
    /// Answers 200 with `hello`, and echoes WebSockets.
    pub async fn echo() -> Self {
        Self::named("hello").await
    }

    /// Answers 200 with that text, and echoes WebSockets.
    pub async fn named(text: &'static str) -> Self {
        Self::answering(move |received| match received.is_upgrade() {
            true => Reply::web_socket_echo(),
            false => Reply::text(text),
        })
        .await
    }

    /// Hands every WebSocket to the test: see [`Backend::socket`].
    pub async fn sockets() -> Self {
        Self::answering(|received| match received.is_upgrade() {
            true => Reply::web_socket(),
            false => Reply::text("hello"),
        })
        .await
    }

    /// Answers what `script` says.
    pub async fn answering(script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::on(listener, script)
    }

    /// Answers what `script` says, on a port that the test chose.
    ///
    /// # Panics
    /// When the port has no address.
    #[must_use]
    pub fn on(
        listener: TcpListener,
        script: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(listener, Box::new(script))
    }

    /// An address where nobody listens.
    pub async fn nowhere() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        listener.local_addr().expect("an address")
    }

    fn start(listener: TcpListener, script: Box<Script>) -> Self {
        let address = listener.local_addr().expect("an address");
        let (sender, receiver) = unbounded_channel();
        let shared = Arc::new(Shared {
            script,
            received: Mutex::default(),
            connections: AtomicUsize::new(0),
            sockets: sender,
            serving: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self {
            address,
            shared,
            sockets: tokio::sync::Mutex::new(receiver),
            accepting: accepting.abort_handle(),
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request that has come, also those that were not complete, in their order.
    ///
    /// # Panics
    /// When the script panicked.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().expect("the requests").clone()
    }

    /// Forgets every request that has come, for what goes on for long.
    ///
    /// # Panics
    /// When the script panicked.
    pub fn forget(&self) {
        self.shared.received.lock().expect("the requests").clear();
    }

    /// The one request that has come.
    ///
    /// # Panics
    /// When it is not one.
    #[must_use]
    pub fn only(&self) -> Received {
        let mut received = self.received();
        assert_eq!(received.len(), 1, "expected one request: {received:#?}");
        received.remove(0)
    }

    /// The last request that has come.
    ///
    /// # Panics
    /// When none has.
    #[must_use]
    pub fn last(&self) -> Received {
        self.received().pop().expect("a request")
    }

    /// Waits until so many requests have come.
    pub async fn wait_for(&self, count: usize) {
        let enough = async || (self.received().len() >= count).then_some(());
        eventually(&format!("{count} requests at the backend"), enough).await;
    }

    /// How many connections have been opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The next WebSocket that was opened.
    ///
    /// # Panics
    /// When none is.
    pub async fn socket(&self) -> BackendSocket {
        let mut sockets = self.sockets.lock().await;
        within(PATIENCE, "a WebSocket at the backend", sockets.recv())
            .await
            .expect("a WebSocket")
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.accepting.abort();
        if let Ok(serving) = self.shared.serving.lock() {
            for task in &*serving {
                task.abort();
            }
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let number = shared.connections.fetch_add(1, Ordering::SeqCst);
        let task = tokio::spawn(serve(stream, number, shared.clone())).abort_handle();
        shared.serving.lock().expect("the connections").push(task);
    }
}

async fn serve(mut stream: TcpStream, connection: usize, shared: Arc<Shared>) {
    let mut buffer = Vec::new();
    drop(stream.set_nodelay(true));
    while let Some(received) = Received::read(&mut stream, &mut buffer, connection).await {
        let complete = received.complete;
        let reply = complete.then(|| (shared.script)(&received));
        let kept = received.clone();
        shared.received.lock().expect("the requests").push(kept);
        let Some(reply) = reply else { return };
        match reply.play(&mut stream, &received).await {
            Next::Request => {}
            Next::Close => return,
            Next::WebSocket => {
                // The test may have lost interest.
                drop(shared.sockets.send(BackendSocket::new(stream, buffer)));
                return;
            }
            Next::WebSocketEcho => return BackendSocket::new(stream, buffer).echo().await,
        }
    }
}
