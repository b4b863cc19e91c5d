//! Ending and starting again: nobody is signed out, nothing is cut off.

use std::time::Duration;

use jotgate_scenarios::{
    Backend, Frame, Gateway, Keys, Opcode, PATIENCE, Reply, Signal, eventually, within,
};

#[tokio::test]
async fn sessions_survive_a_restart_with_everything_that_backends_are_told() {
    let backend = Backend::echo().await;
    let mut gateway = Gateway::serve().await;
    let vp = gateway
        .qrs()
        .virtual_proxy("jwt")
        .backend(&backend)
        .await
        .map("Group", "Group")
        .create()
        .await;
    let token = Keys::first()
        .token()
        .claim("Group", serde_json::json!(["a", "ü"]))
        .sign();
    let cookie = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await
        .cookie();
    let anna = Keys::first().token().user("example", "anna").sign();
    let left = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&anna)
        .send()
        .await
        .cookie();
    gateway
        .client()
        .request("DELETE", "/jwt/qps/user")
        .cookie(&left)
        .send()
        .await;
    let csrf = async |gateway: &Gateway| {
        let answer = gateway
            .client()
            .get("/jwt/qps/csrftoken")
            .cookie(&cookie)
            .send()
            .await;
        answer.header("qlik-csrf-token").to_owned()
    };
    let before = (backend.received()[0].clone(), csrf(&gateway).await);
    for _ in 0..3 {
        gateway = gateway.restart().await;
        let answer = gateway
            .client()
            .get("/jwt/hub/")
            .cookie(&cookie)
            .send()
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.cookies().is_empty());
        let told = backend.last();
        for name in [
            "x-qlik-user",
            "x-qlik-security",
            "x-qlik-proxysession",
            "x-qlik-proxyid",
        ] {
            assert_eq!(told.header(name), before.0.header(name), "{name}");
        }
        assert_eq!(csrf(&gateway).await, before.1);
        let answer = gateway.client().get("/jwt/hub/").cookie(&left).send().await;
        assert_eq!(answer.status, 401, "who logged out stays out");
        assert_eq!(gateway.metric("jotgate_sessions").await, 1.0);
    }
    assert_eq!(vp.prefix, "jwt");
}

