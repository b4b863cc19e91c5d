//! QRS for tests in which requests may fail without an answer, or must be odd.

use jotgate_scenarios::{Client, Gateway, Request};

const XRFKEY: &str = "0123456789abcdef";

/// The administrator's client.
#[derive(Clone)]
pub(crate) struct Administration(Client);

impl Administration {
    /// Of that gateway.
    pub(crate) fn of(gateway: &Gateway) -> Self {
        Self(Client::tls_with_certificate(
            gateway.listeners().qrs,
            &gateway.certificates(),
            "client",
        ))
    }

    /// A request below `/qrs`, with everything that QRS wants beside the body.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        self.request_with(method, path, "")
    }

    /// The same with a further query.
    pub(crate) fn request_with(&self, method: &str, path: &str, query: &str) -> Request {
        self.0
            .request(method, &format!("/qrs{path}?xrfkey={XRFKEY}&{query}"))
            .header("X-Qlik-Xrfkey", XRFKEY)
            .header(
                "X-Qlik-User",
                "UserDirectory=INTERNAL; UserId=sa_repository",
            )
            .header("Content-Type", "application/json")
    }
}
