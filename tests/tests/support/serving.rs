//! A gateway that serves, and goes on whatever it is sent.

use jotgate_scenarios::{Answer, Backend, Cookie, Gateway, Keys, Qrs, Socket, VirtualProxy};
use serde_json::Value;

/// A gateway that serves: a session and an open WebSocket behind the virtual proxy `jwt`, and a second
/// virtual proxy.
pub(crate) struct Serving {
    pub(crate) gateway: Gateway,
    pub(crate) vp: VirtualProxy,
    pub(crate) stored: Value,
    cookie: Cookie,
    socket: Socket,
    _backend: Backend,
}

impl Serving {
    pub(crate) async fn start() -> Self {
        let (gateway, backend) = (Gateway::serve().await, Backend::echo().await);
        let vp = gateway
            .qrs()
            .jwt_virtual_proxy("jwt", Keys::first(), &backend)
            .await;
        gateway
            .qrs()
            .virtual_proxy("other")
            .unlinked()
            .create()
            .await;
        let client = gateway.client();
        let cookie = client
            .get("/jwt/")
            .bearer(&Keys::first().token().sign())
            .send()
            .await
            .cookie();
        let opening = client.get("/jwt/app/").cookie(&cookie).open_socket().await;
        let socket = opening.unwrap_or_else(|answer| panic!("no WebSocket: {}", answer.text()));
        let stored = gateway.qrs().get("/virtualproxyconfig/full").await;
        Self {
            gateway,
            vp,
            stored,
            cookie,
            socket,
            _backend: backend,
        }
    }

    pub(crate) fn qrs(&self) -> Qrs {
        self.gateway.qrs()
    }

    /// As before: the stored configuration, the session, the WebSocket, and a sign-in.
    pub(crate) async fn assert_goes_on(&mut self, after: &str) {
        let stored = self.qrs().get("/virtualproxyconfig/full").await;
        assert_eq!(stored, self.stored, "after {after}: something was stored");
        let client = self.gateway.client();
        let with_cookie = client.get("/jwt/").cookie(&self.cookie).send().await;
        assert_eq!(
            with_cookie.status,
            200,
            "after {after}: {}",
            with_cookie.text()
        );
        let with_token = client
            .get("/jwt/")
            .bearer(&Keys::first().token().sign())
            .send()
            .await;
        assert_eq!(
            with_token.status,
            200,
            "after {after}: {}",
            with_token.text()
        );
        self.socket.assert_echo(after).await;
    }
}

/// One line of plain text, with every one of the texts in it.
pub(crate) fn assert_sentence(answer: &Answer, status: u16, texts: &[&str]) {
    let text = answer.text();
    assert_eq!(answer.status, status, "{text}");
    assert!(
        answer.header("content-type").starts_with("text/plain"),
        "{answer:?}"
    );
    assert_eq!(text.trim_end().lines().count(), 1, "not one line: {text}");
    assert!(text.len() < 700, "{} bytes: {text}", text.len());
    for part in texts {
        assert!(text.contains(part), "{part:?} is missing: {text}");
    }
}
