//! Clients of HTTP/2 that take nothing of an answer, or little at a time (RFC 9113 section 5.2).

use std::time::Duration;

use jotgate_scenarios::{Backend, Cookie, Gateway, Keys, Raw, Reply, eventually, within};

const PATIENCE: Duration = jotgate_scenarios::PATIENCE;
const IDLE: Duration = Duration::from_secs(4);
/// The body of the backend's answer.
const LENGTH: usize = 96 << 10;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;

/// A connection of HTTP/2 without a library that would grant windows by itself.
struct Frames(Raw);

impl Frames {
    async fn new(gateway: &Gateway) -> Self {
        let mut raw = gateway.client().offering(&["h2"]).raw().await;
        raw.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        let mut frames = Self(raw);
        // SETTINGS_INITIAL_WINDOW_SIZE is 0.
        frames.send(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]).await;
        frames
            .send(WINDOW_UPDATE, 0, 0, &(1_u32 << 20).to_be_bytes())
            .await;
        frames
    }

    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len())
            .expect("a length")
            .to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        self.0.send([&head, payload].concat()).await;
    }

    async fn get(&mut self, path: &str, cookie: &Cookie) {
        // Literal fields without indexing (RFC 7541 section 6.2.2).
        let mut block = Vec::new();
        for (name, value) in [
            (":method", "GET"),
            (":scheme", "https"),
            (":authority", "localhost"),
            (":path", path),
            ("cookie", &cookie.pair()),
        ] {
            block.push(0);
            for text in [name, value] {
                block.push(
                    u8::try_from(text.len())
                        .ok()
                        .filter(|l| *l < 127)
                        .expect("a short text"),
                );
                block.extend_from_slice(text.as_bytes());
            }
        }
        self.send(HEADERS, 5, 1, &block).await;
    }

    /// The next frame of the stream: its kind, and how long it is.
    async fn next(&mut self) -> (u8, usize) {
        loop {
            let head = within(PATIENCE, "a frame", self.0.read_exact(9)).await;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let length = usize::try_from(length).expect("a length");
            self.0.read_exact(length).await;
            if head[8] == 1 {
                return (head[3], length);
            }
        }
    }
}

async fn site() -> (Gateway, Backend, Cookie) {
    let gateway = Gateway::serve()
        .setting("--idle-timeout", format!("{}s", IDLE.as_secs()))
        .await;
    let backend = Backend::answering(|_| Reply::text(&"x".repeat(LENGTH))).await;
    let qrs = gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    let token = Keys::first().token().sign();
    let first = gateway.client().get("/jwt/qps/csrftoken").bearer(&token);
    let cookie = first.send().await.cookie();
    (gateway, backend, cookie)
}

#[tokio::test]
async fn a_stream_whose_client_takes_nothing_is_reset() {
    let (gateway, backend, cookie) = site().await;
    let mut frames = Frames::new(&gateway).await;
    frames.get("/jwt/hub/", &cookie).await;
    assert_eq!(frames.next().await.0, HEADERS);
    assert_eq!(frames.next().await.0, RST_STREAM);
    // And nobody gets the backend's connection with the rest of that answer in it.
    let first = backend.connections();
    let whole = gateway
        .client()
        .get("/jwt/hub/")
        .cookie(&cookie)
        .send()
        .await;
    assert_eq!((whole.status, whole.body.len()), (200, LENGTH));
    assert_eq!(backend.connections(), first + 1);
    drop(frames);
    let closed = async || (gateway.metric("jotgate_connections").await == 0.0).then_some(());
    eventually("every connection is closed", closed).await;
}

#[tokio::test]
async fn a_stream_whose_client_takes_little_at_a_time_comes_to_its_end() {
    const STEP: usize = 12 << 10;
    let (gateway, _backend, cookie) = site().await;
    let mut frames = Frames::new(&gateway).await;
    frames.get("/jwt/hub/", &cookie).await;
    assert_eq!(frames.next().await.0, HEADERS);
    let mut received = 0;
    for _ in 0..LENGTH / STEP {
        // In all this takes longer than a stream may stall.
        tokio::time::sleep(IDLE / 5).await;
        let step = u32::try_from(STEP).expect("a length");
        frames.send(WINDOW_UPDATE, 0, 1, &step.to_be_bytes()).await;
        let until = received + STEP;
        while received < until {
            let (kind, length) = frames.next().await;
            assert_eq!(kind, DATA, "after {received} bytes");
            received += length;
        }
    }
    assert_eq!(received, LENGTH);
}
