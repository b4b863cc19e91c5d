//! What is fetched, from where, and what is not.

use super::*;
use crate::testing::{Certificate, Mode, Server, fetcher, quick, resetting};

async fn get(server: &Server, limit: usize) -> Result<Fetched, FetchError> {
    let location = Location::parse(&server.at("/jwks")).unwrap();
    let written = WrittenHosts::of(&location);
    fetcher(quick()).get(&location, &written, limit).await
}

#[tokio::test]
async fn a_document_comes_over_tls_with_its_freshness() {
    let (body, headers) = (
        "{}".to_owned(),
        "Cache-Control: max-age=77\r\nContent-Type: text/x\r\n",
    );
    let server = Server::start(Mode::Document { body, headers }).await;
    let fetched = get(&server, 2).await.unwrap();
    assert_eq!(&*fetched.body, b"{}");
    assert_eq!(fetched.fresh_for, Some(Duration::from_secs(77)));
    assert!(matches!(
        get(&server, 1).await,
        Err(FetchError::TooLarge(1))
    ));
}

#[tokio::test]
async fn plain_http_is_for_this_machine() {
    let server = Server::with(Certificate::None, Mode::document("{}")).await;
    assert_eq!(&*get(&server, 100).await.unwrap().body, b"{}");
}

/// Each way to fail has its kind and its sentence.
#[tokio::test]
async fn failures_are_told_apart() {
    let server = Server::start(Mode::Silence).await;
    let encoded = Mode::Document {
        body: "{}".to_owned(),
        headers: "Content-Encoding: gzip\r\n",
    };
    let modes = [
        (Mode::Status(500), "status"),
        (Mode::Status(304), "status"),
        (Mode::Silence, "timeout"),
        (Mode::Drip, "timeout"),
        (Mode::Huge { announced: true }, "too_large"),
        (Mode::Huge { announced: false }, "too_large"),
        (Mode::Reset, "connection_failed"),
        (Mode::Nonsense, "connection_failed"),
        (encoded, "key_set_invalid"),
    ];
    let mut sentences = Vec::new();
    for (mode, outcome) in modes {
        server.set(mode.clone());
        let error = get(&server, MAX_KEY_SET).await.unwrap_err();
        assert_eq!(error.outcome(), outcome, "{mode:?}: {error}");
        sentences.push(format!("{mode:?}: the key set {error}"));
    }
    for certificate in [Certificate::Expired, Certificate::Foreign] {
        let server = Server::with(certificate, Mode::document("{}")).await;
        let error = get(&server, 100).await.unwrap_err();
        assert_eq!(error.outcome(), "tls_failed");
        // The names in it are long, and not ours.
        let sentence = error.to_string();
        sentences.push(format!(
            "the key set {}",
            &sentence[..60.min(sentence.len())]
        ));
    }
    insta::assert_snapshot!(sentences.join("\n"));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let location = Location::parse("https://127.0.0.1:1/").unwrap();
    let fetched = fetcher(quick())
        .get(&location, &WrittenHosts::of(&location), 100)
        .await;
    assert_eq!(fetched.unwrap_err().outcome(), "unreachable");
    let location = Location::parse("https://does-not-exist.invalid/").unwrap();
    let fetched = fetcher(quick())
        .get(&location, &WrittenHosts::of(&location), 100)
        .await;
    assert!(matches!(
        fetched.unwrap_err().outcome(),
        "unreachable" | "timeout"
    ));
    let location = Location::parse(&format!("https://{}/", resetting().await)).unwrap();
    let fetched = fetcher(quick())
        .get(&location, &WrittenHosts::of(&location), 100)
        .await;
    let outcome = fetched.unwrap_err().outcome();
    assert!(matches!(outcome, "tls_failed" | "unreachable"), "{outcome}");
}

#[tokio::test]
async fn redirects_are_followed_three_times_at_most() {
    let body = "{}".to_owned();
    let server = Server::start(Mode::Silence).await;
    server.set(Mode::Redirect {
        to: "/end".to_owned(),
        body: body.clone(),
    });
    assert_eq!(&*get(&server, 100).await.unwrap().body, b"{}");
    server.set(Mode::Redirect {
        to: server.at("/end"),
        body: body.clone(),
    });
    assert_eq!(&*get(&server, 100).await.unwrap().body, b"{}");
    let before = server.requests();
    server.set(Mode::Redirect {
        to: "/again".to_owned(),
        body,
    });
    let error = get(&server, 100).await.unwrap_err();
    assert_eq!(error.to_string(), "is redirected more than 3 times");
    assert_eq!(server.requests() - before, 4);
}

/// J4: neither a redirect nor a document leads into the network.
#[tokio::test]
async fn redirects_do_not_lead_to_internal_addresses_or_other_schemes() {
    let target = Server::start(Mode::document("{}")).await;
    let server = Server::start(Mode::Silence).await;
    let port = target.address.port();
    for to in [
        format!("https://127.0.0.1:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        "https://10.0.0.1/".to_owned(),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://[fd00:ec2::254]/".to_owned(),
        format!("http://localhost:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        server.set(Mode::Redirect {
            to: to.clone(),
            body: String::new(),
        });
        let error = get(&server, 100).await.unwrap_err();
        let outcome = error.outcome();
        assert!(
            matches!(outcome, "address_refused" | "redirect_refused"),
            "{to}: {error}"
        );
    }
    assert_eq!(target.requests(), 0);
}

#[tokio::test]
async fn a_discovery_document_does_not_lead_to_internal_addresses() {
    let keys = Server::start(Mode::document("{}")).await;
    let location = Location::parse(&format!("https://127.0.0.1:{}/", keys.address.port())).unwrap();
    let written = WrittenHosts::of(&Location::parse("https://localhost/").unwrap());
    let error = fetcher(quick())
        .get(&location, &written, 100)
        .await
        .unwrap_err();
    assert_eq!(error.outcome(), "address_refused");
    assert_eq!(keys.requests(), 0);
}

#[tokio::test]
async fn the_second_form_of_discovery_is_tried_when_the_first_is_missing() {
    let server = Server::start(Mode::Silence).await;
    let issuer = server.at("/realm");
    let document = serde_json::json!({"issuer": issuer, "jwks_uri": server.at("/keys")});
    let written = WrittenHosts::of(&Location::parse(&issuer).unwrap());
    let fetcher = fetcher(quick());
    for path in [
        "/realm/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/realm",
    ] {
        server.set(Mode::Paths(vec![(path, document.to_string())]));
        let (location, _) = fetcher.discover(&issuer, &written).await.unwrap();
        assert_eq!(location.to_string(), server.at("/keys"));
    }
    server.set(Mode::document(" ".repeat(MAX_DISCOVERY + 1)));
    let error = fetcher.discover(&issuer, &written).await.unwrap_err();
    assert_eq!(error.outcome(), "too_large");
}
