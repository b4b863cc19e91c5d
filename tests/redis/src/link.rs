//! A slow way to a server.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Passes connections on to a server, and what they say as late as it is told to. It ends with the test.
pub struct SlowLink {
    port: u16,
    /// Milliseconds, each way.
    delay: Arc<AtomicU64>,
}

impl SlowLink {
    /// One that is not slow yet, to a port of the loopback interface.
    ///
    /// # Panics
    /// There is no free port.
    #[must_use]
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of the loopback interface");
        let port = listener.local_addr().expect("a bound socket").port();
        let delay = Arc::new(AtomicU64::new(0));
        let link = Self {
            port,
            delay: Arc::clone(&delay),
        };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // A server that is away: the client sees the end of its connection.
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else {
                    continue;
                };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let [from, to] = [from, to].map(|end| end.try_clone().expect("a socket"));
                    pass(from, to, Arc::clone(&delay));
                }
            }
        });
        link
    }

    /// `redis://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// From now on, a question and its answer take at least `there_and_back`.
    pub fn set_delay(&self, there_and_back: Duration) {
        let half = u64::try_from(there_and_back.as_millis() / 2).unwrap_or(u64::MAX);
        self.delay.store(half, Ordering::Relaxed);
    }
}

/// Passes bytes on, each when its time has come.
fn pass(mut from: TcpStream, mut to: TcpStream, delay: Arc<AtomicU64>) {
    to.set_nodelay(true).ok();
    let (sender, waiting) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = [0; 16_384];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let due = Instant::now() + Duration::from_millis(delay.load(Ordering::Relaxed));
            if sender.send((due, buffer[..length].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in waiting {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        to.shutdown(Shutdown::Both).ok();
    });
}
