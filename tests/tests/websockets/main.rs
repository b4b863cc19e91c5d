//! WebSockets: bytes pass as they are, and the socket of a session that ends is told and closed.

mod ends;
mod frames;
mod half_closed;
mod handshake;
mod http2;

use jotgate_scenarios::{Answer, Backend, Cookie, Gateway, Keys, Socket, VirtualProxy};

struct Site {
    gateway: Gateway,
    backend: Backend,
    vp: VirtualProxy,
    cookie: Cookie,
}

impl Site {
    async fn new(backend: Backend) -> Self {
        let gateway = Gateway::serve().await;
        let vp = gateway
            .qrs()
            .jwt_virtual_proxy("jwt", Keys::first(), &backend)
            .await;
        let token = Keys::first().token().sign();
        let cookie = gateway
            .client()
            .get("/jwt/qps/csrftoken")
            .bearer(&token)
            .send()
            .await
            .cookie();
        Self {
            gateway,
            backend,
            vp,
            cookie,
        }
    }

    async fn open(&self) -> Socket {
        self.try_open().await.expect("a WebSocket")
    }

    async fn try_open(&self) -> Result<Socket, Answer> {
        self.gateway
            .client()
            .get("/jwt/app/x")
            .cookie(&self.cookie)
            .open_socket()
            .await
    }

    async fn log_out(&self) {
        let answer = self
            .gateway
            .client()
            .request("DELETE", "/jwt/qps/user")
            .cookie(&self.cookie)
            .send()
            .await;
        assert_eq!(answer.status, 204);
    }
}

fn assert_notice(notice: &serde_json::Value, method: &str, message: &str) {
    assert_eq!(notice["jsonrpc"], "2.0", "{notice}");
    assert_eq!(notice["method"], method, "{notice}");
    assert_eq!(notice["params"]["severity"], "fatal", "{notice}");
    assert_eq!(notice["params"]["message"], message, "{notice}");
    assert!(
        notice["params"]["timestamp"]
            .as_str()
            .is_some_and(|time| time.ends_with('Z')),
        "{notice}"
    );
    assert!(notice.get("id").is_none(), "{notice}");
}
