//! The first administrator of a gateway.

use jotgate_scenarios::{Cookie, Gateway, eventually};

use super::forms::Form;

/// The set-up link that a gateway has printed, without scheme and host.
pub(crate) async fn link_of(gateway: &Gateway) -> String {
    let printed = async || {
        let output = gateway.process().stdout();
        let (_, rest) = output.split_once("/qmc/setup?token=")?;
        let (secret, _) = rest.split_once('\n')?;
        Some(format!("/qmc/setup?token={secret}"))
    };
    eventually("the set-up link", printed).await
}

/// Makes the first administrator and gives the cookie of the session.
pub(crate) async fn make_administrator(gateway: &Gateway, id: &str, password: &str) -> Cookie {
    let form = Form::load(&gateway.client(), &link_of(gateway).await).await;
    let fields = [("userId", id), ("password", password), ("again", password)];
    let made = form.post(&fields).await;
    assert_eq!(made.status, 303, "{}", made.text());
    made.cookies().remove(0)
}
