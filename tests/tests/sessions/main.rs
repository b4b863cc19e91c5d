//! Sessions: a token opens one, the cookie is enough afterwards, and what ends them.

mod ends;
mod forged;
mod opening;

use jotgate_scenarios::{Answer, Backend, Client, Cookie, Gateway, Keys, VirtualProxy};

struct Site {
    gateway: Gateway,
    backend: Backend,
    vp: VirtualProxy,
}

impl Site {
    async fn new() -> Self {
        let backend = Backend::echo().await;
        let gateway = Gateway::serve().await;
        let vp = gateway
            .qrs()
            .jwt_virtual_proxy("jwt", Keys::first(), &backend)
            .await;
        Self {
            gateway,
            backend,
            vp,
        }
    }

    fn client(&self) -> Client {
        self.gateway.client()
    }

    async fn sign_in(&self, user: &str) -> Cookie {
        let token = Keys::first().token().user("example", user).sign();
        let answer = self.client().get("/jwt/hub/").bearer(&token).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.cookie()
    }

    async fn with(&self, cookie: &Cookie) -> Answer {
        self.client().get("/jwt/hub/").cookie(cookie).send().await
    }

    /// The public id of the session that the backend was told last.
    fn session(&self) -> String {
        self.backend
            .last()
            .header("x-qlik-proxysession")
            .expect("a session")
    }
}
