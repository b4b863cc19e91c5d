//! Sessions are the same at every node.

use jotgate_scenarios::{Backend, SOON, eventually};

use super::{Fleet, sign_in, with};

#[tokio::test]
async fn a_cookie_of_one_node_counts_at_the_other_at_once() {
    let fleet = Fleet::new(Backend::echo().await).await;
    for number in 0..20 {
        let cookie = sign_in(&fleet.one, &format!("user{number}")).await;
        let answer = with(&fleet.other, &cookie).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let told = fleet.backend.received();
    let session = |at: usize| told[at].header("x-qlik-proxysession");
    assert_eq!(session(0), session(1), "it is one session");
    // Pages of both nodes agree on the proof that they read an answer.
    let cookie = sign_in(&fleet.one, "anna").await;
    let mut proofs = Vec::new();
    for node in [&fleet.one, &fleet.other] {
        let ask = node.client().get("/jwt/qps/csrftoken").cookie(&cookie);
        proofs.push(ask.send().await.header("qlik-csrf-token").to_owned());
    }
    assert_eq!(proofs[0], proofs[1]);
}

#[tokio::test]
async fn logging_out_at_one_node_closes_the_sockets_of_the_other() {
    let fleet = Fleet::new(Backend::sockets().await).await;
    let client = fleet.one.client();
    let token = jotgate_scenarios::Keys::first().token().sign();
    let ask = client.get("/jwt/qps/csrftoken").bearer(&token);
    let cookie = ask.send().await.cookie();
    let far = fleet.other.client().get("/jwt/app/x").cookie(&cookie);
    let socket = far.open_socket().await.expect("a WebSocket");
    let out = client.request("DELETE", "/jwt/qps/user").cookie(&cookie);
    assert_eq!(out.send().await.status, 204);
    let (notice, _) = socket.expect_end(SOON).await;
    assert_eq!(notice["method"], "OnSessionLoggedOut", "{notice}");
    let refused = with(&fleet.other, &cookie).await;
    assert_eq!((refused.status, refused.reason()), (401, "session_unknown"));
}

#[tokio::test]
async fn a_session_outlives_the_node_that_opened_it() {
    let fleet = Fleet::new(Backend::echo().await).await;
    let cookie = sign_in(&fleet.one, "boz").await;
    let again = fleet.one.again();
    fleet.one.kill().await;
    assert_eq!(with(&fleet.other, &cookie).await.status, 200);
    let one = again.await;
    assert_eq!(with(&one, &cookie).await.status, 200);
    let known = one.metric("jotgate_sessions").await;
    assert!((known - 1.0).abs() < f64::EPSILON, "{known}");
}

#[tokio::test]
async fn qps_of_any_node_finds_and_ends_what_another_opened() {
    let fleet = Fleet::new(Backend::echo().await).await;
    let cookie = sign_in(&fleet.one, "boz").await;
    let session = fleet
        .backend
        .last()
        .header("x-qlik-proxysession")
        .expect("a session");
    let qps = fleet.other.qps();
    let address = format!("/qps/jwt/session/{session}?xrfkey=0123456789abcdef");
    let ask = |method| {
        qps.request(method, &address)
            .header("x-qlik-xrfkey", "0123456789abcdef")
    };
    assert_eq!(ask("GET").send().await.status, 200);
    assert_eq!(ask("DELETE").send().await.status, 200);
    eventually("the first node refuses it", async || {
        let answer = with(&fleet.one, &cookie).await;
        (answer.status == 401).then_some(())
    })
    .await;
}
