//! Sessions: a token opens one, the cookie is enough afterwards, and what ends them.

use std::time::Duration;

use jotgate_scenarios::{Answer, Backend, Client, Cookie, Gateway, Keys, VirtualProxy, eventually};
use serde_json::json;

struct Site {
    gateway: Gateway,
    backend: Backend,
    vp: VirtualProxy,
}

impl Site {
    async fn new() -> Self {
        let backend = Backend::echo().await;
        let gateway = Gateway::serve().await;
        let vp = gateway.qrs().jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
        Self { gateway, backend, vp }
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
        self.backend.last().header("x-qlik-proxysession").expect("a session")
    }
}

#[tokio::test]
async fn after_the_first_token_the_cookie_is_enough() {
    let site = Site::new().await;
    let token = Keys::first().token().sign();
    let first = site.client().get("/jwt/hub/").bearer(&token).send().await;
    assert_eq!((first.status, first.text().as_str()), (200, "hello"));
    let cookie = first.cookie();
    assert_eq!(cookie.name, "X-Qlik-Session-jwt");
    assert_eq!(cookie.attributes, "; Path=/; HttpOnly; Secure; SameSite=Lax");
    assert!(cookie.value.len() >= 43, "256 bits in base64url: {}", cookie.value);
    assert_eq!(first.header("cache-control"), "no-store");
    let session = site.session();

    let second = site.with(&cookie).await;
    assert_eq!((second.status, second.text().as_str()), (200, "hello"));
    assert!(second.cookies().is_empty(), "{second:?}");
    assert_eq!(site.session(), session);
    assert_ne!(session, cookie.value, "the public id is no secret");
}

#[tokio::test]
async fn an_invalid_token_refuses_the_request_whatever_the_cookie_says() {
    let site = Site::new().await;
    let cookie = site.sign_in("boz").await;
    for token in [Keys::second().token().sign(), Keys::first().token().expires_in(-3600).sign(), "x".into()] {
        let answer = site.client().get("/jwt/hub/").cookie(&cookie).bearer(&token).send().await;
        assert_eq!(answer.status, 401);
        assert!(answer.cookies().is_empty());
    }
    assert_eq!(site.backend.received().len(), 1);
    assert_eq!(site.with(&cookie).await.status, 200, "the session itself goes on");
}

#[tokio::test]
async fn another_users_token_opens_a_new_session_and_the_old_one_goes_on() {
    let site = Site::new().await;
    let boz = site.sign_in("boz").await;
    let of_boz = site.session();
    let token = Keys::first().token().user("example", "anna").sign();
    let answer = site.client().get("/jwt/hub/").cookie(&boz).bearer(&token).send().await;
    assert_eq!(answer.status, 200);
    let anna = answer.cookie();
    assert_ne!(anna.value, boz.value);
    assert_ne!(site.session(), of_boz);
    assert_eq!(site.backend.last().header("x-qlik-user").as_deref(), Some("UserDirectory=example; UserId=anna"));

    assert_eq!(site.with(&boz).await.status, 200);
    assert_eq!(site.session(), of_boz);
    assert_eq!(site.backend.last().header("x-qlik-user").as_deref(), Some("UserDirectory=example; UserId=boz"));
}

#[tokio::test]
async fn the_same_id_in_another_directory_is_another_user() {
    let site = Site::new().await;
    let boz = site.sign_in("boz").await;
    let token = Keys::first().token().user("other", "boz").sign();
    let answer = site.client().get("/jwt/hub/").cookie(&boz).bearer(&token).send().await;
    assert_ne!(answer.cookie().value, boz.value);
}

#[tokio::test]
async fn the_same_users_token_keeps_the_session_of_the_cookie() {
    let site = Site::new().await;
    let cookie = site.sign_in("boz").await;
    let session = site.session();
    let another = Keys::first().token().claim("jti", "2").sign();
    let answer = site.client().get("/jwt/hub/").cookie(&cookie).bearer(&another).send().await;
    assert_eq!(answer.status, 200);
    assert!(answer.cookies().is_empty());
    assert_eq!(site.session(), session);
}

