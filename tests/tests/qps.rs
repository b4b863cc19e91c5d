//! QPS on port 4243: programs open, count and end the sessions of the running gateway.

use std::time::Duration;

use jotgate_scenarios::{Answer, Backend, Client, Cookie, Gateway, Keys};
use serde_json::{Value, json};

const KEY: &str = "abcdefghijklmnop";
const SECRET: &str = "named-by-a-program-0123456789";

async fn send(qps: &Client, method: &str, path: &str, body: Option<Value>) -> Answer {
    let request = qps
        .request(method, &format!("{path}?xrfkey={KEY}"))
        .header("X-Qlik-Xrfkey", KEY);
    match body {
        None => request.send().await,
        Some(body) => request.body(body.to_string()).send().await,
    }
}

async fn site() -> (Backend, Gateway) {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    (backend, gateway)
}

fn boz(secret: &str) -> Value {
    json!({
        "UserDirectory": "QTSEL", "UserId": "boz", "SessionId": secret,
        "Attributes": [{ "Group": "sales" }, { "Group": "finance" }],
    })
}

#[tokio::test]
async fn a_session_that_a_program_opens_is_the_user_s_at_the_gateway() {
    let (backend, gateway) = site().await;
    let qps = gateway.qps();
    let opened = send(&qps, "POST", "/qps/jwt/session", Some(boz(SECRET))).await;
    assert_eq!(opened.status, 201, "{}", opened.text());
    let opened = opened.json();
    assert_eq!(opened["SessionId"], SECRET);
    assert_eq!(opened["NewUser"], true);

    let cookie = Cookie::new("X-Qlik-Session-jwt", SECRET);
    let answer = gateway
        .client()
        .get("/jwt/hub/")
        .cookie(&cookie)
        .send()
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let received = backend.last();
    let user = received.header("X-Qlik-User");
    assert_eq!(user.as_deref(), Some("UserDirectory=QTSEL; UserId=boz"));
    let security = received.header("X-Qlik-Security").unwrap_or_default();
    assert!(
        security.contains("Group=sales; Group=finance; "),
        "{security}"
    );

    // Afterwards only the public id is shown; the secret still leads to the session.
    let listed = send(&qps, "GET", "/qps/jwt/session", None).await.json();
    let public = listed[0]["SessionId"].as_str().expect("an id").to_owned();
    assert_ne!(public, SECRET);
    assert!(!listed.to_string().contains(SECRET));
    assert_eq!(received.header("X-Qlik-ProxySession"), Some(public.clone()));
    for id in [public.as_str(), SECRET] {
        let found = send(&qps, "GET", &format!("/qps/jwt/session/{id}"), None).await;
        assert_eq!(found.json()["SessionId"], public.as_str());
    }
    // Not at another virtual proxy, and not under an id that is in use.
    let elsewhere = send(&qps, "GET", &format!("/qps//session/{public}"), None).await;
    assert_eq!(elsewhere.status, 404);
    let again = send(&qps, "POST", "/qps/jwt/session", Some(boz(SECRET))).await;
    assert_eq!(again.status, 400);
    assert!(!again.text().contains(SECRET), "{}", again.text());
}

#[tokio::test]
async fn ending_a_session_closes_its_sockets_within_a_second() {
    let (_backend, gateway) = site().await;
    let qps = gateway.qps();
    send(&qps, "POST", "/qps/jwt/session", Some(boz(SECRET))).await;
    let cookie = Cookie::new("X-Qlik-Session-jwt", SECRET);
    let request = || gateway.client().get("/jwt/app/x").cookie(&cookie);
    let socket = request().open_socket().await.expect("a WebSocket");
    let ended = send(&qps, "DELETE", &format!("/qps/jwt/session/{SECRET}"), None).await;
    assert_eq!(ended.status, 200);
    assert_eq!(ended.json()["LastSessionForUser"], true);
    let (notice, _) = socket.expect_end(Duration::from_secs(1)).await;
    assert_eq!(notice["method"], "OnSessionClosed");
    let refused = request().open_socket().await.err().expect("a refusal");
    assert_eq!(refused.status, 401);
    let gone = send(&qps, "DELETE", &format!("/qps/jwt/session/{SECRET}"), None).await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn the_sessions_of_a_user_are_listed_and_ended_together() {
    let (_backend, gateway) = site().await;
    let qps = gateway.qps();
    for number in 1..=2 {
        let body = boz(&format!("{SECRET}-{number}"));
        let opened = send(&qps, "POST", "/qps/jwt/session", Some(body))
            .await
            .json();
        assert_eq!(opened["NewUser"], number == 1);
    }
    let listed = send(&qps, "GET", "/qps/jwt/user/QTSEL/boz", None)
        .await
        .json();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    let ended = send(&qps, "DELETE", "/qps/jwt/user/QTSEL/boz", None)
        .await
        .json();
    assert_eq!(ended.as_array().map(Vec::len), Some(2));
    assert_eq!(
        send(&qps, "GET", "/qps/jwt/session", None).await.json(),
        json!([])
    );
}

#[tokio::test]
async fn only_certificates_of_administrators_and_an_xrfkey_get_in() {
    let (_backend, gateway) = site().await;
    let qps = gateway.qps();
    let alive = qps.get("/qps/alive").send().await;
    assert_eq!(alive.json(), json!({"value": true}));
    let without = qps.get("/qps/session").send().await;
    assert_eq!(
        (without.status, without.text().contains("XSRF")),
        (403, true)
    );
    let unknown = send(&qps, "GET", "/qps/nowhere/session", None).await;
    assert_eq!(unknown.status, 404);
    let server =
        Client::tls_with_certificate(gateway.listeners().qps, &gateway.certificates(), "server");
    assert!(server.get("/qps/alive").try_send().await.is_err());
    // Through the gateway these addresses are a user's, and there is nothing at them.
    let token = Keys::first().token().sign();
    for path in [
        "/jwt/qps/session",
        "/jwt/qps/ticket",
        "/jwt/qps/user/QTSEL/boz",
    ] {
        let answer = gateway.client().get(path).bearer(&token).send().await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_interface_describes_itself() {
    let (_backend, gateway) = site().await;
    let qps = gateway.qps();
    let about = async |what: &str| send(&qps, "GET", &format!("/qps/about/{what}"), None).await;
    let defaults = about("default").await.json();
    assert_eq!(defaults["TicketRequest"]["UserDirectory"], "");
    let values = &about("enums").await.json()["ChangeType"]["values"];
    assert_eq!(values[2], "2: Update");
    let relations = about("relations").await.json();
    assert_eq!(relations, json!(["DeletedSession.Session > SessionData"]));
    let lines = about("description").await.json().to_string();
    for line in [
        "GET /about/default",
        "POST /{virtualproxy}/session",
        "POST /notified",
    ] {
        assert!(lines.contains(line), "{line}: {lines}");
    }
    // What modules report is taken; nothing happens.
    for (path, body, status) in [
        ("/qps/error", json!({ "message": "a module failed" }), 204),
        ("/qps/error", json!([]), 400),
        (
            "/qps/notified",
            json!([{ "changeType": 2, "objectType": "App" }]),
            204,
        ),
        ("/qps/notified", json!({}), 400),
    ] {
        let answer = send(&qps, "POST", path, Some(body)).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
}
