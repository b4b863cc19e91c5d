//! API keys and sessions at the native endpoints, through virtual proxies.

mod support {
    pub(crate) mod administrator;
    pub(crate) mod forms;
    pub(crate) mod native;
}

use jotgate_scenarios::{Answer, Backend, Gateway, Keys};
use serde_json::{Value, json};
use support::administrator::make_administrator;
use support::native::{BASE, Native};

/// A request with an API key at the default virtual proxy.
async fn with_key(gateway: &Gateway, key: &str, method: &str, path: &str, body: &Value) -> Answer {
    let request = gateway.client().request(method, &format!("{BASE}{path}"));
    let request = request.bearer(key).accepts_json();
    let request = request.header("Content-Type", "application/json");
    request.body(body.to_string()).send().await
}

async fn signs_in(gateway: &Gateway, keys: &Keys) -> bool {
    let token = keys.token().sign();
    let answer = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    answer.status == 200
}

#[tokio::test]
async fn a_program_rotates_the_keys_of_its_virtual_proxy() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let qrs = gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    let native = Native::of(&gateway);
    let key = native
        .api_key(&["keys.rotate", "sessions.end"], &["jwt"])
        .await;
    let rotate = async |body: Value| {
        with_key(&gateway, &key, "POST", "/virtualproxies/jwt/keys", &body).await
    };
    let before = with_key(
        &gateway,
        &key,
        "GET",
        "/virtualproxies/jwt/keys",
        &json!(null),
    )
    .await;
    let old = before.json()["keys"][0]["fingerprint"].clone();
    assert!(signs_in(&gateway, Keys::first()).await);
    assert!(!signs_in(&gateway, Keys::second()).await);

    let both = rotate(json!({"add": Keys::second().certificate()})).await;
    assert_eq!(both.status, 200, "{}", both.text());
    assert_eq!(both.json()["keys"].as_array().expect("keys").len(), 2);
    assert!(signs_in(&gateway, Keys::first()).await && signs_in(&gateway, Keys::second()).await);

    let one = rotate(json!({"remove": [old], "endSessions": true})).await;
    assert_eq!(one.status, 200, "{}", one.text());
    // Two sign-ins of the same user with different tokens of the old key.
    assert!(one.json()["endedSessions"].as_u64().expect("a number") >= 1);
    assert!(!signs_in(&gateway, Keys::first()).await && signs_in(&gateway, Keys::second()).await);

    let listed = native.ask("GET", "/api-keys", &json!(null)).await;
    let listed = &listed["apiKeys"][0];
    assert_eq!(listed["lastUsedFrom"], "127.0.0.1");
    assert!(!listed.to_string().contains(&key[8..]));
    let revisions = native.ask("GET", "/revisions", &json!(null)).await;
    assert_eq!(revisions["revisions"][0]["author"], "API key rotation");
}

#[tokio::test]
async fn a_key_that_is_deleted_unknown_or_in_the_clear_opens_nothing() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let qrs = gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    let native = Native::of(&gateway);
    let key = native.api_key(&["configuration.read"], &["jwt"]).await;
    let read =
        async |key: &str| with_key(&gateway, key, "GET", "/virtualproxies", &json!(null)).await;
    let good = read(&key).await;
    assert_eq!(
        good.json()["virtualProxies"][0]["prefix"],
        "jwt",
        "{}",
        good.text()
    );
    let path = format!("{BASE}/virtualproxies");
    let clear = gateway.plain_client().get(&path).bearer(&key).send().await;
    assert_eq!((clear.status, clear.reason()), (403, "access_denied"));
    // Where administration is not allowed, a key is not looked at.
    let elsewhere = gateway.client().get(&format!("/jwt{path}")).bearer(&key);
    assert_eq!(elsewhere.send().await.status, 401);

    let listed = native.ask("GET", "/api-keys", &json!(null)).await;
    let id = listed["apiKeys"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    native
        .ask("DELETE", &format!("/api-keys/{id}"), &json!(null))
        .await;
    let gone = read(&key).await;
    assert_eq!((gone.status, gone.reason()), (401, "api_key_invalid"));
    assert_eq!(
        gone.header("www-authenticate"),
        "Bearer error=\"invalid_token\""
    );
    let again = native.request("DELETE", &format!("/api-keys/{id}")).send();
    assert_eq!(again.await.status, 404);

    let good = native.api_key(&["configuration.read"], &["jwt"]).await;
    let mut last = read("jotgate_guess").await;
    for _ in 0..12 {
        last = read("jotgate_guess").await;
    }
    assert_eq!((last.status, last.reason()), (429, "rate_limited"));
    assert_eq!(
        read(&good).await.status,
        200,
        "a good key is not locked out"
    );
}