#[tokio::test]
async fn cookies_that_the_gateway_did_not_give_out_open_nothing() {
    let site = Site::new().await;
    let good = site.sign_in("boz").await;
    let named = |value: &str| Cookie::new("X-Qlik-Session-jwt", value).pair();
    let mut flipped = good.value.clone();
    let last = if flipped.pop() == Some('A') { 'B' } else { 'A' };
    flipped.insert(0, last);
    let cookies = [
        named("made-up"),
        named(""),
        named(&uuid::Uuid::new_v4().to_string()),
        named(&site.session()),
        named(&good.value[..good.value.len() - 1]),
        named(&format!("{}A", good.value)),
        named(&flipped),
        named(&"A".repeat(16_000)),
        named(&format!("\"{}\"", good.value)),
        format!("{}; {}", good.pair(), named("other")),
        format!("X-Qlik-Session={}", good.value),
        format!("x-qlik-session-jwt={}", good.value),
        format!("X-Qlik-Session-jwt-HTTP={}", good.value),
    ];
    for cookie in cookies {
        for accept in ["*/*", "text/html", "application/json"] {
            let request = site.client().get("/jwt/hub/").header("Cookie", &cookie).header("Accept", accept);
            let answer = request.send().await;
            assert_eq!(answer.status, 401, "{cookie:.60}");
            assert!(matches!(answer.reason(), "session_unknown" | "credentials_missing"), "{cookie:.60}");
            assert!(answer.cookies().is_empty(), "{cookie:.60}");
        }
    }
    assert_eq!(site.backend.received().len(), 1);
    assert_eq!(site.gateway.metric("jotgate_sessions").await, 1.0);
    let twice = format!("{}; {}", good.pair(), good.pair());
    let answer = site.client().get("/jwt/hub/").header("Cookie", twice).send().await;
    assert_eq!(answer.status, 200, "the same cookie twice says one thing");
}

#[tokio::test]
async fn a_cookie_that_was_there_before_is_not_adopted_by_the_sign_in() {
    let site = Site::new().await;
    let planted = Cookie::new("X-Qlik-Session-jwt", &"A".repeat(43));
    let token = Keys::first().token().sign();
    let answer = site.client().get("/jwt/hub/").cookie(&planted).bearer(&token).send().await;
    assert_eq!(answer.status, 200);
    assert_ne!(answer.cookie().value, planted.value);
    assert_eq!(site.with(&planted).await.status, 401);
}

#[tokio::test]
async fn the_cookie_of_one_virtual_proxy_opens_no_other() {
    let site = Site::new().await;
    let other = site.gateway.qrs().jwt_virtual_proxy("other", Keys::first(), &site.backend).await;
    let cookie = site.sign_in("boz").await;
    let renamed = Cookie::new("X-Qlik-Session-other", &cookie.value);
    for cookie in [&cookie, &renamed] {
        let answer = site.client().get(&format!("/{}/hub/", other.prefix)).cookie(cookie).send().await;
        assert_eq!(answer.status, 401);
        assert!(answer.cookies().is_empty());
    }
    assert_eq!(site.backend.received().len(), 1);
}

#[tokio::test]
async fn thirty_first_requests_at_once_make_one_session() {
    let site = Site::new().await;
    let token = Keys::first().token().sign();
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..30 {
        let request = site.client().get(&format!("/jwt/page/{number}")).bearer(&token);
        requests.spawn(request.send());
    }
    let mut values = std::collections::HashSet::new();
    while let Some(answer) = requests.join_next().await {
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200);
        values.insert(answer.cookie().value);
    }
    assert_eq!(values.len(), 1);
    assert_eq!(site.gateway.metric("jotgate_sessions").await, 1.0);
    assert_eq!(site.gateway.metric("jotgate_sessions_opened_total").await, 1.0);
    let sessions: std::collections::HashSet<_> =
        site.backend.received().iter().map(|received| received.header("x-qlik-proxysession")).collect();
    assert_eq!(sessions.len(), 1);
}

