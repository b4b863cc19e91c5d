//! A request as the backend got it.

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// A request, byte for byte.
#[derive(Clone)]
pub struct Received {
    /// Which connection it came on, counted from 0.
    pub connection: usize,
    /// The bytes of its head, with the empty line.
    pub head: Vec<u8>,
    /// Its body, without the framing.
    pub body: Vec<u8>,
    /// The bytes of its body, with the framing.
    pub raw_body: Vec<u8>,
    /// Whether it came to its end.
    pub complete: bool,
}

impl Received {
    /// The request line, such as `GET /hub/ HTTP/1.1`.
    #[must_use]
    pub fn line(&self) -> String {
        self.text().lines().next().unwrap_or_default().to_owned()
    }

    /// The target of the request line.
    #[must_use]
    pub fn target(&self) -> String {
        self.line().split(' ').nth(1).unwrap_or_default().to_owned()
    }

    /// The head as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.head).into_owned()
    }

    /// Every value of a header field, in any case of the name.
    #[must_use]
    pub fn headers(&self, name: &str) -> Vec<String> {
        let text = self.text();
        let fields = text.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields
            .filter(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.strip_prefix(' ').unwrap_or(value).to_owned())
            .collect()
    }

    /// The value of a header field that comes at most once.
    ///
    /// # Panics
    /// When it comes more often.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let mut values = self.headers(name);
        assert!(values.len() <= 1, "{name} comes more than once: {values:?}");
        values.pop()
    }

    /// The names of all fields, in lower case and in their order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let text = self.text();
        let fields = text.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.map(|(name, _)| name.to_ascii_lowercase()).collect()
    }

    /// Whether it asks for a WebSocket.
    #[must_use]
    pub fn is_upgrade(&self) -> bool {
        self.headers("upgrade")
            .iter()
            .any(|value| value.eq_ignore_ascii_case("websocket"))
    }

    /// The next request on a connection; nothing when there is none.
    pub(super) async fn read(
        stream: &mut TcpStream,
        buffer: &mut Vec<u8>,
        connection: usize,
    ) -> Option<Self> {
        let end = loop {
            if let Some(at) = find(buffer, b"\r\n\r\n") {
                break at + 4;
            }
            if !fill(stream, buffer).await {
                let rest = std::mem::take(buffer);
                return (!rest.is_empty()).then(|| Self::new(connection, rest, false));
            }
        };
        let rest = buffer.split_off(end);
        let mut received = Self::new(connection, std::mem::replace(buffer, rest), true);
        received.complete = match received.headers("transfer-encoding").is_empty() {
            true => received.read_length(stream, buffer).await,
            false => received.read_chunks(stream, buffer).await,
        };
        Some(received)
    }

    fn new(connection: usize, head: Vec<u8>, complete: bool) -> Self {
        Self {
            connection,
            head,
            body: Vec::new(),
            raw_body: Vec::new(),
            complete,
        }
    }

    async fn read_length(&mut self, stream: &mut TcpStream, buffer: &mut Vec<u8>) -> bool {
        let length = self
            .header("content-length")
            .map_or(0, |text| text.parse().expect("a length"));
        let complete = take(stream, buffer, length, &mut self.raw_body).await;
        self.body.clone_from(&self.raw_body);
        complete
    }

    async fn read_chunks(&mut self, stream: &mut TcpStream, buffer: &mut Vec<u8>) -> bool {
        loop {
            let start = self.raw_body.len();
            if !take_line(stream, buffer, &mut self.raw_body).await {
                return false;
            }
            let line = String::from_utf8_lossy(&self.raw_body[start..]).into_owned();
            let Ok(length) = usize::from_str_radix(line.trim(), 16) else {
                return false;
            };
            if length == 0 {
                return self.read_trailers(stream, buffer).await;
            }
            let start = self.raw_body.len();
            let complete = take(stream, buffer, length + 2, &mut self.raw_body).await;
            let end = self.raw_body.len().min(start + length);
            self.body.extend_from_slice(&self.raw_body[start..end]);
            if !complete {
                return false;
            }
        }
    }

    async fn read_trailers(&mut self, stream: &mut TcpStream, buffer: &mut Vec<u8>) -> bool {
        loop {
            let start = self.raw_body.len();
            if !take_line(stream, buffer, &mut self.raw_body).await {
                return false;
            }
            if &self.raw_body[start..] == b"\r\n" {
                return true;
            }
        }
    }
}

impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let complete = if self.complete { "" } else { " (not complete)" };
        write!(
            f,
            "on connection {}{complete}:\n{}",
            self.connection,
            self.text()
        )?;
        write!(f, "and {} bytes of body", self.body.len())
    }
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> bool {
    matches!(stream.read_buf(buffer).await, Ok(1..))
}

async fn take(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    mut length: usize,
    to: &mut Vec<u8>,
) -> bool {
    loop {
        let step = length.min(buffer.len());
        to.extend(buffer.drain(..step));
        length -= step;
        if length == 0 {
            return true;
        }
        if !fill(stream, buffer).await {
            return false;
        }
    }
}

async fn take_line(stream: &mut TcpStream, buffer: &mut Vec<u8>, to: &mut Vec<u8>) -> bool {
    loop {
        if let Some(at) = find(buffer, b"\r\n") {
            to.extend(buffer.drain(..at + 2));
            return true;
        }
        if !fill(stream, buffer).await {
            to.append(buffer);
            return false;
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
