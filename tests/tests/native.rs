//! The native endpoints beside keys, sessions and users: revocations, what happens at this moment,
//! passwords.

mod support {
    pub(crate) mod administrator;
    pub(crate) mod forms;
    pub(crate) mod native;
}

use jotgate_scenarios::{Backend, Client, Cookie, Gateway, Keys, eventually};
use serde_json::{Value, json};
use support::administrator::make_administrator;
use support::forms::Form;
use support::native::{BASE, Native};

const PASSWORD: &str = "correct horse battery";

async fn site() -> (Backend, Gateway, Native) {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let qrs = gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    let native = Native::of(&gateway);
    (backend, gateway, native)
}

async fn hub(gateway: &Gateway, token: &str) -> u16 {
    let request = gateway.client().get("/jwt/hub/").bearer(token);
    request.send().await.status
}

#[tokio::test]
async fn tokens_are_revoked_in_three_ways_and_taken_back() {
    let (_backend, gateway, native) = site().await;
    let token = |jti: &str| {
        Keys::first()
            .token()
            .user("corp", "boz")
            .claim("jti", jti)
            .sign()
    };
    for body in [
        json!({"token": token("a"), "note": "lost"}),
        json!({"virtualProxy": "jwt", "jti": "a", "until": "2100-01-01T00:00:00.000Z"}),
        json!({"userDirectory": "corp", "userId": "boz"}),
    ] {
        let sent = token("a");
        let body = match body.get("token") {
            Some(_) => json!({"token": sent, "note": "lost"}),
            None => body,
        };
        assert_eq!(hub(&gateway, &sent).await, 200, "{body}");
        let made = native.ask("POST", "/revocations", &body).await;
        assert_eq!(hub(&gateway, &sent).await, 401, "{body}");
        let listed = native.ask("GET", "/revocations", &Value::Null).await;
        assert_eq!(listed["revocations"], json!([made]));
        assert!(!listed.to_string().contains(&sent));
        let path = format!("/revocations/{}", made["id"].as_str().expect("an id"));
        native.ask("DELETE", &path, &Value::Null).await;
        assert_eq!(hub(&gateway, &sent).await, 200, "{body}");
        assert_eq!(native.request("DELETE", &path).send().await.status, 404);
    }
    for wrong in [
        json!({}),
        json!({"userDirectory": "corp"}),
        json!({"token": "x", "jti": "y"}),
        json!({"token": "x"}),
        json!({"virtualProxy": "jwt", "jti": "a", "before": "2100-01-01T00:00:00.000Z"}),
        json!({"virtualProxy": "jwt", "jti": "a", "until": "2000-01-01T00:00:00.000Z"}),
        json!({"virtualProxy": "jwt", "jti": "a", "until": "tomorrow"}),
    ] {
        let request = native
            .request("POST", "/revocations")
            .body(wrong.to_string());
        let answer = request.send().await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text());
    }
}

#[tokio::test]
async fn what_happens_at_this_moment_is_shown() {
    let (_backend, gateway, native) = site().await;
    let good = Keys::first().token().user("corp", "boz").sign();
    assert_eq!(hub(&gateway, &good).await, 200);
    let bad = Keys::second().token().user("corp", "boz").sign();
    assert_eq!(hub(&gateway, &bad).await, 401);
    let find = async || {
        let path = "/requests?virtualProxy=jwt&refused=true&limit=1";
        let found = native.ask("GET", path, &Value::Null).await;
        found["requests"].get(0).cloned()
    };
    let refused = eventually("the refused request", find).await;
    assert_eq!(refused["reason"], "signature_invalid");
    assert_eq!(refused["token"]["claims"]["userId"], "boz");
    let signature = bad.rsplit('.').next().expect("a signature");
    assert!(!refused.to_string().contains(signature));
    let path = format!("/requests?after={}", refused["number"]);
    let later = native.ask("GET", &path, &Value::Null).await;
    assert_eq!(
        later["requests"],
        json!([]),
        "QRS and its like are no traffic"
    );

    let backends = native.ask("GET", "/backends", &Value::Null).await;
    let backends = backends["backends"].as_array().expect("a list").clone();
    assert!(
        backends.iter().any(|one| one["state"] == "up"),
        "{backends:?}"
    );
    let sources = native.ask("GET", "/key-sources", &Value::Null).await;
    let sources = sources["keySources"].as_array().expect("a list").clone();
    assert!(
        sources.iter().any(|one| one["kind"] == "pem"),
        "{sources:?}"
    );
    let key = native.api_key(&["sessions.read"], &["jwt"]).await;
    let request = gateway.client().get(&format!("{BASE}/requests"));
    assert_eq!(
        request.bearer(&key).send().await.status,
        403,
        "no key sees them"
    );
    for wrong in [
        "limit=1001",
        "reason=none",
        "userId=x",
        "virtualProxy=x",
        "x=y",
    ] {
        let answer = native
            .request("GET", &format!("/requests?{wrong}"))
            .send()
            .await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text());
    }
}

