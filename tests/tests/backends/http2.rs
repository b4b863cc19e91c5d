//! Backends that speak HTTP/2, and backends over TLS.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jotgate_scenarios::{Cookie, Gateway, Keys};
use rcgen::{CertificateParams, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A backend for both protocols. Over HTTP/2 it ends a connection after so many requests.
struct Backend {
    address: String,
    connections: Arc<AtomicUsize>,
    received: Arc<Mutex<Vec<http::request::Parts>>>,
}

#[derive(Clone, Copy)]
struct Manner {
    streams: u32,
    requests: usize,
    takes: Duration,
}

const FRIENDLY: Manner = Manner {
    streams: 100,
    requests: usize::MAX,
    takes: Duration::ZERO,
};

impl Backend {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let received = Arc::new(Mutex::default());
        let (counted, kept) = (connections.clone(), received.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, manner, kept.clone()));
            }
        });
        Self {
            address,
            connections,
            received,
        }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn last(&self) -> (String, http::HeaderMap) {
        let received = self.received.lock().expect("the requests");
        let last = received.last().expect("a request");
        (last.uri.to_string(), last.headers.clone())
    }
}

async fn serve(stream: TcpStream, manner: Manner, received: Arc<Mutex<Vec<http::request::Parts>>>) {
    let mut first = [0; 3];
    drop(stream.peek(&mut first).await);
    let count = Arc::new(AtomicUsize::new(0));
    let enough = Arc::new(tokio::sync::Notify::new());
    let (counted, told) = (count.clone(), enough.clone());
    let answer = service_fn(move |request: Request<Incoming>| {
        let (counted, told, received) = (counted.clone(), told.clone(), received.clone());
        async move {
            let (head, body) = request.into_parts();
            let version = format!("{:?}", head.version);
            received.lock().expect("the requests").push(head);
            let body = body
                .collect()
                .await
                .map_or(Bytes::new(), |body| body.to_bytes());
            tokio::time::sleep(manner.takes).await;
            if counted.fetch_add(1, Ordering::SeqCst) + 1 >= manner.requests {
                told.notify_one();
            }
            let text = format!("{version} {}", body.len());
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
        }
    });
    if first != *b"PRI" {
        drop(
            http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await,
        );
        return;
    }
    let served = http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(manner.streams)
        .serve_connection(TokioIo::new(stream), answer);
    let mut served = std::pin::pin!(served);
    tokio::select! {
        _ = served.as_mut() => return,
        () = enough.notified() => served.as_mut().graceful_shutdown(),
    }
    drop(served.await);
}

/// A virtual proxy in front of one node with these properties.
async fn site(gateway: &Gateway, prefix: &str, node: Value) -> Cookie {
    let qrs = gateway.qrs();
    let node = qrs.node_with(node).await;
    qrs.virtual_proxy(prefix).node(node).create().await;
    let token = Keys::first().token().sign();
    let request = gateway.client().get(&format!("/{prefix}/qps/csrftoken"));
    request.bearer(&token).send().await.cookie()
}

async fn in_front_of(backend: &Backend) -> (Gateway, Cookie) {
    let gateway = Gateway::serve().setting("--worker-threads", "1").await;
    let uri = format!("http://{}", backend.address);
    let node = json!({ "services": [{ "path": "/", "uri": uri, "http2": true }] });
    let cookie = site(&gateway, "jwt", node).await;
    (gateway, cookie)
}

#[tokio::test]
async fn requests_share_one_connection() {
    let backend = Backend::start(Manner {
        takes: Duration::from_millis(50),
        ..FRIENDLY
    })
    .await;
    let (gateway, cookie) = in_front_of(&backend).await;
    let asked: Vec<_> = (0..20)
        .map(|_| tokio::spawn(gateway.client().get("/jwt/a?b=c").cookie(&cookie).send()))
        .collect();
    for answer in asked {
        let answer = answer.await.expect("an answer");
        assert_eq!((answer.status, answer.text().as_str()), (200, "HTTP/2.0 0"));
    }
    assert_eq!(backend.connections(), 1);
    let (uri, headers) = backend.last();
    let authority = gateway.client().host();
    assert_eq!(uri, format!("http://{authority}/a?b=c"));
    for name in ["host", "connection", "transfer-encoding", "upgrade", "te"] {
        assert!(!headers.contains_key(name), "{name}");
    }
    assert!(headers.contains_key("x-qlik-user"));

    let request = gateway.client().post("/jwt/up").cookie(&cookie);
    let answer = request
        .header("TE", "gzip, trailers")
        .body(vec![7; 300_000])
        .send()
        .await;
    assert_eq!(answer.text(), "HTTP/2.0 300000");
    assert_eq!(backend.last().1["te"], "trailers");
}

