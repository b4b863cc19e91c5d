//! Requests that two readers could understand differently (lines F1 to F5 of the hostile inputs).
//!
//! What matters is what the backend reads. Where the gateway serves a request that RFC 9112 lets it
//! either refuse or read in one way, the backend gets that one reading: either one `Content-Length` or
//! `Transfer-Encoding: chunked`, and never the request that was hidden in the body.

mod connections;
mod heads;
mod lengths;

use std::time::Duration;

use jotgate_scenarios::{Backend, Client, Cookie, Gateway, Keys, Raw, Received};

struct Site {
    gateway: Gateway,
    backend: Backend,
    cookie: Cookie,
}

impl Site {
    async fn new(backend: Backend) -> Self {
        // One worker, so that connections to the backend are shared as much as they ever are.
        let gateway = Gateway::serve().setting("--worker-threads", "1").await;
        gateway
            .qrs()
            .jwt_virtual_proxy("jwt", Keys::first(), &backend)
            .await;
        let token = Keys::first().token().sign();
        let cookie = gateway
            .plain_client()
            .get("/jwt/first")
            .bearer(&token)
            .send()
            .await
            .cookie();
        Self {
            gateway,
            backend,
            cookie,
        }
    }

    fn client(&self) -> Client {
        self.gateway.plain_client()
    }

    /// A request with a session: `%` in `head` stands for the fields that it needs.
    fn bytes(&self, request: &str) -> Vec<u8> {
        let own = format!("Host: gateway\r\nCookie: {}\r\n", self.cookie.pair());
        request.replace("%FIELDS%", &own).into_bytes()
    }

    /// Sends bytes, and gives the statuses of the answers, whether the connection was closed
    /// afterwards, and what the backend got.
    async fn send(&self, request: &str) -> (Vec<u16>, bool, Vec<Received>) {
        let before = self.backend.received().len();
        let mut raw = self.client().raw().await;
        raw.send(self.bytes(request)).await;
        let (text, closed) = everything(&mut raw).await;
        let statuses = text
            .split("HTTP/1.1 ")
            .skip(1)
            .filter_map(|answer| answer.get(..3)?.parse().ok())
            .collect();
        let received = self.backend.received().split_off(before);
        for request in &received {
            assert_unambiguous(request);
        }
        (statuses, closed, received)
    }
}

async fn everything(raw: &mut Raw) -> (String, bool) {
    let mut text = String::new();
    loop {
        match raw.silence(Duration::from_millis(500)).await {
            None => return (text, false),
            Some(bytes) if bytes.is_empty() => return (text, true),
            Some(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
        }
    }
}

fn assert_unambiguous(request: &Received) {
    let lengths = request.headers("content-length");
    let codings = request.headers("transfer-encoding");
    assert!(lengths.len() + codings.len() <= 1, "{request:?}");
    assert!(
        lengths
            .iter()
            .all(|length| length.bytes().all(|byte| byte.is_ascii_digit())),
        "{request:?}"
    );
    assert!(
        codings.iter().all(|coding| coding == "chunked"),
        "{request:?}"
    );
    assert!(
        !request.target().contains("hidden"),
        "a request was smuggled: {request:?}"
    );
    let text = request.text();
    assert!(
        text.is_ascii() && !text.replace("\r\n", "").contains(['\r', '\n', '\0']),
        "{request:?}"
    );
}

const HIDDEN: &str = "GET /jwt/hidden HTTP/1.1\r\nHost: gateway\r\n\r\n";