#[tokio::test]
async fn the_same_token_from_two_addresses_makes_two_sessions() {
    let site = Site::new().await;
    let token = Keys::first().token().sign();
    let here = site.client().get("/jwt/hub/").bearer(&token).send().await.cookie();
    let there = site.client().from("127.0.0.2").get("/jwt/hub/").bearer(&token).send().await.cookie();
    assert_ne!(here.value, there.value);
}

#[tokio::test]
async fn logging_out_ends_every_session_of_the_user_here_and_none_elsewhere() {
    let site = Site::new().await;
    site.gateway.qrs().jwt_virtual_proxy("other", Keys::first(), &site.backend).await;
    let token = Keys::first().token().claim("jti", "2").sign();
    let elsewhere = site.client().get("/other/hub/").bearer(&token).send().await.cookie();
    let first = site.sign_in("boz").await;
    let second = site.client().from("127.0.0.2").get("/jwt/hub/").bearer(&token).send().await.cookie();
    let anna = site.sign_in("anna").await;
    assert_ne!(first.value, second.value);

    let answer = site.client().request("DELETE", "/jwt/qps/user").cookie(&first).send().await;
    assert_eq!(answer.status, 204);
    let cleared = answer.cookie();
    assert_eq!((cleared.name.as_str(), cleared.value.as_str()), ("X-Qlik-Session-jwt", ""));
    assert_eq!(cleared.attributes, "; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0");

    for ended in [&first, &second] {
        let answer = site.with(ended).await;
        assert_eq!((answer.status, answer.reason()), (401, "session_unknown"));
        assert!(answer.cookies().is_empty());
    }
    assert_eq!(site.with(&anna).await.status, 200);
    let answer = site.client().get("/other/hub/").cookie(&elsewhere).send().await;
    assert_eq!(answer.status, 200);
    // The token is still good: the user may come again.
    let again = site.client().get("/jwt/hub/").bearer(&token).send().await;
    assert_eq!(again.status, 200);
    assert_ne!(again.cookie().value, second.value);
}

#[tokio::test]
async fn the_personal_api_tells_who_is_signed_in_and_how_to_leave() {
    let site = Site::new().await;
    let cookie = site.sign_in("boz").await;
    let client = site.client();
    let user = client.get("/jwt/qps/user?targetUri=x").cookie(&cookie).send().await;
    assert_eq!(user.status, 200);
    assert_eq!(
        user.json(),
        json!({
            "userDirectory": "example",
            "userId": "boz",
            "userName": "boz",
            "logoutUri": format!("{}/jwt/qps/user", client.origin()),
        })
    );
    let token = client.get("/jwt/qps/csrftoken").cookie(&cookie).send().await;
    assert_eq!((token.status, token.body.len()), (204, 0));
    let first = token.header("qlik-csrf-token").to_owned();
    assert!(first.len() >= 16, "{first}");
    let again = client.get("/JWT/../jwt/qps/csrftoken").cookie(&cookie).send().await;
    assert_eq!(again.status, 400, "{again:?}");
    let in_capitals = client.get("/jwt/QPS/CsrfToken").cookie(&cookie).send().await;
    assert_eq!(in_capitals.header("qlik-csrf-token"), first);

    // With a token alone, the answer that a script reads also carries the cookie.
    let bearer = Keys::first().token().user("example", "anna").sign();
    let opened = client.get("/jwt/qps/csrftoken").bearer(&bearer).send().await;
    assert_eq!(opened.status, 204);
    assert_ne!(opened.header("qlik-csrf-token"), first);
    assert_eq!(opened.cookie().name, "X-Qlik-Session-jwt");
    assert_eq!(site.backend.received().len(), 1, "nothing of it reaches the backend");
}

#[tokio::test]
async fn a_session_may_end_with_its_token() {
    let site = Site::new().await;
    site.vp.update(|vp| {
        vp["sessionEndsWithToken"] = true.into();
        vp["jwtClockSkewSeconds"] = 0.into();
    })
    .await;
    let token = Keys::first().token().expires_in(3).sign();
    let cookie = site.client().get("/jwt/hub/").bearer(&token).send().await.cookie();
    assert_eq!(site.with(&cookie).await.status, 200);
    let ended = async || {
        let answer = site.with(&cookie).await;
        (answer.status == 401).then_some(answer)
    };
    let answer = eventually("the end of the session with its token", ended).await;
    assert!(matches!(answer.reason(), "session_expired" | "session_unknown"), "{answer:?}");
    assert!(jotgate_scenarios::now() >= exp_of(&token));
}

