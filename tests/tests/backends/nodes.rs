//! Which node is asked.

use jotgate_scenarios::{Backend, Gateway, Keys, Reply};
use serde_json::json;

use super::Site;

#[tokio::test]
async fn a_virtual_proxy_without_a_node_is_a_503() {
    let gateway = Gateway::serve().await;
    gateway.qrs().virtual_proxy("jwt").create().await;
    let token = Keys::first().token().sign();
    let answer = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    assert_eq!((answer.status, answer.reason()), (503, "node_unavailable"));
}

#[tokio::test]
async fn a_backend_that_comes_back_is_used_again() {
    let site = Site::new(Backend::echo().await).await;
    let qrs = site.gateway.qrs();
    let nowhere = Backend::nowhere().await;
    let node = qrs
        .node_with(json!({ "services": [{ "path": "/", "uri": format!("http://{nowhere}") }] }))
        .await;
    qrs.virtual_proxy("late").node(node).create().await;
    let token = Keys::first().token().sign();
    let ask = async || {
        site.gateway
            .client()
            .get("/late/x")
            .bearer(&token)
            .send()
            .await
            .status
    };
    assert_eq!(ask().await, 502);
    let listener = tokio::net::TcpListener::bind(nowhere)
        .await
        .expect("the port is still free");
    let late = Backend::on(listener, |_| Reply::text("late"));
    let back = async || (ask().await == 200).then_some(());
    jotgate_scenarios::eventually("the backend is used again", back).await;
    assert_eq!(late.last().target(), "/x");
}

#[tokio::test]
async fn the_second_node_takes_over_from_one_that_is_down() {
    let (first, second) = (
        Backend::named("first").await,
        Backend::named("second").await,
    );
    let gateway = Gateway::serve().await;
    let vp = gateway
        .qrs()
        .virtual_proxy("jwt")
        .backend(&first)
        .await
        .backend(&second)
        .await;
    vp.create().await;
    let token = Keys::first().token().sign();
    let cookie = gateway
        .client()
        .get("/jwt/qps/csrftoken")
        .bearer(&token)
        .send()
        .await
        .cookie();
    let ask = async || {
        let answer = gateway
            .client()
            .get("/jwt/hub/")
            .cookie(&cookie)
            .send()
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    };
    let mut both = Vec::new();
    for _ in 0..6 {
        both.push(ask().await);
    }
    assert!(
        both.contains(&"first".to_owned()) && both.contains(&"second".to_owned()),
        "{both:?}"
    );
    drop(first);
    for _ in 0..20 {
        assert_eq!(ask().await, "second");
    }
}

#[tokio::test]
async fn a_sticky_session_stays_with_its_node() {
    let (first, second) = (
        Backend::named("first").await,
        Backend::named("second").await,
    );
    let gateway = Gateway::serve().await;
    let vp = gateway
        .qrs()
        .virtual_proxy("jwt")
        .backend(&first)
        .await
        .backend(&second)
        .await;
    vp.set("useStickyLoadBalancing", true).create().await;
    for user in ["anna", "boz", "cleo"] {
        let token = Keys::first().token().user("example", user).sign();
        let answer = gateway
            .client()
            .get("/jwt/hub/")
            .bearer(&token)
            .send()
            .await;
        for _ in 0..6 {
            let again = gateway
                .client()
                .get("/jwt/hub/")
                .cookie(&answer.cookie())
                .send()
                .await;
            assert_eq!(again.text(), answer.text());
        }
    }
}
