//! Signing in again: a browser without a session goes to the portal's page and comes back.

mod forms;
mod states;
mod ways;

use jotgate_scenarios::{Answer, Backend, Cookie, Gateway, Keys, Request};
use serde_json::json;

const PAGE: &str = "https://portal.example/login?app=1";

struct Site {
    gateway: Gateway,
    backend: Backend,
}

/// What a browser brings back from the sign-in page.
struct Attempt {
    state: String,
    cookie: Cookie,
    return_to: String,
}

impl Site {
    async fn new() -> Self {
        let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
        for prefix in ["jwt", "other"] {
            let vp = gateway.qrs().virtual_proxy(prefix).backend(&backend).await;
            vp.set("authenticationModuleRedirectUri", PAGE)
                .set("corsAllowedOrigins", json!(["https://portal.example"]))
                .set("websocketCrossOriginWhiteList", json!(["embedder.example"]))
                .create()
                .await;
        }
        Self { gateway, backend }
    }

    fn navigation(&self, target: &str) -> Request {
        let request = self.gateway.client().get(target).accepts_html();
        request
            .header("Sec-Fetch-Mode", "navigate")
            .header("Sec-Fetch-Dest", "document")
    }

    /// A browser that has been sent to the sign-in page.
    async fn begin(&self) -> Attempt {
        Attempt::of(&self.navigation("/jwt/hub/?a=b&c=%20d").send().await)
    }

    async fn complete(&self, attempt: &Attempt, return_to: &str) -> Answer {
        self.complete_at(
            "/jwt/jotgate/sign-in",
            attempt,
            &Keys::first().token().sign(),
            return_to,
        )
        .await
    }

    async fn complete_at(
        &self,
        path: &str,
        attempt: &Attempt,
        token: &str,
        return_to: &str,
    ) -> Answer {
        let fields = [
            ("token", token),
            ("state", &attempt.state),
            ("returnTo", return_to),
        ];
        let form = self
            .gateway
            .client()
            .post(path)
            .origin("https://portal.example")
            .form(&fields);
        form.cookie(&attempt.cookie).send().await
    }
}

impl Attempt {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 302, "{}", answer.text());
        let location = answer.header("location");
        let (before, rest) = location.split_once("&returnTo=").expect("returnTo");
        assert_eq!(before, PAGE);
        let (return_to, state) = rest.split_once("&state=").expect("a state");
        Self {
            state: state.to_owned(),
            cookie: answer.cookie(),
            return_to: decode(return_to),
        }
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next().expect("a digit"), rest.next().expect("a digit")];
        let digits = std::str::from_utf8(&digits).expect("ASCII");
        bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn assert_refused(answer: &Answer, what: &str) {
    assert_eq!(
        (answer.status, answer.reason()),
        (403, "csrf_token_invalid"),
        "{what}"
    );
    assert!(answer.cookies().is_empty(), "{what}: {answer:?}");
}
