//! Backends on good and bad days.

mod bodies;
mod connections;
mod failures;
mod health;
mod http2;
mod isolation;
mod nodes;
mod places;
mod pressure;

use jotgate_scenarios::{Answer, Backend, Cookie, Gateway, Keys};

struct Site {
    gateway: Gateway,
    backend: Backend,
    cookie: Cookie,
}

impl Site {
    /// One worker, so that it is known which connections are used again.
    async fn new(backend: Backend) -> Self {
        Self::with(backend, &[]).await
    }

    async fn with(backend: Backend, settings: &[(&str, &str)]) -> Self {
        let mut builder = Gateway::serve().setting("--worker-threads", "1");
        for (flag, value) in settings {
            builder = builder.setting(flag, *value);
        }
        let gateway = builder.await;
        gateway
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
            cookie,
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.gateway
            .client()
            .get(path)
            .cookie(&self.cookie)
            .send()
            .await
    }

    /// The request as text, with its cookie.
    fn head(&self, method: &str, path: &str, fields: &str) -> String {
        format!(
            "{method} {path} HTTP/1.1\r\nHost: g\r\nCookie: {}\r\n{fields}\r\n",
            self.cookie.pair()
        )
    }
}

/// Bytes that do not look like each other anywhere.
fn bytes(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}
