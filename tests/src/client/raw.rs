//! A connection of bytes, for requests that no library would send.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::Stream;
use crate::{Frame, PATIENCE, within};

/// A connection of bytes.
pub struct Raw {
    stream: Box<dyn Stream>,
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct RawAnswer {
    /// The bytes of its head, with the empty line.
    pub head: String,
    /// Its status.
    pub status: u16,
    /// Its header.
    pub headers: HeaderMap,
    /// Its body, without the framing.
    pub body: Vec<u8>,
}

impl RawAnswer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Raw {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream }
    }

    /// Sends bytes.
    ///
    /// # Panics
    /// When the other side does not take them.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.expect("the bytes are taken");
    }

    /// Sends bytes, which the other side may have no interest in any more.
    ///
    /// # Errors
    /// The connection is closed.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await?;
        self.stream.flush().await
    }

    /// Tells the other side that nothing more will come.
    pub async fn finish(&mut self) {
        drop(self.stream.shutdown().await);
    }

    /// Reads one answer.
    ///
    /// # Panics
    /// When none comes.
    pub async fn read_answer(&mut self) -> RawAnswer {
        let head = self.read_head().await;
        self.read_body(head).await
    }

    /// Reads the head of an answer.
    ///
    /// # Panics
    /// When none comes, or it is none.
    pub async fn read_head(&mut self) -> RawAnswer {
        let mut head = Vec::new();
        let reading = async {
            while !head.ends_with(b"\r\n\r\n") {
                match self.stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
        };
        within(PATIENCE, "the head of an answer", reading).await;
        let head = String::from_utf8(head).expect("a head of ASCII");
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default();
        let status = first
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3)?.parse().ok());
        let field = |line: &str| {
            let (name, value) = line.split_once(':')?;
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            Some((name, HeaderValue::from_str(value.trim()).expect("a value")))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(field) {
            headers.append(name, value);
        }
        Self::checked(status, head, headers)
    }

    fn checked(status: Option<u16>, head: String, headers: HeaderMap) -> RawAnswer {
        RawAnswer {
            status: status.unwrap_or_else(|| panic!("no answer, but {head:?}")),
            head,
            headers,
            body: Vec::new(),
        }
    }

    /// Reads what belongs to that head.
    ///
    /// # Panics
    /// When not all of it comes.
    pub async fn read_body(&mut self, mut answer: RawAnswer) -> RawAnswer {
        let text = |name: &str| {
            answer
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        if answer.status < 200 || matches!(answer.status, 204 | 304) {
            return answer;
        }
        if text("transfer-encoding") == Some("chunked") {
            answer.body = within(PATIENCE, "the chunks of an answer", self.read_chunks()).await;
        } else if let Some(length) = text("content-length") {
            let mut body = vec![0; length.parse().expect("a length")];
            let read = self.stream.read_exact(&mut body);
            within(PATIENCE, "the body of an answer", read)
                .await
                .expect("the whole body");
            answer.body = body;
        } else {
            answer.body = self.read_to_end().await;
        }
        answer
    }

    async fn read_chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let line = self.read_line().await;
            let length = usize::from_str_radix(line.trim(), 16).expect("the size of a chunk");
            let mut chunk = vec![0; length];
            self.stream.read_exact(&mut chunk).await.expect("a chunk");
            body.extend_from_slice(&chunk);
            let end = self.read_line().await;
            assert_eq!(end, "\r\n", "what follows a chunk");
            if length == 0 {
                return body;
            }
        }
    }

    async fn read_line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(self.stream.read_u8().await.expect("a line"));
        }
        String::from_utf8(line).expect("a line of ASCII")
    }

    /// Reads so many bytes.
    ///
    /// # Panics
    /// When they do not come.
    pub async fn read_exact(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let read = self.stream.read_exact(&mut bytes);
        within(PATIENCE, "bytes", read).await.expect("bytes");
        bytes
    }

    /// Reads what comes until the other side closes.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let reading = async {
            // An end without TLS's goodbye is an end.
            drop(self.stream.read_to_end(&mut bytes).await);
        };
        within(PATIENCE, "the end of the connection", reading).await;
        bytes
    }

    /// Whether the other side ends the connection now, and says so: over TLS with `close_notify`
    /// (RFC 8446 section 6.1), without which an end may be an attack.
    pub async fn ends_cleanly(&mut self) -> bool {
        let mut byte = [0];
        let read = within(
            PATIENCE,
            "the end of the connection",
            self.stream.read(&mut byte),
        )
        .await;
        matches!(read, Ok(0))
    }

    /// What comes within `limit`, when something does; nothing in it is the end.
    pub async fn silence(&mut self, limit: Duration) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 4096];
        match tokio::time::timeout(limit, self.stream.read(&mut buffer)).await {
            Err(_) => None,
            Ok(length) => {
                buffer.truncate(length.unwrap_or(0));
                Some(buffer)
            }
        }
    }

    /// Reads one WebSocket frame; nothing when the connection has ended.
    pub async fn read_frame(&mut self) -> Option<Frame> {
        within(PATIENCE, "a frame", Frame::read(&mut self.stream)).await
    }
}

/// For libraries that speak over a connection of bytes.
impl AsyncRead for Raw {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Raw {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
