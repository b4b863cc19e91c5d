//! A token that counts once.

use jotgate_scenarios::{Backend, Gateway, Keys};

#[tokio::test]
async fn a_token_of_single_use_opens_one_session_also_after_a_restart() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let vp = gateway
        .qrs()
        .virtual_proxy("jwt")
        .backend(&backend)
        .await
        .set("jwtSingleUse", true);
    vp.create().await;
    let token = Keys::first().token().claim("jti", "first").sign();
    let opened = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(opened.status, 200);
    let from_elsewhere = gateway
        .client()
        .from("127.0.0.2")
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(
        (from_elsewhere.status, from_elsewhere.reason()),
        (401, "token_already_used")
    );
    let again = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(again.reason(), "token_already_used");
    let without = Keys::first().token().sign();
    assert_eq!(
        gateway
            .client()
            .get("/jwt/hub/")
            .bearer(&without)
            .send()
            .await
            .status,
        401
    );
    let gateway = gateway.restart().await;
    let later = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(later.reason(), "token_already_used");
    let with_cookie = gateway
        .client()
        .get("/jwt/hub/")
        .cookie(&opened.cookie())
        .send()
        .await;
    assert_eq!(with_cookie.status, 200, "the session itself goes on");
}

#[tokio::test]
async fn of_many_at_once_with_a_token_of_single_use_one_opens_a_session() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let vp = gateway
        .qrs()
        .virtual_proxy("jwt")
        .backend(&backend)
        .await
        .set("jwtSingleUse", true);
    vp.create().await;
    let token = Keys::first().token().claim("jti", "contested").sign();
    let mut requests = tokio::task::JoinSet::new();
    for number in 1..=20 {
        let client = gateway.client().from(&format!("127.0.0.{number}"));
        requests.spawn(client.get("/jwt/hub/").bearer(&token).send());
    }
    let served = requests
        .join_all()
        .await
        .into_iter()
        .filter(|answer| answer.status == 200)
        .count();
    assert_eq!(served, 1);
    assert_eq!(gateway.metric("jotgate_sessions_opened_total").await, 1.0);
}
