//! The engine over real sockets.

use std::time::Duration;

use futures_util::StreamExt;
use http::StatusCode;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{SIGNED_IN, Server, answer, get};

#[tokio::test]
async fn the_greeting_names_the_user_and_the_way_out() {
    let server = Server::start().await;
    let mut socket = server.socket("/app/engineData", &SIGNED_IN).await;
    assert_eq!(
        socket.receive().await,
        json!({
            "jsonrpc": "2.0",
            "method": "OnAuthenticationInformation",
            "params": {
                "userId": "ann@example.com",
                "userDirectory": "QT",
                "logoutUri": "https://portal.example:8443/jwt/qps/user",
                "mustAuthenticate": false,
            },
        })
    );
    assert_eq!(
        socket.receive().await,
        json!({
            "jsonrpc": "2.0",
            "method": "OnConnected",
            "params": { "qSessionState": "SESSION_CREATED" },
        })
    );
}

#[tokio::test]
async fn every_documented_path_reaches_the_engine() {
    let server = Server::start().await;
    for path in [
        "/app/engineData",
        "/app/engineData/",
        "/app/engineData?qlik-csrf-token=a%2Fb&reloadUri=x",
        "/app/engineData&qlik-csrf-token=abc",
        "/app/engineData&qlik-csrf-token=a/b+c=",
        "/app/engineData/identity/me",
        "/app/engineData/identity/me/ttl/5?qlik-csrf-token=x",
        "/app/5b7b1c8e-3c56-4d1f-9a53-0f6c1f0a7d21",
        "/app/5b7b1c8e-3c56-4d1f-9a53-0f6c1f0a7d21/ttl/5",
        "/app/%3Ftransient%3D",
        "/app/%3Ftransient%3D/identity/me",
    ] {
        let mut socket = server.engine(path).await;
        let answer = socket.ask(-1, "EngineVersion", json!([])).await;
        assert!(
            answer["result"]["qVersion"]["qComponentVersion"].is_string(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn other_paths_and_plain_requests_do_not() {
    assert_eq!(
        answer(get("/app/a/b", &SIGNED_IN)).await.status(),
        StatusCode::NOT_FOUND
    );
    assert!(
        answer(get("/app/engineData", &SIGNED_IN))
            .await
            .status()
            .is_client_error()
    );
}

#[tokio::test]
async fn without_a_user_the_engine_asks_for_one_and_closes() {
    let server = Server::start().await;
    let mut socket = server.socket("/app/engineData", &[]).await;
    let params = socket.receive().await["params"].clone();
    assert_eq!(params["mustAuthenticate"], true);
    assert_eq!(params["loginUri"], format!("http://{}/", server.address));
    assert_eq!(socket.closed().await.code, CloseCode::Policy);
}

#[tokio::test]
async fn global_methods() {
    let server = Server::start().await;
    let mut socket = server.engine("/app/engineData").await;
    let user = socket.ask(-1, "GetAuthenticatedUser", json!([])).await;
    assert_eq!(
        user["result"],
        json!({ "qReturn": "UserDirectory=QT; UserId=ann@example.com" })
    );

    let list = socket.ask(-1, "GetDocList", json!([])).await;
    let docs = list["result"]["qDocList"].as_array().unwrap();
    let titles: Vec<_> = docs
        .iter()
        .map(|doc| doc["qTitle"].as_str().unwrap())
        .collect();
    assert_eq!(
        titles,
        [
            "Sales Overview",
            "Operations Monitor",
            "Executive Dashboard"
        ]
    );
    for doc in docs {
        assert!(doc["qDocId"].is_string() && doc["qLastReloadTime"].is_string());
    }
    assert_eq!(list.get("delta"), None);

    let none = socket.ask(-1, "GetActiveDoc", json!([])).await;
    assert_eq!(none["error"]["code"], 2);
    let opened = socket.ask(-1, "OpenDoc", json!([docs[0]["qDocId"]])).await;
    let reference = json!({ "qType": "Doc", "qHandle": 1, "qGenericId": docs[0]["qDocId"] });
    assert_eq!(opened["result"]["qReturn"], reference);
    let active = socket.ask(-1, "GetActiveDoc", json!({})).await;
    assert_eq!(active["result"]["qReturn"], reference);
}

#[tokio::test]
async fn methods_of_apps_and_objects() {
    let server = Server::start().await;
    let mut socket = server.engine("/app/engineData").await;
    let id = "e93c7a10-51d2-4f7e-8c94-27b6a80d5f63";
    socket.ask(-1, "OpenDoc", json!({ "qDocName": id })).await;
    let layout = socket.ask(1, "GetAppLayout", json!([])).await;
    assert_eq!(layout["result"]["qLayout"]["qTitle"], "Executive Dashboard");

    let properties = json!({ "qInfo": { "qId": "LB01", "qType": "my-list" }, "colour": "green" });
    let created = socket
        .ask(1, "CreateSessionObject", json!([properties]))
        .await;
    assert_eq!(created["result"]["qReturn"]["qHandle"], 2);
    assert_eq!(created["result"]["qReturn"]["qGenericId"], "LB01");
    let layout = socket.ask(2, "GetLayout", json!([])).await;
    assert_eq!(layout["result"]["qLayout"]["colour"], "green");
    assert_eq!(layout["result"]["qLayout"]["qInfo"]["qType"], "my-list");
}

#[tokio::test]
async fn with_delta_results_are_patches() {
    fn value<'a>(answer: &'a Value, name: &str) -> &'a Value {
        assert_eq!(answer["delta"], true);
        let patch = &answer["result"][name][0];
        assert_eq!(
            (&patch["op"], &patch["path"]),
            (&json!("add"), &json!("/")),
            "{answer}"
        );
        &patch["value"]
    }
    let server = Server::start().await;
    let mut socket = server.engine("/app/engineData").await;
    let none = json!([]);
    let list = socket.ask_delta(-1, "GetDocList", none.clone()).await;
    let id = value(&list, "qDocList")[0]["qDocId"].clone();
    let version = socket.ask_delta(-1, "EngineVersion", none.clone()).await;
    assert!(value(&version, "qVersion").is_object());
    let user = socket
        .ask_delta(-1, "GetAuthenticatedUser", none.clone())
        .await;
    assert!(value(&user, "qReturn").is_string());
    let opened = socket.ask_delta(-1, "OpenDoc", json!([id])).await;
    assert_eq!(value(&opened, "qReturn")["qHandle"], 1);
    let active = socket.ask_delta(-1, "GetActiveDoc", none.clone()).await;
    assert_eq!(value(&active, "qReturn")["qGenericId"], id);
    let layout = socket.ask_delta(1, "GetAppLayout", none.clone()).await;
    assert_eq!(value(&layout, "qLayout")["qTitle"], "Sales Overview");
    let created = socket
        .ask_delta(1, "CreateSessionObject", json!([{ "a": 1 }]))
        .await;
    assert_eq!(value(&created, "qReturn")["qHandle"], 2);
    let layout = socket.ask_delta(2, "GetLayout", none).await;
    assert_eq!(value(&layout, "qLayout")["a"], 1);
    let unknown = socket.ask_delta(2, "Nonsense", json!([])).await;
    assert_eq!(unknown["error"]["code"], -32601);
}

#[tokio::test]
async fn mistakes_are_answered_and_the_socket_stays() {
    let server = Server::start().await;
    let mut socket = server.engine("/app/engineData").await;
    socket.send(Message::text("{nonsense")).await;
    let error = socket.receive().await;
    assert_eq!(
        (&error["id"], &error["error"]["code"]),
        (&Value::Null, &json!(-32700))
    );
    socket.send(Message::text(r#"{"id":9}"#)).await;
    let error = socket.receive().await;
    assert_eq!(
        (&error["id"], &error["error"]["code"]),
        (&json!(9), &json!(-32600))
    );
    let error = socket.ask(-1, "Frobnicate", json!([])).await;
    assert_eq!(
        error["error"],
        json!({ "code": -32601, "message": "Method not found", "parameter": "Frobnicate" })
    );
    // A notification is carried out without an answer, so the next answer is the next request's.
    socket
        .send(Message::text(r#"{"method":"GetDocList"}"#))
        .await;
    socket.ask(-1, "EngineVersion", json!([])).await;
    socket.send(Message::Ping("p".into())).await;
    assert_eq!(socket.next().await, Message::Pong("p".into()));
}

#[tokio::test]
async fn binary_messages_close_the_socket() {
    let server = Server::start().await;
    let mut socket = server.engine("/app/engineData").await;
    socket.send(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(socket.closed().await.code, CloseCode::Unsupported);
}

#[tokio::test]
async fn a_message_has_at_most_one_mebibyte() {
    let server = Server::start().await;
    let mut socket = server.engine("/app/engineData").await;
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "EngineVersion" }).to_string();
    let padding = " ".repeat(1024 * 1024 - request.len());
    socket
        .send(Message::text(format!("{request}{padding}")))
        .await;
    assert_eq!(socket.receive().await["id"], 1);
    socket
        .send(Message::text(format!("{request}{padding} ")))
        .await;
    assert_eq!(socket.closed().await.code, CloseCode::Size);
}

#[tokio::test]
async fn a_giant_message_closes_the_socket_before_it_is_read() {
    let server = Server::start().await;
    let mut socket = server.engine("/app/engineData").await;
    // Only the head of a frame of 64 MiB: the refusal must not wait for the rest.
    let head = [0x81, 0xff, 0, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4];
    match socket.socket.get_mut() {
        tokio_tungstenite::MaybeTlsStream::Plain(stream) => {
            tokio::io::AsyncWriteExt::write_all(stream, &head)
                .await
                .unwrap();
        }
        _ => unreachable!("the server speaks no TLS"),
    }
    assert_eq!(socket.closed().await.code, CloseCode::Size);
}

#[tokio::test]
async fn a_session_with_a_ttl_is_found_again() {
    let server = Server::start().await;
    let mut first = server.engine("/app/engineData/identity/me/ttl/60").await;
    let created = first.ask(-1, "CreateSessionApp", json!([])).await;
    first.socket.close(None).await.unwrap();
    while first.socket.next().await.is_some() {}

    // The server may still be about to keep the session; a socket without a ttl disturbs nothing.
    for _ in 0..100 {
        let mut again = server
            .socket("/app/engineData/identity/me", &SIGNED_IN)
            .await;
        again.receive().await;
        if again.receive().await["params"]["qSessionState"] == "SESSION_ATTACHED" {
            let active = again.ask(-1, "GetActiveDoc", json!([])).await;
            assert_eq!(active["result"]["qReturn"], created["result"]["qReturn"]);
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the session was not kept");
}