#[tokio::test]
async fn a_session_of_the_token_ends_with_it_also_when_the_gateway_was_not_there() {
    let backend = Backend::echo().await;
    let gateway = Gateway::serve().await;
    let vp = gateway.qrs().virtual_proxy("jwt").backend(&backend).await;
    vp.set("sessionEndsWithToken", true).create().await;
    let token = Keys::first().token().expires_in(6).sign();
    let cookie = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await
        .cookie();
    let again = gateway.again();
    assert_eq!(gateway.stop().await.code, Some(0));
    tokio::time::sleep(Duration::from_millis(6200)).await;
    let gateway = again.await;
    assert_eq!(
        gateway
            .client()
            .get("/jwt/hub/")
            .cookie(&cookie)
            .send()
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_restart_changes_nothing_in_the_configuration() {
    let backend = Backend::echo().await;
    let gateway = Gateway::serve().await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let before = gateway.qrs().get("/virtualproxyconfig/full").await;
    let certificate = std::fs::read(gateway.certificates().join("server.pem")).expect("server.pem");
    let gateway = gateway.restart().await;
    assert_eq!(gateway.qrs().get("/virtualproxyconfig/full").await, before);
    assert_eq!(
        std::fs::read(gateway.certificates().join("server.pem")).expect("server.pem"),
        certificate
    );
}

#[tokio::test]
async fn a_drain_lets_requests_finish_closes_sockets_and_ends_with_zero() {
    let backend = Backend::answering(|request| match request.is_upgrade() {
        true => Reply::web_socket_echo(),
        false => Reply::text("finished").after(Duration::from_secs(2)),
    })
    .await;
    let mut gateway = Gateway::serve().await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    let opened = gateway
        .client()
        .get("/jwt/app/x")
        .bearer(&token)
        .open_socket()
        .await;
    let mut socket = opened.expect("a WebSocket");
    let cookie = socket.answer().cookie();
    socket.assert_echo("before").await;
    let mut idle = gateway.client().raw().await;
    idle.send(format!(
        "GET /jwt/qps/user HTTP/1.1\r\nHost: g\r\nCookie: {}\r\n\r\n",
        cookie.pair()
    ))
    .await;
    assert_eq!(idle.read_answer().await.status, 200);

    let request = tokio::spawn(gateway.client().get("/jwt/slow").cookie(&cookie).send());
    backend.wait_for(2).await;
    gateway.signal(Signal::TERM);

    let unready = async || {
        let answer = gateway.observer().get("/readyz").try_send().await.ok()?;
        (answer.status == 503).then_some(())
    };
    within(
        Duration::from_secs(2),
        "503 of /readyz",
        eventually("not ready", unready),
    )
    .await;
    assert_eq!(
        gateway.observer().get("/livez").send().await.status,
        200,
        "it is still alive"
    );
    // The workers close their sockets a moment after /readyz has turned.
    let turned_away = async || {
        let answer = gateway.client().get("/jwt/hub/").try_send().await;
        answer.is_err().then_some(())
    };
    eventually("nobody new is let in", turned_away).await;
    let silence = within(
        Duration::from_secs(2),
        "the idle connection's end",
        idle.read_to_end(),
    )
    .await;
    assert!(silence.is_empty());

    socket.assert_echo("while the request goes on").await;
    let answer = request.await.expect("the request");
    assert_eq!((answer.status, answer.text().as_str()), (200, "finished"));
    assert_eq!(answer.header("connection"), "close");
    let close = within(Duration::from_secs(2), "the close frame", socket.receive()).await;
    assert_eq!((close.opcode, close.close_code()), (Opcode::Close, 1001));
    let ended = gateway.process_mut().wait(PATIENCE).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!gateway.folder().data().join("run/listeners.json").exists());
}

#[tokio::test]
async fn new_connections_are_served_during_the_delay_and_end_with_their_answer() {
    let backend = Backend::echo().await;
    let mut gateway = Gateway::serve().setting("--drain-delay", "3s").await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    let ask = |path: &str| gateway.client().get(path).bearer(&token);
    let mut kept = gateway.client().connection().await;
    kept.send(ask("/jwt/kept")).await.expect("an answer");
    let multiplexed = gateway.client().http2().await;
    multiplexed
        .send(ask("/jwt/h2"), None)
        .await
        .expect("an answer");
    gateway.signal(Signal::TERM);
    let unready = async || {
        let answer = gateway.observer().get("/readyz").send().await;
        (answer.status == 503).then_some(())
    };
    eventually("not ready", unready).await;

    let last = kept.send(ask("/jwt/kept")).await.expect("an answer");
    assert_eq!((last.status, last.header("connection")), (200, "close"));
    assert!(kept.send(ask("/jwt/kept")).await.is_err(), "it has ended");
    let ended = async || {
        let answer = multiplexed.send(ask("/jwt/h2"), None).await;
        answer.is_err().then_some(())
    };
    eventually("GOAWAY", ended).await;

    let mut new = gateway.client().connection().await;
    let answer = new.send(ask("/jwt/new")).await.expect("an answer");
    assert_eq!((answer.status, answer.header("connection")), (200, "close"));
    let new = gateway.client().http2().await;
    let answer = new.send(ask("/jwt/new"), None).await.expect("an answer");
    assert_eq!(answer.status, 200);
    let ended = async || new.send(ask("/jwt/new"), None).await.is_err().then_some(());
    eventually("GOAWAY after the answer", ended).await;
    let ended = gateway.process_mut().wait(PATIENCE).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn a_websocket_over_http2_does_not_hold_a_drain_up() {
    let backend = Backend::echo().await;
    let mut gateway = Gateway::serve().await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    let connection = gateway.client().http2().await;
    let request = gateway.client().get("/jwt/app/x").bearer(&token);
    let opened = connection.open_socket(request).await;
    let mut socket = opened.unwrap_or_else(|no| panic!("{no:?}"));
    socket.assert_echo("before").await;
    gateway.signal(Signal::TERM);
    let close = within(Duration::from_secs(5), "the close frame", socket.receive()).await;
    assert_eq!((close.opcode, close.close_code()), (Opcode::Close, 1001));
    let ended = gateway.process_mut().wait(PATIENCE).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn a_second_signal_ends_the_drain_at_once() {
    let backend = Backend::answering(|_| Reply::never()).await;
    let mut gateway = Gateway::serve().setting("--drain-delay", "10m").await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    let request = tokio::spawn(gateway.client().get("/jwt/never").bearer(&token).try_send());
    backend.wait_for(1).await;
    for _ in 0..2 {
        gateway.signal(Signal::TERM);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let ended = gateway.process_mut().wait(PATIENCE).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(request.await.expect("the request").is_err());
}

#[tokio::test]
async fn a_drain_has_an_end() {
    let backend = Backend::answering(|_| Reply::never()).await;
    let mut gateway = Gateway::serve().setting("--drain-timeout", "1s").await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    let request = tokio::spawn(gateway.client().get("/jwt/never").bearer(&token).try_send());
    backend.wait_for(1).await;
    gateway.signal(Signal::TERM);
    let ended = gateway.process_mut().wait(PATIENCE).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(request.await.expect("the request").is_err());
}

#[tokio::test]
async fn an_upload_that_has_begun_is_taken_to_its_end() {
    let backend = Backend::echo().await;
    let mut gateway = Gateway::serve().await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    let mut raw = gateway.client().raw().await;
    let head = "POST /jwt/upload HTTP/1.1\r\nHost: g\r\nContent-Length: 10\r\n";
    raw.send(format!("{head}Authorization: Bearer {token}\r\n\r\n12345"))
        .await;
    let opened = async || (gateway.metric("jotgate_sessions").await == 1.0).then_some(());
    eventually("the request has begun", opened).await;
    gateway.signal(Signal::TERM);
    tokio::time::sleep(Duration::from_millis(500)).await;
    raw.send("67890").await;
    let answer = raw.read_answer().await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    assert_eq!(backend.only().body, b"1234567890");
    let ended = gateway.process_mut().wait(PATIENCE).await;
    assert_eq!(ended.code, Some(0));
}

#[tokio::test]
async fn an_interrupt_ends_it_as_well() {
    let mut gateway = Gateway::serve().await;
    gateway.signal(Signal::INT);
    let ended = gateway.process_mut().wait(PATIENCE).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn sockets_of_a_session_can_be_opened_again_after_a_restart() {
    let backend = Backend::echo().await;
    let gateway = Gateway::serve().await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    let socket = gateway
        .client()
        .get("/jwt/app/x")
        .bearer(&token)
        .open_socket()
        .await
        .expect("a WebSocket");
    let cookie = socket.answer().cookie();
    let gateway = gateway.restart().await;
    drop(socket);
    let again = gateway
        .client()
        .get("/jwt/app/x")
        .cookie(&cookie)
        .open_socket()
        .await;
    let mut again = again.expect("a WebSocket");
    again.send(Frame::text("back")).await;
    assert_eq!(again.receive().await, Frame::text("back"));
}
