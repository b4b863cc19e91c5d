//! What a backend does with a request.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::Received;

/// What a backend answers: bytes and pauses, one after the other, and what becomes of the connection.
#[derive(Clone, Debug)]
pub struct Reply {
    steps: Vec<Step>,
    next: Next,
}

#[derive(Clone, Debug)]
enum Step {
    Send(Bytes),
    Switch,
    Pause(Duration),
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Close,
    Request,
    WebSocket,
    WebSocketEcho,
}

impl Reply {
    /// 200 with a text.
    #[must_use]
    pub fn text(body: &str) -> Self {
        Self::new(200, &[("Content-Type", "text/plain")], body)
    }

    /// A status without a body: without `Content-Length` where there can be none.
    #[must_use]
    pub fn status(status: u16) -> Self {
        match status {
            100..=199 | 204 | 304 => Self::raw(format!("HTTP/1.1 {status} Status\r\n\r\n")),
            _ => Self::new(status, &[], ""),
        }
    }

    /// A status, header fields and a body.
    #[must_use]
    pub fn new(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let fields: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let head = format!(
            "HTTP/1.1 {status} Status\r\n{fields}Content-Length: {}\r\n\r\n",
            body.len()
        );
        Self::raw([head.as_bytes(), body].concat())
    }

    /// 200 with a body in chunks.
    #[must_use]
    pub fn chunked(chunks: &[&[u8]]) -> Self {
        let mut reply = Self::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for chunk in chunks {
            reply = reply.then_chunk(chunk);
        }
        reply.then("0\r\n\r\n")
    }

    /// Exactly these bytes.
    #[must_use]
    pub fn raw(bytes: impl Into<Bytes>) -> Self {
        Self {
            steps: vec![Step::Send(bytes.into())],
            next: Next::Request,
        }
    }

    /// Nothing, for ever.
    #[must_use]
    pub fn never() -> Self {
        Self::pause(Duration::from_secs(3600))
    }

    /// Nothing, for a while.
    #[must_use]
    pub fn pause(time: Duration) -> Self {
        Self {
            steps: vec![Step::Pause(time)],
            next: Next::Request,
        }
    }

    /// Closes the connection without a word.
    #[must_use]
    pub const fn close() -> Self {
        Self {
            steps: Vec::new(),
            next: Next::Close,
        }
    }

    /// 101, and then [`super::Backend::socket`] has the connection.
    #[must_use]
    pub fn web_socket() -> Self {
        Self {
            steps: vec![Step::Switch],
            next: Next::WebSocket,
        }
    }

    /// 101, and then every message comes back.
    #[must_use]
    pub fn web_socket_echo() -> Self {
        Self {
            steps: vec![Step::Switch],
            next: Next::WebSocketEcho,
        }
    }

    /// Then these bytes: together with what is sent before them, unless there is a pause between. Apart, what lies behind an answer
    /// could come after the next request was sent, and then it is that one's answer, as far as anybody can tell.
    #[must_use]
    pub fn then(mut self, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        match self.steps.last_mut() {
            Some(Step::Send(before)) => *before = [&before[..], &bytes[..]].concat().into(),
            _ => self.steps.push(Step::Send(bytes)),
        }
        self
    }

    /// Then these bytes as a chunk.
    #[must_use]
    pub fn then_chunk(self, bytes: &[u8]) -> Self {
        let size = format!("{:x}\r\n", bytes.len());
        self.then([size.as_bytes(), bytes, b"\r\n"].concat())
    }

    /// Then nothing for a while.
    #[must_use]
    pub fn then_pause(mut self, time: Duration) -> Self {
        self.steps.push(Step::Pause(time));
        self
    }

    /// Then the end of the connection.
    #[must_use]
    pub const fn then_close(mut self) -> Self {
        self.next = Next::Close;
        self
    }

    /// After a while.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.steps.insert(0, Step::Pause(time));
        self
    }

    pub(super) async fn play(self, stream: &mut TcpStream, to: &Received) -> Next {
        for step in self.steps {
            let bytes = match step {
                Step::Pause(time) => {
                    tokio::time::sleep(time).await;
                    continue;
                }
                Step::Send(bytes) => bytes,
                Step::Switch => switch(to).into(),
            };
            if stream.write_all(&bytes).await.is_err() {
                return Next::Close;
            }
        }
        self.next
    }
}

/// The 101 that answers the key of that handshake.
fn switch(to: &Received) -> String {
    let key = to.header("sec-websocket-key").unwrap_or_default();
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    )
}
