//! The backend of the benchmark: cheaper than any proxy in front of it.
//!
//! A thread for each connection that reads and writes: two system calls a request. A path that ends in
//! `/socket` is a WebSocket whose every message is answered by one of 100 bytes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use anyhow::Result;

/// What a message of 100 bytes is on the wire: from a client it is masked (RFC 6455 section 5.2).
pub(super) const CLIENT_FRAME: usize = 2 + 4 + MESSAGE;
/// The same from a server.
pub(super) const SERVER_FRAME: usize = 2 + MESSAGE;
const MESSAGE: usize = 100;

/// Opens a WebSocket with the key of RFC 6455 section 1.3, whose answer is known.
pub(super) const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const UPGRADED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Threads wait in a read and call nothing deep.
const STACK: usize = 64 * 1024;

/// Serves on `port` of this machine until the process is ended.
///
/// # Errors
///
/// When the port is taken.
pub(crate) fn serve(port: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    let mut answer =
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n".to_vec();
    answer.resize(answer.len() + 1024, b'x');
    let answer: &'static [u8] = answer.leak();
    for stream in listener.incoming() {
        let stream = stream?;
        stream.set_nodelay(true)?;
        // A connection that breaks ends its thread, and nothing else.
        thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || drop(answer_all(stream, answer)))?;
    }
    Ok(())
}

fn answer_all(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    let mut head = [0; 8192];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut head[filled..])?;
        filled += read;
        if read == 0 {
            return Ok(());
        }
        if !head[..filled].ends_with(b"\r\n\r\n") {
            continue;
        }
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        if line.ends_with(b"/socket HTTP/1.1") {
            stream.write_all(UPGRADED.as_bytes())?;
            return answer_messages(stream);
        }
        stream.write_all(answer)?;
        filled = 0;
    }
}

fn answer_messages(mut stream: TcpStream) -> std::io::Result<()> {
    let mut received = [0; CLIENT_FRAME];
    // A whole binary message; the length fits into the second byte.
    let mut sent = [0; SERVER_FRAME];
    sent[..2].copy_from_slice(&[0x82, 100]);
    loop {
        stream.read_exact(&mut received)?;
        stream.write_all(&sent)?;
    }
}
