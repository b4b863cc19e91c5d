//! What ends sessions at one node closes their WebSockets at every node.

use jotgate_scenarios::{Backend, Cookie, Fleet, PATIENCE, Socket, eventually};
use serde_json::json;

use crate::native::Native;
use crate::{becomes, sign_in, token, with, with_token};

/// One WebSocket of that session at each node.
async fn sockets(fleet: &Fleet, cookie: &Cookie) -> Vec<Socket> {
    let mut sockets = Vec::new();
    for node in &fleet.nodes {
        let opening = node.client().get("/jwt/app/1").cookie(cookie);
        sockets.push(opening.open_socket().await.expect("a WebSocket"));
    }
    sockets
}

/// Each was told why, and none of the nodes knows the session any more.
async fn assert_ended(fleet: &Fleet, sockets: Vec<Socket>, cookie: &Cookie, method: &str) {
    for socket in sockets {
        let (notice, _) = socket.expect_end(PATIENCE).await;
        assert_eq!(notice["method"], method, "{notice}");
    }
    for node in &fleet.nodes {
        assert_eq!(with(node, cookie).await.status, 401);
    }
}

#[tokio::test]
async fn a_cookie_of_any_node_counts_at_all_of_them_at_once() {
    let fleet = Fleet::of(3, Backend::echo().await).await;
    for opening in &fleet.nodes {
        fleet.backend.forget();
        let cookie = sign_in(opening, "boz").await;
        for node in &fleet.nodes {
            assert_eq!(with(node, &cookie).await.status, 200);
        }
        let told = fleet.backend.received();
        let session = |at: usize| told[at].header("x-qlik-proxysession");
        assert!((1..4).all(|at| session(at) == session(0)), "{told:?}");
    }
}

#[tokio::test]
async fn a_logout_closes_the_sockets_of_every_node() {
    let fleet = Fleet::of(3, Backend::echo().await).await;
    let cookie = sign_in(&fleet.nodes[0], "boz").await;
    let open = sockets(&fleet, &cookie).await;
    let stays = sign_in(&fleet.nodes[1], "anna").await;
    let mut others = sockets(&fleet, &stays).await;
    let client = fleet.nodes[2].client();
    let out = client.request("DELETE", "/jwt/qps/user").cookie(&cookie);
    assert_eq!(out.send().await.status, 204);
    assert_ended(&fleet, open, &cookie, "OnSessionLoggedOut").await;
    for socket in &mut others {
        socket.assert_echo("still here").await;
    }
}

#[tokio::test]
async fn a_block_closes_the_sockets_of_every_node_and_lets_nobody_in() {
    let fleet = Fleet::of(3, Backend::echo().await).await;
    let cookie = sign_in(&fleet.nodes[0], "boz").await;
    let open = sockets(&fleet, &cookie).await;
    let qrs = fleet.nodes[1].qrs();
    let noted = async || {
        let users = qrs.get("/user?filter=userId%20eq%20%27boz%27").await;
        users[0]["id"].as_str().map(str::to_owned)
    };
    let id = eventually("the user at another node", noted).await;
    let (native, path) = (Native::of(&fleet.nodes[1]), format!("/users/{id}"));
    native.ask("PATCH", &path, &json!({"blocked": true})).await;
    assert_ended(&fleet, open, &cookie, "OnSessionClosed").await;
    for node in &fleet.nodes {
        let again = async || with_token(node, &token("boz")).await;
        becomes("the block", 403, again).await;
    }
}

#[tokio::test]
async fn a_revocation_closes_the_sockets_of_every_node_and_refuses_the_token() {
    let fleet = Fleet::of(3, Backend::echo().await).await;
    let sent = token("boz");
    let cookie = with_token(&fleet.nodes[1], &sent).await.cookie();
    let open = sockets(&fleet, &cookie).await;
    let native = Native::of(&fleet.nodes[2]);
    native
        .ask("POST", "/revocations", &json!({"token": sent}))
        .await;
    assert_ended(&fleet, open, &cookie, "OnSessionClosed").await;
    for node in &fleet.nodes {
        let again = async || with_token(node, &sent).await;
        becomes("the revocation", 401, again).await;
    }
}
