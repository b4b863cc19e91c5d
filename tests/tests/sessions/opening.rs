//! A token opens a session, and the cookie is enough afterwards.

use jotgate_scenarios::Keys;
use serde_json::json;

use super::Site;

#[tokio::test]
async fn after_the_first_token_the_cookie_is_enough() {
    let site = Site::new().await;
    let token = Keys::first().token().sign();
    let first = site.client().get("/jwt/hub/").bearer(&token).send().await;
    assert_eq!((first.status, first.text().as_str()), (200, "hello"));
    let cookie = first.cookie();
    assert_eq!(cookie.name, "X-Qlik-Session-jwt");
    assert_eq!(
        cookie.attributes,
        "; Path=/; HttpOnly; Secure; SameSite=Lax"
    );
    assert!(
        cookie.value.len() >= 43,
        "256 bits in base64url: {}",
        cookie.value
    );
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
    for token in [
        Keys::second().token().sign(),
        Keys::first().token().expires_in(-3600).sign(),
        "x".into(),
    ] {
        let answer = site
            .client()
            .get("/jwt/hub/")
            .cookie(&cookie)
            .bearer(&token)
            .send()
            .await;
        assert_eq!(answer.status, 401);
        assert!(answer.cookies().is_empty());
    }
    assert_eq!(site.backend.received().len(), 1);
    assert_eq!(
        site.with(&cookie).await.status,
        200,
        "the session itself goes on"
    );
}

#[tokio::test]
async fn another_users_token_opens_a_new_session_and_the_old_one_goes_on() {
    let site = Site::new().await;
    let boz = site.sign_in("boz").await;
    let of_boz = site.session();
    let token = Keys::first().token().user("example", "anna").sign();
    let answer = site
        .client()
        .get("/jwt/hub/")
        .cookie(&boz)
        .bearer(&token)
        .send()
        .await;
    assert_eq!(answer.status, 200);
    let anna = answer.cookie();
    assert_ne!(anna.value, boz.value);
    assert_ne!(site.session(), of_boz);
    assert_eq!(
        site.backend.last().header("x-qlik-user").as_deref(),
        Some("UserDirectory=example; UserId=anna")
    );

    assert_eq!(site.with(&boz).await.status, 200);
    assert_eq!(site.session(), of_boz);
    assert_eq!(
        site.backend.last().header("x-qlik-user").as_deref(),
        Some("UserDirectory=example; UserId=boz")
    );
}

#[tokio::test]
async fn the_same_id_in_another_directory_is_another_user() {
    let site = Site::new().await;
    let boz = site.sign_in("boz").await;
    let token = Keys::first().token().user("other", "boz").sign();
    let answer = site
        .client()
        .get("/jwt/hub/")
        .cookie(&boz)
        .bearer(&token)
        .send()
        .await;
    assert_ne!(answer.cookie().value, boz.value);
}

#[tokio::test]
async fn the_same_users_token_keeps_the_session_of_the_cookie() {
    let site = Site::new().await;
    let cookie = site.sign_in("boz").await;
    let session = site.session();
    let another = Keys::first().token().claim("jti", "2").sign();
    let answer = site
        .client()
        .get("/jwt/hub/")
        .cookie(&cookie)
        .bearer(&another)
        .send()
        .await;
    assert_eq!(answer.status, 200);
    assert!(answer.cookies().is_empty());
    assert_eq!(site.session(), session);
}

#[tokio::test]
async fn thirty_first_requests_at_once_make_one_session() {
    let site = Site::new().await;
    let token = Keys::first().token().sign();
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..30 {
        let request = site
            .client()
            .get(&format!("/jwt/page/{number}"))
            .bearer(&token);
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
    assert_eq!(
        site.gateway.metric("jotgate_sessions_opened_total").await,
        1.0
    );
    let sessions: std::collections::HashSet<_> = site
        .backend
        .received()
        .iter()
        .map(|received| received.header("x-qlik-proxysession"))
        .collect();
    assert_eq!(sessions.len(), 1);
}

#[tokio::test]
async fn the_same_token_from_two_addresses_makes_two_sessions() {
    let site = Site::new().await;
    let token = Keys::first().token().sign();
    let here = site
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await
        .cookie();
    let there = site
        .client()
        .from("127.0.0.2")
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await
        .cookie();
    assert_ne!(here.value, there.value);
}

#[tokio::test]
async fn the_personal_api_tells_who_is_signed_in_and_how_to_leave() {
    let site = Site::new().await;
    let cookie = site.sign_in("boz").await;
    let client = site.client();
    let user = client
        .get("/jwt/qps/user?targetUri=x")
        .cookie(&cookie)
        .send()
        .await;
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
    let token = client
        .get("/jwt/qps/csrftoken")
        .cookie(&cookie)
        .send()
        .await;
    assert_eq!((token.status, token.body.len()), (204, 0));
    let first = token.header("qlik-csrf-token").to_owned();
    assert!(first.len() >= 16, "{first}");
    let again = client
        .get("/JWT/../jwt/qps/csrftoken")
        .cookie(&cookie)
        .send()
        .await;
    assert_eq!(again.status, 400, "{again:?}");
    let in_capitals = client
        .get("/jwt/QPS/CsrfToken")
        .cookie(&cookie)
        .send()
        .await;
    assert_eq!(in_capitals.header("qlik-csrf-token"), first);

    // With a token alone, the answer that a script reads also carries the cookie.
    let bearer = Keys::first().token().user("example", "anna").sign();
    let opened = client
        .get("/jwt/qps/csrftoken")
        .bearer(&bearer)
        .send()
        .await;
    assert_eq!(opened.status, 204);
    assert_ne!(opened.header("qlik-csrf-token"), first);
    assert_eq!(opened.cookie().name, "X-Qlik-Session-jwt");
    assert_eq!(
        site.backend.received().len(),
        1,
        "nothing of it reaches the backend"
    );
}
