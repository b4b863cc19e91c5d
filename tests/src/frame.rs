//! WebSocket frames, byte by byte (RFC 6455 section 5.2).

use tokio::io::{AsyncRead, AsyncReadExt};

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// Goes on with a message.
    Continuation = 0,
    /// Begins a text.
    Text = 1,
    /// Begins bytes.
    Binary = 2,
    /// Ends the WebSocket.
    Close = 8,
    /// Asks whether anybody is there.
    Ping = 9,
    /// Answers that.
    Pong = 10,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whether it is the last one of its message.
    pub last: bool,
    /// What it is.
    pub opcode: Opcode,
    /// What it carries, without its mask.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A whole text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::new(true, Opcode::Text, text.as_ref().as_bytes())
    }

    /// Any frame.
    #[must_use]
    pub fn new(last: bool, opcode: Opcode, payload: &[u8]) -> Self {
        Self {
            last,
            opcode,
            payload: payload.to_vec(),
        }
    }

    /// A close frame with a status and a reason.
    #[must_use]
    pub fn close(code: u16, reason: &str) -> Self {
        let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
        Self::new(true, Opcode::Close, &payload)
    }

    /// The payload as text.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn as_text(&self) -> &str {
        std::str::from_utf8(&self.payload).expect("the payload is UTF-8")
    }

    /// The status of a close frame.
    ///
    /// # Panics
    /// When it is another frame, or tells none.
    #[must_use]
    pub fn close_code(&self) -> u16 {
        assert_eq!(self.opcode, Opcode::Close, "{self:?}");
        let code = self
            .payload
            .first_chunk()
            .expect("a close frame with a status");
        u16::from_be_bytes(*code)
    }

    /// The bytes, masked as clients have to send them.
    #[must_use]
    pub fn masked(&self) -> Vec<u8> {
        const KEY: [u8; 4] = [0x1f, 0x2e, 0x3d, 0x4c];
        let mut bytes = self.head(0x80);
        bytes.extend_from_slice(&KEY);
        bytes.extend(
            self.payload
                .iter()
                .zip(KEY.iter().cycle())
                .map(|(byte, key)| byte ^ key),
        );
        bytes
    }

    /// The bytes, as servers send them.
    #[must_use]
    pub fn plain(&self) -> Vec<u8> {
        let mut bytes = self.head(0);
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    fn head(&self, mask: u8) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.last) << 7 | self.opcode as u8];
        match self.payload.len() {
            short @ 0..=125 => bytes.push(mask | short as u8),
            medium @ 126..=0xffff => {
                bytes.push(mask | 126);
                bytes.extend_from_slice(&(medium as u16).to_be_bytes());
            }
            long => {
                bytes.push(mask | 127);
                bytes.extend_from_slice(&(long as u64).to_be_bytes());
            }
        }
        bytes
    }

    /// Reads one frame; nothing when the stream has ended before it.
    ///
    /// # Panics
    /// When the stream ends inside of a frame, or what comes is no frame.
    pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Self> {
        let mut head = [0; 2];
        match stream.read(&mut head[..1]).await {
            Ok(1) => {}
            // A reset is an end as well: whoever closes with something unread causes one.
            _ => return None,
        }
        assert_eq!(head[0] & 0x70, 0, "a reserved bit is set: {:#04x}", head[0]);
        stream
            .read_exact(&mut head[1..])
            .await
            .expect("the rest of a frame's head");
        let length = match head[1] & 0x7f {
            126 => u64::from(stream.read_u16().await.expect("a frame's length")),
            127 => stream.read_u64().await.expect("a frame's length"),
            short => u64::from(short),
        };
        let mut key = [0; 4];
        if head[1] & 0x80 != 0 {
            stream.read_exact(&mut key).await.expect("a frame's mask");
        }
        let mut payload = vec![0; usize::try_from(length).expect("a length")];
        stream
            .read_exact(&mut payload)
            .await
            .expect("a frame's payload");
        for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
            *byte ^= key;
        }
        Some(Self {
            last: head[0] & 0x80 != 0,
            opcode: opcode(head[0] & 0x0f),
            payload,
        })
    }
}

fn opcode(number: u8) -> Opcode {
    match number {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        other => panic!("there is no opcode {other}"),
    }
}
