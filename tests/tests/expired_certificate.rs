//! A certificate whose time is over goes on checking tokens, as in the real system, and is warned of.

use jotgate_scenarios::{Backend, Gateway, Keys, eventually};

#[tokio::test]
async fn an_expired_certificate_is_accepted_with_a_warning_in_the_log() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let keys = Keys::first();
    let vp = gateway
        .qrs()
        .virtual_proxy("jwt")
        .backend(&backend)
        .await
        .set("jwtPublicKeyCertificate", keys.certificate_until(2090))
        .create()
        .await;
    let warned = || {
        let log = gateway.process().stderr();
        log.contains("has expired").then_some(log)
    };
    assert_eq!(warned(), None);
    vp.set("jwtPublicKeyCertificate", keys.certificate_until(2020))
        .await;
    let log = eventually("a warning", async || warned()).await;
    assert!(log.contains("2020-01-01") && log.contains("WARN"), "{log}");
    let token = keys.token().user("example", "boz").sign();
    let answer = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(answer.status, 200);
}
