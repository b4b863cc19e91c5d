//! What the form may not do.

use jotgate_scenarios::Keys;

use super::{Site, assert_refused};

/// Line X4 of the hostile inputs.
#[tokio::test]
async fn nobody_is_sent_out_of_the_virtual_proxy() {
    let site = Site::new().await;
    for return_to in [
        "https://evil.example/jwt/hub/",
        "//evil.example/jwt/",
        "/\\evil.example",
        "\\\\evil.example",
        "/other/hub/",
        "/jwtx/",
        "/",
        "",
        "/jwt/../other/",
        "/jwt/%2e%2e/other/",
        "javascript:alert(1)",
        "https://localhost.evil.example/jwt/",
        "https://localhost@evil.example/jwt/",
        "/jwt/\r\nSet-Cookie: x=y",
        "/jwt/ x",
    ] {
        let attempt = site.begin().await;
        let answer = site.complete(&attempt, return_to).await;
        assert_refused(&answer, return_to);
        assert_eq!(answer.header("location"), "", "{return_to}");
    }
    assert_eq!(site.gateway.metric("jotgate_sessions").await, 0.0);
}

#[tokio::test]
async fn a_form_with_a_bad_token_opens_nothing() {
    let site = Site::new().await;
    let attempt = site.begin().await;
    for token in [
        "",
        "x",
        &Keys::second().token().sign(),
        &Keys::first().token().expires_in(-3600).sign(),
    ] {
        let answer = site
            .complete_at("/jwt/jotgate/sign-in", &attempt, token, "/jwt/hub/")
            .await;
        assert_eq!(answer.status, 401, "{token:.20}");
        assert!(
            answer
                .cookies()
                .iter()
                .all(|cookie| cookie.name != "X-Qlik-Session-jwt")
        );
        assert!(!answer.text().contains("eyJ"));
    }
    assert_eq!(site.gateway.metric("jotgate_sessions").await, 0.0);
}

#[tokio::test]
async fn a_form_that_is_too_large_is_refused() {
    let site = Site::new().await;
    let attempt = site.begin().await;
    let answer = site
        .complete_at(
            "/jwt/jotgate/sign-in",
            &attempt,
            &"x".repeat(100_000),
            "/jwt/hub/",
        )
        .await;
    assert_eq!((answer.status, answer.reason()), (413, "body_too_large"));
}
