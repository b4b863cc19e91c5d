//! A strict peer: sends every message back, and closes with the right status when a rule is broken.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use jotgate_scenarios::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::{WebSocketStream, accept_async};

/// It serves until it is dropped.
pub(crate) struct Peer {
    address: SocketAddr,
    accepting: AbortHandle,
}

impl Peer {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
        Self {
            address,
            accepting: accepting.abort_handle(),
        }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(stream: TcpStream) {
    stream.set_nodelay(true).expect("a socket");
    let Ok(mut socket) = accept_async(stream).await else {
        return;
    };
    let code = echo(&mut socket).await;
    let stream = socket.get_mut();
    if let Some(code) = code {
        drop(stream.write_all(&Frame::close(code, "").plain()).await);
    }
    // Closing with something unread would be a reset, which takes back what was sent.
    drop(stream.shutdown().await);
    let mut rest = Vec::new();
    let reading = stream.read_to_end(&mut rest);
    drop(tokio::time::timeout(Duration::from_secs(5), reading).await);
}

/// Gives the status for what was wrong; nothing after a closing handshake.
async fn echo(socket: &mut WebSocketStream<TcpStream>) -> Option<u16> {
    while let Some(received) = socket.next().await {
        match received {
            Ok(message) if message.is_text() || message.is_binary() => {
                if socket.send(message).await.is_err() {
                    return None;
                }
            }
            Ok(_) => {}
            Err(Error::Protocol(_)) => return Some(1002),
            Err(Error::Utf8(_)) => return Some(1007),
            Err(_) => return None,
        }
    }
    None
}