#[tokio::test]
async fn more_connections_are_made_when_streams_are_used_up() {
    let backend = Backend::start(Manner {
        streams: 1,
        takes: Duration::from_millis(100),
        ..FRIENDLY
    })
    .await;
    let (gateway, cookie) = in_front_of(&backend).await;
    for _ in 0..2 {
        let asked: Vec<_> = (0..6)
            .map(|_| tokio::spawn(gateway.client().post("/jwt/x").cookie(&cookie).send()))
            .collect();
        for answer in asked {
            let answer = answer.await.expect("an answer");
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
    assert!(backend.connections() > 1);
}

/// GOAWAY: what the backend did not take is sent again, whatever the method.
#[tokio::test]
async fn a_backend_that_ends_its_connections_costs_nobody_an_answer() {
    let backend = Backend::start(Manner {
        requests: 3,
        ..FRIENDLY
    })
    .await;
    let (gateway, cookie) = in_front_of(&backend).await;
    for _ in 0..10 {
        let asked: Vec<_> = (0..5)
            .map(|_| tokio::spawn(gateway.client().get("/jwt/x").cookie(&cookie).send()))
            .collect();
        for answer in asked {
            let answer = answer.await.expect("an answer");
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
    assert!(backend.connections() > 3);
}

#[tokio::test]
async fn a_websocket_goes_over_http_1() {
    let backend = Backend::start(FRIENDLY).await;
    let (gateway, cookie) = in_front_of(&backend).await;
    let request = gateway.client().get("/jwt/app/x").cookie(&cookie);
    let refused = request
        .open_socket()
        .await
        .err()
        .expect("this backend has none");
    assert_eq!(refused.text(), "HTTP/1.1 0");
    let (_, headers) = backend.last();
    assert_eq!(headers["upgrade"], "websocket");
    let request = gateway.client().get("/jwt/x").cookie(&cookie);
    assert_eq!(request.send().await.text(), "HTTP/2.0 0");
}

/// A certificate that is its own root, and its key, as PEM.
fn certificate(name: &str) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate").pem();
    (certificate, key.serialize_pem())
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")
}

/// Over TLS, for clients with one of these certificates. Says the protocol and which certificate it
/// saw, and ends the connection after each answer of HTTP/1.1.
async fn over_tls(
    server: &(String, String),
    clients: Vec<CertificateDer<'static>>,
    protocols: &[&str],
) -> String {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("protocols");
    let mut roots = RootCertStore::empty();
    for client in &clients {
        roots.add(client.clone()).expect("a root");
    }
    let builder = if clients.is_empty() {
        builder.with_no_client_auth()
    } else {
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
    };
    let key = PrivateKeyDer::from_pem_slice(server.1.as_bytes()).expect("a key");
    let mut config = builder
        .with_single_cert(vec![der(&server.0)], key)
        .expect("a certificate");
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else {
                continue;
            };
            let shown = stream
                .get_ref()
                .1
                .peer_certificates()
                .and_then(|chain| chain.first());
            let shown = clients.iter().position(|client| Some(client) == shown);
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let answer = service_fn(move |request: Request<Incoming>| async move {
                let text = format!("{:?} {shown:?}", request.version());
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
            });
            tokio::spawn(async move {
                let io = TokioIo::new(stream);
                match http2 {
                    true => drop(
                        http2::Builder::new(TokioExecutor::new())
                            .serve_connection(io, answer)
                            .await,
                    ),
                    false => drop(
                        http1::Builder::new()
                            .keep_alive(false)
                            .serve_connection(io, answer)
                            .await,
                    ),
                }
            });
        }
    });
    format!("https://localhost:{port}")
}

#[tokio::test]
async fn over_tls_the_backend_chooses_the_protocol() {
    let server = certificate("localhost");
    let gateway = Gateway::serve().await;
    for (prefix, offered, spoken) in [
        ("both", &["h2", "http/1.1"][..], "HTTP/2.0 None"),
        ("old", &["http/1.1"], "HTTP/1.1 None"),
        ("none", &[], "HTTP/1.1 None"),
    ] {
        let uri = over_tls(&server, Vec::new(), offered).await;
        let node = json!({
            "caCertificate": server.0,
            "services": [{ "path": "/", "uri": uri, "http2": true }],
        });
        let cookie = site(&gateway, prefix, node).await;
        for _ in 0..3 {
            let request = gateway
                .client()
                .get(&format!("/{prefix}/x"))
                .cookie(&cookie);
            assert_eq!(request.send().await.text(), spoken, "{prefix}");
        }
    }
}

/// Neither a connection nor a TLS session that was agreed with one certificate serves another.
#[tokio::test]
async fn two_nodes_never_share_a_client_certificate() {
    let server = certificate("localhost");
    let clients = [certificate("first"), certificate("second")];
    let known: Vec<_> = clients.iter().map(|client| der(&client.0)).collect();
    for protocols in [&["http/1.1"][..], &["h2"]] {
        let uri = over_tls(&server, known.clone(), protocols).await;
        let gateway = Gateway::serve().setting("--worker-threads", "1").await;
        let mut sites = Vec::new();
        for (number, client) in clients.iter().enumerate() {
            let node = json!({
                "caCertificate": server.0,
                "clientCertificate": client.0,
                "clientKey": client.1,
                "services": [{ "path": "/", "uri": uri, "http2": protocols == ["h2"] }],
            });
            let prefix = format!("site{number}");
            sites.push((site(&gateway, &prefix, node).await, prefix));
        }
        let mut seen = BTreeSet::new();
        for _ in 0..10 {
            for (number, (cookie, prefix)) in sites.iter().enumerate() {
                let request = gateway.client().get(&format!("/{prefix}/x")).cookie(cookie);
                let text = request.send().await.text();
                assert!(
                    text.ends_with(&format!("Some({number})")),
                    "{prefix}: {text}"
                );
                seen.insert(text);
            }
        }
        assert_eq!(seen.len(), 2, "{seen:?}");
    }
}
