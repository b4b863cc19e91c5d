//! The load of WebSockets: clients that send a message and wait for its answer, again and again.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::backend::{CLIENT_FRAME, SERVER_FRAME, UPGRADE};

/// As many as wrk has connections.
const CLIENTS: usize = 64;

/// Exchanges messages with `path` on `port` for so many seconds, and prints how many, and how many a second.
///
/// # Errors
///
/// When a WebSocket does not open or breaks.
pub(crate) fn exchange(port: u16, path: &str, cookie: Option<&str>, seconds: u64) -> Result<()> {
    let over = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let stream = open(port, path, cookie)?;
        let over = over.clone();
        clients.push(thread::spawn(move || exchange_on(stream, &over)));
    }
    thread::sleep(Duration::from_secs(seconds));
    over.store(true, Ordering::Relaxed);
    let mut messages = 0;
    for client in clients {
        match client.join() {
            Ok(count) => messages += count?,
            Err(_) => bail!("a client of the benchmark panicked"),
        }
    }
    let rate = messages as f64 / began.elapsed().as_secs_f64();
    println!("JSON {{\"requests\":{messages},\"rate\":{rate},\"p50\":0,\"p99\":0,\"errors\":0}}");
    Ok(())
}

fn open(port: u16, path: &str, cookie: Option<&str>) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let cookie = cookie
        .map(|cookie| format!("{cookie}\r\n"))
        .unwrap_or_default();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}{cookie}\r\n"
    )?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    ensure!(
        head.starts_with(b"HTTP/1.1 101"),
        "no WebSocket: {}",
        String::from_utf8_lossy(&head)
    );
    Ok(stream)
}

fn exchange_on(mut stream: TcpStream, over: &AtomicBool) -> std::io::Result<u64> {
    // Masked with zeros, which leaves the message as it is.
    let mut sent = [0; CLIENT_FRAME];
    sent[..2].copy_from_slice(&[0x82, 0x80 | 100]);
    let mut received = [0; SERVER_FRAME];
    let mut count = 0;
    while !over.load(Ordering::Relaxed) {
        stream.write_all(&sent)?;
        stream.read_exact(&mut received)?;
        count += 1;
    }
    Ok(count)
}
