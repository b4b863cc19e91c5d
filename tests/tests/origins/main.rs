//! Pages of other sites: who may ask, and who may read the answer.

mod sharing;
mod sockets;

use jotgate_scenarios::{Answer, Backend, Cookie, Gateway, Keys, VirtualProxy};

struct Site {
    gateway: Gateway,
    backend: Backend,
    vp: VirtualProxy,
    cookie: Cookie,
}

impl Site {
    async fn new(properties: &[(&str, serde_json::Value)]) -> Self {
        let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
        let mut vp = gateway.qrs().virtual_proxy("jwt").backend(&backend).await;
        for (name, value) in properties {
            vp = vp.set(name, value.clone());
        }
        let vp = vp.create().await;
        let token = Keys::first().token().sign();
        let cookie = gateway
            .client()
            .get("/jwt/hub/")
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

    /// The status of a WebSocket handshake from that origin.
    async fn socket(&self, origin: &str) -> u16 {
        let request = self
            .gateway
            .client()
            .get("/jwt/app/x")
            .cookie(&self.cookie)
            .origin(origin);
        match request.open_socket().await {
            Ok(_) => 101,
            Err(answer) => {
                assert!(answer.cookies().is_empty());
                answer.status
            }
        }
    }

    async fn page(&self, origin: &str) -> Answer {
        self.gateway
            .client()
            .get("/jwt/hub/")
            .cookie(&self.cookie)
            .origin(origin)
            .send()
            .await
    }
}