#[tokio::test]
async fn a_session_asks_with_a_header_that_no_other_site_can_send() {
    let gateway = Gateway::serve().await;
    let cookie = make_administrator(&gateway, "anna", "correct horse battery").await;
    let ask = || {
        gateway
            .client()
            .get(&format!("{BASE}/users"))
            .cookie(&cookie)
    };
    let bare = ask().send().await;
    assert_eq!((bare.status, bare.reason()), (403, "csrf_token_invalid"));
    let own = ask().header("X-Jotgate-Request", "1");
    let answer = own.clone().send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = own.clone().origin(&gateway.client().origin()).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = own.clone().origin("https://evil.example").send().await;
    assert_eq!(
        (answer.status, answer.reason()),
        (403, "origin_not_allowed")
    );

    // An origin that may read answers is not one that may administer.
    let qrs = gateway.qrs();
    let found = qrs.get("/virtualproxyconfig/full").await;
    let mut default = found.as_array().expect("a list")[0].clone();
    default["corsAllowedOrigins"] = json!(["https://portal.example"]);
    let path = format!(
        "/virtualproxyconfig/{}",
        default["id"].as_str().expect("an id")
    );
    qrs.update(&path, &default).await;
    let answer = own.origin("https://portal.example").send().await;
    assert_eq!(
        (answer.status, answer.reason()),
        (403, "origin_not_allowed")
    );
    let preflight = gateway
        .client()
        .request("OPTIONS", &format!("{BASE}/users"));
    let preflight = preflight
        .origin("https://portal.example")
        .header("Access-Control-Request-Method", "GET")
        .header("Access-Control-Request-Headers", "x-jotgate-request");
    let preflight = preflight.send().await;
    let allowed = preflight.header("access-control-allow-headers").to_owned();
    assert!(!allowed.contains("jotgate"), "{allowed}");
}

#[tokio::test]
async fn users_and_sessions_are_administered() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let qrs = gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    let native = Native::of(&gateway);
    let sign_in = async |id: &str| {
        let token = Keys::first().token().user("corp", id).sign();
        let answer = gateway
            .client()
            .get("/jwt/hub/")
            .bearer(&token)
            .send()
            .await;
        assert_eq!(answer.status, 200);
        answer.cookie()
    };
    let (anna, boz) = (sign_in("anna").await, sign_in("boz").await);
    let is_in = async |cookie: &jotgate_scenarios::Cookie| {
        gateway
            .client()
            .get("/jwt/hub/")
            .cookie(cookie)
            .send()
            .await
            .status
            == 200
    };
    let listed = native
        .ask("GET", "/sessions?virtualProxy=jwt", &json!(null))
        .await;
    let listed = listed["sessions"].as_array().expect("a list").clone();
    assert_eq!(listed.len(), 2);
    let of_boz = listed
        .iter()
        .find(|one| one["userId"] == "boz")
        .expect("boz");
    let path = format!("/sessions/{}", of_boz["id"].as_str().expect("an id"));
    native.ask("DELETE", &path, &json!(null)).await;
    assert!(is_in(&anna).await && !is_in(&boz).await);
    assert_eq!(native.request("DELETE", &path).send().await.status, 404);

    let boz = sign_in("boz").await;
    let body = json!({"userDirectory": "corp", "userId": "anna"});
    let ended = native.ask("POST", "/sessions/end", &body).await;
    assert_eq!(ended["sessions"].as_array().expect("a list").len(), 1);
    assert!(!is_in(&anna).await && is_in(&boz).await);
    let nobody = native.request("POST", "/sessions/end").body("{}").send();
    assert_eq!(nobody.await.status, 400);

    let new = json!({"userDirectory": "corp", "userId": "carl", "roles": ["AuditAdmin"]});
    let carl = native.ask("POST", "/users", &new).await;
    assert_eq!(carl["roles"], json!(["AuditAdmin"]));
    let path = format!("/users/{}", carl["id"].as_str().expect("an id"));
    let wrong = native
        .request("PATCH", &path)
        .body(r#"{"roles": ["King"]}"#)
        .send()
        .await;
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    let blocked = native.ask("PATCH", &path, &json!({"blocked": true})).await;
    assert_eq!(
        (&blocked["blocked"], &blocked["roles"]),
        (&json!(true), &json!(["AuditAdmin"]))
    );
    let token = Keys::first().token().user("corp", "carl").sign();
    let refused = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    assert_eq!((refused.status, refused.reason()), (403, "user_blocked"));
    native.ask("DELETE", &path, &json!(null)).await;
    assert_eq!(native.request("GET", &path).send().await.status, 404);
}

/// Also those that are yet to be written: the description is made of the same table as the router.
#[tokio::test]
async fn a_key_opens_the_endpoints_that_are_described_for_keys_and_no_other() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let qrs = gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    let native = Native::of(&gateway);
    let all = [
        "configuration.read",
        "keys.rotate",
        "sessions.read",
        "sessions.end",
    ];
    let key = native.api_key(&all, &["jwt"]).await;
    let described = native.ask("GET", "/openapi.json", &Value::Null).await;
    let id = "5a9a3f4e-1111-4222-8333-444455556666";
    let mut opened = 0;
    for (address, operations) in described["paths"].as_object().expect("paths") {
        let path = address.strip_prefix(BASE).unwrap_or(address);
        let segments = path.split('/').map(|segment| match segment {
            "{virtualProxy}" => "jwt",
            "{id}" => id,
            varying if varying.starts_with('{') => "1",
            fixed => fixed,
        });
        let path = segments.collect::<Vec<_>>().join("/");
        for (method, operation) in operations.as_object().expect("operations") {
            let method = method.to_uppercase();
            let answer = with_key(&gateway, &key, &method, &path, &json!({})).await;
            let is_for_keys = operation["security"].to_string().contains("apiKey");
            let is_refused = answer.status == 403;
            let text = answer.text();
            assert_eq!(is_refused, !is_for_keys, "{method} {path}: {text}");
            opened += usize::from(is_for_keys);
        }
    }
    assert_eq!(opened, 8);
}
