//! A virtual proxy and tables of what it is sent and what it must answer.

use std::time::Duration;

use jotgate_scenarios::{
    Backend, Client, Gateway, GatewayBuilder, Keys, Request, VirtualProxy, within,
};

/// What stands in a table instead of a reason where the request must be served.
pub(crate) const SERVED: &str = "served";

/// How long any answer may take: more is a hang.
const LIMIT: Duration = Duration::from_secs(15);

/// A gateway with the virtual proxy `jwt` for the first key.
pub(crate) struct Judged {
    pub(crate) gateway: Gateway,
    pub(crate) backend: Backend,
    pub(crate) vp: VirtualProxy,
}

impl Judged {
    pub(crate) async fn new() -> Self {
        Self::on(Gateway::serve()).await
    }

    pub(crate) async fn on(builder: GatewayBuilder) -> Self {
        let (backend, gateway) = (Backend::echo().await, builder.await);
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

    /// Without TLS, which is not what these tests are about.
    pub(crate) fn client(&self) -> Client {
        self.gateway.plain_client()
    }

    pub(crate) fn get(&self) -> Request {
        self.client().get("/jwt/hub/")
    }

    /// A request with the field `Authorization`, whatever its value.
    pub(crate) fn authorization(&self, value: &str) -> Request {
        self.get().header("Authorization", value)
    }

    /// Sends every token as a bearer token.
    ///
    /// # Panics
    /// See [`Judged::requests`].
    pub(crate) async fn tokens<W: AsRef<str>, T: AsRef<str>>(&self, table: &[(W, T, &str)]) {
        let rows = table.iter().map(|(what, token, expected)| {
            (
                what.as_ref().to_owned(),
                self.get().bearer(token.as_ref()),
                *expected,
            )
        });
        self.requests(rows).await;
    }

    /// Sends every request and compares the answer: [`SERVED`], or a 401 with that reason that
    /// reached no backend, opened no session and repeats nothing of the token.
    ///
    /// # Panics
    /// When one is another one, after all of them, with the whole list; and when a plain good token is
    /// not served afterwards.
    pub(crate) async fn requests<W: AsRef<str>>(
        &self,
        rows: impl IntoIterator<Item = (W, Request, &str)>,
    ) {
        let mut wrong = Vec::new();
        for (what, request, expected) in rows {
            let what = what.as_ref();
            let before = self.backend.received().len();
            let answer = within(LIMIT, what, request.try_send()).await;
            let found = match &answer {
                Err(error) => format!("no answer ({error})"),
                Ok(answer) if answer.status == 200 => SERVED.to_owned(),
                Ok(answer) => format!("{} {}", answer.status, answer.reason()),
            };
            let wanted = match expected {
                SERVED => SERVED.to_owned(),
                reason => format!("401 {reason}"),
            };
            if found != wanted {
                wrong.push(format!("{what}: expected {wanted}, got {found}"));
                continue;
            }
            let reached = self.backend.received().len() - before;
            let opened = answer.is_ok_and(|answer| !answer.cookies().is_empty());
            if expected != SERVED && (reached > 0 || opened) {
                wrong.push(format!(
                    "{what}: refused, but the backend or a session was reached"
                ));
            }
        }
        assert!(
            wrong.is_empty(),
            "{} rows differ:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
        let plain = self
            .get()
            .bearer(&Keys::first().token().sign())
            .send()
            .await;
        assert_eq!(plain.status, 200, "after all of this: {}", plain.text());
    }
}
