//! What nobody should do. Whether it gets an answer does not matter, as long as it is none that is
//! meant for others, and nobody else notices.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jotgate_scenarios::{Cookie, Keys};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::site::Site;
use crate::tally::Tallies;

/// Starts all of it.
pub(crate) fn start(site: &Arc<Site>, tallies: &Tallies) {
    let millis = Duration::from_millis;
    tallies.repeat("slow heads", 20, millis(100), site, slow_head);
    tallies.repeat("half-open connections", 20, millis(100), site, half_open);
    tallies.repeat("nonsense as heads", 2, millis(50), site, nonsense);
    tallies.repeat("giant headers", 1, millis(100), site, giant_header);
    tallies.repeat("tokens of a stranger", 2, millis(50), site, unknown_token);
    tallies.repeat("forged cookies", 2, millis(50), site, forged_cookie);
    tallies.repeat("aborted uploads", 2, millis(100), site, aborted_upload);
    tallies.repeat("50 streams that are reset", 1, millis(200), site, resets);
    tallies.repeat(
        "WebSockets that vanish",
        1,
        millis(100),
        site,
        vanishing_socket,
    );
}

/// A byte a second, until the gateway has had enough.
async fn slow_head(site: Arc<Site>) {
    let mut raw = site.abuser.raw().await;
    let mut open = raw
        .try_send("GET /jwt/ HTTP/1.1\r\nHost: localhost\r\nX: ")
        .await;
    while open.is_ok() {
        sleep(Duration::from_secs(1)).await;
        open = raw.try_send("x").await;
    }
}

/// No handshake, no word.
async fn half_open(site: Arc<Site>) {
    let stream = connect(&site).await;
    sleep(Duration::from_secs(3)).await;
    drop(stream);
}

async fn connect(site: &Site) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    let from = "127.0.0.2:0".parse().expect("an address");
    socket.bind(from).expect("an address");
    let address = site.gateway.listeners().gateway[0];
    socket.connect(address).await.expect("a connection")
}

async fn nonsense(site: Arc<Site>) {
    const HEADS: [&[u8]; 10] = [
        b"\0\0\0\0",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /%2e%2e/jwt/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /jwt/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /jwt/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET http://[::1];:80/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET /jwt/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a.b.c\r\nAuthorization: Bearer a.b.c\r\n\r\n",
    ];
    let index = site.number() % HEADS.len() as u64;
    let mut raw = site.abuser.raw().await;
    drop(
        raw.try_send(HEADS[usize::try_from(index).expect("an index")])
            .await,
    );
    let answer = raw.silence(Duration::from_millis(200)).await;
    let answer = String::from_utf8_lossy(&answer.unwrap_or_default()).into_owned();
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
}

async fn giant_header(site: Arc<Site>) {
    let mut raw = site.abuser.raw().await;
    let head = format!(
        "GET /jwt/ HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "x".repeat(100 << 10)
    );
    drop(raw.try_send(head).await);
}

async fn unknown_token(site: Arc<Site>) {
    let user = format!("stranger{}", site.number());
    let token = Keys::second().token().user("example", &user).sign();
    let answer = site.abuser.get("/jwt/hub/").bearer(&token).send().await;
    assert_eq!(answer.status, 401);
    assert!(answer.cookies().is_empty());
}

async fn forged_cookie(site: Arc<Site>) {
    let value = format!("{:064x}", site.number());
    let cookie = Cookie::new("X-Qlik-Session-jwt", &value);
    let answer = site.abuser.get("/jwt/hub/").cookie(&cookie).send().await;
    assert_eq!(answer.status, 401);
}

async fn aborted_upload(site: Arc<Site>) {
    let cookie = site.sign_in().await;
    let mut raw = site.abuser.raw().await;
    let request = site.abuser.post("/jwt/upload").cookie(&cookie);
    let head = request.header("Content-Length", "1000000").head();
    drop(raw.try_send(head).await);
    drop(raw.try_send(vec![1; 10_000]).await);
    drop(raw);
    site.sign_out(&cookie).await;
}

async fn resets(site: Arc<Site>) {
    let cookie = site.sign_in().await;
    let connection = site.abuser.http2().await;
    let one = async || {
        let request = site.abuser.get("/jwt/slow").cookie(&cookie);
        // Whoever does not wait for the answer resets the stream.
        drop(timeout(Duration::from_millis(5), connection.send(request, None)).await);
    };
    join_all((0..50).map(|_| one())).await;
    site.sign_out(&cookie).await;
}

async fn vanishing_socket(site: Arc<Site>) {
    let cookie = site.sign_in().await;
    let opened = site.abuser.get("/jwt/app/x").cookie(&cookie).open_socket();
    drop(opened.await.expect("a WebSocket"));
    site.sign_out(&cookie).await;
}
