//! Three nodes as the manual for operations sets them up: one database of PostgreSQL, one Redis and one
//! cluster key. What one of them does holds at all, and any of them can die.

#[path = "../support/issuer.rs"]
#[expect(dead_code, reason = "what only key sets need")]
mod issuer;
#[path = "../support/key_server.rs"]
#[expect(dead_code, reason = "what only key sets need")]
mod key_server;
#[path = "../support/native.rs"]
mod native;

mod commands;
mod deaths;
mod ends;
mod joining;
mod key_sets;
mod late;
mod saves;

use jotgate_scenarios::{Answer, Cookie, Gateway, Keys, eventually};

fn token(user: &str) -> String {
    Keys::first().token().user("example", user).sign()
}

async fn with_token(node: &Gateway, token: &str) -> Answer {
    node.client().get("/jwt/hub/").bearer(token).send().await
}

async fn sign_in(node: &Gateway, user: &str) -> Cookie {
    let answer = with_token(node, &token(user)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.cookie()
}

async fn with(node: &Gateway, cookie: &Cookie) -> Answer {
    node.client().get("/jwt/hub/").cookie(cookie).send().await
}

/// Waits until the answer is that one.
async fn becomes(what: &str, status: u16, mut ask: impl AsyncFnMut() -> Answer) {
    eventually(what, async || (ask().await.status == status).then_some(())).await;
}
