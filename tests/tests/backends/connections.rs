//! Connections to backends.

use std::time::Duration;

use http_body_util::BodyExt;
use jotgate_scenarios::{Backend, Reply};

use super::Site;

#[tokio::test]
async fn connections_to_a_backend_are_used_again() {
    let site = Site::new(Backend::echo().await).await;
    let mut connection = site.gateway.client().connection().await;
    for _ in 0..20 {
        let answer = connection
            .send(connection.get("/jwt/hub/").cookie(&site.cookie))
            .await
            .expect("an answer");
        assert_eq!(answer.status, 200);
    }
    for _ in 0..5 {
        assert_eq!(site.get("/jwt/hub/").await.status, 200);
    }
    assert_eq!(site.backend.connections(), 1);
}

#[tokio::test]
async fn headers_of_the_backends_connection_stay_there() {
    let backend = Backend::answering(|_| {
        let fields = [
            ("Connection", "keep-alive, X-Hop"),
            ("Keep-Alive", "timeout=5"),
            ("X-Hop", "removed"),
            ("Proxy-Authenticate", "Basic"),
            ("X-Own", "kept"),
            ("Server", "the backend"),
        ];
        Reply::new(200, &fields, "hello")
    })
    .await;
    let site = Site::new(backend).await;
    let answer = site.get("/jwt/hub/").await;
    for name in ["keep-alive", "x-hop", "proxy-authenticate"] {
        assert_eq!(answer.header(name), "", "{name}");
    }
    assert_eq!(
        (answer.header("x-own"), answer.header("server")),
        ("kept", "the backend")
    );
}

#[tokio::test]
async fn early_hints_of_a_backend_do_not_become_the_answer() {
    let backend = Backend::answering(|_| {
        Reply::raw("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    })
    .await;
    let site = Site::new(backend).await;
    let answer = site.get("/jwt/hub/").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_request_at_the_backend() {
    let backend = Backend::answering(|_| {
        let mut reply = Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for _ in 0..1000 {
            reply = reply
                .then_chunk(&[1; 65_536])
                .then_pause(Duration::from_millis(5));
        }
        reply.then("0\r\n\r\n")
    })
    .await;
    let site = Site::new(backend).await;
    let request = site
        .gateway
        .client()
        .get("/jwt/endless")
        .cookie(&site.cookie);
    let mut body = request.stream().await.into_body();
    assert!(body.frame().await.is_some());
    drop(body);
    let idle = async || (site.gateway.metric("jotgate_connections").await == 0.0).then_some(());
    jotgate_scenarios::eventually("the connection is counted out", idle).await;
}