/// The session of somebody who signs in with a password.
async fn sign_in(gateway: &Gateway, id: &str, password: &str) -> Cookie {
    let form = Form::load(&gateway.client(), "/internal_forms_authentication/").await;
    let signed_in = form.post(&[("userId", id), ("password", password)]).await;
    assert_eq!(signed_in.status, 303, "{}", signed_in.text());
    signed_in.cookies().remove(0)
}

/// What management answers in that session.
async fn users(gateway: &Gateway, cookie: &Cookie) -> u16 {
    let request = gateway.client().get(&format!("{BASE}/users"));
    let request = request.cookie(cookie).header("X-Jotgate-Request", "1");
    request.send().await.status
}

#[tokio::test]
async fn management_ends_at_once_for_whoever_loses_the_role_or_is_blocked() {
    let gateway = Gateway::serve().await;
    make_administrator(&gateway, "anna", PASSWORD).await;
    let native = Native::of(&gateway);
    let link = native.ask("POST", "/set-up-link", &json!({})).await;
    let path = link["path"].as_str().expect("a path").to_owned();
    let form = Form::load(&gateway.client(), &path).await;
    let fields = [
        ("userId", "boz"),
        ("password", PASSWORD),
        ("again", PASSWORD),
    ];
    let boz = form.post(&fields).await.cookies().remove(0);
    assert_eq!(users(&gateway, &boz).await, 200);
    let found = native.ask("GET", "/users", &Value::Null).await;
    let found = found["users"].as_array().expect("a list").clone();
    let id = found.iter().find(|user| user["userId"] == "boz");
    let path = format!("/users/{}", id.expect("boz")["id"].as_str().expect("an id"));
    for (change, status) in [
        (json!({"roles": []}), 403),
        (json!({"roles": ["AuditAdmin"]}), 200),
        (json!({"blocked": true}), 401),
        (json!({"blocked": false}), 401),
    ] {
        native.ask("PATCH", &path, &change).await;
        assert_eq!(users(&gateway, &boz).await, status, "{change}");
    }
}

#[tokio::test]
async fn a_local_administrator_changes_the_password_and_makes_a_link() {
    let gateway = Gateway::serve().await;
    let cookie = make_administrator(&gateway, "anna", PASSWORD).await;
    let ask = async |client: Client, path: &str, body: Value| {
        let request = client.post(&format!("{BASE}{path}")).cookie(&cookie);
        let request = request.header("X-Jotgate-Request", "1");
        let request = request.header("Content-Type", "application/json");
        request.body(body.to_string()).send().await
    };
    let change = async |old: &str, new: &str| {
        let body = json!({"password": old, "newPassword": new});
        ask(gateway.client(), "/password", body).await.status
    };
    let new = "another horse battery";
    let other = sign_in(&gateway, "anna", PASSWORD).await;
    assert_eq!(change("wrong", new).await, 403);
    assert_eq!(change(PASSWORD, "short").await, 400);
    assert_eq!(users(&gateway, &other).await, 200);
    assert_eq!(change(PASSWORD, new).await, 204);
    assert_eq!(users(&gateway, &other).await, 401, "another session ends");
    assert_eq!(users(&gateway, &cookie).await, 200, "the caller's goes on");
    for (password, status) in [(PASSWORD, 401), (new, 303)] {
        let form = Form::load(&gateway.client(), "/internal_forms_authentication/").await;
        let fields = [("userId", "anna"), ("password", password)];
        assert_eq!(form.post(&fields).await.status, status);
    }
    let native = Native::of(&gateway);
    let body = json!({"password": new, "newPassword": PASSWORD}).to_string();
    let other = native.request("POST", "/password").body(body).send().await;
    assert_eq!(other.status, 403, "{}", other.text());

    let link = ask(gateway.client(), "/set-up-link", json!({})).await;
    assert_eq!(link.status, 201, "{}", link.text());
    let path = link.json()["path"].as_str().expect("a path").to_owned();
    let form = Form::load(&gateway.client(), &path).await;
    let fields = [("userId", "boz"), ("password", new), ("again", new)];
    assert_eq!(form.post(&fields).await.status, 303);
    assert_eq!(users(&gateway, &cookie).await, 200);

    let link = ask(gateway.client(), "/set-up-link", json!({})).await;
    let path = link.json()["path"].as_str().expect("a path").to_owned();
    let form = Form::load(&gateway.client(), &path).await;
    let fields = [("userId", "anna"), ("password", new), ("again", new)];
    let reset = form.post(&fields).await;
    assert_eq!(reset.status, 303);
    assert_eq!(users(&gateway, &cookie).await, 401, "a reset ends all");
    assert_eq!(users(&gateway, &reset.cookies()[0]).await, 200);
}
