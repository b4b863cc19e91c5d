//! Where a token may stand, and what is no token although it looks like a secret of ours.

use jotgate_scenarios::{Cookie, Keys};

use crate::judged::{Judged, SERVED};

fn of(user: &str) -> String {
    Keys::first().token().user("example", user).sign()
}

#[tokio::test]
async fn l1_tokens_in_the_address_in_cookies_and_in_bodies_are_none() {
    let site = Judged::new().await;
    let token = of("boz");
    let mut rows = Vec::new();
    for name in [
        "access_token",
        "token",
        "jwt",
        "id_token",
        "authorization",
        "bearer",
        "Authorization",
    ] {
        let target = format!("/jwt/hub/?{name}={token}");
        rows.push((
            format!("{name} in the query"),
            site.client().get(&target),
            "credentials_missing",
        ));
        let cookie = Cookie::new(name, &token);
        rows.push((
            format!("{name} as a cookie"),
            site.get().cookie(&cookie),
            "credentials_missing",
        ));
        let form = site.client().post("/jwt/hub/").form(&[(name, &token)]);
        rows.push((format!("{name} in a form"), form, "credentials_missing"));
    }
    let target = format!("/jwt/hub/?Authorization=Bearer%20{token}");
    rows.push((
        "the whole field".into(),
        site.client().get(&target),
        "credentials_missing",
    ));
    let session = Cookie::new("X-Qlik-Session-jwt-HTTP", &token);
    rows.push((
        "as the session".into(),
        site.get().cookie(&session),
        "session_unknown",
    ));
    rows.push(("in its place".into(), site.get().bearer(&token), SERVED));
    site.requests(rows).await;
}

#[tokio::test]
async fn l1_what_the_address_says_changes_nothing_about_the_field() {
    let site = Judged::new().await;
    let (boz, anna, forged) = (of("boz"), of("anna"), Keys::second().token().sign());
    let at = |token: &str| {
        site.client()
            .get(&format!("/jwt/hub/?access_token={token}"))
    };
    let answer = at(&anna)
        .cookie(&Cookie::new("access_token", &anna))
        .bearer(&boz)
        .send()
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let user = site.backend.last().header("x-qlik-user");
    assert_eq!(user.as_deref(), Some("UserDirectory=example; UserId=boz"));
    let rows = [
        (
            "a good one there, a forged one here",
            at(&boz).bearer(&forged),
            "signature_invalid",
        ),
        (
            "a good one there, an empty one here",
            at(&boz).header("Authorization", "Bearer"),
            "token_malformed",
        ),
        (
            "a forged one there, a good one here",
            at(&forged).bearer(&boz),
            SERVED,
        ),
    ];
    site.requests(rows).await;
}

#[tokio::test]
async fn l2_a_session_does_not_make_a_bad_field_good() {
    let site = Judged::new().await;
    let cookie = site.get().bearer(&of("boz")).send().await.cookie();
    let with = |value: &str| site.authorization(value).cookie(&cookie);
    let good = of("boz");
    let rows = [
        ("nothing after Bearer", with("Bearer"), "token_malformed"),
        ("garbage", with("Bearer x"), "token_malformed"),
        ("null", with("Bearer null"), "token_malformed"),
        ("without scheme", with(&good), "token_malformed"),
        (
            "twice",
            with(&format!("Bearer Bearer {good}")),
            "token_malformed",
        ),
        (
            "two",
            with(&format!("Bearer {good}")).bearer(&good),
            "token_ambiguous",
        ),
        (
            "forged",
            site.get()
                .cookie(&cookie)
                .bearer(&Keys::second().token().sign()),
            "signature_invalid",
        ),
        (
            "another scheme, which is no token",
            with("Basic Ym96OmJveg=="),
            SERVED,
        ),
        ("the same user's", with(&format!("Bearer {good}")), SERVED),
    ];
    site.requests(rows).await;
    assert_eq!(
        site.get().cookie(&cookie).send().await.status,
        200,
        "the session goes on"
    );
}

#[tokio::test]
async fn l3_no_token_is_written_to_the_log() {
    let site = Judged::new().await;
    let (good, forged) = (of("boz"), Keys::second().token().sign());
    for token in [&good, &forged] {
        let target = format!("/jwt/hub/?access_token={token}");
        let referer = format!("https://portal.example/?token={token}");
        let request = site
            .client()
            .get(&target)
            .header("Referer", referer.as_str());
        let answer = request
            .header("User-Agent", "tests")
            .bearer(token)
            .send()
            .await;
        if answer.status != 200 {
            assert!(!answer.text().contains(&token[..60]), "{}", answer.text());
            site.gateway.access_line(&answer.reference()).await;
        }
    }
    // The line of the last refusal is there: those before it are too.
    let log = std::fs::read_to_string(site.gateway.folder().access_log()).expect("the access log");
    let written = format!(
        "{log}{}{}",
        site.gateway.process().stdout(),
        site.gateway.process().stderr()
    );
    for token in [&good, &forged] {
        for (part, text) in ["header", "payload", "signature"]
            .iter()
            .zip(token.split('.'))
        {
            assert!(
                !written.contains(text),
                "the {part} of a token is in the log"
            );
        }
    }
}

#[tokio::test]
async fn c8_secrets_made_for_one_purpose_serve_no_other() {
    let site = Judged::new().await;
    let token = of("boz");
    let first = site.get().bearer(&token).send().await;
    let cookie = first.cookie();
    let session = site
        .backend
        .last()
        .header("x-qlik-proxysession")
        .expect("a session");
    let csrf = site
        .client()
        .get("/jwt/qps/csrftoken")
        .cookie(&cookie)
        .send()
        .await;
    let csrf = csrf.header("qlik-csrf-token").to_owned();
    assert!(!csrf.is_empty());
    let named = |value: &str| site.get().cookie(&Cookie::new(&cookie.name, value));
    let (signed, _) = token.rsplit_once('.').expect("a signature");
    let mixed = format!("{signed}.{}", cookie.value);
    let rows = [
        (
            "the cookie's value as a token",
            site.get().bearer(&cookie.value),
            "token_malformed",
        ),
        (
            "the session's id as a token",
            site.get().bearer(&session),
            "token_malformed",
        ),
        (
            "the CSRF token as a token",
            site.get().bearer(&csrf),
            "token_malformed",
        ),
        (
            "the cookie's value as a signature",
            site.get().bearer(&mixed),
            "token_truncated",
        ),
        ("the token as the cookie", named(&token), "session_unknown"),
        (
            "the session's id as the cookie",
            named(&session),
            "session_unknown",
        ),
        (
            "the CSRF token as the cookie",
            named(&csrf),
            "session_unknown",
        ),
        ("the cookie", named(&cookie.value), SERVED),
    ];
    site.requests(rows).await;
}
