//! Tunnel: where the frames of a WebSocket begin and end (RFC 6455 section 5.2).
//!
//! Jotgate passes frames on as they are. It reads their heads only to know when it may put a message
//! of its own between two of the backend's: the notice that a session has ended, and the close frame.

use aws_lc_rs::digest;
use bytes::Bytes;

/// What a server answers to a handshake with that `Sec-WebSocket-Key` (RFC 6455 section 4.2.2).
#[must_use]
pub fn accept_for(key: &str) -> String {
    const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key.as_bytes());
    hash.update(GUID.as_bytes());
    base64_simd::STANDARD.encode_to_string(hash.finish())
}

/// A `Sec-WebSocket-Key` from a nonce.
#[must_use]
pub fn key(nonce: [u8; 16]) -> String {
    base64_simd::STANDARD.encode_to_string(nonce)
}

/// Follows one direction of a WebSocket.
#[derive(Clone, Debug, Default)]
pub struct FrameTracker {
    /// Bytes of the payload that are still to come.
    payload: u64,
    /// The beginning of a head that is not complete yet: at most 2 + 8 + 4 bytes.
    head: [u8; 14],
    head_len: u8,
    /// Whether a fragmented message is open.
    in_message: bool,
    closed: bool,
}

impl FrameTracker {
    /// Takes the next bytes of the stream into account.
    pub fn advance(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.payload > 0 {
                let step = usize::try_from(self.payload)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                self.payload -= step as u64;
                bytes = &bytes[step..];
                continue;
            }
            self.head[usize::from(self.head_len)] = bytes[0];
            self.head_len += 1;
            bytes = &bytes[1..];
            if usize::from(self.head_len) == self.head_size() {
                self.finish_head();
            }
        }
    }

    /// Whether a frame of our own may be sent now: not inside of a frame, and a control frame only
    /// when a fragmented message is open.
    #[must_use]
    pub const fn boundary(&self) -> Boundary {
        if self.payload > 0 || self.head_len > 0 {
            Boundary::InsideFrame
        } else if self.in_message {
            Boundary::BetweenFragments
        } else {
            Boundary::BetweenMessages
        }
    }

    /// Whether a close frame has passed: nothing may follow it.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// The size of the head that begins with what was read of it.
    fn head_size(&self) -> usize {
        if self.head_len < 2 {
            return 2;
        }
        let mask = if self.head[1] & 0x80 == 0 { 0 } else { 4 };
        2 + mask
            + match self.head[1] & 0x7f {
                126 => 2,
                127 => 8,
                _ => 0,
            }
    }

    fn finish_head(&mut self) {
        let head = &self.head;
        self.payload = match head[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes([head[2], head[3]])),
            127 => u64::from_be_bytes([
                head[2], head[3], head[4], head[5], head[6], head[7], head[8], head[9],
            ]),
            short => u64::from(short),
        };
        let (fin, opcode) = (head[0] & 0x80 != 0, head[0] & 0x0f);
        if opcode < 8 {
            self.in_message = !fin;
        }
        self.closed |= opcode == 8;
        self.head_len = 0;
    }
}

/// Where a stream of frames stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// Any frame may follow.
    BetweenMessages,
    /// Control frames may follow.
    BetweenFragments,
    /// Nothing may be put in.
    InsideFrame,
}

/// The status that a close frame tells (RFC 6455 section 7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCode {
    /// 1001: the gateway goes away, or the session is over.
    GoingAway,
    /// 1008: the session was ended by a decision.
    PolicyViolation,
}

/// An unmasked text frame, as servers send them.
#[must_use]
pub fn text_frame(text: &str) -> Bytes {
    frame(0x1, text.as_bytes())
}

/// A close frame with a reason of at most 123 bytes; a longer one is cut at a character.
#[must_use]
pub fn close_frame(code: CloseCode, reason: &str) -> Bytes {
    let number: u16 = match code {
        CloseCode::GoingAway => 1001,
        CloseCode::PolicyViolation => 1008,
    };
    let end = (0..=reason.len().min(123))
        .rev()
        .find(|at| reason.is_char_boundary(*at))
        .unwrap_or(0);
    frame(
        0x8,
        &[&number.to_be_bytes(), &reason.as_bytes()[..end]].concat(),
    )
}

fn frame(opcode: u8, payload: &[u8]) -> Bytes {
    let mut bytes = vec![0x80 | opcode];
    match payload.len() {
        short @ 0..=125 => bytes.push(u8::try_from(short).unwrap_or_default()),
        medium @ 126..=0xffff => {
            bytes.push(126);
            bytes.extend_from_slice(&u16::try_from(medium).unwrap_or_default().to_be_bytes());
        }
        long => {
            bytes.push(127);
            bytes.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(payload);
    bytes.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(bytes: &[u8]) -> FrameTracker {
        let mut tracker = FrameTracker::default();
        tracker.advance(bytes);
        tracker
    }

    /// The example of RFC 6455 section 1.3.
    #[test]
    fn keys_and_what_is_answered_to_them() {
        assert_eq!(key(*b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(
            accept_for("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn boundaries() {
        assert_eq!(after(&[]).boundary(), Boundary::BetweenMessages);
        assert_eq!(after(&[0x81]).boundary(), Boundary::InsideFrame);
        assert_eq!(after(&[0x81, 1]).boundary(), Boundary::InsideFrame);
        assert_eq!(
            after(&[0x81, 1, b'a']).boundary(),
            Boundary::BetweenMessages
        );
        // A fragment, a ping between fragments, the last fragment.
        assert_eq!(after(&[0x01, 0]).boundary(), Boundary::BetweenFragments);
        assert_eq!(
            after(&[0x01, 0, 0x89, 0]).boundary(),
            Boundary::BetweenFragments
        );
        assert_eq!(
            after(&[0x01, 0, 0x89, 0, 0x80, 0]).boundary(),
            Boundary::BetweenMessages
        );
        assert!(after(&[0x88, 0]).is_closed());
        // A masked frame's key belongs to its head.
        assert_eq!(
            after(&[0x81, 0x80, 1, 2, 3]).boundary(),
            Boundary::InsideFrame
        );
        assert_eq!(
            after(&[0x81, 0x80, 1, 2, 3, 4]).boundary(),
            Boundary::BetweenMessages
        );
    }

    #[test]
    fn own_frames_are_well_formed() {
        assert_eq!(
            &close_frame(CloseCode::GoingAway, "x")[..],
            [0x88, 3, 0x03, 0xe9, b'x']
        );
        let long = close_frame(CloseCode::PolicyViolation, &"é".repeat(100));
        assert_eq!(long.len(), 2 + 2 + 122);
        for length in [0, 125, 126, 65535, 65536] {
            let bytes = text_frame(&"a".repeat(length));
            assert_eq!(
                after(&bytes).boundary(),
                Boundary::BetweenMessages,
                "{length}"
            );
            assert_eq!(
                after(&bytes[..bytes.len() - 1]).boundary(),
                Boundary::InsideFrame,
                "{length}"
            );
        }
    }

    proptest! {
        #[test]
        fn how_the_stream_is_cut_does_not_matter(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..200) {
            let cut = cut.min(bytes.len());
            let mut parts = FrameTracker::default();
            parts.advance(&bytes[..cut]);
            parts.advance(&bytes[cut..]);
            let whole = after(&bytes);
            prop_assert_eq!(parts.boundary(), whole.boundary());
            prop_assert_eq!(parts.is_closed(), whole.is_closed());
        }
    }
}
