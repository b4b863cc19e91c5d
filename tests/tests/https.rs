//! What makes clients use HTTPS, and the right certificate.

#[path = "support/certificates.rs"]
mod certificates;

use std::fs;

use certificates::for_names;
use jotgate_scenarios::{Backend, Client, Gateway, Keys, Reply};

/// A gateway with a pair for each of the lists of names, and a client that trusts them and asks for
/// `localhost`.
async fn with_pairs(lists: &[&[&str]]) -> (Gateway, Client) {
    let folder = std::sync::Arc::new(jotgate_scenarios::Folder::of_a_new_site("serve"));
    let mut builder = Gateway::serve().folder(folder.clone());
    let trusted = folder.path().join("trusted");
    fs::create_dir(&trusted).expect("a folder");
    let mut roots = String::new();
    for (number, names) in lists.iter().enumerate() {
        let pair = for_names(names);
        let [certificate, key] =
            ["", "_key"].map(|end| folder.path().join(format!("pair{number}{end}.pem")));
        fs::write(&certificate, &pair.certificate).expect("a file");
        fs::write(&key, &pair.key).expect("a file");
        builder = builder
            .setting("--tls-certificate", certificate.to_str().expect("text"))
            .setting("--tls-key", key.to_str().expect("text"));
        roots += &pair.certificate;
    }
    fs::write(trusted.join("root.pem"), roots).expect("a file");
    let gateway = builder.await;
    let client = Client::tls(gateway.listeners().gateway[0], &trusted);
    (gateway, client)
}

#[tokio::test]
async fn a_host_of_another_certificate_is_misdirected() {
    let (_gateway, client) = with_pairs(&[
        &["other.example", "*.many.example"],
        &["localhost", "also.example"],
        &["also.example", "third.example"],
    ])
    .await;
    let ask = async |host: &str| client.get("/").header("Host", host).send().await;
    for fine in ["localhost", "LOCALHOST:8443", "localhost.", "also.example"] {
        assert_eq!(ask(fine).await.status, 401, "{fine}");
    }
    for other in [
        "other.example",
        "a.many.example:443",
        "third.example",
        "unknown.example",
        "127.0.0.1",
        "[::1]:8443",
    ] {
        let answer = ask(other).await;
        assert_eq!(answer.status, 421, "{other}");
        assert_eq!(answer.header("jotgate-reason"), "request_misdirected");
    }
}

/// Whoever asks for no name has not been promised one; HTTP/2 is judged as HTTP/1.1, stream by stream.
#[tokio::test]
async fn the_name_of_the_handshake_chooses_and_its_absence_binds_nobody() {
    let (_gateway, client) = with_pairs(&[
        &["first.example", "127.0.0.1"],
        &["*.many.example"],
        &["localhost"],
    ])
    .await;
    let ask = async |name: &'static str, host: &str| {
        let client = client.clone().asking_for(name);
        let request = || client.get("/").header("Host", host);
        let over_http_1 = request().send().await;
        let http2 = client.http2().await;
        let over_http_2 = http2.send_to(host, client.get("/")).await;
        assert_eq!(over_http_1.status, over_http_2.status, "{name} {host}");
        assert_eq!(over_http_1.reason(), over_http_2.reason(), "{name} {host}");
        over_http_1.status
    };
    // The handshakes succeed only with the certificate that has the name.
    for (name, host, status) in [
        ("a.many.example", "a.many.example", 401),
        ("a.many.example", "b.many.example", 401),
        ("a.many.example", "a.b.many.example", 421),
        ("a.many.example", "many.example", 421),
        ("a.many.example", "localhost", 421),
        ("localhost", "localhost", 401),
        ("localhost", "first.example", 421),
        ("127.0.0.1", "127.0.0.1", 401),
        ("127.0.0.1", "localhost", 401),
    ] {
        assert_eq!(ask(name, host).await, status, "{name} {host}");
    }
}

#[tokio::test]
async fn one_certificate_serves_whatever_host_comes() {
    let (_gateway, client) = with_pairs(&[&["localhost"]]).await;
    let answer = client.get("/").header("Host", "other.example").send().await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn strict_transport_security_is_said_over_tls_only_and_once() {
    let backend = Backend::answering(|_| {
        let own = ("Strict-Transport-Security", "max-age=1; includeSubDomains");
        Reply::new(200, &[own], "hello")
    })
    .await;
    let gateway = Gateway::serve().setting("--hsts", "8760h").await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let said = |answer: &jotgate_scenarios::Answer| {
        let fields = answer.headers.get_all("strict-transport-security");
        let text = |value: &http::HeaderValue| value.to_str().expect("text").to_owned();
        fields.iter().map(text).collect::<Vec<_>>()
    };
    let token = Keys::first().token().sign();
    for (path, status) in [("/jwt/", 200), ("/jwt%00/", 400), ("/", 401)] {
        let client = gateway.client();
        let answer = client.get(path).bearer(&token).send().await;
        assert_eq!(
            (answer.status, said(&answer)),
            (status, vec!["max-age=31536000".to_owned()])
        );
        let client = gateway.plain_client();
        let answer = client.get(path).bearer(&token).send().await;
        assert_eq!(answer.status, status);
        assert!(!said(&answer).contains(&"max-age=31536000".to_owned()));
    }
}

#[tokio::test]
async fn plain_http_is_sent_to_the_same_address_over_https() {
    let gateway = Gateway::serve()
        .setting("--http-redirect", "on")
        .setting("--public-host", "gate.example.com")
        .await;
    let port = gateway.listeners().gateway[0].port();
    let client = gateway.plain_client();
    let ask = async |host: &str, path: &str| client.get(path).header("Host", host).send().await;
    for host in [
        "gate.example.com",
        "gate.example.com:8080",
        "GATE.example.com",
    ] {
        let answer = ask(host, "/jwt/hub/?a=b%20c&d").await;
        assert_eq!(answer.status, 308);
        let name = host.split(':').next().expect("a name");
        let expected = format!("https://{name}:{port}/jwt/hub/?a=b%20c&d");
        assert_eq!(answer.header("location"), expected);
    }
    let answer = ask("gate.example.com", "/.well-known/acme-challenge/x").await;
    assert_eq!(answer.status, 308);
    for made_up in [
        "evil.example",
        "gate.example.com.evil.example",
        "a.gate.example.com",
    ] {
        let answer = ask(made_up, "/").await;
        assert_eq!(answer.status, 400, "{made_up}");
        assert_eq!(answer.header("jotgate-reason"), "host_invalid");
        assert_eq!(answer.header("location"), "");
    }
    assert_eq!(
        gateway.client().get("/").send().await.status,
        401,
        "HTTPS is served"
    );
}

#[tokio::test]
async fn the_port_of_the_redirect_can_be_that_of_something_in_front() {
    let gateway = Gateway::serve()
        .setting("--http-redirect", "443")
        .setting("--trusted-proxy", "127.0.0.1")
        .await;
    let client = gateway.plain_client();
    let answer = client.get("/a").send().await;
    assert_eq!(answer.header("location"), "https://localhost/a");
    // The client of a trusted proxy came over TLS already.
    let answer = client
        .get("/a")
        .header("X-Forwarded-Proto", "https")
        .send()
        .await;
    assert_eq!(answer.status, 401);
}
