//! Backends that a draft adds or changes are tried before anything is saved.

mod support {
    pub(crate) mod certificates;
    #[expect(dead_code, reason = "what only API keys need")]
    pub(crate) mod native;
}

use std::sync::Arc;
use std::time::Duration;

use jotgate_scenarios::{Backend, Gateway, Reply};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use support::certificates::{Pair, for_names};
use support::native::Native;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A root, and what it has signed for `localhost`, valid until that year.
fn signed(root: &str, until: i32) -> (String, Pair) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, root);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let issuer = CertifiedIssuer::self_signed(params, key).expect("a root");
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let pair = Pair {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    };
    (issuer.pem(), pair)
}

/// A backend of TLS that ends each connection after the handshake; its address.
async fn over_tls(pair: &Pair) -> String {
    let chain = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocols")
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .expect("a certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move { drop(acceptor.accept(stream).await) });
        }
    });
    format!("https://localhost:{port}")
}

/// A port that takes connections and says nothing.
async fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, format!("https://{address}"))
}

/// A port that answers whatever comes in plain text.
async fn in_plain_text() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
            drop(stream.write_all(answer).await);
        }
    });
    format!("https://{address}")
}

/// A draft with a new node for each service; the nodes are called by their places.
fn draft(services: &[(&Value, Option<&str>)]) -> Value {
    let nodes = services.iter().enumerate().map(|(at, (service, root))| {
        let properties = json!({
            "name": format!("node {at}"), "hostName": "portal", "services": [service],
            "caCertificate": root.unwrap_or_default(),
        });
        json!({"put": {"kind": "ServerNodeConfiguration", "properties": properties}})
    });
    json!({"changes": nodes.collect::<Vec<_>>()})
}

fn service(uri: &str) -> Value {
    json!({"path": "/", "uri": uri})
}

fn with_health(uri: &str) -> Value {
    json!({"path": "/", "uri": uri, "healthPath": "/up"})
}

#[tokio::test]
async fn each_backend_of_a_draft_is_tried_and_says_what_is_wrong() {
    let gateway = Gateway::serve().await;
    let native = Native::of(&gateway);
    let well = Backend::echo().await;
    let unwell = Backend::answering(|_| Reply::new(503, &[], "unwell")).await;
    let dead = format!("http://{}", Backend::nowhere().await);
    let (root, pair) = signed("The house's root", 2100);
    let (expired_root, expired) = signed("An old root", 2021);
    let other_host = for_names(&["elsewhere.example"]);
    let (_silent, silent) = silent().await;
    let (trusted, untrusted) = (over_tls(&pair).await, over_tls(&pair).await);
    let (expired, other) = (over_tls(&expired).await, over_tls(&other_host).await);
    let plain = in_plain_text().await;
    let cases = [
        (with_health(&well.uri()), None, "reachable", "200 OK"),
        (service(&well.uri()), None, "reachable", "takes connections"),
        (with_health(&unwell.uri()), None, "unhealthy", "503"),
        (service(&dead), None, "refused", "refuses connections"),
        (
            service("http://nobody.invalid"),
            None,
            "name_not_resolved",
            "cannot be resolved",
        ),
        (
            service(&trusted),
            Some(&*root),
            "reachable",
            "takes connections",
        ),
        (
            service(&untrusted),
            None,
            "not_trusted",
            "CN=The house's root",
        ),
        (
            service(&expired),
            Some(&*expired_root),
            "certificate_invalid",
            "expired",
        ),
        (
            service(&other),
            Some(&*other_host.certificate),
            "certificate_invalid",
            "elsewhere.example",
        ),
        (service(&silent), None, "timed_out", "within 3 s"),
        (service(&plain), None, "tls_failed", "TLS handshake"),
    ];
    let wanted: Vec<_> = cases
        .iter()
        .map(|(service, root, ..)| (service, *root))
        .collect();
    let draft = draft(&wanted);
    let tried = native.ask("POST", "/configuration/preview", &draft).await;
    let backends = tried["backends"]["tried"].as_array().expect("backends");
    assert_eq!(backends.len(), cases.len(), "{tried}");
    for (at, (_, _, outcome, detail)) in cases.iter().enumerate() {
        let name = json!(format!("node {at}"));
        let mut named = backends
            .iter()
            .filter(|backend| backend["nodeName"] == name);
        let backend = named.next().expect("the backend");
        assert_eq!(backend["outcome"], *outcome, "{backend}");
        let told = backend["detail"].as_str().expect("a sentence");
        assert!(told.contains(detail), "{backend}");
        assert_eq!(
            backend["remedy"].is_null(),
            *outcome == "reachable",
            "{backend}"
        );
    }
    let revisions = native.ask("GET", "/revisions?limit=1", &Value::Null).await;
    assert_eq!(revisions["revisions"][0]["revision"], tried["before"]);
    assert_eq!(well.received().len(), 1, "one health path, once");
}

/// Nothing that the gateway shows to a backend, and nothing that it is told, leads to traffic.
#[tokio::test]
async fn a_try_holds_nothing_against_a_node() {
    let gateway = Gateway::serve().await;
    let native = Native::of(&gateway);
    let backend = Backend::answering(|received| match &*received.target() {
        "/up" => Reply::new(503, &[], "unwell"),
        _ => Reply::text("hello"),
    });
    let backend = backend.await;
    let node = gateway.qrs().node(&backend).await;
    let properties = json!({"services": [with_health(&backend.uri())]});
    let change = json!({"put": {
        "kind": "ServerNodeConfiguration", "id": node, "properties": properties,
    }});
    let tried = native
        .ask(
            "POST",
            "/configuration/preview",
            &json!({"changes": [change]}),
        )
        .await;
    assert_eq!(tried["backends"]["tried"][0]["outcome"], "unhealthy");
    let known = native.ask("GET", "/backends", &Value::Null).await;
    let known = known["backends"].as_array().expect("backends");
    let states = known.iter().map(|backend| &backend["state"]);
    assert!(states.into_iter().all(|state| *state == json!("up")));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(backend.received().len(), 1, "the check was not switched on");
}
