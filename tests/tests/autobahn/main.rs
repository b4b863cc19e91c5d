//! The cases of the Autobahn|Testsuite, by its numbers, through the gateway.
//!
//! The suite itself runs on Python 2 alone, which no current system has, so that what its fuzzing
//! client sends is written down again here. A strict peer stands behind the gateway. Every case is sent
//! three times: to the peer, through the gateway over HTTP/1.1, and through it on a stream of HTTP/2.
//! What comes back must be the same, byte for byte, and what the suite expects.
//!
//! Left out: 12 and 13 (compression, which the peer does not have; for the gateway it is a bit in a head
//! and bytes behind it), the waits of 6.4, and all but the smaller sizes of 9.

mod cases;
mod closing;
mod frames;
mod peer;
mod utf8;

use futures_util::StreamExt;
use futures_util::stream;
use jotgate_scenarios::{Backend, Client, Cookie, Frame, Gateway, Keys, PATIENCE, Socket, within};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use self::cases::{Case, Outcome};
use self::peer::Peer;

/// How many cases go on at once.
const AT_ONCE: usize = 4;

#[tokio::test]
async fn whole_messages_pings_and_fragments() {
    assert_same(frames::all(), 60).await;
}

#[tokio::test]
async fn texts_that_are_utf_8_and_texts_that_are_not() {
    assert_same(utf8::all(), 90).await;
}

#[tokio::test]
async fn closing_and_large_messages() {
    assert_same(closing::all(), 55).await;
}

/// Runs all of them, of which there are at least so many.
async fn assert_same(cases: Vec<Case>, least: usize) {
    assert!(cases.len() >= least, "only {} cases", cases.len());
    let site = Site::new().await;
    let verdicts = stream::iter(&cases).map(|case| site.judge(case));
    let wrong: Vec<String> = verdicts
        .buffer_unordered(AT_ONCE)
        .filter_map(async |verdict| verdict.err())
        .collect()
        .await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

struct Site {
    peer: Peer,
    gateway: Gateway,
    cookie: Cookie,
}

impl Site {
    async fn new() -> Self {
        let (peer, gateway) = (Peer::new().await, Gateway::serve().await);
        let qrs = gateway.qrs();
        let uri = format!("http://{}", peer.address());
        let services = json!({ "services": [{ "path": "/app", "uri": uri }] });
        let node = qrs.node_with(services).await;
        // Signing in needs no backend of its own, but one that answers.
        let backend = Backend::echo().await;
        let vp = qrs.virtual_proxy("jwt").node(node).backend(&backend).await;
        vp.create().await;
        let token = Keys::first().token().sign();
        let first = gateway.client().get("/jwt/qps/csrftoken").bearer(&token);
        let cookie = first.send().await.cookie();
        Self {
            peer,
            gateway,
            cookie,
        }
    }

    async fn judge(&self, case: &Case) -> Result<(), String> {
        let client = self.gateway.client();
        let request = client.get("/jwt/app/x").cookie(&self.cookie);
        let direct = Client::plain(self.peer.address()).get("/app/x");
        let direct = answer_to(case, direct.open_socket().await.expect("the peer")).await;
        let one = request.clone().open_socket().await.expect("HTTP/1.1");
        let one = answer_to(case, one).await;
        let stream = client.http2().await.open_socket(request).await;
        let two = answer_to(case, stream.expect("HTTP/2")).await;
        let number = &case.number;
        if one != direct {
            return Err(format!("{number}: {direct:?}, but over HTTP/1.1 {one:?}"));
        }
        if two != direct {
            return Err(format!("{number}: {direct:?}, but over HTTP/2 {two:?}"));
        }
        let expected = case.outcome;
        let is_expected = match expected {
            Outcome::Closes(code) => direct.close == Some(code),
            Outcome::Ends => true,
        };
        is_expected
            .then_some(())
            .ok_or_else(|| format!("{number}: {direct:?}, but expected {expected:?}"))
    }
}

/// What came back.
#[derive(PartialEq, Eq)]
struct Answered {
    bytes: Vec<u8>,
    /// The status of the close frame, which is the last; nothing when it has none.
    close: Option<u16>,
}

impl std::fmt::Debug for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = self.bytes.len().saturating_sub(40);
        let (length, end) = (self.bytes.len(), &self.bytes[end..]);
        write!(f, "{length} bytes with the end {end:02x?}")
    }
}

/// Sends the pieces of a case one by one, while it reads whatever comes until the end.
async fn answer_to(case: &Case, mut socket: Socket) -> Answered {
    let (mut reader, mut writer) = tokio::io::split(socket.raw());
    let sending = async {
        for piece in &case.pieces {
            // A peer that has seen enough is not interested any more.
            if writer.write_all(piece).await.is_err() || writer.flush().await.is_err() {
                return;
            }
        }
    };
    let mut bytes = Vec::new();
    let reading = async {
        // An end without TLS's goodbye, or a stream that is reset, is an end.
        drop(reader.read_to_end(&mut bytes).await);
    };
    let both = async { tokio::join!(sending, reading) };
    within(2 * PATIENCE, &case.number, both).await;
    let mut rest = &*bytes;
    let mut close = None;
    while let Some(frame) = Frame::read(&mut rest).await {
        let is_close = frame.opcode == jotgate_scenarios::Opcode::Close;
        close = (is_close && frame.payload.len() >= 2).then(|| frame.close_code());
    }
    Answered { bytes, close }
}
