//! A new process that cannot take over changes nothing.

use jotgate_scenarios::{Backend, Gateway, Keys, Signal};

async fn assert_serves(gateway: &Gateway, user: &str) {
    let token = Keys::first().token().user("example", user).sign();
    let answer = gateway.client().get("/jwt/").bearer(&token).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_ne!(answer.header("connection"), "close", "it does not drain");
    assert_eq!(gateway.observer().get("/readyz").send().await.status, 200);
}

#[tokio::test]
async fn a_process_that_cannot_start_leaves_the_old_one_as_it_was() {
    let backend = Backend::echo().await;
    let gateway = Gateway::serve().await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let stranger = Gateway::serve().await;
    let foreign = stranger.listeners().gateway[0].to_string();
    let bad = [
        (
            "--max-connections",
            "many".to_owned(),
            64,
            "--max-connections",
        ),
        (
            "--tls-certificate",
            "/nowhere.pem".to_owned(),
            64,
            "--tls-key",
        ),
        ("--qrs-listen", foreign, 66, "--qrs-listen"),
        (
            "--access-log",
            "/nowhere/access.log".to_owned(),
            64,
            "--access-log",
        ),
    ];
    for (flag, value, code, sentence) in bad {
        let ended = gateway
            .again()
            .setting(flag, value)
            .taking_over()
            .ended()
            .await;
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(ended.stderr.contains(sentence), "{}", ended.stderr);
        assert_serves(&gateway, flag).await;
    }
    // One that is killed while it starts, at whichever moment.
    for millis in [1, 5, 20, 50, 100] {
        let mut process = gateway.again().taking_over().spawn();
        tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
        process.signal(Signal::KILL);
        process.wait(jotgate_scenarios::PATIENCE).await;
        if gateway.process().stderr().contains("draining") {
            // It had taken over by then; the last of the five may.
            return;
        }
        assert_serves(&gateway, &format!("killed{millis}")).await;
    }
    let next = gateway.again().taking_over().await;
    assert_serves(&next, "next").await;
    assert_eq!(gateway.wait().await.code, Some(0));
}

#[tokio::test]
async fn there_must_be_somebody_to_take_over_from() {
    let ended = Gateway::serve().taking_over().ended().await;
    assert_eq!(ended.code, Some(65), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("start without --take-over"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn without_taking_over_a_second_process_is_refused() {
    let gateway = Gateway::serve().await;
    let next = gateway.again().taking_over().await;
    assert_eq!(gateway.wait().await.code, Some(0));
    let ended = next.again().alone().ended().await;
    assert_eq!(ended.code, Some(65), "{}", ended.stderr);
    let number = std::fs::read_to_string(next.folder().data().join("run/lock"));
    let number = number.expect("the lock").trim().to_owned();
    assert!(
        ended.stderr.contains(&format!("number {number}")),
        "{}",
        ended.stderr
    );
}
