//! The demo, as somebody tries it who has just built it.

mod support {
    pub(crate) mod forms;
}

use futures_util::{SinkExt, StreamExt};
use jotgate_scenarios::{Gateway, Keys, eventually};
use serde_json::{Value, json};
use support::forms::Form;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

#[tokio::test]
async fn the_three_commands_that_the_demo_prints_do_what_it_says() {
    let gateway = Gateway::demo().first_start().await;
    let printed = gateway.process().stdout();
    let token = printed
        .lines()
        .find(|line| line.starts_with("eyJ"))
        .expect("a token");
    let client = gateway.client();

    let without = client.get("/jwt/hub/").send().await;
    assert_eq!(
        (without.status, without.reason()),
        (401, "credentials_missing")
    );

    let with_token = client.get("/jwt/hub/").bearer(token).send().await;
    assert_eq!(with_token.status, 200, "{}", with_token.text());

    let with_cookie = client
        .get("/jwt/hub/")
        .cookie(&with_token.cookie())
        .send()
        .await;
    assert_eq!(with_cookie.status, 200);
    assert!(with_cookie.text().contains("boz"));
}

#[tokio::test]
async fn the_administrator_of_the_demo_signs_in_with_the_printed_password() {
    let gateway = Gateway::demo().first_start().await;
    let printed = async || {
        let output = gateway.process().stdout();
        let (_, rest) = output.split_once("shown once:\n\n  ")?;
        rest.split_once('\n')
            .map(|(password, _)| password.to_owned())
    };
    let password = eventually("the password", printed).await;
    let form = Form::load(&gateway.client(), "/internal_forms_authentication/").await;
    let fields = [("userId", "admin"), ("password", password.as_str())];
    let answer = form.post(&fields).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let key = "0123456789abcdef";
    let request = gateway.client().get(&format!("/qrs/user?xrfkey={key}"));
    let request = request.header("X-Qlik-Xrfkey", key);
    let users = request.cookie(&answer.cookies()[0]).send().await.json();
    assert_eq!(users[0]["userId"], "admin");
}

#[tokio::test]
async fn the_demo_starts_a_second_time_with_what_it_had() {
    let gateway = Gateway::demo().await;
    let keys = Keys::read(&gateway.certificates().join("server_key.pem"));
    let cookie = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&keys.token().sign())
        .send()
        .await
        .cookie();
    let gateway = gateway.restart().await;
    let answer = gateway
        .client()
        .get("/jwt/hub/")
        .cookie(&cookie)
        .send()
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// What Qlik's own enigma.js example for JWT does, with another WebSocket library.
#[tokio::test]
async fn a_client_of_the_engine_gets_its_document_list() {
    let gateway = Gateway::demo().await;
    let keys = Keys::read(&gateway.certificates().join("server_key.pem"));
    let token = keys.token().without("exp").sign();
    let csrf = gateway
        .client()
        .get("/jwt/qps/csrftoken")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(csrf.status, 204);
    let address = format!(
        "wss://{}/jwt/app/engineData&qlik-csrf-token={}",
        gateway.client().host(),
        csrf.header("qlik-csrf-token")
    );
    let mut request = address.into_client_request().expect("an address");
    let bearer = format!("Bearer {token}").parse().expect("a value");
    request.headers_mut().insert("Authorization", bearer);
    let stream = gateway.client().raw().await;
    let opened = tokio_tungstenite::client_async(request, stream).await;
    let (mut socket, response) = opened.expect("a WebSocket");
    assert_eq!(response.status(), 101);

    let identity = next(&mut socket).await;
    assert_eq!(
        identity["method"], "OnAuthenticationInformation",
        "{identity}"
    );
    assert_eq!(identity["params"]["userId"], "boz", "{identity}");
    assert_eq!(identity["params"]["mustAuthenticate"], false, "{identity}");
    let connected = next(&mut socket).await;
    assert_eq!(connected["method"], "OnConnected", "{connected}");
    assert_eq!(
        connected["params"]["qSessionState"], "SESSION_CREATED",
        "{connected}"
    );

    let ask = json!({ "delta": true, "handle": -1, "method": "GetDocList", "params": [], "id": 1, "jsonrpc": "2.0" });
    socket
        .send(Message::text(ask.to_string()))
        .await
        .expect("a message");
    let list = next(&mut socket).await;
    assert_eq!(list["id"], 1, "{list}");
    let documents = &list["result"]["qDocList"][0]["value"];
    assert!(
        documents
            .as_array()
            .is_some_and(|documents| !documents.is_empty()),
        "{list}"
    );

    gateway
        .client()
        .request("DELETE", "/jwt/qps/user")
        .bearer(&token)
        .send()
        .await;
    let notice = next(&mut socket).await;
    assert_eq!(notice["method"], "OnSessionLoggedOut", "{notice}");
    let close = socket
        .next()
        .await
        .expect("a frame")
        .expect("a frame without fault");
    assert!(matches!(close, Message::Close(Some(_))), "{close:?}");
}

async fn next<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
) -> Value {
    let message = socket
        .next()
        .await
        .expect("a message")
        .expect("a message without fault");
    serde_json::from_str(message.to_text().expect("text")).expect("JSON")
}
