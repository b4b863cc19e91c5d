//! Sides that take nothing, or answer before they have taken everything: what waits in between is
//! bounded (line X6 of the hostile inputs).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jotgate_scenarios::{Cookie, Gateway, Keys, eventually, within};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PATIENCE: Duration = jotgate_scenarios::PATIENCE;
/// More than what all sockets on the way keep together.
const ENOUGH: usize = 64 << 20;
/// What the gateway itself may need for it, in KiB.
const MEMORY: u64 = 32 << 10;
const PART: usize = 64 << 10;

/// A backend that does with its connections what `serve` says.
async fn backend<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

async fn site(backend: SocketAddr, settings: &[(&str, &str)]) -> (Gateway, Cookie) {
    let mut builder = Gateway::serve().setting("--worker-threads", "1");
    for (flag, value) in settings {
        builder = builder.setting(flag, *value);
    }
    let gateway = builder.await;
    let uri = format!("http://{backend}");
    let node = json!({ "services": [{ "path": "/", "uri": uri }] });
    let node = gateway.qrs().node_with(node).await;
    let vp = gateway.qrs().virtual_proxy("jwt").node(node);
    vp.keys(Keys::first()).create().await;
    let token = Keys::first().token().sign();
    let first = gateway.client().get("/jwt/qps/csrftoken").bearer(&token);
    let cookie = first.send().await.cookie();
    (gateway, cookie)
}

/// The memory of the process, in KiB.
fn memory(gateway: &Gateway) -> u64 {
    let path = format!("/proc/{}/status", gateway.process().id());
    let text = std::fs::read_to_string(path).expect("the state of the process");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.expect("a size").parse().expect("a number")
}

/// Reads the head of a request and nothing of its body.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).expect("ASCII")
}

/// A backend whose answers have no end: how much of them was taken, and how many are over.
async fn endless() -> (SocketAddr, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let (taken, over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let counts = (taken.clone(), over.clone());
    let address = backend(move |mut stream| {
        let (taken, over) = counts.clone();
        async move {
            read_head(&mut stream).await;
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n";
            stream.write_all(head.as_bytes()).await.expect("a reader");
            while stream.write_all(&[b'x'; PART]).await.is_ok() {
                taken.fetch_add(PART, Ordering::SeqCst);
            }
            over.fetch_add(1, Ordering::SeqCst);
        }
    })
    .await;
    (address, taken, over)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_answer_to_a_client_that_takes_nothing_waits_at_the_backend() {
    let (address, taken, over) = endless().await;
    let (gateway, cookie) = site(address, &[("--idle-timeout", "3s")]).await;
    let http2 = gateway.client().http2().await;
    let before = memory(&gateway);
    let request = || gateway.client().get("/jwt/x").cookie(&cookie);
    let mut raw = gateway.client().raw().await;
    raw.send(request().head()).await;
    assert_eq!(raw.read_head().await.status, 200);
    let answer = http2.stream(request()).await;
    assert_eq!(answer.status(), 200);
    let ended = async || (over.load(Ordering::SeqCst) == 2).then_some(());
    eventually("both are given up", ended).await;
    let taken = taken.load(Ordering::SeqCst);
    assert!(taken < 2 * ENOUGH, "{taken} bytes were taken");
    let after = memory(&gateway);
    assert!(after < before + MEMORY, "from {before} KiB to {after}");
    drop(raw);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_body_to_a_backend_that_takes_nothing_waits_at_the_client() {
    let address = backend(async |mut stream: TcpStream| {
        read_head(&mut stream).await;
        tokio::time::sleep(Duration::from_secs(3600)).await;
    })
    .await;
    let (gateway, cookie) = site(address, &[("--max-body-bytes", "1000000000")]).await;
    let before = memory(&gateway);
    let mut raw = gateway.client().raw().await;
    let request = gateway.client().post("/jwt/x").cookie(&cookie);
    raw.send(request.header("Transfer-Encoding", "chunked").head())
        .await;
    let chunk = format!("{PART:x}\r\n{}\r\n", "x".repeat(PART));
    let mut sent = 0;
    while sent < 2 * ENOUGH {
        let sending = tokio::time::timeout(Duration::from_secs(2), raw.try_send(&chunk));
        let Ok(Ok(())) = sending.await else { break };
        sent += PART;
    }
    assert!(sent < ENOUGH, "{sent} bytes were taken");
    let after = memory(&gateway);
    assert!(after < before + MEMORY, "from {before} KiB to {after}");
}

/// RFC 9112 section 9.5: what is still on its way must not hide the answer, nor follow it on a
/// connection that is used again.
#[tokio::test]
async fn an_answer_before_the_end_of_the_body_reaches_the_client() {
    let connections = Arc::<AtomicUsize>::default();
    let counted = connections.clone();
    let address = backend(move |mut stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            let head = read_head(&mut stream).await;
            let answer = match head.starts_with("POST") {
                true => "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
                false => "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes",
            };
            stream.write_all(answer.as_bytes()).await.expect("a reader");
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
    })
    .await;
    let (gateway, cookie) = site(address, &[]).await;
    let request = |method| gateway.client().request(method, "/jwt/x").cookie(&cookie);
    let mut raw = gateway.client().raw().await;
    let head = request("POST").header("Content-Length", "10000000").head();
    raw.send(head + "the beginning").await;
    let answer = raw.read_answer().await;
    assert_eq!((answer.status, answer.text().as_str()), (403, "no"));
    let next = within(PATIENCE, "the next answer", request("GET").send()).await;
    assert_eq!((next.status, next.text().as_str()), (200, "yes"));
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}
