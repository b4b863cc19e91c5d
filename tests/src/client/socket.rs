//! The client's end of a WebSocket.

use std::time::Duration;

use super::answer::Answer;
use super::raw::Raw;
use crate::{Frame, Opcode, within};

/// An open WebSocket.
pub struct Socket {
    raw: Raw,
    answer: Answer,
}

impl Socket {
    pub(super) fn new(raw: Raw, answer: impl Into<Answer>) -> Self {
        Self {
            raw,
            answer: answer.into(),
        }
    }

    /// The 101, or over HTTP/2 the 200.
    #[must_use]
    pub const fn answer(&self) -> &Answer {
        &self.answer
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: Frame) {
        self.raw.send(frame.masked()).await;
    }

    /// Receives a frame.
    ///
    /// # Panics
    /// When none comes.
    pub async fn receive(&mut self) -> Frame {
        self.raw.read_frame().await.expect("a frame, not the end")
    }

    /// Whether it still works: sends a text and gets it back from an echo.
    ///
    /// # Panics
    /// When something else comes back.
    pub async fn assert_echo(&mut self, text: &str) {
        self.send(Frame::text(text)).await;
        assert_eq!(self.receive().await, Frame::text(text));
    }

    /// Waits for the notice that ends a session, and then for the close frame and the end of the
    /// connection.
    ///
    /// # Panics
    /// When anything else comes, or it takes more than `limit`.
    pub async fn expect_end(mut self, limit: Duration) -> (serde_json::Value, Frame) {
        let ending = async {
            let notice = self.receive().await;
            assert_eq!(notice.opcode, Opcode::Text, "{notice:?}");
            let close = self.receive().await;
            assert_eq!(close.opcode, Opcode::Close, "{close:?}");
            assert_eq!(
                self.raw.read_frame().await,
                None,
                "nothing follows a close frame"
            );
            (serde_json::from_str(notice.as_text()).expect("JSON"), close)
        };
        within(limit, "the end of the WebSocket", ending).await
    }

    /// The connection below.
    pub const fn raw(&mut self) -> &mut Raw {
        &mut self.raw
    }
}
