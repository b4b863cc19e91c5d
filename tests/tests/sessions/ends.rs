//! What ends sessions, and what keeps users from having too many.

use std::time::Duration;

use jotgate_scenarios::{Keys, eventually};
use serde_json::json;

use super::Site;

#[tokio::test]
async fn logging_out_ends_every_session_of_the_user_here_and_none_elsewhere() {
    let site = Site::new().await;
    site.gateway
        .qrs()
        .jwt_virtual_proxy("other", Keys::first(), &site.backend)
        .await;
    let token = Keys::first().token().claim("jti", "2").sign();
    let elsewhere = site
        .client()
        .get("/other/hub/")
        .bearer(&token)
        .send()
        .await
        .cookie();
    let first = site.sign_in("boz").await;
    let second = site
        .client()
        .from("127.0.0.2")
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await
        .cookie();
    let anna = site.sign_in("anna").await;
    assert_ne!(first.value, second.value);

    let answer = site
        .client()
        .request("DELETE", "/jwt/qps/user")
        .cookie(&first)
        .send()
        .await;
    assert_eq!(answer.status, 204);
    let cleared = answer.cookie();
    assert_eq!(
        (cleared.name.as_str(), cleared.value.as_str()),
        ("X-Qlik-Session-jwt", "")
    );
    assert_eq!(
        cleared.attributes,
        "; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0"
    );

    for ended in [&first, &second] {
        let answer = site.with(ended).await;
        assert_eq!((answer.status, answer.reason()), (401, "session_unknown"));
        assert!(answer.cookies().is_empty());
    }
    assert_eq!(site.with(&anna).await.status, 200);
    let answer = site
        .client()
        .get("/other/hub/")
        .cookie(&elsewhere)
        .send()
        .await;
    assert_eq!(answer.status, 200);
    // The token is still good: the user may come again.
    let again = site.client().get("/jwt/hub/").bearer(&token).send().await;
    assert_eq!(again.status, 200);
    assert_ne!(again.cookie().value, second.value);
}

#[tokio::test]
async fn a_session_may_end_with_its_token() {
    let site = Site::new().await;
    site.vp
        .update(|vp| {
            vp["sessionEndsWithToken"] = true.into();
            vp["jwtClockSkewSeconds"] = 0.into();
        })
        .await;
    let token = Keys::first().token().expires_in(8).sign();
    let cookie = site
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await
        .cookie();
    assert_eq!(site.with(&cookie).await.status, 200);
    let ended = async || {
        let answer = site.with(&cookie).await;
        (answer.status == 401).then_some(answer)
    };
    let answer = eventually("the end of the session with its token", ended).await;
    assert!(
        matches!(answer.reason(), "session_expired" | "session_unknown"),
        "{answer:?}"
    );
    assert!(jotgate_scenarios::now() >= exp_of(&token));
}

fn exp_of(token: &str) -> i64 {
    let payload = token.split('.').nth(1).expect("a payload");
    let json = base64_simd::URL_SAFE_NO_PAD
        .decode_to_vec(payload)
        .expect("base64url");
    let claims: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    claims["exp"].as_i64().expect("a number")
}

#[tokio::test]
async fn without_that_rule_a_session_outlives_its_token() {
    let site = Site::new().await;
    site.vp.set("jwtClockSkewSeconds", 0).await;
    let token = Keys::first().token().expires_in(6).sign();
    let cookie = site
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await
        .cookie();
    tokio::time::sleep(Duration::from_millis(6500)).await;
    let answer = site.client().get("/jwt/hub/").bearer(&token).send().await;
    assert_eq!(
        answer.reason(),
        "token_expired",
        "also when it was verified before"
    );
    assert_eq!(site.with(&cookie).await.status, 200);
}

#[tokio::test]
async fn the_session_tells_when_it_ends_and_telling_does_not_prolong_it() {
    let site = Site::new().await;
    let cookie = site.sign_in("boz").await;
    let ask = async || {
        site.client()
            .get("/jwt/jotgate/session")
            .cookie(&cookie)
            .send()
            .await
            .json()
    };
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
    site.vp
        .update(|vp| {
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
        let token = Keys::first()
            .token()
            .user("example", user)
            .claim("jti", number.to_string())
            .sign();
        site.client().get("/jwt/hub/").bearer(&token).send().await
    };
    let first = sign_in(1, "boz").await.cookie();
    let second = sign_in(2, "boz").await.cookie();
    let third = sign_in(3, "boz").await;
    assert_eq!(third.reason(), "sessions_exhausted");
    assert!(
        (400..500).contains(&third.status) && third.cookies().is_empty(),
        "{third:?}"
    );
    assert_eq!(
        sign_in(4, "anna").await.status,
        200,
        "others are not concerned"
    );
    for cookie in [&first, &second] {
        assert_eq!(site.with(cookie).await.status, 200);
    }
    site.client()
        .request("DELETE", "/jwt/qps/user")
        .cookie(&first)
        .send()
        .await;
    assert_eq!(sign_in(5, "boz").await.status, 200);
}
