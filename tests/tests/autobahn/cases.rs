//! What a case is.

use jotgate_scenarios::{Frame, Opcode};

/// One case.
pub(crate) struct Case {
    /// Its number in the suite.
    pub(crate) number: String,
    /// The bytes, as they are written one after the other.
    pub(crate) pieces: Vec<Vec<u8>>,
    pub(crate) outcome: Outcome,
}

/// How it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// The peer closes with that status.
    Closes(u16),
    /// The connection ends: the suite leaves open how.
    Ends,
}

impl Case {
    /// Frames that a good client could send, and then its good-bye.
    pub(crate) fn good(number: impl Into<String>, frames: impl IntoIterator<Item = Frame>) -> Self {
        let mut pieces = pieces(frames);
        pieces.push(Frame::close(1000, "").masked());
        Self::new(number, pieces, Outcome::Closes(1000))
    }

    /// Frames that are answered by a close with that status. The good-bye is for a peer that does not
    /// notice, and lets the case fail instead of wait.
    pub(crate) fn bad(
        number: impl Into<String>,
        frames: impl IntoIterator<Item = Vec<u8>>,
        code: u16,
    ) -> Self {
        let mut pieces: Vec<_> = frames.into_iter().collect();
        pieces.push(Frame::close(1000, "").masked());
        Self::new(number, pieces, Outcome::Closes(code))
    }

    pub(crate) fn new(number: impl Into<String>, pieces: Vec<Vec<u8>>, outcome: Outcome) -> Self {
        Self {
            number: number.into(),
            pieces,
            outcome,
        }
    }

    /// The same bytes, in pieces of that size.
    pub(crate) fn chopped(mut self, size: usize) -> Self {
        let bytes = self.pieces.concat();
        self.pieces = bytes.chunks(size).map(<[u8]>::to_vec).collect();
        self
    }
}

/// Each frame as a piece of its own.
pub(crate) fn pieces(frames: impl IntoIterator<Item = Frame>) -> Vec<Vec<u8>> {
    frames.into_iter().map(|frame| frame.masked()).collect()
}

/// With other bits set in the first byte of its head.
pub(crate) fn marked(frame: &Frame, bits: u8) -> Vec<u8> {
    let mut bytes = frame.masked();
    bytes[0] |= bits;
    bytes
}

pub(crate) fn text(bytes: impl AsRef<[u8]>) -> Frame {
    Frame::new(true, Opcode::Text, bytes.as_ref())
}

pub(crate) fn binary(bytes: impl AsRef<[u8]>) -> Frame {
    Frame::new(true, Opcode::Binary, bytes.as_ref())
}

pub(crate) fn ping(bytes: impl AsRef<[u8]>) -> Frame {
    Frame::new(true, Opcode::Ping, bytes.as_ref())
}

pub(crate) fn pong(bytes: impl AsRef<[u8]>) -> Frame {
    Frame::new(true, Opcode::Pong, bytes.as_ref())
}

/// One message in these fragments.
pub(crate) fn fragments<'a>(
    opcode: Opcode,
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<Frame> {
    let parts: Vec<_> = parts.into_iter().collect();
    let count = parts.len();
    let frame = |(at, part): (usize, &[u8])| {
        let opcode = if at == 0 {
            opcode
        } else {
            Opcode::Continuation
        };
        Frame::new(at + 1 == count, opcode, part)
    };
    parts.into_iter().enumerate().map(frame).collect()
}
