//! What users, administrators and operators do. None of it may fail.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jotgate_scenarios::{Client, Cookie, Frame, Opcode, Request, Socket};

use crate::site::Site;
use crate::tally::Tallies;

/// How many requests, or messages, belong together.
const BURST: usize = 20;

/// Starts all of it.
pub(crate) fn start(site: &Arc<Site>, tallies: &Tallies) {
    let millis = Duration::from_millis;
    tallies.repeat("20 requests, HTTP/1.1", 2, millis(100), site, requests);
    tallies.repeat("20 requests at once, HTTP/2", 1, millis(100), site, streams);
    tallies.repeat("uploads of 256 KiB", 1, millis(200), site, upload);
    tallies.repeat("WebSockets, HTTP/1.1", 2, millis(200), site, socket);
    tallies.repeat(
        "WebSockets, HTTP/2",
        1,
        millis(200),
        site,
        socket_on_a_stream,
    );
    tallies.repeat("signing in and out", 2, millis(100), site, signing_in);
    tallies.repeat("saves over QRS", 1, millis(3000), site, save);
    tallies.repeat("changed certificates", 1, millis(5000), site, certificate);
}

/// One request of a user who comes and goes.
pub(crate) async fn request_once(site: &Arc<Site>) {
    signing_in(site.clone()).await;
}

fn get(client: &Client, cookie: &Cookie) -> Request {
    client.get("/jwt/hub/?q=1").cookie(cookie)
}

async fn requests(site: Arc<Site>) {
    let cookie = site.sign_in().await;
    let mut connection = site.client.connection().await;
    for _ in 0..BURST {
        let answer = connection.send(get(&site.client, &cookie)).await;
        let answer = answer.expect("an answer");
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    }
    site.sign_out(&cookie).await;
}

async fn streams(site: Arc<Site>) {
    let cookie = site.sign_in().await;
    let connection = site.client.http2().await;
    let one = async || {
        let answer = connection.send(get(&site.client, &cookie), None).await;
        let answer = answer.expect("an answer");
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    };
    join_all((0..BURST).map(|_| one())).await;
    site.sign_out(&cookie).await;
}

async fn upload(site: Arc<Site>) {
    let cookie = site.sign_in().await;
    let request = site.client.post("/jwt/upload").cookie(&cookie);
    let answer = request.body(vec![7; 256 << 10]).send().await;
    assert_eq!(answer.status, 200);
    site.sign_out(&cookie).await;
}

async fn socket(site: Arc<Site>) {
    let cookie = site.sign_in().await;
    let opened = site.client.get("/jwt/app/x").cookie(&cookie).open_socket();
    talk(opened.await.expect("a WebSocket")).await;
    site.sign_out(&cookie).await;
}

async fn socket_on_a_stream(site: Arc<Site>) {
    let cookie = site.sign_in().await;
    let connection = site.client.http2().await;
    let request = site.client.get("/jwt/app/x").cookie(&cookie);
    talk(connection.open_socket(request).await.expect("a WebSocket")).await;
    site.sign_out(&cookie).await;
}

async fn talk(mut socket: Socket) {
    for number in 0..BURST {
        socket.assert_echo(&format!("message {number}")).await;
    }
    let large = Frame::new(true, Opcode::Binary, &[1; 64 << 10]);
    socket.send(large.clone()).await;
    assert!(socket.receive().await == large, "another message came back");
    socket.send(Frame::close(1000, "")).await;
    assert_eq!(socket.receive().await.close_code(), 1000);
}

async fn signing_in(site: Arc<Site>) {
    let cookie = site.sign_in().await;
    let answer = get(&site.client, &cookie).send().await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    site.sign_out(&cookie).await;
    let answer = get(&site.client, &cookie).send().await;
    assert_eq!(answer.status, 401, "the session goes on");
}

async fn save(site: Arc<Site>) {
    let description = format!("saved as number {}", site.number());
    let saved = site.virtual_proxy.set("description", description.clone());
    assert_eq!(saved.await["description"], description);
}

async fn certificate(site: Arc<Site>) {
    site.change_certificate();
}