fn exp_of(token: &str) -> i64 {
    let payload = token.split('.').nth(1).expect("a payload");
    let json = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(payload).expect("base64url");
    let claims: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    claims["exp"].as_i64().expect("a number")
}

#[tokio::test]
async fn without_that_rule_a_session_outlives_its_token() {
    let site = Site::new().await;
    site.vp.set("jwtClockSkewSeconds", 0).await;
    let token = Keys::first().token().expires_in(2).sign();
    let cookie = site.client().get("/jwt/hub/").bearer(&token).send().await.cookie();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let answer = site.client().get("/jwt/hub/").bearer(&token).send().await;
    assert_eq!(answer.reason(), "token_expired", "also when it was verified before");
    assert_eq!(site.with(&cookie).await.status, 200);
}

#[tokio::test]
async fn the_session_tells_when_it_ends_and_telling_does_not_prolong_it() {
    let site = Site::new().await;
    let cookie = site.sign_in("boz").await;
    let ask = async || site.client().get("/jwt/jotgate/session").cookie(&cookie).send().await.json();
    let told = ask().await;
    assert_eq!(told["sessionId"], site.session());
    assert_eq!(told["userId"], "boz");
    assert_eq!(told["idleTimeoutSeconds"], 1800);
    assert_eq!(told["expiresAt"], json!(null));
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let later = ask().await;
    let remaining = |told: &serde_json::Value| told["remainingSeconds"].as_i64().expect("a number");
    assert!(remaining(&later) < remaining(&told), "{told} {later}");
    assert_eq!(site.with(&cookie).await.status, 200);
    assert!(remaining(&ask().await) > remaining(&later));

    // A shorter rule holds for sessions that are there.
    site.vp.update(|vp| {
        vp["sessionInactivityTimeout"] = 1.into();
        vp["sessionMaxLifetime"] = 1.into();
    })
    .await;
    let told = ask().await;
    assert_eq!(told["idleTimeoutSeconds"], 60);
    assert!(remaining(&told) <= 60, "{told}");
    assert!(told["expiresAt"].is_string(), "{told}");
}

#[tokio::test]
async fn a_user_has_no_more_sessions_than_allowed() {
    let site = Site::new().await;
    site.vp.set("maxSessionsPerUser", 2).await;
    let sign_in = async |number: u32, user: &str| {
        let token = Keys::first().token().user("example", user).claim("jti", number.to_string()).sign();
        site.client().get("/jwt/hub/").bearer(&token).send().await
    };
    let first = sign_in(1, "boz").await.cookie();
    let second = sign_in(2, "boz").await.cookie();
    let third = sign_in(3, "boz").await;
    assert_eq!(third.reason(), "sessions_exhausted");
    assert!((400..500).contains(&third.status) && third.cookies().is_empty(), "{third:?}");
    assert_eq!(sign_in(4, "anna").await.status, 200, "others are not concerned");
    for cookie in [&first, &second] {
        assert_eq!(site.with(cookie).await.status, 200);
    }
    site.client().request("DELETE", "/jwt/qps/user").cookie(&first).send().await;
    assert_eq!(sign_in(5, "boz").await.status, 200);
}

#[tokio::test]
async fn a_burst_with_a_dead_cookie_makes_no_session() {
    let site = Site::new().await;
    let cookie = site.sign_in("boz").await;
    site.client().request("DELETE", "/jwt/qps/user").cookie(&cookie).send().await;
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..20 {
        requests.spawn(site.client().get("/jwt/hub/").cookie(&cookie).send());
    }
    while let Some(answer) = requests.join_next().await {
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 401);
        assert!(answer.cookies().is_empty());
    }
    assert_eq!(site.gateway.metric("jotgate_sessions").await, 0.0);
}
