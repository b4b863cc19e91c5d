//! While two processes live, what one learns of a session the other knows within a second.

use std::time::Duration;

use jotgate_scenarios::{Backend, Connection, Gateway, Keys, PATIENCE, Signal, eventually, within};

/// An old process that drains, a new one that serves, and a connection on which the old one has one
/// answer left.
async fn two_processes(single_use: bool) -> (Gateway, Gateway, Connection, Backend) {
    let backend = Backend::echo().await;
    let old = Gateway::serve().setting("--drain-timeout", "30s").await;
    let vp = old.qrs().virtual_proxy("jwt").backend(&backend).await;
    vp.set("jwtSingleUse", single_use).create().await;
    let token = Keys::first()
        .token()
        .user("example", "holder")
        .claim("jti", "holder");
    let socket = old.client().get("/jwt/app/x").bearer(&token.sign());
    let socket = socket.open_socket().await.expect("a WebSocket");
    // Keeps the old process alive until the test has ended.
    std::mem::forget(socket);
    let mut kept = old.client().connection().await;
    // The first answer ends nothing yet.
    kept.send(old.client().get("/jwt/qps/user"))
        .await
        .expect("an answer");
    let new = old.again().taking_over().await;
    (old, new, kept, backend)
}

#[tokio::test]
async fn a_session_that_the_old_process_opens_is_known_to_the_new_one() {
    let (_old, new, mut kept, _backend) = two_processes(false).await;
    let token = Keys::first().token().user("example", "late").sign();
    let opened = kept
        .send(new.client().get("/jwt/late").bearer(&token))
        .await;
    let opened = opened.expect("an answer of the old process");
    assert_eq!((opened.status, opened.header("connection")), (200, "close"));
    let cookie = opened.cookie();
    let known = async || {
        let answer = new.client().get("/jwt/late").cookie(&cookie).send().await;
        (answer.status == 200).then_some(())
    };
    within(
        Duration::from_secs(2),
        "the session",
        eventually("it is known", known),
    )
    .await;
}

#[tokio::test]
async fn what_was_acknowledged_by_a_killed_process_is_known_to_the_other_one() {
    let (old, new, mut kept, _backend) = two_processes(false).await;
    let token = Keys::first().token().user("example", "late").sign();
    let opened = kept
        .send(new.client().get("/jwt/late").bearer(&token))
        .await;
    let cookie = opened.expect("an answer of the old process").cookie();
    assert_eq!(old.kill().await.signal, Some(9));
    let known = async || {
        let answer = new.client().get("/jwt/late").cookie(&cookie).send().await;
        (answer.status == 200).then_some(())
    };
    eventually("the session is known", known).await;
    // And a process that is killed right after it has taken over leaves everything to the next.
    let token = Keys::first().token().user("example", "later").sign();
    let opened = new.client().get("/jwt/later").bearer(&token).send().await;
    let later = opened.cookie();
    let again = new.again();
    assert_eq!(new.kill().await.signal, Some(9));
    let mut alone = again;
    alone = alone.alone();
    let next = alone.await;
    for cookie in [cookie, later] {
        assert_eq!(
            next.client()
                .get("/jwt/")
                .cookie(&cookie)
                .send()
                .await
                .status,
            200
        );
    }
}

#[tokio::test]
async fn ends_reach_the_websockets_of_the_old_process() {
    let backend = Backend::echo().await;
    let old = Gateway::serve().setting("--drain-timeout", "30s").await;
    for prefix in ["a", "b"] {
        old.qrs()
            .jwt_virtual_proxy(prefix, Keys::first(), &backend)
            .await;
    }
    let open = async |path: &str, user: &str| {
        let token = Keys::first().token().user("example", user).sign();
        let opened = old.client().get(path).bearer(&token).open_socket().await;
        opened.expect("a WebSocket")
    };
    let leaving = open("/a/app/x", "leaving").await;
    let staying = open("/a/app/x", "staying").await;
    let deleted = open("/b/app/x", "deleted").await;
    let new = old.again().taking_over().await;
    let cookie = leaving.answer().cookie();
    let out = new
        .client()
        .request("DELETE", "/a/qps/user")
        .cookie(&cookie);
    assert_eq!(out.send().await.status, 204);
    let (notice, close) = leaving.expect_end(Duration::from_secs(2)).await;
    assert_eq!(notice["method"], "OnSessionLoggedOut");
    assert_eq!(close.close_code(), 1008);
    new.qrs().find("b").await.delete().await;
    deleted.expect_end(Duration::from_secs(2)).await;
    let mut staying = staying;
    staying.assert_echo("untouched").await;
    drop(staying);
}

#[tokio::test]
async fn a_save_in_the_new_process_holds_in_the_old_one() {
    let (_old, new, mut kept, _backend) = two_processes(false).await;
    let vp = new.qrs().find("jwt").await;
    vp.set("jwtRequireExpiration", true).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    let token = Keys::first()
        .token()
        .user("example", "late")
        .without("exp")
        .sign();
    let answer = kept
        .send(new.client().get("/jwt/late").bearer(&token))
        .await;
    let answer = answer.expect("an answer of the old process");
    assert_eq!((answer.status, answer.header("connection")), (401, "close"));
    assert_eq!(answer.header("jotgate-reason"), "expiration_missing");
}

#[tokio::test]
async fn a_token_of_single_use_counts_once_in_both_together() {
    let (_old, new, mut kept, _backend) = two_processes(true).await;
    let token = Keys::first()
        .token()
        .user("example", "once")
        .claim("jti", "once")
        .sign();
    let request = new.client().get("/jwt/once").bearer(&token);
    let (in_old, in_new) = tokio::join!(kept.send(request), async {
        let other = new.client().from("127.0.0.2");
        other.get("/jwt/once").bearer(&token).send().await
    });
    let in_old = in_old.expect("an answer of the old process");
    assert_eq!(
        in_old.header("connection"),
        "close",
        "it came from the old process"
    );
    let mut statuses = [in_old.status, in_new.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
}

#[tokio::test]
async fn the_old_process_ends_with_the_next_signal() {
    let (mut old, new, _kept, _backend) = two_processes(false).await;
    for _ in 0..2 {
        old.signal(Signal::TERM);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ended = old.process_mut().wait(PATIENCE).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(new.folder().data().join("run/listeners.json").exists());
    assert_eq!(new.client().get("/jwt/").send().await.status, 401);
}
