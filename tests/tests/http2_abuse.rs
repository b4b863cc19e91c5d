//! Floods of HTTP/2: bounded, answered with GOAWAY or an end, and nobody else notices (line X6 of the
//! hostile inputs; RFC 9113 section 10.5).

use std::time::Duration;

use jotgate_scenarios::{Backend, Cookie, Gateway, Http2, Keys, PATIENCE, Raw, eventually};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

struct Site {
    gateway: Gateway,
    backend: Backend,
    cookie: Cookie,
    /// Somebody else's connection, opened before.
    other: Http2,
}

impl Site {
    async fn new() -> Self {
        let (backend, gateway) = (
            Backend::echo().await,
            Gateway::serve()
                .setting("--worker-threads", "1")
                .setting("--body-timeout", "3s")
                .await,
        );
        gateway
            .qrs()
            .jwt_virtual_proxy("jwt", Keys::first(), &backend)
            .await;
        let token = Keys::first().token().sign();
        let first = gateway.client().get("/jwt/qps/csrftoken").bearer(&token);
        let cookie = first.send().await.cookie();
        let other = gateway.client().http2().await;
        Self {
            gateway,
            backend,
            cookie,
            other,
        }
    }

    async fn attacker(&self) -> Raw {
        let mut raw = self.gateway.client().offering(&["h2"]).raw().await;
        raw.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        raw.send(frame(SETTINGS, 0, 0, &[])).await;
        raw
    }

    /// A header block for a request of this site's user.
    fn request(&self, method: &str) -> Vec<u8> {
        let host = self.gateway.client().host();
        block(&[
            (":method", method),
            (":scheme", "https"),
            (":path", "/jwt/x"),
            (":authority", &host),
            ("cookie", &self.cookie.pair()),
        ])
    }

    async fn count(&self, cause: &str) -> f64 {
        let text = self.gateway.observer().get("/metrics").send().await.text();
        let name = format!("jotgate_connections_refused_total{{cause=\"{cause}\"}} ");
        text.lines()
            .find_map(|line| line.strip_prefix(&name)?.parse().ok())
            .unwrap_or(0.0)
    }

    async fn assert_flood_was_ended(&self, mut attacker: Raw) {
        attacker.read_to_end().await;
        let counted = async || (self.count("http2_flood").await == 1.0).then_some(());
        eventually("the flood is counted", counted).await;
        self.assert_others_are_served().await;
    }

    async fn assert_others_are_served(&self) {
        let client = self.gateway.client();
        let request = client.get("/jwt/x").cookie(&self.cookie);
        let answer = self.other.send(request, None).await.expect("an answer");
        assert_eq!(answer.status, 200);
        assert_eq!(self.gateway.metric("jotgate_panics_total").await, 0.0);
    }

    /// The memory of the process, in KiB.
    fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.gateway.process().id());
        let text = std::fs::read_to_string(path).expect("the state of the process");
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|rest| rest.split_whitespace().next());
        number.expect("a size").parse().expect("a number")
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame");
    let mut bytes = length.to_be_bytes()[1..].to_vec();
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// Literals without indexing (RFC 7541 section 6.2.2).
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).expect("a short text"));
            assert!(text.len() < 127, "one byte of length is enough");
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// Sends as much of it as the gateway takes.
async fn flood(raw: &mut Raw, bytes: Vec<u8>) {
    for part in bytes.chunks(16 * 1024) {
        let sent = tokio::time::timeout(Duration::from_secs(2), raw.try_send(part)).await;
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

#[tokio::test]
async fn streams_that_are_reset_at_once_end_the_connection() {
    let site = Site::new().await;
    let mut raw = site.attacker().await;
    let mut bytes = Vec::new();
    for number in 0..5000 {
        let stream = 2 * number + 1;
        let request = site.request("GET");
        bytes.extend(frame(HEADERS, END_STREAM | END_HEADERS, stream, &request));
        bytes.extend(frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
    }
    flood(&mut raw, bytes).await;
    site.assert_flood_was_ended(raw).await;
    assert!(site.backend.received().len() < 1000);
}

#[tokio::test]
async fn a_head_of_endless_continuations_ends_the_connection() {
    let site = Site::new().await;
    let mut raw = site.attacker().await;
    let mut bytes = frame(HEADERS, END_STREAM, 1, &site.request("GET"));
    for _ in 0..20_000 {
        bytes.extend(frame(CONTINUATION, 0, 1, &block(&[("x", "y")])));
    }
    flood(&mut raw, bytes).await;
    site.assert_flood_was_ended(raw).await;
    assert!(site.backend.received().len() <= 1, "only the other's");
}

#[tokio::test]
async fn fields_that_are_small_on_the_wire_and_large_in_memory_are_no_request() {
    let site = Site::new().await;
    let before = site.memory();
    let mut raw = site.attacker().await;
    for stream in [1, 3, 5, 7] {
        let mut bomb = site.request("GET");
        // A field of 4,000 bytes goes into the table once, and is named 12,000 times.
        bomb.extend_from_slice(&[0x40, 1, b'x', 0x7f, 0xa1, 0x1e]);
        bomb.extend(std::iter::repeat_n(b'a', 4000));
        bomb.extend(std::iter::repeat_n(0xbe, 12_000));
        flood(
            &mut raw,
            frame(HEADERS, END_STREAM | END_HEADERS, stream, &bomb),
        )
        .await;
    }
    raw.silence(Duration::from_secs(1)).await;
    assert!(site.memory() < before + 32 * 1024, "{before} KiB before");
    site.assert_others_are_served().await;
    assert_eq!(site.backend.received().len(), 1, "only the other's");
}

#[tokio::test]
async fn data_without_any_data_ends_the_connection() {
    let site = Site::new().await;
    let mut raw = site.attacker().await;
    let mut bytes = frame(HEADERS, END_HEADERS, 1, &site.request("POST"));
    for _ in 0..50_000 {
        bytes.extend(frame(DATA, 0, 1, &[]));
    }
    flood(&mut raw, bytes).await;
    site.assert_flood_was_ended(raw).await;
}

#[tokio::test]
async fn settings_and_pings_without_end_are_taken_no_faster_than_they_are_answered() {
    for (kind, payload) in [(SETTINGS, &[][..]), (PING, &[7; 8])] {
        let site = Site::new().await;
        let before = site.memory();
        let mut raw = site.attacker().await;
        let bytes: Vec<u8> = std::iter::repeat_n(frame(kind, 0, 0, payload), 200_000)
            .flatten()
            .collect();
        flood(&mut raw, bytes).await;
        assert!(site.memory() < before + 32 * 1024, "{before} KiB before");
        site.assert_others_are_served().await;
    }
}

#[tokio::test]
async fn streams_that_never_end_are_few_and_time_out() {
    let site = Site::new().await;
    let mut raw = site.attacker().await;
    let mut bytes = Vec::new();
    for number in 0..300 {
        bytes.extend(frame(
            HEADERS,
            END_HEADERS,
            2 * number + 1,
            &site.request("POST"),
        ));
    }
    flood(&mut raw, bytes).await;
    site.assert_others_are_served().await;
    let timed_out = async || {
        let log = site.gateway.access_log();
        let count = log.iter().filter(|line| line["reason"] == "body_timeout");
        (count.count() >= 100).then_some(())
    };
    tokio::time::timeout(PATIENCE, eventually("the bodies time out", timed_out))
        .await
        .expect("in time");
    assert!(
        site.backend.connections() <= 130,
        "{}",
        site.backend.connections()
    );
    site.assert_others_are_served().await;
}
