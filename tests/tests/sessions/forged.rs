//! Cookies that the gateway did not give out (lines N1 to N3 of the hostile inputs).

use jotgate_scenarios::{Cookie, Keys};

use super::Site;

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
            let request = site
                .client()
                .get("/jwt/hub/")
                .header("Cookie", &cookie)
                .header("Accept", accept);
            let answer = request.send().await;
            assert_eq!(answer.status, 401, "{cookie:.60}");
            assert!(
                matches!(answer.reason(), "session_unknown" | "credentials_missing"),
                "{cookie:.60}"
            );
            assert!(answer.cookies().is_empty(), "{cookie:.60}");
        }
    }
    assert_eq!(site.backend.received().len(), 1);
    assert_eq!(site.gateway.metric("jotgate_sessions").await, 1.0);
    let twice = format!("{}; {}", good.pair(), good.pair());
    let answer = site
        .client()
        .get("/jwt/hub/")
        .header("Cookie", twice)
        .send()
        .await;
    assert_eq!(answer.status, 200, "the same cookie twice says one thing");
}

#[tokio::test]
async fn a_cookie_that_was_there_before_is_not_adopted_by_the_sign_in() {
    let site = Site::new().await;
    let planted = Cookie::new("X-Qlik-Session-jwt", &"A".repeat(43));
    let token = Keys::first().token().sign();
    let answer = site
        .client()
        .get("/jwt/hub/")
        .cookie(&planted)
        .bearer(&token)
        .send()
        .await;
    assert_eq!(answer.status, 200);
    assert_ne!(answer.cookie().value, planted.value);
    assert_eq!(site.with(&planted).await.status, 401);
}

#[tokio::test]
async fn the_cookie_of_one_virtual_proxy_opens_no_other() {
    let site = Site::new().await;
    let other = site
        .gateway
        .qrs()
        .jwt_virtual_proxy("other", Keys::first(), &site.backend)
        .await;
    let cookie = site.sign_in("boz").await;
    let renamed = Cookie::new("X-Qlik-Session-other", &cookie.value);
    for cookie in [&cookie, &renamed] {
        let answer = site
            .client()
            .get(&format!("/{}/hub/", other.prefix))
            .cookie(cookie)
            .send()
            .await;
        assert_eq!(answer.status, 401);
        assert!(answer.cookies().is_empty());
    }
    assert_eq!(site.backend.received().len(), 1);
}

#[tokio::test]
async fn a_burst_with_a_dead_cookie_makes_no_session() {
    let site = Site::new().await;
    let cookie = site.sign_in("boz").await;
    site.client()
        .request("DELETE", "/jwt/qps/user")
        .cookie(&cookie)
        .send()
        .await;
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
