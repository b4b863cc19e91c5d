//! The backend's end of a WebSocket.

use std::io::Cursor;

use tokio::io::{AsyncReadExt, AsyncWriteExt, Chain};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::{Frame, Opcode, PATIENCE, within};

/// An open WebSocket, as frames or as bytes.
pub struct BackendSocket {
    reader: Chain<Cursor<Vec<u8>>, OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl BackendSocket {
    /// `early` is what came right behind the request.
    pub(super) fn new(stream: TcpStream, early: Vec<u8>) -> Self {
        let (reader, writer) = stream.into_split();
        Self {
            reader: Cursor::new(early).chain(reader),
            writer,
        }
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: Frame) {
        self.send_bytes(&frame.plain()).await;
    }

    /// Sends bytes, such as a part of a frame.
    ///
    /// # Panics
    /// When the gateway does not take them.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.writer
            .write_all(bytes)
            .await
            .expect("the bytes are taken");
    }

    /// Receives a frame; nothing when the gateway has closed the connection.
    pub async fn receive(&mut self) -> Option<Frame> {
        within(
            PATIENCE,
            "a frame at the backend",
            Frame::read(&mut self.reader),
        )
        .await
    }

    /// Tells the gateway that nothing more will come, and goes on reading.
    pub async fn finish(&mut self) {
        drop(self.writer.shutdown().await);
    }

    /// Closes the connection.
    pub async fn close(mut self) {
        drop(self.writer.shutdown().await);
    }

    /// Sends every message back, answers pings and the close frame.
    pub(super) async fn echo(mut self) {
        while let Some(mut frame) = Frame::read(&mut self.reader).await {
            match frame.opcode {
                Opcode::Ping => frame.opcode = Opcode::Pong,
                Opcode::Pong => continue,
                _ => {}
            }
            let closed = frame.opcode == Opcode::Close;
            if self.writer.write_all(&frame.plain()).await.is_err() || closed {
                return;
            }
        }
    }
}
